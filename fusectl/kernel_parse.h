/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the text of a control file, or of a file in /proc, says: from memory to
 * memory, whatever the text is.  Not for reading files, see kernel.h.
 */
#ifndef FUSECTL_KERNEL_PARSE_H
#define FUSECTL_KERNEL_PARSE_H

#include <stdbool.h>
#include <stddef.h>

/* what ext_init says; -1, or 0 of features, for what it doesn't tell */
struct parsed_init {
	int major;
	int minor;
	bool has_flags;
	unsigned long long offered;
	unsigned long long accepted;
	long long max_readahead;
	long long max_write;
	long long max_background;
	long long congestion_threshold;
	char *features;		/* NULL: none, or not told */
};

struct parsed_counter {
	char *name;
	unsigned long long value;
};

struct parsed_counters {
	struct parsed_counter *counter;
	size_t count;
};

/* A decimal number and nothing else; false leaves *number as it is. */
bool parse_number(const char *text, unsigned long long *number);

/* ext_state: of one toggle; false: it isn't there.  Both are to be freed. */
bool parse_state(const char *text, const char *toggle, char **value,
		 char **source);

/* ext_init; false while INIT isn't answered.  parse_init_free() in any case. */
bool parse_init(const char *text, struct parsed_init *init);
void parse_init_free(struct parsed_init *init);

/* ext_stats: lines `NAME NUMBER`; others are passed over. */
void parse_stats(const char *text, struct parsed_counters *counters);
void parse_stats_free(struct parsed_counters *counters);

/* fdinfo of /dev/fuse: the connection; false: it doesn't tell. */
bool parse_fdinfo(const char *text, unsigned int *connection);

/* /proc/PID/stat: the state's letter; 0: it is no such line. */
char parse_process_state(const char *text);

/*
 * /proc/PID/stack: the function on top, without offsets; NULL: there is none.
 * To be freed.
 */
char *parse_stack_top(const char *text);

/* /proc/PID/status: how often it was switched to, of both kinds. */
unsigned long long parse_switches(const char *text);

/* /proc/PID/status: the real user; false: there is none. */
bool parse_process_user(const char *text, unsigned int *user);

/* The path of a line of /proc/PID/maps, in the line; NULL: it has none. */
const char *parse_map_path(const char *line);

#endif /* FUSECTL_KERNEL_PARSE_H */
