// SPDX-License-Identifier: GPL-2.0
/*
 * client-bench.c - fxclient's verbs for the benchmarks in bench/ that do what
 * programs do, with many files: nothing else is in the measured time.  They assert
 * nothing of what comes back but that it worked.  Single operations are in
 * client-bench-op.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "delayed.h"
#include "fxclient.h"
#include "wire.h"

/* So few that it doesn't matter how the server finds a name in a directory. */
#define FILES_A_DIRECTORY	100

void bench_chdir(const char *path)
{
	if (chdir(path) < 0) {
		fprintf(stderr, "fxclient: chdir %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

void bench_tell(int operations, uint64_t start)
{
	printf("operations=%d ns=%llu\n", operations,
	       (unsigned long long)(wire_now_ns() - start));
}

/*
 * @argv:	DIR, how often, and the bytes of each
 * @one:	makes the one with this number; returns 0 or errno
 * @what:	that it is
 */
static int make_many(char **argv, const char *what,
		     int (*one)(int number, const char *data, size_t size))
{
	int times = atoi(argv[1]), error, i;
	size_t size = strtoul(argv[2], NULL, 10);
	char *data = calloc(1, size + 1);
	uint64_t start;

	if (!data)
		return 1;
	bench_chdir(argv[0]);
	start = wire_now_ns();
	for (i = 0; i < times; i++) {
		error = one(i, data, size);
		if (error) {
			fprintf(stderr, "fxclient: %s %d in %s: %s\n", what, i, argv[0],
				strerror(error));
			return 1;
		}
	}
	bench_tell(times, start);
	free(data);
	return 0;
}

static int create_one(int number, const char *data, size_t size)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%d/file%d", number / FILES_A_DIRECTORY, number);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno;
	if (size && write(fd, data, size) != (ssize_t)size)
		return errno ? errno : EIO;
	return close(fd) < 0 ? errno : 0;
}

/* DIR FILES BYTES */
int client_bench_create(int argc, char **argv)
{
	(void)argc;
	return make_many(argv, "file", create_one);
}

/* DIR TIMES: each name once, since the kernel keeps what isn't there, too. */
int client_bench_lookup(int argc, char **argv)
{
	int times = atoi(argv[1]), i;
	uint64_t start;
	char path[64];

	(void)argc;
	bench_chdir(argv[0]);
	start = wire_now_ns();
	for (i = 0; i < times; i++) {
		snprintf(path, sizeof(path), "missing%d", i);
		if (access(path, F_OK) == 0 || errno != ENOENT) {
			fprintf(stderr, "fxclient: %s in %s: %s\n", path, argv[0],
				errno == ENOENT ? "is there" : strerror(errno));
			return 1;
		}
	}
	bench_tell(times, start);
	return 0;
}

static int deliver(int number, const char *data, size_t size)
{
	char tmp[32], new[32];
	int fd;

	snprintf(tmp, sizeof(tmp), "tmp/%d", number);
	snprintf(new, sizeof(new), "new/%d", number);
	fd = open(tmp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	if (write(fd, data, size) != (ssize_t)size || fsync(fd) < 0 || close(fd) < 0 ||
	    rename(tmp, new) < 0)
		return errno ? errno : EIO;
	return 0;
}

/* DIR MAILS BYTES: as maildir(5) wants mail to be delivered; tmp and new are there. */
int client_bench_maildir(int argc, char **argv)
{
	(void)argc;
	return make_many(argv, "mail", deliver);
}

/* OPERATIONS COMMAND...: what it prints is thrown away. */
int client_bench_exec(int argc, char **argv)
{
	uint64_t start = wire_now_ns();
	pid_t pid = fork();
	int status, fd;

	(void)argc;
	if (pid < 0)
		return 1;
	if (!pid) {
		fd = open("/dev/null", O_WRONLY);
		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
			_exit(1);
		execvp(argv[1], &argv[1]);
		fprintf(stderr, "fxclient: %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "fxclient: %s failed\n", argv[1]);
		return 1;
	}
	bench_tell(atoi(argv[0]), start);
	return 0;
}

/* FILE: the requests that delayed.so has counted there, which then begins at 0 again. */
int client_delayed_tally(int argc, char **argv)
{
	int fd = open(argv[0], O_RDWR | O_CLOEXEC), opcode;
	const char *space = "";
	unsigned int *tally, count;

	(void)argc;
	tally = mmap(NULL, DELAYED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || tally == MAP_FAILED) {
		fprintf(stderr, "fxclient: %s: %s\n", argv[0], strerror(errno));
		return 1;
	}
	for (opcode = 0; opcode < DELAYED_OPCODES; opcode++) {
		count = __atomic_exchange_n(&tally[opcode], 0, __ATOMIC_RELAXED);
		if (!count)
			continue;
		printf("%s%s=%u", space, wire_opcode_name(opcode), count);
		space = " ";
	}
	putchar('\n');
	return 0;
}
