// SPDX-License-Identifier: GPL-2.0
/*
 * What the text of a control file, or of a file in /proc, says: from memory to
 * memory, whatever the text is.  Not for reading files, see kernel.c.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fusectl.h"
#include "kernel_parse.h"
#include "text.h"

bool parse_number(const char *text, unsigned long long *number)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end)
		return false;
	*number = value;
	return true;
}

/* Calls the function for each line until it returns false. */
static void each_line(const char *text,
		      bool (*function)(char *line, void *data), void *data)
{
	char *copy = text_copy(text), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) && function(line, data))
		;
	free(copy);
}

/* The first word, and in *rest what comes after the blanks behind it. */
static char *first_word(char *line, char **rest)
{
	size_t length = strcspn(line, " \t");

	*rest = line + length;
	if (**rest) {
		*(*rest)++ = '\0';
		*rest += strspn(*rest, " \t");
	}
	return line;
}

struct wanted_state {
	const char *toggle;
	char **value;
	char **source;
};

static bool state_line(char *line, void *data)
{
	struct wanted_state *wanted = data;
	char *value, *source, *rest;

	if (strcmp(first_word(line, &rest), wanted->toggle))
		return true;
	value = first_word(rest, &rest);
	source = first_word(rest, &rest);
	if (!*value || !*source)
		return true;
	*wanted->value = text_copy(value);
	*wanted->source = text_copy(source);
	return false;
}

bool parse_state(const char *text, const char *toggle, char **value,
		 char **source)
{
	struct wanted_state wanted = { toggle, value, source };

	*value = NULL;
	*source = NULL;
	each_line(text, state_line, &wanted);
	return *source;
}

static bool hexadecimal(const char *text, unsigned long long *number)
{
	char *end;

	if (strncmp(text, "0x", 2) || strspn(text + 2, "0123456789abcdefABCDEF") !=
	    strlen(text + 2) || !text[2])
		return false;
	errno = 0;
	*number = strtoull(text, &end, 16);
	return !errno;
}

static void init_protocol(const char *text, struct parsed_init *init)
{
	unsigned long long major, minor;
	char *copy = text_copy(text), *dot = strchr(copy, '.');

	if (dot) {
		*dot = '\0';
		if (parse_number(copy, &major) && major <= INT_MAX &&
		    parse_number(dot + 1, &minor) && minor <= INT_MAX) {
			init->major = major;
			init->minor = minor;
		}
	}
	free(copy);
}

static void init_limit(const char *name, const char *text,
		       struct parsed_init *init)
{
	const struct {
		const char *name;
		long long *limit;
	} limits[] = {
		{ "max_readahead", &init->max_readahead },
		{ "max_write", &init->max_write },
		{ "max_background", &init->max_background },
		{ "congestion_threshold", &init->congestion_threshold },
	};
	unsigned long long number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		if (!strcmp(name, limits[i].name) &&
		    parse_number(text, &number) && number <= LLONG_MAX)
			*limits[i].limit = number;
	}
}

static bool init_line(char *line, void *data)
{
	struct parsed_init *init = data;
	char *rest, *name = first_word(line, &rest);

	if (!strcmp(name, "protocol")) {
		init_protocol(rest, init);
	} else if (!strcmp(name, "offered")) {
		init->has_flags |= hexadecimal(rest, &init->offered);
	} else if (!strcmp(name, "accepted")) {
		init->has_flags |= hexadecimal(rest, &init->accepted);
	} else if (!strcmp(name, "features")) {
		free(init->features);
		init->features = *rest && strcmp(rest, "-") ? text_copy(rest) :
				 NULL;
	} else {
		init_limit(name, rest, init);
	}
	return true;
}

bool parse_init(const char *text, struct parsed_init *init)
{
	*init = (struct parsed_init){
		.major = -1, .minor = -1, .max_readahead = -1, .max_write = -1,
		.max_background = -1, .congestion_threshold = -1,
	};
	each_line(text, init_line, init);
	return init->major >= 0;
}

void parse_init_free(struct parsed_init *init)
{
	free(init->features);
	init->features = NULL;
}

static bool stats_line(char *line, void *data)
{
	struct parsed_counters *counters = data;
	char *rest, *name = first_word(line, &rest);
	unsigned long long value;

	if (!*name || !parse_number(rest, &value))
		return true;
	counters->counter = memory_grow(counters->counter, counters->count + 1,
					sizeof(*counters->counter));
	counters->counter[counters->count].name = text_copy(name);
	counters->counter[counters->count].value = value;
	counters->count++;
	return true;
}

void parse_stats(const char *text, struct parsed_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	each_line(text, stats_line, counters);
}

void parse_stats_free(struct parsed_counters *counters)
{
	size_t i;

	for (i = 0; i < counters->count; i++)
		free(counters->counter[i].name);
	free(counters->counter);
	memset(counters, 0, sizeof(*counters));
}

struct wanted_number {
	const char *name;
	unsigned int *number;
	bool found;
};

static bool number_line(char *line, void *data)
{
	struct wanted_number *wanted = data;
	char *rest, *name = first_word(line, &rest), *word;
	unsigned long long value;

	if (strcmp(name, wanted->name))
		return true;
	word = first_word(rest, &rest);
	if (!parse_number(word, &value) || value > UINT_MAX)
		return true;
	*wanted->number = value;
	wanted->found = true;
	return false;
}

bool parse_fdinfo(const char *text, unsigned int *connection)
{
	struct wanted_number wanted = { "fuse_connection:", connection, false };

	each_line(text, number_line, &wanted);
	return wanted.found;
}

bool parse_process_user(const char *text, unsigned int *user)
{
	struct wanted_number wanted = { "Uid:", user, false };

	each_line(text, number_line, &wanted);
	return wanted.found;
}

char parse_process_state(const char *text)
{
	/* the name in parentheses may hold any of these itself */
	const char *end = strrchr(text, ')');

	if (!end || end[1] != ' ' || !end[2] || end[2] == '\n')
		return 0;
	return end[2];
}

/* "[<0>] fuse_dev_do_read+0x1a/0x4c0 [fuse]" */
char *parse_stack_top(const char *text)
{
	const char *name = strstr(text, "] ");
	size_t length;

	if (text[0] != '[' || !name)
		return NULL;
	name += 2;
	length = strcspn(name, "+\n ");
	return length ? text_format("%.*s", (int)length, name) : NULL;
}

unsigned long long parse_switches(const char *text)
{
	static const char *const names[] = {
		"\nvoluntary_ctxt_switches:", "\nnonvoluntary_ctxt_switches:",
	};
	unsigned long long sum = 0;
	const char *line;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		line = strstr(text, names[i]);
		if (line)
			sum += strtoull(line + strlen(names[i]), NULL, 10);
	}
	return sum;
}

const char *parse_map_path(const char *line)
{
	int i;

	/* address, permissions, offset, device, inode; then only the path */
	for (i = 0; i < 5; i++) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return *line == '/' ? line : NULL;
}
