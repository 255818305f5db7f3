// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl unload`: the stock driver serves new mounts again, and
 * its control filesystem is at the standard place.  Not for unmounting
 * anybody's filesystem.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "connections.h"
#include "control.h"
#include "fusectl.h"
#include "kernel.h"
#include "ops.h"
#include "options.h"
#include "text.h"

static const struct usage usage = {
	.operands = "",
	.text =
	"Unload fuse_ext. The stock driver serves new FUSE mounts again, and the mounts\n"
	"of control filesystems are as they were before it was loaded. While fuse_ext\n"
	"is in use this is refused before anything is touched, with a list of what uses\n"
	"it. If fuse_ext isn't loaded, there is nothing to do.",
};

/* Whether unload itself unmounts this one. */
static bool at_own_places(const struct mounts *mounts,
			  const struct mount *control)
{
	const struct mount *top;

	if (strcmp(control->target, PLACE_OWN) &&
	    strcmp(control->target, PLACE_STANDARD))
		return false;
	top = mounts_at(mounts, control->target);
	return top && connections_is_own_control(top);
}

/* The module's count without the one that our control filesystem is. */
static long other_references(void)
{
	char *text = kernel_module_attribute("refcnt");
	long references = text ? atol(text) - 1 : 0;

	free(text);
	return references;
}

/* A server closes /dev/fuse some time after the unmount that ends it. */
static void wait_for_servers(void)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	int i;

	for (i = 0; i < 20 && other_references() > 0; i++)
		nanosleep(&pause, NULL);
}

/* Complains about all that keeps fuse_ext loaded; false: nothing known does. */
static bool complain_busy(const struct connections *connections)
{
	const struct mounts *mounts = &connections->mounts;
	const struct mount *mount;
	size_t i, users = 0;
	dev_t device;
	char *what;

	for (i = 0; i < mounts->count; i++) {
		mount = &mounts->mount[i];
		if (connections_is_own_control(mount) &&
		    !at_own_places(mounts, mount))
			users++;
	}
	if (!connections->own_count && !users) {
		wait_for_servers();
		if (other_references() <= 0)
			return false;
	}
	complain("fuse_ext is in use and stays loaded (Device or resource busy)");
	for (i = 0; i < mounts->count; i++) {
		mount = &mounts->mount[i];
		if (mount_is_fuse(mount) &&
		    connections_driver(connections, mount_connection(mount)) ==
		    DRIVER_FUSE_EXT)
			complain_more("unmount %s (connection %u, %s)",
				      mount->target, mount_connection(mount),
				      mount->type);
		if (connections_is_own_control(mount) &&
		    !at_own_places(mounts, mount))
			complain_more("unmount %s (its control filesystem)",
				      mount->target);
	}
	for (i = 0; i < connections->own_count; i++) {
		if (connections_mount(connections, connections->own[i]))
			continue;
		what = text_format("unmount connection %u", connections->own[i]);
		device = makedev(connections->own[i] >> 20, connections->own[i] & 0xfffff);
		if (!mounts_elsewhere(device, what))
			complain_more("connection %u was unmounted lazily and is still in use",
				      connections->own[i]);
		free(what);
	}
	if (!connections->own_count && !users)
		complain_more("references: %ld; who has /dev/fuse open: fuser -v /dev/fuse",
			      other_references());
	return true;
}

static void explain_remove(int error)
{
	dev_t device;

	/* the kernel's word for "in use" to who doesn't want to wait */
	if (error == -EAGAIN)
		error = -EBUSY;
	complain("can't unload fuse_ext: %s", strerror(-error));
	if (error != -EBUSY)
		return;
	/* all of it that is in this namespace is unmounted here */
	if (!kernel_control_device(&device))
		complain_more("a process may have /dev/fuse open: fuser -v /dev/fuse");
	else if (!mounts_elsewhere(device, "its control filesystem is mounted"))
		complain_more("its control filesystem was unmounted lazily and is still in use");
}

/* Down to what isn't ours. */
static int unmount_own(struct journal *journal, const char *place)
{
	const struct mount *mount;
	struct mounts mounts;
	bool own;
	int ret;

	do {
		ret = mounts_read(&mounts);
		if (ret)
			return ret;
		mount = mounts_at(&mounts, place);
		own = mount && connections_is_own_control(mount);
		mounts_free(&mounts);
		if (own)
			ret = journal_unmount(journal, place);
	} while (own && !ret);
	return ret;
}

static int take_away(const char *directory)
{
	char *full = text_format("%s%s", ops_root(), directory);
	int ret = rmdir(full) ? -errno : 0;

	free(full);
	if (ret && ret != -ENOENT && ret != -ENOTEMPTY)
		complain("unloaded, but can't remove %s: %s", directory,
			 strerror(-ret));
	return ret == -ENOENT || ret == -ENOTEMPTY ? 0 : ret;
}

/*
 * After the removal.  PLACE_STOCK tells who loaded the module: if it isn't
 * mounted, or is a bind in a PLACE_RUN of its own, it wasn't fusectl, so ours
 * was mounted at the standard place in the stock one's stead, and now the stock
 * one is due there.
 */
static int give_back(bool was_standard)
{
	struct journal journal = { 0 };
	const struct mount *stock;
	struct mounts mounts;
	bool by_fusectl;
	int ret;

	ret = mounts_read(&mounts);
	if (ret)
		return ret;
	stock = mounts_at(&mounts, PLACE_STOCK);
	if (stock && !mount_is_control(stock))
		stock = NULL;
	by_fusectl = stock && !mounts_at(&mounts, PLACE_RUN);
	if (stock) {
		ret = journal_unmount(&journal, PLACE_STOCK);
		if (!ret)
			ret = take_away(PLACE_STOCK);
		if (!ret && !by_fusectl)
			ret = journal_unmount(&journal, PLACE_RUN);
		if (!ret)
			ret = take_away(PLACE_RUN);
	}
	if (!ret && !by_fusectl && was_standard && !mounts_at(&mounts, PLACE_STANDARD))
		ret = journal_mount(&journal, PLACE_STANDARD);
	mounts_free(&mounts);
	journal_keep(&journal);
	if (ret) {
		complain("fuse_ext is unloaded, but its control mounts are not tidied up");
		complain_more("see grep fusectl /proc/self/mountinfo");
	}
	return ret;
}

static int unload(struct journal *journal)
{
	bool was_standard;
	int ret;

	ret = unmount_own(journal, PLACE_STANDARD);
	was_standard = journal->count > 0;
	if (!ret)
		ret = unmount_own(journal, PLACE_OWN);
	if (!ret) {
		ret = ops_module_remove();
		if (ret)
			explain_remove(ret);
	}
	if (ret) {
		if (journal_undo(journal))
			complain("everything is as it was before; fuse_ext is loaded");
		return ret;
	}
	journal_keep(journal);
	return give_back(was_standard);
}

static int run(int argc, char **argv)
{
	struct connections connections;
	struct journal journal = { 0 };
	int status, lock;

	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (optind < argc)
		return options_wrong(argv[0], &usage, "takes no operand");
	if (geteuid()) {
		complain("unload: not permitted; run it as root");
		return STATUS_NOT_PERMITTED;
	}
	lock = control_lock();
	if (lock < 0)
		return STATUS_FAILURE;
	if (!kernel_loaded()) {
		complain("fuse_ext isn't loaded: nothing to do");
		close(lock);
		return STATUS_OK;
	}
	status = connections_read(&connections);
	if (!status) {
		if (complain_busy(&connections))
			status = STATUS_FAILURE;
		connections_free(&connections);
	}
	if (!status && unload(&journal))
		status = STATUS_FAILURE;
	close(lock);
	return status;
}

const struct verb verb_unload = {
	.name = "unload",
	.function = run,
	.description = "unload it: new mounts are the stock driver's",
	.usage = &usage,
};
