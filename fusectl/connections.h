/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which FUSE connection is served by which driver, and which
 * one a TARGET on the command line means.  Not for what a connection is set
 * to, see kernel.h.
 */
#ifndef FUSECTL_CONNECTIONS_H
#define FUSECTL_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "mounts.h"

enum driver {
	DRIVER_NONE,		/* there is no such connection */
	DRIVER_FUSE_EXT,
	DRIVER_STOCK,
	DRIVER_UNKNOWN,		/* our control filesystem can't be seen */
};

struct connections {
	struct mounts mounts;
	bool loaded;
	/* where a control filesystem is mounted, or NULL; inside mounts */
	const char *own_place;
	const char *stock_place;
	/* the connections in them */
	unsigned int *own;
	size_t own_count;
	unsigned int *stock;
	size_t stock_count;
	/* mounts in the order of their connections, then of the table */
	const struct mount **sorted;
};

struct target {
	const char *name;	/* as it was given */
	unsigned int connection;
};

/*
 * Reads everything.  Where fuse_ext is loaded, its control filesystem mounted
 * nowhere, and the caller is root, it is mounted at PLACE_OWN first, if he may.
 * Returns an exit_status, after a message.
 */
int connections_read(struct connections *connections);
/* The same, but nothing is mounted. */
int connections_read_only(struct connections *connections);
void connections_free(struct connections *connections);

/* Whether this mount is fuse_ext's control filesystem. */
bool connections_is_own_control(const struct mount *mount);

enum driver connections_driver(const struct connections *connections,
			       unsigned int connection);
const char *driver_name(enum driver driver);

/* The first FUSE mount of the connection, or NULL. */
const struct mount *connections_mount(const struct connections *connections,
				      unsigned int connection);

/*
 * The first mount on the connection's device, of whatever type (virtiofs has a
 * connection, too), or NULL; and the one after that in the table.
 */
const struct mount *connections_any(const struct connections *connections,
				    unsigned int connection);
const struct mount *connections_next(const struct connections *connections,
				     const struct mount *mount);

/* Where the control files of a connection are, or NULL. */
const char *connections_place(const struct connections *connections,
			      unsigned int connection);

/*
 * The connections that the names mean, each of which fuse_ext serves; names of
 * the same one are left out after the first.  Returns an exit_status, after a
 * message for each name that is none.
 */
int connections_targets(const struct connections *connections,
			char *const *names, size_t count,
			struct target *targets, size_t *found);

/* The same for connections of any driver. */
int connections_targets_any(const struct connections *connections,
			    char *const *names, size_t count,
			    struct target *targets, size_t *found);

#endif /* FUSECTL_CONNECTIONS_H */
