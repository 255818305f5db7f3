/* SPDX-License-Identifier: GPL-2.0 */
/*
 * client-faults.h - what the calls have in common in which fxclient lets the kernel
 * fail one allocation after the other.
 */
#ifndef CLIENT_FAULTS_H
#define CLIENT_FAULTS_H

#include <linux/fuse.h>
#include <pthread.h>

/**
 * struct fail_context - what a call works on; all but the first two is its own
 * @arguments:	of the verb, behind the limit; as many as the call needs
 * @path:	the argument before the limit
 * @number:	the allocation that is to fail
 * @fd:		a descriptor
 * @other:	another one
 * @child:	a process, that took the fault in our place
 * @thread:	that answers requests
 * @wrong:	how often something was not as it must be
 */
struct fail_context {
	char **arguments;
	const char *path;
	unsigned int number;
	int fd;
	int other;
	pid_t child;
	pthread_t thread;
	int wrong;
};

/**
 * struct fail_call - a system call, or a few that belong together
 * @name:	of the call
 * @arguments:	how many it needs in struct fail_context
 * @prepare:	without faults; may be NULL
 * @run:	with one; returns 0 or errno
 * @finish:	without faults again, with what @run said; may be NULL
 */
struct fail_call {
	const char *name;
	int arguments;
	void (*prepare)(struct fail_context *context);
	int (*run)(struct fail_context *context);
	void (*finish)(struct fail_context *context, int error);
};

/* Each ends with an entry without a name. */
extern const struct fail_call fail_io_calls[];
extern const struct fail_call fail_server_calls[];
extern const struct fail_call fail_module_calls[];

/* What a server with one file, "file", answers, if it can answer this at all. */
void fail_answer(int device, const struct fuse_in_header *in);

/* This thread's @number-th allocation from now on fails; 0: none does. */
void fail_nth(unsigned int number);

#endif /* CLIENT_FAULTS_H */
