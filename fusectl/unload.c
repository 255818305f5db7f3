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
#include <unistd.h>

#include "connections.h"
#include "control.h"
#include "duration.h"
#include "fusectl.h"
#include "holders.h"
#include "kernel.h"
#include "ops.h"
#include "options.h"
#include "text.h"

/* how often is looked whether it is idle */
#define INTERVAL	250

static bool dry_run, when_idle;
static const char *limit;

static const struct verb_option options[] = {
	OPTION_DRY_RUN(&dry_run),
	{ .name = "timeout", .letter = 't', .argument = "SECONDS",
	  .words = WORDS_ANY, .help = "wait for at most that long", .value = &limit },
	{ .name = "when-idle", .help = "wait until nothing uses it",
	  .flag = &when_idle },
};

static const struct usage usage = {
	.operands = "",
	.text =
	"Unload fuse_ext. The stock driver serves new FUSE mounts again, and the mounts\n"
	"of control filesystems are as they were before it was loaded. While fuse_ext\n"
	"is in use this is refused before anything is touched, with a list of what uses\n"
	"it; with --when-idle it waits until nothing uses it, and may be interrupted.\n"
	"If fuse_ext isn't loaded, there is nothing to do.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

/* A server closes /dev/fuse some time after the unmount that ends it. */
static void wait_for_servers(void)
{
	int i;

	for (i = 0; i < 20 && holders_references() > 0; i++)
		duration_pause(100);
}

static void complain_holder(const struct holder *holder)
{
	switch (holder->kind) {
	case HOLDER_MOUNT:
		complain_more("unmount %s (connection %u, %s)", holder->target,
			      holder->connection, holder->type);
		break;
	case HOLDER_CONTROL:
		complain_more("unmount %s (its control filesystem)",
			      holder->target);
		break;
	case HOLDER_ELSEWHERE:
		complain_more("unmount connection %u at %s in the mount namespace of process %d",
			      holder->connection, holder->target, holder->pid);
		break;
	default:
		complain_more("connection %u was unmounted lazily and is still in use",
			      holder->connection);
		break;
	}
}

/* Complains about all that keeps fuse_ext loaded; false: nothing known does. */
static bool complain_busy(const struct connections *connections)
{
	struct holders holders;
	size_t i;

	holders_read(&holders, connections, NULL, DRIVER_FUSE_EXT);
	if (!holders.count && !connections->own_count) {
		wait_for_servers();
		if (holders_references() <= 0) {
			holders_free(&holders);
			return false;
		}
	}
	complain("fuse_ext is in use and stays loaded (Device or resource busy)");
	for (i = 0; i < holders.count; i++)
		complain_holder(&holders.holder[i]);
	if (!holders.count && !connections->own_count)
		complain_more("references: %ld; who has /dev/fuse open: fuser -v /dev/fuse",
			      holders_references());
	complain_more("which processes: fusectl drain --own; to wait: --when-idle");
	holders_free(&holders);
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

/* What unload() does, in its order. */
static void tell(const struct connections *connections)
{
	const char *const places[] = { PLACE_STANDARD, PLACE_OWN };
	const struct mount *mount;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		mount = mounts_at(&connections->mounts, places[i]);
		if (mount && connections_is_own_control(mount))
			announce("would unmount %s", places[i]);
	}
	announce("would unload fuse_ext");
	mount = mounts_at(&connections->mounts, PLACE_STOCK);
	if (mount && mount_is_control(mount))
		announce("would unmount %s; the stock driver's is at %s again",
			 PLACE_STOCK, PLACE_STANDARD);
}

/* What isn't seen may be in use. */
static int read_own(struct connections *connections)
{
	int status = connections_read(connections);

	if (status || connections->own_place || !connections->loaded)
		return status;
	complain("unload: not permitted to mount the control filesystem of fuse_ext");
	connections_free(connections);
	return STATUS_NOT_PERMITTED;
}

/* Under the lock. */
static int try_unload(void)
{
	struct connections connections;
	struct journal journal = { 0 };
	int status;

	if (!kernel_loaded()) {
		complain("fuse_ext isn't loaded: nothing to do");
		return STATUS_OK;
	}
	status = dry_run ? connections_read_only(&connections) :
		 read_own(&connections);
	if (status)
		return status;
	if (complain_busy(&connections))
		status = STATUS_FAILURE;
	else if (dry_run)
		tell(&connections);
	else if (unload(&journal))
		status = STATUS_FAILURE;
	connections_free(&connections);
	return status;
}

/* Whether something uses fuse_ext now; nothing is said. */
static bool busy(void)
{
	struct connections connections;
	struct holders holders;
	bool found;

	if (!kernel_loaded() || read_own(&connections))
		return false;
	holders_read(&holders, &connections, NULL, DRIVER_FUSE_EXT);
	found = holders.count || connections.own_count ||
		holders_references() > 0;
	holders_free(&holders);
	connections_free(&connections);
	return found;
}

/*
 * Without the lock, so that it takes no signal's effect and keeps no load from
 * running; what came meanwhile is found by try_unload().
 */
static void wait_until_idle(const struct duration *end)
{
	while (busy() && !duration_over(end))
		duration_pause(INTERVAL);
}

static int run(int argc, char **argv)
{
	struct duration end;
	int status, lock;

	dry_run = false;
	when_idle = false;
	limit = NULL;
	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (optind < argc)
		return options_wrong(argv[0], &usage, "takes no operand");
	if (limit && !when_idle)
		return options_wrong(argv[0], &usage,
				     "--timeout goes with --when-idle");
	if (!duration_read(argv[0], limit, &end))
		return STATUS_USAGE;
	if (geteuid()) {
		complain("unload: not permitted; run it as root");
		return STATUS_NOT_PERMITTED;
	}
	if (when_idle && !dry_run)
		wait_until_idle(&end);
	lock = control_lock();
	if (lock < 0)
		return control_status(lock);
	status = try_unload();
	close(lock);
	return status;
}

const struct verb verb_unload = {
	.name = "unload",
	.function = run,
	.description = "unload it: new mounts are the stock driver's",
	.usage = &usage,
};
