// SPDX-License-Identifier: GPL-2.0
/*
 * delayed.c - makes a FUSE server that uses libfuse slow, as if it were far away:
 * loaded by LD_PRELOAD, it waits before each answer, and counts requests.  For bench/,
 * where the server has to be an unchanged one.
 *
 * Environment: DELAYED_MS     milliseconds for each answer (0)
 *              DELAYED_TALLY  a file for the numbers: fxclient delayed-tally reads it
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "delayed.h"

static unsigned int *tally;
static struct timespec delay;
static ssize_t (*real_read)(int fd, void *buffer, size_t size);
static ssize_t (*real_writev)(int fd, const struct iovec *vector, int count);

static void open_tally(void)
{
	const char *path = getenv("DELAYED_TALLY");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return;
	if (ftruncate(fd, DELAYED_SIZE) < 0)
		abort();
	tally = mmap(NULL, DELAYED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (tally == MAP_FAILED)
		abort();
	close(fd);
}

static __attribute__((constructor)) void begin(void)
{
	const char *ms = getenv("DELAYED_MS");
	uint64_t ns = ms ? strtod(ms, NULL) * 1e6 : 0;

	delay.tv_sec = ns / 1000000000;
	delay.tv_nsec = ns % 1000000000;
	real_read = dlsym(RTLD_NEXT, "read");
	real_writev = dlsym(RTLD_NEXT, "writev");
	if (!real_read || !real_writev)
		abort();
	open_tally();
}

/*
 * libfuse reads a request from /dev/fuse, or spliced from a pipe: it is known by its
 * header.  One with data of more than a page isn't read, and not counted.
 */
ssize_t read(int fd, void *buffer, size_t size)
{
	ssize_t got = real_read(fd, buffer, size);
	const struct fuse_in_header *in = buffer;

	if (got >= (ssize_t)sizeof(*in) && in->len == (size_t)got && tally &&
	    in->opcode < DELAYED_OPCODES)
		__atomic_add_fetch(&tally[in->opcode], 1, __ATOMIC_RELAXED);
	return got;
}

ssize_t writev(int fd, const struct iovec *vector, int count)
{
	static __thread int exact;

	if (delay.tv_sec || delay.tv_nsec) {
		/* a delay of 0.2 ms is none of 0.25 */
		if (!exact++)
			prctl(PR_SET_TIMERSLACK, 1);
		nanosleep(&delay, NULL);
	}
	return real_writev(fd, vector, count);
}
