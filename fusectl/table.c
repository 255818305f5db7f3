// SPDX-License-Identifier: GPL-2.0
/*
 * A verb's table, which libsmartcols prints.  Not for what stands in
 * it, see the verbs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "colour.h"
#include "fusectl.h"
#include "table.h"
#include "text.h"

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

void table_init(struct table *table, const struct usage *usage)
{
	memset(table, 0, sizeof(*table));
	table->usage = usage;
}

bool table_option(struct table *table, char letter, const char *argument)
{
	size_t i;

	switch (letter) {
	case 'j':
		table->json = true;
		break;
	case 'n':
		table->no_headings = true;
		break;
	case 'o':
		return set_columns(table, argument);
	case 'O':
		table->chosen = true;
		table->order_count = 0;
		for (i = 0; i < table->usage->count; i++)
			add_column(table, table->usage->columns[i].name);
		break;
	default:
		table->raw = true;
		break;
	}
	return true;
}

bool table_complete(struct table *table, const char *verb)
{
	if (table->json && table->raw) {
		complain("%s: --json and --raw exclude each other", verb);
		return false;
	}
	if (!table->order_count)
		add_columns(table, table->usage->defaults);
	return true;
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
	/* a script that reads from a terminal's log wants none, either */
	bool colours = !table->json && !table->raw && colour_wanted(stdout);
	const struct column *column;
	size_t i;

	scols_init_debug(0);
	table->scols = scols_new_table();
	if (!table->scols)
		goto fail;
	scols_table_set_name(table->scols, table->usage->name);
	scols_table_enable_json(table->scols, table->json);
	scols_table_enable_colors(table->scols, colours);
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
		scols_cell_set_color(scols_column_get_header(added), "bold");
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
	table->last = line;
	for (i = 0; line && i < table->order_count; i++) {
		value = values[table->order[i]];
		/* a missing value is null in JSON, and a word elsewhere */
		if (!value && table->json)
			continue;
		printable = text_printable(value ? value : "-", true);
		/* the line frees it */
		if (!scols_line_refer_data(line, i, printable))
			continue;
		free(printable);
		line = NULL;
	}
	if (line)
		return;
	complain("out of memory");
	exit(STATUS_FAILURE);
}

void table_colour(struct table *table, size_t column, const char *colour)
{
	size_t i;

	for (i = 0; i < table->order_count; i++) {
		if (table->order[i] == column)
			scols_cell_set_color(scols_line_get_cell(table->last, i),
					     colour);
	}
}

/* The only column that may take several lines, or NULL. */
static struct libscols_column *wrapped_column(const struct table *table, size_t *which)
{
	struct libscols_column *found = NULL, *column;
	size_t i;

	for (i = 0; i < table->order_count; i++) {
		column = scols_table_get_column(table->scols, i);
		if (!scols_column_is_wrap(column))
			continue;
		if (found)
			return NULL;
		found = column;
		*which = i;
	}
	return found;
}

static const char *cell_text(const struct table *table, size_t line, size_t column)
{
	struct libscols_line *row = scols_table_get_line(table->scols, line);
	const char *text = scols_cell_get_data(scols_line_get_cell(row, column));

	return text ? text : "";
}

/* How wide the others are, with what is between them. */
static size_t width_of_others(const struct table *table, size_t which)
{
	size_t lines = scols_table_get_nlines(table->scols), width = 0, i, line;

	for (i = 0; i < table->order_count; i++) {
		size_t most = strlen(table->usage->columns[table->order[i]].name);

		if (i == which)
			continue;
		for (line = 0; line < lines; line++) {
			size_t length = strlen(cell_text(table, line, i));

			if (length > most)
				most = length;
		}
		width += most + 1;
	}
	return width;
}

/* Lines of at most @width bytes, broken at blanks where there are any. */
static char *folded(const char *text, size_t width)
{
	size_t length = strlen(text), used = 0;
	/* at the worst, each line has one byte */
	char *out = memory(2, length + 1);

	while (length > width) {
		size_t take = width;

		while (take && text[take] != ' ')
			take--;
		if (!take)
			take = width;
		memcpy(&out[used], text, take);
		used += take;
		out[used++] = '\n';
		take += text[take] == ' ';
		text += take;
		length -= take;
	}
	memcpy(&out[used], text, length + 1);
	return out;
}

/*
 * A value that is too long for its line is broken between words: libsmartcols
 * itself does that anywhere.  On a terminal only, where somebody reads it.
 */
static void fold(struct table *table)
{
	struct libscols_column *column;
	size_t which, others, line;
	struct winsize size;

	if (table->json || table->raw ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	column = wrapped_column(table, &which);
	if (!column)
		return;
	others = width_of_others(table, which);
	/* so little is left that it's no use */
	if (size.ws_col < others + 10)
		return;
	/* a line's end of its own is to be \x0a, as elsewhere */
	for (line = 0; line < scols_table_get_nlines(table->scols); line++) {
		if (strchr(cell_text(table, line, which), '\n'))
			return;
	}
	for (line = 0; line < scols_table_get_nlines(table->scols); line++) {
		char *text = folded(cell_text(table, line, which),
				    size.ws_col - others);

		scols_line_refer_data(scols_table_get_line(table->scols, line),
				      which, text);
	}
	scols_column_set_safechars(column, "\n");
	scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
				  scols_wrapnl_nextchunk, NULL);
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
	fold(table);
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
