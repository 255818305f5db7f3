/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * inner.h - a session inside a session: it calls the server's callbacks, and
 * their replies come back to us.  It has no mount, and no loop.
 */
#ifndef FUSE_EXT_INNER_H
#define FUSE_EXT_INNER_H

#include "internal.h"

/**
 * struct inner - one of them
 * @idle_next:	in ext->idle
 * @all_next:	in ext->all
 * @se:		the session of libfuse
 * @reply_fd:	where its replies arrive, a message each
 * @unique:	the latest number of a request
 */
struct inner {
	struct inner *idle_next;
	struct inner *all_next;
	struct fuse_session *se;
	int reply_fd;
	uint64_t unique;
};

/* The largest reply that is read: that to CREATE. */
struct reply {
	struct fuse_out_header header;
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

/* NULL without memory, descriptors, or thread-specific keys of libfuse */
struct inner *inner_new(struct ext *ext);
void inner_free(struct inner *inner);

/* Numbers are even, as the kernel's: libfuse's replies to INTERRUPT are odd. */
uint64_t inner_unique(struct inner *inner);

/* The callback of the request has returned after this, but may reply later. */
void inner_process(struct inner *inner, struct fuse_in_header *request);

/*
 * The reply to request UNIQUE, its size; -EAGAIN if there is none yet and the
 * flags have MSG_DONTWAIT; 0 after inner_shut().
 */
ssize_t inner_reply(struct inner *inner, uint64_t unique, struct reply *reply, int flags);
void inner_shut(struct inner *inner);

#endif /* FUSE_EXT_INNER_H */
