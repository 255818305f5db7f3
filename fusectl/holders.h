/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What keeps a driver in use: its connections and control filesystems, where
 * they are mounted, and the processes behind them.  Not for what is said of
 * it, see unload.c and drain.c.
 */
#ifndef FUSECTL_HOLDERS_H
#define FUSECTL_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "connections.h"
#include "processes.h"

enum holder_kind {
	HOLDER_MOUNT,		/* mounted in this mount namespace */
	HOLDER_ELSEWHERE,	/* in that of process pid */
	HOLDER_LAZY,		/* nowhere any more, but still in use */
	HOLDER_CONTROL,		/* a control filesystem of fuse_ext */
	HOLDER_PROCESS,		/* see use */
};

struct holder {
	enum holder_kind kind;
	enum driver driver;
	bool has_connection;
	unsigned int connection;
	const char *type;	/* of HOLDER_MOUNT */
	char *target;		/* where it is mounted, or NULL */
	pid_t pid;		/* 0: it isn't a process' */
	enum use use;
};

struct holders {
	struct holder *holder;
	size_t count;
};

/*
 * Of the driver.  processes may be NULL.  Control filesystems that unload
 * unmounts itself are left out; the strings are those of connections.
 */
void holders_read(struct holders *holders,
		  const struct connections *connections,
		  const struct processes *processes, enum driver driver);
void holders_free(struct holders *holders);

/* The module's count without the one that our control filesystem is. */
long holders_references(void);

#endif /* FUSECTL_HOLDERS_H */
