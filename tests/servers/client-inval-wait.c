// SPDX-License-Identifier: GPL-2.0
/*
 * client-inval-wait.c - fxclient's verbs about what is going on when open files
 * are made to fail: opens that wait, I/O in flight, dirty pages, locks, and many
 * open files.  Which calls fail afterwards is in client-inval.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

#define PAGE	4096
#define PAGES	4

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static const char *name_of(long result)
{
	return wire_errno_name(error_of(result));
}

/* On the first CPU, where a server may run alone for a moment. */
int client_inval_open(int argc, char **argv)
{
	int flags = O_RDWR | O_CLOEXEC;
	char data[9] = "";
	cpu_set_t cpus;
	int fd;

	if (argc > 1)
		flags |= strcmp(argv[1], "trunc") == 0 ? O_TRUNC : O_CREAT;
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0) {
		perror("fxclient: sched_setaffinity");
		return 1;
	}
	fd = open(argv[0], flags, 0644);
	printf("open=%s", name_of(fd));
	if (fd >= 0) {
		printf(" read=%s", name_of(pread(fd, data, sizeof(data) - 1, 0)));
		data[strcspn(data, "\n")] = '\0';
		printf(" data=%s. close=%s", data, name_of(close(fd)));
	}
	printf("\n");
	return 0;
}

/* As its name says; it may be in the server's hands for long. */
static int begin(const char *what, int fd, char *buffer)
{
	char *map;

	if (strcmp(what, "read") == 0 || strcmp(what, "direct-read") == 0)
		return error_of(pread(fd, buffer, PAGE, 0));
	if (strcmp(what, "write") == 0 || strcmp(what, "direct-write") == 0)
		return error_of(pwrite(fd, buffer, PAGE, 0));
	if (strcmp(what, "readahead") == 0)
		return error_of(readahead(fd, 0, PAGES * PAGE));
	if (strcmp(what, "fsync") == 0) {
		if (pwrite(fd, buffer, PAGE, 0) < 0)
			return errno;
		return error_of(fsync(fd));
	}
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (strcmp(what, "map") == 0 && map != MAP_FAILED)
		/* a fault in the kernel: EFAULT instead of SIGBUS */
		return error_of(pwrite(must_open("/dev/shm", O_RDWR | O_TMPFILE), map, 1, 0));
	fprintf(stderr, "fxclient: %s: no such I/O, or no map\n", what);
	exit(2);
}

int client_inval_flight(int argc, char **argv)
{
	int fd = must_open(argv[1], O_RDWR | (strncmp(argv[0], "direct", 6) ? 0 : O_DIRECT));
	sigset_t signals;
	void *buffer;
	int number;

	(void)argc;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (posix_memalign(&buffer, PAGE, PAGE))
		return 1;
	memset(buffer, 'f', PAGE);
	printf("begun\n");
	printf("done=%s\n", wire_errno_name(begin(argv[0], fd, buffer)));
	sigwait(&signals, &number);
	printf("again=%s ", name_of(pread(fd, buffer, PAGE, 0)));
	printf("close=%s\n", name_of(close(fd)));
	return 0;
}

/* The first byte of each page, by another open file that came later. */
static void print_seen(const char *path)
{
	int fd = must_open(path, O_RDWR);
	char seen[PAGES + 1] = "";
	struct stat st;
	int i;

	if (fstat(fd, &st) < 0)
		exit(1);
	for (i = 0; i < PAGES; i++)
		if (pread(fd, &seen[i], 1, (off_t)i * PAGE) != 1)
			seen[i] = '-';
	printf("seen=%s size=%lld fsync=%s\n", seen, (long long)st.st_size, name_of(fsync(fd)));
	close(fd);
}

/* Two pages by a mapping, two by write(2), and, if asked to, one behind the end. */
int client_inval_dirty(int argc, char **argv)
{
	int fd = must_open(argv[0], O_RDWR);
	char page[PAGE], *map;
	int i;

	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		perror("fxclient: mmap");
		return 1;
	}
	memset(page, 'w', sizeof(page));
	for (i = 0; i < PAGES; i++) {
		if (i < 2)
			map[i * PAGE] = 'm';
		else if (pwrite(fd, page, PAGE, (off_t)i * PAGE) != PAGE)
			return 1;
	}
	if (argc > 3 && pwrite(fd, page, PAGE, (off_t)PAGES * PAGE) != PAGE)
		return 1;
	if (wire_control(argv[1], 1, argv + 2))
		return 1;
	print_seen(argv[0]);
	munmap(map, PAGES * PAGE);
	printf("close=%s\n", name_of(close(fd)));
	return 0;
}

/* What is open is failed, closed, and opened again while its pages are dropped. */
int client_inval_reopen(int argc, char **argv)
{
	int times = atoi(argv[3]), wrong = 0, fd, error, i;

	(void)argc;
	for (i = 0; i < times; i++) {
		fd = must_open(argv[0], O_RDWR);
		must_write(fd, argv[0], PAGES * PAGE);
		if (wire_control(argv[1], 1, argv + 2))
			return 1;
		close(fd);
		fd = must_open(argv[0], O_RDWR);
		error = error_of(fsync(fd));
		wrong += error || close(fd);
	}
	printf("opened=%d wrong=%d\n", times, wrong);
	return 0;
}

/* How many pages of the file are in the page cache, for whom opens it now. */
int client_inval_cached(int argc, char **argv)
{
	int fd = must_open(argv[0], O_RDWR);
	unsigned char *here;
	size_t pages, i, cached = 0;
	struct stat st;
	void *map;

	(void)argc;
	if (fstat(fd, &st) < 0)
		return 1;
	pages = (st.st_size + PAGE - 1) / PAGE;
	here = calloc(1, pages);
	map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (!here || map == MAP_FAILED || mincore(map, st.st_size, here) < 0) {
		perror("fxclient: mincore");
		return 1;
	}
	for (i = 0; i < pages; i++)
		cached += here[i] & 1;
	printf("pages=%zu cached=%zu\n", pages, cached);
	return 0;
}

int client_inval_many(int argc, char **argv)
{
	int files = atoi(argv[1]), dead = 0, closed = 0, i;
	struct rlimit limit = { files + 64, files + 64 };
	uint64_t start;
	char byte;
	int *fds;

	(void)argc;
	fds = calloc(files, sizeof(*fds));
	if (!fds || setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		perror("fxclient: so many files");
		return 1;
	}
	for (i = 0; i < files; i++)
		fds[i] = must_open(argv[0], O_RDWR);
	if (wire_control(argv[2], 1, argv + 3))
		return 1;
	start = wire_now_ns();
	close(must_open(argv[0], O_RDWR));
	printf("open_us=%llu\n", (unsigned long long)(wire_now_ns() - start) / 1000);
	for (i = 0; i < files; i++)
		dead += pread(fds[i], &byte, 1, 0) < 0 && errno == EIO;
	for (i = 0; i < files; i++)
		closed += close(fds[i]) < 0 && errno == EIO;
	printf("files=%d dead=%d closed_eio=%d\n", files, dead, closed);
	return 0;
}

static int take(int fd, const char *kind)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (strcmp(kind, "flock") == 0)
		return error_of(flock(fd, LOCK_EX | LOCK_NB));
	return error_of(fcntl(fd, strcmp(kind, "ofd") ? F_SETLK : F_OFD_SETLK, &lock));
}

/* Another process, that has inherited nothing: it tries when it is told to. */
static void take_as_told(const char *path, const char *kind, int told, int answers)
{
	int error, fd;
	char byte;

	while (read(told, &byte, 1) == 1) {
		fd = must_open(path, O_RDWR);
		error = take(fd, kind);
		close(fd);
		if (write(answers, &error, sizeof(error)) != sizeof(error))
			_exit(1);
	}
	_exit(0);
}

static const char *ask(int told, int answers)
{
	int error;

	if (write(told, "", 1) != 1 || read(answers, &error, sizeof(error)) != sizeof(error))
		exit(1);
	return wire_errno_name(error);
}

int client_inval_locks(int argc, char **argv)
{
	int told[2], answers[2], fd;
	const char *locked;

	(void)argc;
	if (pipe2(told, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0)
		return 1;
	switch (fork()) {
	case -1:
		return 1;
	case 0:
		close(told[1]);
		take_as_told(argv[1], argv[0], told[0], answers[1]);
	}
	fd = must_open(argv[1], O_RDWR);
	locked = wire_errno_name(take(fd, argv[0]));
	if (wire_control(argv[2], 1, argv + 3))
		return 1;
	printf("lock=%s held=%s ", locked, ask(told[1], answers[0]));
	printf("again=%s ", wire_errno_name(take(fd, argv[0])));
	printf("close=%s ", name_of(close(fd)));
	printf("relock=%s\n", ask(told[1], answers[0]));
	close(told[1]);
	wait(NULL);
	return 0;
}
