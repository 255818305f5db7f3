// SPDX-License-Identifier: GPL-2.0
/*
 * client-locks.c - fxclient's lock: what close(2) does to a lock.  Only
 * whether another process can have the lock the moment after.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

static int take(int fd, int posix)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int status = posix ? fcntl(fd, F_SETLK, &lock) : flock(fd, LOCK_EX | LOCK_NB);

	return status < 0 ? errno : 0;
}

int client_lock(int argc, char **argv)
{
	int posix = strcmp(argv[0], "posix") == 0;
	int go[2], fd, locked, error, status;
	uint64_t us;
	pid_t other;
	char byte;

	(void)argc;
	if (pipe2(go, O_CLOEXEC) < 0)
		return 1;
	/* there before the close, so that it tries without delay */
	other = fork();
	if (other < 0)
		return 1;
	if (other == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) != 1)
			_exit(255);
		fd = must_open(argv[1], O_RDWR);
		_exit(take(fd, posix));
	}
	fd = must_open(argv[1], O_RDWR | O_CREAT);
	must_write(fd, argv[1], 1);
	locked = take(fd, posix);
	error = timed_close(fd, &us);
	if (write(go[1], "", 1) != 1 || waitpid(other, &status, 0) != other)
		return 1;
	printf("lock=%s close_us=%llu error=%s relock=%s\n", wire_errno_name(locked),
	       (unsigned long long)us, wire_errno_name(error),
	       wire_errno_name(WEXITSTATUS(status)));
	return 0;
}
