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
#ifdef HAVE_LOCK_IS_UNLOCK
#include <linux/filelock.h>
#endif
#include <linux/sched.h>

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
 * tasks stay in it.
 */
static inline int fuse_ext_wait_killable(struct completion *done)
{
#ifdef TASK_FREEZABLE
	return wait_for_completion_state(done, TASK_KILLABLE | TASK_FREEZABLE);
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

#endif /* _FUSE_EXT_COMPAT_H */
