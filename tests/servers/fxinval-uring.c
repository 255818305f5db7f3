// SPDX-License-Identifier: GPL-2.0
/*
 * fxinval-uring.c - requests and answers by io_uring, for fxinval's server: one
 * queue, with a thread of its own, for each CPU.  Raw system calls and structures
 * of its own, because the oldest headers that we compile with have none of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fuse.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fxinval.h"
#include "wire.h"

#define MOST_QUEUES	64
#define ENTRIES		8
#define PAYLOAD_SIZE	(1 << 18)

#define SETUP_SQE128	(1U << 10)
#define OP_URING_CMD	46
#define CMD_REGISTER	1
#define CMD_COMMIT_AND_FETCH 2

/* struct io_uring_sqe with 128 bytes; from @flags: struct fuse_uring_cmd_req */
struct command {
	uint8_t opcode;
	uint8_t unused[3];
	int32_t fd;
	uint32_t cmd_op;
	uint32_t unused2;
	uint64_t addr;
	uint32_t len;
	uint32_t unused3;
	uint64_t user_data;
	uint64_t unused4;
	uint64_t flags;
	uint64_t commit_id;
	uint16_t qid;
	uint8_t unused5[62];
};

/* struct fuse_uring_req_header */
struct ring_header {
	union {
		struct fuse_in_header in;
		struct fuse_out_header out;
		char room[128];
	};
	char op_in[128];
	uint64_t flags;
	uint64_t commit_id;
	uint32_t payload_size;
	uint32_t unused;
	uint64_t unused2;
};

struct ring_entry {
	struct ring_header header;
	struct iovec parts[2];
	char *payload;
};

struct queue {
	pthread_t thread;
	int device;
	int number;
	int ring;
	struct io_uring_params params;
	char *submitted;
	char *completed;
	struct command *commands;
	struct ring_entry entries[ENTRIES];
};

static struct queue queues[MOST_QUEUES];
static int queue_count;

/* What this thread is about to answer. */
static __thread struct queue *this_queue;
static __thread struct ring_entry *this_entry;

static uint32_t *word(char *ring, uint32_t offset)
{
	return (uint32_t *)(ring + offset);
}

/* The kernel takes it before this returns: there is never more than one. */
static int submit(struct queue *queue, uint32_t operation, struct ring_entry *entry)
{
	uint32_t *tail = word(queue->submitted, queue->params.sq_off.tail);
	uint32_t mask = *word(queue->submitted, queue->params.sq_off.ring_mask);
	uint32_t index = *tail & mask;
	struct command *command = &queue->commands[index];

	memset(command, 0, sizeof(*command));
	command->opcode = OP_URING_CMD;
	command->fd = queue->device;
	command->cmd_op = operation;
	command->user_data = entry - queue->entries;
	command->qid = queue->number;
	if (operation == CMD_REGISTER) {
		command->addr = (uintptr_t)entry->parts;
		command->len = 2;
	} else {
		command->commit_id = entry->header.commit_id;
	}
	word(queue->submitted, queue->params.sq_off.array)[index] = index;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, queue->ring, 1, 0, 0, NULL, 0) == 1 ? 0 : -1;
}

int uring_reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	struct ring_entry *entry = this_entry;

	if (!entry)
		return -1;
	if (error)
		size = 0;
	memcpy(entry->payload, data ? data : "", size);
	memset(&entry->header.room, 0, sizeof(entry->header.room));
	entry->header.out.len = sizeof(entry->header.out) + size;
	entry->header.out.error = -error;
	entry->header.out.unique = in->unique;
	entry->header.payload_size = size;
	if (submit(this_queue, CMD_COMMIT_AND_FETCH, entry)) {
		perror("fxinval: io_uring_enter");
		__atomic_store_n(&shared->failed, 1, __ATOMIC_SEQ_CST);
	}
	return 0;
}

/* As /dev/fuse would have given it. */
static void take_request(struct queue *queue, struct ring_entry *entry)
{
	static __thread uint64_t buffer[PAYLOAD_SIZE / sizeof(uint64_t) + 64];
	const struct fuse_in_header *in = &entry->header.in;
	size_t op_size = in->len - sizeof(*in) - entry->header.payload_size;
	char *arguments = (char *)buffer + sizeof(*in);

	memcpy(buffer, in, sizeof(*in));
	memcpy(arguments, entry->header.op_in, op_size);
	memcpy(arguments + op_size, entry->payload, entry->header.payload_size);
	this_queue = queue;
	this_entry = entry;
	inval_answer((void *)buffer, arguments);
	this_entry = NULL;
}

/* 0, or -1 at the end of the connection. */
static int take_completions(struct queue *queue)
{
	uint32_t *head = word(queue->completed, queue->params.cq_off.head);
	uint32_t *tail = word(queue->completed, queue->params.cq_off.tail);
	uint32_t mask = *word(queue->completed, queue->params.cq_off.ring_mask);
	struct io_uring_cqe *list = (void *)(queue->completed + queue->params.cq_off.cqes);
	struct io_uring_cqe done;

	while (*head != __atomic_load_n(tail, __ATOMIC_ACQUIRE)) {
		done = list[*head & mask];
		__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
		if (done.res == -ENOTCONN || done.res == -ECANCELED)
			return -1;
		if (done.res) {
			errno = -done.res;
			perror("fxinval: request by io_uring");
			__atomic_store_n(&shared->failed, 1, __ATOMIC_SEQ_CST);
			return -1;
		}
		take_request(queue, &queue->entries[done.user_data]);
	}
	return 0;
}

static void *serve_queue(void *data)
{
	struct queue *queue = data;
	int i;

	for (i = 0; i < ENTRIES; i++)
		if (submit(queue, CMD_REGISTER, &queue->entries[i]))
			perror("fxinval: registration");
	while (take_completions(queue) == 0)
		syscall(SYS_io_uring_enter, queue->ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	return NULL;
}

static int open_queue(struct queue *queue, int device, int number)
{
	const int prot = PROT_READ | PROT_WRITE;
	struct io_uring_params *params = &queue->params;
	struct ring_entry *entry;
	int i;

	queue->device = device;
	queue->number = number;
	params->flags = SETUP_SQE128;
	queue->ring = syscall(SYS_io_uring_setup, ENTRIES, params);
	if (queue->ring < 0)
		return -1;
	queue->submitted = mmap(NULL, params->sq_off.array + params->sq_entries * sizeof(uint32_t),
				prot, MAP_SHARED, queue->ring, IORING_OFF_SQ_RING);
	queue->completed = mmap(NULL, params->cq_off.cqes +
				params->cq_entries * sizeof(struct io_uring_cqe),
				prot, MAP_SHARED, queue->ring, IORING_OFF_CQ_RING);
	queue->commands = mmap(NULL, params->sq_entries * sizeof(struct command), prot, MAP_SHARED,
			       queue->ring, IORING_OFF_SQES);
	if (queue->submitted == MAP_FAILED || queue->completed == MAP_FAILED ||
	    queue->commands == MAP_FAILED)
		return -1;
	for (i = 0; i < ENTRIES; i++) {
		entry = &queue->entries[i];
		entry->payload = malloc(PAYLOAD_SIZE);
		if (!entry->payload)
			return -1;
		entry->parts[0].iov_base = &entry->header;
		entry->parts[0].iov_len = sizeof(entry->header);
		entry->parts[1].iov_base = entry->payload;
		entry->parts[1].iov_len = PAYLOAD_SIZE;
	}
	return 0;
}

int uring_begin(int device)
{
	int cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (cpus > MOST_QUEUES) {
		errno = E2BIG;
		return -1;
	}
	/* requests wait until each CPU has a queue */
	for (; queue_count < cpus; queue_count++) {
		if (open_queue(&queues[queue_count], device, queue_count))
			return -1;
		errno = pthread_create(&queues[queue_count].thread, NULL, serve_queue,
				       &queues[queue_count]);
		if (errno)
			return -1;
	}
	return 0;
}

void uring_leave(void)
{
	int i;

	for (i = 0; i < queue_count; i++)
		close(queues[i].ring);
}

void uring_end(void)
{
	int i;

	for (i = 0; i < queue_count; i++)
		pthread_join(queues[i].thread, NULL);
}
