/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * fuse_ext.h - libfuse-ext: the features of fuse_ext.ko for servers that are
 * written with the low-level API of libfuse 3.10 or later.  Not for servers
 * without libfuse: those take <linux/fuse_ext.h>.  See libfuse-ext(3).
 */
#ifndef FUSE_EXT_H
#define FUSE_EXT_H

#include <fuse_lowlevel.h>
#include <linux/fuse_ext.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct fuse_ext_ops - what a server has beside struct fuse_lowlevel_ops
 * @atomic_create: answer FUSE_ATOMIC_CREATE, or NULL: the library calls the
 *	server's lookup and, where that says that there is no such name, its
 *	create with O_EXCL in @fi->flags, which the server has to honour.
 *
 *	A server with a callback of its own makes @name, a regular file, and
 *	opens it, or looks it up: it never opens nor truncates what exists.
 *	@mode and fuse_req_ctx()->umask are those of create; O_TRUNC is never
 *	in @fi->flags.  Valid replies:
 *	fuse_ext_reply_create() with FOPEN_FILE_CREATED: made and opened;
 *	fuse_reply_entry(): existed, and is of whatever type; e->ino isn't 0;
 *	fuse_reply_err(): EEXIST if it existed and @fi->flags has O_EXCL.
 * @syncfs: answer FUSE_SYNCFS: store all that was acknowledged.  @ino is the
 *	root's.  Valid replies: fuse_reply_err(), 0 for success.  NULL: not
 *	supported.
 * @own_loop: the server reads its requests by fuse_ext_session_loop(),
 *	fuse_ext_session_loop_mt() or fuse_ext_session_receive_buf() only.
 *	This works with any libfuse, and keeps splice for reading.  Else it
 *	may use any loop of libfuse, and fuse_session_custom_io() is used; it
 *	must not call that itself.
 */
struct fuse_ext_ops {
	void (*atomic_create)(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			      struct fuse_file_info *fi);
	void (*syncfs)(fuse_req_t req, fuse_ino_t ino);
	int own_loop;
};

/**
 * fuse_ext_session_new() - fuse_session_new() of a server with more operations
 * @args:	as of fuse_session_new()
 * @op:		as of fuse_session_new(); copied
 * @op_size:	sizeof(struct fuse_lowlevel_ops)
 * @ext_op:	copied; NULL is the same as all zeros
 * @ext_op_size: sizeof(struct fuse_ext_ops)
 * @userdata:	as of fuse_session_new()
 *
 * Only sessions made by this function can have FUSE_EXT_ATOMIC_CREATE and
 * FUSE_EXT_SYNCFS.  A process has at most 16 of them at a time.
 *
 * Return: the session, or NULL after a message on stderr.
 */
struct fuse_session *fuse_ext_session_new(struct fuse_args *args,
					  const struct fuse_lowlevel_ops *op, size_t op_size,
					  const struct fuse_ext_ops *ext_op, size_t ext_op_size,
					  void *userdata);

/**
 * fuse_ext_session_destroy() - fuse_session_destroy() of such a session
 * @se:		a session, of fuse_ext_session_new() or of fuse_session_new()
 *
 * Waits for callbacks that the library has called from a thread of its own.
 */
void fuse_ext_session_destroy(struct fuse_session *se);

/**
 * fuse_ext_negotiate() - ask the kernel for features
 * @se:		a mounted session
 * @want:	FUSE_EXT_ASYNC_FLUSH and so on, ored; it replaces what an earlier
 *		call asked for
 * @enabled:	out: those of @want that are in force now, after the
 *		administrator's toggles; 0 on error.  NULL: not wanted.
 *
 * Features that the kernel doesn't have, or that fuse_ext_unavailable() tells
 * of, are left out.  The first call has to come after fuse_session_mount() and
 * before the session's loop; others may come at any time, but without own_loop
 * they can't be the first to ask for FUSE_EXT_SYNCFS or FUSE_EXT_ATOMIC_CREATE.
 *
 * Return: 0 or
 *  -ENOTTY	the kernel's own FUSE driver serves this mount: a server goes on
 *		without the features
 *  -ENOTCONN	not mounted, unmounted, or aborted
 *  -EINVAL	the module has another version of the ABI
 *  -EBADF	the session has no descriptor yet
 */
int fuse_ext_negotiate(struct fuse_session *se, uint64_t want, uint64_t *enabled);

/**
 * fuse_ext_unavailable() - why this session can't have a feature
 * @se:		the session
 * @feature:	one FUSE_EXT_ bit
 *
 * Tells only of what the library and the server lack, not of the kernel.  For
 * sessions without own_loop, some reasons are known after fuse_ext_negotiate()
 * only.
 *
 * Return: a sentence without a full stop, or NULL if nothing is in the way.
 */
const char *fuse_ext_unavailable(struct fuse_session *se, uint64_t feature);

/**
 * fuse_ext_reply_open() - fuse_reply_open() with more flags
 * @req:	an open request
 * @fi:		as of fuse_reply_open()
 * @flags:	FOPEN_SYNC_RELEASE or 0
 *
 * FOPEN_SYNC_RELEASE is sent only after fuse_ext_negotiate() has asked for it in
 * this process, for whichever session; else it is dropped.
 *
 * Return: as of fuse_reply_open(): 0 or -errno.
 */
int fuse_ext_reply_open(fuse_req_t req, const struct fuse_file_info *fi, uint32_t flags);

/**
 * fuse_ext_reply_create() - fuse_reply_create() with more flags
 * @req:	a create or atomic_create request
 * @e:		as of fuse_reply_create()
 * @fi:		as of fuse_reply_create()
 * @flags:	FOPEN_SYNC_RELEASE or 0, and in the reply to atomic_create, and
 *		only there, FOPEN_FILE_CREATED
 *
 * Return: as of fuse_reply_create(): 0 or -errno.
 */
int fuse_ext_reply_create(fuse_req_t req, const struct fuse_entry_param *e,
			  const struct fuse_file_info *fi, uint32_t flags);

/**
 * fuse_ext_notify_inval_files() - make all open files of an inode fail
 * @se:		the session
 * @ino:	the inode
 *
 * Reads, writes and faults of files that are open fail from now on; what is
 * dirty is dropped.  A file whose open reply had been sent before this call
 * began is one of them; one whose reply is sent after the call has returned
 * isn't.  It may be called from any thread, and from a callback.
 *
 * Return: 0 or
 *  -ENOENT	the kernel has no such inode in its cache: nothing is open
 *  -ENOSYS	FUSE_EXT_INVAL_FILES wasn't negotiated, or is turned off
 *  -EINVAL	@ino isn't a regular file's, or 0; or the kernel's own FUSE driver
 *		serves this mount
 *  -ENOMEM	no memory: nothing was changed
 *  -ENODEV	not mounted any more
 */
int fuse_ext_notify_inval_files(struct fuse_session *se, fuse_ino_t ino);

/**
 * fuse_ext_session_receive_buf() - fuse_session_receive_buf() with own_loop
 * @se:		the session
 * @buf:	as of fuse_session_receive_buf()
 *
 * For servers with a loop of their own; the request goes to
 * fuse_session_process_buf().
 *
 * Return: as of fuse_session_receive_buf(): a size, 0 at the end, or -errno.
 */
int fuse_ext_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf);

/**
 * fuse_ext_session_loop() - fuse_session_loop() with own_loop
 * @se:		the session
 *
 * Return: 0 after unmounting or fuse_session_exit(), or -errno.
 */
int fuse_ext_session_loop(struct fuse_session *se);

/**
 * fuse_ext_session_loop_mt() - the same with a fixed number of threads
 * @se:		the session
 * @threads:	how many, at least 1
 *
 * SIGHUP, SIGINT, SIGQUIT and SIGTERM are left to the calling thread, which only
 * waits: the handlers of fuse_set_signal_handlers() end the loop there.
 *
 * Return: 0 after unmounting or fuse_session_exit(), or -errno.
 */
int fuse_ext_session_loop_mt(struct fuse_session *se, unsigned int threads);

#ifdef __cplusplus
}
#endif

#endif /* FUSE_EXT_H */
