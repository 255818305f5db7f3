// SPDX-License-Identifier: GPL-2.0
/*
 * What can be seen of a connection's requests: counted while somebody holds its
 * ext_requests open, and trace events.  Nothing is counted, stamped or allocated
 * while nobody looks.  What our features did is in ext_stats, see connection.c.
 */
#include <linux/bitops.h>
#include <linux/ctype.h>
#include <linux/jump_label_ratelimit.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>

#include "internal.h"
#include "trace.h"

/* FUSE_ATOMIC_CREATE comes after the distro's opcodes. */
#define NR_OPCODES		64
#define SLOT_ATOMIC_CREATE	(NR_OPCODES - 1)

/* Four buckets an octave: a quantile is known to a quarter at worst. */
#define NR_BUCKETS		(64 * 4)

/**
 * struct fuse_ext_requests - what is counted while somebody looks
 * @holders:	who has ext_requests open, under observe_mutex
 * @rcu:	it goes when the last request that counts in it has ended
 * @opcode:	for each opcode, how many were answered; of those, how many in the
 *		background, and with an error; and how long they took together
 * @bucket:	how many took how long
 */
struct fuse_ext_requests {
	unsigned int holders;
	struct rcu_head rcu;
	struct {
		atomic64_t answered;
		atomic64_t background;
		atomic64_t errors;
		atomic64_t wait_ns;
	} opcode[NR_OPCODES];
	atomic64_t bucket[NR_BUCKETS];
};

/*
 * More than 0: somebody looks at some connection, or did within a second: who mounted
 * one may look, and each change interrupts all processors.
 */
DEFINE_STATIC_KEY_DEFERRED_FALSE(fuse_ext_observed, HZ);
static DEFINE_MUTEX(observe_mutex);

static unsigned int bucket_of(u64 ns)
{
	unsigned int octave;

	if (ns < 4)
		return ns;
	octave = fls64(ns) - 1;
	return (octave - 1) * 4 + ((ns >> (octave - 2)) & 3);
}

/* The least number of nanoseconds that is beyond the bucket. */
static u64 bucket_end(unsigned int bucket)
{
	if (bucket < 4)
		return bucket + 1;
	return (u64)(bucket % 4 + 5) << (bucket / 4 - 1);
}

/* The argument of a request that is a name, or its first one; -1: none is. */
static int name_argument(const struct fuse_args *args)
{
	switch (args->opcode) {
	case FUSE_LOOKUP:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_SYMLINK:
	case FUSE_REMOVEXATTR:
		/* 6.15: an empty argument stands where others have a struct */
		return args->in_args[0].size ? 0 : 1;
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_LINK:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_SETXATTR:
	case FUSE_GETXATTR:
	case FUSE_CREATE:
	case FUSE_ATOMIC_CREATE:
		return 1;
	default:
		return -1;
	}
}

/* A line of the trace has one name, and it is the rest of the line. */
static void copy_name(char *to, const char *name, size_t size)
{
	size_t room = FUSE_EXT_TRACE_NAME_SIZE - sizeof("...");
	size_t length = 0;
	size_t i, width;

	for (i = 0; i < size && name[i]; i++) {
		bool plain = name[i] != '\\' && name[i] != ' ' && !iscntrl(name[i]);

		width = plain ? 1 : 4;
		if (length + width > room) {
			memcpy(to + length, "...", 3);
			length += 3;
			break;
		}
		if (plain)
			to[length] = name[i];
		else
			snprintf(to + length, width + 1, "\\x%02x", (u8)name[i]);
		length += width;
	}
	to[length] = '\0';
}

static void trace_request(struct fuse_req *req)
{
	const struct fuse_args *args = req->args;
	int name = name_argument(args);
	struct fuse_ext_sent sent = {
		.connection = fuse_ext_request_conn(req)->dev,
		.unique = req->in.h.unique,
		.nodeid = req->in.h.nodeid,
		.opcode = req->in.h.opcode,
		.pid = req->in.h.pid,
		.background = test_bit(FR_BACKGROUND, &req->flags),
	};

	/* struct fuse_write_in begins like struct fuse_read_in */
	switch (args->opcode) {
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS: {
		const struct fuse_read_in *in = args->in_args[0].value;

		sent.offset = in->offset;
		sent.size = in->size;
		break;
	}
	}
	if (name >= 0 && name < args->in_numargs)
		copy_name(sent.name, args->in_args[name].value, args->in_args[name].size);
	trace_fuse_ext_request(&sent);
}

/* See fuse_ext_request_start(). */
void fuse_ext_start_observed(struct fuse_req *req)
{
	if (trace_fuse_ext_request_enabled())
		trace_request(req);
	req->ext.sent = ktime_get_ns();
}

static void count(struct fuse_conn *fc, struct fuse_req *req, u64 wait_ns)
{
	unsigned int opcode = req->in.h.opcode;
	struct fuse_ext_requests *requests;

	if (opcode == FUSE_ATOMIC_CREATE)
		opcode = SLOT_ATOMIC_CREATE;
	else if (opcode >= SLOT_ATOMIC_CREATE)
		return;
	rcu_read_lock();
	requests = rcu_dereference(fc->ext.requests);
	if (requests) {
		atomic64_inc(&requests->opcode[opcode].answered);
		if (test_bit(FR_BACKGROUND, &req->flags))
			atomic64_inc(&requests->opcode[opcode].background);
		if (req->out.h.error)
			atomic64_inc(&requests->opcode[opcode].errors);
		atomic64_add(wait_ns, &requests->opcode[opcode].wait_ns);
		atomic64_inc(&requests->bucket[bucket_of(wait_ns)]);
	}
	rcu_read_unlock();
}

/*
 * An answer came, or the connection is aborted; never both, since whoever takes
 * the stamp away is the one who counts.
 */
void fuse_ext_request_answered(struct fuse_req *req)
{
	struct fuse_ext_answered answered;
	struct fuse_conn *fc;
	u64 sent;

	sent = xchg(&req->ext.sent, 0);
	if (!sent)
		return;
	fc = fuse_ext_request_conn(req);
	answered = (struct fuse_ext_answered){
		.connection = fc->dev,
		.unique = req->in.h.unique,
		.wait_ns = ktime_get_ns() - sent,
		.opcode = req->in.h.opcode,
		.size = req->out.h.len,
		.error = req->out.h.error,
	};
	trace_fuse_ext_reply(&answered);
	if (static_branch_unlikely(&fuse_ext_observed.key))
		count(fc, req, answered.wait_ns);
}

/**
 * fuse_ext_observe - begin to count the requests of a connection
 * @fc:	the connection, to which the caller has a reference
 *
 * Who is the first finds all counters on zero.  Return: 0 or -ENOMEM.
 */
int fuse_ext_observe(struct fuse_conn *fc)
{
	struct fuse_ext_requests *requests;
	int err = 0;

	mutex_lock(&observe_mutex);
	requests = rcu_dereference_protected(fc->ext.requests, lockdep_is_held(&observe_mutex));
	if (!requests) {
		requests = kzalloc(sizeof(*requests), GFP_KERNEL_ACCOUNT);
		if (requests) {
			rcu_assign_pointer(fc->ext.requests, requests);
			static_branch_deferred_inc(&fuse_ext_observed);
		} else {
			err = -ENOMEM;
		}
	}
	if (!err)
		requests->holders++;
	mutex_unlock(&observe_mutex);
	return err;
}

void fuse_ext_observe_end(struct fuse_conn *fc)
{
	struct fuse_ext_requests *requests;

	mutex_lock(&observe_mutex);
	requests = rcu_dereference_protected(fc->ext.requests, lockdep_is_held(&observe_mutex));
	if (!--requests->holders) {
		RCU_INIT_POINTER(fc->ext.requests, NULL);
		static_branch_slow_dec_deferred(&fuse_ext_observed);
		kfree_rcu(requests, rcu);
	}
	mutex_unlock(&observe_mutex);
}

void fuse_ext_observe_exit(void)
{
	static_key_deferred_flush(&fuse_ext_observed);
}

/* The caller observes @fc, so that what is counted stays. */
void fuse_ext_show_requests(struct seq_file *m, struct fuse_conn *fc)
{
	struct fuse_ext_requests *requests = rcu_dereference_raw(fc->ext.requests);
	u64 number;
	int i;

	for (i = 0; i < NR_OPCODES; i++) {
		number = atomic64_read(&requests->opcode[i].answered);
		if (!number)
			continue;
		seq_printf(m, "%d %llu %llu %llu %llu\n",
			   i == SLOT_ATOMIC_CREATE ? FUSE_ATOMIC_CREATE : i, number,
			   (u64)atomic64_read(&requests->opcode[i].background),
			   (u64)atomic64_read(&requests->opcode[i].errors),
			   (u64)atomic64_read(&requests->opcode[i].wait_ns));
	}
	for (i = 0; i < NR_BUCKETS; i++) {
		number = atomic64_read(&requests->bucket[i]);
		if (number)
			seq_printf(m, "wait %llu %llu\n", bucket_end(i), number);
	}
}
