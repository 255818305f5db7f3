// SPDX-License-Identifier: GPL-2.0
/*
 * Set a toggle on several connections, all or none, or module-wide; in the
 * kernel and, if it is to last, in the policy's file.  Not for how that is
 * written, see policy_write.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "connections.h"
#include "control.h"
#include "fusectl.h"
#include "kernel.h"
#include "policy_write.h"
#include "text.h"
#include "toggles.h"

static int read_settings(const char *place, const char *toggle, const char *word,
			 const struct target *targets, size_t count,
			 char **settings)
{
	size_t i;

	for (i = 0; i < count; i++) {
		settings[i] = kernel_connection_file(place,
						     targets[i].connection,
						     toggle);
		if (!settings[i])
			return kernel_write_failed(toggle, word,
						   targets[i].name, -errno);
	}
	return STATUS_OK;
}

static void set_back(const char *place, const char *toggle,
		     const struct target *targets, char *const *settings,
		     size_t count)
{
	size_t i;
	int ret;

	for (i = count; i; i--) {
		const struct target *target = &targets[i - 1];
		const char *old = settings[i - 1];

		ret = kernel_connection_write(place, target->connection, toggle,
					      old);
		if (ret)
			complain_more("%s: can't set %s back to %s: %s",
				      target->name, toggle, old,
				      strerror(-ret));
		else
			complain_more("%s: %s is back on %s", target->name,
				      toggle, old);
	}
}

static int write_all(const char *place, const char *toggle, const char *word,
		     const struct target *targets, char *const *settings,
		     size_t count)
{
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = kernel_connection_write(place, targets[i].connection,
					      toggle, word);
		if (!ret)
			continue;
		ret = kernel_write_failed(toggle, word, targets[i].name, ret);
		set_back(place, toggle, targets, settings, i);
		return ret;
	}
	return STATUS_OK;
}

static int dry_write(const char *place, const char *toggle, const char *word,
		     const struct target *targets, char *const *settings,
		     size_t count)
{
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		char *name;

		ret = kernel_would_take(place, targets[i].connection, toggle,
					word);
		if (ret)
			return kernel_write_failed(toggle, word,
						   targets[i].name, ret);
		name = text_printable(targets[i].name, false);
		printf("%s/%u/%s (%s): %s -> %s\n", place,
		       targets[i].connection, toggle, name, settings[i], word);
		free(name);
	}
	return STATUS_OK;
}

/* What is written to the policy for a word in the kernel. */
static const char *policy_word(const char *word, enum change_mode mode)
{
	return mode & CHANGE_FORGET ? NULL : word;
}

/*
 * The file is written before the kernel is told, and takes its place after:
 * what can fail for want of space or permission fails while nothing is done.
 */
static int write_both(const char *place, int toggle, const char *word,
		      const struct connections *connections,
		      const struct target *targets, char *const *settings,
		      size_t count, enum change_mode mode)
{
	const char *name = toggle_names[toggle];
	struct policy_edit edit = { 0 };
	int status = STATUS_OK;

	if (mode & CHANGE_PERSIST)
		status = policy_edit(&edit, toggle, policy_word(word, mode),
				     connections, targets, count);
	if (!status && (mode & CHANGE_DRY)) {
		status = dry_write(place, name, word, targets, settings, count);
		if (!status && (mode & CHANGE_PERSIST))
			policy_edit_tell(&edit);
		goto out;
	}
	if (!status && (mode & CHANGE_PERSIST))
		status = policy_edit_write(&edit);
	if (!status)
		status = write_all(place, name, word, targets, settings, count);
	if (!status && (mode & CHANGE_PERSIST)) {
		status = policy_edit_commit(&edit);
		if (status)
			set_back(place, name, targets, settings, count);
	}
out:
	policy_edit_free(&edit);
	return status;
}

/* Two that change the file would each lose what the other one wrote. */
static int lock_for(enum change_mode mode)
{
	int lock = 0;

	if ((mode & CHANGE_PERSIST) && !(mode & CHANGE_DRY) && !geteuid())
		lock = control_lock();
	return lock < 0 ? control_status(lock) : STATUS_OK;
}

int change(int toggle, const char *word, char *const *names, size_t count,
	   enum change_mode mode)
{
	struct target *targets = memory(count, sizeof(*targets));
	char **settings = memory(count, sizeof(*settings));
	struct connections connections;
	size_t i, found = 0;
	int status;

	status = lock_for(mode);
	if (!status)
		status = mode & CHANGE_DRY ?
			 connections_read_only(&connections) :
			 connections_read(&connections);
	if (status)
		goto out;
	status = connections_targets(&connections, names, count, targets,
				     &found);
	if (!status)
		status = read_settings(connections.own_place,
				       toggle_names[toggle], word, targets,
				       found, settings);
	if (!status)
		status = write_both(connections.own_place, toggle, word,
				    &connections, targets, settings, found,
				    mode);
	for (i = 0; i < found; i++)
		free(settings[i]);
	connections_free(&connections);
out:
	free(settings);
	free(targets);
	return status;
}

static int write_module(const char *name, const char *word)
{
	int ret = kernel_module_write(name, word);

	return ret ? kernel_write_failed(name, word, "module-wide", ret) :
	       STATUS_OK;
}

static int dry_module(const char *name, const char *old, const char *word)
{
	int ret = kernel_would_take(NULL, 0, name, word);

	if (ret)
		return kernel_write_failed(name, word, "module-wide", ret);
	printf("/sys/module/fuse_ext/parameters/%s: %s -> %s\n", name, old,
	       word);
	return STATUS_OK;
}

static int persist_module(int toggle, const char *old, const char *word,
			  enum change_mode mode)
{
	const char *name = toggle_names[toggle];
	struct policy_edit edit = { 0 };
	int status;

	status = policy_edit(&edit, toggle, word, NULL, NULL, 0);
	if (!status && (mode & CHANGE_DRY)) {
		status = dry_module(name, old, word);
		if (!status)
			policy_edit_tell(&edit);
		goto out;
	}
	if (!status)
		status = policy_edit_write(&edit);
	if (!status)
		status = write_module(name, word);
	if (status)
		goto out;
	status = policy_edit_commit(&edit);
	if (status && kernel_module_write(name, old))
		complain_more("module-wide: can't set %s back to %s", name, old);
	else if (status)
		complain_more("module-wide: %s is back on %s", name, old);
out:
	policy_edit_free(&edit);
	return status;
}

int change_module(int toggle, const char *word, enum change_mode mode)
{
	const char *name = toggle_names[toggle];
	char *parameter, *old;
	int status;

	if (!mode)
		return write_module(name, word);
	status = lock_for(mode);
	if (status)
		return status;
	parameter = text_format("parameters/%s", name);
	old = kernel_module_attribute(parameter);
	free(parameter);
	if (!old)
		return kernel_write_failed(name, word, "module-wide", -errno);
	if (mode & CHANGE_PERSIST)
		status = persist_module(toggle, old, word, mode);
	else
		status = dry_module(name, old, word);
	free(old);
	return status;
}
