// SPDX-License-Identifier: GPL-2.0
/*
 * client.c - system calls in any order on names that may be anything.  What they
 * return isn't looked at: the kernel that survives them is the result.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "fxfuzz.h"

#define FILES	8
#define MAPPED	32768
#define STATX_FORCE_SYNC	0x2000

struct client {
	const struct round *round;
	struct random random;
	int fd[FILES];
	bool is_child;
	char above[300];	/* the mount point, or "", where it is the current folder */
	char *map;
	char path[2][400];
	char buffer[70000];
};

/* One a process. */
static sigjmp_buf after_fault;

static void fault(int signal)
{
	siglongjmp(after_fault, signal);
}

static uint32_t any(struct client *client, uint32_t below)
{
	return random_below(&client->random, below);
}

/* Up to three folders deep, mostly less: what is deeper is seldom there. */
static const char *any_path(struct client *client, int which)
{
	char *path = client->path[which], *end = path + sizeof(client->path[0]);
	uint32_t depth = any(client, 2) ? 1 : 1 + any(client, 3);

	path += snprintf(path, end - path, "%s", client->above);
	while (depth--)
		path += snprintf(path, end - path, "name%c%s", 'a' + any(client, 8),
				 depth ? "/" : "");
	return client->path[which];
}

/* Mostly one that is open. */
static int *any_fd(struct client *client)
{
	uint32_t i, first = any(client, FILES);

	for (i = 0; i < FILES && any(client, 50); i++)
		if (client->fd[(first + i) % FILES] >= 0)
			return &client->fd[(first + i) % FILES];
	return &client->fd[first];
}

/* Where it fails the file that was there stays: most calls need an open one. */
static void do_open(struct client *client)
{
	static const int flags[] = {
		0, O_CREAT, O_CREAT, O_CREAT | O_EXCL, O_TRUNC, O_APPEND, O_DIRECT,
		O_DIRECTORY, O_PATH, O_NOFOLLOW, O_CREAT | O_TRUNC, O_SYNC, O_TMPFILE,
	};
	int *fd = &client->fd[any(client, FILES)];
	int access = any(client, 3) ? O_RDWR : (int)any(client, 3);
	int more = flags[any(client, 13)];
	int opened = open(any_path(client, 0), more | access | O_NONBLOCK, 0644);

	if (opened >= 0 && more & O_PATH && any(client, 4)) {
		close(opened);
	} else if (opened >= 0) {
		close(*fd);
		*fd = opened;
	}
}

static void do_close(struct client *client)
{
	int *fd = any_fd(client);
	pid_t child;

	switch (any(client, 8)) {
	case 0:	/* by a process that ends; its memory needn't be copied for that */
		child = vfork();
		if (!child)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
		break;
	case 1:
	case 2:
		close(dup(*fd));
		break;
	default:
		close(*fd);
		*fd = -1;
	}
}

static void do_io(struct client *client)
{
	int fd = *any_fd(client), other = *any_fd(client);
	off_t where = any(client, 50000), there = any(client, 50000);
	size_t size = any(client, any(client, 8) ? 5000 : sizeof(client->buffer));

	switch (any(client, 9)) {
	case 0:
	case 1:
		if (pread(fd, client->buffer, size, where) < 0)
			errno = 0;
		break;
	case 2:
	case 3:
	case 4:
		if (pwrite(fd, client->buffer, size, where) < 0)
			errno = 0;
		break;
	case 5:
		if (copy_file_range(fd, &where, other, &there, size, 0) < 0)
			errno = 0;
		break;
	case 6:
		lseek(fd, where, any(client, 5));
		break;
	case 7:
		if (ftruncate(fd, where) < 0)
			errno = 0;
		break;
	default:
		fallocate(fd, any(client, 4) ? any(client, 4) : 0x10, where, size);
	}
}

static void do_map(struct client *client)
{
	int fd = *any_fd(client);

	if (client->map) {
		size_t i;

		for (i = 0; i < MAPPED; i += 4096)
			client->buffer[i] += any(client, 2) ? client->map[i] : 0;
		if (any(client, 2))
			client->map[any(client, MAPPED)] = 1;
		if (any(client, 2))
			msync(client->map, MAPPED, any(client, 2) ? MS_SYNC : MS_ASYNC);
		if (any(client, 3))
			return;
		munmap(client->map, MAPPED);
	}
	client->map = mmap(NULL, MAPPED, any(client, 4), any(client, 2) ? MAP_SHARED : MAP_PRIVATE,
			   fd, 0);
	if (client->map == MAP_FAILED)
		client->map = NULL;
}

static void do_sync(struct client *client)
{
	int fd = *any_fd(client);

	switch (any(client, 4)) {
	case 0:
		fsync(fd);
		break;
	case 1:
		fdatasync(fd);
		break;
	case 2:
		syncfs(fd);
		break;
	default:
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
}

/* Another OPEN, and what close(2) asks for, without the way to the file. */
static void open_again(struct client *client, int fd)
{
	static const int flags[] = { O_RDONLY, O_RDWR, O_WRONLY | O_TRUNC, O_RDWR | O_APPEND };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, flags[any(client, 4)] | O_NONBLOCK);
	if (fd < 0)
		return;
	if (!any(client, 3) && pwrite(fd, client->buffer, any(client, 5000), any(client, 5000)) < 0)
		errno = 0;
	close(fd);
}

/* What asks the server for little, so that much can be asked. */
static void do_ask(struct client *client)
{
	struct flock lock = { .l_type = any(client, 3), .l_start = any(client, 10), .l_len = 5 };
	uint32_t times = 1 + any(client, 24);
	int *open_ = any_fd(client), fd = *open_;

	/* of an inode that an answer has made bad nothing is asked any more */
	if (fd < 0 || (fchmod(fd, 0644) < 0 && errno == EIO)) {
		close(fd);
		*open_ = -1;
		do_open(client);
		return;
	}
	while (times--) {
		switch (any(client, 24)) {
		case 0:
			open_again(client, fd);
			break;
		case 1:
			syncfs(fd);
			break;
		case 2:
			fchmod(fd, any(client, 0777));
			break;
		case 3:
			if (ftruncate(fd, any(client, 50000)) < 0)
				errno = 0;
			break;
		case 4:
		case 5:
			fallocate(fd, any(client, 4), any(client, 50000), any(client, 5000));
			break;
		case 6:
			fcntl(fd, any(client, 2) ? F_SETLK : F_GETLK, &lock);
			break;
		case 7:
		case 8:
			if (pwrite(fd, client->buffer, any(client, 100), any(client, 50000)) < 0)
				errno = 0;
			break;
		case 9:
		case 10:
		case 11:
			if (pread(fd, client->buffer, any(client, 100), any(client, 50000)) < 0)
				errno = 0;
			break;
		case 12:
		case 13:
			fsync(fd);
			break;
		case 14:
		case 15:
		case 16:
			lseek(fd, any(client, 50000), SEEK_DATA + any(client, 2));
			break;
		case 17:
		case 18:
		case 19:
			fgetxattr(fd, "user.name", client->buffer, any(client, 100));
			break;
		default:	/* statx(2), whatever is cached */
			syscall(SYS_statx, fd, "", AT_EMPTY_PATH | STATX_FORCE_SYNC,
				any(client, 2) ? 0x7ff : 0xfff, client->buffer);
		}
	}
}

static void do_names(struct client *client)
{
	const char *path = any_path(client, 0), *other = any_path(client, 1);

	switch (any(client, 9)) {
	case 0:
		mkdir(path, 0755);
		break;
	case 1:
		rmdir(path);
		break;
	case 2:
		unlink(path);
		break;
	case 3:
		syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, any(client, 3));
		break;
	case 4:
		if (link(path, other) < 0)
			errno = 0;
		break;
	case 5:
		if (symlink("namea/nameb", path) < 0)
			errno = 0;
		break;
	case 6:
		mknod(path, (any(client, 2) ? S_IFREG : S_IFIFO) | 0644, 0);
		break;
	case 7:
		if (readlink(path, client->buffer, 100) < 0)
			errno = 0;
		break;
	default:
		if (truncate(path, any(client, 50000)) < 0)
			errno = 0;
	}
}

static void do_attributes(struct client *client)
{
	const char *path = any_path(client, 0);
	struct stat stat_;
	struct statfs statfs_;

	switch (any(client, 9)) {
	case 0:
	case 1:
		if (lstat(path, &stat_) < 0)
			errno = 0;
		break;
	case 2:
		if (chmod(path, any(client, 0777)) < 0)
			errno = 0;
		break;
	case 3:
		utimensat(AT_FDCWD, path, NULL, 0);
		break;
	case 4:
		if (statfs(path, &statfs_) < 0)
			errno = 0;
		break;
	case 5:
		getxattr(path, "user.name", client->buffer, any(client, 100));
		break;
	case 6:
		listxattr(path, client->buffer, any(client, 100));
		break;
	case 7:
		setxattr(path, "user.name", "value", 5, any(client, 3));
		break;
	default:
		access(path, any(client, 8));
	}
}

static void do_list(struct client *client)
{
	DIR *dir = opendir(any_path(client, 0));
	int count = 20;

	if (!dir)
		return;
	while (count-- && readdir(dir))
		if (!any(client, 10))
			seekdir(dir, any(client, 1000));
	closedir(dir);
}

static void do_locks(struct client *client)
{
	struct flock lock = {
		.l_type = any(client, 3), .l_start = any(client, 10), .l_len = any(client, 10),
	};
	struct pollfd pollfd = { .fd = *any_fd(client), .events = POLLIN };
	int fd = pollfd.fd;

	switch (any(client, 5)) {
	case 0:
		fcntl(fd, F_SETLK, &lock);
		break;
	case 1:
		fcntl(fd, F_GETLK, &lock);
		break;
	case 2:
		flock(fd, LOCK_NB | (int)(1 << any(client, 4)));
		break;
	case 3:
		poll(&pollfd, 1, 0);
		break;
	default:
		ioctl(fd, random_next(&client->random), client->buffer);
	}
}

static void do_splice(struct client *client)
{
	int pipes[2], fd = *any_fd(client);

	if (any(client, 2) || pipe2(pipes, O_NONBLOCK) < 0)
		return;
	if (splice(fd, NULL, pipes[1], NULL, 8192, SPLICE_F_NONBLOCK) > 0 &&
	    splice(pipes[0], NULL, *any_fd(client), NULL, 8192, SPLICE_F_NONBLOCK) < 0)
		errno = 0;
	close(pipes[0]);
	close(pipes[1]);
}

static void act(struct client *client);

/* By a process that is killed at some time, maybe while a request of it waits. */
static void do_child(struct client *client)
{
	struct itimerval timer = { .it_value.tv_usec = 500 + any(client, 20000) };
	uint32_t times = 1 + any(client, 5);
	pid_t child;

	if (any(client, 15))
		return;
	child = fork();
	if (child > 0)
		waitpid(child, NULL, 0);
	if (child)
		return;
	signal(SIGALRM, SIG_DFL);
	setitimer(ITIMER_REAL, &timer, NULL);
	client->is_child = true;
	while (times--)
		act(client);
	_exit(0);
}

static void act(struct client *client)
{
	static void (*const actions[])(struct client *client) = {
		do_open, do_open, do_open, do_open, do_close, do_close, do_io, do_io, do_io,
		do_map, do_sync, do_names, do_attributes, do_list, do_locks, do_splice, do_child,
		do_ask, do_ask, do_ask, do_ask, do_ask, do_ask, do_ask, do_ask, do_ask, do_ask,
		do_ask, do_ask, do_ask, do_ask, do_ask, do_ask, do_ask, do_ask, do_ask, do_ask,
	};
	uint32_t action = any(client, sizeof(actions) / sizeof(actions[0]));

	if (actions[action] == do_child && client->is_child)
		return;
	actions[action](client);
}

static void no_matter(int signal)
{
	(void)signal;
}

/* Requests that are interrupted: every fifth client gets signals. */
static void interrupt_often(struct client *client)
{
	struct sigaction action = { .sa_handler = no_matter };
	struct itimerval timer = {
		.it_value.tv_usec = 1000 + any(client, 30000),
		.it_interval.tv_usec = 20000 + any(client, 100000),
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * From 7.x on, what is asked before INIT has its answer expects the answers of the
 * oldest protocol, which is nothing that a server can know.
 */
static void wait_for_init(const struct round *round, struct counts *counts)
{
	struct timespec pause = { .tv_nsec = 2000000 };

	while (!__atomic_load_n(&counts->job[round->job].begun, __ATOMIC_ACQUIRE))
		nanosleep(&pause, NULL);
}

/* Where calls fail without a request, as on a bad inode, others have the CPU. */
static void give_way(const struct round *round, const struct counts *counts)
{
	static unsigned long seen, times;
	struct timespec pause = { .tv_nsec = 10000000 };
	unsigned long replies = __atomic_load_n(&counts->job[round->job].replies,
						__ATOMIC_RELAXED);

	if (replies != seen) {
		seen = replies;
		times = 0;
	} else if (++times % 20 == 0) {
		nanosleep(&pause, NULL);
	}
}

void use(const struct round *round, unsigned int number, struct counts *counts)
{
	static struct client client;
	struct sigaction action = { .sa_handler = fault, .sa_flags = SA_NODEFER };
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	client.round = round;
	client.random.state = round->seed * 64 + number;
	for (i = 0; i < FILES; i++)
		client.fd[i] = -1;
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	signal(SIGIO, SIG_IGN);
	if (!(round->wrong & 1U << WRONG_INIT))
		wait_for_init(round, counts);
	/* the way to the mount point costs as much as what is behind it */
	if (chdir(round->mountpoint) < 0)
		snprintf(client.above, sizeof(client.above), "%s/", round->mountpoint);
	if (number % 5 == 4)
		interrupt_often(&client);
	if (sigsetjmp(after_fault, 0) && client.map) {
		munmap(client.map, MAPPED);
		client.map = NULL;
	}
	for (;;) {
		act(&client);
		count(&counts->calls);
		count(&counts->job[round->job].calls);
		give_way(round, counts);
	}
}
