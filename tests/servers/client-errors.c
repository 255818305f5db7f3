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
