// SPDX-License-Identifier: GPL-2.0
/*
 * Whether output may have colours.  Not for which ones, see table.c
 * and the verbs.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colour.h"

bool colour_wanted(FILE *stream)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	/* no-color.org: set and not empty */
	if (no && *no)
		return false;
	if (!terminal || !*terminal || !strcmp(terminal, "dumb"))
		return false;
	return isatty(fileno(stream));
}
