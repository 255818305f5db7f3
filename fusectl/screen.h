/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `fusectl top` shows: a line a connection, on the screen with
 * keys, or as text.  Not for where the figures come from, see sampling.h.
 */
#ifndef FUSECTL_SCREEN_H
#define FUSECTL_SCREEN_H

#include <stdbool.h>

#include "sampling.h"

/* The line of headings, and one of a connection; to be freed. */
char *screen_headings(void);
char *screen_line(const struct sample *sample);

/* False after a message where it is no terminal for that. */
bool screen_begin(void);
void screen_draw(const struct sampling *sampling, int delay);

enum screen_action {
	SCREEN_STAY,
	SCREEN_REFRESH,		/* the interval is to end now */
	SCREEN_QUIT,
};

/* The keys that were pressed; may set the delay (milliseconds). */
enum screen_action screen_keys(const struct sampling *sampling, int *delay);
void screen_end(void);

#endif /* FUSECTL_SCREEN_H */
