// SPDX-License-Identifier: GPL-2.0
/*
 * The policy of any content.  Not for putting it in force.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "policy.h"

int fuzz_one(const uint8_t *data, size_t size)
{
	struct policy_errors errors = { 0 };
	struct policy policy = { 0 };
	size_t i;
	int ret;

	ret = policy_parse(&policy, "fuzz.conf", (const char *)data, size, &errors);
	/* an error has a place and a text, and success has no error */
	if (!ret != !errors.count)
		abort();
	for (i = 0; i < errors.count; i++) {
		if (!errors.error[i].text || !*errors.error[i].text)
			abort();
	}
	policy_free(&policy);
	policy_errors_free(&errors);
	return 0;
}
