// SPDX-License-Identifier: GPL-2.0
/*
 * Our files in a connection's directory of the control filesystem: a file per
 * toggle, ext_state, ext_stats, ext_init and ext_requests.  The module-wide values are in toggle.c.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "internal.h"

static const char *const counter_names[FUSE_EXT_NR_COUNTERS] = {
	[FUSE_EXT_FLUSH_ASYNC] = "flush_async",
	[FUSE_EXT_FLUSH_ASYNC_ERRORS] = "flush_async_errors",
	[FUSE_EXT_FLUSH_ASYNC_PENDING] = "flush_async_pending",
	[FUSE_EXT_FLUSH_KEPT_SYNC] = "flush_kept_sync",
	[FUSE_EXT_RELEASE_SYNC] = "release_sync",
	[FUSE_EXT_RELEASE_SYNC_INTERRUPTED] = "release_sync_interrupted",
	[FUSE_EXT_CREATE_ATOMIC] = "create_atomic",
	[FUSE_EXT_CREATE_ATOMIC_EXISTED] = "create_atomic_existed",
	[FUSE_EXT_CREATE_FALLBACK] = "create_fallback",
	[FUSE_EXT_SYNCFS_SENT] = "syncfs",
	[FUSE_EXT_FILES_INVALIDATED] = "inval_files",
	[FUSE_EXT_OPENS_STALE] = "open_stale",
};

/* All else in it starts as zero. */
void fuse_ext_conn_init(struct fuse_conn *fc)
{
	spin_lock_init(&fc->ext.write_lock);
	mutex_init(&fc->ext.sync_mutex);
	spin_lock_init(&fc->ext.creation_lock);
	INIT_HLIST_HEAD(&fc->ext.creations);
}

/* fs/fuse clears i_private under fuse_mutex when the connection goes. */
static struct fuse_conn *conn_get(struct inode *inode)
{
	struct fuse_conn *fc;

	mutex_lock(&fuse_mutex);
	fc = inode->i_private;
	if (fc)
		fc = fuse_conn_get(fc);
	mutex_unlock(&fuse_mutex);
	return fc;
}

static int show_state(struct seq_file *m, void *unused)
{
	struct fuse_conn *fc = conn_get(m->private);
	int id;

	if (!fc)
		return -ENODEV;
	for (id = 0; id < FUSE_EXT_NR_TOGGLES; id++) {
		seq_printf(m, "%s %s %s\n", fuse_ext_toggles[id].name,
			   fuse_ext_value_name(fuse_ext_value(fc, id)),
			   fuse_ext_value_source(fc, id));
	}
	fuse_conn_put(fc);
	return 0;
}

static int show_stats(struct seq_file *m, void *unused)
{
	struct fuse_conn *fc = conn_get(m->private);
	int counter;

	if (!fc)
		return -ENODEV;
	for (counter = 0; counter < FUSE_EXT_NR_COUNTERS; counter++) {
		seq_printf(m, "%s %lld\n", counter_names[counter],
			   (long long)atomic64_read(&fc->ext.counters[counter]));
	}
	fuse_conn_put(fc);
	return 0;
}

/* What the loaded module and the server of this connection agreed on. */
static int show_init(struct seq_file *m, void *unused)
{
	struct fuse_conn *fc = conn_get(m->private);
	const char *separator = "";
	u32 want;
	int id;

	if (!fc)
		return -ENODEV;
	/* Before INIT is answered there is nothing to say. */
	if (smp_load_acquire(&fc->ext.init.is_known)) {
		seq_printf(m, "protocol %u.%u\noffered %#llx\naccepted %#llx\n",
			   fc->ext.init.major, fc->ext.init.minor, fc->ext.init.offered,
			   fc->ext.init.accepted);
		seq_printf(m, "max_readahead %u\nmax_write %u\nfeatures ",
			   fc->ext.init.max_readahead, fc->max_write);
		want = READ_ONCE(fc->ext.want) & FUSE_EXT_SUPPORTED;
		if (!want)
			seq_putc(m, '-');
		for (id = 0; id < FUSE_EXT_NR_TOGGLES; id++) {
			if (!(want & fuse_ext_toggles[id].feature))
				continue;
			seq_printf(m, "%s%s", separator, fuse_ext_toggles[id].name);
			separator = " ";
		}
		seq_putc(m, '\n');
	}
	fuse_conn_put(fc);
	return 0;
}

static int show_requests(struct seq_file *m, void *unused)
{
	fuse_ext_show_requests(m, m->private);
	return 0;
}

static int open_init(struct inode *inode, struct file *file)
{
	return single_open(file, show_init, inode);
}

/*
 * As long as it is open, requests are counted; the connection may go meanwhile,
 * and what was counted stays.
 */
static int open_requests(struct inode *inode, struct file *file)
{
	struct fuse_conn *fc = conn_get(inode);
	int err;

	if (!fc)
		return -ENODEV;
	err = fuse_ext_observe(fc);
	if (err)
		goto put;
	err = single_open(file, show_requests, fc);
	if (!err)
		return 0;
	fuse_ext_observe_end(fc);
put:
	fuse_conn_put(fc);
	return err;
}

static int release_requests(struct inode *inode, struct file *file)
{
	struct fuse_conn *fc = ((struct seq_file *)file->private_data)->private;

	fuse_ext_observe_end(fc);
	fuse_conn_put(fc);
	return single_release(inode, file);
}

static int open_state(struct inode *inode, struct file *file)
{
	return single_open(file, show_state, inode);
}

static int open_stats(struct inode *inode, struct file *file)
{
	return single_open(file, show_stats, inode);
}

static const struct file_operations state_operations = {
	.owner = THIS_MODULE,
	.open = open_state,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static const struct file_operations stats_operations = {
	.owner = THIS_MODULE,
	.open = open_stats,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static const struct file_operations init_operations = {
	.owner = THIS_MODULE,
	.open = open_init,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static const struct file_operations requests_operations = {
	.owner = THIS_MODULE,
	.open = open_requests,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = release_requests,
};

static int file_toggle(struct file *file)
{
	const struct qstr *name = &file->f_path.dentry->d_name;
	int id;

	/* The names in this filesystem are the kernel's: nothing renames them. */
	for (id = 0; id < FUSE_EXT_NR_TOGGLES - 1; id++) {
		if (!strcmp(fuse_ext_toggles[id].name, name->name))
			break;
	}
	return id;
}

static ssize_t setting_read(struct file *file, char __user *buf, size_t len, loff_t *ppos)
{
	struct fuse_conn *fc = conn_get(file_inode(file));
	char word[16];
	int value;
	int size;

	if (!fc)
		return -ENODEV;
	value = READ_ONCE(fc->ext.settings[file_toggle(file)]) & FUSE_EXT_VALUE_MASK;
	fuse_conn_put(fc);
	size = scnprintf(word, sizeof(word), "%s\n", fuse_ext_value_name(value));
	return simple_read_from_buffer(buf, len, ppos, word, size);
}

/*
 * The file belongs to whoever mounted, and the mounter may hand out its
 * descriptor: neither makes an administrator.  So both who opened it and who
 * writes must be one, in the initial user namespace.
 */
static ssize_t setting_write(struct file *file, const char __user *buf, size_t len, loff_t *ppos)
{
	int id = file_toggle(file);
	struct fuse_conn *fc;
	char word[16];
	int err = 0;
	int value;

	if (!file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN) || !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (*ppos || len >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, len))
		return -EFAULT;
	word[len] = '\0';
	/* A word with a NUL in it is no word. */
	if (strlen(word) != len)
		return -EINVAL;
	value = fuse_ext_parse_value(id, word, false);
	if (value < 0)
		return value;

	fc = conn_get(file_inode(file));
	if (!fc)
		return -ENODEV;
	if (fuse_ext_may_set(fc, id, value)) {
		WRITE_ONCE(fc->ext.settings[id], value);
		fuse_ext_syncfs_update(fc);
		fuse_ext_setting_changed();
	} else {
		err = -EPERM;
	}
	fuse_conn_put(fc);
	return err ? err : len;
}

static const struct file_operations setting_operations = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.read = setting_read,
	.write = setting_write,
};

/**
 * fuse_ext_ctl_add_conn - add our files for a connection
 * @fc:		the connection
 * @parent:	its directory
 * @add_dentry:	fuse_ctl_add_dentry(), which is private to control.c
 *
 * Called under fuse_mutex.  Return: 0 or -ENOMEM; the caller cleans up.
 */
int fuse_ext_ctl_add_conn(struct fuse_conn *fc, struct dentry *parent,
			  fuse_ext_add_dentry_t *add_dentry)
{
	int id;

	for (id = 0; id < FUSE_EXT_NR_TOGGLES; id++) {
		if (!fuse_ext_add_file(add_dentry, parent, fc, fuse_ext_toggles[id].name, 0600,
				       &setting_operations))
			return -ENOMEM;
	}
	if (!fuse_ext_add_file(add_dentry, parent, fc, "ext_state", 0400, &state_operations) ||
	    !fuse_ext_add_file(add_dentry, parent, fc, "ext_stats", 0400, &stats_operations) ||
	    !fuse_ext_add_file(add_dentry, parent, fc, "ext_init", 0400, &init_operations) ||
	    !fuse_ext_add_file(add_dentry, parent, fc, "ext_requests", 0400,
			       &requests_operations))
		return -ENOMEM;
	return 0;
}

#ifndef HAVE_FUSE_FDINFO
/* Of a mounted /dev/fuse, whose: /proc/PID/fdinfo, as 7.0 and later have it. */
void fuse_ext_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct fuse_conn *fc = fuse_ext_device_conn(file);

	if (fc)
		seq_printf(m, "fuse_connection:\t%u\n", fc->dev);
}
#endif
