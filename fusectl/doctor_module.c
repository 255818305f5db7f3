// SPDX-License-Identifier: GPL-2.0
/*
 * Checks of `fusectl doctor`: is the module loaded, is it the installed one,
 * and is its control filesystem where it should be.  Not for how it is built,
 * see doctor_build.c.
 */
#include <stdlib.h>

#include "doctor.h"
#include "installed.h"
#include "kernel.h"
#include "ops.h"

static void check_loaded(struct doctor *doctor)
{
	char *path = ops_module_field("filename");

	if (!path && !doctor->connections->loaded)
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("fuse_ext isn't installed for the running kernel, %s",
					 doctor->kernel),
			     "the stock driver serves all FUSE mounts",
			     text_format("dkms autoinstall -k %s",
					 doctor->kernel));
	else if (!doctor->connections->loaded)
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_copy("fuse_ext isn't loaded"),
			     "the stock driver serves new FUSE mounts",
			     text_copy("fusectl load"));
	free(path);
}

static const char *or_unknown(const char *text)
{
	return text ? text : "unknown";
}

static void check_installed(struct doctor *doctor)
{
	struct installed installed;

	if (!doctor->connections->loaded)
		return;
	installed_read(&installed);
	if (installed.path && !installed.same)
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("the installed fuse_ext (%s, %s) isn't the loaded one",
					 or_unknown(installed.version),
					 or_unknown(installed.source)),
			     "what an upgrade mended isn't in use yet",
			     text_copy("fusectl unload --when-idle && fusectl load"));
	installed_free(&installed);
}

static void check_control(struct doctor *doctor)
{
	const char *const places[] = { PLACE_OWN, PLACE_STANDARD };
	const struct mount *mount;
	size_t i;

	for (i = 0; doctor->connections->loaded && i < 2; i++) {
		mount = mounts_at(&doctor->connections->mounts, places[i]);
		if (mount && connections_is_own_control(mount))
			continue;
		doctor_found(doctor, SEVERITY_PROBLEM,
			     text_format("the control filesystem of fuse_ext isn't mounted at %s",
					 places[i]),
			     "its connections can't be shown, set or aborted there",
			     text_copy("fusectl load"));
	}
}

const struct check doctor_module[] = {
	{ "loaded", check_loaded },
	{ "installed", check_installed },
	{ "control", check_control },
	{ NULL, NULL },
};
