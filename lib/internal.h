/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * internal.h - what the files of libfuse-ext share.  Nothing of it is for
 * servers.
 */
#ifndef FUSE_EXT_INTERNAL_H
#define FUSE_EXT_INTERNAL_H

#define FUSE_USE_VERSION 35

#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>

#include "fuse_ext.h"

/* FUSE_SYNCFS is an enumerator of 7.34 headers, and not there before. */
#define OPCODE_SYNCFS		50

/*
 * libfuse gives an fuse_req_t only for requests that it knows.  So those that
 * it doesn't know come in as CREATE, told by the upper half of the mode, where
 * the kernel's own CREATE has zeros: a umode_t has 16 bits.
 */
#define MODE_MARK_SHIFT		16
#define MODE_BITS		0xffffu
enum mark {
	MARK_NONE,
	MARK_ATOMIC_CREATE,
	MARK_SYNCFS,
	MARK_MALFORMED,
};

/* What only sessions can have whose requests are seen before libfuse does. */
#define FEATURES_INTERCEPTED	(FUSE_EXT_ATOMIC_CREATE | FUSE_EXT_SYNCFS)

struct call;
struct inner;

/**
 * struct ext - a session of fuse_ext_session_new(), or a free place for one
 * @se:		the session, NULL if the place is free
 * @op:		the server's operations
 * @ext_op:	those that libfuse doesn't know
 * @userdata:	the server's
 * @negotiated:	the kernel was asked; the loop may run since then
 * @intercepts:	fuse_session_custom_io() has been called
 * @obstacle:	why it can't be, NULL if nobody tried
 * @lock:	protects all below
 * @all:	inner sessions
 * @idle:	those of them that no call uses
 * @inners:	number of inner sessions
 * @parked:	calls that wait for an inner session, first come first
 * @waiters:	number of threads that wait for replies
 * @closing:	the session is being destroyed
 * @changed:	@waiters became less
 */
struct ext {
	struct fuse_session *se;
	struct fuse_lowlevel_ops op;
	struct fuse_ext_ops ext_op;
	void *userdata;
	bool negotiated;
	bool intercepts;
	const char *obstacle;

	pthread_mutex_t lock;
	struct inner *all;
	struct inner *idle;
	unsigned int inners;
	struct call *parked;
	unsigned int waiters;
	bool closing;
	pthread_cond_t changed;
};

/* session.c */
struct ext *ext_of(struct fuse_session *se);

/* request.c; SIZE bytes at REQUEST, ROOM for more; the new size */
size_t request_disguise(void *request, size_t size, size_t room);

/* io.c; 0, or -errno with ext->obstacle set */
int io_intercept(struct ext *ext);

/* reply.c; the flags that may be sent by now */
void reply_allow_flags(uint64_t features);

/* loop.c; a thread that leaves the signals that end a server to others; 0 or -errno */
int thread_start(pthread_t *thread, void *(*run)(void *), void *data);

/* create.c; both copy what they need */
void create_begin(struct ext *ext, fuse_req_t req, fuse_ino_t parent, const char *name,
		  mode_t mode, const struct fuse_file_info *fi);
void create_end_all(struct ext *ext);

#endif /* FUSE_EXT_INTERNAL_H */
