// SPDX-License-Identifier: GPL-2.0
/*
 * client-abort.c - a request that is ended twice: by an abort, and by the read(2) that
 * was copying it.  This process is the server, the only client, and who aborts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "client-faults.h"
#include "device.h"
#include "fxclient.h"
#include "wire.h"

#define SIZE	(FUSE_MIN_READ_BUFFER + 4096)

struct reader {
	int device;
	char *buffer;	/* where the next request goes */
	char *mapping;	/* of a file of this server */
	int error;
};

static char plain_buffer[SIZE];

/*
 * What comes after FLUSH, which is RELEASE, is read to where the kernel has to ask this
 * server for a page first, and nobody else reads what it asks.
 */
static void *serve(void *data)
{
	struct reader *reader = data;
	struct fuse_in_header *in;

	while (wire_read_request(reader->device, reader->buffer, SIZE) > 0) {
		in = (struct fuse_in_header *)reader->buffer;
		if (in->opcode == FUSE_FLUSH)
			reader->buffer = reader->mapping;
		fail_answer(reader->device, in);
	}
	reader->error = errno;
	return NULL;
}

/* How many requests wait by @control, or -1. */
static int waiting(const char *control)
{
	FILE *stream;
	char path[4352];
	int number;

	snprintf(path, sizeof(path), "%s/waiting", control);
	stream = fopen(path, "re");
	if (!stream)
		return -1;
	if (fscanf(stream, "%d", &number) != 1)
		number = -1;
	fclose(stream);
	return number;
}

/* 0: RELEASE and READ wait; what the client has sent before is answered. */
static int await_requests(const char *control)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int i;

	for (i = 0; i < 1000; i++) {
		if (waiting(control) == 2)
			return 0;
		nanosleep(&pause, NULL);
	}
	fprintf(stderr, "fxclient: %s/waiting isn't 2 after 10 s, but %d\n", control,
		waiting(control));
	return -1;
}

static void abort_connection(const char *control)
{
	char path[4352];
	int fd;

	snprintf(path, sizeof(path), "%s/abort", control);
	fd = must_open(path, O_WRONLY);
	must_write(fd, path, 1);
	close(fd);
}

/* DIR CONTROLS: mounts on DIR; CONTROLS is a control filesystem */
int client_abort_copy(int argc, char **argv)
{
	struct reader reader = { .buffer = plain_buffer };
	char path[4352], control[4096];
	pthread_t thread;
	int fd, failed;

	(void)argc;
	reader.device = device_open("fxclient");
	if (reader.device < 0 ||
	    device_mount("fxclient", reader.device, "fxclient", argv[0], "fuse", ""))
		return 1;
	snprintf(path, sizeof(path), "%s/file", argv[0]);
	snprintf(control, sizeof(control), "%s/%d", argv[1], device_connection(argv[0]));
	errno = pthread_create(&thread, NULL, serve, &reader);
	fd = errno ? -1 : open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		reader.mapping = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || reader.mapping == MAP_FAILED) {
		fprintf(stderr, "fxclient: %s: %s\n", path, strerror(errno));
		umount2(argv[0], MNT_DETACH);
		return 1;
	}
	close(open(path, O_RDONLY | O_CLOEXEC));
	failed = await_requests(control);
	abort_connection(control);
	pthread_join(thread, NULL);
	printf("read=%s\n", wire_errno_name(reader.error));
	munmap(reader.mapping, SIZE);
	close(fd);
	if (umount2(argv[0], 0) < 0) {
		fprintf(stderr, "fxclient: umount %s: %s\n", argv[0], strerror(errno));
		failed = -1;
	}
	close(reader.device);
	return failed ? 1 : 0;
}
