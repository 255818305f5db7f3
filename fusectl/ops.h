/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls by which fusectl changes the machine, and where its root
 * is.  The unit tests link their own version of ops.c.  Not for reading, see
 * kernel.h and mounts.h.
 *
 * Everything here but ops_poll() returns 0 or a negative errno.
 */
#ifndef FUSECTL_OPS_H
#define FUSECTL_OPS_H

#include <poll.h>

/* What stands before each absolute path: nothing, but in the unit tests. */
const char *ops_root(void);

int ops_mount(const char *source, const char *target, const char *type,
	      unsigned long flags);
int ops_unmount(const char *target);

/* Load fuse_ext as modprobe does: dependencies, soft dependencies, options. */
int ops_module_insert(void);
int ops_module_remove(void);

/*
 * A field of the fuse_ext that is installed for the running kernel, as modinfo
 * shows it, or "filename"; NULL where there is none.  The caller frees it.
 */
char *ops_module_field(const char *name);

/*
 * Runs a command with a clean environment for at most 20 seconds.  Its exit
 * status or a negative errno; *output, if asked for, is what it wrote to stdout
 * and is freed by the caller ("" at least where 0 is returned).
 */
int ops_run(const char *const *command, char **output);

int ops_write(const char *path, const char *word);

/* A directory in tracefs: an instance; the path begins with ops_root(). */
int ops_make_directory(const char *path);
int ops_remove_directory(const char *path);

/* poll(2), which waits for changes of the machine; -1 and errno, as that. */
int ops_poll(struct pollfd *files, nfds_t count, int milliseconds);

#endif /* FUSECTL_OPS_H */
