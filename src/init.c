// SPDX-License-Identifier: GPL-2.0
/*
 * Init and exit of the module: fs/fuse's own init runs first, with its
 * registrations only noted; when nothing can fail any more, takeover.c puts
 * them in the place of the stock driver's.
 */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "internal.h"

#ifdef FUSE_EXT_DEBUG
/* For tests: init fails instead of step N.  Not in a build for users. */
static int fail_init;
module_param(fail_init, int, 0);
MODULE_PARM_DESC(fail_init, "init fails at step N, 1 to fail_init_steps; 0: doesn't");

#ifdef HAVE_FUSE_SYSCTL
#define NR_STEPS	22
MODULE_INFO(fail_init_steps, "22");
#else
#define NR_STEPS	21
MODULE_INFO(fail_init_steps, "21");
#endif

static int nr_steps;

/* Return: 0, or the error with which this step of init is to fail */
int fuse_ext_init_step(void)
{
	return ++nr_steps == fail_init ? -ENOMEM : 0;
}
#else
int fuse_ext_init_step(void)
{
	return 0;
}
#endif

static void (*stock_kill_control_sb)(struct super_block *sb);

static void kill_control_sb(struct super_block *sb)
{
	fuse_ext_set_control_dev(0);
	stock_kill_control_sb(sb);
}

int fuse_ext_fill_control_super(struct super_block *sb, unsigned long magic,
				const struct tree_descr *files)
{
	int err = simple_fill_super(sb, magic, files);

	if (!err)
		fuse_ext_set_control_dev(sb->s_dev);
	return err;
}

/* fs/fuse registers the types that mount a connection, and fusectl. */
int fuse_ext_register_filesystem(struct file_system_type *type)
{
	int err = fuse_ext_init_step();

	if (err)
		return err;
	if (!strcmp(type->name, "fusectl")) {
		stock_kill_control_sb = type->kill_sb;
		type->kill_sb = kill_control_sb;
	} else {
		fuse_ext_wrap_mount(type);
	}
	return fuse_ext_takeover_add_type(type);
}

int fuse_ext_register_device(struct miscdevice *device)
{
	int err = fuse_ext_init_step();

	if (!err)
		fuse_ext_takeover_set_device(device->fops);
	return err;
}

static int __init fuse_ext_init(void)
{
	int err = fuse_ext_init_step();

	if (err)
		return err;
	err = fuse_ext_flush_init();
	if (err)
		return err;
	err = fuse_ext_stock_init();
	if (err)
		goto out_flush;
	err = fuse_ext_takeover();
	if (err)
		goto out_stock;
#ifdef FUSE_EXT_DEBUG
	WARN(nr_steps != NR_STEPS, "init has %d steps, not %d\n", nr_steps, NR_STEPS);
#endif
	pr_info("serves new FUSE mounts; mounts made before stay with the stock driver\n");
	return 0;

out_stock:
	fuse_ext_stock_exit();
out_flush:
	fuse_ext_sysfs_end();
	fuse_ext_flush_exit();
	return err;
}

static void __exit fuse_ext_exit(void)
{
	fuse_ext_give_back();
	fuse_ext_stock_exit();
	fuse_ext_observe_exit();
	fuse_ext_sysfs_end();
	fuse_ext_flush_exit();
	pr_info("new FUSE mounts are served by the stock driver again\n");
}

module_init(fuse_ext_init);
module_exit(fuse_ext_exit);

/* Where the stock driver is a module, it has to be there to be taken over. */
MODULE_SOFTDEP("pre: fuse");
MODULE_DESCRIPTION("FUSE with async_flush and more, beside the stock driver");
