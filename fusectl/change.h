/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Set a toggle on several connections, all or none, or module-wide; until they
 * end, or for good.  Not for the policy's files, see policy_write.h.
 */
#ifndef FUSECTL_CHANGE_H
#define FUSECTL_CHANGE_H

#include <stddef.h>

enum change_mode {
	CHANGE_PERSIST = 1,	/* write it to the policy, too */
	CHANGE_FORGET = 2,	/* with it: take it from the policy */
	CHANGE_DRY = 4,		/* only tell it */
};

/*
 * The toggle takes the word on each of the targets, or, after messages, on
 * none.  Returns an exit_status.
 */
int change(int toggle, const char *word, char *const *names, size_t count,
	   enum change_mode mode);
int change_module(int toggle, const char *word, enum change_mode mode);

#endif /* FUSECTL_CHANGE_H */
