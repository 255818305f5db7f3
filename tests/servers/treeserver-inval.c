// SPDX-License-Identifier: GPL-2.0
/*
 * treeserver-inval.c - how treeserver sends FUSE_NOTIFY_INVAL_FILES: by a command,
 * right or wrong, many at once, and in a forced order with the answer to a request
 * that opens a file.  What comes of it is the suites' matter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse_ext.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "treeserver.h"
#include "wire.h"

#define MOST_THREADS	16
#define ERRORS		256

enum order { ORDER_NONE, REPLY_FIRST, INVAL_FIRST };

/* What the next answer that opens a file does; under the tree's lock. */
static enum order next_order;
static int next_is_other;

/* One write(2) of a notification; 0 or errno. */
static int send_notification(int device, const struct fuse_out_header *out, const void *body,
			     size_t size)
{
	struct iovec parts[2] = {
		{ .iov_base = (void *)out, .iov_len = sizeof(*out) },
		{ .iov_base = (void *)body, .iov_len = size },
	};
	ssize_t written = writev(device, parts, 2);

	if (written < 0)
		return errno;
	/* not an errno of this write(2) */
	return written == (ssize_t)(sizeof(*out) + size) ? 0 : ENODATA;
}

static int inval_files(int device, uint64_t nodeid)
{
	struct fuse_ext_notify_inval_files_out body = { .nodeid = nodeid };
	struct fuse_out_header out = {
		.len = sizeof(out) + sizeof(body), .error = FUSE_NOTIFY_INVAL_FILES,
	};

	return send_notification(device, &out, &body, sizeof(body));
}

static void log_notification(uint64_t nodeid, int error)
{
	wire_log(log_file, "notify INVAL_FILES node=%llu error=%s", (unsigned long long)nodeid,
		 wire_errno_name(error));
}

/* Nobody else runs on this CPU, least of all a client that has its answer. */
static void run_alone(int is_alone)
{
	struct sched_param parameters = { .sched_priority = is_alone };
	cpu_set_t cpus;
	int i;

	CPU_ZERO(&cpus);
	for (i = 0; i < (is_alone ? 1 : CPU_SETSIZE); i++)
		CPU_SET(i, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    sched_setscheduler(0, is_alone ? SCHED_FIFO : SCHED_OTHER, &parameters)) {
		wire_log(log_file, "sched error=%s", wire_errno_name(errno));
		abort();
	}
}

int reply_open(struct place *place, const struct fuse_in_header *in, uint64_t nodeid,
	       const void *data, size_t size)
{
	int device = next_is_other ? other_device(place->device) : place->device;
	enum order order = next_order;
	int error, told;

	if (order == ORDER_NONE || in->opcode == FUSE_OPENDIR)
		return daemon_reply(place, in, 0, data, size);
	next_order = ORDER_NONE;
	if (order == INVAL_FIRST) {
		told = inval_files(device, nodeid);
		log_notification(nodeid, told);
		return daemon_reply(place, in, 0, data, size);
	}
	run_alone(1);
	error = daemon_reply(place, in, 0, data, size);
	told = inval_files(device, nodeid);
	run_alone(0);
	log_notification(nodeid, told);
	return error;
}

/* "reply-first" or "inval-first", and perhaps "other": by the other descriptor. */
static int take_order(FILE *answer, char *words)
{
	char *rest = NULL;
	char *word = strtok_r(words, " ", &rest);
	enum order order;

	if (!word)
		return -1;
	if (strcmp(word, "reply-first") == 0)
		order = REPLY_FIRST;
	else if (strcmp(word, "inval-first") == 0)
		order = INVAL_FIRST;
	else
		return -1;
	word = strtok_r(NULL, " ", &rest);
	tree_lock();
	next_order = order;
	next_is_other = word && strcmp(word, "other") == 0;
	tree_unlock();
	fputs("ok\n", answer);
	return 0;
}

/* The node with this path, or 0. */
static uint64_t find_node(char *path)
{
	const struct tree_node *node;
	uint64_t nodeid;

	tree_lock();
	node = tree_walk(path);
	nodeid = node ? node->id : 0;
	tree_unlock();
	return nodeid;
}

static int inval_path(FILE *answer, char *words)
{
	char *rest = NULL;
	char *path = strtok_r(words, " ", &rest);
	char *other = strtok_r(NULL, " ", &rest);
	int device = other_device(-1);
	uint64_t nodeid, start;
	int error;

	nodeid = path ? find_node(path) : 0;
	if (!nodeid)
		return -1;
	if (other)
		device = other_device(device);
	start = wire_now_ns();
	error = inval_files(device, nodeid);
	fprintf(answer, "inval=%s us=%llu\n", wire_errno_name(error),
		(unsigned long long)(wire_now_ns() - start) / 1000);
	log_notification(nodeid, error);
	return 0;
}

/* A notification of any shape. */
static int inval_raw(FILE *answer, const char *words)
{
	struct {
		struct fuse_ext_notify_inval_files_out right;
		char more[64];
	} body = { 0 };
	struct fuse_out_header out = { .error = FUSE_NOTIFY_INVAL_FILES };
	unsigned long long nodeid;
	unsigned int size, length, code = FUSE_NOTIFY_INVAL_FILES;
	int error;

	if (sscanf(words, "%llu %u %u %u %u", &nodeid, &size, &body.right.flags,
		   &body.right.padding, &code) < 4 || size > sizeof(body))
		return -1;
	body.right.nodeid = nodeid;
	out.error = code;
	length = sizeof(out) + size;
	out.len = length;
	error = send_notification(other_device(-1), &out, &body, size);
	fprintf(answer, "inval=%s\n", wire_errno_name(error));
	log_notification(nodeid, error);
	return 0;
}

/* FILE: what is written is read when it is needed, which may take a while. */
static int inval_mapped(FILE *answer, const char *path)
{
	struct fuse_ext_notify_inval_files_out *body;
	struct fuse_out_header out = {
		.len = sizeof(out) + sizeof(*body), .error = FUSE_NOTIFY_INVAL_FILES,
	};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	body = mmap(NULL, sizeof(*body), PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (body == MAP_FAILED)
		return -1;
	fprintf(answer, "inval=%s\n",
		wire_errno_name(send_notification(other_device(-1), &out, body, sizeof(*body))));
	munmap(body, sizeof(*body));
	return 0;
}

/**
 * struct many - notifications from one of several threads
 * @errors:	how often write(2) ended with each errno, 0 for none
 */
struct many {
	pthread_t thread;
	int device;
	uint64_t nodeid;
	unsigned int count;
	unsigned int errors[ERRORS];
};

static void *send_many(void *data)
{
	struct many *many = data;
	unsigned int i;
	int error;

	for (i = 0; i < many->count; i++) {
		error = inval_files(many->device, many->nodeid);
		many->errors[error < ERRORS ? error : ERRORS - 1]++;
	}
	return NULL;
}

/* PATH THREADS COUNT: by both descriptors, if there are two. */
static int inval_many(FILE *answer, const char *words)
{
	static struct many many[MOST_THREADS];
	unsigned int threads, count, sum, i;
	int device = other_device(-1);
	uint64_t nodeid;
	char path[128];
	int error;

	if (sscanf(words, "%127s %u %u", path, &threads, &count) != 3 || threads > MOST_THREADS)
		return -1;
	nodeid = find_node(path);
	if (!nodeid)
		return -1;
	memset(many, 0, sizeof(many));
	for (i = 0; i < threads; i++) {
		many[i].device = device;
		many[i].nodeid = nodeid;
		many[i].count = count;
		device = other_device(device);
		errno = pthread_create(&many[i].thread, NULL, send_many, &many[i]);
		if (errno)
			abort();
	}
	for (i = 0; i < threads; i++)
		pthread_join(many[i].thread, NULL);
	for (error = 0; error < ERRORS; error++) {
		for (sum = 0, i = 0; i < threads; i++)
			sum += many[i].errors[error];
		if (sum)
			fprintf(answer, "%s=%u ", wire_errno_name(error), sum);
	}
	fputs("\n", answer);
	return 0;
}

int obey_inval(FILE *answer, const char *command, char *argument)
{
	if (strcmp(command, "inval") == 0)
		return inval_path(answer, argument);
	if (strcmp(command, "inval-raw") == 0)
		return inval_raw(answer, argument);
	if (strcmp(command, "inval-mapped") == 0)
		return inval_mapped(answer, argument);
	if (strcmp(command, "inval-many") == 0)
		return inval_many(answer, argument);
	if (strcmp(command, "order") == 0)
		return take_order(answer, argument);
	return -1;
}
