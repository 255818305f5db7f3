// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl load`: fuse_ext takes over new mounts, and the connections
 * of both drivers stay reachable.  Not for installing or building it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connections.h"
#include "control.h"
#include "fusectl.h"
#include "kernel.h"
#include "ops.h"
#include "options.h"
#include "text.h"

static bool dry_run;

static const struct verb_option options[] = {
	OPTION_DRY_RUN(&dry_run),
};

static const struct usage usage = {
	.operands = "",
	.text =
	"Load fuse_ext. From then on it serves new FUSE mounts; those that exist stay\n"
	"with the stock driver. The control filesystem of fuse_ext is mounted at\n"
	PLACE_STANDARD ", that of the stock driver stays reachable at\n"
	PLACE_STOCK ". If fuse_ext is loaded already, only\n"
	"what is missing of that is done. If a step fails, those before are undone.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

/* A visible instance of the stock driver's control filesystem, or NULL. */
static const struct mount *find_stock(const struct mounts *mounts)
{
	const struct mount *mount = mounts_at(mounts, PLACE_STANDARD);
	size_t i;

	if (mount && mount_is_control(mount) &&
	    !connections_is_own_control(mount))
		return mount;
	for (i = 0; i < mounts->count; i++) {
		mount = &mounts->mount[i];
		if (mount_is_control(mount) && !strcmp(mount->root, "/") &&
		    !connections_is_own_control(mount) &&
		    mounts_at(mounts, mount->target) == mount)
			return mount;
	}
	return NULL;
}

/* Whether the stock driver's lies below ours at the standard place. */
static bool stock_is_covered(const struct mounts *mounts)
{
	const struct mount *mount;
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		mount = &mounts->mount[i];
		if (mount_is_control(mount) &&
		    !strcmp(mount->target, PLACE_STANDARD) &&
		    !connections_is_own_control(mount))
			return true;
	}
	return false;
}

static int make_stock_place(struct journal *journal)
{
	int ret = journal_mkdir(journal, PLACE_RUN);

	return ret ? ret : journal_mkdir(journal, PLACE_STOCK);
}

/*
 * Before the load, because after it nothing mounts the stock driver's control
 * filesystem any more.  A mount of its own rather than a bind of the one at the
 * standard place: it isn't a peer of that one, so ours, mounted over it, isn't
 * propagated to here.
 */
static int keep_stock_before(const struct mounts *mounts,
			     struct journal *journal)
{
	const struct mount *mount = mounts_at(mounts, PLACE_STOCK);
	int ret;

	if (mount && mount_is_control(mount))
		return 0;
	ret = make_stock_place(journal);
	if (ret)
		return ret;
	ret = journal_mount_silent(journal, PLACE_STOCK);
	/* no stock driver yet, and so no connection of it */
	if (ret == -ENODEV)
		return journal_undo(journal) ? 0 : ret;
	if (ret)
		complain("can't mount the stock control filesystem at %s: %s", PLACE_STOCK,
			 strerror(-ret));
	return ret;
}

/*
 * A bind is a peer of its source, in each mount namespace that /run propagates
 * to, and there ours would be mounted over both.  So it is made in a directory
 * that propagates nothing.
 */
static int make_private_place(const struct mounts *mounts,
			      struct journal *journal)
{
	int ret = journal_mkdir(journal, PLACE_RUN);

	if (!ret && !mounts_at(mounts, PLACE_RUN))
		ret = journal_bind(journal, PLACE_RUN, PLACE_RUN);
	return ret ? ret : journal_mkdir(journal, PLACE_STOCK);
}

/* Loaded without fusectl (at boot, by modprobe): what can still be done. */
static int keep_stock_after(const struct mounts *mounts,
			    struct journal *journal)
{
	const struct mount *mount = mounts_at(mounts, PLACE_STOCK);
	int ret;

	if (mount && mount_is_control(mount))
		return 0;
	mount = find_stock(mounts);
	if (!mount && !stock_is_covered(mounts))
		return 0;
	ret = make_private_place(mounts, journal);
	if (ret)
		return ret;
	if (mount)
		return journal_bind(journal, mount->target, PLACE_STOCK);
	ret = journal_unmount(journal, PLACE_STANDARD);
	if (ret)
		return ret;
	ret = journal_bind(journal, PLACE_STANDARD, PLACE_STOCK);
	return ret ? ret : journal_mount(journal, PLACE_STANDARD);
}

static int mount_own(struct journal *journal, const char *place)
{
	const struct mount *mount;
	struct mounts mounts;
	int ret;

	/* read anew: udev may have had systemd mount it a moment ago */
	ret = mounts_read(&mounts);
	if (ret)
		return ret;
	mount = mounts_at(&mounts, place);
	if (!mount || !connections_is_own_control(mount))
		ret = journal_mount(journal, place);
	mounts_free(&mounts);
	return ret;
}

static int load(struct journal *journal, bool loaded)
{
	struct mounts mounts;
	int ret;

	ret = mounts_read(&mounts);
	if (ret)
		return ret;
	if (loaded)
		ret = keep_stock_after(&mounts, journal);
	else
		ret = keep_stock_before(&mounts, journal);
	mounts_free(&mounts);
	/* which module the kernel takes is no matter of who asks */
	if (!ret && !loaded && journal_insert(journal))
		ret = -ENOEXEC;
	if (!ret)
		ret = mount_own(journal, PLACE_OWN);
	if (!ret)
		ret = mount_own(journal, PLACE_STANDARD);
	return ret;
}

static void tell_own(const struct mounts *mounts, const char *place)
{
	const struct mount *mount = mounts_at(mounts, place);

	if (!mount || !connections_is_own_control(mount))
		announce("would mount the control filesystem of fuse_ext at %s",
			 place);
}

/* What load() does, in its order. */
static int tell(bool loaded)
{
	char *path = loaded ? NULL : ops_module_field("filename");
	const struct mount *mount;
	struct mounts mounts;

	if (!loaded && !path) {
		complain("can't load fuse_ext: it isn't installed for the running kernel");
		complain_more("dkms status shows for which kernels it is");
		return STATUS_FAILURE;
	}
	if (mounts_read(&mounts)) {
		free(path);
		return STATUS_FAILURE;
	}
	mount = mounts_at(&mounts, PLACE_STOCK);
	if ((!mount || !mount_is_control(mount)) &&
	    (!loaded || find_stock(&mounts) || stock_is_covered(&mounts)))
		announce("would mount the stock control filesystem at %s",
			 PLACE_STOCK);
	if (!loaded)
		announce("would load %s", path);
	tell_own(&mounts, PLACE_OWN);
	tell_own(&mounts, PLACE_STANDARD);
	mounts_free(&mounts);
	free(path);
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	struct journal journal = { 0 };
	bool loaded;
	int status, lock, ret;

	dry_run = false;
	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (optind < argc)
		return options_wrong(argv[0], &usage, "takes no operand");
	if (geteuid()) {
		complain("load: not permitted; run it as root");
		return STATUS_NOT_PERMITTED;
	}
	lock = control_lock();
	if (lock < 0)
		return control_status(lock);
	loaded = kernel_loaded();
	if (dry_run) {
		status = tell(loaded);
		close(lock);
		return status;
	}
	ret = load(&journal, loaded);
	if (!ret)
		journal_keep(&journal);
	else if (journal_undo(&journal))
		complain("everything is as it was before; fuse_ext is%s loaded",
			 loaded ? "" : " not");
	close(lock);
	return control_status(ret);
}

const struct verb verb_load = {
	.name = "load",
	.function = run,
	.description = "load fuse_ext: new mounts are served by it",
	.usage = &usage,
};
