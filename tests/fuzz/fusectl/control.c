// SPDX-License-Identifier: GPL-2.0
/*
 * What control files and files in /proc say, of any content.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "kernel_parse.h"

int fuzz_one(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *value, *source;
	struct parsed_counters counters;
	struct parsed_init init;
	unsigned long long number;
	unsigned int small;
	const char *path;

	parse_number(text, &number);
	if (parse_state(text, "syncfs", &value, &source)) {
		free(value);
		free(source);
	}
	parse_init(text, &init);
	parse_init_free(&init);
	parse_stats(text, &counters);
	parse_stats_free(&counters);
	parse_fdinfo(text, &small);
	parse_process_state(text);
	parse_process_user(text, &small);
	parse_switches(text);
	free(parse_stack_top(text));
	path = parse_map_path(text);
	if (path && (path < text || path > text + strlen(text)))
		abort();
	free(text);
	return 0;
}
