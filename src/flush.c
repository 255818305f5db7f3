// SPDX-License-Identifier: GPL-2.0
/*
 * async_flush: close(2) and exit(2) don't wait for the server's answer to
 * FLUSH.  Not about RELEASE, which never was waited for.
 *
 * For the application: dirty pages are written, and their errors returned by
 * close(2), as ever.  What the server says to FLUSH is not returned by close(2)
 * any more: an error is kept, and returned by the next fsync(2) of that file
 * and by the next close(2).
 * For the server: FLUSH arrives as ever, with the caller's ids, and always
 * before the RELEASE of that file; but the caller doesn't wait.  Unmounting
 * does, so that no FLUSH is thrown away.
 * For the administrator: `exit` only where the caller is dying and nobody can
 * see the result, which ends the deadlock of a process that dies while its
 * server waits for it; `on` for each close.  As FLUSH is also how the server
 * drops POSIX locks, and whoever waits for such a lock may count on close(2)
 * having dropped it, a file on which a lock was sent to the server is flushed
 * as stock does, unless it is the server that asked for async_flush.
 */
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "internal.h"

struct fuse_ext_flush {
	struct fuse_args args;
	struct fuse_flush_in inarg;
	struct fuse_file *ff;
	struct inode *inode;
	struct fuse_ext_write write;
	struct work_struct put_inode;
};

static struct workqueue_struct *put_workqueue;

static void put_inode(struct work_struct *work)
{
	struct fuse_ext_flush *flush = container_of(work, struct fuse_ext_flush, put_inode);
	struct fuse_conn *fc = get_fuse_conn(flush->inode);

	iput(flush->inode);
	kfree(flush);
	if (atomic_dec_and_test(&fc->ext.deferred_puts))
		wake_up_var(&fc->ext.deferred_puts);
}

/*
 * The file before the inode: the last put of the file sends RELEASE, which is
 * how RELEASE can't overtake FLUSH, and needs the inode.
 *
 * This runs in the server's write(2), or in whoever aborts the connection.  To
 * put the last reference on the inode waits for its locked folios, that is for
 * requests that this very task may have to answer: a work item does that.
 * Usually RELEASE holds another reference; with a server without OPEN, none.
 */
static void flush_free(struct fuse_ext_flush *flush)
{
	struct inode *inode = flush->inode;
	struct fuse_conn *fc = get_fuse_conn(inode);

	fuse_ext_write_end(&flush->write);
	fuse_ext_put_regular_file(flush->ff);
	if (atomic64_dec_and_test(&fc->ext.counters[FUSE_EXT_FLUSH_ASYNC_PENDING]))
		wake_up_var(&fc->ext.counters[FUSE_EXT_FLUSH_ASYNC_PENDING]);
	if (atomic_add_unless(&inode->i_count, -1, 1)) {
		kfree(flush);
		return;
	}
	atomic_inc(&fc->ext.deferred_puts);
	INIT_WORK(&flush->put_inode, put_inode);
	queue_work(put_workqueue, &flush->put_inode);
}

/*
 * Called when a mount ends, before the connection is aborted: with stock FUSE,
 * what close(2) has flushed has arrived when umount(2) throws the rest away.
 * The wait ends by the answers, by SIGKILL, by an abort and by the server's
 * death.  A task that can't be killed doesn't wait, and neither does the server.
 *
 * Not with s_umount, for which sync(2) of the machine waits, and perhaps the server,
 * too: nobody can bring the superblock back to life, nor find it: fuse_ext_sget().  That
 * of a block device keeps it: before 6.6 who mounts the device meanwhile would spin.
 */
void fuse_ext_flush_wait(struct super_block *sb)
{
	struct fuse_conn *fc = get_fuse_conn_super(sb);
	atomic64_t *pending = &fc->ext.counters[FUSE_EXT_FLUSH_ASYNC_PENDING];

	if (!atomic64_read(pending) || (current->flags & (PF_EXITING | PF_KTHREAD)) ||
	    fuse_ext_is_reader(fc))
		return;
	if (!sb->s_bdev)
		up_write(&sb->s_umount);
	wait_var_event_killable(pending, !atomic64_read(pending));
	if (!sb->s_bdev)
		down_write(&sb->s_umount);
}

/*
 * Called while the superblock is shut down, when the connection is aborted and
 * all its requests have ended, so that nothing here waits for the server.
 */
void fuse_ext_flush_drain(struct fuse_conn *fc)
{
	wait_var_event(&fc->ext.deferred_puts, !atomic_read(&fc->ext.deferred_puts));
}

int __init fuse_ext_flush_init(void)
{
	put_workqueue = alloc_workqueue("fuse_ext_put", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return put_workqueue ? 0 : -ENOMEM;
}

void fuse_ext_flush_exit(void)
{
	destroy_workqueue(put_workqueue);
}

static FUSE_EXT_END(flush_end)
{
	struct fuse_ext_flush *flush = container_of(args, struct fuse_ext_flush, args);
	struct inode *inode = flush->inode;
	struct fuse_conn *fc = get_fuse_conn(inode);

	if (error == -ENOSYS) {
		WRITE_ONCE(fc->ext.no_flush, 1);
	} else if (error) {
		fuse_ext_count(fc, FUSE_EXT_FLUSH_ASYNC_ERRORS);
		mapping_set_error(inode->i_mapping, error);
	}
	if (fc->writeback_cache)
		fuse_ext_invalidate_blocks(inode);
	flush_free(flush);
}

static bool flush_is_async(struct fuse_conn *fc, struct inode *inode)
{
	switch (fuse_ext_value(fc, FUSE_EXT_TOGGLE_ASYNC_FLUSH)) {
	case FUSE_EXT_ON:
		break;
	case FUSE_EXT_EXIT:
		if (current->flags & PF_EXITING)
			break;
		return false;
	default:
		return false;
	}

	if (test_bit(FUSE_EXT_INODE_REMOTE_LOCK, &get_fuse_inode(inode)->ext.flags) &&
	    !fuse_ext_server_wants(fc, FUSE_EXT_TOGGLE_ASYNC_FLUSH)) {
		fuse_ext_count(fc, FUSE_EXT_FLUSH_KEPT_SYNC);
		return false;
	}
	return true;
}

static noinline int flush_as_set(struct file *file, struct fuse_mount *fm, struct fuse_args *args)
{
	struct inode *inode = file_inode(file);
	struct fuse_conn *fc = fm->fc;
	struct fuse_ext_flush *flush;
	int err;

	if (!flush_is_async(fc, inode))
		return fuse_simple_request(fm, args);
	/*
	 * What the server said in the background is handed on here, so that
	 * fc->no_flush, a bit-field, is only written where stock writes it.
	 */
	if (READ_ONCE(fc->ext.no_flush))
		return -ENOSYS;

	/*
	 * As for RELEASE, there is no way back here: falling back on waiting
	 * would bring back the deadlock of an exiting task.
	 */
	flush = kzalloc(sizeof(*flush), GFP_KERNEL | __GFP_NOFAIL);
	flush->inarg = *(const struct fuse_flush_in *)args->in_args[0].value;
	flush->args.opcode = args->opcode;
	flush->args.nodeid = args->nodeid;
	flush->args.in_numargs = 1;
	flush->args.in_args[0].size = sizeof(flush->inarg);
	flush->args.in_args[0].value = &flush->inarg;
	/* Forced: it must not wait on fc->blocked for other requests' answers. */
	flush->args.force = true;
	flush->args.nocreds = true;
	flush->args.end = flush_end;

	/*
	 * References on the fuse_file and the inode, never on the struct file,
	 * which would delay put_write_access() and give ETXTBSY to whoever
	 * writes a program and runs it.
	 */
	flush->ff = file->private_data;
	refcount_inc(&flush->ff->count);
	flush->inode = inode;
	ihold(inode);

	fuse_ext_write_start(fc, &flush->write);
	atomic64_inc(&fc->ext.counters[FUSE_EXT_FLUSH_ASYNC_PENDING]);
	err = fuse_simple_background(fm, &flush->args, GFP_KERNEL | __GFP_NOFAIL);
	if (err) {
		/* Aborted: close(2) is still there to be told. */
		flush_free(flush);
		return err;
	}
	fuse_ext_count(fc, FUSE_EXT_FLUSH_ASYNC);
	return 0;
}

/**
 * fuse_ext_flush - send FLUSH, and wait for the answer or not
 * @file:	the file that is being closed
 * @fm:		its mount
 * @args:	the request, which fuse_flush() has on its stack
 *
 * Return: the server's answer; 0 if it isn't waited for
 */
int fuse_ext_flush(struct file *file, struct fuse_mount *fm, struct fuse_args *args)
{
	if (fuse_ext_is_untouched(fm->fc, FUSE_EXT_TOGGLE_ASYNC_FLUSH))
		return fuse_simple_request(fm, args);
	return flush_as_set(file, fm, args);
}

/*
 * Interposed .lock: remember that the server holds locks on this inode.  The
 * bit is set before the request goes out, and stays: when the last lock is
 * gone is the server's knowledge, not ours.
 */
int fuse_ext_lock(struct file *file, int cmd, struct file_lock *fl)
{
	struct inode *inode = file_inode(file);

	/* What close(2) drops is dropped whatever has become of the file. */
	if (!fuse_ext_lock_is_unlock(fl) && fuse_ext_is_failed_file(file))
		return -EIO;
	if (cmd != F_CANCELLK && cmd != F_GETLK && !get_fuse_conn(inode)->no_lock &&
	    !fuse_ext_lock_is_unlock(fl))
		set_bit(FUSE_EXT_INODE_REMOTE_LOCK, &get_fuse_inode(inode)->ext.flags);
	return fuse_ext_stock_file_operations->lock(file, cmd, fl);
}
