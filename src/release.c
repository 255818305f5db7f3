// SPDX-License-Identifier: GPL-2.0
/*
 * sync_release: close(2) returns after the server answered RELEASE.
 *
 * For the application: when the last close(2) of an open file returns, the
 * server has seen that it is closed, and whoever opens it next, on another
 * machine perhaps, finds what the server keeps per open file gone.
 * For the server: nothing changes on the wire.  RELEASE comes after the last
 * read-ahead, direct or writeback request of that file, as ever.
 * For the administrator: `auto` for files that a server which negotiated it
 * opened with FOPEN_SYNC_RELEASE, `on` for every regular file, `off` for none.
 *
 * RELEASE is sent by whoever drops the last reference on the fuse_file; its end
 * completes the closer.  So nothing but close(2) ever waits, and that wait ends
 * by the answer, by SIGKILL, or by an abort of the connection.
 */
#include <linux/completion.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/static_call.h>

#include "internal.h"

DEFINE_STATIC_CALL_NULL(fuse_ext_stock_flush, *fuse_ext_stock_file_operations->flush);
DEFINE_STATIC_CALL_NULL(fuse_ext_stock_release, *fuse_ext_stock_file_operations->release);

/**
 * struct fuse_ext_release - a close(2) that waits for the end of RELEASE
 * @done:	RELEASE has ended, or never was sent
 * @count:	the closer, and the request
 */
struct fuse_ext_release {
	struct completion done;
	refcount_t count;
};

static void put_release(struct fuse_ext_release *release)
{
	if (refcount_dec_and_test(&release->count))
		kfree(release);
}

/* See fuse_ext_release_end(). */
void fuse_ext_complete_release(struct fuse_ext_release *release)
{
	complete(&release->done);
	put_release(release);
}

/*
 * Take the bits of ours out of the server's flags, if it may set them at all.
 * That a file was created means something only to create.c, which has seen it.
 */
void fuse_ext_take_flags(struct fuse_conn *fc, struct fuse_file *ff)
{
	if (fuse_ext_server_wants(fc, FUSE_EXT_TOGGLE_SYNC_RELEASE)) {
		ff->ext.sync_release = !!(ff->open_flags & FOPEN_SYNC_RELEASE);
		ff->open_flags &= ~FOPEN_SYNC_RELEASE;
	}
	if (fuse_ext_server_wants(fc, FUSE_EXT_TOGGLE_ATOMIC_CREATE))
		ff->open_flags &= ~FOPEN_FILE_CREATED;
}

/*
 * A server must not wait for itself.  Which processes are the server's is known
 * by who reads its device.  Few ever do; the latest are remembered, by number.
 */
static noinline void note_other_reader(struct fuse_conn *fc, pid_t tgid)
{
	unsigned int slot;
	int i;

	for (i = 1; i < FUSE_EXT_NR_READERS; i++) {
		if (READ_ONCE(fc->ext.readers[i]) == tgid)
			return;
	}
	slot = (unsigned int)atomic_fetch_inc(&fc->ext.next_reader) % FUSE_EXT_NR_READERS;
	WRITE_ONCE(fc->ext.readers[slot], tgid);
}

/* Mostly it is one, so each read(2) looks at one place. */
void fuse_ext_note_reader(struct fuse_conn *fc)
{
	pid_t tgid = task_tgid_nr(current);

	if (unlikely(READ_ONCE(fc->ext.readers[0]) != tgid))
		note_other_reader(fc, tgid);
}

bool fuse_ext_is_reader(struct fuse_conn *fc)
{
	pid_t tgid = task_tgid_nr(current);
	int i;

	for (i = 0; i < FUSE_EXT_NR_READERS; i++) {
		if (READ_ONCE(fc->ext.readers[i]) == tgid)
			return true;
	}
	return false;
}

/*
 * Interposed .flush, which every close(2) calls: remember who closes, as far as
 * this close(2) drops the last reference.  It does for certain if there is no
 * other one now: the task then stands in both places.  Else there is a mapping,
 * a request in flight or another descriptor, and whoever drops the last one may
 * not be in close(2) at all; but two tasks that close the last two descriptors
 * at once see each other's, so the last two different tasks are remembered.
 */
static int fuse_ext_file_flush(struct file *file, fl_owner_t id)
{
	struct fuse_file *ff = file->private_data;
	pid_t pid = task_pid_nr(current);
	int err;

	if (fuse_ext_is_failed_file(file)) {
		/* FLUSH is how close(2) drops POSIX locks at the server, else nothing needs it. */
		if (test_bit(FUSE_EXT_INODE_REMOTE_LOCK,
			     &get_fuse_inode(file_inode(file))->ext.flags))
			static_call(fuse_ext_stock_flush)(file, id);
		return -EIO;
	}
	if (file_count(file) == 1) {
		WRITE_ONCE(ff->ext.closers[0], pid);
		WRITE_ONCE(ff->ext.closers[1], pid);
	} else if (!mapping_mapped(file->f_mapping) && READ_ONCE(ff->ext.closers[0]) != pid) {
		WRITE_ONCE(ff->ext.closers[1], READ_ONCE(ff->ext.closers[0]));
		WRITE_ONCE(ff->ext.closers[0], pid);
	}
	err = static_call(fuse_ext_stock_flush)(file, id);
	/* Then it hasn't written all of what was dirty. */
	return !err && fuse_ext_is_failed_file(file) ? -EIO : err;
}

static bool is_closer(const struct fuse_file *ff)
{
	pid_t pid = task_pid_nr(current);
	pid_t last = READ_ONCE(ff->ext.closers[0]);
	pid_t before = READ_ONCE(ff->ext.closers[1]);

	if (last == before)
		return last == pid;
	return before && (last == pid || before == pid);
}

static bool release_is_sync(struct fuse_conn *fc, struct fuse_file *ff)
{
	switch (fuse_ext_value(fc, FUSE_EXT_TOGGLE_SYNC_RELEASE)) {
	case FUSE_EXT_ON:
		break;
	case FUSE_EXT_AUTO:
		if (ff->ext.sync_release)
			break;
		return false;
	default:
		return false;
	}

	/*
	 * Not in a task that can't be killed any more, and not where the file
	 * is released by another task than one that closed it: there the last
	 * reference was that of an AIO completion, of a descriptor in a UNIX
	 * socket or of a mapping, and this may be the server at work.
	 */
	if (current->flags & (PF_EXITING | PF_KTHREAD))
		return false;
	return is_closer(ff) && !fuse_ext_is_reader(fc);
}

static noinline int release_as_set(struct inode *inode, struct file *file)
{
	struct fuse_file *ff = file->private_data;
	struct fuse_conn *fc = ff->fm->fc;
	struct fuse_ext_release *release;
	int err;

	if (!release_is_sync(fc, ff))
		return static_call(fuse_ext_stock_release)(inode, file);

	release = kzalloc(sizeof(*release), GFP_KERNEL | __GFP_NOFAIL);
	init_completion(&release->done);
	refcount_set(&release->count, 2);
	ff->ext.release = release;

	err = static_call(fuse_ext_stock_release)(inode, file);
	if (fuse_ext_wait_killable(&release->done, false))
		fuse_ext_count(fc, FUSE_EXT_RELEASE_SYNC_INTERRUPTED);
	else
		fuse_ext_count(fc, FUSE_EXT_RELEASE_SYNC);
	put_release(release);
	return err;
}

/* Interposed .release */
static int fuse_ext_file_release(struct inode *inode, struct file *file)
{
	struct fuse_file *ff = file->private_data;

	if (fuse_ext_is_untouched(ff->fm->fc, FUSE_EXT_TOGGLE_SYNC_RELEASE))
		return static_call(fuse_ext_stock_release)(inode, file);
	return release_as_set(inode, file);
}

void fuse_ext_release_file_operations(struct file_operations *operations)
{
	static_call_update(fuse_ext_stock_flush, operations->flush);
	operations->flush = fuse_ext_file_flush;
	static_call_update(fuse_ext_stock_release, operations->release);
	operations->release = fuse_ext_file_release;
}
