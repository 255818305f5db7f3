// SPDX-License-Identifier: GPL-2.0
/*
 * inval_files: the server fails all open files of an inode at once.  Here: which
 * files are failed, the notification, and what it does to the page cache.  What a
 * failed file answers is in inval_io.c.
 *
 * For the application: read(2), write(2), fsync(2), and all else that needs the
 * server, say EIO, on cached data too; mappings raise SIGBUS.  What was written
 * and not stored yet is lost, as the EIO of fsync(2) and close(2) says.  A new
 * open(2) works, and sees what the server has now.
 * For the server: FUSE_NOTIFY_INVAL_FILES fails what was opened by an answer to
 * OPEN, CREATE or FUSE_ATOMIC_CREATE whose write(2) had returned before the
 * write(2) of the notification began, and nothing whose answer began after the
 * notification had returned.  When it returns, no WRITE of those files will be
 * sent any more; RELEASE will be.  Mappings of a passthrough file are its
 * backing file's, and live on.
 * For the administrator: `off` refuses the notification, `on` accepts it from
 * servers that didn't negotiate it.
 *
 * There is one sequence per connection, whatever device an answer comes by: each
 * answer gets a number before the opener can see that it has arrived, and each
 * notification when it fails what is open: who has a higher one can see that.  A file
 * is failed if the number of its answer is below the inode's: to fail ten thousand
 * files costs as much as to fail one.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "internal.h"

/**
 * struct invalidation - what a notification leaves to a work item
 * @inode:	whose page cache is dropped; a reference
 */
struct invalidation {
	struct work_struct work;
	struct inode *inode;
};

/*
 * A request may be ended twice, and at once: by an abort, and by the read(2) or write(2)
 * that was copying it.  Both say that it has failed, and req->args may be gone already.
 * Without an error there is one end only, and args are there.
 */
void fuse_ext_end_observed_or_open(struct fuse_req *req)
{
	struct fuse_ext_creation *creation;
	struct fuse_ext_open *open;
	struct fuse_args *args;
	struct fuse_conn *fc;

	if (READ_ONCE(req->ext.sent))
		fuse_ext_request_answered(req);
	if (!fuse_ext_may_open(req->in.h.opcode) || req->out.h.error)
		return;
	args = req->args;
	fc = fuse_ext_request_conn(req);
	if (req->in.h.opcode == FUSE_OPEN) {
		open = container_of(args->out_args[0].value, struct fuse_ext_open, out);
		WRITE_ONCE(open->stamp, atomic64_inc_return(&fc->ext.sequence));
		return;
	}
	creation = container_of(args->out_args[1].value, struct fuse_ext_creation, out);
	spin_lock(&fc->ext.creation_lock);
	creation->stamp = atomic64_inc_return(&fc->ext.sequence);
	creation->nodeid = ((struct fuse_entry_out *)args->out_args[0].value)->nodeid;
	spin_unlock(&fc->ext.creation_lock);
}

/*
 * A file that is being created has no inode yet that a notification could find.
 * So creations that were answered are found by their node id, from before the
 * request until the inode is there and the file is known to be good.
 * fs/fuse doesn't look at private_data before the file is open.
 */
void fuse_ext_creation_begin(struct fuse_conn *fc, struct fuse_ext_creation *creation,
			     struct file *file)
{
	spin_lock(&fc->ext.creation_lock);
	hlist_add_head(&creation->entry, &fc->ext.creations);
	spin_unlock(&fc->ext.creation_lock);
	file->private_data = creation;
}

/* In the place of the request, in fuse_create_open() and in create.c. */
ssize_t fuse_ext_send_create(struct fuse_mount *fm, struct fuse_args *args, struct file *file)
{
	struct fuse_ext_creation *creation = file->private_data;
	void *out = args->out_args[1].value;
	ssize_t err;

	/* O_TMPFILE comes here, too. */
	if (args->opcode != FUSE_CREATE && args->opcode != FUSE_ATOMIC_CREATE)
		return fuse_ext_create_request(file, fm, args);
	args->out_args[1].value = &creation->out;
	err = fuse_ext_create_request(file, fm, args);
	args->out_args[1].value = out;
	if (err >= 0)
		memcpy(out, &creation->out, sizeof(creation->out));
	return err;
}

/* Return: @err, or why the file that was created can't be used */
int fuse_ext_creation_end(struct fuse_conn *fc, struct fuse_ext_creation *creation,
			  struct file *file, int err)
{
	struct fuse_file *ff;

	spin_lock(&fc->ext.creation_lock);
	hlist_del(&creation->entry);
	spin_unlock(&fc->ext.creation_lock);
	if (file->private_data == creation)
		file->private_data = NULL;
	if (err || !(file->f_mode & FMODE_OPENED))
		return err;

	ff = file->private_data;
	if (creation->stamp)
		WRITE_ONCE(ff->ext.open.stamp, creation->stamp);
	if (creation->is_failed) {
		fuse_ext_count(fc, FUSE_EXT_OPENS_STALE);
		return -EIO;
	}
	/* The VFS releases it if it is no good. */
	return fuse_ext_opened(file);
}

static bool fail_creations(struct fuse_conn *fc, u64 nodeid, u64 stamp)
{
	struct fuse_ext_creation *creation;
	bool is_found = false;

	spin_lock(&fc->ext.creation_lock);
	hlist_for_each_entry(creation, &fc->ext.creations, entry) {
		if (creation->stamp && creation->stamp < stamp && creation->nodeid == nodeid) {
			creation->is_failed = true;
			is_found = true;
		}
	}
	spin_unlock(&fc->ext.creation_lock);
	return is_found;
}

/*
 * Keep it from where fs/fuse looks for a file to write with, for good or until it
 * is put back: what is on a list already isn't linked again.  Under fi->lock.
 */
static void put_apart(struct fuse_file *ff)
{
	list_del(&ff->write_entry);
	list_add(&ff->write_entry, &ff->ext.apart);
}

static void put_back(struct inode *inode, struct file *file)
{
	struct fuse_file *ff = file->private_data;

	if (list_empty(&ff->ext.apart))
		return;
	list_del_init(&ff->write_entry);
	if ((file->f_mode & FMODE_WRITE) && get_fuse_conn(inode)->writeback_cache)
		list_add(&ff->write_entry, &get_fuse_inode(inode)->write_files);
}

/*
 * A file that is failed, or opened while the pages of failed ones are still there,
 * must not be what those pages are written with.
 */
static noinline void keep_apart(struct inode *inode, struct fuse_file *ff)
{
	struct fuse_inode *fi = get_fuse_inode(inode);

	spin_lock(&fi->lock);
	if (fuse_ext_is_busy(inode) || fuse_ext_is_failed(inode, ff))
		put_apart(ff);
	spin_unlock(&fi->lock);
}

void fuse_ext_finish_open(struct inode *inode, struct file *file)
{
	struct fuse_file *ff = file->private_data;
	struct fuse_conn *fc = ff->fm->fc;

	if (unlikely(READ_ONCE(fc->ext.want)))
		fuse_ext_take_flags(fc, ff);
	INIT_LIST_HEAD(&ff->ext.apart);
	if (!S_ISREG(inode->i_mode))
		return;
	/* Nothing was answered: a server without OPEN, or O_TMPFILE. */
	if (!ff->ext.open.stamp)
		ff->ext.open.stamp = atomic64_read(&fc->ext.sequence);
	if (unlikely(atomic64_read(&get_fuse_inode(inode)->ext.failed_before)))
		keep_apart(inode, ff);
}

/*
 * With the writeback cache, size and times of an inode are those that the kernel
 * has, whatever the server says.  After data that was never stored is dropped,
 * they are the server's again.
 */
int fuse_ext_refresh_lost(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	u64 failed_before = atomic64_read(&fi->ext.failed_before);
	struct fuse_getattr_in inarg = {};
	struct fuse_attr_out outarg = {};
	struct fuse_args args = {};
	int err;

	/* For whom fs/fuse refuses, which it will, the server isn't asked. */
	if (fuse_is_bad(inode) || !fuse_allow_current_process(get_fuse_conn(inode)))
		return 0;
	args.opcode = FUSE_GETATTR;
	args.nodeid = get_node_id(inode);
	args.in_numargs = 1;
	args.in_args[0].size = sizeof(inarg);
	args.in_args[0].value = &inarg;
	args.out_numargs = 1;
	args.out_args[0].size = sizeof(outarg);
	args.out_args[0].value = &outarg;
	err = fuse_simple_request(get_fuse_mount(inode), &args);
	if (err)
		return err;
	if (fuse_invalid_attr(&outarg.attr) || (inode->i_mode ^ outarg.attr.mode) & S_IFMT)
		return -EIO;

	/* The first one that comes here wins: only then can the file be written. */
	spin_lock(&fi->lock);
	if (atomic64_read(&fi->ext.failed_before) == failed_before &&
	    test_and_clear_bit(FUSE_EXT_INODE_ATTR_LOST, &fi->ext.flags)) {
		i_size_write(inode, outarg.attr.size);
		fuse_ext_set_times(inode, &outarg.attr);
	}
	spin_unlock(&fi->lock);
	return 0;
}

static int wait_until_idle(struct inode *inode)
{
	unsigned long *flags = &get_fuse_inode(inode)->ext.flags;

	return wait_var_event_killable(flags, !fuse_ext_is_busy(inode)) ? -EINTR : 0;
}

/**
 * fuse_ext_opened_again - may this file be used, some of whose inode were failed?
 * @file:	a regular file, open as far as the server and fs/fuse are concerned
 *
 * Waits for the end of an invalidation: until then the page cache has what isn't
 * valid any more.  The wait ends by SIGKILL, too, and by all that ends requests.
 *
 * Return: 0; -EIO: it was opened before the inode's files were failed; -EINTR:
 * the caller was killed; an error of GETATTR
 */
int fuse_ext_opened_again(struct file *file)
{
	struct inode *inode = file_inode(file);
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct fuse_file *ff = file->private_data;
	bool is_idle = false;
	int err;

	while (!is_idle) {
		err = wait_until_idle(inode);
		if (err)
			return err;
		spin_lock(&fi->lock);
		if (fuse_ext_is_failed(inode, ff)) {
			if (list_empty(&ff->ext.apart))
				put_apart(ff);
			spin_unlock(&fi->lock);
			fuse_ext_count(get_fuse_conn(inode), FUSE_EXT_OPENS_STALE);
			return -EIO;
		}
		is_idle = !fuse_ext_is_busy(inode);
		if (is_idle)
			put_back(inode, file);
		spin_unlock(&fi->lock);
	}
	return fuse_ext_refresh(inode);
}

/* The last one that ends wakes the work item; to wake it once too often does no harm. */
void fuse_ext_io_ended(struct inode *inode)
{
	atomic_t *io = &get_fuse_inode(inode)->ext.io;

	if (!atomic_read(io) && fuse_ext_is_busy(inode))
		wake_up_var(io);
}

/*
 * A request that writes pages back: what it carries is from before or after an
 * invalidation.  @write->stamp: 0 while one is under way.
 */
void fuse_ext_page_write_start(struct inode *inode, struct fuse_ext_write *write)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	u64 sequence = atomic64_read(&fc->ext.sequence);

	fuse_ext_write_start(fc, write);
	/* pairs with the barriers in fail_files(): busy only later is a higher number */
	smp_rmb();
	write->stamp = fuse_ext_is_busy(inode) ? 0 : sequence;
}

/*
 * Under fi->lock.  It fails as with an aborted connection: the pages are clean then.
 * Never -ENOMEM, after which fs/fuse sends it without the lock: memory is waited for
 * here, and then it is looked at again.
 */
int fuse_ext_send_write(struct fuse_mount *fm, struct fuse_args *args, struct inode *inode,
			const struct fuse_ext_write *write)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	int err;

	while (!fuse_ext_is_busy(inode) &&
	       write->stamp >= atomic64_read(&fi->ext.failed_before)) {
		err = fuse_simple_background(fm, args, GFP_ATOMIC);
		if (err != -ENOMEM)
			return err;
		spin_unlock(&fi->lock);
		kfree(kmalloc(sizeof(struct fuse_req), GFP_NOFS | __GFP_NOFAIL));
		spin_lock(&fi->lock);
	}
	/* For syncfs(2); whoever has a file is told by that. */
	errseq_set(&inode->i_sb->s_wb_err, -EIO);
	return -EIO;
}

/* Return: was that all, or has another notification come meanwhile? */
static bool finish(struct inode *inode, u64 failed_before)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct fuse_file *ff, *next;
	bool is_all;

	spin_lock(&fi->lock);
	is_all = atomic64_read(&fi->ext.failed_before) == failed_before;
	if (is_all) {
		list_for_each_entry_safe(ff, next, &fi->write_files, write_entry) {
			if (fuse_ext_is_failed(inode, ff))
				put_apart(ff);
		}
		clear_bit_unlock(FUSE_EXT_INODE_INVAL_BUSY, &fi->ext.flags);
	}
	spin_unlock(&fi->lock);
	return is_all;
}

/*
 * Not in the write(2) of the notification: pages are locked until the server, who
 * is in it, has answered.
 */
static void invalidate(struct work_struct *work)
{
	struct invalidation *invalidation = container_of(work, struct invalidation, work);
	struct inode *inode = invalidation->inode;
	struct fuse_inode *fi = get_fuse_inode(inode);
	u64 failed_before;

	do {
		failed_before = atomic64_read(&fi->ext.failed_before);
		/* Not TASK_UNINTERRUPTIBLE: it takes as long as the server likes. */
		___wait_var_event(&fi->ext.io, !atomic_read(&fi->ext.io), TASK_IDLE, 0, 0,
				  schedule());
		/* .map_pages can't be counted: it may not sleep, and is never told of its end */
		synchronize_rcu();
		/* As above. */
		if (mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY))
			errseq_set(&inode->i_sb->s_wb_err, -EIO);
		truncate_pagecache(inode, 0);
		fuse_invalidate_attr(inode);
	} while (!finish(inode, failed_before));
	/* pairs with the barrier in prepare_to_wait_event() */
	smp_mb();
	wake_up_var(&fi->ext.flags);

	iput(inode);
	kfree(invalidation);
}

/*
 * Fail what is open.  Takes over the caller's reference on the inode, and never
 * puts the last one: that waits for locked pages.
 */
static void fail_files(struct fuse_conn *fc, struct inode *inode,
		       struct invalidation *invalidation)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	bool is_first;

	invalidation->inode = inode;
	INIT_WORK(&invalidation->work, invalidate);

	spin_lock(&fi->lock);
	/*
	 * In this order, and both are full barriers: whoever is answered after the number
	 * is taken, and so isn't failed, sees that it is busy, and that it has to look.
	 */
	is_first = !test_and_set_bit(FUSE_EXT_INODE_INVAL_BUSY, &fi->ext.flags);
	atomic64_set(&fi->ext.failed_before, S64_MAX);
	atomic64_set(&fi->ext.failed_before, atomic64_inc_return(&fc->ext.sequence));
	fi->attr_version = atomic64_inc_return(&fc->attr_version);
	if (fc->writeback_cache)
		set_bit(FUSE_EXT_INODE_ATTR_LOST, &fi->ext.flags);
	/* While it is busy, its work item has a reference, too. */
	if (!is_first)
		WARN_ON(!atomic_add_unless(&inode->i_count, -1, 1));
	spin_unlock(&fi->lock);

	if (!is_first) {
		kfree(invalidation);
		return;
	}
	queue_work(fc->ext.inval_workqueue, &invalidation->work);
}

/*
 * One per connection: a server that doesn't answer holds up its own only.  It is
 * there from the first notification on.
 */
static int make_workqueue(struct fuse_conn *fc)
{
	struct workqueue_struct *workqueue;

	if (READ_ONCE(fc->ext.inval_workqueue))
		return 0;
	workqueue = alloc_workqueue("fuse_ext_inval", WQ_UNBOUND, 0);
	if (!workqueue)
		return -ENOMEM;
	if (cmpxchg(&fc->ext.inval_workqueue, NULL, workqueue))
		destroy_workqueue(workqueue);
	return 0;
}

/*
 * Called while the superblock is shut down, when the connection is aborted, so that
 * no work item waits for the server, and no notification finds an inode any more.
 */
void fuse_ext_inval_drain(struct fuse_conn *fc)
{
	if (fc->ext.inval_workqueue)
		destroy_workqueue(fc->ext.inval_workqueue);
	fc->ext.inval_workqueue = NULL;
}

/* Under killsb, so that what is found isn't unmounted meanwhile. */
static int inval_files(struct fuse_conn *fc, u64 nodeid, u64 stamp)
{
	struct invalidation *invalidation;
	struct inode *inode;
	bool is_found;
	int err;

	/* An unmounted one has nobody any more who ends the workqueue. */
	if (list_empty(&fc->mounts))
		return -ENOENT;
	err = make_workqueue(fc);
	if (err)
		return err;
	invalidation = kmalloc(sizeof(*invalidation), GFP_KERNEL);
	if (!invalidation)
		return -ENOMEM;

	/* Creations first: one that ends meanwhile has left an inode. */
	is_found = fail_creations(fc, nodeid, stamp);
	inode = fuse_ilookup(fc, nodeid, NULL);
	if (inode && S_ISREG(inode->i_mode)) {
		fail_files(fc, inode, invalidation);
		return 0;
	}
	kfree(invalidation);
	if (!inode)
		return is_found ? 0 : -ENOENT;
	iput(inode);
	return -EINVAL;
}

/**
 * fuse_ext_notify - a notification that fs/fuse doesn't know
 * @fc:		the connection
 * @code:	its code
 * @size:	of what follows the header, in bytes
 * @cs:		where that is read from...
 * @copy:	...by this
 * @finish_copy: and this is called when nothing is read any more
 *
 * Return: 0; -EINVAL: not one of ours, or a wrong size, flag or node id; -ENOSYS:
 * not negotiated, or turned off; -ENOENT: the kernel doesn't know the inode;
 * -ENOMEM; an error of @copy
 */
int fuse_ext_notify(struct fuse_conn *fc, unsigned int code, unsigned int size,
		    struct fuse_copy_state *cs, fuse_ext_copy_t *copy,
		    fuse_ext_finish_copy_t *finish_copy)
{
	u64 stamp = atomic64_inc_return(&fc->ext.sequence);
	struct fuse_ext_notify_inval_files_out arg = {};
	int err = -EINVAL;

	if (code == FUSE_NOTIFY_INVAL_FILES && size == sizeof(arg))
		err = copy(cs, &arg, sizeof(arg));
	finish_copy(cs);
	if (code == FUSE_NOTIFY_INVAL_FILES &&
	    fuse_ext_value(fc, FUSE_EXT_TOGGLE_INVAL_FILES) != FUSE_EXT_ON)
		return -ENOSYS;
	if (err)
		return err;
	if (!arg.nodeid || arg.flags || arg.padding)
		return -EINVAL;

	down_read(&fc->killsb);
	err = inval_files(fc, arg.nodeid, stamp);
	up_read(&fc->killsb);
	if (!err)
		fuse_ext_count(fc, FUSE_EXT_FILES_INVALIDATED);
	return err;
}
