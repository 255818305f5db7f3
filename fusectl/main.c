// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the verb and calls it.  A verb is one file and one line in
 * the table; nothing else of a verb is for here.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusectl.h"
#include "options.h"
#include "text.h"

static const struct verb verb_help;

const struct verb *const verbs[] = {
	&verb_status,
	&verb_load,
	&verb_unload,
	&verb_list,
	&verb_show,
	&verb_get,
	&verb_set,
	&verb_inherit,
	&verb_apply,
	&verb_check,
	&verb_top,
	&verb_trace,
	&verb_monitor,
	&verb_abort,
	&verb_wait,
	&verb_drain,
	&verb_doctor,
	&verb_help,
	&verb_complete,
};

#define VERB_COUNT	ARRAY_SIZE(verbs)

const size_t verb_count = VERB_COUNT;

static const struct verb *find_verb(const char *name)
{
	const char *names[VERB_COUNT], *nearest;
	char *all;
	size_t i, count = 0;

	for (i = 0; i < VERB_COUNT; i++) {
		if (!strcmp(name, verbs[i]->name))
			return verbs[i];
		if (!verbs[i]->hidden)
			names[count++] = verbs[i]->name;
	}
	nearest = text_nearest(name, names, count);
	all = text_join(names, count);
	if (nearest)
		complain("there is no verb '%s'; did you mean '%s'?", name,
			 nearest);
	else
		complain("there is no verb '%s'", name);
	complain_more("the verbs are: %s", all);
	free(all);
	return NULL;
}

static void print_help(FILE *stream)
{
	size_t i;

	fprintf(stream, "Usage: %s VERB [OPTION...] [OPERAND...]\n"
		"\n"
		"Show and set what the fuse_ext kernel module does.\n"
		"\n"
		"Verbs:\n", program_invocation_short_name);
	for (i = 0; i < VERB_COUNT; i++) {
		if (!verbs[i]->hidden)
			fprintf(stream, "  %-10s%s\n", verbs[i]->name,
				verbs[i]->description);
	}
	fprintf(stream, "\n"
		"Options:\n"
		"  -h, --help     print this; after a verb, what that verb does\n"
		"  -V, --version  print the version of fusectl\n"
		"\n"
		"Exit status: 0 done, 1 failure, 2 wrong usage, 3 fuse_ext isn't loaded,\n"
		"4 no such target, 5 not permitted, 6 the stock driver serves the target.\n"
		"See fusectl(8).\n");
}

static int help(int argc, char **argv)
{
	char option[] = "--help", *words[] = { NULL, option, NULL };
	const struct verb *verb;

	if (argc > 2) {
		complain("help: wants one verb at most");
		return STATUS_USAGE;
	}
	if (argc < 2 || argv[1][0] == '-' || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return STATUS_OK;
	}
	verb = find_verb(argv[1]);
	if (!verb)
		return STATUS_USAGE;
	words[0] = argv[1];
	return verb->function(2, words);
}

static const struct usage help_usage = {
	.operands = "[VERB]",
	.words = { WORDS_VERBS },
};

static const struct verb verb_help = {
	.name = "help",
	.function = help,
	.description = "print this, or what a verb does",
	.usage = &help_usage,
};

static int run(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		print_help(stdout);
		return STATUS_OK;
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		printf("fusectl %s\n", FUSECTL_VERSION);
		return STATUS_OK;
	}
	if (argv[1][0] == '-') {
		complain("there is no option %s; see fusectl help", argv[1]);
		return STATUS_USAGE;
	}
	verb = find_verb(argv[1]);
	return verb ? verb->function(argc - 1, argv + 1) : STATUS_USAGE;
}

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_ALL, "");
	status = run(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		complain("can't write the output: %s", strerror(errno));
		return status ? status : STATUS_FAILURE;
	}
	return status;
}
