/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fxfuzz.h - what the parts of fxfuzz share: random numbers that a seed fixes, and
 * a round.  Not for the test servers, which answer as they are told.
 */
#ifndef FXFUZZ_H
#define FXFUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

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
	WRONG_INIT,		/* any INIT answer */
	WRONG_COUNT,
};

extern const char *const wrong_names[WRONG_COUNT];

/**
 * struct round - one mount, from open to unmount
 * @seed:	fixes what the server does, and what each client tries
 * @wrong:	bits of enum wrong that are allowed
 * @replies:	after so many the round ends
 * @clients:	processes that use the mount
 * @mountpoint:	where it is mounted
 * @control:	where the control filesystem is mounted
 * @trace:	every reply is written to it; may be NULL
 */
struct round {
	uint64_t seed;
	uint32_t wrong;
	unsigned int replies;
	unsigned int clients;
	const char *mountpoint;
	const char *control;
	FILE *trace;
};

/* What came of the rounds; memory of all processes. */
struct counts {
	unsigned long replies;	/* writes to the device that are answers */
	unsigned long refused;	/* of these, those that write(2) refused */
	unsigned long notifications;
	unsigned long mounts;
	unsigned long calls;	/* system calls of clients, about */
	unsigned long aborts;	/* rounds that only an abort could end */
	unsigned long begun;	/* mounts whose INIT has its answer */
};

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

#endif /* FXFUZZ_H */
