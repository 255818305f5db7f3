/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fxinval.h - what the parts of fxinval share: the memory in which the server
 * writes down its own order.  Not for the other servers.
 */
#ifndef FXINVAL_H
#define FXINVAL_H

#include <stddef.h>
#include <stdint.h>

struct fuse_in_header;

#define FILES		2
#define CLIENTS		3
#define MOST_TOLD	(1 << 20)

/**
 * struct span - a write(2), or a read(2), between two ticks of the common order
 * @before:	taken before the call; 0 if it doesn't count
 * @after:	taken after it; 0 if it hasn't returned yet
 */
struct span {
	uint64_t before;
	uint64_t after;
};

/**
 * struct counts - what a client found
 * @lived:	files that had to work, whether they did or not
 * @died:	files that had to fail, whether they did or not
 * @undecided:	files for which the order leaves both
 * @wrong_alive: they had to fail, and worked
 * @wrong_dead:	they had to work, and failed
 * @stale:	they worked, with data from before the last notification
 * @open_eio:	open(2) itself failed
 */
struct counts {
	unsigned long rounds, lived, died, undecided, wrong_alive, wrong_dead, stale, open_eio;
};

/**
 * struct shared - memory of the server and the clients
 * @order:	the last tick
 * @pids:	of the clients; the server knows by them whose request it answers
 * @opened:	the answer to each client's last OPEN or CREATE
 * @told:	the notifications for each file, in their order
 * @told_count:	how many of them
 * @by_uring:	OPENs and CREATEs that were answered by io_uring
 * @refused:	those that write(2) failed for
 * @refusal:	the last errno of these
 * @failed:	something went wrong, and its message is printed
 */
struct shared {
	uint64_t order;
	int stop;
	int failed;
	int pids[CLIENTS];
	struct span opened[CLIENTS];
	unsigned long told_count[FILES];
	unsigned long by_uring;
	unsigned long refused;
	int refusal;
	struct counts counts[CLIENTS];
	struct span told[FILES][MOST_TOLD];
};

/* How the clients judge: rightly, or wrongly so that they must find something. */
enum judge { JUDGE_RIGHT, JUDGE_REFUSED, JUDGE_NONE };

extern struct shared *shared;
extern enum judge judge;

static inline uint64_t tick(void)
{
	return __atomic_add_fetch(&shared->order, 1, __ATOMIC_SEQ_CST);
}

static inline uint64_t look(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}

static inline void put(uint64_t *value, uint64_t new_value)
{
	__atomic_store_n(value, new_value, __ATOMIC_SEQ_CST);
}

/*
 * Mounts at @path, and serves in threads, @by_uring or by read(2) and write(2); 0,
 * or 1 after a message.
 */
int inval_server_begin(const char *path, int by_uring);
/* Close the descriptors in another process than the server's. */
void inval_server_leave(void);
void inval_server_end(void);
/* One request; @arguments is what comes behind the header. */
void inval_answer(const struct fuse_in_header *in, const void *arguments);

/* fxinval-uring.c; -1 if the request of this thread didn't come by io_uring */
int uring_reply(const struct fuse_in_header *in, int error, const void *data, size_t size);
/* Requests for @device come by io_uring from now on; 0, or -1 and errno. */
int uring_begin(int device);
void uring_leave(void);
void uring_end(void);

#endif /* FXINVAL_H */
