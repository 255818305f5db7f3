// SPDX-License-Identifier: LGPL-2.1
/*
 * loop.c - session loops that see requests before libfuse does, with any
 * version of libfuse and without fuse_session_custom_io().
 */
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

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

/**
 * struct reader - a thread of fuse_ext_session_loop_mt()
 * @thread:	it
 * @se:		whose requests it reads
 * @ended:	posted when one of the threads is at its end
 * @buf:	its buffer; it outlives the thread, which may be cancelled
 * @error:	0 or -errno
 */
struct reader {
	pthread_t thread;
	struct fuse_session *se;
	sem_t *ended;
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
	sem_post(reader->ended);
	return NULL;
}

/* Signals go to the thread that waits for the readers. */
static int start(struct reader *reader)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&reader->thread, NULL, reader_run, reader);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

int fuse_ext_session_loop_mt(struct fuse_session *se, unsigned int threads)
{
	struct reader *readers;
	unsigned int started, i;
	int error = 0;
	sem_t ended;

	if (!threads)
		return -EINVAL;
	readers = calloc(threads, sizeof(*readers));
	if (!readers)
		return -ENOMEM;
	sem_init(&ended, 0, 0);
	for (started = 0; started < threads; started++) {
		readers[started].se = se;
		readers[started].ended = &ended;
		error = start(&readers[started]);
		if (error)
			break;
	}
	/* a server with fewer threads than it asked for still serves */
	if (started)
		while (!fuse_session_exited(se) && sem_wait(&ended) < 0)
			;
	for (i = 0; i < started; i++)
		pthread_cancel(readers[i].thread);
	if (started)
		error = 0;
	for (i = 0; i < started; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].error)
			error = readers[i].error;
		free(readers[i].buf.mem);
	}
	sem_destroy(&ended);
	free(readers);
	fuse_session_reset(se);
	return error;
}
