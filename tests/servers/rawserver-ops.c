// SPDX-License-Identifier: GPL-2.0
/*
 * rawserver-ops.c - the smallest filesystem that can be opened, read, written
 * and closed: a root with file0 to file9, each of 4096 bytes 'x'.  Whatever
 * else is asked for gets ENOSYS.
 */
#include <errno.h>
#include <string.h>

#include "answers.h"
#include "rawserver.h"
#include "wire.h"

#define FIRST_FILE	2
#define FILES		10
#define FILE_SIZE	4096

static uint64_t next_fh = 1;

static void answer_lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { .attr_valid = 3600, .entry_valid = 3600 };
	int number = plain_number(name, "file", FILES);

	if (number < 0) {
		reply(in, ENOENT, NULL, 0);
		return;
	}
	out.nodeid = FIRST_FILE + number;
	plain_attr(&out.attr, out.nodeid, FILE_SIZE);
	reply(in, 0, &out, minor_in_force < 9 ? FUSE_COMPAT_ENTRY_OUT_SIZE : sizeof(out));
}

static void answer_attr(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = 3600 };

	plain_attr(&out.attr, in->nodeid, FILE_SIZE);
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

	memset(data, 'x', sizeof(data));
	reply(in, 0, data, plain_read_size(read_in, FILE_SIZE));
}

static void answer_write(const struct fuse_in_header *in, const struct fuse_write_in *write_in)
{
	struct fuse_write_out out = { .size = write_in->size };

	reply(in, 0, &out, sizeof(out));
}

static void answer_statfs(const struct fuse_in_header *in)
{
	reply(in, 0, &plain_statfs,
	      minor_in_force < 4 ? FUSE_COMPAT_STATFS_SIZE : sizeof(plain_statfs));
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
