// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, strings that may hold anything, and the search for the
 * nearest name.  Not for tables, see table.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusectl.h"
#include "text.h"

static void out_of_memory(void)
{
	fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
	exit(STATUS_FAILURE);
}

void *memory(size_t count, size_t size)
{
	void *new = calloc(count ? count : 1, size);

	if (!new)
		out_of_memory();
	return new;
}

void *memory_grow(void *old, size_t count, size_t size)
{
	void *new = reallocarray(old, count, size);

	if (!new)
		out_of_memory();
	return new;
}

char *text_copy(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		out_of_memory();
	return copy;
}

static char *format_list(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	return text;
}

char *text_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_list(format, args);
	va_end(args);
	return text;
}

/* Bytes of the UTF-8 sequence that starts here; 0 where it isn't one. */
static size_t utf8_length(const unsigned char *s)
{
	unsigned int code;
	size_t length, i;

	if (s[0] < 0x80)
		return 1;
	if ((s[0] & 0xe0) == 0xc0) {
		length = 2;
		code = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		length = 3;
		code = s[0] & 0x0f;
	} else if ((s[0] & 0xf8) == 0xf0) {
		length = 4;
		code = s[0] & 0x07;
	} else {
		return 0;
	}
	for (i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	/* the C1 controls, overlong forms, surrogates, beyond Unicode */
	if (code < 0xa0 || (length == 3 && code < 0x800) ||
	    (length == 4 && code < 0x10000) || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

size_t text_utf8_length(const char *text)
{
	return utf8_length((const unsigned char *)text);
}

char *text_printable(const char *text, bool keep_c0)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t length;
	char *copy, *to;

	while (*s >= 0x20 && *s < 0x7f)
		s++;
	/* as most are */
	if (!*s)
		return text_copy(text);
	length = s - (const unsigned char *)text;
	copy = memory(length + 4 * strlen(text + length) + 1, 1);
	memcpy(copy, text, length);
	to = copy + length;
	while (*s) {
		length = utf8_length(s);
		if (*s == 0x7f || (*s < 0x20 && !keep_c0))
			length = 0;
		if (!length) {
			to += sprintf(to, "\\x%02x", *s++);
			continue;
		}
		memcpy(to, s, length);
		to += length;
		s += length;
	}
	*to = '\0';
	return copy;
}

static void print_message(const char *prefix, const char *format, va_list args)
{
	char *text = format_list(format, args);
	char *printable = text_printable(text, false);

	fprintf(stderr, "%s%s\n", prefix, printable);
	free(printable);
	free(text);
}

void complain(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	print_message("", format, args);
	va_end(args);
}

void complain_more(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message("  ", format, args);
	va_end(args);
}

void announce(const char *format, ...)
{
	char *text, *printable;
	va_list args;

	va_start(args, format);
	text = format_list(format, args);
	va_end(args);
	printable = text_printable(text, false);
	printf("%s\n", printable);
	free(printable);
	free(text);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * Damerau-Levenshtein (optimal string alignment): insertions, deletions,
 * replacements and swaps of neighbours that make b of a.
 */
static size_t distance(const char *a, const char *b)
{
	size_t rows = strlen(a) + 1, columns = strlen(b) + 1;
	size_t *cell = memory(rows * columns, sizeof(*cell));
	size_t i, j, cost, result;

	for (i = 0; i < rows; i++)
		cell[i * columns] = i;
	for (j = 0; j < columns; j++)
		cell[j] = j;
	for (i = 1; i < rows; i++) {
		for (j = 1; j < columns; j++) {
			size_t *here = &cell[i * columns + j];
			int same = tolower((unsigned char)a[i - 1]) ==
				   tolower((unsigned char)b[j - 1]);

			cost = same ? 0 : 1;
			*here = smallest(here[-(long)columns] + 1, here[-1] + 1,
					 here[-(long)columns - 1] + cost);
			if (i > 1 && j > 1 &&
			    tolower((unsigned char)a[i - 1]) ==
			    tolower((unsigned char)b[j - 2]) &&
			    tolower((unsigned char)a[i - 2]) ==
			    tolower((unsigned char)b[j - 1]) &&
			    here[-2 * (long)columns - 2] + 1 < *here)
				*here = here[-2 * (long)columns - 2] + 1;
		}
	}
	result = cell[rows * columns - 1];
	free(cell);
	return result;
}

const char *text_nearest(const char *word, const char *const *names,
			 size_t count)
{
	const char *nearest = NULL;
	size_t i, far, least;

	/* a word this long is no misspelling */
	if (strlen(word) > 64)
		return NULL;
	least = strlen(word) / 3 + 2;
	for (i = 0; i < count; i++) {
		far = distance(word, names[i]);
		/* a word that shares no letter with the name isn't near */
		if (far < least && far < strlen(names[i])) {
			least = far;
			nearest = names[i];
		}
	}
	return nearest;
}

char *text_join(const char *const *names, size_t count)
{
	char *joined = text_copy("");
	size_t i;

	for (i = 0; i < count; i++) {
		char *longer = text_format("%s%s%s", joined, i ? ", " : "",
					   names[i]);

		free(joined);
		joined = longer;
	}
	return joined;
}
