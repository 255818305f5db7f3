// SPDX-License-Identifier: GPL-2.0
/*
 * nodeserver-ops.c - the files of nodeserver: every name that is looked up is a
 * file of 64 KiB 'x', the same on each node, that keeps a lock per open file if
 * it is asked to.  Files whose name begins with "sync" are opened with
 * FOPEN_SYNC_RELEASE.  Whatever else is asked for gets ENOSYS.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fuse_ext.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answers.h"
#include "nodeserver.h"
#include "wire.h"

#define FIRST_FILE	2
#define FILES		64
#define FILE_SIZE	65536
#define NAME_SIZE	64

/* From younger <linux/fuse.h> than the oldest that we compile with. */
#define NODE_INIT_EXT		(1U << 30)
#define NODE_PASSTHROUGH	(1U << 5)	/* in flags2 */
#define NODE_FOPEN_PASSTHROUGH	(1U << 7)
struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

#define NODE_BACKING_OPEN	_IOW(229, 1, struct backing_map)

struct open_answer {
	uint64_t fh;
	uint32_t flags;
	int32_t backing_id;
};

struct file {
	char name[NAME_SIZE];
	struct node *holder;	/* the node that has it open */
	unsigned int opens;
};

static struct file files[FILES];
static unsigned int files_used;
static unsigned long conflicts;
static uint64_t next_fh = 1;
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;

unsigned long conflict_count(void)
{
	unsigned long count;

	pthread_mutex_lock(&files_lock);
	count = conflicts;
	pthread_mutex_unlock(&files_lock);
	return count;
}

/* The file's number, made if it is new; 0: no room.  Needs files_lock. */
static uint64_t find_file(const char *name)
{
	unsigned int i;

	for (i = 0; i < files_used; i++)
		if (strcmp(files[i].name, name) == 0)
			return FIRST_FILE + i;
	if (files_used == FILES || strlen(name) >= NAME_SIZE)
		return 0;
	strcpy(files[files_used].name, name);
	return FIRST_FILE + files_used++;
}

static struct file *file_of(uint64_t nodeid)
{
	return &files[nodeid - FIRST_FILE];
}

static void fill_attr(struct fuse_attr *attr, uint64_t nodeid)
{
	plain_attr(attr, nodeid, FILE_SIZE);
	attr->blocks = attr->size / 512;
}

static int fill_entry(struct fuse_entry_out *entry, const char *name)
{
	memset(entry, 0, sizeof(*entry));
	entry->attr_valid = 3600;
	entry->entry_valid = 3600;
	pthread_mutex_lock(&files_lock);
	entry->nodeid = find_file(name);
	pthread_mutex_unlock(&files_lock);
	if (!entry->nodeid)
		return ENOENT;
	fill_attr(&entry->attr, entry->nodeid);
	return 0;
}

static void answer_lookup(struct node *node, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry;
	int error = fill_entry(&entry, name);

	reply(node, in, error, &entry, sizeof(entry));
}

static void answer_attr(struct node *node, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = 3600 };

	fill_attr(&out.attr, in->nodeid);
	reply(node, in, 0, &out, sizeof(out));
}

/* The reply to INIT as the youngest kernel takes it; older ones take less. */
static void answer_init(struct node *node, const struct fuse_in_header *in,
			const struct fuse_init_in *init)
{
	uint32_t out[16] = { FUSE_KERNEL_VERSION };
	uint32_t offered2 = 0;

	node->minor = init->minor < FUSE_KERNEL_MINOR_VERSION ? init->minor :
		      FUSE_KERNEL_MINOR_VERSION;
	if (in->len >= sizeof(*in) + 5 * sizeof(uint32_t) && (init->flags & NODE_INIT_EXT))
		offered2 = ((const uint32_t *)init)[4];
	node->passthrough = settings.passthrough_fd >= 0 && (offered2 & NODE_PASSTHROUGH);
	out[1] = node->minor;
	out[2] = init->max_readahead;
	out[3] = init->flags & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO);
	out[5] = 131072;	/* max_write */
	out[6] = 1;		/* time_gran */
	if (node->passthrough) {
		out[3] |= NODE_INIT_EXT;
		out[8] = NODE_PASSTHROUGH;
		out[9] = 1;	/* max_stack_depth */
	}
	reply(node, in, 0, out, sizeof(out));
}

/* 0, or EBUSY if another node has the file open.  Needs files_lock. */
static int hold_file(struct node *node, struct file *file)
{
	if (settings.exclusive && file->opens && file->holder != node) {
		conflicts++;
		return EBUSY;
	}
	file->holder = node;
	file->opens++;
	return 0;
}

static int backing_of(struct node *node)
{
	struct backing_map map = { .fd = settings.passthrough_fd };

	if (!node->backing_id)
		node->backing_id = ioctl(node->place->device, NODE_BACKING_OPEN, &map);
	if (node->backing_id <= 0)
		wire_log(log_file, "backing error=%s", wire_errno_name(errno));
	return node->backing_id;
}

static int fill_open(struct node *node, struct open_answer *out, uint64_t nodeid)
{
	struct file *file = file_of(nodeid);
	int error;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&files_lock);
	error = hold_file(node, file);
	out->fh = next_fh++;
	if (strncmp(file->name, "sync", 4) == 0)
		out->flags |= FOPEN_SYNC_RELEASE;
	if (!error && node->passthrough) {
		out->flags |= NODE_FOPEN_PASSTHROUGH;
		out->backing_id = backing_of(node);
	}
	pthread_mutex_unlock(&files_lock);
	return error;
}

static void answer_open(struct node *node, const struct fuse_in_header *in)
{
	struct open_answer out;
	int error = fill_open(node, &out, in->nodeid);

	reply(node, in, error, &out, sizeof(out));
}

static void answer_opendir(struct node *node, const struct fuse_in_header *in)
{
	struct open_answer out = { .flags = FOPEN_SYNC_RELEASE };

	reply(node, in, 0, &out, sizeof(out));
}

/* CREATE and TMPFILE: an entry, and an open file. */
static void answer_create(struct node *node, const struct fuse_in_header *in, const char *name)
{
	struct {
		struct fuse_entry_out entry;
		struct open_answer open;
	} out;
	int error = fill_entry(&out.entry, name);

	if (!error)
		error = fill_open(node, &out.open, out.entry.nodeid);
	reply(node, in, error, &out, sizeof(out));
}

static void answer_read(struct node *node, const struct fuse_in_header *in,
			const struct fuse_read_in *read_in)
{
	size_t size = plain_read_size(read_in, FILE_SIZE);
	char *data;

	data = malloc(size + 1);
	if (!data)
		abort();
	memset(data, 'x', size);
	reply(node, in, 0, data, size);
	free(data);
}

static void answer_write(struct node *node, const struct fuse_in_header *in,
			 const struct fuse_write_in *write_in)
{
	struct fuse_write_out out = { .size = write_in->size };

	reply(node, in, 0, &out, sizeof(out));
}

/* The lock is gone before the answer: whoever waits for it finds it free. */
static void answer_release(struct node *node, const struct fuse_in_header *in)
{
	pthread_mutex_lock(&files_lock);
	if (file_of(in->nodeid)->opens)
		file_of(in->nodeid)->opens--;
	pthread_mutex_unlock(&files_lock);
	reply(node, in, 0, NULL, 0);
}

static int receive_descriptor(int connection)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/*
 * STATFS, with --take: drop what may be the last reference on a file of our
 * own, in the thread that reads the device.
 */
static void take_descriptor(void)
{
	int connection = accept4(settings.take_listener, NULL, NULL, SOCK_CLOEXEC);
	int fd = -1;

	if (connection < 0)
		return;
	if (!settings.take_discards) {
		fd = receive_descriptor(connection);
		wire_log(log_file, "taken %d", fd >= 0);
		if (fd >= 0)
			close(fd);
	}
	close(connection);
	wire_log(log_file, "dropped");
}

static void answer_statfs(struct node *node, const struct fuse_in_header *in)
{
	if (settings.take_listener >= 0)
		take_descriptor();
	reply(node, in, 0, &plain_statfs, sizeof(plain_statfs));
}

void answer_request(struct node *node, const struct fuse_in_header *in, const void *arguments)
{
	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(node, in, arguments);
		break;
	case FUSE_LOOKUP:
		answer_lookup(node, in, arguments);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer_attr(node, in);
		break;
	case FUSE_OPEN:
		answer_open(node, in);
		break;
	case FUSE_OPENDIR:
		answer_opendir(node, in);
		break;
	case FUSE_CREATE:
		answer_create(node, in, (const char *)arguments + sizeof(struct fuse_create_in));
		break;
	case WIRE_TMPFILE:
		answer_create(node, in, "sync-tmpfile");
		break;
	case FUSE_READ:
		answer_read(node, in, arguments);
		break;
	case FUSE_WRITE:
		answer_write(node, in, arguments);
		break;
	case FUSE_RELEASE:
		answer_release(node, in);
		break;
	case FUSE_STATFS:
		answer_statfs(node, in);
		break;
	case FUSE_READDIR:
	case FUSE_FLUSH:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNC:
	case FUSE_DESTROY:
		reply(node, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(node, in, ENOSYS, NULL, 0);
		break;
	}
}
