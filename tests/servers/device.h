/* SPDX-License-Identifier: GPL-2.0 */
/*
 * device.h - /dev/fuse as a server without libfuse uses it: open, mount, reply.
 * For the test servers; what is asked and answered is theirs.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <linux/fuse.h>
#include <stddef.h>

/* @name is the server's, for messages.  A descriptor, or -1 after a message. */
int device_open(const char *name);

/* By mount(2), with @data (may be empty) behind the options of every mount; 0, or -1 and errno. */
int device_try_mount(int device, const char *source, const char *path, const char *type,
		     const char *data);

/* The same, with a message; 0 or -1. */
int device_mount(const char *name, int device, const char *source, const char *path,
		 const char *type, const char *data);

/* One write(2) of a reply; 0 or errno. */
int device_reply(int device, const struct fuse_in_header *in, int error, const void *data,
		 size_t size);

/*
 * The number of the connection that is mounted at @path, or -1.  By mountinfo, since
 * stat(2) would ask the server.
 */
int device_connection(const char *path);

#endif /* DEVICE_H */
