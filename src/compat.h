/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The differences between kernels: the only place that knows of them, so that
 * all other files read as if there were one kernel.  The HAVE_* macros come
 * from probes of the distro's fs/fuse and headers in Kbuild.
 */
#ifndef _FUSE_EXT_COMPAT_H
#define _FUSE_EXT_COMPAT_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/iversion.h>
#ifdef HAVE_LOCK_IS_UNLOCK
#include <linux/filelock.h>
#endif
#include <linux/sched.h>
#include <linux/slab.h>

#include "fs/fuse_i.h"
#ifdef HAVE_FUSE_CHAN
#include "fs/dev.h"
#include "fs/fuse_dev_i.h"
#endif

/* 5.17 added fuse_init_in.flags2 and the 64-byte INIT. */
#ifndef FUSE_INIT_EXT
#define FUSE_INIT_EXT BIT(30)
#endif

/* 5.14 added FUSE_SYNCFS. */
#ifndef HAVE_SYNCFS
#define FUSE_SYNCFS 50

struct fuse_syncfs_in {
	u64 padding;
};
#endif

/* 7.0: fuse_args.end lost the mount, and the device's side became fuse_chan. */
#ifdef HAVE_FUSE_CHAN
#define FUSE_EXT_END(name) void name(struct fuse_args *args, int error)

/* The connection, held by the descriptor; NULL: not mounted. */
static inline struct fuse_conn *fuse_ext_device_conn(struct file *file)
{
	struct fuse_dev *fud = __fuse_get_dev(file);

	return fud ? fud->chan->conn : NULL;
}

static inline bool fuse_ext_connected(struct fuse_conn *fc)
{
	return READ_ONCE(fc->chan->connected);
}

static inline struct fuse_conn *fuse_ext_request_conn(struct fuse_req *req)
{
	return req->chan->conn;
}
#else
#define FUSE_EXT_END(name) \
	void name(struct fuse_mount *fm, struct fuse_args *args, int error)

static inline struct fuse_conn *fuse_ext_device_conn(struct file *file)
{
	struct fuse_dev *fud = READ_ONCE(file->private_data);

	return fud ? fud->fc : NULL;
}

static inline bool fuse_ext_connected(struct fuse_conn *fc)
{
	return READ_ONCE(fc->connected);
}

static inline struct fuse_conn *fuse_ext_request_conn(struct fuse_req *req)
{
	return req->fm->fc;
}
#endif

/* 5.11: fuse_file_put() learns of directories from its arguments no more. */
static inline void fuse_ext_put_regular_file(struct fuse_file *ff)
{
#ifdef HAVE_FILE_PUT_ISDIR
	fuse_file_put(ff, false, false);
#else
	fuse_file_put(ff, false);
#endif
}

/* 5.16: attributes are invalidated one by one. */
static inline void fuse_ext_invalidate_blocks(struct inode *inode)
{
#ifdef HAVE_INVALIDATE_ATTR_MASK
	fuse_invalidate_attr_mask(inode, STATX_BLOCKS);
#else
	fuse_invalidate_attr(inode);
#endif
}

/*
 * 6.1: a wait can be one that suspend doesn't have to wait for, though frozen
 * tasks stay in it.  @is_locked: with a lock, of which lockdep would warn; who
 * waits for it is in the way of suspend.
 */
static inline int fuse_ext_wait_killable(struct completion *done, bool is_locked)
{
#ifdef TASK_FREEZABLE
	return wait_for_completion_state(done, TASK_KILLABLE |
					 (is_locked ? TASK_FREEZABLE_UNSAFE : TASK_FREEZABLE));
#else
	return wait_for_completion_killable(done);
#endif
}

/* 6.9: struct file_lock got a core of its own. */
static inline bool fuse_ext_lock_is_unlock(struct file_lock *fl)
{
#ifdef HAVE_LOCK_IS_UNLOCK
	return lock_is_unlock(fl);
#else
	return fl->fl_type == F_UNLCK;
#endif
}

/* Up to 6.18, a new file of the control filesystem is told its link count. */
static inline struct dentry *fuse_ext_add_file(fuse_ext_add_dentry_t *add_dentry,
					       struct dentry *parent, struct fuse_conn *fc,
					       const char *name, int mode,
					       const struct file_operations *fop)
{
#ifdef HAVE_CTL_NLINK
	return add_dentry(parent, fc, name, S_IFREG | mode, 1, NULL, fop);
#else
	return add_dentry(parent, fc, name, S_IFREG | mode, NULL, fop);
#endif
}

/*
 * What the caches had seen before a request was sent: an answer that is older
 * than what came meanwhile must not replace it.
 */
struct fuse_ext_sample {
	u64 attr_version;
#ifdef HAVE_EVICT_CTR
	u64 evict_ctr;
#endif
#ifdef HAVE_DENTRY_EPOCH
	int epoch;
#endif
};

static inline void fuse_ext_take_sample(struct fuse_conn *fc, struct fuse_ext_sample *sample)
{
	sample->attr_version = fuse_get_attr_version(fc);
#ifdef HAVE_EVICT_CTR
	sample->evict_ctr = fuse_get_evict_ctr(fc);
#endif
#ifdef HAVE_DENTRY_EPOCH
	sample->epoch = atomic_read(&fc->epoch);
#endif
}

/*
 * The inode of an answer, which holds the node id from now on; NULL: no memory.
 * @is_created: it was made by the request
 */
static inline struct inode *fuse_ext_iget(struct super_block *sb, struct fuse_entry_out *entry,
					  const struct fuse_ext_sample *sample, bool is_created)
{
	/* 6.6: a macro in the place of a function */
#ifdef ATTR_TIMEOUT
	u64 attr_valid = ATTR_TIMEOUT(entry);
#else
	u64 attr_valid = entry_attr_timeout(entry);
#endif

	/*
	 * An update of 6.12: attributes of a new inode count as old if others
	 * were evicted meanwhile.  0: this can't have been one of them.
	 */
#ifdef HAVE_EVICT_CTR
	return fuse_iget(sb, entry->nodeid, entry->generation, &entry->attr, attr_valid,
			 sample->attr_version, is_created ? 0 : sample->evict_ctr);
#else
	return fuse_iget(sb, entry->nodeid, entry->generation, &entry->attr, attr_valid,
			 sample->attr_version);
#endif
}

/* 6.16: a server can declare all entries before an epoch invalid. */
static inline void fuse_ext_validate_entry(struct dentry *dentry, struct fuse_entry_out *entry,
					   const struct fuse_ext_sample *sample)
{
#ifdef HAVE_DENTRY_EPOCH
	fuse_dentry_set_epoch(dentry, sample->epoch);
#endif
	fuse_change_entry_timeout(dentry, entry);
}

static inline void fuse_ext_queue_forget(struct fuse_conn *fc, struct fuse_forget_link *forget,
					 u64 nodeid)
{
#ifdef HAVE_FUSE_CHAN
	fuse_chan_queue_forget(fc->chan, forget, nodeid, 1);
#else
	fuse_queue_forget(fc, forget, nodeid, 1);
#endif
}

/* An entry was made in it. */
static inline void fuse_ext_dir_changed(struct inode *dir)
{
	/* 7.0: what that can't change stays valid */
#ifdef FUSE_STATX_MODDIR
	fuse_invalidate_attr_mask(dir, FUSE_STATX_MODDIR);
#else
	fuse_invalidate_attr(dir);
#endif
	inode_maybe_inc_iversion(dir, false);
}

/* 6.10: fuse_file_alloc() is told whether there will be a RELEASE. */
static inline struct fuse_file *fuse_ext_file_alloc(struct fuse_mount *fm)
{
#ifdef HAVE_FILE_ALLOC_RELEASE
	return fuse_file_alloc(fm, true);
#else
	return fuse_file_alloc(fm);
#endif
}

/* 6.9: the answer to OPEN and CREATE is kept, for fuse_finish_open(). */
static inline struct fuse_open_out *fuse_ext_open_out(struct fuse_file *ff,
						      struct fuse_open_out *spare)
{
#ifdef HAVE_FAILING_OPEN
	return &ff->args->open_outarg;
#else
	return spare;
#endif
}

/* Make @file an open one of @dentry, which the server has opened as @ff. */
static inline int fuse_ext_open_created(struct file *file, struct dentry *dentry,
					struct fuse_file *ff)
{
	struct inode *inode = d_inode(dentry);
	int err;

	/* 6.9: fuse_finish_open() can fail, so it comes before the file is open */
#ifdef HAVE_FAILING_OPEN
	err = generic_file_open(inode, file);
	if (err)
		return err;
	file->private_data = ff;
	return finish_open(file, dentry, fuse_finish_open);
#else
	err = finish_open(file, dentry, generic_file_open);
	if (err)
		return err;
	file->private_data = ff;
	fuse_finish_open(inode, file);
	return 0;
#endif
}

/*
 * What goes with a request that creates, behind its name: 5.17 added the
 * security context, 6.3 the group of the directory.
 */
static inline int fuse_ext_add_create_ext(struct file *file, struct fuse_args *args,
					  struct inode *dir, struct dentry *dentry, umode_t mode)
{
#if defined(HAVE_IDMAP)
	return get_create_ext(file_mnt_idmap(file), args, dir, dentry, mode);
#elif defined(HAVE_CREATE_EXT)
	return get_create_ext(args, dentry, mode);
#else
	return 0;
#endif
}

static inline void fuse_ext_free_create_ext(struct fuse_args *args)
{
#ifdef HAVE_CREATE_EXT
	if (args->is_ext)
		kfree(args->in_args[args->ext_idx].value);
#endif
}

/* 6.12: on an id-mapped mount, the ids of the creator are those that it maps to. */
static inline ssize_t fuse_ext_create_request(struct file *file, struct fuse_mount *fm,
					      struct fuse_args *args)
{
#ifdef HAVE_IDMAP
	return fuse_simple_idmap_request(file_mnt_idmap(file), fm, args);
#else
	return fuse_simple_request(fm, args);
#endif
}

/* 5.12 and 6.3: inode operations are told the id mapping of the mount. */
#if defined(HAVE_MNT_IDMAP)
#define FUSE_EXT_IDMAP_PARAM	struct mnt_idmap *idmap,
#define FUSE_EXT_IDMAP_ARG	idmap,
#elif defined(HAVE_MNT_USERNS)
#define FUSE_EXT_IDMAP_PARAM	struct user_namespace *idmap,
#define FUSE_EXT_IDMAP_ARG	idmap,
#else
#define FUSE_EXT_IDMAP_PARAM
#define FUSE_EXT_IDMAP_ARG
#endif

/* 5.12: .map_pages says what it did. */
#ifdef HAVE_MAP_PAGES_RESULT
#define FUSE_EXT_MAP_PAGES_RESULT	vm_fault_t
#else
#define FUSE_EXT_MAP_PAGES_RESULT	void
#endif

/* 5.19: operations of the page cache are given folios. */
#ifndef HAVE_READ_FOLIO
#define folio		page
#define folio_unlock	unlock_page
#define read_folio	readpage
#define launder_folio	launder_page
#endif

/* 6.7: the times of an inode are private. */
static inline void fuse_ext_set_times(struct inode *inode, const struct fuse_attr *attr)
{
	u32 mtime_nsec = min_t(u32, attr->mtimensec, NSEC_PER_SEC - 1);
	u32 ctime_nsec = min_t(u32, attr->ctimensec, NSEC_PER_SEC - 1);

#ifdef HAVE_INODE_SET_MTIME
	inode_set_mtime(inode, attr->mtime, mtime_nsec);
	inode_set_ctime(inode, attr->ctime, ctime_nsec);
#else
	inode->i_mtime = (struct timespec64){ attr->mtime, mtime_nsec };
	inode->i_ctime = (struct timespec64){ attr->ctime, ctime_nsec };
#endif
}

#endif /* _FUSE_EXT_COMPAT_H */
