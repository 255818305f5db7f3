/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FUSE's requests by name and by kind, and the figures in a
 * connection's ext_requests.  Not for single requests, see trace_parse.h.
 */
#ifndef FUSECTL_REQUESTS_H
#define FUSECTL_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum request_kind {
	KIND_LOOKUP,
	KIND_GETATTR,
	KIND_SETATTR,
	KIND_OPEN,
	KIND_CREATE,
	KIND_READ,
	KIND_WRITE,
	KIND_READDIR,
	KIND_FLUSH,
	KIND_RELEASE,
	KIND_FSYNC,
	KIND_XATTR,
	KIND_LOCK,
	KIND_REMOVE,
	KIND_OTHER,
	KIND_COUNT,
};

extern const char *const kind_names[KIND_COUNT];

struct opcode {
	uint32_t number;
	const char *name;
	enum request_kind kind;
};

extern const struct opcode opcodes[];
extern const size_t opcode_count;

/* NULL for a number that has no name. */
const struct opcode *opcode_find(uint32_t number);
enum request_kind opcode_kind(uint32_t number);

/* Whether a server answers it at all. */
bool opcode_is_answered(uint32_t number);

/* A set of opcodes, one bool for each in the table. */
struct opcode_set {
	bool all;
	bool *has;		/* NULL where all is set */
};

/*
 * Names of opcodes and of kinds, separated by commas; the name of a kind means
 * all of its opcodes, a '!' in front of the list all others.  False after a
 * message with the nearest name.  To be freed in any case.
 */
bool opcode_set_read(struct opcode_set *set, const char *list);
bool opcode_set_has(const struct opcode_set *set, uint32_t number);
void opcode_set_free(struct opcode_set *set);

#define REQUESTS_OPCODES	96
#define REQUESTS_BUCKETS	1024

/* The figures of one opcode, or of several. */
struct request_figures {
	uint64_t count;
	uint64_t background;
	uint64_t errors;
	uint64_t wait;		/* nanoseconds from sending to the answer */
};

/* What ext_requests says: all since it was opened. */
struct requests {
	size_t count;
	struct request_opcode {
		uint32_t number;
		struct request_figures figures;
	} opcode[REQUESTS_OPCODES];
	size_t bucket_count;
	struct request_bucket {
		uint64_t upper;	/* nanoseconds */
		uint64_t count;
	} bucket[REQUESTS_BUCKETS];	/* ascending */
};

/*
 * Reads the text of ext_requests.  Lines that begin with another word than are
 * known today are passed over; false where the text is none of ext_requests.
 */
bool requests_parse(const char *text, struct requests *requests);

/*
 * One request more, where the figures come from tracepoints: with its answer,
 * or, where the kernel doesn't tell which is which, without.
 */
void requests_add_sent(struct requests *requests, uint32_t opcode);
void requests_add(struct requests *requests, uint32_t opcode, bool error,
		  uint64_t wait);

/* What came between the two; what is smaller now has begun anew. */
void requests_since(const struct requests *before, const struct requests *now,
		    struct requests *between);

/* Sums: of all opcodes, or of a kind. */
struct request_figures requests_total(const struct requests *requests);
struct request_figures requests_kind(const struct requests *requests,
				     enum request_kind kind);

/*
 * The wait, in nanoseconds, that this share (0.99) of the requests did not
 * exceed: the upper end of its bucket.  0 where there were none.
 */
uint64_t requests_quantile(const struct requests *requests, double share);

#endif /* FUSECTL_REQUESTS_H */
