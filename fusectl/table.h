/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A verb's table, which libsmartcols prints.  Not for what stands in
 * it, see the verbs, nor for other options than its own, see options.h.
 */
#ifndef FUSECTL_TABLE_H
#define FUSECTL_TABLE_H

#include <libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>

#include "options.h"

struct column {
	const char *name;
	double width;		/* libsmartcols' width hint */
	int flags;		/* SCOLS_FL_* */
	int json;		/* SCOLS_JSON_* */
	const char *help;
};

struct table {
	const struct usage *usage;
	bool json;
	bool raw;
	bool no_headings;
	/* which columns, in which order */
	size_t *order;
	size_t order_count;
	bool chosen;		/* by -o or -O */
	struct libscols_table *scols;
	struct libscols_line *last;
};

/* An empty table; table_free() it in any case. */
void table_init(struct table *table, const struct usage *usage);

/* One of the options -j -n -o -O -r; false after a message. */
bool table_option(struct table *table, char letter, const char *argument);

/* After the last option; false after a message where two exclude each other. */
bool table_complete(struct table *table, const char *verb);

/* The columns, unless the user chose some. */
void table_defaults(struct table *table, const char *columns);

/* Whether a column is shown, so that its value is worth finding out. */
bool table_shows(const struct table *table, size_t column);

/* A line; values has one for each of usage->columns, NULL: there is none. */
void table_line(struct table *table, const char *const *values);

/*
 * A colour of a cell of the last line, by its name in terminal-colors.d(5);
 * only a terminal shows it.
 */
void table_colour(struct table *table, size_t column, const char *colour);

/* exit_status */
int table_print(struct table *table);
void table_free(struct table *table);

#endif /* FUSECTL_TABLE_H */
