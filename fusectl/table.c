// SPDX-License-Identifier: GPL-2.0
/*
 * A verb's options and its table, which libsmartcols prints.  Not
 * for what stands in the table, see the verbs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fusectl.h"
#include "table.h"
#include "text.h"

static void print_usage(const char *verb, const struct usage *usage)
{
	size_t i;

	printf("Usage: %s %s %s%s%s\n\n%s\n\nOptions:\n",
	       program_invocation_short_name, verb,
	       usage->columns ? "[OPTION...]" : "",
	       usage->columns && *usage->operands ? " " : "",
	       usage->operands, usage->text);
	if (usage->columns)
		printf("  -j, --json            print JSON\n"
		       "  -n, --noheadings      print no line of headings\n"
		       "  -o, --output LIST     print these columns, in this order; +LIST adds them\n"
		       "                        to the default ones\n"
		       "  -O, --output-all      print all columns\n"
		       "  -r, --raw             print one space between columns, \\xNN for a space\n"
		       "                        in one\n");
	printf("  -h, --help            print this\n");
	if (!usage->columns)
		return;
	printf("\nColumns (default: %s):\n", usage->defaults);
	for (i = 0; i < usage->count; i++)
		printf("  %-16s%s\n", usage->columns[i].name,
		       usage->columns[i].help);
}

static bool add_column(struct table *table, const char *name)
{
	const struct usage *usage = table->usage;
	const char **names = memory(usage->count, sizeof(*names));
	const char *nearest;
	size_t i;
	char *all;

	for (i = 0; i < usage->count; i++) {
		names[i] = usage->columns[i].name;
		if (strcasecmp(name, names[i]))
			continue;
		free(names);
		/* twice would be the same key twice in JSON */
		if (table_shows(table, i))
			return true;
		table->order = memory_grow(table->order,
					   table->order_count + 1,
					   sizeof(*table->order));
		table->order[table->order_count++] = i;
		return true;
	}
	nearest = text_nearest(name, names, usage->count);
	all = text_join(names, usage->count);
	if (nearest)
		complain("there is no column '%s'; did you mean '%s'?", name,
			 nearest);
	else
		complain("there is no column '%s'", name);
	complain_more("the columns are: %s", all);
	free(all);
	free(names);
	return false;
}

static bool add_columns(struct table *table, const char *list)
{
	char *copy = text_copy(list), *rest = copy, *name;
	bool known = true;

	while (known && (name = strsep(&rest, ",")))
		known = add_column(table, name);
	free(copy);
	return known;
}

static bool set_columns(struct table *table, const char *list)
{
	table->chosen = true;
	table->order_count = 0;
	if (*list != '+')
		return add_columns(table, list);
	return add_columns(table, table->usage->defaults) &&
	       add_columns(table, list + 1);
}

bool options_read(int argc, char **argv, const struct usage *usage,
		  struct table *table, int *status)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "output-all", no_argument, NULL, 'O' },
		{ "raw", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	static const struct option only_help[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	size_t i;
	int option;

	if (table) {
		memset(table, 0, sizeof(*table));
		table->usage = usage;
	}
	*status = STATUS_USAGE;
	opterr = 0;
	optind = 0;
	while ((option = getopt_long(argc, argv, table ? ":hjno:Or" : ":h",
				     table ? options : only_help, NULL)) >= 0) {
		switch (option) {
		case 'h':
			print_usage(argv[0], usage);
			*status = STATUS_OK;
			return false;
		case 'j':
			table->json = true;
			break;
		case 'n':
			table->no_headings = true;
			break;
		case 'o':
			if (!set_columns(table, optarg))
				return false;
			break;
		case 'O':
			table->chosen = true;
			table->order_count = 0;
			for (i = 0; i < usage->count; i++)
				add_column(table, usage->columns[i].name);
			break;
		case 'r':
			table->raw = true;
			break;
		case ':':
			complain("%s: %s wants a list of columns", argv[0],
				 argv[optind - 1]);
			complain_more("see fusectl help %s", argv[0]);
			return false;
		default:
			/* of a cluster of short ones getopt tells the letter */
			if (optopt && strncmp(argv[optind - 1], "--", 2))
				complain("%s: there is no option -%c", argv[0],
					 optopt);
			else
				complain("%s: wrong option %s", argv[0],
					 argv[optind - 1]);
			complain_more("see fusectl help %s", argv[0]);
			return false;
		}
	}
	if (table && table->json && table->raw) {
		complain("%s: --json and --raw exclude each other", argv[0]);
		return false;
	}
	if (table && !table->order_count)
		add_columns(table, usage->defaults);
	*status = STATUS_OK;
	return true;
}

int options_wrong(const char *verb, const struct usage *usage, const char *what)
{
	complain("%s: %s", verb, what);
	complain_more("usage: fusectl %s %s%s", verb,
		      usage->columns ? "[OPTION...] " : "", usage->operands);
	return STATUS_USAGE;
}

void table_defaults(struct table *table, const char *columns)
{
	if (table->chosen)
		return;
	table->order_count = 0;
	add_columns(table, columns);
}

bool table_shows(const struct table *table, size_t column)
{
	size_t i;

	for (i = 0; i < table->order_count; i++) {
		if (table->order[i] == column)
			return true;
	}
	return false;
}

static void open_table(struct table *table)
{
	const struct column *column;
	size_t i;

	scols_init_debug(0);
	table->scols = scols_new_table();
	if (!table->scols)
		goto fail;
	scols_table_set_name(table->scols, table->usage->name);
	scols_table_enable_json(table->scols, table->json);
	scols_table_enable_raw(table->scols, table->raw);
	scols_table_enable_noheadings(table->scols, table->no_headings);
	for (i = 0; i < table->order_count; i++) {
		struct libscols_column *added;

		column = &table->usage->columns[table->order[i]];
		added = scols_table_new_column(table->scols, column->name,
					       column->width, column->flags);
		if (!added)
			goto fail;
		scols_column_set_json_type(added, column->json);
	}
	return;
fail:
	complain("out of memory");
	exit(STATUS_FAILURE);
}

void table_line(struct table *table, const char *const *values)
{
	struct libscols_line *line;
	const char *value;
	char *printable;
	size_t i;

	if (!table->scols)
		open_table(table);
	line = scols_table_new_line(table->scols, NULL);
	for (i = 0; line && i < table->order_count; i++) {
		value = values[table->order[i]];
		/* a missing value is null in JSON, and a word elsewhere */
		if (!value && table->json)
			continue;
		printable = text_printable(value ? value : "-", true);
		if (scols_line_set_data(line, i, printable))
			line = NULL;
		free(printable);
	}
	if (line)
		return;
	complain("out of memory");
	exit(STATUS_FAILURE);
}

int table_print(struct table *table)
{
	if (!table->scols)
		open_table(table);
	/* libsmartcols prints nothing at all for no lines, which is no JSON */
	if (table->json && scols_table_is_empty(table->scols)) {
		printf("{\n   \"%s\": []\n}\n", table->usage->name);
		return STATUS_OK;
	}
	if (!scols_print_table(table->scols))
		return STATUS_OK;
	complain("can't print the table");
	return STATUS_FAILURE;
}

void table_free(struct table *table)
{
	scols_unref_table(table->scols);
	free(table->order);
}
