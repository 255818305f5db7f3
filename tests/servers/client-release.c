// SPDX-License-Identifier: GPL-2.0
/*
 * client-release.c - fxclient's verbs about which close(2) of a file is the
 * one that its RELEASE follows, and how long each took.  References that are
 * not descriptors are in client-references.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

static uint64_t must_close(int fd)
{
	uint64_t us;
	int error = timed_close(fd, &us);

	if (error) {
		fprintf(stderr, "fxclient: close: %s\n", strerror(error));
		exit(1);
	}
	return us;
}

static void close_and_print(const char *what, int fd)
{
	printf("%s_us=%llu\n", what, (unsigned long long)must_close(fd));
}

int client_close_kind(int argc, char **argv)
{
	static const struct {
		const char *name;
		int flags;
	} kinds[] = {
		{ "read", O_RDONLY },
		{ "write", O_WRONLY },
		{ "path", O_PATH },
		{ "directory", O_RDONLY | O_DIRECTORY },
		{ "tmpfile", O_RDWR | O_TMPFILE },
	};
	unsigned int i;
	int fd;

	(void)argc;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[0], kinds[i].name))
			continue;
		fd = open(argv[1], kinds[i].flags | O_CLOEXEC, 0600);
		if (fd < 0) {
			printf("open=%s\n", wire_errno_name(errno));
			return 0;
		}
		printf("open=OK ");
		close_and_print("close", fd);
		return 0;
	}
	fprintf(stderr, "fxclient: %s: read, write, path, directory or tmpfile\n", argv[0]);
	return 2;
}

/* The child has a descriptor of the same open file, and closes it when told. */
static void close_in_child(int fd, int child_first)
{
	int turn[2];
	pid_t child;
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, turn) < 0)
		exit(1);
	child = fork();
	if (child < 0)
		exit(1);
	if (child == 0) {
		close(turn[0]);
		if (read(turn[1], &byte, 1) != 1)
			_exit(1);
		close_and_print("child", fd);
		fflush(stdout);
		if (write(turn[1], "", 1) != 1)
			_exit(1);
		_exit(0);
	}
	if (!child_first)
		close_and_print("parent", fd);
	fflush(stdout);
	if (write(turn[0], "", 1) != 1 || read(turn[0], &byte, 1) != 1)
		exit(1);
	if (child_first)
		close_and_print("parent", fd);
	waitpid(child, NULL, 0);
}

int client_close_shared(int argc, char **argv)
{
	int fd = must_open(argv[1], O_RDWR | O_CREAT);
	int other;

	(void)argc;
	must_write(fd, argv[1], 1);
	if (strcmp(argv[0], "dup") == 0) {
		other = dup(fd);
		close_and_print("first", fd);
		close_and_print("last", other);
	} else if (strcmp(argv[0], "dup2") == 0) {
		uint64_t start = wire_now_ns();

		other = must_open("/dev/null", O_RDONLY);
		dup2(other, fd);
		printf("dup2_us=%llu\n", (unsigned long long)(wire_now_ns() - start) / 1000);
	} else if (strcmp(argv[0], "fork") == 0) {
		close_in_child(fd, 0);
	} else if (strcmp(argv[0], "fork-child-first") == 0) {
		close_in_child(fd, 1);
	} else {
		fprintf(stderr, "fxclient: %s: dup, dup2, fork or fork-child-first\n", argv[0]);
		return 2;
	}
	return 0;
}

/* What was asked for by readahead(2) is in flight when the file is closed. */
int client_close_told(int argc, char **argv)
{
	int fd = must_open(argv[0], O_RDONLY);
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (argc > 1 && readahead(fd, 0, strtoul(argv[1], NULL, 0)) < 0) {
		perror("fxclient: readahead");
		return 1;
	}
	printf("open\n");
	sigwait(&signals, &number);
	close_and_print("close", fd);
	return 0;
}

int client_map_close(int argc, char **argv)
{
	int fd = must_open(argv[0], O_RDONLY);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	uint64_t start;

	(void)argc;
	if (map == MAP_FAILED || !memchr(map, 'x', 1)) {
		perror("fxclient: mmap");
		return 1;
	}
	close_and_print("close", fd);
	start = wire_now_ns();
	munmap(map, 4096);
	printf("munmap_us=%llu\n", (unsigned long long)(wire_now_ns() - start) / 1000);
	return 0;
}

/* The kernel closes them, in a task that is exiting. */
int client_exit_open(int argc, char **argv)
{
	int files = atoi(argv[1]), i;
	char path[4096];

	(void)argc;
	for (i = 0; i < files; i++) {
		snprintf(path, sizeof(path), "%s/open-%d", argv[0], i);
		must_open(path, O_RDWR | O_CREAT);
	}
	_exit(0);
}

/*
 * Only the closing is timed: a client opens all its files, waits until the
 * other clients have, and closes them.
 */
static void close_batch(const char *directory, int client, int files, int ready, int go)
{
	int *fds = calloc(files, sizeof(*fds));
	char path[4096];
	uint64_t start;
	char byte;
	int i;

	if (!fds)
		_exit(1);
	for (i = 0; i < files; i++) {
		snprintf(path, sizeof(path), "%s/batch-%d-%d", directory, client, i);
		fds[i] = must_open(path, O_RDWR | O_CREAT);
	}
	if (write(ready, "", 1) != 1 || read(go, &byte, 1) != 0)
		_exit(1);
	start = wire_now_ns();
	for (i = 0; i < files; i++)
		must_close(fds[i]);
	printf("client_us=%llu\n", (unsigned long long)(wire_now_ns() - start) / 1000);
	fflush(stdout);
	_exit(0);
}

int client_close_batch(int argc, char **argv)
{
	int files = atoi(argv[1]), clients = atoi(argv[2]), failed = 0, i, status;
	struct rlimit limit = { .rlim_cur = files + 64, .rlim_max = files + 64 };
	int ready[2], go[2];
	uint64_t start;
	char byte;

	(void)argc;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || pipe2(ready, O_CLOEXEC) < 0 ||
	    pipe2(go, O_CLOEXEC) < 0) {
		perror("fxclient: close-batch");
		return 1;
	}
	for (i = 0; i < clients; i++) {
		switch (fork()) {
		case -1:
			perror("fxclient: fork");
			return 1;
		case 0:
			close(go[1]);
			close_batch(argv[0], i, files, ready[1], go[0]);
		}
	}
	for (i = 0; i < clients; i++)
		if (read(ready[0], &byte, 1) != 1)
			return 1;
	start = wire_now_ns();
	close(go[1]);
	while (wait(&status) > 0)
		failed += status != 0;
	printf("all_us=%llu failed=%d\n", (unsigned long long)(wire_now_ns() - start) / 1000,
	       failed);
	return failed != 0;
}

/* An open by a node that waits for the other's lock to go; counts how often. */
static int open_patiently(const char *path, unsigned int *refused)
{
	int fd;

	*refused = 0;
	while ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0) {
		if (errno != EBUSY) {
			fprintf(stderr, "fxclient: open %s: %s\n", path, strerror(errno));
			exit(1);
		}
		++*refused;
		usleep(1000);
	}
	return fd;
}

/* One node's rounds: take the file over, give it to the other node. */
static unsigned int take_turns(const char *path, int turn, int rounds, int begins)
{
	unsigned int conflicts = 0, refused;
	char byte;
	int i;

	for (i = 0; i < rounds; i++) {
		if ((!begins || i) && read(turn, &byte, 1) != 1)
			exit(1);
		must_close(open_patiently(path, &refused));
		conflicts += refused != 0;
		if (write(turn, "", 1) != 1)
			exit(1);
	}
	return conflicts;
}

int client_take_turns(int argc, char **argv)
{
	int rounds = atoi(argv[2]), turn[2], result[2];
	unsigned int conflicts, theirs;
	pid_t child;

	(void)argc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, turn) < 0 ||
	    pipe2(result, O_CLOEXEC) < 0)
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0) {
		close(turn[0]);
		conflicts = take_turns(argv[1], turn[1], rounds, 0);
		if (write(result[1], &conflicts, sizeof(conflicts)) != sizeof(conflicts))
			_exit(1);
		_exit(0);
	}
	close(turn[1]);
	close(result[1]);
	conflicts = take_turns(argv[0], turn[0], rounds, 1);
	if (read(result[0], &theirs, sizeof(theirs)) != sizeof(theirs))
		return 1;
	waitpid(child, NULL, 0);
	printf("turns=%d conflicts=%u\n", 2 * rounds, conflicts + theirs);
	return 0;
}
