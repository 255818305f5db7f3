// SPDX-License-Identifier: GPL-2.0
/*
 * block.c - the block device that a mount of type fuseblk needs: a loop device on
 * memory.  It goes when nobody has it open or mounted any more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fxfuzz.h"

#define BLOCK_SIZE	(1 << 20)

static int configure(int control, int memory, char *path, size_t size)
{
	const struct loop_config config = {
		.fd = memory, .info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int number = ioctl(control, LOOP_CTL_GET_FREE);
	int device = -1;

	if (number >= 0) {
		snprintf(path, size, "/dev/loop%d", number);
		device = open(path, O_RDWR | O_CLOEXEC);
	}
	if (device >= 0 && ioctl(device, LOOP_CONFIGURE, &config) < 0) {
		close(device);
		device = -1;
	}
	return device;
}

int block_open(char *path, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int memory = memfd_create(NAME, MFD_CLOEXEC);
	int device = -1, tries;

	/* another job may have taken the same one meanwhile */
	if (control >= 0 && memory >= 0 && ftruncate(memory, BLOCK_SIZE) == 0)
		for (tries = 0; tries < JOBS_MAX && device < 0; tries++)
			device = configure(control, memory, path, size);
	close(control);
	close(memory);
	return device;
}

bool block_is_free(const char *path, unsigned int seconds)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	time_t end = time(NULL) + seconds;
	int device;

	while ((device = open(path, O_RDONLY | O_EXCL | O_CLOEXEC)) < 0 && time(NULL) < end)
		nanosleep(&pause, NULL);
	if (device >= 0)
		close(device);
	return device >= 0;
}
