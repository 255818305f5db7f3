// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl check`: what is wrong in the policy's files, each place.  Not for
 * putting them in force, see apply.c.
 */
#include <getopt.h>

#include "fusectl.h"
#include "options.h"
#include "policy.h"
#include "text.h"

static const struct usage usage = {
	.operands = "[FILE...]",
	.words = { WORDS_FILES },
	.text =
	"Tell what is wrong in each FILE, or else in " POLICY_FILE " and\n"
	POLICY_DIRECTORY "/*.conf, a line each: FILE:LINE:COLUMN: what. Nothing is changed.",
};

static int run(int argc, char **argv)
{
	struct policy_errors errors = { 0 };
	struct policy policy = { 0 };
	int status;

	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (optind == argc)
		policy_read(&policy, &errors);
	for (; optind < argc; optind++)
		policy_read_file(&policy, argv[optind], &errors);
	policy_complain(&errors);
	status = errors.count ? STATUS_FAILURE : STATUS_OK;
	policy_errors_free(&errors);
	policy_free(&policy);
	return status;
}

const struct verb verb_check = {
	.name = "check",
	.function = run,
	.description = "tell what is wrong in the configuration files",
	.usage = &usage,
};
