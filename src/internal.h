/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What our own files share.  For what fs/fuse calls, see hooks.h; for what
 * differs between kernels, compat.h.
 */
#ifndef _FUSE_EXT_INTERNAL_H
#define _FUSE_EXT_INTERNAL_H

#include <linux/module.h>
#include <linux/seq_file.h>

#include "hooks.h"
#include "compat.h"

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* Features that this build has; the others' toggles refuse to be turned on. */
#define FUSE_EXT_SUPPORTED	\
	(FUSE_EXT_ASYNC_FLUSH | FUSE_EXT_SYNC_RELEASE | FUSE_EXT_INVAL_FILES | \
	 FUSE_EXT_SYNCFS | FUSE_EXT_ATOMIC_CREATE)

/*
 * Values of a toggle.  DEFAULT is what a connection starts with: follow the
 * module-wide value.  AUTO: what the server asked for, else as stock.
 */
enum fuse_ext_value {
	FUSE_EXT_DEFAULT,
	FUSE_EXT_AUTO,
	FUSE_EXT_ON,
	FUSE_EXT_OFF,
	FUSE_EXT_EXIT,
	FUSE_EXT_NR_VALUES
};

/* In struct fuse_ext_conn.settings: set by a mount option... */
#define FUSE_EXT_SET_BY_MOUNT		0x80
/* ...namely by disable_sync_release, so that /proc/mounts shows that. */
#define FUSE_EXT_SET_BY_ALIAS		0x40
#define FUSE_EXT_VALUE_MASK		0x0f

/**
 * struct fuse_ext_toggle - a toggle, the same for module and connections
 * @name:	in sysfs, in the control filesystem and as a mount option
 * @feature:	FUSE_EXT_* bit that a server asks with
 * @values:	bit N: takes enum fuse_ext_value N
 */
struct fuse_ext_toggle {
	const char *name;
	u32 feature;
	unsigned int values;
};

extern const struct fuse_ext_toggle fuse_ext_toggles[FUSE_EXT_NR_TOGGLES];
extern u8 fuse_ext_module_settings[FUSE_EXT_NR_TOGGLES];

/* toggle.c */
int fuse_ext_parse_value(enum fuse_ext_toggle_id id, const char *word, bool module_wide);
const char *fuse_ext_value_name(enum fuse_ext_value value);
enum fuse_ext_value fuse_ext_value(const struct fuse_conn *fc, enum fuse_ext_toggle_id id);
const char *fuse_ext_value_source(const struct fuse_conn *fc, enum fuse_ext_toggle_id id);
bool fuse_ext_may_set(const struct fuse_conn *fc, enum fuse_ext_toggle_id id,
		      enum fuse_ext_value value);
bool fuse_ext_server_wants(const struct fuse_conn *fc, enum fuse_ext_toggle_id id);

/* The server asked for nothing, and nobody set it: all that a close(2) looks at then. */
static inline bool fuse_ext_is_untouched(const struct fuse_conn *fc, enum fuse_ext_toggle_id id)
{
	return !(READ_ONCE(fc->ext.want) | READ_ONCE(fc->ext.settings[id])) &&
	       READ_ONCE(fuse_ext_module_settings[id]) == FUSE_EXT_AUTO;
}

static inline void fuse_ext_count(struct fuse_conn *fc, enum fuse_ext_counter counter)
{
	atomic64_inc(&fc->ext.counters[counter]);
}

/* flush.c */
int fuse_ext_lock(struct file *file, int cmd, struct file_lock *fl);
void fuse_ext_flush_wait(struct super_block *sb);
void fuse_ext_flush_drain(struct fuse_conn *fc);
int fuse_ext_flush_init(void);
void fuse_ext_flush_exit(void);

/* release.c */
bool fuse_ext_is_reader(struct fuse_conn *fc);
void fuse_ext_take_flags(struct fuse_conn *fc, struct fuse_file *ff);
void fuse_ext_release_file_operations(struct file_operations *operations);

/* create.c */
int fuse_ext_atomic_open(struct inode *dir, struct dentry *entry, struct file *file,
			 unsigned int flags, umode_t mode);

/* syncfs.c */
int fuse_ext_sync_fs(struct super_block *sb, int wait,
		     int (*stock_sync_fs)(struct super_block *sb, int wait));
void fuse_ext_syncfs_update(struct fuse_conn *fc);
void fuse_ext_syncfs_update_all(void);

/* inval.c */
int fuse_ext_opened_again(struct file *file);
int fuse_ext_refresh_lost(struct inode *inode);
void fuse_ext_io_ended(struct inode *inode);
void fuse_ext_creation_begin(struct fuse_conn *fc, struct fuse_ext_creation *creation,
			     struct file *file);
int fuse_ext_creation_end(struct fuse_conn *fc, struct fuse_ext_creation *creation,
			  struct file *file, int err);
void fuse_ext_inval_drain(struct fuse_conn *fc);

/*
 * Inline, because they are all that an open(2), or a cached read(2) or write(2), has of
 * us, and where nothing was ever failed that is a look at one number.
 */
static inline bool fuse_ext_is_busy(struct inode *inode)
{
	return test_bit(FUSE_EXT_INODE_INVAL_BUSY, &get_fuse_inode(inode)->ext.flags);
}

static inline bool fuse_ext_is_failed(struct inode *inode, struct fuse_file *ff)
{
	u64 failed_before = atomic64_read(&get_fuse_inode(inode)->ext.failed_before);

	return unlikely(failed_before) && failed_before > READ_ONCE(ff->ext.open.stamp);
}

static inline bool fuse_ext_is_failed_file(struct file *file)
{
	return fuse_ext_is_failed(file_inode(file), file->private_data);
}

/* Return: 0, or an error of GETATTR: see fuse_ext_refresh_lost() */
static inline int fuse_ext_refresh(struct inode *inode)
{
	if (likely(!test_bit(FUSE_EXT_INODE_ATTR_LOST, &get_fuse_inode(inode)->ext.flags)))
		return 0;
	return fuse_ext_refresh_lost(inode);
}

/*
 * May this regular file be used, which the server has opened, and fs/fuse, too?
 * Return: 0, or as fuse_ext_opened_again()
 */
static inline int fuse_ext_opened(struct file *file)
{
	if (likely(!atomic64_read(&get_fuse_inode(file_inode(file))->ext.failed_before)))
		return 0;
	return fuse_ext_opened_again(file);
}

/*
 * Return: does somebody have to call fuse_ext_io_ended()?  Where failed_before is
 * still 0, no work item has looked at the count yet.
 */
static inline bool fuse_ext_io_uncount(struct inode *inode)
{
	struct fuse_ext_inode *ext = &get_fuse_inode(inode)->ext;

	atomic_dec(&ext->io);
	/* Either this sees the mark, or the work item sees the count. */
	smp_mb__after_atomic();
	return unlikely(atomic64_read(&ext->failed_before));
}

static inline void fuse_ext_io_end(struct inode *inode)
{
	if (fuse_ext_io_uncount(inode))
		fuse_ext_io_ended(inode);
}

static inline void fuse_ext_io_count(struct inode *inode)
{
	atomic_inc(&get_fuse_inode(inode)->ext.io);
	/* Either this sees the mark, or the work item sees the count. */
	smp_mb__after_atomic();
}

/*
 * Each write(2), fault and writeback of an inode that could leave something in
 * the page cache after it was dropped is counted; a failed file starts none.
 * Whoever gets -EIO hasn't begun.
 */
static inline int fuse_ext_io_begin(struct inode *inode, struct fuse_file *ff)
{
	fuse_ext_io_count(inode);
	if (!fuse_ext_is_failed(inode, ff))
		return 0;
	fuse_ext_io_end(inode);
	return -EIO;
}

/* The same for what is written back, by whatever file. */
static inline int fuse_ext_writeback_begin(struct inode *inode)
{
	fuse_ext_io_count(inode);
	if (likely(!fuse_ext_is_busy(inode)))
		return 0;
	fuse_ext_io_end(inode);
	return -EIO;
}

/* inval_io.c */
void fuse_ext_inval_file_operations(struct file_operations *operations);
void fuse_ext_inval_inode_operations(struct inode_operations *operations);
void fuse_ext_inval_aops(struct address_space_operations *operations);

/* interpose.c: the distro's tables that ours are copies of */
extern const struct file_operations *fuse_ext_stock_file_operations;
extern const struct inode_operations *fuse_ext_stock_dir_operations;
extern const struct inode_operations *fuse_ext_stock_inode_operations;
extern const struct address_space_operations *fuse_ext_stock_aops;

/* observe.c */
void fuse_ext_request_answered(struct fuse_req *req);
int fuse_ext_observe(struct fuse_conn *fc);
void fuse_ext_observe_end(struct fuse_conn *fc);
void fuse_ext_observe_exit(void);
void fuse_ext_show_requests(struct seq_file *m, struct fuse_conn *fc);

/* mount.c */
void fuse_ext_wrap_mount(struct file_system_type *type);
int fuse_ext_show_options(struct seq_file *m, struct dentry *root);

/* sysfs.c */
void fuse_ext_set_control_dev(dev_t dev);
void fuse_ext_setting_changed(void);
void fuse_ext_sysfs_end(void);

/* takeover.c */
int fuse_ext_takeover_add_type(struct file_system_type *type);
void fuse_ext_takeover_set_device(const struct file_operations *fops);
int fuse_ext_takeover(void);
void fuse_ext_give_back(void);

#endif /* _FUSE_EXT_INTERNAL_H */
