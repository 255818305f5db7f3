// SPDX-License-Identifier: GPL-2.0
/*
 * client-references.c - fxclient's verbs in which the last reference on an open
 * file isn't a descriptor of whoever closes it: it lies in a UNIX socket, or
 * belongs to an I/O in flight.  Raw system calls: no libaio, no liburing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

static void send_descriptor(int connection, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	memset(&control, 0, sizeof(control));
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(connection, &message, 0) != 1) {
		perror("fxclient: sendmsg");
		exit(1);
	}
}

static void print_since(const char *what, uint64_t start)
{
	printf("%s_us=%llu\n", what, (unsigned long long)(wire_now_ns() - start) / 1000);
}

/* statfs(2) makes the server take the descriptor, and drop it. */
int client_pass(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct statfs statfs_out;
	int fd = must_open(argv[0], O_RDONLY);
	int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t start;

	(void)argc;
	if (strlen(argv[1]) >= sizeof(address.sun_path))
		return 1;
	strcpy(address.sun_path, argv[1]);
	if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof(address))) {
		fprintf(stderr, "fxclient: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	send_descriptor(connection, fd);
	start = wire_now_ns();
	close(fd);
	print_since("close", start);
	start = wire_now_ns();
	if (statfs(argv[2], &statfs_out) < 0) {
		perror("fxclient: statfs");
		return 1;
	}
	print_since("statfs", start);
	return 0;
}

/* Get a descriptor, and close it when its sender has. */
static void close_last(int connection)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	uint64_t start;
	int fd;

	if (recvmsg(connection, &message, 0) != 1 || !CMSG_FIRSTHDR(&message) ||
	    read(connection, &byte, 1) != 1)
		_exit(1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	start = wire_now_ns();
	close(fd);
	print_since("last", start);
	fflush(stdout);
	_exit(0);
}

int client_pass_on(int argc, char **argv)
{
	int pair[2], status, fd;
	uint64_t start;
	pid_t child;

	(void)argc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		close_last(pair[1]);
	fd = must_open(argv[0], O_RDONLY);
	send_descriptor(pair[0], fd);
	start = wire_now_ns();
	close(fd);
	print_since("first", start);
	if (write(pair[0], "", 1) != 1)
		return 1;
	return waitpid(child, &status, 0) != child || status;
}

/* Whoever reads this line knows that the I/O is in flight. */
static void close_and_say(int fd)
{
	uint64_t start = wire_now_ns();

	close(fd);
	print_since("close", start);
}

static int aio_read(int fd, void *buffer)
{
	struct iocb read_iocb = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = fd,
		.aio_buf = (uintptr_t)buffer, .aio_nbytes = 4096,
	};
	struct iocb *list = &read_iocb;
	aio_context_t context = 0;
	struct io_event event;

	if (syscall(SYS_io_setup, 1, &context) < 0 ||
	    syscall(SYS_io_submit, context, 1, &list) != 1) {
		perror("fxclient: io_submit");
		exit(1);
	}
	close_and_say(fd);
	if (syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1) {
		perror("fxclient: io_getevents");
		exit(1);
	}
	return event.res;
}

/* The least of io_uring: one entry, one completion. */
static int uring_read(int fd, void *buffer)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	struct io_uring_sqe *entries;
	struct io_uring_cqe *done;
	char *submitted, *completed;

	if (ring < 0) {
		printf("uring=%s\n", wire_errno_name(errno));
		exit(0);
	}
	submitted = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(uint32_t),
			 PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	completed = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(*done),
			 PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	entries = mmap(NULL, params.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE,
		       MAP_SHARED, ring, IORING_OFF_SQES);
	if (submitted == MAP_FAILED || completed == MAP_FAILED || entries == MAP_FAILED) {
		perror("fxclient: mmap of io_uring");
		exit(1);
	}
	memset(entries, 0, sizeof(*entries));
	entries->opcode = IORING_OP_READ;
	entries->fd = fd;
	entries->addr = (uintptr_t)buffer;
	entries->len = 4096;
	((uint32_t *)(submitted + params.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(submitted + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0) != 1) {
		perror("fxclient: io_uring_enter");
		exit(1);
	}
	close_and_say(fd);
	while (!__atomic_load_n((uint32_t *)(completed + params.cq_off.tail), __ATOMIC_ACQUIRE))
		if (syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 &&
		    errno != EINTR) {
			perror("fxclient: io_uring_enter");
			exit(1);
		}
	done = (struct io_uring_cqe *)(completed + params.cq_off.cqes);
	return done->res;
}

int client_async_close(int argc, char **argv)
{
	int fd = must_open(argv[1], O_RDONLY | O_DIRECT);
	void *buffer = NULL;
	int result;

	(void)argc;
	if (posix_memalign(&buffer, 4096, 4096))
		return 1;
	if (strcmp(argv[0], "aio") == 0) {
		result = aio_read(fd, buffer);
	} else if (strcmp(argv[0], "uring") == 0) {
		result = uring_read(fd, buffer);
	} else {
		fprintf(stderr, "fxclient: %s: aio or uring\n", argv[0]);
		return 2;
	}
	printf("read=%d\n", result);
	return result != 4096;
}
