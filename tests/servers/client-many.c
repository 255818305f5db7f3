// SPDX-License-Identifier: GPL-2.0
/*
 * client-many.c - for the tests with many mounts: connections whose server never
 * says a word, and what a command takes of the machine.  Not for servers that
 * answer: those are programs of their own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "fxclient.h"
#include "wire.h"

static char *many_path(const char *dir, int number)
{
	char *path;

	if (asprintf(&path, "%s/%d", dir, number) < 0)
		exit(1);
	return path;
}

/* The descriptor; the mount doesn't wait for the answer to its INIT. */
static int mount_one(const char *path)
{
	int fd = must_open("/dev/fuse", O_RDWR);

	if ((mkdir(path, 0755) < 0 && errno != EEXIST) ||
	    device_try_mount(fd, "many", path, "fuse", "")) {
		fprintf(stderr, "fxclient: %s: %s\n", path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static int unmount_all(const char *dir, int count)
{
	int failed = 0;

	while (count--) {
		char *path = many_path(dir, count);

		failed |= umount2(path, MNT_DETACH) < 0 || rmdir(path) < 0;
		free(path);
	}
	return failed;
}

static int has_word(const char *file, const char *word)
{
	char text[64] = "";
	int fd = open(file, O_RDONLY);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, word) == 0;
}

/* Looks each millisecond: a look is cheap, and there is little time for it. */
int client_mount_applied(int argc, char **argv)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t limit = strtoull(argv[4], NULL, 10) * 1000000, begin, took;
	char file[512];
	int done;

	(void)argc;
	if (mount_one(argv[0]) < 0)
		return 1;
	begin = wire_now_ns();
	snprintf(file, sizeof(file), "%s/%d/%s", argv[1], device_connection(argv[0]), argv[2]);
	while (!(done = has_word(file, argv[3])) && wire_now_ns() - begin < limit)
		nanosleep(&pause, NULL);
	took = wire_now_ns() - begin;
	if (umount2(argv[0], MNT_DETACH) < 0 || rmdir(argv[0]) < 0)
		return 1;
	if (!done)
		return 3;
	printf("ms=%llu\n", (unsigned long long)((took + 500000) / 1000000));
	return 0;
}

int client_mount_many(int argc, char **argv)
{
	int count = atoi(argv[1]), failed = 0, mounted;
	struct timespec pause = { .tv_nsec = 50000000 };
	struct rlimit files = { .rlim_cur = count + 64, .rlim_max = count + 64 };

	(void)argc;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0) {
		perror("fxclient: setrlimit");
		return 1;
	}
	for (mounted = 0; mounted < count && !failed; mounted++) {
		char *path = many_path(argv[0], mounted);

		failed = mount_one(path) < 0;
		free(path);
	}
	mounted -= failed;
	if (!failed)
		printf("mounted=%d\n", mounted);
	while (!failed && access(argv[2], F_OK) < 0)
		nanosleep(&pause, NULL);
	return unmount_all(argv[0], mounted) || failed;
}

/* In the child. */
static void measured(const char *output, char **command)
{
	dup2(must_open(output, O_WRONLY | O_CREAT | O_TRUNC), STDOUT_FILENO);
	execvp(command[0], command);
	_exit(127);
}

static long cpu_us(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000L +
	       usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

/*
 * The CPU time of always the same work, about 100 million instructions.  An
 * emulated machine's CPU time has the host's other work in it, and so has this.
 */
static long work_us(void)
{
	struct rusage before, after;
	uint32_t hash = 2166136261U;
	uint32_t i;

	getrusage(RUSAGE_SELF, &before);
	for (i = 0; i < 16 << 20; i++)
		hash = (hash ^ (i & 0xff)) * 16777619U;
	/* it is to be worked out */
	__asm__ volatile("" : : "r" (hash));
	getrusage(RUSAGE_SELF, &after);
	return cpu_us(&after) - cpu_us(&before);
}

/* One run, and what it took; its exit status. */
static int measure_one(char **argv, struct rusage *usage)
{
	pid_t child = fork();
	int state;

	if (!child)
		measured(argv[0], argv + 2);
	if (child < 0 || wait4(child, &state, 0, usage) != child || !WIFEXITED(state))
		return 1;
	return WEXITSTATUS(state);
}

static void at_most(long *least, long value)
{
	if (*least < 0 || value < *least)
		*least = value;
}

int client_measure(int argc, char **argv)
{
	long least_work = -1, least = -1, most = 0;
	struct rusage usage;
	int i, status;

	(void)argc;
	for (i = 0; i < atoi(argv[1]); i++) {
		at_most(&least_work, work_us());
		status = measure_one(argv, &usage);
		if (status)
			return status;
		at_most(&least, cpu_us(&usage));
		if (usage.ru_maxrss > most)
			most = usage.ru_maxrss;
	}
	printf("cpu_us=%ld work_us=%ld maxrss_kb=%ld\n", least, least_work, most);
	return 0;
}
