/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included in front of every file of the distro's fs/fuse, in place of edits:
 * turns its registrations into ours, and its names into names that the stock
 * driver doesn't use.  Not included by our own files.
 */
#ifndef _FUSE_EXT_REDIRECT_H
#define _FUSE_EXT_REDIRECT_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* All that defines what is redefined below comes before it. */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/kobject.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <linux/sysfs.h>

#include "hooks.h"

/*
 * No alias of the stock driver: what it does is got by loading it.  With one,
 * get_fs_type() in our init could end in a request for ourselves.
 */
#undef MODULE_ALIAS
#define MODULE_ALIAS(alias)
#undef MODULE_ALIAS_FS
#define MODULE_ALIAS_FS(name)
#undef MODULE_ALIAS_MISCDEV
#define MODULE_ALIAS_MISCDEV(minor)

/* Init and exit become steps of ours; exit is also the way back from init. */
#undef __exit
#define __exit
#undef module_init
#define module_init(fn) int __init fuse_ext_stock_init(void) { return fn(); }
#undef module_exit
#define module_exit(fn) void fuse_ext_stock_exit(void) { fn(); }

/* Nothing is registered yet: takeover.c does it, and undoes it. */
#define register_filesystem(type)	fuse_ext_register_filesystem(type)
#define unregister_filesystem(type)	((void)(type))
#undef misc_register
#define misc_register(device)		fuse_ext_register_device(device)
#define misc_deregister(device)		((void)(device))

/* Names in sysfs and /proc/sys of which the stock driver has the plain ones. */
#define kobject_create_and_add(name, parent)	fuse_ext_kobject_create(parent)
#define sysfs_create_mount_point(kobj, name) \
	(fuse_ext_init_step() ?: sysfs_create_mount_point(kobj, name))
#define simple_fill_super(sb, magic, files)	fuse_ext_fill_control_super(sb, magic, files)

/* A mount that is being unmounted, and waits, isn't found again. */
#define sget_fc(fsc, test, set)		fuse_ext_sget(fsc, test, set)

#ifdef HAVE_FUSE_SYSCTL
#undef register_sysctl
#define register_sysctl(path, table) (fuse_ext_init_step() ? NULL : \
	register_sysctl_sz("fs/fuse_ext", table, ARRAY_SIZE(table)))
#endif

/*
 * A cache that is merged with another leaves its name in sysfs when it goes.
 * 6.5 and later can be told not to merge.
 */
#ifndef SLAB_NO_MERGE
#define SLAB_NO_MERGE 0
#endif

static inline struct kmem_cache *fuse_ext_cache_create(const char *name, unsigned int size,
						       unsigned int align, slab_flags_t flags,
						       void (*ctor)(void *object))
{
	/* Inodes are packed where our part of them would cost each another cache line. */
	const unsigned int stock_size = size - sizeof(struct fuse_ext_inode);

	if (fuse_ext_init_step())
		return NULL;
	if (ALIGN(size, L1_CACHE_BYTES) > ALIGN(stock_size, L1_CACHE_BYTES))
		flags &= ~SLAB_HWCACHE_ALIGN;
	return kmem_cache_create(name, size, align, flags | SLAB_NO_MERGE, ctor);
}

#undef kmem_cache_create
#define kmem_cache_create(name, size, align, flags, ctor) \
	fuse_ext_cache_create("fuse_ext_" name, size, align, flags, ctor)

#endif /* _FUSE_EXT_REDIRECT_H */
