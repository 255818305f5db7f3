/* SPDX-License-Identifier: GPL-2.0 */
/*
 * answers.h - the parts of answers that the servers with next to no filesystem
 * give alike: file0 to fileN in a root directory, all of one size.  It sends
 * nothing.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>

extern const struct fuse_statfs_out plain_statfs;

/* Of a file of @size bytes, or of the root. */
void plain_attr(struct fuse_attr *attr, uint64_t nodeid, uint64_t size);

/* How many bytes READ gets from a file of @size bytes. */
size_t plain_read_size(const struct fuse_read_in *read_in, uint64_t size);

/* The number behind @prefix, if it is less than @count (at most 10), or -1. */
int plain_number(const char *name, const char *prefix, int count);

#endif /* ANSWERS_H */
