// SPDX-License-Identifier: GPL-2.0
/*
 * lib-kernel.c - the kernel's end of a socket that takes the place of /dev/fuse.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib-kernel.h"

int device;

static uint64_t last_unique;

void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	_exit(1);
}

void is_equal(const char *what, long long got, long long expected)
{
	if (got != expected)
		fail("%s: %lld (0x%llx), expected %lld (0x%llx)", what, got, got, expected,
		     expected);
}

int kernel_open(void)
{
	const struct timeval patience = { .tv_sec = 20 };
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		fail("socketpair: %s", strerror(errno));
	device = fds[0];
	setsockopt(device, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fds[1];
}

uint64_t ask(uint32_t opcode, uint64_t node, const void *body, size_t size,
	     const char *name, size_t extra)
{
	size_t name_size = name ? strlen(name) + 1 : 0;
	struct fuse_in_header header = {
		.len = sizeof(header) + size + name_size + extra, .opcode = opcode,
		.unique = last_unique += 2, .nodeid = node, .uid = 101, .gid = 102, .pid = 103,
	};
	char *request = malloc(header.len);

	if (!request)
		fail("no memory");
	memcpy(request, &header, sizeof(header));
	if (size)
		memcpy(request + sizeof(header), body, size);
	if (name)
		memcpy(request + sizeof(header) + size, name, name_size);
	memset(request + header.len - extra, 0xa5, extra);
	if (send(device, request, header.len, MSG_NOSIGNAL) != (ssize_t)header.len)
		fail("sending a request: %s", strerror(errno));
	free(request);
	return header.unique;
}

size_t get(struct reply *reply)
{
	ssize_t got;

	memset(reply, 0xee, sizeof(*reply));
	got = recv(device, reply, sizeof(*reply), 0);
	if (got < (ssize_t)sizeof(reply->header))
		fail("no reply: %s", got < 0 ? strerror(errno) : "short");
	IS(reply->header.len, got);
	return got;
}
