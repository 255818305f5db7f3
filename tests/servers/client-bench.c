// SPDX-License-Identifier: GPL-2.0
/*
 * client-bench.c - fxclient's verbs for the benchmarks in bench/: one thread
 * that makes the same few system calls many times, and nothing else in the
 * measured time.  They assert nothing of what comes back but that it worked.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

/* So few that it doesn't matter how the server finds a name in a directory. */
#define FILES_A_DIRECTORY	100

static void must_chdir(const char *path)
{
	if (chdir(path) < 0) {
		fprintf(stderr, "fxclient: chdir %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

static void tell(int operations, uint64_t start)
{
	printf("operations=%d ns=%llu\n", operations,
	       (unsigned long long)(wire_now_ns() - start));
}

/* Return: 0 or errno */
static int create_one(const char *path, const char *data, size_t size)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno;
	if (size && write(fd, data, size) != (ssize_t)size)
		return errno ? errno : EIO;
	return close(fd) < 0 ? errno : 0;
}

/* DIR FILES BYTES */
int client_bench_create(int argc, char **argv)
{
	int files = atoi(argv[1]), error, i;
	size_t size = strtoul(argv[2], NULL, 10);
	char *data = calloc(1, size + 1);
	char path[64];
	uint64_t start;

	(void)argc;
	if (!data)
		return 1;
	must_chdir(argv[0]);
	start = wire_now_ns();
	for (i = 0; i < files; i++) {
		snprintf(path, sizeof(path), "%d/file%d", i / FILES_A_DIRECTORY, i);
		error = create_one(path, data, size);
		if (error) {
			fprintf(stderr, "fxclient: %s in %s: %s\n", path, argv[0],
				strerror(error));
			return 1;
		}
	}
	tell(files, start);
	free(data);
	return 0;
}

/* DIR TIMES: each name once, since the kernel keeps what isn't there, too. */
int client_bench_lookup(int argc, char **argv)
{
	int times = atoi(argv[1]), i;
	uint64_t start;
	char path[64];

	(void)argc;
	must_chdir(argv[0]);
	start = wire_now_ns();
	for (i = 0; i < times; i++) {
		snprintf(path, sizeof(path), "missing%d", i);
		if (access(path, F_OK) == 0 || errno != ENOENT) {
			fprintf(stderr, "fxclient: %s in %s: %s\n", path, argv[0],
				errno == ENOENT ? "is there" : strerror(errno));
			return 1;
		}
	}
	tell(times, start);
	return 0;
}

#define MEGABYTE	(1 << 20)

struct bench {
	const char *path;	/* of a file that is there, 1 MiB long */
	int fd;
	char *buffer;
	int number;		/* of this operation */
};

static int op_getattr(struct bench *bench)
{
	struct stat stat;

	return fstat(bench->fd, &stat);
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

	snprintf(path, sizeof(path), "new%d", bench->number);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	return fd < 0 || close(fd) < 0 ? -1 : unlink(path);
}

/* The same page again: of the cache where there is one. */
static int op_read_page(struct bench *bench)
{
	return pread(bench->fd, bench->buffer, 4096, 0) == 4096 ? 0 : -1;
}

static int op_write_page(struct bench *bench)
{
	return pwrite(bench->fd, bench->buffer, 4096, 0) == 4096 ? 0 : -1;
}

static int op_read_megabyte(struct bench *bench)
{
	return pread(bench->fd, bench->buffer, MEGABYTE, 0) == MEGABYTE ? 0 : -1;
}

static int op_write_megabyte(struct bench *bench)
{
	return pwrite(bench->fd, bench->buffer, MEGABYTE, 0) == MEGABYTE ? 0 : -1;
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
	{ "open", op_open },
	{ "create", op_create },
	{ "read-page", op_read_page },
	{ "write-page", op_write_page },
	{ "read-megabyte", op_read_megabyte },
	{ "write-megabyte", op_write_megabyte },
	{ "list", op_list },
};

/* DIR OPERATION TIMES */
int client_bench_op(int argc, char **argv)
{
	struct bench bench = { .path = "bench", .buffer = calloc(1, MEGABYTE) };
	int times = atoi(argv[2]);
	uint64_t start;
	unsigned int i;

	(void)argc;
	must_chdir(argv[0]);
	for (i = 0; i < sizeof(bench_ops) / sizeof(bench_ops[0]); i++)
		if (strcmp(argv[1], bench_ops[i].name) == 0)
			break;
	if (i == sizeof(bench_ops) / sizeof(bench_ops[0])) {
		fprintf(stderr, "fxclient: bench-op has no operation '%s'\n", argv[1]);
		return 2;
	}
	bench.fd = open(bench.path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	if (!bench.buffer || bench.fd < 0 ||
	    pwrite(bench.fd, bench.buffer, MEGABYTE, 0) != MEGABYTE) {
		fprintf(stderr, "fxclient: %s in %s: %s\n", bench.path, argv[0], strerror(errno));
		return 1;
	}
	start = wire_now_ns();
	for (bench.number = 0; bench.number < times; bench.number++) {
		if (bench_ops[i].function(&bench) < 0) {
			fprintf(stderr, "fxclient: %s in %s: %s\n", argv[1], argv[0],
				strerror(errno));
			return 1;
		}
	}
	tell(times, start);
	free(bench.buffer);
	return 0;
}
