// SPDX-License-Identifier: GPL-2.0
/*
 * fxcrash-server.c - the server of a round: what was acknowledged is in memory
 * and dies with it, SYNCFS and FSYNC move all of it to the journal.  Few threads
 * that answer WRITE late and in any order.  No files but file0 to file3.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers.h"
#include "device.h"
#include "fxcrash.h"
#include "wire.h"

#define FIRST_FILE	2
#define FILE_SIZE	sizeof(*memory)
#define THREADS		8
#define DELAY_US	3000
#define LONG_DELAY_US	20000
#define MAX_WRITE	4096
#define BUFFER_SIZE	(MAX_WRITE + 8192)

/* So that other threads than those of the client have other random numbers. */
#define FIRST_STREAM	200

static int device = -1;
static const struct crash_round *this_round;
static versions memory;
static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	int result = device_reply(device, in, error, data, size);

	if (result) {
		fprintf(stderr, "fxcrash: answer to %s: %s\n", wire_opcode_name(in->opcode),
			strerror(result));
		_exit(1);
	}
}

static void answer_init(const struct fuse_in_header *in, const struct fuse_init_in *init_in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = init_in->minor,
		.max_readahead = init_in->max_readahead,
		.flags = FUSE_WRITEBACK_CACHE,
		.max_background = 12,
		.congestion_threshold = 9,
		.max_write = MAX_WRITE,
		.time_gran = 1,
	};

	if (!(init_in->flags & FUSE_WRITEBACK_CACHE)) {
		fputs("fxcrash: this kernel's FUSE has no writeback cache; take a newer one\n",
		      stderr);
		_exit(1);
	}
	reply(in, 0, &out, sizeof(out));
}

static void answer_lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { .attr_valid = 3600, .entry_valid = 3600 };
	int number = plain_number(name, "file", FILES);

	if (number < 0) {
		reply(in, ENOENT, NULL, 0);
		return;
	}
	out.nodeid = FIRST_FILE + number;
	plain_attr(&out.attr, out.nodeid, FILE_SIZE);
	reply(in, 0, &out, sizeof(out));
}

static void answer_attr(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = 3600 };

	plain_attr(&out.attr, in->nodeid, FILE_SIZE);
	reply(in, 0, &out, sizeof(out));
}

static void answer_read(const struct fuse_in_header *in, const struct fuse_read_in *read_in)
{
	const char *file = (const char *)memory[in->nodeid - FIRST_FILE];
	size_t size = plain_read_size(read_in, FILE_SIZE);

	pthread_mutex_lock(&memory_lock);
	if (size)
		file += read_in->offset;
	reply(in, 0, file, size);
	pthread_mutex_unlock(&memory_lock);
}

static void answer_write(const struct fuse_in_header *in, const struct fuse_write_in *write_in)
{
	unsigned int file = in->nodeid - FIRST_FILE;
	struct fuse_write_out out = { .size = write_in->size };

	if (write_in->offset > FILE_SIZE || write_in->size > FILE_SIZE - write_in->offset) {
		fprintf(stderr, "fxcrash: WRITE of %u bytes at %llu, behind the end of file%u\n",
			write_in->size, (unsigned long long)write_in->offset, file);
		_exit(1);
	}
	/* Before the answer: who has that may ask for SYNCFS at once. */
	pthread_mutex_lock(&memory_lock);
	memcpy((char *)memory[file] + write_in->offset, write_in + 1, write_in->size);
	if (this_round->journal_writes)
		memcpy((char *)this_round->shared->journal[file] + write_in->offset, write_in + 1,
		       write_in->size);
	pthread_mutex_unlock(&memory_lock);
	reply(in, 0, &out, sizeof(out));
}

static void answer_sync(const struct fuse_in_header *in)
{
	pthread_mutex_lock(&memory_lock);
	memcpy(this_round->shared->journal, memory, sizeof(memory));
	pthread_mutex_unlock(&memory_lock);
	reply(in, 0, NULL, 0);
}

static void answer_request(const struct fuse_in_header *in, const void *arguments)
{
	static const struct fuse_open_out open_out;

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(in, arguments);
		break;
	case FUSE_LOOKUP:
		answer_lookup(in, arguments);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer_attr(in);
		break;
	case FUSE_OPEN:
		reply(in, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_STATFS:
		reply(in, 0, &plain_statfs, sizeof(plain_statfs));
		break;
	case FUSE_READ:
		answer_read(in, arguments);
		break;
	case FUSE_WRITE:
		answer_write(in, arguments);
		break;
	case FUSE_FSYNC:
	case WIRE_SYNCFS:
		answer_sync(in);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(in, ENOSYS, NULL, 0);
		break;
	}
}

/*
 * Some WRITEs take so long that what comes after them is answered before; and
 * SYNCFS is then sometimes the quicker one, sometimes the one to wait for.
 */
static void delay(struct random *random, uint32_t opcode)
{
	if (opcode == FUSE_WRITE)
		pause_us(random_below(random, random_below(random, 8) ? DELAY_US : LONG_DELAY_US));
	else if (opcode == WIRE_SYNCFS && random_below(random, 2))
		pause_us(random_below(random, DELAY_US));
}

/* Reads a request and answers it. */
static void serve_one(struct random *random)
{
	union {
		struct fuse_in_header in;
		char bytes[BUFFER_SIZE];
	} request;
	ssize_t size;

	size = wire_read_request(device, &request, sizeof(request) - 1);
	if (size < (ssize_t)sizeof(request.in)) {
		fprintf(stderr, "fxcrash: /dev/fuse: %s; who unmounted or aborted it?\n",
			size < 0 ? strerror(errno) : "short read");
		_exit(1);
	}
	request.bytes[size] = '\0';
	if (random)
		delay(random, request.in.opcode);
	answer_request(&request.in, &request.in + 1);
}

static void *serve(void *data)
{
	struct random random;

	random_begin(&random, this_round->seed, FIRST_STREAM + (uintptr_t)data);
	for (;;)
		serve_one(&random);
	return NULL;
}

void crash_server(const struct crash_round *round, int ready)
{
	pthread_t thread;
	uintptr_t i;

	this_round = round;
	device = device_open("fxcrash");
	if (device < 0 || device_mount("fxcrash", device, "fxcrash", round->mountpoint,
				       "fuse.fxcrash", round->mount_data))
		return;
	/* INIT */
	serve_one(NULL);
	for (i = 0; i < THREADS; i++) {
		errno = pthread_create(&thread, NULL, serve, (void *)i);
		if (errno) {
			fprintf(stderr, "fxcrash: thread: %s\n", strerror(errno));
			return;
		}
	}
	say_ready(ready);
	for (;;)
		pause();
}
