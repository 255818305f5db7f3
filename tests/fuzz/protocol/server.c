// SPDX-License-Identifier: GPL-2.0
/*
 * server.c - answers requests, and does it wrong as often as not: what a server
 * may do to the kernel by answers and notifications.  Its ioctls are in
 * administrator.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse_ext.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "answer.h"
#include "device.h"
#include "wire.h"

#define LATE		32	/* answers that are kept for later */
#define PAST		64	/* answers that may be given again */
#define REQUEST_MAX	(1 << 20)
#define PIPE_SIZE	(1 << 19)
#define WORDS		12	/* of 64 bits, behind the header of a notification */
/* Nothing is asked: all wait for late answers, or, after some, nobody asks any more. */
#define TICK_MS		80
#define QUIET_TIMES	5
#define QUIET_CALLS	200	/* so many fail meanwhile: they always will */
#define QUIET_LONG	50	/* whatever they do */

#ifndef FUSE_DEV_IOC_CLONE
#define FUSE_DEV_IOC_CLONE	_IOR(229, 0, uint32_t)
#endif

const char *const wrong_names[WRONG_COUNT + 1] = {
	[WRONG_ERROR] = "error", [WRONG_SHORT] = "short", [WRONG_LONG] = "long",
	[WRONG_BYTES] = "bytes", [WRONG_HEADER] = "header", [WRONG_TWICE] = "twice",
	[WRONG_LATE] = "late", [WRONG_NEVER] = "never", [WRONG_UNASKED] = "unasked",
	[WRONG_NOTIFY] = "notify", [WRONG_IOCTL] = "ioctl", [WRONG_CONTROL] = "control",
	[WRONG_OPTIONS] = "options", [WRONG_INIT] = "init", [WRONG_FINDING] = "finding",
};

/* FUSE's up to 7.45, and ours. */
const uint32_t notify_codes[CODES] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, FUSE_NOTIFY_INVAL_FILES };

struct reply {
	struct fuse_out_header header;
	uint64_t asked;	/* the unique of the request, whatever the header says */
	bool is_root;	/* its attributes */
	int device;	/* that the request came from */
	char *data;
	size_t size;	/* of data */
};

struct server {
	const struct round *round;
	struct random random;
	struct counts *counts;
	int device[2];		/* the second is a clone, or -1 */
	int pipe[2];		/* for splice(2) */
	char *request, *data;
	struct reply late[LATE];
	unsigned int late_count, never_count;
	unsigned long replies, taken;
	unsigned int quiet;	/* ticks without a request */
	unsigned long calls;	/* of the clients, at the first of them */
	struct fuse_out_header past[PAST];
	bool begun;		/* INIT has its answer */
};

static bool allowed(struct server *server, enum wrong wrong, uint32_t times)
{
	return server->round->wrong & 1U << wrong && random_once(&server->random, times);
}

static void trace(struct server *server, const char *what,
		  const struct fuse_out_header *header, bool taken)
{
	if (server->round->trace)
		fprintf(server->round->trace, "%s unique=%llu error=%d len=%u: %s\n", what,
			(unsigned long long)header->unique, header->error, header->len,
			taken ? "taken" : strerror(errno));
}

/* By a pipe, as libfuse does where data are large; what is left in it goes. */
static bool splice_out(struct server *server, int device, const struct iovec *parts)
{
	size_t size = parts[0].iov_len + parts[1].iov_len;
	char rest[4096];
	ssize_t written;
	int error;

	if (writev(server->pipe[1], parts, 2) == (ssize_t)size) {
		written = splice(server->pipe[0], NULL, device, NULL, size,
				 random_once(&server->random, 2) ? SPLICE_F_MOVE : 0);
	} else {
		written = -1;
		errno = EPIPE;
	}
	error = errno;
	while (written < 0 && read(server->pipe[0], rest, sizeof(rest)) > 0)
		;
	errno = error;
	return written >= 0;
}

/* One write to the device; false: it was refused. */
static bool put(struct server *server, const char *what, int device,
		const struct fuse_out_header *header, char *data, size_t size)
{
	struct iovec parts[2] = {
		{ .iov_base = (void *)header, .iov_len = sizeof(*header) },
		{ .iov_base = data, .iov_len = size },
	};
	bool taken;

	if (server->pipe[1] >= 0 && size < PIPE_SIZE / 2 && random_once(&server->random, 40))
		taken = splice_out(server, device, parts);
	else
		taken = writev(device, parts, 2) >= 0;
	trace(server, what, header, taken);
	if (*what == 'n') {
		count(&server->counts->notifications);
		return taken;
	}
	server->replies++;
	count(&server->counts->job[server->round->job].replies);
	count(&server->counts->replies);
	if (!taken)
		count(&server->counts->refused);
	return taken;
}

static void put_refused(struct server *server, const char *what, int device,
			const struct fuse_out_header *header, char *data, size_t size)
{
	if (put(server, what, device, header, data, size))
		finding(server->round, server->counts,
			"taken, and not refused: %s unique=%llu error=%d len=%u with %zu bytes",
			what, (unsigned long long)header->unique, header->error, header->len,
			size);
}

/*
 * An answer is taken by the device that its request was read from, and no other.
 * One that isn't taken, or was another's, is followed by one that is: clients that
 * wait for ever ask nothing, and hold what the others need.
 */
static void deliver(struct server *server, const char *what, struct reply *reply)
{
	int device = reply->device;

	if (server->begun && allowed(server, WRONG_HEADER, 50) && server->device[1] >= 0)
		device = server->device[random_below(&server->random, 2)];
	if (put(server, what, device, &reply->header, reply->data, reply->size) &&
	    reply->header.unique == reply->asked) {
		server->taken++;
		count(&server->counts->taken);
		return;
	}
	reply->header = (struct fuse_out_header){
		.len = sizeof(reply->header), .error = -EIO, .unique = reply->asked,
	};
	put(server, "mended", reply->device, &reply->header, NULL, 0);
}

/* Other bytes, where they matter most: in the first ones. */
static void change_bytes(struct server *server, char *data, size_t size)
{
	static const uint64_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, UINT64_MAX, 1ULL << 63 };
	unsigned int left = 1 + random_below(&server->random, 4);
	size_t where;

	while (size && left--) {
		where = random_below(&server->random, size < 200 ? size : 200);
		if (size >= 8 && random_once(&server->random, 2)) {
			where = where / 8 * 8;
			if (where + 8 <= size)
				memcpy(data + where, &odd[random_below(&server->random, 7)], 8);
		} else {
			data[where] = random_next(&server->random);
		}
	}
}

static int any_error(struct server *server)
{
	static const int odd[] = { 1, -512, -1000, -4095, -4096, INT32_MIN, INT32_MAX, -516 };

	if (random_once(&server->random, 8))
		return odd[random_below(&server->random, 8)];
	return -(int)(1 + random_below(&server->random, 133));
}

/* Late ones in any order; all of them where nobody asks any more. */
static void send_late(struct server *server, bool all)
{
	while (server->late_count && (all || random_once(&server->random, 4))) {
		unsigned int i = random_below(&server->random, server->late_count);
		struct reply reply = server->late[i];
		char *data = reply.data;

		server->late[i] = server->late[--server->late_count];
		deliver(server, "late", &reply);
		free(data);
	}
}

static bool keep_late(struct server *server, const struct reply *reply)
{
	struct reply *late = &server->late[server->late_count];

	if (server->late_count == LATE)
		return false;
	*late = *reply;
	late->data = malloc(reply->size + 1);
	if (!late->data)
		abort();
	memcpy(late->data, reply->data, reply->size);
	server->late_count++;
	return true;
}

/*
 * What the kernel has to refuse, and leave the request as it is: a length that isn't
 * that of the write, an error that is none, a unique of nobody.  And an answer to an
 * INTERRUPT of it, which may never have been sent.
 */
static void send_refused(struct server *server, const struct reply *reply)
{
	struct fuse_out_header header = reply->header;
	size_t size = reply->size < 300 ? reply->size : 300;

	header.len = sizeof(header) + size;
	switch (random_below(&server->random, 6)) {
	case 0:
		header.len ^= 1 + random_below(&server->random, UINT32_MAX);
		break;
	case 1:
		header.len += 1 + random_below(&server->random, 5000);
		break;
	case 2:
		header.len -= 1 + random_below(&server->random, header.len);
		break;
	case 3:
		header.error = random_once(&server->random, 2) ? 1 : INT32_MIN;
		break;
	case 4:
		header.unique |= 1;
		header.error = random_once(&server->random, 2) ? -EAGAIN : 0;
		header.len = sizeof(header);
		put(server, "interrupt", reply->device, &header, NULL, 0);
		return;
	default:
		header.unique = random_next(&server->random) | 1ULL << 62;
	}
	put_refused(server, "refused", reply->device, &header, server->data, size);
}

static void mutate(struct server *server, struct reply *reply)
{
	/* an answer about the root that makes no sense ends the round: seldom */
	if (reply->is_root && !random_once(&server->random, 20)) {
		reply->header.len = sizeof(reply->header) + reply->size;
		return;
	}
	if (allowed(server, WRONG_SHORT, 25))
		reply->size = random_below(&server->random, reply->size + 1);
	if (allowed(server, WRONG_LONG, 40) && reply->size < ANSWER_MAX - 5000) {
		size_t more = 1 + random_below(&server->random, 4999);

		memset(reply->data + reply->size, 0x55, more);
		reply->size += more;
	}
	if (allowed(server, WRONG_BYTES, 8))
		change_bytes(server, reply->data, reply->size);
	reply->header.len = sizeof(reply->header) + reply->size;
	if (allowed(server, WRONG_HEADER, 60)) {
		if (random_once(&server->random, 2))
			reply->header.len = random_next(&server->random);
		else
			reply->header.unique += random_below(&server->random, 5);
	}
}

static void wrong_init(struct server *server, struct reply *reply)
{
	switch (random_below(&server->random, 5)) {
	case 0:
		reply->size = random_below(&server->random, reply->size);
		break;
	case 1:	/* as long as those of protocols before 7.5, and 7.23 */
		reply->size = random_once(&server->random, 2) ? 8 : 24;
		break;
	case 2:
		reply->size += 1 + random_below(&server->random, 4999);
		break;
	case 3:
		change_bytes(server, reply->data, reply->size);
		break;
	default:
		reply->header.error = any_error(server);
		reply->size = 0;
	}
}

/* What was given again isn't asked for any more, if it was the right one. */
static void give_again(struct server *server, const struct reply *reply,
		       const struct fuse_out_header *header)
{
	if (header->unique == reply->asked)
		put_refused(server, "twice", reply->device, header, reply->data, reply->size);
	else
		put(server, "twice", reply->device, header, reply->data, reply->size);
}

/* The first answer decides whether there is a filesystem at all. */
static void first_reply(struct server *server, struct reply *reply)
{
	bool is_wrong = allowed(server, WRONG_INIT, 4);
	struct fuse_out_header header;

	if (is_wrong)
		wrong_init(server, reply);
	reply->header.len = sizeof(reply->header) + reply->size;
	header = reply->header;
	deliver(server, "reply", reply);
	if (is_wrong && random_once(&server->random, 2))
		give_again(server, reply, &header);
	server->begun = true;
	__atomic_store_n(&server->counts->job[server->round->job].begun, true, __ATOMIC_RELEASE);
}

static void send_reply(struct server *server, struct reply *reply)
{
	struct fuse_out_header header;

	if (allowed(server, WRONG_HEADER, 8))
		send_refused(server, reply);
	if (!server->begun) {
		first_reply(server, reply);
		return;
	}
	mutate(server, reply);
	server->past[random_below(&server->random, PAST)] = reply->header;
	/* who waits without end holds up others, so not before the end */
	if (server->taken > server->round->replies * 3UL / 4 &&
	    server->never_count < server->round->clients / 2 &&
	    allowed(server, WRONG_NEVER, 100)) {
		server->never_count++;
		return;
	}
	if (allowed(server, WRONG_LATE, 15) && keep_late(server, reply))
		return;
	header = reply->header;
	deliver(server, "reply", reply);
	if (allowed(server, WRONG_TWICE, 8))
		give_again(server, reply, &header);
}

/* A name of those that clients use, and the NUL behind it. */
static size_t put_name(struct server *server, void *out)
{
	memcpy(out, "namea", 6);
	((char *)out)[4] += random_below(&server->random, 8);
	return 6;
}

/* Mostly one that the kernel knows. */
static uint64_t any_node(struct server *server)
{
	if (random_once(&server->random, 3))
		return random_below(&server->random, 26);
	return server->counts->job[server->round->job].asked[random_below(&server->random, ASKED)];
}

/*
 * What @code wants behind the header, in @words of any numbers, most of them those of
 * nodes; its size.
 */
static size_t notification(struct server *server, uint32_t code, uint64_t words[WORDS])
{
	uint32_t count;

	switch (code) {
	case FUSE_NOTIFY_POLL:
		return 8;
	case FUSE_NOTIFY_INVAL_INODE:
		return 24;
	case FUSE_NOTIFY_INVAL_ENTRY:	/* the length of the name, and flags */
		words[1] = 5 | (uint64_t)random_below(&server->random, 4) << 32;
		return 16 + put_name(server, &words[2]);
	case FUSE_NOTIFY_STORE:	/* offset, size */
		count = random_below(&server->random, 8 * (WORDS - 3) + 1);
		words[1] = random_below(&server->random, 50000);
		words[2] = count;
		return 24 + count;
	case FUSE_NOTIFY_RETRIEVE:	/* a number, the node, offset, size */
		words[2] = random_below(&server->random, 50000);
		words[3] = random_below(&server->random, 50000);
		return 32;
	case FUSE_NOTIFY_DELETE:	/* the child, or none; the length of the name */
		words[1] *= random_below(&server->random, 2);
		words[2] = 5;
		return 24 + put_name(server, &words[3]);
	case 9:	/* PRUNE: how many nodes */
		count = random_below(&server->random, WORDS - 1);
		words[0] = count;
		return 16 + 8 * count;
	case FUSE_NOTIFY_INVAL_FILES:	/* flags and padding */
		words[1] = random_once(&server->random, 10) ? words[1] : 0;
		return 16;
	default:
		return random_below(&server->random, 8 * WORDS + 1);
	}
}

static void notify_once(struct server *server)
{
	uint32_t which = random_below(&server->random, CODES + 2), code;
	uint64_t words[WORDS];
	struct fuse_out_header header = { 0 };
	size_t size, i;

	code = which < CODES ? notify_codes[which] : FUSE_NOTIFY_INVAL_FILES;
	if (random_once(&server->random, 8))
		code = random_once(&server->random, 2) ? FUSE_NOTIFY_INVAL_FILES + 1 :
		       random_below(&server->random, 2) * UINT32_MAX;
	for (i = 0; i < WORDS; i++)
		words[i] = random_below(&server->random, 4) ? any_node(server) :
			   random_next(&server->random);
	size = notification(server, code, words);
	if (random_once(&server->random, 8))
		size = random_below(&server->random, sizeof(words) + 1);
	header.error = code;
	header.len = sizeof(header) + size;
	if (allowed(server, WRONG_HEADER, 20))
		header.len = random_next(&server->random);
	if (!put(server, "notify", server->device[0], &header, (char *)words, size))
		return;
	for (i = 0; i < CODES; i++)
		if (notify_codes[i] == code)
			count(&server->counts->notified[i]);
}

static void unasked(struct server *server)
{
	struct fuse_out_header header = server->past[random_below(&server->random, PAST)];
	size_t size = random_below(&server->random, 200);

	if (random_once(&server->random, 3))
		header.unique = random_next(&server->random);
	header.len = sizeof(header) + size;
	header.error = 0;
	random_bytes(&server->random, server->data, size);
	put(server, "unasked", server->device[0], &header, server->data, size);
}

/* Its request may be asked for again, or interrupts as such not known. */
static void interrupted(struct server *server, const struct fuse_in_header *in, int device)
{
	struct fuse_out_header header = {
		.len = sizeof(header), .unique = in->unique, .error = -EAGAIN,
	};

	if (!allowed(server, WRONG_ERROR, 4))
		return;
	if (random_once(&server->random, 20))
		header.error = -ENOSYS;
	else if (random_once(&server->random, 10))
		header.error = any_error(server);
	put(server, "interrupt", device, &header, NULL, 0);
}

static ssize_t read_request(struct server *server, int device)
{
	ssize_t got, rest;

	if (server->pipe[0] < 0 || !random_once(&server->random, 40))
		return read(device, server->request, REQUEST_MAX);
	got = splice(device, NULL, server->pipe[1], NULL, PIPE_SIZE, 0);
	if (got <= 0)
		return got;
	rest = read(server->pipe[0], server->request, got);
	return rest == got ? got : -1;
}

/* 1: one was served; 0: there was none; -1: the connection is gone */
static int serve_one(struct server *server, int device)
{
	const struct fuse_in_header *in = (const void *)server->request;
	ssize_t got = read_request(server, device);
	struct reply reply = { .data = server->data, .device = device };
	int error;

	if (got < 0)
		return errno == EINTR ? 0 : errno == ENOENT ? 1 : -1;
	if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET)
		return 1;
	if (server->round->trace)
		fprintf(server->round->trace, "%s unique=%llu nodeid=%llu\n",
			wire_opcode_name(in->opcode), (unsigned long long)in->unique,
			(unsigned long long)in->nodeid);
	if (in->opcode == FUSE_INTERRUPT) {
		interrupted(server, in, device);
		return 1;
	}
	server->counts->job[server->round->job].asked[in->unique / 2 % ASKED] = in->nodeid;
	if (in->opcode == FUSE_INIT)
		__atomic_store_n(&server->counts->minor,
				 ((const struct fuse_init_in *)(in + 1))->minor, __ATOMIC_RELAXED);
	if (in->opcode == FUSE_LSEEK && server->round->wrong & 1U << WRONG_FINDING &&
	    server->round->wrong & 1U << WRONG_LONG)
		finding(server->round, server->counts, "there was an LSEEK");
	reply.size = answer(server->round, &server->random, in, got, server->data, &error);
	reply.asked = in->unique;
	reply.is_root = in->nodeid == FUSE_ROOT_ID &&
			(in->opcode == FUSE_GETATTR || in->opcode == FUSE_SETATTR ||
			 in->opcode == WIRE_STATX);
	reply.header.unique = in->unique;
	reply.header.error = -error;
	if (server->begun && allowed(server, WRONG_ERROR, 12))
		reply.header.error = any_error(server);
	/* one with something behind it is refused */
	if (reply.header.error && !allowed(server, WRONG_ERROR, 20))
		reply.size = 0;
	send_reply(server, &reply);
	return 1;
}

void notify(const struct round *round, int device, struct counts *counts)
{
	struct server server = {
		.round = round, .random.state = ~round->seed, .counts = counts,
		.device = { device, -1 }, .pipe = { -1, -1 },
	};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		notify_once(&server);
		if (random_once(&server.random, 3))
			pace(round, counts, random_below(&server.random, 20));
	}
}

static int clone_device(int device)
{
	int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	uint32_t number = device;

	if (clone >= 0 && ioctl(clone, FUSE_DEV_IOC_CLONE, &number) < 0) {
		close(clone);
		return -1;
	}
	return clone;
}

/* What is asked through either device is in one queue. */
static int any_device(struct server *server)
{
	return server->device[server->device[1] >= 0 ? random_below(&server->random, 2) : 0];
}

/*
 * Nobody has asked since the last tick: they wait for late answers, have in the cache
 * what they look for, or can't ask.  false: it is enough.
 */
static bool go_on(struct server *server)
{
	unsigned long *calls = &server->counts->job[server->round->job].calls;

	if (server->late_count) {
		send_late(server, true);
		return true;
	}
	if (!server->quiet++)
		server->calls = *calls;
	/* where nothing is done wrong, none fails for good */
	if (server->round->wrong && server->quiet >= QUIET_TIMES &&
	    *calls - server->calls >= QUIET_CALLS)
		return false;
	return server->quiet < QUIET_LONG;
}

static void serve_all(struct server *server)
{
	int served = 1;

	/* in the protocol that INIT has agreed on all others may be wrong */
	while (served >= 0 && server->taken < server->round->replies &&
	       server->replies < server->round->replies * 3UL &&
	       !__atomic_load_n(&server->counts->findings, __ATOMIC_RELAXED)) {
		served = serve_one(server, any_device(server));
		if (served == 0 && !go_on(server))
			break;
		if (!server->begun || served <= 0)
			continue;
		server->quiet = 0;
		send_late(server, false);
		if (allowed(server, WRONG_UNASKED, 10))
			unasked(server);
	}
}

static void no_matter(int signal)
{
	(void)signal;
}

/* By which reads that wait come back: cheaper than to poll before each of them. */
static void tick(unsigned int milliseconds)
{
	struct sigaction action = { .sa_handler = no_matter };
	struct itimerval timer = {
		.it_value.tv_usec = 1000 * milliseconds,
		.it_interval.tv_usec = 1000 * milliseconds,
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void open_pipe(struct server *server)
{
	if (pipe2(server->pipe, O_NONBLOCK | O_CLOEXEC) < 0 ||
	    fcntl(server->pipe[1], F_SETPIPE_SZ, PIPE_SIZE) < 0) {
		perror(NAME ": pipe");
		exit(1);
	}
}

void serve(const struct round *round, int device, struct counts *counts)
{
	struct server server = {
		.round = round, .random.state = round->seed, .counts = counts,
		.device = { device, -1 },
		.request = malloc(REQUEST_MAX), .data = calloc(1, ANSWER_MAX),
	};

	if (!server.request || !server.data)
		abort();
	open_pipe(&server);
	if (random_once(&server.random, 2))
		server.device[1] = clone_device(device);
	tick(TICK_MS);
	serve_all(&server);
	tick(0);
	/* half of the rounds end with all answers given */
	if (random_once(&server.random, 2))
		send_late(&server, true);
	while (server.late_count)
		free(server.late[--server.late_count].data);
	if (server.device[1] >= 0)
		close(server.device[1]);
	close(server.pipe[0]);
	close(server.pipe[1]);
	free(server.request);
	free(server.data);
}
