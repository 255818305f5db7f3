// SPDX-License-Identifier: GPL-2.0
/*
 * ext_state of any content.  Not for files that other targets have.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "kernel.h"
#include "toggles.h"

int fuzz_one(const uint8_t *data, size_t size)
{
	char *value, *source;
	int i;

	fuzz_file("/own/52", "ext_state", data, size);
	for (i = 0; i < TOGGLE_COUNT; i++) {
		int ret = kernel_connection_state("/own", 52, toggle_names[i], &value, &source);

		if (!ret != (value && source))
			abort();
		free(value);
		free(source);
	}
	return 0;
}
