/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a verb takes on the command line: said once, from which come the
 * parser, --help and the completions.  Not for what it prints, see table.h.
 */
#ifndef FUSECTL_OPTIONS_H
#define FUSECTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct column;
struct table;

/* What stands for an operand or for an option's argument. */
enum words {
	WORDS_END,		/* no more operands */
	WORDS_ANY,		/* anything: nothing to offer */
	WORDS_FILES,
	WORDS_TARGETS,		/* FUSE mount points */
	WORDS_TOGGLES,
	WORDS_TOGGLES_ALL,	/* or `all` */
	WORDS_TOGGLES_SET,	/* or disable_sync_release */
	WORDS_VALUES,		/* of the toggle before it */
	WORDS_PROPERTIES,	/* of status */
	WORDS_COLUMNS,		/* of the verb's table, a list */
	WORDS_VERBS,
};

/* An option that isn't one of all verbs; what it is goes to flag or value. */
struct verb_option {
	const char *name;
	char letter;		/* 0: it has no short form */
	const char *argument;	/* as --help calls it; NULL: it takes none */
	enum words words;	/* of the argument */
	const char *help;	/* at most 52 columns a line, '\n' between them */
	bool *flag;
	const char **value;
};

/* What is to be changed is told, and nothing is changed. */
#define OPTION_DRY_RUN(target)	{ \
	.name = "dry-run", \
	.help = "tell what would be done, and do nothing", \
	.flag = (target), \
}

/* What --help of a verb prints, and what it takes. */
struct usage {
	const char *operands;
	/* of the operands in order; the last one stands for any further ones */
	enum words words[4];
	const char *text;
	const struct verb_option *options;
	size_t option_count;
	/* NULL for a verb without a table */
	const struct column *columns;
	size_t count;
	const char *defaults;
	const char *name;	/* of the table, in JSON */
	/* what WORDS_PROPERTIES stands for */
	const char *const *properties;
	size_t property_count;
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

/*
 * Calls the function for each option of a verb, those of its table and --help
 * included, in the order of --help.
 */
void options_each(const struct usage *usage,
		  void (*function)(const struct verb_option *option, void *data),
		  void *data);

#endif /* FUSECTL_OPTIONS_H */
