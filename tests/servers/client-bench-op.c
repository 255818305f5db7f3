// SPDX-License-Identifier: GPL-2.0
/*
 * client-bench-op.c - fxclient's verbs for the benchmarks in bench/ that repeat one
 * operation, by one thread or several, or beside many open files.  They assert
 * nothing of what comes back but that it worked.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

#define MEGABYTE	(1 << 20)
#define MOST_THREADS	64

struct bench {
	char path[32];		/* a file that is there */
	size_t size;		/* of it */
	int fd;
	char *buffer;
	int thread;
	int number;		/* of this operation */
	int times;
	int (*function)(struct bench *bench);
	int error;
};

static pthread_barrier_t bench_begins;

static int op_getattr(struct bench *bench)
{
	struct stat stat;

	return fstat(bench->fd, &stat);
}

static int op_lookup(struct bench *bench)
{
	return access(bench->path, F_OK);
}

static int op_open(struct bench *bench)
{
	int fd = open(bench->path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : close(fd);
}

static int op_create(struct bench *bench)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "new%d-%d", bench->thread, bench->number);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	return fd < 0 || close(fd) < 0 ? -1 : unlink(path);
}

static int op_read(struct bench *bench, size_t size)
{
	return pread(bench->fd, bench->buffer, size, 0) == (ssize_t)size ? 0 : -1;
}

static int op_write(struct bench *bench, size_t size)
{
	return pwrite(bench->fd, bench->buffer, size, 0) == (ssize_t)size ? 0 : -1;
}

/* The same page again: of the cache where there is one. */
static int op_read_page(struct bench *bench)
{
	return op_read(bench, 4096);
}

static int op_write_page(struct bench *bench)
{
	return op_write(bench, 4096);
}

static int op_read_megabyte(struct bench *bench)
{
	return op_read(bench, MEGABYTE);
}

static int op_write_megabyte(struct bench *bench)
{
	return op_write(bench, MEGABYTE);
}

/* Until it is stored, whatever the cache had. */
static int op_store_megabyte(struct bench *bench)
{
	return op_write(bench, MEGABYTE) < 0 ? -1 : fsync(bench->fd);
}

static int op_list(struct bench *bench)
{
	DIR *dir = opendir(".");

	(void)bench;
	if (!dir)
		return -1;
	while (readdir(dir))
		;
	return closedir(dir);
}

static const struct {
	const char *name;
	int (*function)(struct bench *bench);
} bench_ops[] = {
	{ "getattr", op_getattr },
	{ "lookup", op_lookup },
	{ "open", op_open },
	{ "create", op_create },
	{ "read-page", op_read_page },
	{ "write-page", op_write_page },
	{ "read-megabyte", op_read_megabyte },
	{ "write-megabyte", op_write_megabyte },
	{ "store-megabyte", op_store_megabyte },
	{ "list", op_list },
};

static int bench_open(struct bench *bench)
{
	snprintf(bench->path, sizeof(bench->path), "bench%d", bench->thread);
	bench->buffer = calloc(1, MEGABYTE);
	bench->fd = open(bench->path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	/* read, because what was written in parts of pages isn't all in the cache */
	if (!bench->buffer || bench->fd < 0 || op_write(bench, bench->size) < 0 ||
	    op_read(bench, bench->size) < 0)
		return errno ? errno : EIO;
	return 0;
}

static void *bench_run(void *argument)
{
	struct bench *bench = argument;

	pthread_barrier_wait(&bench_begins);
	for (; bench->number < bench->times && !bench->error; bench->number++)
		if (bench->function(bench) < 0)
			bench->error = errno ? errno : EIO;
	pthread_barrier_wait(&bench_begins);
	return NULL;
}

/* Return: 0, or what went wrong in one of the threads */
static int bench_all(struct bench *benches, int threads, int times)
{
	pthread_t thread[MOST_THREADS];
	int error = 0, i;
	uint64_t start;

	pthread_barrier_init(&bench_begins, NULL, threads + 1);
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, bench_run, &benches[i]))
			abort();
	start = wire_now_ns();
	pthread_barrier_wait(&bench_begins);
	pthread_barrier_wait(&bench_begins);
	bench_tell(times * threads, start);
	for (i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		if (benches[i].error)
			error = benches[i].error;
	}
	return error;
}

/* DIR OPERATION TIMES THREADS: each thread as often, on a file of its own */
int client_bench_op(int argc, char **argv)
{
	static struct bench benches[MOST_THREADS];
	int times = atoi(argv[2]), threads = atoi(argv[3]), error = 0, i;
	unsigned int op = 0;

	(void)argc;
	bench_chdir(argv[0]);
	while (op < sizeof(bench_ops) / sizeof(bench_ops[0]) &&
	       strcmp(argv[1], bench_ops[op].name))
		op++;
	if (op == sizeof(bench_ops) / sizeof(bench_ops[0]) || threads < 1 ||
	    threads > MOST_THREADS) {
		fprintf(stderr, "fxclient: bench-op has no operation '%s' by %d threads\n",
			argv[1], threads);
		return 2;
	}
	for (i = 0; i < threads && !error; i++) {
		benches[i].thread = i;
		benches[i].times = times;
		benches[i].size = strstr(argv[1], "megabyte") ? MEGABYTE : 65536;
		benches[i].function = bench_ops[op].function;
		error = bench_open(&benches[i]);
	}
	if (!error)
		error = bench_all(benches, threads, times);
	/* sixteen of a megabyte on each of fifty servers would be too much */
	for (i = 0; i < threads && !error; i++)
		if (benches[i].size == MEGABYTE && ftruncate(benches[i].fd, 0) < 0)
			error = errno;
	if (error) {
		fprintf(stderr, "fxclient: %s in %s: %s\n", argv[1], argv[0], strerror(error));
		return 1;
	}
	return 0;
}

/* Return: a descriptor of the file @number, which is made if need be; or -1 */
static int open_numbered(int number, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "%d", number);
	return open(path, O_RDWR | O_CLOEXEC | flags, 0644);
}

/*
 * DIR COUNT TIMES same|other [FIFO]: how long it takes to close a file beside COUNT
 * that are open, of it or of other files; with FIFO, until something is written there,
 * COUNT files stay open.
 */
int client_bench_among(int argc, char **argv)
{
	int count = atoi(argv[1]), times = atoi(argv[2]), same = !strcmp(argv[3], "same"), i, fd;
	struct rlimit files = { .rlim_cur = count + 64, .rlim_max = count + 64 };
	uint64_t start, before;
	char byte;

	bench_chdir(argv[0]);
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		goto fail;
	for (i = 0; i < count; i++)
		if (open_numbered(same ? 0 : i + 1, O_CREAT) < 0)
			goto fail;
	fd = open_numbered(0, O_CREAT);
	if (fd < 0 || close(fd) < 0)
		goto fail;
	start = wire_now_ns();
	for (i = 0; i < times; i++) {
		before = wire_now_ns();
		fd = open_numbered(0, 0);
		/* isn't in it */
		start += wire_now_ns() - before;
		if (fd < 0 || close(fd) < 0)
			goto fail;
	}
	bench_tell(times, start);
	if (argc > 4) {
		fd = open(argv[4], O_RDONLY);
		if (fd < 0 || read(fd, &byte, 1) < 0)
			goto fail;
	}
	return 0;
fail:
	fprintf(stderr, "fxclient: in %s: %s\n", argv[0], strerror(errno));
	return 1;
}

/*
 * SOCKET DIR: how long it takes to fail what is open of the file 0 in DIR, by a
 * notification of its test server, and until it can be opened again.
 */
int client_bench_inval(int argc, char **argv)
{
	char *warm[1] = { "tally" }, *inval[2] = { "inval", "0" };
	uint64_t start, told;

	(void)argc;
	bench_chdir(argv[1]);
	/* what is made the first time isn't measured */
	if (wire_control(argv[0], 1, warm))
		return 1;
	start = wire_now_ns();
	if (wire_control(argv[0], 2, inval))
		return 1;
	told = wire_now_ns() - start;
	/* waits until the pages are dropped, which isn't in the notification */
	if (open_numbered(0, 0) < 0) {
		fprintf(stderr, "fxclient: 0 in %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("told=%llu ", (unsigned long long)told);
	bench_tell(1, start);
	return 0;
}
