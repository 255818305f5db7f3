// SPDX-License-Identifier: GPL-2.0
/*
 * use.c - calls in a filesystem that may be aborted, be unmounted or lose its server
 * at any time, or fail open files: only errors that are documented for that may
 * come, and data aren't compared.  Ends when told to, or when the filesystem is gone.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fxsoak.h"
#include "wire.h"

#define OPEN_FILES	4
#define MAPPED		8192

static uint64_t state;
static int fds[OPEN_FILES] = { -1, -1, -1, -1 };
static unsigned long calls, errors, faults;
static int failed, is_gone;
static sigjmp_buf after_fault;

/* Somebody else uses the same names. */
static const int documented[] = { ENOTCONN, ECONNABORTED, EIO, ENOENT, EEXIST };

static void fault(int number)
{
	siglongjmp(after_fault, number);
}

/* Returns @result. */
static int outcome(const char *call, int result)
{
	size_t i;

	calls++;
	if (result >= 0)
		return result;
	errors++;
	is_gone |= errno == ENOTCONN;
	for (i = 0; i < sizeof(documented) / sizeof(documented[0]); i++)
		if (errno == documented[i])
			return result;
	printf("WRONG: %s: %s\n", call, wire_errno_name(errno));
	failed = 1;
	return result;
}

static const char *any_name(void)
{
	static const char * const names[] = { "one", "two", "three", "four", "five" };

	return names[any_below(&state, 5)];
}

static void do_open(int *fd)
{
	static const int flags[] = { O_CREAT, O_CREAT | O_EXCL, O_TRUNC, O_APPEND, 0 };

	if (*fd >= 0)
		outcome("close", close(*fd));
	*fd = outcome("open", open(any_name(), O_RDWR | O_CLOEXEC | flags[any_below(&state, 5)],
				   0644));
}

static void do_io(int fd)
{
	static char buffer[MAPPED];
	off_t offset = any_below(&state, 20000);
	size_t length = 1 + any_below(&state, sizeof(buffer));

	switch (any_below(&state, 6)) {
	case 0:
	case 1:
		outcome("pwrite", pwrite(fd, buffer, length, offset) < 0 ? -1 : 0);
		break;
	case 2:
	case 3:
		outcome("pread", pread(fd, buffer, length, offset) < 0 ? -1 : 0);
		break;
	case 4:
		outcome("ftruncate", ftruncate(fd, offset));
		break;
	default:
		outcome("fsync", any_below(&state, 4) ? fsync(fd) : syncfs(fd));
	}
}

/* With SIGBUS, where there is no file behind the mapping any more. */
static void do_map(int fd)
{
	char *map;

	if (outcome("ftruncate", ftruncate(fd, MAPPED)) < 0)
		return;
	map = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		outcome("mmap", -1);
		return;
	}
	if (sigsetjmp(after_fault, 1) == 0) {
		__atomic_fetch_add(&map[any_below(&state, MAPPED)], 1, __ATOMIC_RELAXED);
		outcome("msync", msync(map, MAPPED, MS_SYNC));
	} else {
		faults++;
	}
	munmap(map, MAPPED);
}

static void do_names(void)
{
	struct stat st;
	DIR *stream;

	switch (any_below(&state, 5)) {
	case 0:
		outcome("rename", rename(any_name(), any_name()));
		break;
	case 1:
		outcome("unlink", unlink(any_name()));
		break;
	case 2:
		outcome("stat", stat(any_name(), &st));
		break;
	case 3:
		outcome("link", link(any_name(), any_name()));
		break;
	default:
		stream = opendir(".");
		if (!stream) {
			outcome("opendir", -1);
			break;
		}
		errno = 0;
		while (readdir(stream))
			;
		outcome("readdir", errno ? -1 : 0);
		closedir(stream);
	}
}

/* All that is open is closed by one more process, in its end. */
static void do_exit(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void one_call(void)
{
	int *fd = &fds[any_below(&state, OPEN_FILES)];

	switch (any_below(&state, 16)) {
	case 0:
	case 1:
	case 2:
		do_open(fd);
		break;
	case 3:
	case 4:
		if (*fd >= 0)
			outcome("close", close(*fd));
		*fd = -1;
		break;
	case 5:
	case 6:
	case 7:
		do_names();
		break;
	case 8:
		do_exit();
		break;
	case 9:
	case 10:
		if (*fd >= 0)
			do_map(*fd);
		break;
	default:
		if (*fd >= 0)
			do_io(*fd);
	}
}

/* SEED DIR */
int use(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = fault };

	if (argc != 2)
		return 2;
	state = mix(strtoull(argv[0], NULL, 0));
	sigaction(SIGBUS, &action, NULL);
	end_by_signals(0);
	/* gone already */
	if (outcome("chdir", chdir(argv[1])) < 0)
		is_gone = 1;
	while (!failed && !is_gone && !is_over())
		one_call();
	printf("calls=%lu errors=%lu faults=%lu gone=%d\n", calls, errors, faults, is_gone);
	return failed;
}
