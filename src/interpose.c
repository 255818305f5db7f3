// SPDX-License-Identifier: GPL-2.0
/*
 * Interposed operation tables: inodes and superblocks get a copy of the
 * distro's table with some entries of ours, so that fs/fuse needs no edit
 * inside those functions.  What the entries do is in the features' files.
 */
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "internal.h"

/*
 * The distro's tables are static in its files.  They are learnt from the first
 * inode of each kind and the first superblock; the copy is complete before the pointer that
 * says so is set.
 */
static DEFINE_MUTEX(copy_mutex);

const struct file_operations *fuse_ext_stock_file_operations;
static struct file_operations file_operations;

const struct inode_operations *fuse_ext_stock_inode_operations;
static struct inode_operations inode_operations;

const struct address_space_operations *fuse_ext_stock_aops;
static struct address_space_operations address_space_operations;

const struct inode_operations *fuse_ext_stock_dir_operations;
static struct inode_operations dir_operations;

static const struct super_operations *stock_super_operations;
static struct super_operations super_operations;

static void copy_file_tables(struct inode *inode)
{
	inode_operations = *inode->i_op;
	fuse_ext_inval_inode_operations(&inode_operations);
	fuse_ext_stock_inode_operations = inode->i_op;

	address_space_operations = *inode->i_data.a_ops;
	fuse_ext_inval_aops(&address_space_operations);
	fuse_ext_stock_aops = inode->i_data.a_ops;

	file_operations = *inode->i_fop;
	fuse_ext_inval_file_operations(&file_operations);
	fuse_ext_release_file_operations(&file_operations);
	file_operations.lock = fuse_ext_lock;
	/* pairs with the acquire below */
	smp_store_release(&fuse_ext_stock_file_operations, inode->i_fop);
}

/* The last place of fuse_init_file_inode() that touches tables. */
void fuse_ext_init_file_inode(struct inode *inode)
{
	struct fuse_ext_inode *ext = &get_fuse_inode(inode)->ext;

	/* pairs with the release below: the copy is complete */
	if (!smp_load_acquire(&fuse_ext_stock_file_operations)) {
		mutex_lock(&copy_mutex);
		if (!fuse_ext_stock_file_operations)
			copy_file_tables(inode);
		mutex_unlock(&copy_mutex);
	}
	inode->i_op = &inode_operations;
	inode->i_fop = &file_operations;
	inode->i_data.a_ops = &address_space_operations;
	ext->flags = 0;
	atomic_set(&ext->io, 0);
	atomic64_set(&ext->failed_before, 0);
}

/* The only place of fuse_init_dir() that touches i_op. */
void fuse_ext_init_dir(struct inode *inode)
{
	/* pairs with the release below: the copy is complete */
	if (!smp_load_acquire(&fuse_ext_stock_dir_operations)) {
		mutex_lock(&copy_mutex);
		if (!fuse_ext_stock_dir_operations) {
			dir_operations = *inode->i_op;
			dir_operations.atomic_open = fuse_ext_atomic_open;
			/* pairs with the acquire above */
			smp_store_release(&fuse_ext_stock_dir_operations, inode->i_op);
		}
		mutex_unlock(&copy_mutex);
	}
	inode->i_op = &dir_operations;
}

static int show_options(struct seq_file *m, struct dentry *root)
{
	int err = stock_super_operations->show_options(m, root);

	return err ? err : fuse_ext_show_options(m, root);
}

static int sync_fs(struct super_block *sb, int wait)
{
	return fuse_ext_sync_fs(sb, wait, stock_super_operations->sync_fs);
}

/* The connection is aborted by now: see fuse_ext_flush_drain(). */
static void put_super(struct super_block *sb)
{
	fuse_ext_flush_drain(get_fuse_conn_super(sb));
	fuse_ext_inval_drain(get_fuse_conn_super(sb));
	if (stock_super_operations->put_super)
		stock_super_operations->put_super(sb);
}

void fuse_ext_init_super(struct super_block *sb)
{
	/* pairs with the release below: the copy is complete */
	if (!smp_load_acquire(&stock_super_operations)) {
		mutex_lock(&copy_mutex);
		if (!stock_super_operations) {
			super_operations = *sb->s_op;
			super_operations.show_options = show_options;
			super_operations.put_super = put_super;
			super_operations.sync_fs = sync_fs;
			/* pairs with the acquire above */
			smp_store_release(&stock_super_operations, sb->s_op);
		}
		mutex_unlock(&copy_mutex);
	}
	sb->s_op = &super_operations;
}
