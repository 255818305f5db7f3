// SPDX-License-Identifier: GPL-2.0
/*
 * client-tools.c - fxclient's helpers, and the verbs that only pass something
 * on: to a server's control socket, to mount(2), to a toggle file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

int must_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0755);

	if (fd < 0) {
		fprintf(stderr, "fxclient: open %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

void must_write(int fd, const char *path, size_t size)
{
	char *data = malloc(size + 1);

	if (!data)
		exit(1);
	memset(data, 'w', size);
	if (write(fd, data, size) != (ssize_t)size) {
		fprintf(stderr, "fxclient: write %s: %s\n", path, strerror(errno));
		exit(1);
	}
	free(data);
}

int timed_close(int fd, uint64_t *us)
{
	uint64_t start = wire_now_ns();
	int error = close(fd) < 0 ? errno : 0;

	*us = (wire_now_ns() - start) / 1000;
	return error;
}

int64_t wait_limited(pid_t child, uint64_t limit_ms)
{
	struct timespec pause = { .tv_nsec = 2000000 };
	uint64_t start = wire_now_ns();
	uint64_t ms;

	for (;;) {
		pid_t ended = waitpid(child, NULL, WNOHANG);

		ms = (wire_now_ns() - start) / 1000000;
		if (ended == child)
			return ms;
		if (ended < 0 || ms > limit_ms)
			return -1;
		nanosleep(&pause, NULL);
	}
}

int client_control(int argc, char **argv)
{
	return wire_control(argv[0], argc - 1, argv + 1);
}

int client_remount(int argc, char **argv)
{
	int error = 0;

	(void)argc;
	if (mount("none", argv[0], "fuse", MS_REMOUNT | MS_NOSUID | MS_NODEV, argv[1]) < 0)
		error = errno;
	printf("remount=%s\n", wire_errno_name(error));
	return error != 0;
}

static int write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t length = strlen(word) + 1;
	char *line = malloc(length + 1);
	int error = 0;

	if (!line)
		exit(1);
	snprintf(line, length + 1, "%s\n", word);
	if (fd < 0) {
		printf("open-%s\n", wire_errno_name(errno));
		free(line);
		return 1;
	}
	if (write(fd, line, length) < 0 || close(fd) < 0)
		error = errno;
	printf("%s\n", wire_errno_name(error));
	free(line);
	return error != 0;
}

int client_write_word(int argc, char **argv)
{
	int failed = 0;
	int i;

	for (i = 0; i + 1 < argc; i += 2)
		failed |= write_word(argv[i], argv[i + 1]);
	return failed;
}

int client_now(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("%llu\n", (unsigned long long)wire_now_ns());
	return 0;
}

int client_true(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/*
 * A clock for shells: a byte into the FIFO every 10 ms, if the last one was
 * read; until the FIFO is removed.
 */
int client_tick(int argc, char **argv)
{
	int fd = open(argv[0], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct timespec pause = { .tv_nsec = 10000000 };
	struct stat st;
	int waiting;

	(void)argc;
	if (fd < 0) {
		fprintf(stderr, "fxclient: %s: %s\n", argv[0], strerror(errno));
		return 1;
	}
	while (fstat(fd, &st) == 0 && st.st_nlink > 0) {
		if (ioctl(fd, FIONREAD, &waiting) == 0 && waiting == 0 && write(fd, ".", 1) != 1)
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int client_poll(int argc, char **argv)
{
	struct pollfd attribute = { .events = POLLPRI, .fd = must_open(argv[0], O_RDONLY) };
	int times = atoi(argv[1]), limit = atoi(argv[2]), i;
	char value[64];

	(void)argc;
	/* sysfs tells of what changed since it was read */
	if (read(attribute.fd, value, sizeof(value)) < 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	for (i = 1; i <= times; i++) {
		if (poll(&attribute, 1, limit) <= 0)
			return 1;
		if (pread(attribute.fd, value, sizeof(value), 0) < 0)
			return 1;
		printf("woken %d\n", i);
		fflush(stdout);
	}
	close(attribute.fd);
	return 0;
}
