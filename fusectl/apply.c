// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl apply`: puts the policy of the machine's files in force.  Not for
 * how it stays so, see watch.c.
 */
#include <getopt.h>

#include "apply.h"
#include "fusectl.h"
#include "kernel.h"
#include "options.h"
#include "text.h"

static bool dry_run, verbose, stay;

static const struct verb_option options[] = {
	OPTION_DRY_RUN(&dry_run),
	{ .name = "verbose", .letter = 'v', .help = "tell each change",
	  .flag = &verbose },
	{ .name = "watch", .letter = 'w',
	  .help = "stay, and do it for each new mount and each change of\n"
		  "the policy",
	  .flag = &stay },
};

static const struct usage usage = {
	.operands = "",
	.text =
	"Put in force what " POLICY_FILE " and " POLICY_DIRECTORY "/*.conf say,\n"
	"module-wide and of each mount that fuse_ext serves. What they don't mention\n"
	"stays as it is. If something in them is wrong, nothing is changed.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

static int plan_all(struct plan *plan, const struct policy *policy,
		    const struct connections *connections)
{
	int status = plan_module(plan, policy);
	size_t i;

	if (!status && policy->rule_count && !connections->own_place) {
		complain("apply: can't see the connections of fuse_ext");
		complain_more("its control filesystem isn't mounted; as root: fusectl load");
		return STATUS_NOT_PERMITTED;
	}
	for (i = 0; !status && i < connections->own_count; i++)
		status = plan_connection(plan, policy, connections,
					 connections->own[i]);
	return status;
}

static int apply(const struct policy *policy)
{
	struct connections connections;
	struct plan plan = { 0 };
	int status;

	if (!kernel_loaded()) {
		complain("fuse_ext isn't loaded; to load it: fusectl load");
		return STATUS_NOT_LOADED;
	}
	status = dry_run ? connections_read_only(&connections) :
		 connections_read(&connections);
	if (status)
		return status;
	status = plan_all(&plan, policy, &connections);
	if (!status)
		status = plan_run(&plan, dry_run, verbose);
	plan_free(&plan);
	connections_free(&connections);
	return status;
}

static int run(int argc, char **argv)
{
	struct policy_errors errors = { 0 };
	struct policy policy = { 0 };
	int status;

	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (optind < argc)
		return options_wrong(argv[0], &usage, "takes no operand");
	if (stay && dry_run)
		return options_wrong(argv[0], &usage,
				     "--watch and --dry-run exclude each other");
	if (stay)
		return watch(verbose);
	if (policy_read(&policy, &errors)) {
		policy_complain(&errors);
		complain("apply: nothing was changed");
		status = STATUS_FAILURE;
	} else {
		status = apply(&policy);
	}
	policy_errors_free(&errors);
	policy_free(&policy);
	return status;
}

const struct verb verb_apply = {
	.name = "apply",
	.function = run,
	.description = "put the policy of the configuration files in force",
	.usage = &usage,
};
