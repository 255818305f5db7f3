// SPDX-License-Identifier: GPL-2.0
/*
 * Set a toggle on several connections, all or none.  Not for the
 * module-wide value, see set.c.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "connections.h"
#include "fusectl.h"
#include "kernel.h"
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

int change(int toggle, const char *word, char *const *names, size_t count)
{
	struct target *targets = memory(count, sizeof(*targets));
	char **settings = memory(count, sizeof(*settings));
	const char *name = toggle_names[toggle];
	struct connections connections;
	size_t i, found = 0;
	int status;

	status = connections_read(&connections);
	if (status)
		goto out;
	status = connections_targets(&connections, names, count, targets,
				     &found);
	if (!status)
		status = read_settings(connections.own_place, name, word,
				       targets, found, settings);
	if (!status)
		status = write_all(connections.own_place, name, word, targets,
				   settings, found);
	for (i = 0; i < found; i++)
		free(settings[i]);
	connections_free(&connections);
out:
	free(settings);
	free(targets);
	return status;
}
