/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The steps of loading and unloading fuse_ext: module, control
 * filesystems, directories; each can be undone.  Not for their order, which is
 * that of load.c and unload.c.
 */
#ifndef FUSECTL_CONTROL_H
#define FUSECTL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

enum step_kind {
	STEP_MOUNTED,
	STEP_UNMOUNTED,
	STEP_CREATED,
	STEP_INSERTED,
};

struct journal {
	struct step {
		enum step_kind kind;
		char *path;
	} *step;
	size_t count;
};

/*
 * Each does one thing and notes it.  0 or a negative errno, after a message
 * where silent isn't in the name.
 */
int journal_insert(struct journal *journal);
int journal_mkdir(struct journal *journal, const char *path);
/* a control filesystem of the driver that the type's name means now */
int journal_mount(struct journal *journal, const char *target);
int journal_mount_silent(struct journal *journal, const char *target);
/* the same instance at a second place, apart from the first in propagation */
int journal_bind(struct journal *journal, const char *source,
		 const char *target);
/* undone by journal_mount(): only for a filesystem of the type's driver */
int journal_unmount(struct journal *journal, const char *target);

/* Undoes every step, the last one first; false, after messages, if one fails. */
bool journal_undo(struct journal *journal);
/* Forgets the steps: they are to stay. */
void journal_keep(struct journal *journal);

/* Only one load or unload at a time, and no signal in the middle: an fd, or a
 * negative errno after a message.  Ends with the program.
 */
int control_lock(void);

/*
 * Mounts fuse_ext's control filesystem at PLACE_OWN; an exit_status, after a
 * message unless that isn't permitted.
 */
int control_mount_own(void);

/* The exit_status for what a step returned. */
int control_status(int error);

#endif /* FUSECTL_CONTROL_H */
