/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages, and strings that may hold anything (a mount point's name
 * is its owner's choice).  Not for tables, see table.h.
 */
#ifndef FUSECTL_TEXT_H
#define FUSECTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define __printf(a, b)	__attribute__((__format__(printf, a, b)))

/* One line to stderr, "fusectl: ..."; control characters come out as \xNN. */
__printf(1, 2)
void complain(const char *format, ...);

/* A further line of the message before it, indented. */
__printf(1, 2)
void complain_more(const char *format, ...);

/* One line to stdout: what is or would be done. */
__printf(1, 2)
void announce(const char *format, ...);

/* Like asprintf(), but ends the program where there is no memory. */
__printf(1, 2)
char *text_format(const char *format, ...);

/* Like strdup() and calloc(), but end the program where there is no memory. */
char *text_copy(const char *text);
void *memory(size_t count, size_t size);
void *memory_grow(void *old, size_t count, size_t size);

/* Bytes of the UTF-8 character that begins here; 0: none, or a C1 control. */
size_t text_utf8_length(const char *text);

/*
 * A copy in which bytes that aren't valid UTF-8, DEL and the C1 controls (and
 * the C0 controls, unless keep_c0) are written as \xNN.
 */
char *text_printable(const char *text, bool keep_c0);

/* The nearest of the names, or NULL where none is near; letter case is free. */
const char *text_nearest(const char *word, const char *const *names,
			 size_t count);

/* "a, b, c" */
char *text_join(const char *const *names, size_t count);

#endif /* FUSECTL_TEXT_H */
