// SPDX-License-Identifier: LGPL-2.1
/*
 * loop.c - session loops that see requests before libfuse does, with any
 * version of libfuse and without fuse_session_custom_io().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

/*
 * libfuse's buffers hold FUSE_MIN_READ_BUFFER bytes or more, else the kernel
 * refuses to read into them.
 */
int fuse_ext_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf)
{
	int size = fuse_session_receive_buf(se, buf);

	/* what stays in a pipe is a large WRITE */
	if (size > 0 && !(buf->flags & FUSE_BUF_IS_FD)) {
		size = request_disguise(buf->mem, size, FUSE_MIN_READ_BUFFER);
		buf->size = size;
	}
	return size;
}

int fuse_ext_session_loop(struct fuse_session *se)
{
	struct fuse_buf buf = { .mem = NULL };
	int got = 0;

	while (!fuse_session_exited(se)) {
		got = fuse_ext_session_receive_buf(se, &buf);
		if (got == -EINTR || got == -EAGAIN)
			continue;
		if (got <= 0)
			break;
		fuse_session_process_buf(se, &buf);
	}
	free(buf.mem);
	fuse_session_reset(se);
	return got < 0 && got != -EINTR ? got : 0;
}

/* The signals that end a server, as fuse_set_signal_handlers() has them. */
static void block_signals(sigset_t *before)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGQUIT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, before);
}

int thread_start(pthread_t *thread, void *(*run)(void *), void *data)
{
	sigset_t before;
	int error;

	block_signals(&before);
	error = pthread_create(thread, NULL, run, data);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

/**
 * struct reader - a thread of fuse_ext_session_loop_mt()
 * @thread:	it
 * @se:		whose requests it reads
 * @ended:	an eventfd, written when one of the threads is at its end
 * @buf:	its buffer; it outlives the thread, which may be cancelled
 * @error:	0 or -errno
 */
struct reader {
	pthread_t thread;
	struct fuse_session *se;
	int ended;
	struct fuse_buf buf;
	int error;
};

static void *reader_run(void *data)
{
	struct reader *reader = data;
	int got, state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (!fuse_session_exited(reader->se)) {
		/* only here: a callback that has begun has to end */
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
		got = fuse_ext_session_receive_buf(reader->se, &reader->buf);
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
		if (got == -EINTR || got == -EAGAIN)
			continue;
		if (got <= 0) {
			reader->error = got;
			fuse_session_exit(reader->se);
			break;
		}
		fuse_session_process_buf(reader->se, &reader->buf);
	}
	eventfd_write(reader->ended, 1);
	return NULL;
}

/*
 * The signals that end a server come in ppoll() only: one between the look at
 * the session and the wait would be lost.
 */
static void wait_for_end(struct fuse_session *se, int ended)
{
	struct pollfd poll = { .fd = ended, .events = POLLIN };
	sigset_t before;

	block_signals(&before);
	while (!fuse_session_exited(se) && ppoll(&poll, 1, NULL, &before) <= 0)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int run_readers(struct reader *readers, unsigned int threads, struct fuse_session *se,
		       int ended)
{
	unsigned int started, i;
	int error = 0;

	for (started = 0; started < threads; started++) {
		readers[started].se = se;
		readers[started].ended = ended;
		error = thread_start(&readers[started].thread, reader_run, &readers[started]);
		if (error)
			break;
	}
	/* a server with fewer threads than it asked for still serves */
	if (started) {
		error = 0;
		wait_for_end(se, ended);
	}
	for (i = 0; i < started; i++)
		pthread_cancel(readers[i].thread);
	for (i = 0; i < started; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].error)
			error = readers[i].error;
		free(readers[i].buf.mem);
	}
	return error;
}

int fuse_ext_session_loop_mt(struct fuse_session *se, unsigned int threads)
{
	struct reader *readers;
	int ended, error;

	if (!threads)
		return -EINVAL;
	readers = calloc(threads, sizeof(*readers));
	if (!readers)
		return -ENOMEM;
	ended = eventfd(0, EFD_CLOEXEC);
	if (ended < 0) {
		error = -errno;
		free(readers);
		return error;
	}
	error = run_readers(readers, threads, se, ended);
	close(ended);
	free(readers);
	fuse_session_reset(se);
	return error;
}
