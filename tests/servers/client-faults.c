// SPDX-License-Identifier: GPL-2.0
/*
 * client-faults.c - fxclient's verb that lets the kernel fail one allocation
 * after the other in a system call (/proc/thread-self/fail-nth).  Only kernels
 * with FAULT_INJECTION have it; which allocations may fail is failslab's and
 * fail_page_alloc's matter.  The calls are in the other client-faults-*.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client-faults.h"
#include "fxclient.h"
#include "wire.h"

#define MOST_ERRORS	8
#define FAR_AWAY	10000000UL

static const struct fail_call * const tables[] = {
	fail_io_calls, fail_server_calls, fail_module_calls,
};

static int fail_file = -1;
/* How many allocations were to come after the call until one fails. */
static unsigned long left;

static void broken(void)
{
	perror("fxclient: fail-nth");
	exit(1);
}

/* /proc/thread-self is that of whoever opens it: a child has to do it anew. */
void fail_nth(unsigned int number)
{
	static pid_t owner;
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", number);

	if (owner != getpid()) {
		owner = getpid();
		fail_file = must_open("/proc/thread-self/fail-nth", O_RDWR);
	}
	if (pwrite(fail_file, text, length, 0) != length)
		broken();
}

/* How many allocations are still to come until one fails; 0: it has failed. */
static unsigned long remaining(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		broken();
	return strtoul(text, NULL, 10);
}

/* Of a process that has ended: whether its allocation failed is still known. */
static int child_failed(pid_t child)
{
	siginfo_t info;
	char path[64];
	int fd, failed;

	if (waitid(P_PID, child, &info, WEXITED | WNOWAIT) < 0)
		broken();
	snprintf(path, sizeof(path), "/proc/%d/fail-nth", child);
	fd = must_open(path, O_RDONLY);
	failed = !remaining(fd);
	close(fd);
	waitpid(child, NULL, 0);
	return failed;
}

/* The call, with one allocation made to fail; 0 or errno. */
static int one_call(const struct fail_call *call, struct fail_context *context, int *failed)
{
	int error;

	context->fd = -1;
	context->other = -1;
	context->child = 0;
	if (call->prepare)
		call->prepare(context);
	fail_nth(context->number);
	error = call->run(context);
	left = remaining(fail_file);
	*failed = !left;
	fail_nth(0);
	if (context->child)
		*failed = child_failed(context->child);
	if (call->finish)
		call->finish(context, error);
	return error;
}

static void note(int *seen, int error)
{
	int i;

	for (i = 0; i < MOST_ERRORS; i++) {
		if (seen[i] == error)
			return;
		if (!seen[i]) {
			seen[i] = error;
			return;
		}
	}
}

static const struct fail_call *find(const char *name)
{
	const struct fail_call *call;
	unsigned int i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (call = tables[i]; call->name; call++)
			if (strcmp(call->name, name) == 0)
				return call;
	return NULL;
}

/* All names, for the tests: none of them is forgotten there. */
static int list_calls(void)
{
	const struct fail_call *call;
	unsigned int i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (call = tables[i]; call->name; call++)
			printf("%s\n", call->name);
	return 0;
}

static void print_errors(const int *seen)
{
	int i;

	printf("seen=%s", wire_errno_name(seen[0]));
	for (i = 1; i < MOST_ERRORS && seen[i]; i++)
		printf(",%s", wire_errno_name(seen[i]));
}

/* How many allocations the call makes if none fails. */
static int count(const struct fail_call *call, struct fail_context *context)
{
	int failed, error;

	context->number = FAR_AWAY;
	error = one_call(call, context, &failed);
	printf("allocations=%lu error=%s wrong=%d\n", FAR_AWAY - left, wire_errno_name(error),
	       context->wrong);
	return 0;
}

/* "LAST", "FIRST-LAST", or "FIRST-LAST/STEP" */
static unsigned int parse_range(const char *text, unsigned int *first, unsigned int *step)
{
	const char *dash = strchr(text, '-'), *slash = strchr(text, '/');

	*first = dash ? atoi(text) : 1;
	*step = slash ? atoi(slash + 1) : 1;
	return atoi(dash ? dash + 1 : text);
}

int client_fail_nth(int argc, char **argv)
{
	const struct fail_call *call = find(argv[0]);
	struct fail_context context = { 0 };
	unsigned int first, last, step, errors = 0, calls = 0;
	int seen[MOST_ERRORS] = { 0 };
	int failed = 1, error = 0;

	if (strcmp(argv[0], "names") == 0)
		return list_calls();
	if (!call || argc < 3 + call->arguments) {
		fprintf(stderr, "fxclient: fail-nth: no call %s, or too few arguments for it\n",
			argv[0]);
		return 2;
	}
	context.path = argv[1];
	context.arguments = argv + 3;
	if (strcmp(argv[2], "count") == 0)
		return count(call, &context);
	last = parse_range(argv[2], &first, &step);
	for (context.number = first; context.number <= last; context.number += step) {
		error = one_call(call, &context, &failed);
		calls++;
		if (!failed)
			break;
		if (error) {
			errors++;
			note(seen, error);
		}
	}
	/* The last call had fewer allocations than that: it must have succeeded. */
	printf("calls=%u injected=%u errors=%u wrong=%d ", calls, calls - !failed, errors,
	       context.wrong);
	print_errors(seen);
	printf(" end=%s\n", wire_errno_name(failed ? ENOMEM : error));
	return 0;
}
