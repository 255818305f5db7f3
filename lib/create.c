// SPDX-License-Identifier: LGPL-2.1
/*
 * create.c - FUSE_ATOMIC_CREATE for servers that have lookup and create only.
 *
 * The contract: what exists is looked up, and neither opened nor truncated;
 * else the server's create makes it, with O_EXCL, so that it never opens what
 * another one made in between.  The kernel gets one reply.
 *
 * The server's callbacks need a request that they can reply to, and their reply
 * isn't yet the kernel's.  So they are called in an inner session (inner.h), one
 * step after the other, and the kernel's request is answered after the last.  A
 * step begins only after the callback of the step before has returned: a server
 * may reply while it holds its locks.
 *
 * A call has one owner at a time, who alone may change it: first the thread in
 * which libfuse called us; where the server replies later, a thread that waits
 * for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "inner.h"

/* Each has two descriptors; calls beyond that wait for their turn. */
#define INNERS_MAX	64
/* How often a file may come and go between lookup and create. */
#define TRIES_MAX	8

enum step {
	STEP_LOOKUP,
	STEP_CREATE,
	STEP_RELEASE,		/* of a file that the kernel doesn't want any more */
};

/**
 * struct call - a FUSE_ATOMIC_CREATE
 * @next:	in ext->parked
 * @ext:	session
 * @inner:	inner session, only this call's now
 * @req:	the kernel's request
 * @unique:	number of the steps' requests in the inner session
 * @step:	what is under way there
 * @tries:	how often create said EEXIST
 * @parent:	the directory
 * @context:	who asks, umask
 * @flags:	of open(2)
 * @mode:	of the file
 * @made:	nodeid, where it has to be undone
 * @fh:		its file handle
 * @name:	it, with @name_size bytes, its end counted
 * @request:	room for the request of a step
 */
struct call {
	struct call *next;
	struct ext *ext;
	struct inner *inner;
	fuse_req_t req;
	uint64_t unique;
	enum step step;
	unsigned int tries;
	fuse_ino_t parent;
	struct fuse_ctx context;
	uint32_t flags;
	uint32_t mode;
	uint64_t made;
	uint64_t fh;
	char *name;
	size_t name_size;
	struct fuse_in_header request[];
};

/* The kernel's INTERRUPT, for the step that is under way.  In any thread. */
static void interrupt(fuse_req_t req, void *data)
{
	struct call *call = data;
	struct {
		struct fuse_in_header header;
		struct fuse_interrupt_in interrupt;
	} request = {
		.header = {
			.len = sizeof(request),
			.opcode = FUSE_INTERRUPT,
			.unique = call->unique | 1,
		},
		.interrupt.unique = call->unique,
	};

	(void)req;
	inner_process(call->inner, &request.header);
}

static void process(struct call *call, uint32_t opcode, uint64_t nodeid, const void *body,
		    size_t size, bool named)
{
	struct fuse_in_header *header = call->request;
	char *end = (char *)(header + 1);

	memset(header, 0, sizeof(*header));
	header->len = sizeof(*header) + size + (named ? call->name_size : 0);
	header->opcode = opcode;
	header->unique = call->unique;
	header->nodeid = nodeid;
	header->uid = call->context.uid;
	header->gid = call->context.gid;
	header->pid = call->context.pid;
	if (size)
		memcpy(end, body, size);
	if (named)
		memcpy(end + size, call->name, call->name_size);
	inner_process(call->inner, header);
}

static void do_step(struct call *call)
{
	struct fuse_create_in create = {
		.flags = call->flags | O_CREAT | O_EXCL,
		.mode = call->mode,
		.umask = call->context.umask,
	};
	struct fuse_release_in release = { .fh = call->fh, .flags = call->flags };

	switch (call->step) {
	case STEP_LOOKUP:
		process(call, FUSE_LOOKUP, call->parent, NULL, 0, true);
		break;
	case STEP_CREATE:
		process(call, FUSE_CREATE, call->parent, &create, sizeof(create), true);
		break;
	case STEP_RELEASE:
		process(call, FUSE_RELEASE, call->made, &release, sizeof(release), false);
		break;
	}
}

/* The kernel doesn't know of a lookup that the server has counted. */
static void forget(struct call *call, uint64_t nodeid)
{
	struct fuse_forget_in forget = { .nlookup = 1 };

	call->unique = inner_unique(call->inner);
	process(call, FUSE_FORGET, nodeid, &forget, sizeof(forget), false);
}

/* No more interrupts, then the request isn't ours any more. */
static void answer_error(struct call *call, int error)
{
	fuse_req_interrupt_func(call->req, NULL, NULL);
	fuse_reply_err(call->req, error);
}

static int answer(struct call *call, const struct reply *reply, size_t size)
{
	fuse_req_interrupt_func(call->req, NULL, NULL);
	return fuse_reply_buf(call->req, (const char *)&reply->entry, size);
}

/* All of these return whether there is another step to do. */

static bool after_lookup(struct call *call, const struct reply *reply, size_t size)
{
	int error = -reply->header.error;
	bool whole = size >= offsetof(struct reply, open);

	if (error == ENOENT || (!error && whole && !reply->entry.nodeid)) {
		call->step = STEP_CREATE;
		return true;
	}
	if (error || !whole) {
		answer_error(call, error ? error : EIO);
		return false;
	}
	if (call->flags & O_EXCL) {
		answer_error(call, EEXIST);
		forget(call, reply->entry.nodeid);
	} else if (answer(call, reply, sizeof(reply->entry)) < 0) {
		forget(call, reply->entry.nodeid);
	}
	return false;
}

static bool after_create(struct call *call, struct reply *reply, size_t size)
{
	int error = -reply->header.error;

	if (error == EEXIST && !(call->flags & O_EXCL) && ++call->tries < TRIES_MAX) {
		call->step = STEP_LOOKUP;
		return true;
	}
	if (error || size < sizeof(*reply)) {
		answer_error(call, error ? error : EIO);
		return false;
	}
	call->made = reply->entry.nodeid;
	call->fh = reply->open.fh;
	reply->open.open_flags |= FOPEN_FILE_CREATED;
	if (answer(call, reply, sizeof(reply->entry) + sizeof(reply->open)) < 0) {
		call->step = STEP_RELEASE;
		call->unique = inner_unique(call->inner);
		return true;
	}
	return false;
}

static bool advance(struct call *call, struct reply *reply, size_t size)
{
	switch (call->step) {
	case STEP_LOOKUP:
		return after_lookup(call, reply, size);
	case STEP_CREATE:
		return after_create(call, reply, size);
	case STEP_RELEASE:
		forget(call, call->made);
		break;
	}
	return false;
}

/* The inner session is the call's; the steps have one number, for INTERRUPT. */
static void prepare(struct call *call, struct inner *inner)
{
	call->inner = inner;
	call->unique = inner_unique(inner);
	fuse_req_interrupt_func(call->req, interrupt, call);
}

/* Ends a call; its inner session goes to the next one, which is returned. */
static struct call *finish(struct call *call)
{
	struct inner *inner = call->inner;
	struct ext *ext = call->ext;
	struct call *next;

	free(call);
	pthread_mutex_lock(&ext->lock);
	next = ext->parked;
	if (next) {
		ext->parked = next->next;
	} else {
		inner->idle_next = ext->idle;
		ext->idle = inner;
	}
	pthread_mutex_unlock(&ext->lock);
	if (next)
		prepare(next, inner);
	return next;
}

/* The session is being destroyed: the step's reply doesn't matter any more. */
static void abandon(struct call *call)
{
	/* before a RELEASE the kernel had its answer */
	if (call->step != STEP_RELEASE)
		answer_error(call, ECONNABORTED);
	free(call);
}

static void wait_elsewhere(struct call *call);

static void drive(struct call *call)
{
	struct reply reply;
	ssize_t got;

	while (call) {
		do_step(call);
		got = inner_reply(call->inner, call->unique, &reply, MSG_DONTWAIT);
		if (got == -EAGAIN) {
			wait_elsewhere(call);
			return;
		}
		if (got <= 0) {
			abandon(call);
			return;
		}
		if (!advance(call, &reply, got))
			call = finish(call);
	}
}

static void *wait_for_reply(void *data)
{
	struct call *call = data;
	struct ext *ext = call->ext;
	struct reply reply;
	ssize_t got = inner_reply(call->inner, call->unique, &reply, 0);

	if (got <= 0) {
		abandon(call);
	} else {
		if (!advance(call, &reply, got))
			call = finish(call);
		drive(call);
	}
	pthread_mutex_lock(&ext->lock);
	ext->waiters--;
	pthread_cond_broadcast(&ext->changed);
	pthread_mutex_unlock(&ext->lock);
	return NULL;
}

/*
 * The server replies later, from a thread of its own or from another callback:
 * the thread that we are in may be the one that has to do it, so it can't wait.
 */
static void wait_elsewhere(struct call *call)
{
	struct ext *ext = call->ext;
	pthread_t thread;
	bool closing;

	pthread_mutex_lock(&ext->lock);
	closing = ext->closing;
	if (!closing)
		ext->waiters++;
	pthread_mutex_unlock(&ext->lock);
	if (closing) {
		abandon(call);
		return;
	}
	if (!thread_start(&thread, wait_for_reply, call)) {
		pthread_detach(thread);
		return;
	}
	/* the reply is to come: this inner session can't be used by another call */
	pthread_mutex_lock(&ext->lock);
	ext->waiters--;
	ext->inners--;
	pthread_mutex_unlock(&ext->lock);
	if (call->step != STEP_RELEASE)
		answer_error(call, ENOMEM);
	free(call);
}

static void park(struct ext *ext, struct call *call)
{
	struct call **link = &ext->parked;

	while (*link)
		link = &(*link)->next;
	*link = call;
}

/*
 * An inner session for the call.  NULL: the call is parked, and belongs to
 * whoever ends a call; or there was none to wait for, and it was answered.
 */
static struct inner *find_inner(struct ext *ext, struct call *call)
{
	struct inner *inner;
	bool parked;

	pthread_mutex_lock(&ext->lock);
	inner = ext->idle;
	if (inner)
		ext->idle = inner->idle_next;
	parked = !inner && ext->inners >= INNERS_MAX;
	if (parked)
		park(ext, call);
	else if (!inner)
		ext->inners++;
	pthread_mutex_unlock(&ext->lock);
	if (inner || parked)
		return inner;

	inner = inner_new(ext);
	pthread_mutex_lock(&ext->lock);
	if (inner) {
		inner->all_next = ext->all;
		ext->all = inner;
	} else {
		ext->inners--;
		inner = ext->idle;
		if (inner)
			ext->idle = inner->idle_next;
		parked = !inner && ext->inners;
		if (parked)
			park(ext, call);
	}
	pthread_mutex_unlock(&ext->lock);
	if (!inner && !parked) {
		fuse_reply_err(call->req, ENFILE);
		free(call);
	}
	return inner;
}

void create_begin(struct ext *ext, fuse_req_t req, fuse_ino_t parent, const char *name,
		  mode_t mode, const struct fuse_file_info *fi)
{
	const size_t body = sizeof(struct fuse_create_in) > sizeof(struct fuse_release_in) ?
			    sizeof(struct fuse_create_in) : sizeof(struct fuse_release_in);
	size_t name_size = strlen(name) + 1;
	struct inner *inner;
	struct call *call;

	call = calloc(1, sizeof(*call) + sizeof(call->request[0]) + body + 2 * name_size);
	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	call->ext = ext;
	call->req = req;
	call->parent = parent;
	call->context = *fuse_req_ctx(req);
	call->flags = fi->flags;
	call->mode = mode;
	call->name = (char *)(call->request + 1) + body + name_size;
	call->name_size = name_size;
	memcpy(call->name, name, name_size);

	inner = find_inner(ext, call);
	if (!inner)
		return;
	prepare(call, inner);
	drive(call);
}

/* The session's loop is over: nothing begins any more. */
void create_end_all(struct ext *ext)
{
	struct inner *inner;
	struct call *call;

	pthread_mutex_lock(&ext->lock);
	ext->closing = true;
	for (inner = ext->all; inner; inner = inner->all_next)
		inner_shut(inner);
	while (ext->waiters)
		pthread_cond_wait(&ext->changed, &ext->lock);
	pthread_mutex_unlock(&ext->lock);
	while ((call = ext->parked)) {
		ext->parked = call->next;
		fuse_reply_err(call->req, ECONNABORTED);
		free(call);
	}
	while ((inner = ext->all)) {
		ext->all = inner->all_next;
		inner_free(inner);
	}
}
