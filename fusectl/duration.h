/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long a verb may wait, as --timeout says.  Not for what it waits for.
 */
#ifndef FUSECTL_DURATION_H
#define FUSECTL_DURATION_H

#include <stdbool.h>
#include <time.h>

struct duration {
	bool limited;
	struct timespec end;
};

/* From now on; text NULL: for ever.  false after a message. */
bool duration_read(const char *verb, const char *text,
		   struct duration *duration);
bool duration_over(const struct duration *duration);
void duration_pause(int milliseconds);

#endif /* FUSECTL_DURATION_H */
