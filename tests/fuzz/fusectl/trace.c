// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of tracefs of any content.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "trace_parse.h"

int fuzz_one(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct trace_event event;

	if (trace_parse(text, &event) && event.kind == TRACE_REQUEST &&
	    strnlen(event.name, TRACE_NAME_SIZE) == TRACE_NAME_SIZE)
		abort();
	free(text);
	return 0;
}
