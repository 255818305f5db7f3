// SPDX-License-Identifier: GPL-2.0
/*
 * What a verb takes on the command line.  Not for what it prints, see
 * table.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusectl.h"
#include "options.h"
#include "table.h"
#include "text.h"

#define HELP_COLUMN	24

static const struct verb_option table_options[] = {
	{ .name = "json", .letter = 'j', .help = "print JSON; also -J" },
	{ .name = "noheadings", .letter = 'n',
	  .help = "print no line of headings" },
	{ .name = "output", .letter = 'o', .argument = "LIST",
	  .words = WORDS_COLUMNS,
	  .help = "print these columns, in this order; +LIST adds them\n"
		  "to the default ones" },
	{ .name = "output-all", .letter = 'O', .help = "print all columns" },
	{ .name = "raw", .letter = 'r',
	  .help = "print one space between columns, \\xNN for a space\n"
		  "in one" },
};

static const struct verb_option help_option = {
	.name = "help", .letter = 'h', .help = "print this",
};

void options_each(const struct usage *usage,
		  void (*function)(const struct verb_option *option, void *data),
		  void *data)
{
	size_t i;

	for (i = 0; i < usage->option_count; i++)
		function(&usage->options[i], data);
	for (i = 0; usage->columns && i < ARRAY_SIZE(table_options); i++)
		function(&table_options[i], data);
	function(&help_option, data);
}

static void print_option(const struct verb_option *option, void *data)
{
	const char *line = option->help, *end;
	char *name, *letter;

	(void)data;
	letter = option->letter ? text_format("-%c,", option->letter) :
		 text_copy("");
	name = text_format("  %-3s --%s%s%s", letter, option->name,
			   option->argument ? " " : "",
			   option->argument ? option->argument : "");
	/* one too long for its column has the line for itself */
	if (strlen(name) + 2 > HELP_COLUMN)
		printf("%s\n%*s", name, HELP_COLUMN, "");
	else
		printf("%-*s", HELP_COLUMN, name);
	while ((end = strchr(line, '\n'))) {
		printf("%.*s\n%*s", (int)(end - line), line, HELP_COLUMN, "");
		line = end + 1;
	}
	printf("%s\n", line);
	free(letter);
	free(name);
}

static bool takes_options(const struct usage *usage)
{
	return usage->columns || usage->option_count;
}

static void print_usage(const char *verb, const struct usage *usage)
{
	size_t i;

	printf("Usage: %s %s %s%s%s\n\n%s\n\nOptions:\n",
	       program_invocation_short_name, verb,
	       takes_options(usage) ? "[OPTION...]" : "",
	       takes_options(usage) && *usage->operands ? " " : "",
	       usage->operands, usage->text);
	options_each(usage, print_option, NULL);
	if (!usage->columns)
		return;
	printf("\nColumns (default: %s):\n", usage->defaults);
	for (i = 0; i < usage->count; i++)
		printf("  %-16s%s\n", usage->columns[i].name,
		       usage->columns[i].help);
}

/* What getopt_long() wants to know. */
struct options {
	const struct verb_option **known;
	size_t count;
	struct option *longs;
	char *letters;
};

/* getopt_long() tells of an option by its index here, beyond any letter. */
#define FIRST_LONG	0x100

static void add_option(const struct verb_option *option, void *data)
{
	struct options *options = data;
	size_t n = options->count++;
	char *letters;

	options->known = memory_grow(options->known, n + 1,
				     sizeof(*options->known));
	options->known[n] = option;
	/* with the line of zeros that ends it */
	options->longs = memory_grow(options->longs, n + 2,
				     sizeof(*options->longs));
	memset(&options->longs[n], 0, 2 * sizeof(*options->longs));
	options->longs[n].name = option->name;
	options->longs[n].has_arg = option->argument ? required_argument :
				    no_argument;
	options->longs[n].val = FIRST_LONG + n;
	if (!option->letter)
		return;
	letters = text_format("%s%c%s", options->letters, option->letter,
			      option->argument ? ":" : "");
	free(options->letters);
	options->letters = letters;
}

static const struct verb_option *find_option(const struct options *options,
					     int found)
{
	size_t i;

	if (found >= FIRST_LONG)
		return options->known[found - FIRST_LONG];
	/* as findmnt(8) and lsblk(8) call it */
	if (found == 'J')
		found = 'j';
	for (i = 0; i < options->count; i++) {
		if (options->known[i]->letter == found)
			return options->known[i];
	}
	return NULL;
}

static void complain_option(const struct options *options, char **argv,
			    int found)
{
	const struct verb_option *option = find_option(options, optopt);

	if (found == ':' && option)
		complain("%s: %s wants a %s", argv[0], argv[optind - 1],
			 option->argument);
	/* of a cluster of short ones getopt tells the letter */
	else if (optopt && optopt < FIRST_LONG &&
		 strncmp(argv[optind - 1], "--", 2))
		complain("%s: there is no option -%c", argv[0], optopt);
	else
		complain("%s: wrong option %s", argv[0], argv[optind - 1]);
	complain_more("see fusectl help %s", argv[0]);
}

/* false: the verb is to end with *status */
static bool apply(const struct verb_option *option, const char *verb,
		  const struct usage *usage, struct table *table, int *status)
{
	if (option == &help_option) {
		print_usage(verb, usage);
		*status = STATUS_OK;
		return false;
	}
	if (option->flag)
		*option->flag = true;
	else if (option->value)
		*option->value = optarg;
	else
		return table_option(table, option->letter, optarg);
	return true;
}

bool options_read(int argc, char **argv, const struct usage *usage,
		  struct table *table, int *status)
{
	struct options options = { .letters = text_copy(":") };
	bool go_on = true;
	char *letters;
	int found;

	if (table)
		table_init(table, usage);
	options_each(usage, add_option, &options);
	if (usage->columns) {
		letters = text_format("%sJ", options.letters);
		free(options.letters);
		options.letters = letters;
	}
	*status = STATUS_USAGE;
	opterr = 0;
	optind = 0;
	while (go_on && (found = getopt_long(argc, argv, options.letters,
					     options.longs, NULL)) >= 0) {
		const struct verb_option *option = find_option(&options, found);

		if (option) {
			go_on = apply(option, argv[0], usage, table, status);
		} else {
			complain_option(&options, argv, found);
			go_on = false;
		}
	}
	free(options.known);
	free(options.longs);
	free(options.letters);
	if (!go_on)
		return false;
	if (table && !table_complete(table, argv[0]))
		return false;
	*status = STATUS_OK;
	return true;
}

int options_wrong(const char *verb, const struct usage *usage, const char *what)
{
	complain("%s: %s", verb, what);
	complain_more("usage: fusectl %s %s%s", verb,
		      takes_options(usage) ? "[OPTION...] " : "",
		      usage->operands);
	return STATUS_USAGE;
}
