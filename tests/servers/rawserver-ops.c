// SPDX-License-Identifier: GPL-2.0
/*
 * rawserver-ops.c - the smallest filesystem that can be opened, read, written
 * and closed: a root with file0 to file9, each of 4096 bytes 'x'.  Whatever
 * else is asked for gets ENOSYS.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rawserver.h"
#include "wire.h"

#define FIRST_FILE	2
#define FILES		10
#define FILE_SIZE	4096

static uint64_t next_fh = 1;

static void fill_attr(struct fuse_attr *attr, uint64_t node)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0666;
	attr->nlink = node == FUSE_ROOT_ID ? 2 : 1;
	attr->size = node == FUSE_ROOT_ID ? 0 : FILE_SIZE;
	attr->blksize = 4096;
}

static void answer_lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { .attr_valid = 3600, .entry_valid = 3600 };

	if (strncmp(name, "file", 4) || name[4] < '0' || name[4] > '9' || name[5]) {
		reply(in, ENOENT, NULL, 0);
		return;
	}
	out.nodeid = FIRST_FILE + name[4] - '0';
	fill_attr(&out.attr, out.nodeid);
	reply(in, 0, &out, minor_in_force < 9 ? FUSE_COMPAT_ENTRY_OUT_SIZE : sizeof(out));
}

static void answer_attr(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = 3600 };

	fill_attr(&out.attr, in->nodeid);
	reply(in, 0, &out, minor_in_force < 9 ? FUSE_COMPAT_ATTR_OUT_SIZE : sizeof(out));
}

static void answer_open(const struct fuse_in_header *in)
{
	struct fuse_open_out out = { .fh = next_fh++ };

	reply(in, 0, &out, sizeof(out));
}

static void answer_read(const struct fuse_in_header *in, const struct fuse_read_in *read_in)
{
	static char data[FILE_SIZE];
	size_t size = 0;

	memset(data, 'x', sizeof(data));
	if (read_in->offset < FILE_SIZE) {
		size = FILE_SIZE - read_in->offset;
		if (size > read_in->size)
			size = read_in->size;
	}
	reply(in, 0, data, size);
}

static void answer_write(const struct fuse_in_header *in, const struct fuse_write_in *write_in)
{
	struct fuse_write_out out = { .size = write_in->size };

	reply(in, 0, &out, sizeof(out));
}

static void answer_statfs(const struct fuse_in_header *in)
{
	struct fuse_statfs_out out = { .st = { .bsize = 4096, .namelen = 255, .frsize = 4096 } };

	reply(in, 0, &out, minor_in_force < 4 ? FUSE_COMPAT_STATFS_SIZE : sizeof(out));
}

void answer_request(const struct fuse_in_header *in, const void *arguments, size_t size)
{
	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(in, arguments, size);
		break;
	case FUSE_LOOKUP:
		answer_lookup(in, arguments);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer_attr(in);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer_open(in);
		break;
	case FUSE_READ:
		answer_read(in, arguments);
		break;
	case FUSE_WRITE:
		answer_write(in, arguments);
		break;
	case FUSE_STATFS:
		answer_statfs(in);
		break;
	case FUSE_READDIR:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNC:
	case FUSE_DESTROY:
	case WIRE_SYNCFS:
		reply(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(in, ENOSYS, NULL, 0);
		break;
	}
}
