// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl inherit`: a connection follows the module-wide value
 * again.  Not for changing that value, see set.c.
 */
#include <getopt.h>

#include "change.h"
#include "fusectl.h"
#include "kernel.h"
#include "options.h"
#include "text.h"
#include "toggles.h"

static const struct usage usage = {
	.operands = "TOGGLE TARGET...",
	.words = { WORDS_TOGGLES, WORDS_TARGETS },
	.text =
	"Let each TARGET follow the module-wide value of the toggle again; the same as\n"
	"fusectl set TOGGLE default TARGET...",
};

static int run(int argc, char **argv)
{
	int status, toggle;

	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (argc - optind < 2)
		return options_wrong(argv[0], &usage,
				     "wants a TOGGLE and a TARGET");
	toggle = toggle_find(argv[optind++], false);
	if (toggle < 0)
		return STATUS_USAGE;
	if (!kernel_loaded()) {
		complain("fuse_ext isn't loaded; to load it: fusectl load");
		return STATUS_NOT_LOADED;
	}
	return change(toggle, "default", &argv[optind], argc - optind);
}

const struct verb verb_inherit = {
	.name = "inherit",
	.function = run,
	.description = "let mounts follow the module-wide value",
	.usage = &usage,
};
