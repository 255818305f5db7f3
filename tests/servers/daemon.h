/* SPDX-License-Identifier: GPL-2.0 */
/*
 * daemon.h - what the test servers have in common that go to the background:
 * options, the log, readiness, the end by a signal; and for those without
 * libfuse, mounting and the threads that read requests.  It answers none.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <getopt.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MOST_PLACES	4

/* The options that all have, dump and mask only if they are in its own table. */
enum {
	DAEMON_LOG = 256, DAEMON_DUMP, DAEMON_MASK, DAEMON_CONTROL, DAEMON_PIDFILE,
	DAEMON_DELAY, DAEMON_FAIL, DAEMON_HOLD,
	/* the first of a server's own */
	DAEMON_OWN,
};

/**
 * struct place - where a server without libfuse is mounted
 * @device:	its /dev/fuse descriptor
 * @path:	the mount point
 * @number:	which one it is, from 0
 */
struct place {
	int device;
	const char *path;
	int number;
};

/**
 * struct daemon - a server; all from @mount on is for daemon_main() only
 * @name:	for messages
 * @usage:	the answer to --help
 * @short_options: for getopt_long(3)
 * @options:	its own; the others come behind them
 * @take_option: one of its own; 0, or the exit status
 * @obey:	a command that rules.c doesn't know; 0 if it has answered
 * @most_places: that it can be mounted at
 * @mount:	calls daemon_mount(); 0 or -1
 * @initialized: INIT was answered, nothing else yet; may be NULL; 0 or -1
 * @answer:	a request, of whose arguments @size bytes are there
 * @send:	how replies are sent: device_reply(), or its like
 * @ended:	all places are gone; may be NULL
 * @threads:	for each place
 * @in_turn:	a request that has to wait keeps the thread that has read it
 */
struct daemon {
	const char *name;
	const char *usage;
	const char *short_options;
	const struct option *options;
	int (*take_option)(int option);
	int (*obey)(FILE *answer, char *command, char *argument);
	int most_places;
	int (*mount)(struct place *place);
	int (*initialized)(struct place *place);
	void (*answer)(struct place *place, const struct fuse_in_header *in,
		       const void *arguments, size_t size);
	int (*send)(int device, const struct fuse_in_header *in, int error, const void *data,
		    size_t size);
	void (*ended)(void);
	int threads;
	int in_turn;
};

extern FILE *log_file;
extern FILE *dump_file;
/* The dump leaves out what differs between two runs. */
extern int dump_mask;

/* Everything, from the options to the end; the exit status. */
int daemon_main(const struct daemon *daemon, int argc, char **argv);

/* 0 or -1 */
int daemon_mount(struct place *place, const char *source, const char *type, const char *data);
/* Log a reply, and send it; 0, or what write(2) set errno to. */
int daemon_reply(const struct place *place, const struct fuse_in_header *in, int error,
		 const void *data, size_t size);
/* Negotiate these features, and print the result; 0 or errno. */
int daemon_negotiate(const struct place *place, uint64_t want);
/* A thread that reads requests from @place (a struct place) until it is gone. */
void *daemon_serve(void *place);

/*
 * The steps of daemon_main(), for a server that goes its own way.
 * daemon_options() returns -1 to go on, or the exit status.  daemon_fork() returns
 * in the child, with what daemon_ready() takes, or -1; the parent waits for that, so
 * that whoever started it finds a filesystem that serves.  daemon_begin() begins what
 * needs threads, which don't survive a fork: @end is called when a signal ends the
 * process, commands are obeyed.  0 or -1.
 */
int daemon_options(const struct daemon *daemon, int argc, char **argv);
int daemon_fork(void);
int daemon_begin(void (*end)(void));
int daemon_ready(int ready);

#endif /* DAEMON_H */
