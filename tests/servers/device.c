// SPDX-License-Identifier: GPL-2.0
/*
 * device.c - the system calls on /dev/fuse that every server without libfuse
 * makes, and their messages.  For the test servers; it reads no requests: see
 * wire.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <unistd.h>

#include "device.h"

int device_open(const char *name)
{
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (device < 0)
		fprintf(stderr, "%s: /dev/fuse: %s\n", name, strerror(errno));
	return device;
}

int device_try_mount(int device, const char *source, const char *path, const char *type,
		     const char *data)
{
	char options[512];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s%s",
		 device, getuid(), getgid(), *data ? "," : "", data);
	return mount(source, path, type, MS_NOSUID | MS_NODEV, options) < 0 ? -1 : 0;
}

int device_mount(const char *name, int device, const char *source, const char *path,
		 const char *type, const char *data)
{
	if (!device_try_mount(device, source, path, type, data))
		return 0;
	fprintf(stderr, "%s: mount %s of type %s with device %d and '%s': %s\n", name, path, type,
		device, data, strerror(errno));
	return -1;
}

int device_reply(int device, const struct fuse_in_header *in, int error, const void *data,
		 size_t size)
{
	struct fuse_out_header out = { .unique = in->unique, .error = -error };
	struct iovec parts[2] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = (void *)data, .iov_len = error ? 0 : size },
	};

	out.len = parts[0].iov_len + parts[1].iov_len;
	return writev(device, parts, 2) < 0 ? errno : 0;
}

int device_connection(const char *path)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], where[1024];
	int major, minor, found = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d %*d %d:%d %*s %1023s", &major, &minor, where) == 3 &&
		    strcmp(where, path) == 0)
			found = major << 20 | minor;
	fclose(file);
	return found;
}
