/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which processes serve FUSE connections or use what is mounted, from links
 * and text in /proc: nothing here looks at a mount itself.  Not for what is
 * said of it, see the verbs.
 */
#ifndef FUSECTL_PROCESSES_H
#define FUSECTL_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "connections.h"

enum use {
	USE_SERVER,	/* has /dev/fuse open, for this connection */
	USE_DEVICE,	/* has /dev/fuse open; not told for which */
	USE_FILE,	/* an open file below the mount point */
	USE_DIRECTORY,	/* its working directory */
	USE_ROOT,
	USE_MAP,
};

struct process_use {
	enum use use;
	pid_t pid;
	unsigned int connection;	/* not of USE_DEVICE */
	char *path;			/* of the file */
};

struct processes {
	struct process_use *use;
	size_t count;
	bool incomplete;	/* some weren't permitted to be looked at */
	/* whose maps couldn't be read in time, because they hang; 0: none */
	pid_t hanging;
};

/* Who serves; with users also who uses files below a mount point. */
void processes_read(struct processes *processes,
		    const struct connections *connections, bool users);
void processes_free(struct processes *processes);

/* The first one that serves the connection, or NULL. */
const struct process_use *processes_server(const struct processes *processes,
					   unsigned int connection);

const char *use_name(enum use use);

/* Its program; NULL where it isn't known.  To be freed. */
char *process_program(pid_t pid);
/* Its user's name, or number; NULL.  To be freed. */
char *process_user(pid_t pid);
/* R, S, D, T...; 0 where it isn't known. */
char process_state(pid_t pid);
/*
 * Where in the kernel it waits: the top of its stack for who may read that, or
 * else its wait channel; NULL.  To be freed.
 */
char *process_wait(pid_t pid);
/* Whether one of its threads waits in the kernel in what begins with this name. */
bool process_waits_in(pid_t pid, const char *function);
/* How often its threads have been switched to, for whether it does anything. */
unsigned long long process_switches(pid_t pid);

/* "root"; a number where there is no such user.  To be freed. */
char *user_name(uid_t user);

#endif /* FUSECTL_PROCESSES_H */
