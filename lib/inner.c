// SPDX-License-Identifier: LGPL-2.1
/*
 * inner.c - see inner.h.  It needs nothing of libfuse that isn't in 3.10: a
 * session is "mounted" on the descriptor of a socket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inner.h"

/* The protocol between us and libfuse, not that of the kernel. */
#define INNER_MINOR	31

struct init_request {
	struct fuse_in_header header;
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
};

uint64_t inner_unique(struct inner *inner)
{
	return inner->unique += 2;
}

void inner_process(struct inner *inner, struct fuse_in_header *request)
{
	struct fuse_buf buf = { .mem = request, .size = request->len };

	fuse_session_process_buf(inner->se, &buf);
}

ssize_t inner_reply(struct inner *inner, uint64_t unique, struct reply *reply, int flags)
{
	ssize_t got;

	for (;;) {
		got = recv(inner->reply_fd, reply, sizeof(*reply), flags);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		if ((size_t)got < sizeof(reply->header))
			return 0;
		/* what libfuse says to an INTERRUPT that came too late isn't for us */
		if (reply->header.unique == unique)
			return got;
	}
}

/* Not shutdown(2): a server that still replies would get SIGPIPE. */
void inner_shut(struct inner *inner)
{
	send(fuse_session_fd(inner->se), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Without INIT, libfuse refuses all other requests. */
static int initialize(struct inner *inner)
{
	struct init_request request = {
		.header = {
			.len = sizeof(request),
			.opcode = FUSE_INIT,
			.unique = inner_unique(inner),
		},
		.major = FUSE_KERNEL_VERSION,
		.minor = INNER_MINOR,
	};
	struct reply reply;

	inner_process(inner, &request.header);
	if (inner_reply(inner, request.header.unique, &reply, MSG_DONTWAIT) <= 0)
		return -EIO;
	return reply.header.error;
}

/* The server's init and destroy are for the session that it knows. */
static struct fuse_session *session_on(struct ext *ext, int fd)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_lowlevel_ops op = ext->op;
	struct fuse_session *se = NULL;
	char mountpoint[32];

	op.init = NULL;
	op.destroy = NULL;
	if (!fuse_opt_add_arg(&args, "fuse_ext"))
		se = fuse_session_new(&args, &op, sizeof(op), ext->userdata);
	fuse_opt_free_args(&args);
	if (!se)
		return NULL;
	snprintf(mountpoint, sizeof(mountpoint), "/dev/fd/%d", fd);
	if (!fuse_session_mount(se, mountpoint))
		return se;
	fuse_session_destroy(se);
	return NULL;
}

struct inner *inner_new(struct ext *ext)
{
	struct inner *inner = calloc(1, sizeof(*inner));
	int fds[2];

	if (!inner)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		goto no_socket;
	inner->reply_fd = fds[0];
	inner->se = session_on(ext, fds[1]);
	if (!inner->se) {
		close(fds[1]);
		goto no_session;
	}
	if (!initialize(inner))
		return inner;
	fuse_session_destroy(inner->se);
no_session:
	close(fds[0]);
no_socket:
	free(inner);
	return NULL;
}

void inner_free(struct inner *inner)
{
	/* this closes its end of the socket */
	fuse_session_destroy(inner->se);
	close(inner->reply_fd);
	free(inner);
}
