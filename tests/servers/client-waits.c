// SPDX-License-Identifier: GPL-2.0
/*
 * client-waits.c - fxclient's verbs about what happens to a process while it waits
 * for a server: memory that is used up, a storm of signals, and a file whose pages
 * are being written while nobody waits for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

static void until_told(void)
{
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigwait(&signals, &number);
}

/* For all threads that begin later, too. */
static void block_told(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

int client_keep(int argc, char **argv)
{
	int fd = must_open(argv[0], O_RDWR | O_CREAT);

	(void)argc;
	block_told();
	must_write(fd, argv[0], strtoul(argv[1], NULL, 10));
	if (sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) < 0) {
		perror("fxclient: sync_file_range");
		return 1;
	}
	printf("open\n");
	until_told();
	printf("close=%s\n", wire_errno_name(close(fd) < 0 ? errno : 0));
	return 0;
}

struct call {
	const char *what;
	const char *path;
};

static void *do_call(void *data)
{
	const struct call *call = data;
	int fd = must_open(call->path, O_RDWR);

	printf("begun\n");
	if (strcmp(call->what, "syncfs") == 0)
		syncfs(fd);
	close(fd);
	printf("returned\n");
	return NULL;
}

/* Page by page, so that the limit is met in a fault, not in mmap(2). */
static void eat(size_t bytes)
{
	char *food = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (food == MAP_FAILED) {
		perror("fxclient: mmap");
		exit(1);
	}
	for (i = 0; i < bytes; i += 4096)
		food[i] = 1;
}

int client_eat(int argc, char **argv)
{
	struct call call = { .what = argv[0], .path = argv[1] };
	pthread_t thread;

	(void)argc;
	block_told();
	errno = pthread_create(&thread, NULL, do_call, &call);
	if (errno) {
		perror("fxclient: thread");
		return 1;
	}
	until_told();
	eat(strtoul(argv[2], NULL, 10) << 20);
	printf("eaten\n");
	pthread_join(thread, NULL);
	return 0;
}

static int signals_seen;
static int probe_write = -1;

/* The third one of a probe lets a read(2) of the pipe return by itself. */
static void on_alarm(int number)
{
	int count = __atomic_add_fetch(&signals_seen, 1, __ATOMIC_RELAXED);
	int saved = errno;

	(void)number;
	if (probe_write >= 0 && count >= 3 && write(probe_write, "", 1) < 0)
		_exit(1);
	errno = saved;
}

static int signals_so_far(void)
{
	return __atomic_load_n(&signals_seen, __ATOMIC_RELAXED);
}

static void storm_begin(long us, int flags)
{
	struct itimerval timer = { .it_value.tv_usec = us, .it_interval.tv_usec = us };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };

	if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &timer, NULL) < 0) {
		perror("fxclient: timer");
		exit(1);
	}
}

/* What a call that signals do interrupt says; it needs the storm. */
static const char *probe(void)
{
	int ends[2], error;
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		exit(1);
	__atomic_store_n(&signals_seen, 0, __ATOMIC_RELAXED);
	probe_write = ends[1];
	error = read(ends[0], &byte, 1) < 0 ? errno : 0;
	probe_write = -1;
	close(ends[0]);
	close(ends[1]);
	return wire_errno_name(error);
}

enum step { STEP_OPEN, STEP_WRITE, STEP_SYNCFS, STEP_CLOSE, STEP_UMOUNT, STEPS };

static const char *const step_names[STEPS] = { "open", "write", "syncfs", "close", "umount" };

static int one_step(enum step step, const char *dir, const char *path, int flags, int *fd)
{
	switch (step) {
	case STEP_OPEN:
		*fd = open(path, O_RDWR | O_CLOEXEC | flags, 0644);
		return *fd;
	case STEP_WRITE:
		return write(*fd, path, 1) == 1 ? 0 : -1;
	case STEP_SYNCFS:
		return syncfs(*fd);
	case STEP_CLOSE:
		return close(*fd);
	case STEP_UMOUNT:
		return umount2(dir, 0);
	case STEPS:
		break;
	}
	return 0;
}

int client_storm(int argc, char **argv)
{
	const char *more = argc > 4 ? argv[4] : "";
	int rounds = atoi(argv[1]), creat = strcmp(more, "creat") ? 0 : O_CREAT, round, step;
	int errors[STEPS] = { 0 }, hit[STEPS] = { 0 }, last = 0, before, end, fd = -1;
	const char *probed;
	char path[4096];

	storm_begin(atol(argv[2]), strcmp(argv[3], "restart") ? 0 : SA_RESTART);
	probed = probe();
	for (round = 0; round < rounds; round++) {
		snprintf(path, sizeof(path), "%s%s%d", argv[0], creat ? "/storm" : "/file",
			 creat ? round : round % 10);
		end = round == rounds - 1 && strcmp(more, "umount") == 0 ? STEPS : STEP_UMOUNT;
		for (step = 0; step < end; step++) {
			before = signals_so_far();
			if (one_step(step, argv[0], path, creat, &fd) < 0) {
				errors[step]++;
				last = errno;
			}
			hit[step] += signals_so_far() != before;
		}
	}
	printf("probe=%s last=%s", probed, wire_errno_name(last));
	for (step = 0; step < STEPS; step++)
		printf(" %s_errors=%d %s_hit=%d", step_names[step], errors[step],
		       step_names[step], hit[step]);
	printf("\n");
	return 0;
}
