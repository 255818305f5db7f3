/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What fuse_ext says of itself in sysfs and in its control
 * filesystem.  Not for mounts, see mounts.h.
 */
#ifndef FUSECTL_KERNEL_H
#define FUSECTL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* where everybody looks for the control filesystem */
#define PLACE_STANDARD	"/sys/fs/fuse/connections"
/* where that of fuse_ext is always mounted */
#define PLACE_OWN	"/sys/fs/fuse_ext/connections"
/* where that of the stock driver stays reachable meanwhile */
#define PLACE_STOCK	PLACE_RUN "/stock-connections"
#define PLACE_RUN	"/run/fuse-ext"

bool kernel_loaded(void);

/* An attribute in /sys/fs/fuse_ext; NULL if it isn't there.  To be freed. */
char *kernel_attribute(const char *name);

/* An attribute in /sys/module/fuse_ext; NULL if it isn't there.  To be freed. */
char *kernel_module_attribute(const char *name);

/* The device of fuse_ext's control filesystem; false while it isn't mounted. */
bool kernel_control_device(dev_t *device);

/*
 * A file of a connection in the control filesystem that is mounted at
 * directory; NULL and errno if it can't be read.  To be freed.
 */
char *kernel_connection_file(const char *directory, unsigned int connection,
			     const char *name);

/* The value in force and its source, from ext_state; 0 or a negative errno. */
int kernel_connection_state(const char *directory, unsigned int connection,
			    const char *toggle, char **value, char **source);

/* 0 or a negative errno */
int kernel_connection_write(const char *directory, unsigned int connection,
			    const char *toggle, const char *word);
int kernel_module_write(const char *toggle, const char *word);

/*
 * What writing the word would most likely be answered with, by this caller and
 * to this build of fuse_ext: 0 or a negative errno.  Nothing is written.
 * directory NULL: module-wide.
 */
int kernel_would_take(const char *directory, unsigned int connection,
		      const char *toggle, const char *word);

/* Each time that it is loaded it is another one; 0: it isn't. */
ino_t kernel_module_instance(void);

/* The directory of a connection is another one for each connection's life. */
ino_t kernel_connection_instance(const char *directory, unsigned int connection);

/* The connections in a control filesystem; 0 or a negative errno. */
int kernel_connections(const char *directory, unsigned int **connections,
		       size_t *count);

/* Says why writing a toggle failed; the exit_status for it. */
int kernel_write_failed(const char *toggle, const char *word, const char *where,
			int error);

#endif /* FUSECTL_KERNEL_H */
