// SPDX-License-Identifier: GPL-2.0
/*
 * client-mount.c - fxclient's mount-again: mount(2) with the device of a server that is
 * mounted already.  Only whether that comes back.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "fxclient.h"
#include "wire.h"

/* The number of the descriptor that the process at @path has of /dev/fuse, or -1. */
static int device_of(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char target[64];
	ssize_t length;
	int found = -1;

	while (directory && found < 0 && (entry = readdir(directory))) {
		length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target));
		if (length == 9 && memcmp(target, "/dev/fuse", 9) == 0)
			found = atoi(entry->d_name);
	}
	if (directory)
		closedir(directory);
	return found;
}

/* Opening the link in /proc would be another device. */
static int get_device(pid_t pid)
{
	char path[64];
	int number, process, device;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	number = device_of(path);
	process = syscall(__NR_pidfd_open, pid, 0);
	device = syscall(__NR_pidfd_getfd, process, number, 0);
	if (device < 0) {
		fprintf(stderr, "fxclient: descriptor %d of %d: %s\n", number, pid,
			strerror(errno));
		exit(1);
	}
	close(process);
	return device;
}

int client_mount_again(int argc, char **argv)
{
	int status = device_try_mount(get_device(atoi(argv[0])), "again", argv[1], "fuse", "");

	(void)argc;
	printf("mount=%s\n", wire_errno_name(status < 0 ? errno : 0));
	return 0;
}
