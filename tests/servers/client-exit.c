// SPDX-License-Identifier: GPL-2.0
/*
 * client-exit.c - fxclient's exit-deadlock: a process of several threads with
 * an open file, one of which answers the file's server over a UNIX socket
 * (fxserver --flush-peer).  When the process dies, nobody answers any more;
 * the socket is closed by its exit only after FLUSH was answered, and FLUSH is
 * answered only after the socket was closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

static void *answer_server(void *data)
{
	int peer = *(int *)data;
	char question[64];

	while (recv(peer, question, sizeof(question), 0) > 0)
		if (send(peer, "yes\n", 4, MSG_NOSIGNAL) < 0)
			break;
	return NULL;
}

static void *sleep_on(void *data)
{
	(void)data;
	for (;;)
		pause();
	return NULL;
}

static void live(const char *file, const char *path, int ready, int by_exit, int by_close)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = must_open(file, O_RDWR | O_CREAT);
	pthread_t thread;
	uint64_t us;
	int peer, error;

	must_write(fd, file, 1);
	if (strlen(path) >= sizeof(address.sun_path))
		_exit(1);
	strcpy(address.sun_path, path);
	peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer < 0 || connect(peer, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    pthread_create(&thread, NULL, answer_server, &peer) ||
	    pthread_create(&thread, NULL, sleep_on, NULL) ||
	    pthread_create(&thread, NULL, sleep_on, NULL)) {
		fprintf(stderr, "fxclient: %s: %s\n", path, strerror(errno));
		_exit(1);
	}
	if (by_close) {
		error = timed_close(fd, &us);
		printf("close_us=%llu error=%s\n", (unsigned long long)us,
		       wire_errno_name(error));
	}
	if (write(ready, "", 1) != 1)
		_exit(1);
	if (by_exit || by_close)
		_exit(0);
	for (;;)
		pause();
}

int client_exit_deadlock(int argc, char **argv)
{
	int by_exit = strcmp(argv[0], "exit") == 0;
	int by_close = strcmp(argv[0], "close") == 0;
	int64_t ended;
	int ready[2];
	pid_t child;
	char byte;

	(void)argc;
	if (!by_exit && !by_close && strcmp(argv[0], "kill")) {
		fprintf(stderr, "fxclient: %s: exit, kill or close\n", argv[0]);
		return 2;
	}
	if (pipe2(ready, O_CLOEXEC) < 0)
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		live(argv[1], argv[2], ready[1], by_exit, by_close);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return 1;
	if (!by_exit && !by_close)
		kill(child, SIGKILL);
	ended = wait_limited(child, atoi(argv[3]));
	if (ended < 0) {
		printf("stuck pid=%d\n", child);
		return 3;
	}
	printf("ended_ms=%lld\n", (long long)ended);
	return 0;
}
