/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a half-typed command line can become, for the shells.  Not for
 * reading a whole one, see options.h.
 */
#ifndef FUSECTL_COMPLETE_H
#define FUSECTL_COMPLETE_H

#include <stddef.h>
#include <stdio.h>

/* A command line up to the cursor, as bash has it, with its quotes removed. */
struct command_line {
	char **words;		/* the last one, perhaps empty, is at the cursor */
	size_t count;		/* at least 1 */
	/* so much of the last word stays where it is: bash replaces the rest */
	size_t kept;
	char quote;		/* that is still open, or 0 */
};

/* breaks: where bash, too, ends a word (COMP_WORDBREAKS) */
void command_line_read(struct command_line *line, const char *text,
		       const char *breaks);
void command_line_free(struct command_line *line);

/*
 * Prints what the last word can become, the words before it (those after
 * `fusectl`) being complete.  Each record ends with NUL, and is a value, a tab
 * and what it is; a value may have tabs, what it is has none.  The first record
 * is ":words", ":list" (a comma may follow the value) or ":files" (the shell
 * knows them itself), a tab and the open quote.
 */
void complete(FILE *stream, const struct command_line *line);

#endif /* FUSECTL_COMPLETE_H */
