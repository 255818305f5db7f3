// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl set`: a toggle's value, module-wide or of connections, until
 * the module or the connection goes, or for good.  Not for how, see change.c.
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
	  .help = "also write it to the policy, so that it lasts:\n"
		  "see fusectl.conf(5)",
	  .flag = &persist },
};

static const struct usage usage = {
	.operands = "TOGGLE VALUE [TARGET...]",
	.words = { WORDS_TOGGLES_SET, WORDS_VALUES, WORDS_TARGETS },
	.text =
	"Set a toggle of each TARGET (a FUSE mount point, a path below one, or a\n"
	"connection's number), of all or of none; without a TARGET module-wide, which\n"
	"acts at once on every connection that is on 'default'.\n"
	"\n"
	"Toggles: async_flush, sync_release, atomic_create, syncfs, inval_files\n"
	"Values:  auto, on, off; async_flush also exit; of a TARGET also default\n"
	"\n"
	"disable_sync_release on|off is another name for sync_release off|default.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

static int run(int argc, char **argv)
{
	const char *name, *word;
	int status, toggle;
	enum toggle_scope scope;
	enum change_mode mode;

	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (argc - optind < 2)
		return options_wrong(argv[0], &usage, "wants a TOGGLE and a VALUE");
	mode = (persist ? CHANGE_PERSIST : 0) | (dry_run ? CHANGE_DRY : 0);
	name = argv[optind];
	word = argv[optind + 1];
	optind += 2;
	scope = optind < argc ? SCOPE_CONNECTION : SCOPE_MODULE;
	if (toggle_alias(&name, &word, scope) && !word)
		return STATUS_USAGE;
	toggle = toggle_find(name, false);
	if (toggle < 0 || !toggle_accepts(toggle, word, scope))
		return STATUS_USAGE;
	if (!kernel_loaded()) {
		complain("fuse_ext isn't loaded; to load it: fusectl load");
		return STATUS_NOT_LOADED;
	}
	if (scope == SCOPE_CONNECTION)
		return change(toggle, word, &argv[optind], argc - optind, mode);
	return change_module(toggle, word, mode);
}

const struct verb verb_set = {
	.name = "set",
	.function = run,
	.description = "set a toggle, module-wide or of mounts",
	.usage = &usage,
};
