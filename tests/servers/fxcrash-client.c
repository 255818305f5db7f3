// SPDX-License-Identifier: GPL-2.0
/*
 * fxcrash-client.c - the client of a round: two threads write records, one of
 * them and a third call syncfs(2) and publish what it promised.  It closes no
 * file, so that it is never close(2) that writes dirty pages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fxcrash.h"

#define WRITERS		2
#define STRIDE		513	/* no divisor of RECORDS; the next record is in another page */
#define BURST		64	/* write(2)s without a pause */
#define WRITE_PAUSE_US	2000
#define SYNC_PAUSE_US	8000

static struct shared *shared;
static uint64_t seed;
static int files[FILES];
static pthread_mutex_t publish_lock = PTHREAD_MUTEX_INITIALIZER;

/* After SIGKILL of the server errors are what is expected; else nobody is. */
static void *failed(const char *call)
{
	int error = errno;

	if (!__atomic_load_n(&shared->killed, __ATOMIC_SEQ_CST)) {
		fprintf(stderr, "fxcrash: %s before the server was killed: %s\n", call,
			strerror(error));
		shared->failed = 1;
	}
	return NULL;
}

static int sync_and_publish(void)
{
	unsigned int file, record;
	versions before;

	for (file = 0; file < FILES; file++)
		for (record = 0; record < RECORDS; record++)
			before[file][record] = __atomic_load_n(&shared->written[file][record],
							       __ATOMIC_ACQUIRE);
	if (syncfs(files[0]) < 0)
		return -1;
	pthread_mutex_lock(&publish_lock);
	for (file = 0; file < FILES; file++)
		for (record = 0; record < RECORDS; record++)
			if (shared->published[file][record] < before[file][record])
				shared->published[file][record] = before[file][record];
	shared->syncs++;
	pthread_mutex_unlock(&publish_lock);
	return 0;
}

/* A writer, and how many times it went on to another record in each of its files. */
struct writer {
	struct random random;
	unsigned int number;
	uint64_t version;
	unsigned int next[FILES];
};

/* A record after the other, a quarter of the time one again that has been written. */
static int write_record(struct writer *writer)
{
	unsigned int file = writer->number;
	unsigned int record;

	/* nobody else writes to these files */
	file += WRITERS * random_below(&writer->random, FILES / WRITERS);
	if (!writer->next[file] || random_below(&writer->random, 4))
		record = writer->next[file]++;
	else
		record = random_below(&writer->random, writer->next[file]);
	record = record * STRIDE % RECORDS;
	writer->version++;
	if (pwrite(files[file], &writer->version, sizeof(writer->version),
		   record * sizeof(writer->version)) != sizeof(writer->version))
		return -1;
	__atomic_store_n(&shared->written[file][record], writer->version, __ATOMIC_RELEASE);
	__atomic_add_fetch(&shared->writes, 1, __ATOMIC_RELAXED);
	return 0;
}

static void *write_records(void *data)
{
	struct writer writer = { .number = (uintptr_t)data };
	unsigned int count;

	random_begin(&writer.random, seed, 1 + writer.number);
	for (;;) {
		for (count = random_below(&writer.random, BURST) + 1; count; count--)
			if (write_record(&writer))
				return failed("write(2)");
		if (writer.number == 0 && random_below(&writer.random, 8) == 0 &&
		    sync_and_publish())
			return failed("syncfs(2)");
		pause_us(random_below(&writer.random, WRITE_PAUSE_US));
	}
}

static void *sync_often(void *data)
{
	struct random random;

	(void)data;
	random_begin(&random, seed, 1 + WRITERS);
	for (;;) {
		pause_us(random_below(&random, SYNC_PAUSE_US));
		if (sync_and_publish())
			return failed("syncfs(2)");
	}
}

static int start_thread(void *(*run)(void *data), uintptr_t number)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, run, (void *)number);
	if (errno)
		fprintf(stderr, "fxcrash: thread: %s\n", strerror(errno));
	return errno;
}

void crash_client(const struct crash_round *round, int ready)
{
	unsigned int i;
	char path[4096];

	shared = round->shared;
	seed = round->seed;
	for (i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/file%u", round->mountpoint, i);
		files[i] = open(path, O_RDWR | O_CLOEXEC);
		if (files[i] < 0) {
			fprintf(stderr, "fxcrash: %s: %s\n", path, strerror(errno));
			return;
		}
	}
	for (i = 0; i < WRITERS; i++)
		if (start_thread(write_records, i))
			return;
	if (start_thread(sync_often, 0))
		return;
	say_ready(ready);
	for (;;)
		pause();
}
