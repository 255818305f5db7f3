// SPDX-License-Identifier: GPL-2.0
/*
 * client-inval.c - fxclient's inval-calls: each call that a file has, before and
 * after its server sent a command, perhaps one that makes all its open files fail.
 * A line for each group of calls, a word for each call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

#define PAGE		4096
#define FILE_SIZE	(16 * PAGE)
/* no command of any filesystem: it is passed on as it is */
#define STRANGE_IOCTL	_IO('f', 250)

struct call {
	const char *name;
	int (*run)(void);
};

enum mapped { SHARED_READ, SHARED_UNTOUCHED, SHARED_WRITTEN, PRIVATE_READ, PRIVATE_WRITTEN, MAPS };

/* @file is the one that fails; @twin a duplicate, @direct another open file of it. */
static struct {
	const char *path;
	int file;
	int twin;
	int direct;
	int other;
	int null;
	int pipe[2];
	int later;
	char *maps[MAPS];
	char *other_map;
	char *buffer;
} has;

static sigjmp_buf from_sigbus;

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static int do_read(void)
{
	lseek(has.file, 0, SEEK_SET);
	return error_of(read(has.file, has.buffer, 16));
}

static int do_read_nothing(void)
{
	return error_of(read(has.file, has.buffer, 0));
}

static int do_pread_far(void)
{
	return error_of(pread(has.file, has.buffer, 16, FILE_SIZE - PAGE));
}

static int do_write(void)
{
	lseek(has.file, 0, SEEK_SET);
	return error_of(write(has.file, has.buffer, 16));
}

static int do_pwrite_far(void)
{
	return error_of(pwrite(has.file, has.buffer, 16, FILE_SIZE - PAGE));
}

static int do_twin_read(void)
{
	return error_of(pread(has.twin, has.buffer, 16, 0));
}

static int do_direct_read(void)
{
	return error_of(pread(has.direct, has.buffer, PAGE, 0));
}

static int do_direct_write(void)
{
	return error_of(pwrite(has.direct, has.buffer, PAGE, FILE_SIZE - PAGE));
}

static int do_aio_read(void)
{
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = has.file,
		.aio_buf = (uintptr_t)has.buffer, .aio_nbytes = 16,
	};
	struct iocb *list = &iocb;
	aio_context_t context = 0;
	struct io_event event;
	long result;

	if (syscall(SYS_io_setup, 1, &context) < 0)
		return errno;
	result = syscall(SYS_io_submit, context, 1, &list);
	if (result == 1) {
		syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
		errno = -event.res;
		result = event.res;
	}
	syscall(SYS_io_destroy, context);
	return error_of(result);
}

static int do_fsync(void)
{
	return error_of(fsync(has.file));
}

static int do_fdatasync(void)
{
	return error_of(fdatasync(has.file));
}

static int do_ftruncate(void)
{
	return error_of(ftruncate(has.file, FILE_SIZE));
}

static int do_fallocate(void)
{
	return error_of(fallocate(has.file, 0, 0, FILE_SIZE));
}

static int do_seek_data(void)
{
	return error_of(lseek(has.file, PAGE, SEEK_DATA));
}

static int do_seek_hole(void)
{
	return error_of(lseek(has.file, PAGE, SEEK_HOLE));
}

static int do_seek_end(void)
{
	return error_of(lseek(has.file, 0, SEEK_END));
}

/* By number: older C libraries copy by read and write where the kernel says no. */
static int copy(int from, int to)
{
	off_t from_offset = 0, to_offset = PAGE;

	return error_of(syscall(SYS_copy_file_range, from, &from_offset, to, &to_offset, 16, 0));
}

static int do_copy_from(void)
{
	return copy(has.file, has.other);
}

static int do_copy_to(void)
{
	return copy(has.other, has.file);
}

static void empty_pipe(void)
{
	while (read(has.pipe[0], has.buffer, PAGE) > 0)
		;
}

static int do_splice_from(void)
{
	off_t offset = 0;
	int error = error_of(splice(has.file, &offset, has.pipe[1], NULL, 16, 0));

	empty_pipe();
	return error;
}

static int do_splice_to(void)
{
	off_t offset = 0;
	int error;

	if (write(has.pipe[1], has.buffer, 16) != 16)
		return errno;
	error = error_of(splice(has.pipe[0], NULL, has.file, &offset, 16, 0));
	empty_pipe();
	return error;
}

static int do_sendfile(void)
{
	off_t offset = 0;

	return error_of(sendfile(has.null, has.file, &offset, 16));
}

static int do_readahead(void)
{
	return error_of(readahead(has.file, 8 * PAGE, PAGE));
}

static int map_and_unmap(int flags)
{
	void *map = mmap(NULL, PAGE, PROT_READ, flags, has.file, 0);

	if (map == MAP_FAILED)
		return errno;
	return error_of(munmap(map, PAGE));
}

static int do_mmap_shared(void)
{
	return map_and_unmap(MAP_SHARED);
}

static int do_mmap_private(void)
{
	return map_and_unmap(MAP_PRIVATE);
}

static int do_ioctl(void)
{
	return error_of(ioctl(has.file, STRANGE_IOCTL));
}

static int do_flock(void)
{
	return error_of(flock(has.file, LOCK_EX | LOCK_NB));
}

static int lock(int command, off_t start)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = start, .l_len = 1 };

	return error_of(fcntl(has.file, command, &lock));
}

static int do_posix_lock(void)
{
	return lock(F_SETLK, 0);
}

static int do_ofd_lock(void)
{
	return lock(F_OFD_SETLK, 1);
}

static int do_getlk(void)
{
	return lock(F_GETLK, 2);
}

static const struct call calls[] = {
	{ "read", do_read },
	{ "read_nothing", do_read_nothing },
	{ "pread_far", do_pread_far },
	{ "twin_read", do_twin_read },
	{ "direct_read", do_direct_read },
	{ "aio_read", do_aio_read },
	{ "readahead", do_readahead },
	{ "splice_from", do_splice_from },
	{ "sendfile", do_sendfile },
	{ "copy_from", do_copy_from },
	{ "write", do_write },
	{ "pwrite_far", do_pwrite_far },
	{ "direct_write", do_direct_write },
	{ "splice_to", do_splice_to },
	{ "copy_to", do_copy_to },
	{ "fsync", do_fsync },
	{ "fdatasync", do_fdatasync },
	{ "ftruncate", do_ftruncate },
	{ "fallocate", do_fallocate },
	{ "seek_data", do_seek_data },
	{ "seek_hole", do_seek_hole },
	{ "seek_end", do_seek_end },
	{ "mmap_shared", do_mmap_shared },
	{ "mmap_private", do_mmap_private },
	{ "ioctl", do_ioctl },
	{ "flock", do_flock },
	{ "posix_lock", do_posix_lock },
	{ "ofd_lock", do_ofd_lock },
	{ "getlk", do_getlk },
};

static int do_fstat(void)
{
	struct stat st;

	return error_of(fstat(has.file, &st));
}

static int do_fstatfs(void)
{
	struct statfs st;

	return error_of(fstatfs(has.file, &st));
}

static int do_fchmod(void)
{
	return error_of(fchmod(has.file, 0600));
}

static int do_dup(void)
{
	int fd = dup(has.file);

	return fd < 0 ? errno : 0;
}

static int do_stat(void)
{
	struct stat st;

	return error_of(stat(has.path, &st));
}

/* It waits until nothing is mapped or cached any more. */
static int do_open(void)
{
	has.later = open(has.path, O_RDWR | O_CLOEXEC);
	return error_of(has.later);
}

static int do_open_proc(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", has.file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (pread(fd, has.buffer, 16, 0) < 0)
		return errno;
	return error_of(close(fd));
}

static int do_later_read(void)
{
	return error_of(pread(has.later, has.buffer, 16, 0));
}

static int do_later_write(void)
{
	return error_of(pwrite(has.later, has.buffer, 16, 0));
}

static int do_later_fsync(void)
{
	return error_of(fsync(has.later));
}

static int do_later_truncate(void)
{
	return error_of(ftruncate(has.later, FILE_SIZE));
}

static int do_truncate(void)
{
	return error_of(truncate(has.path, FILE_SIZE));
}

static void take_sigbus(int number)
{
	siglongjmp(from_sigbus, number);
}

/* 0, or SIGBUS */
static int touch(char *map, int is_write)
{
	int caught = sigsetjmp(from_sigbus, 1);

	if (caught)
		return caught;
	if (is_write)
		__atomic_store_n(map, 't', __ATOMIC_RELAXED);
	else
		has.buffer[0] = __atomic_load_n(map, __ATOMIC_RELAXED);
	return 0;
}

static int do_later_map(void)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, has.later, 0);

	if (map == MAP_FAILED)
		return errno;
	if (touch(map, 0) || touch(map, 1))
		return EFAULT;
	return error_of(munmap(map, PAGE));
}

static int do_other_read(void)
{
	return error_of(pread(has.other, has.buffer, 16, 0));
}

static int do_other_write(void)
{
	return error_of(pwrite(has.other, has.buffer, 16, 0));
}

static int do_other_map(void)
{
	return touch(has.other_map, 0) || touch(has.other_map, 1) ? EFAULT : 0;
}

static const struct call others[] = {
	{ "fstat", do_fstat },
	{ "fstatfs", do_fstatfs },
	{ "fchmod", do_fchmod },
	{ "dup", do_dup },
	{ "stat", do_stat },
	{ "open", do_open },
	{ "later_read", do_later_read },
	{ "later_write", do_later_write },
	{ "later_fsync", do_later_fsync },
	{ "later_truncate", do_later_truncate },
	{ "later_map", do_later_map },
	{ "truncate", do_truncate },
	{ "open_proc", do_open_proc },
	{ "other_read", do_other_read },
	{ "other_write", do_other_write },
	{ "other_map", do_other_map },
};

static void run(const char *title, const struct call *list, size_t count)
{
	size_t i;

	printf("%s", title);
	for (i = 0; i < count; i++)
		printf(" %s=%s", list[i].name, wire_errno_name(list[i].run()));
	printf("\n");
}

static void print_touch(const char *name, enum mapped map, int is_write)
{
	printf(" %s=%s", name, touch(has.maps[map], is_write) ? "SIGBUS" : "OK");
}

static void touch_all(void)
{
	printf("maps");
	print_touch("shared_read", SHARED_READ, 0);
	print_touch("shared_untouched", SHARED_UNTOUCHED, 0);
	print_touch("shared_written", SHARED_WRITTEN, 0);
	print_touch("shared_write", SHARED_WRITTEN, 1);
	print_touch("private_read", PRIVATE_READ, 0);
	print_touch("private_written", PRIVATE_WRITTEN, 0);
	print_touch("private_write", PRIVATE_WRITTEN, 1);
	printf("\n");
}

static char *must_map(int fd, int flags, int page)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, (off_t)page * PAGE);

	if (map == MAP_FAILED) {
		perror("fxclient: mmap");
		exit(1);
	}
	return map;
}

static void prepare(const char *path, const char *other)
{
	void *buffer;
	int i;

	if (posix_memalign(&buffer, PAGE, PAGE) || pipe2(has.pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		exit(1);
	has.buffer = memset(buffer, 'b', PAGE);
	has.path = path;
	has.null = must_open("/dev/null", O_WRONLY);
	has.other = must_open(other, O_RDWR | O_CREAT | O_TRUNC);
	must_write(has.other, other, FILE_SIZE);
	has.file = must_open(path, O_RDWR | O_CREAT | O_TRUNC);
	must_write(has.file, path, FILE_SIZE);
	has.twin = dup(has.file);
	has.direct = must_open(path, O_RDWR | O_DIRECT);
	for (i = 0; i < MAPS; i++)
		has.maps[i] = must_map(has.file, i < PRIVATE_READ ? MAP_SHARED : MAP_PRIVATE, i);
	has.other_map = must_map(has.other, MAP_SHARED, 0);
}

/* SHARED_UNTOUCHED has no page yet when the command comes. */
static void touch_before(void)
{
	if (touch(has.maps[SHARED_READ], 0) || touch(has.maps[SHARED_WRITTEN], 1) ||
	    touch(has.maps[PRIVATE_READ], 0) || touch(has.maps[PRIVATE_WRITTEN], 1) ||
	    touch(has.other_map, 1)) {
		fprintf(stderr, "fxclient: SIGBUS before anything happened\n");
		exit(1);
	}
}

static void print_close(const char *name, int fd)
{
	printf(" %s=%s", name, wire_errno_name(error_of(close(fd))));
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int client_inval_calls(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = take_sigbus };

	(void)argc;
	sigaction(SIGBUS, &action, NULL);
	prepare(argv[0], argv[1]);
	run("before-calls", calls, COUNT(calls));
	touch_before();
	if (wire_control(argv[2], 1, argv + 3))
		return 1;
	run("calls", calls, COUNT(calls));
	run("others", others, COUNT(others));
	touch_all();
	printf("close");
	print_close("twin", has.twin);
	print_close("file", has.file);
	print_close("direct", has.direct);
	printf("\nlater");
	print_close("close", has.later);
	print_close("other", has.other);
	printf("\n");
	return 0;
}
