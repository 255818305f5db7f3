/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fxfuzz.h - what the parts of fxfuzz share: random numbers that a seed fixes, a
 * round, and what came of all of them.  Not for the test servers, which answer as
 * they are told.
 */
#ifndef FXFUZZ_H
#define FXFUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define NAME		"fxfuzz"
#define CLIENTS_MAX	32
#define JOBS_MAX	16
#define CODES		10	/* of notifications that some kernel knows */
#define STATS_MAX	32
#define ASKED		8

/* splitmix64: any state is a good one. */
struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
/* 0 to @below - 1; @below is at least 1 */
uint32_t random_below(struct random *random, uint32_t below);
/* true once in @times */
bool random_once(struct random *random, uint32_t times);
void random_bytes(struct random *random, void *buffer, size_t size);

/* What may be done wrong, each a bit of struct round.wrong. */
enum wrong {
	WRONG_ERROR,		/* an error, sensible or not, instead of an answer */
	WRONG_SHORT,		/* an answer that is cut */
	WRONG_LONG,		/* one with more behind it */
	WRONG_BYTES,		/* one with other bytes in it */
	WRONG_HEADER,		/* a length or a unique that isn't its own */
	WRONG_TWICE,		/* the same answer again */
	WRONG_LATE,		/* an answer after those of later requests */
	WRONG_NEVER,		/* none */
	WRONG_UNASKED,		/* an answer to nothing */
	WRONG_NOTIFY,		/* notifications that nobody expects */
	WRONG_IOCTL,		/* ioctls on the device */
	WRONG_CONTROL,		/* words and bytes in control files and parameters */
	WRONG_OPTIONS,		/* mount options, by mount(2) and by fsconfig(2) */
	WRONG_INIT,		/* any INIT answer */
	WRONG_COUNT,
	/* not among all: LSEEK is one where `long` may be done, a wait of fuse_ext where
	 * `never` may, and the first error of those that are defined
	 */
	WRONG_FINDING = WRONG_COUNT,
};

#define WRONG_ALL	((1U << WRONG_COUNT) - 1)

extern const char *const wrong_names[WRONG_COUNT + 1];
extern const uint32_t notify_codes[CODES];

/**
 * struct round - one mount, from open to unmount
 * @seed:	fixes what the server does, and what each client tries
 * @wrong:	bits of enum wrong that are allowed
 * @replies:	after so many that were taken the round ends
 * @clients:	processes that use the mount
 * @patience:	seconds in which killed clients are gone
 * @job:	the number of the process that runs it
 * @jobs:	how many there are
 * @mountpoint:	where it is mounted
 * @spare:	where mounts with other options are tried
 * @block:	a block device for rounds of type fuseblk; empty: there is none
 * @on_block:	this is such a round
 * @control:	where the control filesystem is mounted
 * @default_permissions: it is mounted so
 * @trace:	every reply is written to it; may be NULL
 * @save:	the options of every round are written to it before; or -1
 */
struct round {
	uint64_t seed;
	uint32_t wrong;
	unsigned int replies;
	unsigned int clients;
	unsigned int patience;
	unsigned int job, jobs;
	char mountpoint[256];
	char spare[256];
	char block[32];
	bool on_block;
	const char *control;
	bool default_permissions;
	FILE *trace;
	int save;
};

/* What came of the rounds; memory of all processes. */
struct counts {
	unsigned long replies;	/* writes to the device that are answers */
	unsigned long refused;	/* of these, those that write(2) refused */
	unsigned long taken;	/* requests that have their answer, as write(2) says */
	unsigned long notifications;
	unsigned long notified[CODES];	/* of these, those that were taken */
	unsigned long minor;	/* of the protocol that the kernel has offered */
	unsigned long mounts;
	unsigned long blocks;	/* of these, those of type fuseblk */
	unsigned long calls;	/* system calls of clients, about */
	unsigned long tries;	/* at control files, parameters, options and ioctls */
	unsigned long aborts;	/* rounds that only an abort could end */
	unsigned long findings;	/* that have been told */
	unsigned long telling;	/* and those that are about to be */
	uint64_t next;		/* seed of the next round */
	struct {
		char name[32];
		unsigned long sum;	/* of all connections */
	} stats[STATS_MAX];	/* ext_stats, line by line */
	struct {
		uint64_t seed;	/* of the round at work */
		bool begun;	/* its INIT has its answer */
		uint64_t asked[ASKED];	/* nodes of the latest requests */
		unsigned long calls, replies;
	} job[JOBS_MAX];
};

static inline void count(unsigned long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* Is @error one of the @count that are defined? */
bool is_defined(const struct round *round, const int *defined, size_t count, int error);

/* Says what was found in which round, how to see it again, and ends all rounds. */
void finding(const struct round *round, struct counts *counts, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Waits until the round has had so many more replies, or two seconds. */
void pace(const struct round *round, const struct counts *counts, unsigned int replies);

/* Mounts, lets all at it, and ends it; false: there was a finding, or no mount. */
bool run_round(struct round *round, struct counts *counts);

/* Serves @device until the round is over. */
void serve(const struct round *round, int device, struct counts *counts);

/*
 * Sends notifications until it is killed.  A process of its own, as in any server:
 * the kernel takes locks for some that are held for requests.
 */
void notify(const struct round *round, int device, struct counts *counts)
	__attribute__((noreturn));

/* Uses the mount until it is killed; and counts its calls. */
void use(const struct round *round, unsigned int number, struct counts *counts)
	__attribute__((noreturn));

/*
 * Until it is killed, writes to control files and parameters, tries options and
 * ioctls on @device; and judges what they say to it.
 */
void administrate(const struct round *round, unsigned int number, int device,
		  int connection, struct counts *counts) __attribute__((noreturn));

/* One mount with options that may be anything, by either way, or a remount. */
void try_options(const struct round *round, struct random *random, struct counts *counts);

/* A block device that is as good as empty, and its path; or -1, if there can be none. */
int block_open(char *path, size_t size);

/* Is it, within so many seconds, no mount's any more? */
bool block_is_free(const char *path, unsigned int seconds);

/* The values of all module parameters now; and whether they can be set again. */
void parameters_keep(void);
bool parameters_restore(const struct round *round, struct counts *counts);

/* From now on; a line that a kernel must not say, or NULL. */
void kernel_log_open(void);
const char *kernel_log_bad(void);

#endif /* FXFUZZ_H */
