// SPDX-License-Identifier: GPL-2.0
/*
 * client-errors.c - fxclient's verbs about errors and deaths that come while
 * or after a file is closed.  The exit deadlock is in client-exit.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

static const char *result(int status)
{
	return wire_errno_name(status < 0 ? errno : 0);
}

/*
 * An error of the second descriptor's FLUSH has to reach the fsync of the
 * first, which was open all the time; and only once.
 */
int client_fsync_error(int argc, char **argv)
{
	int keeper = must_open(argv[0], O_RDWR | O_CREAT);
	int writer = must_open(argv[0], O_RDWR);

	must_write(writer, argv[0], 100);
	printf("close=%s ", result(close(writer)));
	fflush(stdout);
	usleep(1000 * (argc > 1 ? atoi(argv[1]) : 500));
	printf("fsync=%s ", result(fsync(keeper)));
	printf("again=%s ", result(fsync(keeper)));
	printf("last=%s\n", result(close(keeper)));
	return 0;
}

int client_killed_close(int argc, char **argv)
{
	int64_t ended;
	int ready[2];
	pid_t child;
	char byte;
	int fd;

	(void)argc;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0) {
		fd = must_open(argv[0], O_RDWR | O_CREAT);
		must_write(fd, argv[0], 1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		close(fd);
		pause();
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1)
		return 1;
	usleep(1000 * atoi(argv[1]));
	kill(child, SIGKILL);
	ended = wait_limited(child, atoi(argv[2]));
	if (ended < 0) {
		printf("stuck pid=%d\n", child);
		return 3;
	}
	printf("ended_ms=%lld\n", (long long)ended);
	return 0;
}

int client_hold_files(int argc, char **argv)
{
	int files = atoi(argv[1]), i;
	char path[4096];

	(void)argc;
	for (i = 0; i < files; i++) {
		snprintf(path, sizeof(path), "%s/held-%d", argv[0], i);
		must_write(must_open(path, O_RDWR | O_CREAT), path, 1);
	}
	printf("open\n");
	for (;;)
		pause();
}

int client_die(int argc, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pid_t child = fork();
	int64_t ended;
	int fd;

	if (child < 0)
		return 1;
	if (child == 0) {
		fd = must_open(argv[0], O_RDWR | O_CREAT);
		must_write(fd, argv[0], 1);
		if (argc > 1 && fcntl(fd, F_SETLK, &lock) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
		pause();
	}
	ended = wait_limited(child, 10000);
	if (ended < 0) {
		printf("stuck pid=%d\n", child);
		return 3;
	}
	printf("ended_ms=%lld\n", (long long)ended);
	return 0;
}
