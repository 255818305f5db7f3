/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rawserver.h - what the parts of rawserver share: the mount, the answer to
 * INIT, hostile replies.  Not for the other servers.
 */
#ifndef RAWSERVER_H
#define RAWSERVER_H

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon.h"

/* Which replies are spoilt, and how. */
enum hostility { HONEST, TOO_LONG, TOO_SHORT, WRONG_UNIQUE, POSITIVE_ERROR };

/**
 * struct init_answer - how INIT is answered
 * @minor:	protocol minor; 0: the kernel's
 * @size:	bytes of fuse_init_out that are sent; 0: as @minor demands
 * @flags:	FUSE_… flags, the low 32 bits
 * @ext:	answer with FUSE_EXT_INIT
 * @want:	the features in the last 4 bytes
 */
struct init_answer {
	uint32_t minor;
	size_t size;
	uint32_t flags;
	int ext;
	uint32_t want;
};

/* The only one. */
extern const struct place *mounted;
extern struct init_answer init_answer;
/* The minor that was agreed on; it decides the size of attributes. */
extern uint32_t minor_in_force;

/* rawserver.c: send a reply; 0, or what write(2) set errno to */
int reply(const struct fuse_in_header *in, int error, const void *data, size_t size);

/* rawserver-init.c */
void answer_init(const struct fuse_in_header *in, const void *arguments, size_t size);
/* Negotiate as "SIZE:ABI:WANT" says, and print and log the result. */
void negotiate(FILE *answer, const char *when, const char *how);

/* rawserver-ops.c */
void answer_request(const struct fuse_in_header *in, const void *arguments, size_t size);

#endif /* RAWSERVER_H */
