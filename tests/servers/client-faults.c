// SPDX-License-Identifier: GPL-2.0
/*
 * client-faults.c - fxclient's verb that lets the kernel fail one allocation
 * after the other in a system call (/proc/thread-self/fail-nth).  Only kernels
 * with FAULT_INJECTION have it; which allocations may fail is failslab's matter.
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

enum call { CALL_OPEN, CALL_CREATE, CALL_CLOSE, CALL_SYNCFS, CALLS };

static int fail_file;

static void fail_nth(unsigned int number)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", number);

	if (pwrite(fail_file, text, length, 0) != length) {
		fprintf(stderr, "fxclient: /proc/thread-self/fail-nth: %s\n", strerror(errno));
		exit(1);
	}
}

/* How many allocations are still to come until one fails; 0: it has failed. */
static unsigned long remaining(void)
{
	char text[16] = "";

	if (pread(fail_file, text, sizeof(text) - 1, 0) < 0) {
		perror("fxclient: /proc/thread-self/fail-nth");
		exit(1);
	}
	return strtoul(text, NULL, 10);
}

/* The call, with its @number-th allocation made to fail; 0 or errno. */
static int one_call(enum call call, const char *path, unsigned int number, int *failed)
{
	int fd = -1, error = 0, closed = call == CALL_CLOSE;
	char new_path[4096];

	snprintf(new_path, sizeof(new_path), "%s.%u", path, number);
	if (call == CALL_CLOSE || call == CALL_SYNCFS) {
		fd = must_open(path, O_RDWR);
		must_write(fd, path, 1);
	}
	fail_nth(number);
	switch (call) {
	case CALL_OPEN:
		fd = open(path, O_RDWR | O_CLOEXEC);
		error = fd < 0 ? errno : 0;
		break;
	case CALL_CREATE:
		fd = open(new_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		error = fd < 0 ? errno : 0;
		break;
	case CALL_CLOSE:
		error = close(fd) < 0 ? errno : 0;
		break;
	case CALL_SYNCFS:
		error = syncfs(fd) < 0 ? errno : 0;
		break;
	case CALLS:
		break;
	}
	*failed = !remaining();
	fail_nth(0);
	if (fd >= 0 && !closed)
		close(fd);
	return error;
}

int client_fail_nth(int argc, char **argv)
{
	static const char * const calls[] = { "open", "create", "close", "syncfs" };
	unsigned int limit = atoi(argv[2]), number, errors = 0;
	int last = 0, failed = 1, error = 0, call;

	(void)argc;
	for (call = 0; call < CALLS; call++)
		if (strcmp(calls[call], argv[0]) == 0)
			break;
	if (call == CALLS) {
		fprintf(stderr, "fxclient: %s is none of open, create, close, syncfs\n", argv[0]);
		return 2;
	}
	fail_file = must_open("/proc/thread-self/fail-nth", O_RDWR);
	for (number = 1; number <= limit; number++) {
		error = one_call(call, argv[1], number, &failed);
		if (!failed)
			break;
		if (error) {
			errors++;
			last = error;
		}
	}
	/* The last call had fewer allocations than that: it must have succeeded. */
	printf("calls=%u injected=%u errors=%u last=%s end=%s\n", number - failed, number - 1,
	       errors, wire_errno_name(last), wire_errno_name(failed ? ENOMEM : error));
	return 0;
}
