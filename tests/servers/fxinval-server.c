// SPDX-License-Identifier: GPL-2.0
/*
 * fxinval-server.c - the server of fxinval: one thread answers requests, another
 * sends notifications by a cloned descriptor at the same time, and both write down
 * when.  No files but file0 and file1, which CREATE of new0 and new1 opens, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fuse_ext.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "answers.h"
#include "device.h"
#include "fxinval.h"
#include "wire.h"

#define FIRST_NODE	2
#define FILE_SIZE	sizeof(uint64_t)
#define BUFFER_SIZE	(1 << 18)

/* From younger <linux/fuse.h> than the oldest that we compile with. */
#define INIT_EXT	(1U << 30)
#define OVER_IO_URING	(1U << 9)
#define FLAGS2		4	/* of fuse_init_in, in words */
#define FLAGS2_OUT	8	/* of fuse_init_out */

static const char *mountpoint;
static int is_by_uring;
static int device = -1;
static int cloned = -1;
static pthread_t threads[2];

/* Which file a notification is wanted for. */
static sem_t wanted;
static int wanted_file;

static void give_up(const char *what)
{
	fprintf(stderr, "fxinval: %s: %s\n", what, strerror(errno));
	__atomic_store_n(&shared->failed, 1, __ATOMIC_SEQ_CST);
}

static int reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	if (uring_reply(in, error, data, size) == 0)
		return 0;
	errno = device_reply(device, in, error, data, size);
	if (!errno || errno == ENOENT)
		return 0;
	give_up(wire_opcode_name(in->opcode));
	return -1;
}

/* A file has two names: file0 and new0. */
static void fill_attr(struct fuse_attr *attr, uint64_t nodeid)
{
	plain_attr(attr, nodeid, FILE_SIZE);
	attr->nlink = 2;
}

static void answer_init(const struct fuse_in_header *in, const struct fuse_init_in *init)
{
	struct fuse_init_out init_out = {
		.major = FUSE_KERNEL_VERSION, .minor = init->minor,
		.max_readahead = init->max_readahead, .max_background = 12,
		.congestion_threshold = 9, .max_write = 4096, .time_gran = 1,
	};
	uint32_t out[16] = { 0 };

	if (is_by_uring) {
		if (!(init->flags & INIT_EXT) ||
		    !(((const uint32_t *)init)[FLAGS2] & OVER_IO_URING)) {
			errno = EOPNOTSUPP;
			give_up("io_uring, which this kernel doesn't offer; enable_uring");
		}
		init_out.flags = INIT_EXT;
	}
	memcpy(out, &init_out, sizeof(init_out));
	if (is_by_uring)
		out[FLAGS2_OUT] = OVER_IO_URING;
	reply(in, 0, out, sizeof(out));
}

/* new0 is a name of file0, but nobody finds it: who wants it has to create it. */
static void fill_entry(struct fuse_entry_out *entry, int file, int is_kept)
{
	memset(entry, 0, sizeof(*entry));
	entry->nodeid = FIRST_NODE + file;
	entry->attr_valid = 3600;
	entry->entry_valid = is_kept ? 3600 : 0;
	fill_attr(&entry->attr, entry->nodeid);
}

static void answer_lookup(const struct fuse_in_header *in, const char *name)
{
	int file = plain_number(name, "file", FILES);
	struct fuse_entry_out entry;

	if (file >= 0)
		fill_entry(&entry, file, 1);
	reply(in, file < 0 ? ENOENT : 0, &entry, sizeof(entry));
}

static void answer_attr(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = 3600 };

	fill_attr(&out.attr, in->nodeid);
	reply(in, 0, &out, sizeof(out));
}

static struct span *span_of(const struct fuse_in_header *in)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (__atomic_load_n(&shared->pids[i], __ATOMIC_SEQ_CST) == (int)in->pid)
			return &shared->opened[i];
	errno = ESRCH;
	give_up("OPEN of a stranger");
	return NULL;
}

static void want_notification(int file)
{
	__atomic_store_n(&wanted_file, file, __ATOMIC_SEQ_CST);
	sem_post(&wanted);
}

static void dawdle(unsigned int limit)
{
	static __thread unsigned int seed = 1;
	unsigned int left;

	for (left = rand_r(&seed) % limit; left; left--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Of four, one has a notification about the time of its answer, one just behind it. */
static void answer_open(const struct fuse_in_header *in, int file, const void *data, size_t size)
{
	struct span *span = span_of(in);
	static __thread unsigned int seed = 2;
	int kind = rand_r(&seed) % 4;

	if (!span)
		return;
	if (kind == 0)
		want_notification(file);
	if (kind < 2)
		dawdle(2000);
	put(&span->after, 0);
	put(&span->before, tick());
	reply(in, 0, data, size);
	put(&span->after, tick());
	__atomic_add_fetch(&shared->by_uring, is_by_uring, __ATOMIC_SEQ_CST);
	if (kind == 1)
		want_notification(file);
}

static void answer_create(const struct fuse_in_header *in, const struct fuse_create_in *create)
{
	int file = plain_number((const char *)(create + 1), "new", FILES);
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = { .open = { .open_flags = FOPEN_KEEP_CACHE } };

	if (file < 0) {
		reply(in, EPERM, NULL, 0);
		return;
	}
	fill_entry(&out.entry, file, 0);
	answer_open(in, file, &out, sizeof(out));
}

void inval_answer(const struct fuse_in_header *in, const void *arguments)
{
	struct fuse_open_out open_out = { .open_flags = FOPEN_KEEP_CACHE };
	uint64_t now;

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(in, arguments);
		break;
	case FUSE_LOOKUP:
		answer_lookup(in, arguments);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer_attr(in);
		break;
	case FUSE_OPEN:
		answer_open(in, in->nodeid - FIRST_NODE, &open_out, sizeof(open_out));
		break;
	case FUSE_CREATE:
		answer_create(in, arguments);
		break;
	case FUSE_READ:
		/* the content is the time when it was read */
		now = tick();
		reply(in, 0, &now, sizeof(now));
		break;
	case FUSE_RELEASE:
		reply(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(in, ENOSYS, NULL, 0);
	}
}

static int serve_one(void)
{
	static uint64_t buffer[BUFFER_SIZE / sizeof(uint64_t)];
	const struct fuse_in_header *in = (const void *)buffer;
	ssize_t size = wire_read_request(device, buffer, sizeof(buffer));

	if (size < (ssize_t)sizeof(*in))
		return -1;
	inval_answer(in, in + 1);
	return 0;
}

static void *serve(void *data)
{
	while (serve_one() == 0)
		;
	return data;
}

static int notify(uint64_t nodeid)
{
	struct {
		struct fuse_out_header out;
		struct fuse_ext_notify_inval_files_out body;
	} message = {
		.out = { .len = sizeof(message), .error = FUSE_NOTIFY_INVAL_FILES },
		.body = { .nodeid = nodeid },
	};

	return write(cloned, &message, sizeof(message)) < 0 ? errno : 0;
}

/* It is there for the judges before it begins, and no refusal counts for them. */
static void notify_and_write_down(int file)
{
	unsigned long number = shared->told_count[file];
	struct span *span = &shared->told[file][number];
	int error;

	put(&span->before, tick());
	__atomic_store_n(&shared->told_count[file], number + 1, __ATOMIC_SEQ_CST);
	error = notify(FIRST_NODE + file);
	if (error) {
		shared->refused++;
		shared->refusal = error;
		if (judge != JUDGE_REFUSED)
			put(&span->before, 0);
	}
	put(&span->after, tick());
}

static void *tell(void *data)
{
	int file;

	for (;;) {
		while (sem_wait(&wanted) < 0)
			;
		if (__atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST))
			return data;
		file = __atomic_load_n(&wanted_file, __ATOMIC_SEQ_CST);
		dawdle(2000);
		notify_and_write_down(file);
		if (shared->told_count[file] == MOST_TOLD)
			__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
	}
}

static int open_devices(const char *path)
{
	struct fuse_ext_ioc ioc = {
		.size = sizeof(ioc), .abi = FUSE_EXT_ABI_VERSION, .want = FUSE_EXT_INVAL_FILES,
	};
	uint32_t original;

	device = device_open("fxinval");
	cloned = device_open("fxinval");
	if (device < 0 || cloned < 0 ||
	    device_mount("fxinval", device, "fxinval", path, "fuse.fxinval", ""))
		return 1;
	mountpoint = path;
	original = device;
	/* ENOTTY: the stock driver, where all notifications are refused */
	if (serve_one() < 0 || ioctl(cloned, FUSE_DEV_IOC_CLONE, &original) < 0 ||
	    (ioctl(device, FUSE_EXT_IOC_NEGOTIATE, &ioc) < 0 && errno != ENOTTY)) {
		give_up("clone and negotiation");
		return 1;
	}
	if (is_by_uring && uring_begin(device)) {
		give_up("io_uring");
		return 1;
	}
	return shared->failed;
}

int inval_server_begin(const char *path, int by_uring)
{
	is_by_uring = by_uring;
	if (open_devices(path) || sem_init(&wanted, 0, 0) ||
	    pthread_create(&threads[0], NULL, serve, NULL) ||
	    pthread_create(&threads[1], NULL, tell, NULL)) {
		inval_server_end();
		return 1;
	}
	return 0;
}

void inval_server_leave(void)
{
	close(device);
	close(cloned);
	uring_leave();
}

void inval_server_end(void)
{
	__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
	sem_post(&wanted);
	if (threads[1])
		pthread_join(threads[1], NULL);
	if (mountpoint && umount2(mountpoint, threads[0] ? 0 : MNT_DETACH) < 0) {
		give_up("umount");
		umount2(mountpoint, MNT_DETACH);
	}
	if (threads[0])
		pthread_join(threads[0], NULL);
	if (threads[0])
		uring_end();
}
