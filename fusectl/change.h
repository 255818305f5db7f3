/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Set a toggle on several connections, all or none.  Not for the
 * module-wide value, see set.c.
 */
#ifndef FUSECTL_CHANGE_H
#define FUSECTL_CHANGE_H

#include <stddef.h>

/*
 * The toggle takes the word on each of the targets, or, after messages, on
 * none.  Returns an exit_status.
 */
int change(int toggle, const char *word, char *const *names, size_t count);

#endif /* FUSECTL_CHANGE_H */
