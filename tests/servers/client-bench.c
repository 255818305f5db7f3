// SPDX-License-Identifier: GPL-2.0
/*
 * client-bench.c - fxclient's verbs for the benchmarks in bench/: one thread
 * that makes the same few system calls many times, and nothing else in the
 * measured time.  They assert nothing of what comes back but that it worked.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
