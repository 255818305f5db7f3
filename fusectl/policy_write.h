/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes what `set --persist` and `inherit --persist` change to the policy's
 * own drop-in file.  Not for reading, see policy.h.
 */
#ifndef FUSECTL_POLICY_WRITE_H
#define FUSECTL_POLICY_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "connections.h"

/* Begins as zeros. */
struct policy_edit {
	char *old;		/* the file's text before and after */
	char *new;
	char *temporary;	/* what is to be renamed, while there is one */
	bool made_directory;
};

/*
 * Makes the new text: the toggle takes the word (NULL: isn't mentioned any
 * more) module-wide, or in the rules of these targets.  Where a file of the
 * policy is broken or the new text would be, nothing is to be changed.
 * Returns an exit_status, after messages.
 */
int policy_edit(struct policy_edit *edit, int toggle, const char *word,
		const struct connections *connections,
		const struct target *targets, size_t count);

/* Tells the lines that go and come. */
void policy_edit_tell(const struct policy_edit *edit);

/* On disk, but not in its place yet; then it is, at once, or never. */
int policy_edit_write(struct policy_edit *edit);
int policy_edit_commit(struct policy_edit *edit);

/* What is on disk without being in its place is removed. */
void policy_edit_free(struct policy_edit *edit);

#endif /* FUSECTL_POLICY_WRITE_H */
