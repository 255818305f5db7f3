// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl inherit`: a connection follows the module-wide value
 * again.  Not for changing that value, see set.c.
 */
#include <getopt.h>
#include <stdbool.h>

#include "change.h"
#include "fusectl.h"
#include "kernel.h"
#include "options.h"
#include "text.h"
#include "toggles.h"

static bool persist, dry_run;

static const struct verb_option options[] = {
	OPTION_DRY_RUN(&dry_run),
	{ .name = "persist", .letter = 'p',
	  .help = "also take it from the policy: see fusectl.conf(5)",
	  .flag = &persist },
};

static const struct usage usage = {
	.operands = "TOGGLE TARGET...",
	.words = { WORDS_TOGGLES, WORDS_TARGETS },
	.text =
	"Let each TARGET follow the module-wide value of the toggle again; the same as\n"
	"fusectl set TOGGLE default TARGET...",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

static int run(int argc, char **argv)
{
	enum change_mode mode;
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
	mode = (persist ? CHANGE_PERSIST | CHANGE_FORGET : 0) |
	       (dry_run ? CHANGE_DRY : 0);
	return change(toggle, "default", &argv[optind], argc - optind, mode);
}

const struct verb verb_inherit = {
	.name = "inherit",
	.function = run,
	.description = "let mounts follow the module-wide value",
	.usage = &usage,
};
