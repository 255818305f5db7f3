/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fxcrash.h - what the parts of fxcrash share: the memory that survives every
 * crash, random numbers.  Not for the other servers.
 */
#ifndef FXCRASH_H
#define FXCRASH_H

#include <stdint.h>

#define FILES		4
#define RECORDS		2048	/* a file; four pages of 4096 bytes */

/* A file is an array of versions: whoever writes a record gives it a higher one. */
typedef uint64_t versions[FILES][RECORDS];

/**
 * struct shared - memory of fxcrash, the server and the client
 * @journal:	stable storage: written by the server, survives its death
 * @written:	write(2) returned; by the client
 * @published:	was in @written when a successful syncfs(2) began; by the client
 * @writes:	successful write(2)s
 * @syncs:	successful syncfs(2)s
 * @killed:	the server is being killed: from now on the client may see errors
 * @failed:	the client saw one before that, and said so
 */
struct shared {
	versions journal;
	versions written;
	versions published;
	uint64_t writes;
	uint64_t syncs;
	int killed;
	int failed;
};

/**
 * struct crash_round - a round, as it is given to the server and the client
 * @seed:	of this round
 * @mountpoint:	where it is mounted
 * @mount_data:	mount options; may be empty
 * @journal_writes: the journal has what was acknowledged, SYNCFS or not
 */
struct crash_round {
	uint64_t seed;
	const char *mountpoint;
	const char *mount_data;
	int journal_writes;
	struct shared *shared;
};

/* One for each thread; @stream tells the threads of a round apart. */
struct random {
	uint64_t state;
};

void random_begin(struct random *random, uint64_t seed, unsigned int stream);
/* 0 to @limit - 1 */
unsigned int random_below(struct random *random, unsigned int limit);
void pause_us(unsigned int microseconds);

/* A byte for whoever waits until this process works. */
void say_ready(int ready);

/* Both run in a process of their own, until it is killed. */
void crash_server(const struct crash_round *round, int ready);
void crash_client(const struct crash_round *round, int ready);

#endif /* FXCRASH_H */
