// SPDX-License-Identifier: GPL-2.0
/*
 * lib-server.c - the server under test of libfuse-ext.  It replies while it
 * holds its lock, as many do, and the names say what it shall do:
 *
 *   old, dir, link     exist; all others don't, until they are created
 *   negative           doesn't exist, said by an entry without a node
 *   denied             lookup fails with EACCES
 *   full               create fails with ENOSPC
 *   race               appears between the first lookup and create
 *   flap               is never there for lookup, and always for create
 *   entry              create replies like mknod
 *   until-interrupted  lookup replies EINTR when it is interrupted
 *   never              lookup doesn't reply
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib-device.h"
#include "lib-kernel.h"

#define NODE_OLD	7
#define NODE_MADE	1000
#define FH		0x123456789abcULL

struct variant variant;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char record[1 << 16];
static size_t recorded;
static unsigned int races;
/* not static, or it is optimized away, and the request is a leak */
fuse_req_t server_never_answered;

/* With the lock held. */
static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	recorded += vsnprintf(record + recorded, sizeof(record) - recorded, format, arguments);
	va_end(arguments);
	if (recorded >= sizeof(record))
		abort();
}

void server_recorded(const char *expected)
{
	const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
	bool same = false;
	int i;

	for (i = 0; i < 1000 && !same; i++) {
		if (i)
			nanosleep(&pause, NULL);
		pthread_mutex_lock(&lock);
		same = strcmp(record, expected) == 0;
		pthread_mutex_unlock(&lock);
	}
	if (!same)
		fail("the server was asked: %s\n  expected: %s", record, expected);
	server_forget_record();
}

void server_forget_record(void)
{
	pthread_mutex_lock(&lock);
	recorded = 0;
	record[0] = '\0';
	pthread_mutex_unlock(&lock);
}

/**
 * struct answer - a reply to be sent, now or later
 * @req:	the request
 * @error:	errno, or 0
 * @entry:	of the file
 * @file:	where it is opened
 * @opened:	reply to create
 * @created:	reply to atomic_create
 */
struct answer {
	fuse_req_t req;
	int error;
	struct fuse_entry_param entry;
	struct fuse_file_info file;
	bool opened;
	bool created;
};

static void send_answer(const struct answer *answer)
{
	unsigned int flags = answer->created ? FOPEN_FILE_CREATED : 0;

	if (answer->error)
		fuse_reply_err(answer->req, answer->error);
	else if (!answer->opened)
		fuse_reply_entry(answer->req, &answer->entry);
	else if (variant.sync_release || answer->created)
		fuse_ext_reply_create(answer->req, &answer->entry, &answer->file,
				      flags | (variant.sync_release ? FOPEN_SYNC_RELEASE : 0));
	else
		fuse_reply_create(answer->req, &answer->entry, &answer->file);
}

static void *answer_later(void *data)
{
	const struct timespec pause = { .tv_nsec = 2 * 1000 * 1000 };

	nanosleep(&pause, NULL);
	pthread_mutex_lock(&lock);
	send_answer(data);
	pthread_mutex_unlock(&lock);
	free(data);
	return NULL;
}

/* With the lock held. */
static void reply(const struct answer *answer)
{
	struct answer *copy;
	pthread_t thread;

	if (!variant.later) {
		send_answer(answer);
		return;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		abort();
	*copy = *answer;
	if (pthread_create(&thread, NULL, answer_later, copy))
		abort();
	pthread_detach(thread);
}

static struct fuse_entry_param entry_of(fuse_ino_t ino, mode_t mode)
{
	struct fuse_entry_param entry = {
		.ino = ino,
		.generation = 3,
		.attr = {
			.st_ino = ino, .st_mode = mode, .st_nlink = 1, .st_size = 5,
			.st_blocks = 8, .st_blksize = 4096, .st_uid = 11, .st_gid = 12,
			.st_rdev = 13,
			.st_atim = { 21, 22 }, .st_mtim = { 23, 24 }, .st_ctim = { 25, 26 },
		},
		.attr_timeout = 1.5,
		.entry_timeout = 2.25,
	};

	return entry;
}

/* 0 with the entry, or errno */
static int find(const char *name, struct fuse_entry_param *entry)
{
	if (strcmp(name, "old") == 0 || (strcmp(name, "race") == 0 && races))
		*entry = entry_of(NODE_OLD, S_IFREG | 0644);
	else if (strcmp(name, "dir") == 0)
		*entry = entry_of(NODE_OLD, S_IFDIR | 0755);
	else if (strcmp(name, "link") == 0)
		*entry = entry_of(NODE_OLD, S_IFLNK | 0777);
	else if (strcmp(name, "negative") == 0)
		*entry = entry_of(0, 0);
	else
		return strcmp(name, "denied") == 0 ? EACCES : ENOENT;
	return 0;
}

static void on_interrupt(fuse_req_t req, void *data)
{
	(void)data;
	fuse_reply_err(req, EINTR);
}

static void server_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct answer answer = { .req = req };

	if (strcmp(name, "until-interrupted") == 0) {
		fuse_req_interrupt_func(req, on_interrupt, NULL);
		return;
	}
	pthread_mutex_lock(&lock);
	note("lookup %lu/%s;", (unsigned long)parent, name);
	answer.error = find(name, &answer.entry);
	if (strcmp(name, "never") == 0)
		server_never_answered = req;
	else
		reply(&answer);
	pthread_mutex_unlock(&lock);
}

/* 0 with the entry, or errno */
static int make(const char *name, mode_t mode, struct answer *answer)
{
	if (strcmp(name, "race") == 0) {
		races++;
		return EEXIST;
	}
	if (strcmp(name, "flap") == 0)
		return EEXIST;
	if (strcmp(name, "full") == 0)
		return ENOSPC;
	answer->entry = entry_of(NODE_MADE, mode);
	answer->opened = strcmp(name, "entry") != 0;
	return 0;
}

static void note_create(fuse_req_t req, const char *what, fuse_ino_t parent, const char *name,
			mode_t mode, int flags)
{
	const struct fuse_ctx *context = fuse_req_ctx(req);

	note("%s %lu/%s%s%s mode=%o umask=%o as=%u:%u:%d;", what, (unsigned long)parent, name,
	     flags & O_EXCL ? " excl" : "", flags & O_TRUNC ? " trunc" : "", mode,
	     context->umask, context->uid, context->gid, context->pid);
}

static void server_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			  struct fuse_file_info *fi)
{
	struct answer answer = { .req = req, .file = { .fh = FH, .keep_cache = 1 } };

	pthread_mutex_lock(&lock);
	note_create(req, "create", parent, name, mode, fi->flags);
	answer.error = make(name, mode, &answer);
	reply(&answer);
	pthread_mutex_unlock(&lock);
}

void server_atomic_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			  struct fuse_file_info *fi)
{
	struct answer answer = { .req = req, .file = { .fh = FH, .keep_cache = 1 } };

	pthread_mutex_lock(&lock);
	note_create(req, "atomic", parent, name, mode, fi->flags);
	answer.error = find(name, &answer.entry);
	if (!answer.error && (fi->flags & O_EXCL)) {
		answer.error = EEXIST;
	} else if (answer.error == ENOENT) {
		answer.error = make(name, mode, &answer);
		answer.created = true;
	}
	reply(&answer);
	pthread_mutex_unlock(&lock);
}

static void server_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->fh = FH;
	fi->direct_io = 1;
	fi->nonseekable = 1;
	fuse_ext_reply_open(req, fi, variant.sync_release ? FOPEN_SYNC_RELEASE : 0);
}

static void server_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	pthread_mutex_lock(&lock);
	note("release %lu %s;", (unsigned long)ino, fi->fh == FH ? "right" : "wrong");
	fuse_reply_err(req, 0);
	pthread_mutex_unlock(&lock);
}

static void server_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	pthread_mutex_lock(&lock);
	note("forget %lu*%llu;", (unsigned long)ino, (unsigned long long)lookups);
	fuse_reply_none(req);
	pthread_mutex_unlock(&lock);
}

void server_syncfs(fuse_req_t req, fuse_ino_t ino)
{
	pthread_mutex_lock(&lock);
	note("syncfs %lu;", (unsigned long)ino);
	fuse_reply_err(req, ino == 1 ? 0 : EIO);
	pthread_mutex_unlock(&lock);
}

/* Once a session: not for those that the library has of its own. */
static void server_init(void *userdata, struct fuse_conn_info *connection)
{
	(void)userdata;
	(void)connection;
	pthread_mutex_lock(&lock);
	note("init;");
	pthread_mutex_unlock(&lock);
}

static void server_destroy(void *userdata)
{
	(void)userdata;
	pthread_mutex_lock(&lock);
	note("destroy;");
	pthread_mutex_unlock(&lock);
}

const struct fuse_lowlevel_ops server_ops = {
	.init = server_init,
	.destroy = server_destroy,
	.lookup = server_lookup,
	.create = server_create,
	.open = server_open,
	.release = server_release,
	.forget = server_forget,
};
