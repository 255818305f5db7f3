// SPDX-License-Identifier: GPL-2.0
/*
 * How long a verb may wait, as --timeout says.  Not for what it waits for.
 */
#include <limits.h>

#include "duration.h"
#include "kernel_parse.h"
#include "text.h"

bool duration_read(const char *verb, const char *text,
		   struct duration *duration)
{
	unsigned long long seconds;

	duration->limited = text;
	if (!text)
		return true;
	if (!parse_number(text, &seconds) || seconds > INT_MAX) {
		complain("%s: '%s' is no number of seconds", verb, text);
		complain_more("such as: --timeout 30");
		return false;
	}
	clock_gettime(CLOCK_MONOTONIC, &duration->end);
	duration->end.tv_sec += seconds;
	return true;
}

bool duration_over(const struct duration *duration)
{
	struct timespec now;

	if (!duration->limited)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > duration->end.tv_sec ||
	       (now.tv_sec == duration->end.tv_sec &&
		now.tv_nsec >= duration->end.tv_nsec);
}

void duration_pause(int milliseconds)
{
	const struct timespec pause = {
		.tv_sec = milliseconds / 1000,
		.tv_nsec = milliseconds % 1000 * 1000000L,
	};

	nanosleep(&pause, NULL);
}
