// SPDX-License-Identifier: GPL-2.0
/*
 * Mounting: a connection's settings from the options of mount(2) and remount,
 * and in /proc/mounts; and the end of a mount.  fs/fuse's own options stay
 * fs/fuse's: ours are taken out of the stream before it sees them.
 */
#include <linux/capability.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/uidgid.h>

#include "internal.h"

/* Toggles' options are numbered as they are; this one is an alias. */
#define OPT_DISABLE_SYNC_RELEASE	FUSE_EXT_NR_TOGGLES

static const struct fs_parameter_spec parameters[] = {
	fsparam_string("async_flush", FUSE_EXT_TOGGLE_ASYNC_FLUSH),
	fsparam_string("sync_release", FUSE_EXT_TOGGLE_SYNC_RELEASE),
	fsparam_string("atomic_create", FUSE_EXT_TOGGLE_ATOMIC_CREATE),
	fsparam_string("syncfs", FUSE_EXT_TOGGLE_SYNCFS),
	fsparam_string("inval_files", FUSE_EXT_TOGGLE_INVAL_FILES),
	fsparam_flag("disable_sync_release", OPT_DISABLE_SYNC_RELEASE),
	{}
};

/* What fs/fuse set up in its context; the same for fuse and fuseblk. */
static int (*stock_init_fs_context)(struct fs_context *fsc);
static const struct fs_context_operations *stock_ops;
static struct fs_context_operations wrapped_ops;
static DEFINE_MUTEX(wrap_mutex);

static int parse_param(struct fs_context *fsc, struct fs_parameter *param)
{
	struct fuse_fs_context *ctx = fsc->fs_private;
	struct fs_parse_result result;
	int value;
	int opt;

	opt = fs_parse(fsc, parameters, param, &result);
	if (opt == -ENOPARAM)
		return stock_ops->parse_param(fsc, param);
	if (opt < 0)
		return opt;

	if (opt == OPT_DISABLE_SYNC_RELEASE) {
		opt = FUSE_EXT_TOGGLE_SYNC_RELEASE;
		value = FUSE_EXT_OFF | FUSE_EXT_SET_BY_ALIAS;
	} else {
		value = fuse_ext_parse_value(opt, param->string, false);
	}
	if (value == -EOPNOTSUPP) {
		errorf(fsc, "fuse_ext: this build has no %s", fuse_ext_toggles[opt].name);
		return value;
	}
	if (value < 0)
		return invalf(fsc, "fuse_ext: bad value for %s", fuse_ext_toggles[opt].name);

	ctx->ext.settings[opt] = value | FUSE_EXT_SET_BY_MOUNT;
	__set_bit(opt, &ctx->ext.given);
	return 0;
}

/*
 * Mounted by an administrator, and for one: fusermount3(1) has the capability,
 * but gives the id of the user that it mounts for.
 */
static bool is_privileged(struct fs_context *fsc)
{
	struct fuse_fs_context *ctx = fsc->fs_private;

	return fsc->user_ns == &init_user_ns && capable(CAP_SYS_ADMIN) &&
	       uid_eq(ctx->user_id, GLOBAL_ROOT_UID);
}

/* syncfs=on makes sync(2) of the machine wait for this server. */
static int check(struct fs_context *fsc)
{
	struct fuse_fs_context *ctx = fsc->fs_private;

	if (test_bit(FUSE_EXT_TOGGLE_SYNCFS, &ctx->ext.given) &&
	    (ctx->ext.settings[FUSE_EXT_TOGGLE_SYNCFS] & FUSE_EXT_VALUE_MASK) == FUSE_EXT_ON &&
	    !is_privileged(fsc)) {
		errorf(fsc, "fuse_ext: syncfs=on is for the administrator's mounts");
		return -EPERM;
	}
	return 0;
}

static void apply(struct fs_context *fsc)
{
	struct fuse_fs_context *ctx = fsc->fs_private;
	struct fuse_conn *fc = get_fuse_conn_super(fsc->root->d_sb);
	unsigned int id;

	for_each_set_bit(id, &ctx->ext.given, FUSE_EXT_NR_TOGGLES) {
		u8 value = ctx->ext.settings[id];

		if ((value & FUSE_EXT_VALUE_MASK) == FUSE_EXT_DEFAULT)
			value = FUSE_EXT_DEFAULT;
		WRITE_ONCE(fc->ext.settings[id], value);
	}
	fuse_ext_syncfs_update(fc);
	if (ctx->ext.given)
		fuse_ext_setting_changed();
}

static int get_tree(struct fs_context *fsc)
{
	int err = check(fsc);

	if (err)
		return err;
	err = stock_ops->get_tree(fsc);
	if (!err) {
		WRITE_ONCE(get_fuse_conn_super(fsc->root->d_sb)->ext.is_privileged,
			   is_privileged(fsc));
		apply(fsc);
	}
	return err;
}

static int reconfigure(struct fs_context *fsc)
{
	int err = check(fsc);

	if (err)
		return err;
	err = stock_ops->reconfigure(fsc);
	if (!err)
		apply(fsc);
	return err;
}

static int init_fs_context(struct fs_context *fsc)
{
	int err = stock_init_fs_context(fsc);

	if (err)
		return err;
	mutex_lock(&wrap_mutex);
	if (!stock_ops) {
		wrapped_ops = *fsc->ops;
		wrapped_ops.parse_param = parse_param;
		wrapped_ops.get_tree = get_tree;
		wrapped_ops.reconfigure = reconfigure;
		stock_ops = fsc->ops;
	}
	mutex_unlock(&wrap_mutex);
	fsc->ops = &wrapped_ops;
	return 0;
}

static fuse_ext_sb_t *stock_test;

static int test_super(struct super_block *sb, struct fs_context *fsc)
{
	return atomic_read(&sb->s_active) && READ_ONCE(stock_test)(sb, fsc);
}

/*
 * In the place of sget_fc(): who mounts a connection again whose mount is being
 * unmounted doesn't find it, as if that were over.  While fuse_ext_flush_wait() waits, the
 * VFS would spin before 6.6, and be unkillable later.
 */
struct super_block *fuse_ext_sget(struct fs_context *fsc, fuse_ext_sb_t *test,
				  fuse_ext_sb_t *set)
{
	/* fs/fuse has one, where it has any */
	if (test)
		WRITE_ONCE(stock_test, test);
	return sget_fc(fsc, test ? test_super : NULL, set);
}

/*
 * The end of a mount: before the stock driver aborts the connection, let what
 * is in flight in the background arrive.  Not all mounts have got a root.
 */
static void kill_sb_of(struct super_block *sb, void (*stock_kill_sb)(struct super_block *sb))
{
	if (sb->s_root)
		fuse_ext_flush_wait(sb);
	stock_kill_sb(sb);
}

static void (*stock_kill_sb)(struct super_block *sb);
static void (*stock_kill_sb_blk)(struct super_block *sb);

static void kill_sb(struct super_block *sb)
{
	kill_sb_of(sb, stock_kill_sb);
}

static void kill_sb_blk(struct super_block *sb)
{
	kill_sb_of(sb, stock_kill_sb_blk);
}

/* Called by init for fuse and fuseblk, before anybody can mount them. */
void fuse_ext_wrap_mount(struct file_system_type *type)
{
	stock_init_fs_context = type->init_fs_context;
	type->init_fs_context = init_fs_context;
	if (type->fs_flags & FS_REQUIRES_DEV) {
		stock_kill_sb_blk = type->kill_sb;
		type->kill_sb = kill_sb_blk;
	} else {
		stock_kill_sb = type->kill_sb;
		type->kill_sb = kill_sb;
	}
}

/*
 * Only what came by a mount option is shown: a remount hands the options that
 * are shown back, and would undo what was set on the connection since.
 */
int fuse_ext_show_options(struct seq_file *m, struct dentry *root)
{
	struct fuse_conn *fc = get_fuse_conn_super(root->d_sb);
	int id;

	for (id = 0; id < FUSE_EXT_NR_TOGGLES; id++) {
		u8 value = READ_ONCE(fc->ext.settings[id]);

		if (!(value & FUSE_EXT_SET_BY_MOUNT))
			continue;
		if (value & FUSE_EXT_SET_BY_ALIAS)
			seq_puts(m, ",disable_sync_release");
		else
			seq_printf(m, ",%s=%s", fuse_ext_toggles[id].name,
				   fuse_ext_value_name(value & FUSE_EXT_VALUE_MASK));
	}
	return 0;
}
