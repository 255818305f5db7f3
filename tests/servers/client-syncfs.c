// SPDX-License-Identifier: GPL-2.0
/*
 * client-syncfs.c - fxclient's verbs about syncfs(2).  The file stays open, so
 * that it isn't close(2) that writes its dirty pages.
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

int client_syncfs(int argc, char **argv)
{
	size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int fd = must_open(argv[0], O_RDWR | O_CREAT);
	uint64_t start;
	uint64_t end;
	int error;

	if (bytes)
		must_write(fd, argv[0], bytes);
	start = wire_now_ns();
	error = syncfs(fd) < 0 ? errno : 0;
	end = wire_now_ns();
	printf("syncfs_us=%llu error=%s start=%llu end=%llu\n",
	       (unsigned long long)(end - start) / 1000, wire_errno_name(error),
	       (unsigned long long)start, (unsigned long long)end);
	fflush(stdout);
	/* Not more than needed: to exit closes the file, which may take long. */
	close(STDOUT_FILENO);
	return 0;
}

int client_dirty(int argc, char **argv)
{
	int seconds = atoi(argv[1]);
	int fd = must_open(argv[0], O_RDWR | O_CREAT);
	uint64_t end = wire_now_ns() + (uint64_t)seconds * 1000000000;
	unsigned long writes = 0;

	(void)argc;
	while (wire_now_ns() < end) {
		if (pwrite(fd, "dirty", 5, (off_t)(writes % 256) * 4096) != 5) {
			fprintf(stderr, "fxclient: %s: %s\n", argv[0], strerror(errno));
			return 1;
		}
		writes++;
		if (writes % 16 == 0)
			usleep(1000);
	}
	printf("writes=%lu\n", writes);
	return 0;
}
