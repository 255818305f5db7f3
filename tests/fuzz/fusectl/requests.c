// SPDX-License-Identifier: GPL-2.0
/*
 * ext_requests of any content, and lists of opcodes.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "requests.h"

int fuzz_one(const uint8_t *data, size_t size)
{
	static struct requests before, now, between;
	char *text = fuzz_text(data, size);
	struct opcode_set set;

	if (requests_parse(text, &now)) {
		if (now.count > REQUESTS_OPCODES || now.bucket_count > REQUESTS_BUCKETS)
			abort();
		requests_since(&before, &now, &between);
		requests_total(&between);
		requests_quantile(&between, 0.99);
		before = now;
	}
	opcode_set_read(&set, text);
	opcode_set_free(&set);
	free(text);
	return 0;
}
