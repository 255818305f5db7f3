// SPDX-License-Identifier: GPL-2.0
/*
 * server.c - answers requests, and does it wrong as often as not: what a server
 * may do to the kernel by any way that it has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse_ext.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "device.h"
#include "wire.h"

#define LATE		32	/* answers that are kept for later */
#define PAST		64	/* answers that may be given again */
#define REQUEST_MAX	(1 << 20)
#define QUIET_MS	150	/* so long nothing is asked: all wait for late answers */

#ifndef FUSE_DEV_IOC_CLONE
#define FUSE_DEV_IOC_CLONE	_IOR(229, 0, uint32_t)
#endif
#define IOC_BACKING_OPEN	_IOW(229, 1, struct { int32_t fd; uint32_t flags; uint64_t pad; })
#define IOC_BACKING_CLOSE	_IOW(229, 2, uint32_t)

const char *const wrong_names[WRONG_COUNT] = {
	[WRONG_ERROR] = "error", [WRONG_SHORT] = "short", [WRONG_LONG] = "long",
	[WRONG_BYTES] = "bytes", [WRONG_HEADER] = "header", [WRONG_TWICE] = "twice",
	[WRONG_LATE] = "late", [WRONG_NEVER] = "never", [WRONG_UNASKED] = "unasked",
	[WRONG_NOTIFY] = "notify", [WRONG_IOCTL] = "ioctl", [WRONG_CONTROL] = "control",
	[WRONG_INIT] = "init",
};

struct reply {
	struct fuse_out_header header;
	char *data;
	size_t size;	/* of data */
	int device;	/* that it is for */
};

struct server {
	const struct round *round;
	struct random random;
	struct counts *counts;
	int device[2];		/* the second is a clone, or -1 */
	int asked_by;		/* the one that the last request came from */
	char *request, *data;
	struct reply late[LATE];
	unsigned int late_count, never_count;
	struct fuse_out_header past[PAST];
	bool begun;		/* INIT has its answer */
};

static bool allowed(struct server *server, enum wrong wrong, uint32_t times)
{
	return server->round->wrong & 1U << wrong && random_once(&server->random, times);
}

static void trace(struct server *server, const char *what,
		  const struct fuse_out_header *header, int result)
{
	if (server->round->trace)
		fprintf(server->round->trace, "%s unique=%llu error=%d len=%u: %s\n", what,
			(unsigned long long)header->unique, header->error, header->len,
			result < 0 ? strerror(errno) : "taken");
}

/* A request's answer is taken by the device that it was read from, and no other. */
static void put(struct server *server, const char *what, int device,
		const struct fuse_out_header *header, char *data, size_t size)
{
	struct iovec parts[2] = {
		{ .iov_base = (void *)header, .iov_len = sizeof(*header) },
		{ .iov_base = data, .iov_len = size },
	};
	ssize_t written;

	if (server->begun && allowed(server, WRONG_HEADER, 50) && server->device[1] >= 0)
		device = server->device[random_below(&server->random, 2)];
	written = writev(device, parts, 2);
	trace(server, what, header, written < 0 ? -1 : 0);
	if (*what == 'n') {
		server->counts->notifications++;
		return;
	}
	server->counts->replies++;
	server->counts->refused += written < 0;
}

/* Other bytes, where they matter most: in the first ones. */
static void change_bytes(struct server *server, char *data, size_t size)
{
	static const uint64_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, UINT64_MAX, 1ULL << 63 };
	unsigned int count = 1 + random_below(&server->random, 4);
	size_t where;

	while (size && count--) {
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
		struct reply *reply = &server->late[i];

		put(server, "late", reply->device, &reply->header, reply->data, reply->size);
		free(reply->data);
		*reply = server->late[--server->late_count];
	}
}

static void send_reply(struct server *server, struct fuse_out_header *header, size_t size)
{
	/* the first answer decides whether there is a filesystem at all */
	bool first = !server->begun;

	if (!first && allowed(server, WRONG_SHORT, 25))
		size = random_below(&server->random, size + 1);
	if (!first && allowed(server, WRONG_LONG, 40) && size < ANSWER_MAX - 5000) {
		size_t more = 1 + random_below(&server->random, 4999);

		memset(server->data + size, 0x55, more);
		size += more;
	}
	if (!first && allowed(server, WRONG_BYTES, 8))
		change_bytes(server, server->data, size);
	header->len = sizeof(*header) + size;
	if (!first && allowed(server, WRONG_HEADER, 60)) {
		if (random_once(&server->random, 2))
			header->len = random_next(&server->random);
		else
			header->unique += random_below(&server->random, 5);
	}
	server->past[random_below(&server->random, PAST)] = *header;
	if (!first && server->never_count < 3 && allowed(server, WRONG_NEVER, 500)) {
		server->never_count++;
		return;
	}
	if (!first && server->late_count < LATE && allowed(server, WRONG_LATE, 15)) {
		struct reply *reply = &server->late[server->late_count++];

		*reply = (struct reply){
			.header = *header, .size = size, .device = server->asked_by,
		};
		reply->data = malloc(size + 1);
		if (!reply->data)
			abort();
		memcpy(reply->data, server->data, size);
		return;
	}
	put(server, "reply", server->asked_by, header, server->data, size);
	if (first)
		__atomic_store_n(&server->counts->begun, server->counts->mounts, __ATOMIC_RELEASE);
	server->begun = true;
	if (!first && allowed(server, WRONG_TWICE, 30))
		put(server, "twice", server->asked_by, header, server->data, size);
}

/* With what each code wants behind the header, about; the rest is chance. */
static void notify_once(struct server *server)
{
	static const uint32_t codes[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 2048, 2048, 2048, 2049, UINT32_MAX,
	};
	uint64_t words[12];
	struct fuse_out_header header = {
		.error = codes[random_below(&server->random, 15)],
	};
	size_t size = random_below(&server->random, sizeof(words) + 1), i;

	for (i = 0; i < 12; i++)
		words[i] = random_below(&server->random, 3) ?
			   random_below(&server->random, 26) : random_next(&server->random);
	if (header.error == 2048) {	/* nodeid, flags and padding */
		size = random_once(&server->random, 10) ? size : 16;
		words[1] = random_once(&server->random, 10) ? words[1] : 0;
	} else if (random_below(&server->random, 3)) {
		static const size_t usual[] = { 8, 24, 16, 32, 24, 24 };

		/* a name's length is that of a name */
		size = usual[random_below(&server->random, 6)];
		if (header.error == 3 || header.error == 6) {
			words[1] = 5;
			words[2] = 0x0061656d616eULL;	/* "namea" */
			size = header.error == 3 ? 16 + 6 : 24 + 6;
			words[3] = words[2];
		}
	}
	header.len = sizeof(header) + size;
	if (allowed(server, WRONG_HEADER, 20))
		header.len = random_next(&server->random);
	put(server, "notify", server->device[0], &header, (char *)words, size);
}

static void ioctls(struct server *server)
{
	struct fuse_ext_ioc ioc = {
		.size = sizeof(ioc), .abi = FUSE_EXT_ABI_VERSION,
		.want = random_below(&server->random, 64),
	};
	struct { int32_t fd; uint32_t flags; uint64_t pad; } backing = {
		.fd = random_below(&server->random, 20),
		.flags = random_once(&server->random, 4),
	};
	uint32_t number = random_once(&server->random, 2) ? 0xf0 :
			  random_below(&server->random, 20);

	if (random_once(&server->random, 4))
		random_bytes(&server->random, &ioc, sizeof(ioc));
	switch (random_below(&server->random, 4)) {
	case 0:
		ioctl(server->device[0], FUSE_EXT_IOC_NEGOTIATE, &ioc);
		break;
	case 1:
		ioctl(server->device[0], IOC_BACKING_OPEN, &backing);
		break;
	case 2:
		ioctl(server->device[0], IOC_BACKING_CLOSE, &number);
		break;
	default:
		/* a number of ours or FUSE's with another size */
		ioctl(server->device[0],
		      _IOC(random_below(&server->random, 4), 229, number,
			   random_below(&server->random, 64)), &ioc);
	}
}

/* Words that mean something, and bytes that don't, to each file that takes some. */
static void controls(struct server *server, int connection)
{
	static const char *const words[] = {
		"on", "off", "auto", "exit", "default", "on\n", "", "\n", "0", "1", "oN",
		"12\n", "4294967296", "-1", "auto auto", "\0on",
	};
	static const char *const files[] = {
		"async_flush", "sync_release", "atomic_create", "syncfs", "inval_files",
		"max_background", "congestion_threshold", "ext_state", "ext_stats",
		"ext_init", "ext_requests", "waiting",
	};
	const char *file = files[random_below(&server->random, 12)];
	char path[512], bytes[9000];
	size_t size;
	int fd;

	if (random_once(&server->random, 4))
		snprintf(path, sizeof(path), "/sys/module/fuse_ext/parameters/%s",
			 files[random_below(&server->random, 5)]);
	else
		snprintf(path, sizeof(path), "%s/%d/%s", server->round->control, connection,
			 file);
	fd = open(path, random_once(&server->random, 4) ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return;
	if (random_below(&server->random, 3)) {
		const char *word = words[random_below(&server->random, 16)];

		size = *word || random_once(&server->random, 2) ? strlen(word) : 3;
		memcpy(bytes, word, size);
	} else {
		size = random_below(&server->random, sizeof(bytes));
		memset(bytes, 'x', size);
		random_bytes(&server->random, bytes, size < 40 ? size : 40);
	}
	/* what it says to that isn't the matter here */
	if (write(fd, bytes, size) < 0)
		errno = 0;
	if (pread(fd, bytes, sizeof(bytes), random_below(&server->random, 30)) < 0)
		errno = 0;
	close(fd);
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

static void between(struct server *server, int connection)
{
	send_late(server, false);
	if (allowed(server, WRONG_UNASKED, 40))
		unasked(server);
	if (allowed(server, WRONG_IOCTL, 60))
		ioctls(server);
	if (allowed(server, WRONG_CONTROL, 60))
		controls(server, connection);
}

/* false: the connection is gone */
static bool serve_one(struct server *server, int device)
{
	const struct fuse_in_header *in = (const void *)server->request;
	struct fuse_out_header header = { 0 };
	ssize_t got = read(device, server->request, REQUEST_MAX);
	size_t size;
	int error;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOENT;
	if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET ||
	    in->opcode == FUSE_INTERRUPT)
		return true;
	server->asked_by = device;
	size = answer(server->round, &server->random, in, got, server->data, &error);
	header.unique = in->unique;
	header.error = -error;
	if (server->begun && allowed(server, WRONG_ERROR, 12))
		header.error = any_error(server);
	/* one with something behind it is refused */
	if (header.error && !allowed(server, WRONG_ERROR, 20))
		size = 0;
	if (server->round->trace)
		fprintf(server->round->trace, "%s unique=%llu nodeid=%llu\n",
			wire_opcode_name(in->opcode), (unsigned long long)in->unique,
			(unsigned long long)in->nodeid);
	send_reply(server, &header, size);
	return true;
}

void notify(const struct round *round, int device, struct counts *counts)
{
	struct server server = {
		.round = round, .random.state = ~round->seed, .counts = counts,
		.device = { device, -1 },
	};
	struct timespec pause = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		notify_once(&server);
		pause.tv_nsec = 1000 * random_below(&server.random, 20000);
		nanosleep(&pause, NULL);
	}
}

static int clone_device(int device)
{
	int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	uint32_t number = device;

	if (clone >= 0 && ioctl(clone, FUSE_DEV_IOC_CLONE, &number) < 0) {
		close(clone);
		return -1;
	}
	return clone;
}

void serve(const struct round *round, int device, struct counts *counts)
{
	struct server server = {
		.round = round, .random.state = round->seed, .counts = counts,
		.device = { device, -1 },
		.request = malloc(REQUEST_MAX), .data = calloc(1, ANSWER_MAX),
	};
	int connection = device_connection(round->mountpoint);
	struct pollfd polls[2] = { { .events = POLLIN }, { .events = POLLIN } };
	unsigned long end = counts->replies + round->replies;
	unsigned int quiet = 0;
	bool alive = true;
	int i;

	if (!server.request || !server.data)
		abort();
	if (random_once(&server.random, 2))
		server.device[1] = clone_device(device);
	while (alive && counts->replies < end && quiet < 3) {
		for (i = 0; i < 2; i++)
			polls[i].fd = server.device[i];
		if (poll(polls, 2, QUIET_MS) == 0) {
			quiet++;
			send_late(&server, true);
			continue;
		}
		quiet = 0;
		for (i = 0; i < 2; i++)
			if (polls[i].revents)
				alive &= serve_one(&server, polls[i].fd);
		if (server.begun)
			between(&server, connection);
	}
	/* half of the rounds end with all answers given */
	if (random_once(&server.random, 2))
		send_late(&server, true);
	while (server.late_count)
		free(server.late[--server.late_count].data);
	if (server.device[1] >= 0)
		close(server.device[1]);
	free(server.request);
	free(server.data);
}
