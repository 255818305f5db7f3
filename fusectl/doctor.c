// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl doctor`: what is wrong, why it matters, and what mends it.  Not for
 * mending; the checks are in doctor_*.c by topic.
 */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "doctor.h"
#include "fusectl.h"
#include "kernel_parse.h"
#include "options.h"
#include "table.h"

#define PATIENCE	10

static const char *patience;

static const struct verb_option options[] = {
	{ .name = "wait", .letter = 'w', .argument = "SECONDS",
	  .words = WORDS_ANY,
	  .help = "how long a server may take for an answer (10)",
	  .value = &patience },
};

enum {
	COLUMN_SEVERITY,
	COLUMN_CHECK,
	COLUMN_FINDING,
	COLUMN_WHY,
	COLUMN_MEND,
	COLUMN_COUNT,
};

static const struct column columns[COLUMN_COUNT] = {
	{ "SEVERITY", 9, 0, SCOLS_JSON_STRING, "problem, possible, info or unchecked" },
	{ "CHECK", 10, 0, SCOLS_JSON_STRING, "which check found it" },
	{ "FINDING", 0.4, SCOLS_FL_WRAP, SCOLS_JSON_STRING, "what it is" },
	{ "WHY", 0.3, SCOLS_FL_WRAP, SCOLS_JSON_STRING, "why it matters" },
	{ "MEND", 0.3, SCOLS_FL_WRAP, SCOLS_JSON_STRING,
	  "the command that mends it" },
};

static const struct usage usage = {
	.operands = "",
	.text =
	"Look for what is wrong with fuse_ext and the FUSE mounts of this machine: the\n"
	"module and its build, also for the next boot, Secure Boot, the control\n"
	"filesystems, settings, connections whose server doesn't answer. Prints each\n"
	"finding with the command that mends it; changes nothing. Only where requests\n"
	"wait for a server does it take the seconds of --wait.\n"
	"Exits with 1 if there is a problem; what is only possible, or worth knowing, or\n"
	"couldn't be checked, is none.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.columns = columns,
	.count = COLUMN_COUNT,
	.defaults = "SEVERITY,CHECK,FINDING,WHY,MEND",
	.name = "findings",
};

static const char *const severities[] = {
	[SEVERITY_PROBLEM] = "problem",
	[SEVERITY_POSSIBLE] = "possible",
	[SEVERITY_INFO] = "info",
	[SEVERITY_UNCHECKED] = "unchecked",
};

struct findings {
	struct table table;
	size_t count[ARRAY_SIZE(severities)];
};

/* As blocks of lines where nobody chose a table's format. */
static void print_block(const char *const *values)
{
	announce("%s: %s", values[COLUMN_SEVERITY], values[COLUMN_FINDING]);
	announce("  %s", values[COLUMN_WHY]);
	if (values[COLUMN_MEND])
		announce("  to mend it: %s", values[COLUMN_MEND]);
}

void doctor_found(struct doctor *doctor, enum severity severity, char *what,
		  const char *why, char *mend)
{
	struct findings *findings = doctor->findings;
	const struct table *table = &findings->table;
	const char *const values[COLUMN_COUNT] = {
		severities[severity], doctor->check, what, why, mend,
	};

	findings->count[severity]++;
	if (table->json || table->raw || table->chosen)
		table_line(&findings->table, values);
	else
		print_block(values);
	free(what);
	free(mend);
}

static void run_checks(struct doctor *doctor)
{
	const struct check *const topics[] = {
		/* what hurts somebody now comes first */
		doctor_connections, doctor_module, doctor_build, doctor_secure,
		doctor_settings,
	};
	const struct check *check;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(topics); i++) {
		for (check = topics[i]; check->name; check++) {
			doctor->check = check->name;
			check->function(doctor);
		}
	}
}

static int finish(struct findings *findings)
{
	struct table *table = &findings->table;
	size_t problems = findings->count[SEVERITY_PROBLEM];
	int status = STATUS_OK;

	if (table->json || table->raw || table->chosen)
		status = table_print(table);
	else if (!problems)
		announce("no problem found");
	if (problems) {
		complain("doctor: %zu problem%s found", problems,
			 problems == 1 ? "" : "s");
		status = STATUS_FAILURE;
	}
	return status;
}

static bool read_patience(const char *verb, unsigned int *seconds)
{
	unsigned long long number = PATIENCE;

	if (patience &&
	    (!parse_number(patience, &number) || !number || number > INT_MAX)) {
		complain("%s: '%s' is no number of seconds from 1", verb,
			 patience);
		complain_more("such as: --wait 30");
		return false;
	}
	*seconds = number;
	return true;
}

static int run(int argc, char **argv)
{
	struct findings findings = { 0 };
	struct doctor doctor = { .findings = &findings };
	struct connections connections;
	struct utsname name;
	int status;

	patience = NULL;
	if (!options_read(argc, argv, &usage, &findings.table, &status))
		goto out;
	if (optind < argc) {
		status = options_wrong(argv[0], &usage, "takes no operand");
		goto out;
	}
	status = STATUS_USAGE;
	if (!read_patience(argv[0], &doctor.patience))
		goto out;
	status = connections_read_only(&connections);
	if (status)
		goto out;
	uname(&name);
	doctor.kernel = name.release;
	doctor.connections = &connections;
	run_checks(&doctor);
	status = finish(&findings);
	connections_free(&connections);
out:
	table_free(&findings.table);
	return status;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.function = run,
	.description = "look for what is wrong, and tell what mends it",
	.usage = &usage,
};
