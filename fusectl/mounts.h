/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is mounted where, from mountinfo alone: nothing here sends a
 * request to a FUSE server, which may be dead or slow.  Not for changing
 * mounts, see control.h.
 */
#ifndef FUSECTL_MOUNTS_H
#define FUSECTL_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mount {
	int id;
	int parent;
	dev_t device;
	/* the number by which the control filesystem knows its connection */
	unsigned int connection;
	/* these live as long as the table */
	const char *root;
	const char *target;
	const char *type;
	const char *source;
	const char *options;	/* of the mount and of its filesystem */
	/* who mounted it (FUSE's user_id=), or (uid_t)-1 where none is told */
	uid_t user;
};

struct libmnt_table;

struct mounts {
	struct libmnt_table *table;
	struct mount *mount;
	size_t count;
};

/* 0 or a negative errno, after a message */
int mounts_read(struct mounts *mounts);

/*
 * Complains about each other mount namespace, by a process in it, that has a
 * filesystem on this device mounted; whether there is one.
 */
bool mounts_elsewhere(dev_t device, const char *what);

/*
 * Calls the function for each of those, with the process and the mount point;
 * whether there is one.
 */
bool mounts_each_elsewhere(dev_t device,
			   void (*function)(const char *process,
					    const char *target, void *data),
			   void *data);

void mounts_free(struct mounts *mounts);

bool mount_is_fuse(const struct mount *mount);
bool mount_is_control(const struct mount *mount);

static inline unsigned int mount_connection(const struct mount *mount)
{
	return mount->connection;
}

/* The mount that is seen at exactly this path; NULL if the path isn't one. */
const struct mount *mounts_at(const struct mounts *mounts, const char *path);

/*
 * The mount that a path lies in.  Symbolic links are followed up to the first
 * FUSE filesystem, never inside one.  *mount stays NULL where the mount isn't
 * in the table (a chroot).  Returns a negative errno.
 */
int mounts_resolve(const struct mounts *mounts, const char *path,
		   const struct mount **mount);

#endif /* FUSECTL_MOUNTS_H */
