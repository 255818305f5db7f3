// SPDX-License-Identifier: GPL-2.0
/*
 * client-close.c - fxclient's verbs that close files and look what it costs
 * and what it leaves behind.  Errors that come late are in client-errors.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

int client_close(int argc, char **argv)
{
	int fd = must_open(argv[0], O_RDWR | O_CREAT);
	uint64_t us;
	int error;

	must_write(fd, argv[0], argc > 1 ? strtoul(argv[1], NULL, 0) : 1);
	error = timed_close(fd, &us);
	printf("close_us=%llu error=%s\n", (unsigned long long)us, wire_errno_name(error));
	return 0;
}

struct many {
	const char *directory;
	int first;
	int count;
	int errors;
	uint64_t longest_us;
};

static void *close_some(void *data)
{
	struct many *many = data;
	char path[4096];
	uint64_t us;
	int i, fd;

	for (i = many->first; i < many->first + many->count; i++) {
		snprintf(path, sizeof(path), "%s/many-%d", many->directory, i);
		fd = must_open(path, O_RDWR | O_CREAT);
		must_write(fd, path, 10);
		if (timed_close(fd, &us))
			many->errors++;
		if (us > many->longest_us)
			many->longest_us = us;
	}
	return NULL;
}

int client_close_many(int argc, char **argv)
{
	int files = atoi(argv[1]), threads = atoi(argv[2]), errors = 0, i;
	pthread_t *thread = calloc(threads, sizeof(*thread));
	struct many *many = calloc(threads, sizeof(*many));
	uint64_t longest_us = 0;

	(void)argc;
	if (!thread || !many)
		return 1;
	for (i = 0; i < threads; i++) {
		many[i].directory = argv[0];
		many[i].first = files / threads * i;
		many[i].count = files / threads;
		errno = pthread_create(&thread[i], NULL, close_some, &many[i]);
		if (errno) {
			perror("fxclient: thread");
			return 1;
		}
	}
	for (i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		errors += many[i].errors;
		if (many[i].longest_us > longest_us)
			longest_us = many[i].longest_us;
	}
	printf("closed=%d errors=%d longest_us=%llu\n", files / threads * threads, errors,
	       (unsigned long long)longest_us);
	return 0;
}

/* What is executed is a script whose interpreter is ourselves: a small file. */
int client_write_exec(int argc, char **argv)
{
	char path[4096], self[2048], text[2100];
	int keep_open = argc > 2 && strcmp(argv[2], "keep-open") == 0;
	int rounds = atoi(argv[1]), busy = 0, other = 0, round, fd, status, error;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *const arguments[] = { path, NULL };
	char *const environment[] = { NULL };
	pid_t child;

	if (length < 0)
		return 1;
	self[length] = '\0';
	snprintf(text, sizeof(text), "#!%s true\n", self);
	for (round = 0; round < rounds; round++) {
		snprintf(path, sizeof(path), "%s/program-%d", argv[0], round);
		fd = must_open(path, O_WRONLY | O_CREAT);
		if (write(fd, text, strlen(text)) < 0 || (!keep_open && close(fd) < 0)) {
			perror("fxclient: writing a program");
			return 1;
		}
		error = posix_spawn(&child, path, NULL, NULL, arguments, environment);
		if (error == ETXTBSY)
			busy++;
		else if (error || waitpid(child, &status, 0) != child || status)
			other++;
	}
	printf("rounds=%d etxtbsy=%d other=%d\n", rounds, busy, other);
	return 0;
}

static int io_round(const char *path, int round)
{
	char wrote[64], got[64] = "";
	int fd, length;

	length = snprintf(wrote, sizeof(wrote), "round %d of process %d", round, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno;
	if (write(fd, wrote, length) != length || close(fd) < 0)
		return errno ? errno : EIO;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (read(fd, got, sizeof(got)) != length || memcmp(wrote, got, length))
		return EIO;
	close(fd);
	return 0;
}

int client_io(int argc, char **argv)
{
	char path[4096];
	int rounds = 0, errors = 0, error, last = 0;
	int pause = argc > 2 ? atoi(argv[2]) : 5;

	snprintf(path, sizeof(path), "%s/io-%d", argv[0], getpid());
	do {
		error = io_round(path, rounds++);
		if (error) {
			errors++;
			last = error;
		}
		usleep(pause * 1000);
	} while (access(argv[1], F_OK) < 0);
	printf("rounds=%d errors=%d last=%s\n", rounds, errors, wire_errno_name(last));
	return 0;
}
