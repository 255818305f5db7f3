// SPDX-License-Identifier: GPL-2.0
/*
 * Takeover: new mounts and new opens of /dev/fuse come to this module; mounts
 * and descriptors that exist stay with the stock driver.  Everything here can
 * be undone, and is: on exit and on every error of init.
 *
 * The node, number and permissions of /dev/fuse stay the stock driver's: only
 * the fops pointer of its miscdevice, which misc_open() reads at each open, is
 * swapped.  Filesystem types can't be swapped in place, since existing mounts
 * point at them: they are unregistered and registered.
 */
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "internal.h"

/**
 * struct taken_type - a filesystem type that is taken over
 * @ours:	fs/fuse's, of this module
 * @stock:	the stock driver's of that name, holding a reference on it
 * @name:	the name
 * @is_registered: @ours is registered
 * @is_displaced: @stock isn't registered
 */
struct taken_type {
	struct file_system_type *ours;
	struct file_system_type *stock;
	const char *name;
	bool is_registered;
	bool is_displaced;
};

/* fuse, fuseblk, fusectl */
#define NR_TYPES	3

/* What ours are called until they are the only ones. */
static const char *const interim_names[NR_TYPES] = {
	"fuse_ext-0", "fuse_ext-1", "fuse_ext-2"
};

static struct taken_type types[NR_TYPES];
static int nr_types;

static const struct file_operations *device_operations;
static const struct file_operations *stock_device_operations;
static struct miscdevice *stock_device;
static struct device *stock_device_ref;

int fuse_ext_takeover_add_type(struct file_system_type *type)
{
	if (WARN_ON(nr_types == NR_TYPES))
		return -ENOSPC;
	types[nr_types].ours = type;
	types[nr_types].name = type->name;
	nr_types++;
	return 0;
}

void fuse_ext_takeover_set_device(const struct file_operations *fops)
{
	device_operations = fops;
}

static int find_stock_type(struct taken_type *type)
{
	int err = fuse_ext_init_step();

	if (err)
		return err;
	type->stock = get_fs_type(type->name);
	if (!type->stock) {
		pr_err("no filesystem type %s: load the stock driver (fuse) first\n", type->name);
		return -ENODEV;
	}
	return 0;
}

/*
 * The class of misc devices isn't exported, but a misc device of our own knows
 * it, and that class knows the stock driver's /dev/fuse.
 */
static int find_stock_device(void)
{
	static const struct file_operations no_operations = { .owner = THIS_MODULE };
	struct miscdevice probe = {
		.minor = MISC_DYNAMIC_MINOR,
		.name = "fuse_ext_probe",
		.fops = &no_operations,
		.mode = 0400,
	};
	struct device *device;
	int err = fuse_ext_init_step();

	if (err)
		return err;
	err = misc_register(&probe);
	if (err)
		return err;
	device = class_find_device_by_devt(probe.this_device->class, MKDEV(MISC_MAJOR, FUSE_MINOR));
	misc_deregister(&probe);

	if (!device) {
		pr_err("no device %d:%d: load the stock driver (fuse) first\n",
		       MISC_MAJOR, FUSE_MINOR);
		return -ENODEV;
	}
	stock_device = dev_get_drvdata(device);
	if (!stock_device || stock_device->minor != FUSE_MINOR || !stock_device->fops) {
		pr_err("device %d:%d isn't the stock driver's\n", MISC_MAJOR, FUSE_MINOR);
		put_device(device);
		return -ENODEV;
	}
	stock_device_ref = device;
	return 0;
}

static int register_ours(struct taken_type *type)
{
	int err = fuse_ext_init_step();

	if (err)
		return err;
	WRITE_ONCE(type->ours->name, interim_names[type - types]);
	err = register_filesystem(type->ours);
	if (err) {
		pr_err("can't register the filesystem type %s: error %d\n", type->name, err);
		return err;
	}
	type->is_registered = true;
	return 0;
}

/*
 * With two types of one name, the one that was registered first is found.  So
 * there is no moment at which a mount finds none.
 */
static int displace_stock(struct taken_type *type)
{
	int err = fuse_ext_init_step();

	if (err)
		return err;
	WRITE_ONCE(type->ours->name, type->name);
	err = unregister_filesystem(type->stock);
	if (err) {
		pr_err("the filesystem type %s isn't registered any more: error %d\n",
		       type->name, err);
		return err;
	}
	type->is_displaced = true;
	return 0;
}

static int swap_device_operations(void)
{
	int err = fuse_ext_init_step();

	if (err)
		return err;
	stock_device_operations = stock_device->fops;
	WRITE_ONCE(stock_device->fops, device_operations);
	return 0;
}

static void restore_device_operations(void)
{
	struct miscdevice barrier = { .minor = FUSE_MINOR, .name = "fuse_ext_barrier" };

	if (!stock_device_operations)
		return;
	WRITE_ONCE(stock_device->fops, stock_device_operations);
	stock_device_operations = NULL;
	/*
	 * misc_open() reads the pointer and then looks into our table, under a
	 * mutex that misc_register() takes too.  To register a minor that is
	 * taken fails, but not before every misc_open() that can have seen our
	 * pointer is over.
	 */
	if (!misc_register(&barrier))
		misc_deregister(&barrier);
}

/*
 * Undo as much as was done.  The types' window, in which a mount finds none, is
 * only here, where this module is on its way out and its types couldn't be
 * mounted anyway.  Forwards: the order in which /proc/filesystems lists the
 * stock types is the order in which they are registered.
 */
void fuse_ext_give_back(void)
{
	struct taken_type *type;

	restore_device_operations();
	for (type = types; type < types + nr_types; type++) {
		if (type->is_registered)
			unregister_filesystem(type->ours);
		type->is_registered = false;
		if (type->is_displaced && register_filesystem(type->stock))
			pr_err("somebody else registered the filesystem type %s\n", type->name);
		type->is_displaced = false;
		if (type->stock)
			module_put(type->stock->owner);
		type->stock = NULL;
	}
	if (stock_device_ref)
		put_device(stock_device_ref);
	stock_device_ref = NULL;
}

/**
 * fuse_ext_takeover - put ours in the place of the stock driver's
 *
 * What can fail is done before anything can be seen from outside.
 *
 * Return: 0, or an error with nothing changed
 */
int fuse_ext_takeover(void)
{
	int err = 0;
	int i;

	for (i = 0; !err && i < nr_types; i++)
		err = find_stock_type(&types[i]);
	if (!err)
		err = find_stock_device();
	for (i = 0; !err && i < nr_types; i++)
		err = register_ours(&types[i]);
	for (i = 0; !err && i < nr_types; i++)
		err = displace_stock(&types[i]);
	if (!err)
		err = swap_device_operations();
	if (!err)
		err = fuse_ext_init_step();
	if (err)
		fuse_ext_give_back();
	return err;
}
