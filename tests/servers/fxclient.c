// SPDX-License-Identifier: GPL-2.0
/*
 * fxclient.c - small applications for the tests, one per verb: they do file
 * system calls in a given order, and print what came back and how long it
 * took.  They decide nothing: whether a result is right is the test's matter.
 */
#include <stdio.h>
#include <string.h>

#include "fxclient.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	int least;
	const char *arguments;
	const char *description;
} verbs[] = {
	{ "close", client_close, 1, "FILE [BYTES]",
	  "open, write BYTES (1), time close(2)" },
	{ "close-many", client_close_many, 3, "DIR FILES THREADS",
	  "open, write and close FILES files in THREADS threads" },
	{ "write-exec", client_write_exec, 2, "DIR ROUNDS [keep-open]",
	  "write a program, close it (or not), execute it; count ETXTBSY" },
	{ "io", client_io, 2, "DIR STOPFILE [PAUSE_MS]",
	  "write, read and compare files until STOPFILE is there, PAUSE_MS (5) apart" },
	{ "fsync-error", client_fsync_error, 1, "FILE [WAIT_MS]",
	  "write and close by one descriptor, fsync by another" },
	{ "exit-deadlock", client_exit_deadlock, 4, "exit|kill|close FILE SOCKET LIMIT_MS",
	  "threads with an open FILE that answer the server at SOCKET, and die" },
	{ "killed-close", client_killed_close, 3, "FILE AFTER_MS LIMIT_MS",
	  "SIGKILL a process in close(2)" },
	{ "lock", client_lock, 2, "posix|flock FILE",
	  "lock, time close(2), lock again from another process" },
	{ "script", client_script, 1, "DIR [RESULTS]",
	  "more than 40 different calls, the same at each run" },
	{ "control", client_control, 2, "SOCKET COMMAND...",
	  "a command for fxserver or rawserver" },
	{ "remount", client_remount, 2, "MOUNTPOINT OPTIONS",
	  "mount(2) with MS_REMOUNT" },
	{ "mount-again", client_mount_again, 2, "PID DIR",
	  "mount the connection of the server PID at DIR, too; prints why it can't be" },
	{ "write-word", client_write_word, 2, "FILE WORD [FILE WORD]...",
	  "one write(2) of each WORD and a newline; print the errors" },
	{ "hold-files", client_hold_files, 2, "DIR FILES",
	  "create FILES files, print \"open\", and keep them open until killed" },
	{ "die", client_die, 1, "FILE [lock]",
	  "a child opens, writes, perhaps locks FILE, and dies of SIGKILL" },
	{ "close-kind", client_close_kind, 2, "read|write|path|directory|tmpfile PATH",
	  "open PATH in one of these ways, time close(2)" },
	{ "close-shared", client_close_shared, 2, "dup|dup2|fork|fork-child-first FILE",
	  "two descriptors of one open file: time each close(2)" },
	{ "close-told", client_close_told, 1, "FILE [BYTES]",
	  "open, start read-ahead of BYTES, print \"open\", time close(2) after SIGUSR1" },
	{ "map-close", client_map_close, 1, "FILE",
	  "map a page, time close(2) and then munmap(2)" },
	{ "exit-open", client_exit_open, 2, "DIR FILES",
	  "create FILES files, and exit without closing them" },
	{ "close-batch", client_close_batch, 3, "DIR FILES CLIENTS",
	  "CLIENTS processes open FILES files each, and time their closing" },
	{ "take-turns", client_take_turns, 3, "FILE-A FILE-B ROUNDS",
	  "two processes open and close a file in turns; count EBUSY" },
	{ "pass", client_pass, 3, "FILE SOCKET MOUNTPOINT",
	  "send a descriptor of FILE to SOCKET, close it, statfs(2) MOUNTPOINT" },
	{ "pass-on", client_pass_on, 1, "FILE",
	  "send a descriptor of FILE to another process, which closes it last" },
	{ "async-close", client_async_close, 2, "aio|uring FILE",
	  "close FILE with a read of this kind in flight" },
	{ "syncfs", client_syncfs, 1, "FILE [BYTES]",
	  "open, write BYTES (none), time syncfs(2), close" },
	{ "dirty", client_dirty, 2, "FILE SECONDS",
	  "make pages dirty, again and again" },
	{ "keep", client_keep, 2, "FILE BYTES",
	  "write BYTES and begin to store them, print \"open\"; close after SIGUSR1" },
	{ "eat", client_eat, 3, "close|syncfs FILE MEGABYTES",
	  "one thread does this call, another uses so much memory after SIGUSR1" },
	{ "storm", client_storm, 4, "DIR ROUNDS MICROSECONDS restart|plain [creat|umount]",
	  "open, write, syncfs and close files under a signal every MICROSECONDS; umount DIR" },
	{ "fail-nth", client_fail_nth, 3, "CALL PATH count|[FIRST-]LAST[/STEP] [ARGUMENT]...",
	  "let each allocation of CALL fail in turn, or count them; \"names x 0\": the calls" },
	{ "abort-copy", client_abort_copy, 2, "DIR CONTROLS",
	  "mount DIR, and abort it while its server's read(2) copies a RELEASE" },
	{ "create", client_create, 3, "FLAGS MODE PATH [UID[,GROUP]]",
	  "open(2) with flags as creat,excl,trunc,rdwr; write a byte if it may be" },
	{ "create-watch", client_create_watch, 3, "DIR FLAGS PATH...",
	  "open(2) each PATH; count the files that inotify says were created in DIR" },
	{ "create-table", client_create_table, 3,
	  "MOUNTPOINT MOUNTPOINT2 RESULTS [known|new [WHAT]]",
	  "make things at the second mount of a tree, open them at the first" },
	{ "create-files", client_create_files, 2, "DIR FILES",
	  "create and close FILES files, and time it" },
	{ "create-race", client_create_race, 3, "DIR THREADS NAMES [FLAGS]",
	  "THREADS create the same NAMES; count who did, and who found" },
	{ "create-churn", client_create_churn, 3, "DIR THREADS ROUNDS",
	  "THREADS create, unlink and rename four names; count odd errors" },
	{ "inval-calls", client_inval_calls, 4, "FILE OTHER SOCKET COMMAND",
	  "all calls of an open FILE, before and after COMMAND for its server" },
	{ "inval-open", client_inval_open, 1, "FILE [creat]",
	  "on the first CPU: open, read and close" },
	{ "inval-flight", client_inval_flight, 2,
	  "read|direct-read|write|direct-write|readahead|fsync|map FILE",
	  "begin this I/O, print \"done\"; after SIGUSR1 read again and close" },
	{ "inval-dirty", client_inval_dirty, 3, "FILE SOCKET COMMAND [longer]",
	  "make four pages dirty, then COMMAND; what another open file sees" },
	{ "inval-reopen", client_inval_reopen, 4, "FILE SOCKET COMMAND TIMES",
	  "open FILE, write, COMMAND, close, open, fsync and close; count what fails then" },
	{ "inval-cached", client_inval_cached, 1, "FILE",
	  "how many pages of FILE are cached" },
	{ "inval-many", client_inval_many, 4, "FILE FILES SOCKET COMMAND",
	  "open FILE so often, then COMMAND; count those that fail" },
	{ "inval-locks", client_inval_locks, 4, "posix|ofd|flock FILE SOCKET COMMAND",
	  "lock, then COMMAND; who has the lock before and after close(2)" },
	{ "random-io", client_random_io, 4, "FILE BELOW SEED SECONDS [spoil]",
	  "all kinds of I/O on FILE, which the server keeps in BELOW; compare with a model" },
	{ "tree-make", client_tree_make, 3, "DIR FILES SEED",
	  "make directories of FILES files, links, modes and times" },
	{ "tree-list", client_tree_list, 1, "DIR [no-times]",
	  "everything in DIR with all that it has, but .git" },
	{ "use", client_use, 2, "DIR RESULTS [plain|read-only]",
	  "what applications do, in the empty DIR; or open what is there" },
	{ "bench-create", client_bench_create, 3, "DIR FILES BYTES",
	  "create, write BYTES to and close FILES files below DIR, 100 in each of 0, 1, ..." },
	{ "bench-op", client_bench_op, 4, "DIR OPERATION TIMES THREADS",
	  "one operation, by each of THREADS on its own file of a megabyte, or in DIR" },
	{ "bench-among", client_bench_among, 4, "DIR COUNT TIMES same|other [FIFO]",
	  "close a file beside COUNT open ones; then wait for a byte in FIFO" },
	{ "bench-inval", client_bench_inval, 2, "SOCKET DIR",
	  "how long INVAL_FILES of DIR/0 takes, alone and with the next open" },
	{ "bench-exec", client_bench_exec, 2, "OPERATIONS COMMAND...",
	  "run COMMAND; its time counts for so many operations" },
	{ "bench-maildir", client_bench_maildir, 3, "DIR MAILS BYTES",
	  "deliver MAILS of BYTES to DIR/new by DIR/tmp: write, fsync, close, rename" },
	{ "delayed-tally", client_delayed_tally, 1, "FILE",
	  "what delayed.so has counted in FILE since the last time" },
	{ "bench-lookup", client_bench_lookup, 2, "DIR TIMES",
	  "look for TIMES names that aren't in DIR" },
	{ "mount-many", client_mount_many, 3, "DIR COUNT STOPFILE",
	  "COUNT mounts whose server never answers, until STOPFILE is there" },
	{ "mount-applied", client_mount_applied, 5, "DIR CONTROL TOGGLE VALUE LIMIT_MS",
	  "a mount, and how long until TOGGLE of it has VALUE in the CONTROL filesystem" },
	{ "measure", client_measure, 3, "OUTPUT TIMES COMMAND...",
	  "run COMMAND; its least CPU time, that of a fixed work, and its most memory" },
	{ "tick", client_tick, 1, "FIFO",
	  "a byte every 10 ms for whoever reads FIFO, until it is removed" },
	{ "poll", client_poll, 3, "ATTRIBUTE TIMES LIMIT_MS",
	  "until an attribute of sysfs has changed so often; 1: it didn't" },
	{ "now", client_now, 0, "", "CLOCK_MONOTONIC in nanoseconds" },
	{ "true", client_true, 0, "", "do nothing" },
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void usage(FILE *to)
{
	unsigned int i;

	fputs("Usage: fxclient VERB [ARGUMENT...]\n\n", to);
	for (i = 0; i < VERBS; i++)
		fprintf(to, "  %-14s %s\n  %-14s   %s\n", verbs[i].name, verbs[i].arguments, "",
			verbs[i].description);
	fputs("\nExit status: 0 done (the result is printed); 1 failure; 2 usage;\n"
	      "3 still not ended after LIMIT_MS.\n", to);
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; argc > 1 && i < VERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 >= verbs[i].least)
			return verbs[i].run(argc - 2, argv + 2);
	usage(stderr);
	return 2;
}
