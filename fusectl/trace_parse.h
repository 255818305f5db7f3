/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A line of tracefs' trace_pipe: a request, a reply, or a gap.  Not
 * for reading the pipe, see tracing.h.
 */
#ifndef FUSECTL_TRACE_PARSE_H
#define FUSECTL_TRACE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

enum trace_kind {
	TRACE_REQUEST,		/* events/fuse_ext/fuse_ext_request */
	TRACE_REPLY,		/* events/fuse_ext/fuse_ext_reply */
	TRACE_STOCK_REQUEST,	/* events/fuse/fuse_request_send */
	TRACE_STOCK_REPLY,	/* events/fuse/fuse_request_end */
	TRACE_LOST,		/* events that found no room */
};

/* The kernel's 80 bytes, four characters each, and the dots. */
#define TRACE_NAME_SIZE	384

struct trace_event {
	enum trace_kind kind;
	uint64_t time;		/* nanoseconds of the trace's clock */
	unsigned int connection;
	uint64_t unique;
	uint32_t opcode;	/* not in TRACE_STOCK_REPLY */
	uint64_t lost;		/* TRACE_LOST only */
	/* of TRACE_REQUEST only, else 0 */
	uint64_t nodeid;
	unsigned int pid;
	bool background;
	uint64_t offset;
	char name[TRACE_NAME_SIZE];	/* as the request has it */
	/* of a reply: 0 or a negative errno */
	int error;
	uint64_t wait;		/* nanoseconds; TRACE_REPLY only */
	uint32_t size;		/* of all but TRACE_LOST */
};

/* False where the line is none of these. */
bool trace_parse(const char *line, struct trace_event *event);

#endif /* FUSECTL_TRACE_PARSE_H */
