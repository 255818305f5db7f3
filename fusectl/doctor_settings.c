// SPDX-License-Identifier: GPL-2.0
/*
 * Checks of `fusectl doctor`: what modprobe.d says of fuse_ext, and errors in
 * the policy's files.  Not for the settings of single connections.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "files.h"
#include "fusectl.h"
#include "kernel.h"
#include "policy.h"
#include "toggles.h"

/* modprobe takes - and _ for the same */
static bool is_module(const char *name)
{
	return name && (!strcmp(name, "fuse_ext") || !strcmp(name, "fuse-ext"));
}

static bool takes(int toggle, const char *word)
{
	return !strcmp(word, "auto") || !strcmp(word, "on") ||
	       !strcmp(word, "off") || (!toggle && !strcmp(word, "exit"));
}

/* What the distribution's driver takes, so does fuse_ext, which is made of it. */
static bool is_stock_option(const char *option)
{
	static const char *const names[] = {
		"allow_sys_admin_access", "enable_uring", "max_user_bgreq",
		"max_user_congthresh",
	};
	char *name, *value;
	bool found = false;
	size_t i;

	if (kernel_loaded()) {
		name = text_format("parameters/%s", option);
		value = kernel_module_attribute(name);
		found = value;
		free(value);
		free(name);
		return found;
	}
	for (i = 0; i < ARRAY_SIZE(names); i++)
		found = found || !strcmp(option, names[i]);
	return found;
}

static void check_option(struct doctor *doctor, const char *path, char *option)
{
	char *value = strchr(option, '='), *name, *now;
	int i;

	if (value)
		*value++ = '\0';
	for (i = 0; i < TOGGLE_COUNT; i++) {
		if (!strcmp(option, toggle_names[i]))
			break;
	}
	if (i == TOGGLE_COUNT && is_stock_option(option))
		return;
	if (i == TOGGLE_COUNT || !value || !takes(i, value)) {
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("%s sets %s=%s, which fuse_ext doesn't know",
					 path, option, value ? value : ""),
			     "such an option is passed over, or keeps fuse_ext from loading",
			     text_format("editor %s", path));
		return;
	}
	name = text_format("parameters/%s", option);
	now = kernel_module_attribute(name);
	if (now && strcmp(now, value))
		doctor_found(doctor, SEVERITY_INFO,
			     text_format("%s is %s module-wide, but %s sets it to %s",
					 option, now, path, value),
			     "after the next load it is what the file says",
			     text_format("fusectl set %s %s", option, value));
	free(now);
	free(name);
}

static void check_line(struct doctor *doctor, const char *path, char *line)
{
	char *save, *word = strtok_r(line, " \t", &save), *option;

	if (!word || *word == '#' || !is_module(strtok_r(NULL, " \t", &save)))
		return;
	if (!strcmp(word, "options")) {
		while ((option = strtok_r(NULL, " \t", &save)))
			check_option(doctor, path, option);
	} else if (!strcmp(word, "blacklist") || !strcmp(word, "install")) {
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("%s has '%s fuse_ext'", path, word),
			     !strcmp(word, "install") ?
			     "modprobe runs that command instead of loading it" :
			     "it isn't loaded at boot",
			     text_format("editor %s", path));
	}
}

static void check_file(struct doctor *doctor, const char *path)
{
	char *text = file_read(path), *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n")))
		check_line(doctor, path, line);
	free(text);
}

static void check_modprobe(struct doctor *doctor)
{
	static const char *const directories[] = {
		"/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d",
	};
	char **names, *path;
	size_t i, j, count;

	for (i = 0; i < ARRAY_SIZE(directories); i++) {
		file_names(directories[i], &names, &count);
		for (j = 0; j < count; j++) {
			if (fnmatch("*.conf", names[j], 0))
				continue;
			path = text_format("%s/%s", directories[i], names[j]);
			check_file(doctor, path);
			free(path);
		}
		file_names_free(names, count);
	}
}

/* A file as a whole may be what only root may read. */
static void found_error(struct doctor *doctor, const struct policy_error *error)
{
	enum severity severity = error->line || !geteuid() ?
				 SEVERITY_PROBLEM : SEVERITY_UNCHECKED;
	char *what = error->line ?
		     text_format("%s:%u:%u: %s", error->name, error->line,
				 error->column, error->text) :
		     text_format("%s: %s", error->name, error->text);

	doctor_found(doctor, severity, what,
		     "with an error in one file, none of them is put in force",
		     text_format("editor %s; fusectl check", error->name));
}

static void check_policy(struct doctor *doctor)
{
	struct policy_errors errors = { 0 };
	struct policy policy = { 0 };
	size_t i;

	policy_read(&policy, &errors);
	for (i = 0; i < errors.count; i++)
		found_error(doctor, &errors.error[i]);
	policy_errors_free(&errors);
	policy_free(&policy);
}

const struct check doctor_settings[] = {
	{ "modprobe.d", check_modprobe },
	{ "policy", check_policy },
	{ NULL, NULL },
};
