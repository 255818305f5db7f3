/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A verb's options and its table, which libsmartcols prints.  Not
 * for what stands in the table, see the verbs.
 */
#ifndef FUSECTL_TABLE_H
#define FUSECTL_TABLE_H

#include <libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>

struct column {
	const char *name;
	double width;		/* libsmartcols' width hint */
	int flags;		/* SCOLS_FL_* */
	int json;		/* SCOLS_JSON_* */
	const char *help;
};

/* What --help of a verb prints, and which options it takes. */
struct usage {
	const char *operands;
	const char *text;
	/* NULL for a verb without a table: it takes only -h */
	const struct column *columns;
	size_t count;
	const char *defaults;
	const char *name;	/* of the table, in JSON */
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
};

/*
 * Reads the options of a verb; its operands then begin at argv[optind].
 * Returns false where the verb is to end with *status.  table is NULL for a
 * verb without one, else table_free() it in any case.
 */
bool options_read(int argc, char **argv, const struct usage *usage,
		  struct table *table, int *status);

/* One message for operands that are too many or too few; STATUS_USAGE. */
int options_wrong(const char *verb, const struct usage *usage,
		  const char *what);

/* The columns, unless the user chose some. */
void table_defaults(struct table *table, const char *columns);

/* Whether a column is shown, so that its value is worth finding out. */
bool table_shows(const struct table *table, size_t column);

/* A line; values has one for each of usage->columns, NULL: there is none. */
void table_line(struct table *table, const char *const *values);

/* exit_status */
int table_print(struct table *table);
void table_free(struct table *table);

#endif /* FUSECTL_TABLE_H */
