// SPDX-License-Identifier: LGPL-2.1
/*
 * session.c - sessions whose server has operations that libfuse doesn't know,
 * and where requests for these arrive: at create, see internal.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define PLACES	16

static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ext places[PLACES];

static void dispatch(struct ext *ext, fuse_req_t req, fuse_ino_t ino, const char *name,
		     mode_t mode, struct fuse_file_info *fi)
{
	enum mark mark = mode >> MODE_MARK_SHIFT;

	mode &= MODE_BITS;
	switch (mark) {
	case MARK_NONE:
		if (ext->op.create)
			ext->op.create(req, ino, name, mode, fi);
		else
			fuse_reply_err(req, ENOSYS);
		return;
	case MARK_ATOMIC_CREATE:
		fi->flags &= ~O_TRUNC;
		if (ext->ext_op.atomic_create)
			ext->ext_op.atomic_create(req, ino, name, mode, fi);
		else if (ext->op.lookup && ext->op.create)
			create_begin(ext, req, ino, name, mode, fi);
		else
			fuse_reply_err(req, ENOSYS);
		return;
	case MARK_SYNCFS:
		if (ext->ext_op.syncfs)
			ext->ext_op.syncfs(req, ino);
		else
			fuse_reply_err(req, ENOSYS);
		return;
	case MARK_MALFORMED:
		break;
	}
	fuse_reply_err(req, EINVAL);
}

/*
 * libfuse hands a callback nothing of the session but the server's own data, so
 * each place has a function of its own.
 */
#define CREATE_OF(n)								\
static void create_##n(fuse_req_t req, fuse_ino_t parent, const char *name,	\
		       mode_t mode, struct fuse_file_info *fi)			\
{										\
	dispatch(&places[n], req, parent, name, mode, fi);			\
}

CREATE_OF(0)
CREATE_OF(1)
CREATE_OF(2)
CREATE_OF(3)
CREATE_OF(4)
CREATE_OF(5)
CREATE_OF(6)
CREATE_OF(7)
CREATE_OF(8)
CREATE_OF(9)
CREATE_OF(10)
CREATE_OF(11)
CREATE_OF(12)
CREATE_OF(13)
CREATE_OF(14)
CREATE_OF(15)

static void (*const create_of[PLACES])(fuse_req_t, fuse_ino_t, const char *, mode_t,
				       struct fuse_file_info *) = {
	create_0, create_1, create_2, create_3, create_4, create_5, create_6, create_7,
	create_8, create_9, create_10, create_11, create_12, create_13, create_14, create_15,
};

struct ext *ext_of(struct fuse_session *se)
{
	struct ext *found = NULL;
	int i;

	pthread_mutex_lock(&places_lock);
	for (i = 0; i < PLACES && !found; i++)
		if (se && places[i].se == se)
			found = &places[i];
	pthread_mutex_unlock(&places_lock);
	return found;
}

/* Taken from here on: a place is free as long as it has no session. */
static struct ext *place_take(void)
{
	static struct fuse_session *const taken = (void *)places;
	struct ext *ext = NULL;
	int i;

	pthread_mutex_lock(&places_lock);
	for (i = 0; i < PLACES && !ext; i++)
		if (!places[i].se)
			ext = &places[i];
	if (ext) {
		memset(ext, 0, sizeof(*ext));
		ext->se = taken;
	}
	pthread_mutex_unlock(&places_lock);
	return ext;
}

static void place_set(struct ext *ext, struct fuse_session *se)
{
	pthread_mutex_lock(&places_lock);
	ext->se = se;
	pthread_mutex_unlock(&places_lock);
}

struct fuse_session *fuse_ext_session_new(struct fuse_args *args,
					  const struct fuse_lowlevel_ops *op, size_t op_size,
					  const struct fuse_ext_ops *ext_op, size_t ext_op_size,
					  void *userdata)
{
	size_t size = op_size > sizeof(*op) ? op_size : sizeof(*op);
	struct fuse_lowlevel_ops *changed;
	struct fuse_session *se = NULL;
	struct ext *ext = place_take();

	if (!ext) {
		fuse_log(FUSE_LOG_ERR, "fuse_ext: this process has %d sessions already\n", PLACES);
		return NULL;
	}
	pthread_mutex_init(&ext->lock, NULL);
	pthread_cond_init(&ext->changed, NULL);
	memcpy(&ext->op, op, op_size < sizeof(*op) ? op_size : sizeof(*op));
	if (ext_op)
		memcpy(&ext->ext_op, ext_op,
		       ext_op_size < sizeof(*ext_op) ? ext_op_size : sizeof(*ext_op));
	ext->userdata = userdata;

	/* a server built with a later libfuse may have operations that we don't know */
	changed = calloc(1, size);
	if (changed) {
		memcpy(changed, op, op_size);
		changed->create = create_of[ext - places];
		se = fuse_session_new(args, changed, size, userdata);
		free(changed);
	}
	place_set(ext, se);
	return se;
}

void fuse_ext_session_destroy(struct fuse_session *se)
{
	struct ext *ext = ext_of(se);

	if (ext)
		create_end_all(ext);
	fuse_session_destroy(se);
	if (!ext)
		return;
	pthread_mutex_destroy(&ext->lock);
	pthread_cond_destroy(&ext->changed);
	place_set(ext, NULL);
}
