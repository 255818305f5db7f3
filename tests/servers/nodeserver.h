/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nodeserver.h - what the parts of nodeserver share: its nodes, the settings.
 * Not for the other servers.
 */
#ifndef NODESERVER_H
#define NODESERVER_H

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon.h"

/**
 * struct node - one mount of the common files: the view of one machine
 * @place:	where it is mounted
 * @minor:	protocol minor that was agreed on
 * @passthrough: the kernel offered it, and it was asked for
 * @backing_id:	of the file that is passed through to; 0: none yet
 */
struct node {
	const struct place *place;
	uint32_t minor;
	int passthrough;
	int backing_id;
};

/* What the command line asked for; constant once the server serves. */
struct settings {
	int exclusive;
	int passthrough_fd;
	int take_listener;
	int take_discards;
};

extern struct settings settings;

/* nodeserver.c: send a reply; 0, or what write(2) set errno to */
int reply(struct node *node, const struct fuse_in_header *in, int error, const void *data,
	  size_t size);

/* nodeserver-ops.c */
void answer_request(struct node *node, const struct fuse_in_header *in, const void *arguments);
/* How many OPENs met a file that another node had open. */
unsigned long conflict_count(void);

#endif /* NODESERVER_H */
