// SPDX-License-Identifier: GPL-2.0
/*
 * Checks of `fusectl doctor`: what the module was built from, and whether there
 * is one for the kernel that boots next.  Not for what is loaded now, see
 * doctor_module.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "doctor.h"
#include "files.h"
#include "ops.h"

#define MODULES		"/lib/modules"
#define DKMS		"/var/lib/dkms/fuse-ext"

static void chomp(char *text)
{
	if (text)
		text[strcspn(text, "\n")] = '\0';
}

static bool is_newer(const char *version, const char *than)
{
	const char *const command[] = {
		"dpkg", "--compare-versions", version, "gt", than, NULL,
	};

	return !ops_run(command, NULL);
}

static void check_source(struct doctor *doctor)
{
	char *provider = ops_module_field("fuse_source_provider");
	char *version = ops_module_field("fuse_source_version");
	const char *const command[] = {
		"dpkg-query", "-W", "-f", "${Version}\n",
		provider ? provider : "", NULL,
	};
	char *installed = NULL;

	if (!provider || !version || strncmp(provider, "linux-source", 12) ||
	    ops_run(command, &installed))
		goto out;
	chomp(installed);
	if (is_newer(installed, version))
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("fuse_ext was built from %s %s, but %s is installed",
					 provider, version, installed),
			     "it lacks the fixes of the newer source",
			     text_format("fuse-ext-source fetch --rebuild %s",
					 doctor->kernel));
out:
	free(installed);
	free(version);
	free(provider);
}

static bool can_boot(const char *release)
{
	char *boot = text_format("/boot/vmlinuz-%s", release);
	char *module = text_format(MODULES "/%s/vmlinuz", release);
	bool found = file_exists(boot) || file_exists(module);

	free(module);
	free(boot);
	return found;
}

/* The newest installed kernel, or NULL. */
static char *newest_kernel(void)
{
	char **names, *newest = NULL;
	size_t i, count;

	file_names(MODULES, &names, &count);
	for (i = 0; i < count; i++) {
		if (!can_boot(names[i]) ||
		    (newest && strverscmp(names[i], newest) <= 0))
			continue;
		free(newest);
		newest = text_copy(names[i]);
	}
	file_names_free(names, count);
	return newest;
}

static bool has_module(const char *release)
{
	static const char *const directories[] = {
		"updates/dkms", "updates", "extra", "weak-updates",
	};
	static const char *const ends[] = { "", ".xz", ".zst", ".gz" };
	bool found = false;
	size_t i;
	char *path;

	for (i = 0; i < 16 && !found; i++) {
		path = text_format(MODULES "/%s/%s/fuse_ext.ko%s", release,
				   directories[i / 4], ends[i % 4]);
		found = file_exists(path);
		free(path);
	}
	return found;
}

static bool has_debian_source(const char *release)
{
	int length = strspn(release, "0123456789.");
	const char *dot = strchr(release, '.');
	static const char *const ends[] = { "xz", "bz2", "gz" };
	bool found = false;
	size_t i;

	if (dot)
		length = dot + 1 + strspn(dot + 1, "0123456789") - release;
	for (i = 0; i < 3 && !found; i++) {
		char *path = text_format("/usr/src/linux-source-%.*s.tar.%s",
					 length, release, ends[i]);

		found = file_exists(path);
		free(path);
	}
	return found;
}

static void check_next(struct doctor *doctor)
{
	const char *why = "it is the newest kernel: after a boot of it, the stock driver serves";
	char *release = newest_kernel(), *headers = NULL;

	if (!release || !strcmp(release, doctor->kernel) || has_module(release))
		goto out;
	headers = text_format(MODULES "/%s/build/include", release);
	if (!file_exists(headers))
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("no fuse_ext for %s: its headers aren't installed",
					 release), why,
			     text_format(file_exists("/usr/bin/dpkg") ?
					 "apt install linux-headers-%s" :
					 "dnf install kernel-devel-%s",
					 release));
	else if (file_exists("/usr/bin/dpkg") && !has_debian_source(release) &&
		 !file_exists("/usr/src/fuse-ext-sources"))
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("no fuse_ext for %s: its source isn't installed",
					 release), why,
			     text_copy("fuse-ext-source fetch"));
	else
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("no fuse_ext for %s",
					 release), why,
			     text_format("dkms autoinstall -k %s", release));
out:
	free(headers);
	free(release);
}

/* The last line that tells of an error, or the last one; NULL. */
static char *last_error(const char *path)
{
	char *text = file_read(path), *rest = text, *line, *last = NULL;
	bool error = false;

	while (rest && (line = strsep(&rest, "\n"))) {
		bool is_error = strcasestr(line, "error") ||
				strstr(line, "prepare:");

		if (!*line || (error && !is_error))
			continue;
		error |= is_error;
		free(last);
		last = text_copy(line);
	}
	free(text);
	return last;
}

static char *find_log(const char *version, const char *release)
{
	char *path = text_format(DKMS "/%s/build/make.log", version);
	struct utsname machine;

	if (file_exists(path))
		return path;
	free(path);
	uname(&machine);
	path = text_format(DKMS "/%s/%s/%s/log/make.log", version, release,
			   machine.machine);
	if (file_exists(path))
		return path;
	free(path);
	return NULL;
}

static void complain_dkms(struct doctor *doctor, const char *state)
{
	char *log = find_log(FUSECTL_VERSION, doctor->kernel);
	char *error = log ? last_error(log) : NULL;

	doctor_found(doctor, SEVERITY_PROBLEM,
		     text_format("DKMS has fuse-ext for %s as '%s'%s%s%s%s",
				 doctor->kernel, state,
				 error ? "; the end of " : "",
				 error ? log : "", error ? ": " : "",
				 error ? error : ""),
		     "the module isn't built and installed for the running kernel",
		     text_format("dkms install fuse-ext/%s -k %s",
				 FUSECTL_VERSION, doctor->kernel));
	free(error);
	free(log);
}

/* "fuse-ext/1.0, 6.12.1-amd64, x86_64: installed"; older: "fuse-ext, 1.0, ..." */
static char *dkms_state(char *output, const char *kernel)
{
	char *needle = text_format(", %s, ", kernel);
	char *rest = output, *line, *state = NULL, *colon;

	while (!state && (line = strsep(&rest, "\n"))) {
		if (!strstr(line, needle))
			continue;
		colon = strstr(line, ": ");
		state = text_copy(colon ? colon + 2 : "");
	}
	free(needle);
	return state;
}

/*
 * DKMS' own note of that, kernel-RELEASE-MACHINE leading to VERSION/...:
 * `dkms status` is a shell script that takes its time.
 */
static bool dkms_has_installed(const char *kernel)
{
	char *start = text_format("kernel-%s-", kernel), *path, *target;
	char **names;
	size_t i, count, length = strlen(FUSECTL_VERSION);
	bool found = false;

	file_names(DKMS, &names, &count);
	for (i = 0; i < count && !found; i++) {
		if (strncmp(names[i], start, strlen(start)))
			continue;
		path = text_format(DKMS "/%s", names[i]);
		target = file_link(path);
		found = target && !strncmp(target, FUSECTL_VERSION, length) &&
			target[length] == '/';
		free(target);
		free(path);
	}
	file_names_free(names, count);
	free(start);
	return found;
}

static void check_dkms(struct doctor *doctor)
{
	const char *const command[] = { "dkms", "status", "fuse-ext", NULL };
	char *output = NULL, *state = NULL;
	int ret;

	if (dkms_has_installed(doctor->kernel))
		return;
	ret = ops_run(command, &output);
	if (ret) {
		doctor_found(doctor, SEVERITY_UNCHECKED,
			     text_copy(ret == -ETIMEDOUT ?
				       "dkms status takes too long" :
				       "dkms status can't be run, or it failed"),
			     "it tells whether the module is built for each kernel",
			     text_copy("dkms status"));
	} else if (*output) {
		state = dkms_state(output, doctor->kernel);
		if (!state || strncmp(state, "installed", 9))
			complain_dkms(doctor, state ? state : "not built");
	}
	free(state);
	free(output);
}

const struct check doctor_build[] = {
	{ "source", check_source },
	{ "next-boot", check_next },
	{ "dkms", check_dkms },
	{ NULL, NULL },
};
