// SPDX-License-Identifier: GPL-2.0
/*
 * client-faults-io.c - the calls of an application in which allocations are made to
 * fail: of a file, and of files of the control filesystem and of sysfs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-faults.h"
#include "fxclient.h"

#define PAGE	4096
#define LENGTH	64
/* What is in a file before a call that writes, and after it. */
#define BEFORE	'b'
#define AFTER	'a'

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static void open_it(struct fail_context *context)
{
	context->fd = must_open(context->path, O_RDWR);
}

static void close_it(struct fail_context *context, int error)
{
	(void)error;
	if (context->fd >= 0)
		close(context->fd);
	if (context->other >= 0)
		close(context->other);
}

static void put(int fd, off_t offset, char byte)
{
	char data[LENGTH];

	memset(data, byte, LENGTH);
	if (pwrite(fd, data, LENGTH, offset) != LENGTH) {
		perror("fxclient: pwrite");
		exit(1);
	}
}

/* To the server, and out of the page cache.  The first error may be an earlier call's. */
static void make_cold(int fd)
{
	if (fsync(fd) < 0 && fsync(fd) < 0) {
		perror("fxclient: fsync");
		exit(1);
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* As the server has it; of a call that failed, each byte may be as before. */
static void check(struct fail_context *context, int fd, off_t offset, int error)
{
	char data[LENGTH];
	int i;

	make_cold(fd);
	if (pread(fd, data, LENGTH, offset) != LENGTH) {
		context->wrong++;
		return;
	}
	for (i = 0; i < LENGTH; i++) {
		if (data[i] == AFTER || (error && data[i] == BEFORE))
			continue;
		context->wrong++;
		return;
	}
}

static void check_it(struct fail_context *context, int error)
{
	check(context, context->fd, 0, error);
	close_it(context, error);
}

static int run_open(struct fail_context *context)
{
	context->fd = open(context->path, O_RDWR | O_CLOEXEC);
	return error_of(context->fd);
}

static int run_create(struct fail_context *context)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.%u", context->path, context->number);
	context->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	return error_of(context->fd);
}

/* It is there, or can still be made. */
static void check_create(struct fail_context *context, int error)
{
	close_it(context, error);
	context->wrong += run_create(context) != 0;
	close_it(context, 0);
}

static void open_dirty(struct fail_context *context)
{
	open_it(context);
	must_write(context->fd, context->path, 1);
}

static int run_close(struct fail_context *context)
{
	int fd = context->fd;

	context->fd = -1;
	return error_of(close(fd));
}

/* The child's end closes the file; what that said, nobody hears. */
static int run_exit(struct fail_context *context)
{
	fail_nth(0);
	context->child = fork();
	if (context->child < 0)
		return errno;
	if (!context->child) {
		open_dirty(context);
		fail_nth(context->number);
		_exit(0);
	}
	return 0;
}

static int run_syncfs(struct fail_context *context)
{
	return error_of(syncfs(context->fd));
}

/* Its pages aren't in the page cache. */
static void open_cold(struct fail_context *context)
{
	open_it(context);
	put(context->fd, 0, BEFORE);
	make_cold(context->fd);
}

static int run_read(struct fail_context *context)
{
	char data[LENGTH];
	ssize_t length = pread(context->fd, data, LENGTH, 0);

	if (length < 0)
		return errno;
	context->wrong += length != LENGTH || data[0] != BEFORE || data[LENGTH - 1] != BEFORE;
	return 0;
}

static int run_write(struct fail_context *context)
{
	char data[LENGTH];

	memset(data, AFTER, LENGTH);
	return error_of(pwrite(context->fd, data, LENGTH, 0));
}

static void open_written(struct fail_context *context)
{
	open_cold(context);
	put(context->fd, 0, AFTER);
}

static int run_fsync(struct fail_context *context)
{
	return error_of(fsync(context->fd));
}

/* Of one page, to be two. */
static void open_page(struct fail_context *context)
{
	open_it(context);
	if (ftruncate(context->fd, PAGE) < 0) {
		perror("fxclient: ftruncate");
		exit(1);
	}
}

static int run_truncate(struct fail_context *context)
{
	return error_of(ftruncate(context->fd, 2 * PAGE));
}

static void check_size(struct fail_context *context, int error)
{
	off_t size = lseek(context->fd, 0, SEEK_END);

	context->wrong += size != 2 * PAGE && !(error && size == PAGE);
	close_it(context, error);
}

static int run_stat(struct fail_context *context)
{
	struct stat st;

	return error_of(fstat(context->fd, &st));
}

static int run_seek(struct fail_context *context)
{
	return error_of(lseek(context->fd, 0, SEEK_DATA));
}

static int run_allocate(struct fail_context *context)
{
	return error_of(fallocate(context->fd, 0, PAGE, PAGE));
}

static int run_advise(struct fail_context *context)
{
	return posix_fadvise(context->fd, 0, PAGE, POSIX_FADV_WILLNEED);
}

static int run_flock(struct fail_context *context)
{
	return error_of(flock(context->fd, LOCK_EX | LOCK_NB));
}

static int run_lock(struct fail_context *context)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return error_of(fcntl(context->fd, F_SETLK, &lock));
}

static int run_poll(struct fail_context *context)
{
	struct pollfd poll_in = { .fd = context->fd, .events = POLLIN };

	return error_of(poll(&poll_in, 1, 0));
}

/* One that the VFS leaves to the filesystem. */
static int run_ioctl(struct fail_context *context)
{
	return error_of(ioctl(context->fd, _IO('x', 1), 0));
}

static void open_two(struct fail_context *context)
{
	char path[4096];

	open_written(context);
	make_cold(context->fd);
	snprintf(path, sizeof(path), "%s.copy", context->path);
	context->other = must_open(path, O_RDWR | O_CREAT);
	put(context->other, 0, BEFORE);
	make_cold(context->other);
}

static int run_copy(struct fail_context *context)
{
	loff_t from = 0, to = 0;

	return error_of(copy_file_range(context->fd, &from, context->other, &to, LENGTH, 0));
}

static void check_copy(struct fail_context *context, int error)
{
	check(context, context->other, 0, error);
	check_it(context, 0);
}

static int pipe_ends[2];

static void open_pipe(struct fail_context *context)
{
	open_written(context);
	put(context->fd, LENGTH, BEFORE);
	make_cold(context->fd);
	if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		perror("fxclient: pipe");
		exit(1);
	}
}

static int run_splice(struct fail_context *context)
{
	int error;
	loff_t from = 0, to = LENGTH;

	error = error_of(splice(context->fd, &from, pipe_ends[1], NULL, LENGTH, 0));
	if (!error)
		error = error_of(splice(pipe_ends[0], NULL, context->fd, &to, LENGTH, 0));
	return error;
}

static void check_splice(struct fail_context *context, int error)
{
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	check(context, context->fd, LENGTH, error);
	check_it(context, 0);
}

static sigjmp_buf bus_error;

static void on_bus_error(int number)
{
	(void)number;
	siglongjmp(bus_error, 1);
}

/* A read fault, a write fault, and what was written stored; SIGBUS is EFAULT here. */
static int use_map(char *map)
{
	if (sigsetjmp(bus_error, 1))
		return EFAULT;
	memset(map, map[0] == BEFORE ? AFTER : '?', LENGTH);
	return error_of(msync(map, PAGE, MS_SYNC));
}

static int run_map(struct fail_context *context)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, context->fd, 0);
	int error;

	if (map == MAP_FAILED)
		return errno;
	signal(SIGBUS, on_bus_error);
	error = use_map(map);
	munmap(map, PAGE);
	return error;
}

/* A file of the control filesystem, of sysfs or of /proc, as programs use it. */
static int run_show(struct fail_context *context)
{
	char text[4096];
	ssize_t length;

	context->fd = open(context->path, O_RDONLY | O_CLOEXEC);
	if (context->fd < 0)
		return errno;
	do {
		length = read(context->fd, text, sizeof(text));
	} while (length > 0);
	return error_of(length);
}

static int run_word(struct fail_context *context)
{
	const char *word = context->arguments[0];

	context->fd = open(context->path, O_WRONLY | O_CLOEXEC);
	if (context->fd < 0)
		return errno;
	return error_of(write(context->fd, word, strlen(word)));
}

static int run_wait_for_change(struct fail_context *context)
{
	struct pollfd change = { .events = POLLPRI };
	char text[64];

	context->fd = open(context->path, O_RDONLY | O_CLOEXEC);
	if (context->fd < 0)
		return errno;
	if (read(context->fd, text, sizeof(text)) < 0)
		return errno;
	change.fd = context->fd;
	return error_of(poll(&change, 1, 0));
}

static int run_list(struct fail_context *context)
{
	DIR *directory = opendir(context->path);
	int error;

	if (!directory)
		return errno;
	errno = 0;
	while (readdir(directory))
		;
	error = errno;
	closedir(directory);
	return error;
}

static int run_control(struct fail_context *context)
{
	return error_of(mount("none", context->path, "fusectl", 0, NULL));
}

static void unmount_it(struct fail_context *context, int error)
{
	if (!error && umount2(context->path, 0) < 0)
		context->wrong++;
}

const struct fail_call fail_io_calls[] = {
	{ "open", 0, NULL, run_open, close_it },
	{ "create", 0, NULL, run_create, check_create },
	{ "close", 0, open_dirty, run_close, close_it },
	{ "exit", 0, NULL, run_exit, NULL },
	{ "syncfs", 0, open_dirty, run_syncfs, close_it },
	{ "read", 0, open_cold, run_read, close_it },
	{ "write", 0, open_cold, run_write, check_it },
	{ "fsync", 0, open_written, run_fsync, check_it },
	{ "truncate", 0, open_page, run_truncate, check_size },
	{ "stat", 0, open_it, run_stat, close_it },
	{ "seek", 0, open_it, run_seek, close_it },
	{ "allocate", 0, open_page, run_allocate, check_size },
	{ "advise", 0, open_cold, run_advise, close_it },
	{ "flock", 0, open_it, run_flock, close_it },
	{ "lock", 0, open_it, run_lock, close_it },
	{ "poll", 0, open_it, run_poll, close_it },
	{ "ioctl", 0, open_it, run_ioctl, close_it },
	{ "copy", 0, open_two, run_copy, check_copy },
	{ "splice", 0, open_pipe, run_splice, check_splice },
	{ "map", 0, open_cold, run_map, check_it },
	{ "show", 0, NULL, run_show, close_it },
	{ "word", 1, NULL, run_word, close_it },
	{ "change", 0, NULL, run_wait_for_change, close_it },
	{ "list", 0, NULL, run_list, NULL },
	{ "control", 0, NULL, run_control, unmount_it },
	{ NULL, 0, NULL, NULL, NULL },
};
