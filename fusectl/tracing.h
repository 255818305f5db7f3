/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An instance of tracefs of our own: what others trace stays as it is.
 * Not for what its lines mean, see trace_parse.h.
 */
#ifndef FUSECTL_TRACING_H
#define FUSECTL_TRACING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mounts.h"

struct trace_event;

struct tracing {
	char *root;		/* of tracefs */
	bool mounted;		/* by us */
	char *instance;
	int pipe;
	/* added to a time of the trace's clock it is the time of the day */
	uint64_t to_realtime;
	/* what came from the pipe and has no end of line yet */
	char *buffer;
	size_t length;
	size_t used;		/* of it, by lines that were taken */
};

/*
 * Makes the instance; one that a killed fusectl left is removed.  Returns an
 * exit_status; after a message unless quiet.
 */
int tracing_begin(struct tracing *tracing, const struct mounts *mounts,
		  bool quiet);

/* Whether the running kernel has this event, such as "fuse/fuse_request_end" */
bool tracing_has(const struct tracing *tracing, const char *event);

/* Records an event where the filter is true; 0 or a negative errno. */
int tracing_enable(struct tracing *tracing, const char *event,
		   const char *filter);

/*
 * The next event that is there already; lines of other sense are passed over.
 * False: none.
 */
bool tracing_next(struct tracing *tracing, struct trace_event *event);

/* Undoes tracing_begin(). */
void tracing_end(struct tracing *tracing);

#endif /* FUSECTL_TRACING_H */
