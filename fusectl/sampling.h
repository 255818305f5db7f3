/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The figures of the connections, an interval after the other.  Not
 * for how they are shown, see top.c and screen.h.
 */
#ifndef FUSECTL_SAMPLING_H
#define FUSECTL_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "connections.h"
#include "requests.h"
#include "tracing.h"

enum sample_source {
	SOURCE_NONE,		/* nothing may be read */
	SOURCE_WAITING,		/* how many requests wait, and no more */
	SOURCE_TRACEPOINTS,	/* the stock driver's */
	SOURCE_COUNTERS,	/* ext_requests */
};

struct sample {
	unsigned int connection;
	enum driver driver;
	ino_t instance;		/* of fuse_ext's; 0 */
	char *target;		/* NULL: no mount point here */
	enum sample_source source;
	int file;		/* ext_requests, held open; -1 */
	int64_t waiting;	/* -1: not known */
	bool no_answers;	/* requests only, as 6.12 has tracepoints */
	bool seen;		/* by the scan that goes on */
	uint64_t begun;		/* when `before` was read */
	uint64_t length;	/* of the interval, nanoseconds */
	struct requests before;
	struct requests now;
	struct requests between;
};

struct sample_pending {
	unsigned int connection;
	uint64_t unique;
	uint64_t time;
	uint32_t opcode;
};

struct sampling {
	bool loaded;
	struct sample **sample;	/* by number of the connection */
	size_t count;
	/* only these, unless there are none */
	unsigned int *wanted;
	size_t wanted_count;
	bool tracing_tried;
	bool has_tracing;
	struct tracing tracing;
	struct sample_pending *pending;
	size_t pending_count;
	uint64_t lost;		/* events of the stock driver, so far */
};

/* An exit_status, after a message; sampling_end() it in any case. */
int sampling_begin(struct sampling *sampling, char *const *names, size_t count);

/* Which connections there are now; an exit_status, after a message. */
int sampling_scan(struct sampling *sampling);

/* Takes what the tracepoints have told; to be called often, if true at once. */
bool sampling_drain(struct sampling *sampling);

/* Ends an interval: `between`, `length` and `waiting` are of it. */
void sampling_take(struct sampling *sampling);

void sampling_end(struct sampling *sampling);

/* Whether the figures of requests are known. */
bool sample_has_requests(const struct sample *sample);

/* Whether errors and waits are known, too. */
bool sample_has_answers(const struct sample *sample);

/* "counters"; NULL of SOURCE_NONE */
const char *sample_source_name(const struct sample *sample);

/* How many of these it were in a second. */
double sample_rate(const struct sample *sample, uint64_t count);

#endif /* FUSECTL_SAMPLING_H */
