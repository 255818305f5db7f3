/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fxsoak.h - what the parts of fxsoak share: workers, the model of their files,
 * random numbers that a seed fixes.  Knows nothing of FUSE.
 */
#ifndef FXSOAK_H
#define FXSOAK_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILES		6
#define MOST_BYTES	(128 * 1024)
#define MOST_WORKERS	16
#define NAME_SIZE	40

/**
 * struct file - a file of a worker, as it has to be
 * @name:	in the worker's folder; empty: there is no such file
 * @size:	of the content; behind it @content is zero
 * @content:	MOST_BYTES
 * @fd:		open for reading and writing, or -1
 */
struct file {
	char name[NAME_SIZE];
	size_t size;
	unsigned char *content;
	int fd;
};

/**
 * struct progress - of one worker, in memory that all share
 * @met:	EIO, of a worker that expects it
 * @now:	the call that it is at, for whoever looks for what hangs
 */
struct progress {
	uint64_t operation;
	uint64_t written;
	uint64_t verified;
	uint64_t kept;
	uint64_t met;
	char now[128];
};

/**
 * struct worker - a process that owns a folder; it is the process's current one
 * @seed:	with the number of an operation it fixes what is done
 * @operation:	how many there were, also before the state was saved
 * @other_fd:	one more descriptor, while an operation has it; or -1
 * @expects:	open files may fail with EIO at any time (inval_files): the operation
 *		goes to @failed then; files aren't mapped
 * @touched:	the file of the operation, and what it was before
 */
struct worker {
	unsigned int number;
	uint64_t seed;
	uint64_t operation;
	uint64_t random;
	struct progress *progress;
	struct file files[FILES];
	int other_fd;
	int expects;
	sigjmp_buf failed;
	struct file *touched;
	struct file before;
};

/* fxsoak.c */
uint64_t mix(uint64_t value);
/* Less than @below, from *@state, which goes on. */
uint64_t any_below(uint64_t *state, uint64_t below);
/* Ends at SIGTERM and SIGINT, and after the seconds given. */
int is_over(void);
void end_by_signals(unsigned int seconds);

/* model.c */
/* What goes wrong is told with the worker, its seed and operation; ends the process. */
void wrong(const struct worker *worker, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
/* With a worker that expects it, EIO doesn't return. */
void must(struct worker *worker, const char *call, int result);
/* New bytes of this operation for @length at @offset, in the model. */
unsigned char *invent(struct worker *worker, struct file *file, size_t offset, size_t length);
void set_size(struct file *file, size_t size);
/* What was read is what the model has. */
void same(struct worker *worker, const struct file *file, const void *found, size_t offset,
	  size_t length);
/* By a descriptor of its own: size and all bytes, and the end. */
void check_file(struct worker *worker, struct file *file);
void check_names(struct worker *worker);
/* After EIO: each byte is as before the operation, or as it would be after it. */
void settle(struct worker *worker);
/* Closes and reads all that the folder has to have, from the server. */
void check_all(struct worker *worker);
void model_begin(struct worker *worker);
/* From and to a file; 1: there is none */
int model_load(struct worker *worker, const char *path);
void model_save(const struct worker *worker, const char *path);

/* load.c */
void one_operation(struct worker *worker);

/* The verbs: exit statuses. */
int flip(int argc, char **argv);
int use(int argc, char **argv);
int invalidate(int argc, char **argv);

#endif /* FXSOAK_H */
