// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl abort`: ends connections of either driver, whatever their servers
 * do.  Not for a clean end, which is an unmount.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"
#include "fusectl.h"
#include "kernel.h"
#include "options.h"
#include "text.h"

static bool dry_run;

static const struct verb_option options[] = {
	OPTION_DRY_RUN(&dry_run),
};

static const struct usage usage = {
	.operands = "TARGET...",
	.words = { WORDS_TARGETS },
	.text =
	"Abort the connection of each TARGET (a FUSE mount point, a path below one, or\n"
	"a connection's number), of either driver. Every request that waits fails, and\n"
	"so does each later access; data that wasn't written yet is lost. The mount\n"
	"point stays until it is unmounted. All targets are looked up first.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

static int complain_place(const struct target *target, enum driver driver)
{
	complain("%s: connection %u (%s) is in no control filesystem that is mounted",
		 target->name, target->connection, driver_name(driver));
	if (driver == DRIVER_STOCK)
		complain_more("as root: mount -t fusectl none %s", PLACE_STANDARD);
	else
		complain_more("as root: fusectl load");
	return driver == DRIVER_UNKNOWN ? STATUS_NOT_PERMITTED : STATUS_FAILURE;
}

/* Before anything is aborted: whether each of them can be. */
static int check(const struct connections *connections,
		 const struct target *targets, size_t count)
{
	int status = STATUS_OK;
	enum driver driver;
	size_t i;

	for (i = 0; i < count; i++) {
		driver = connections_driver(connections, targets[i].connection);
		if (!connections_place(connections, targets[i].connection))
			status = complain_place(&targets[i], driver);
	}
	return status;
}

static void tell(const struct connections *connections,
		 const struct target *target)
{
	const struct mount *mount = connections_mount(connections,
						      target->connection);
	const char *place = connections_place(connections, target->connection);
	char *waiting = kernel_connection_file(place, target->connection,
					       "waiting");
	enum driver driver = connections_driver(connections,
						target->connection);

	announce("would abort connection %u (%s, %s): what waits (%s) fails, and what comes",
		 target->connection, driver_name(driver),
		 mount ? mount->target : "no mount point here",
		 waiting ? waiting : "unknown");
	free(waiting);
}

static int complain_failed(const struct target *target, int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
		/* what it was to be is done already */
		complain("%s: connection %u is gone already", target->name,
			 target->connection);
		return STATUS_OK;
	case -EACCES:
	case -EPERM:
		complain("%s: not permitted to abort connection %u", target->name,
			 target->connection);
		complain_more("it takes the user who mounted it, or root");
		return STATUS_NOT_PERMITTED;
	default:
		complain("%s: can't abort connection %u: %s", target->name,
			 target->connection, strerror(-error));
		return STATUS_FAILURE;
	}
}

static int abort_each(const struct connections *connections,
		      const struct target *targets, size_t count)
{
	int status = STATUS_OK, one, ret;
	const char *place;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct target *target = &targets[i];

		if (dry_run) {
			tell(connections, target);
			continue;
		}
		place = connections_place(connections, target->connection);
		ret = kernel_connection_write(place, target->connection,
					      "abort", "1");
		one = ret ? complain_failed(target, ret) : STATUS_OK;
		status = status ? status : one;
	}
	return status;
}

static int run(int argc, char **argv)
{
	struct connections connections;
	struct target *targets;
	size_t found;
	int status;

	dry_run = false;
	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (optind == argc)
		return options_wrong(argv[0], &usage, "wants a TARGET");
	status = dry_run ? connections_read_only(&connections) :
		 connections_read(&connections);
	if (status)
		return status;
	targets = memory(argc - optind, sizeof(*targets));
	status = connections_targets_any(&connections, &argv[optind],
					 argc - optind, targets, &found);
	if (!status)
		status = check(&connections, targets, found);
	if (!status)
		status = abort_each(&connections, targets, found);
	free(targets);
	connections_free(&connections);
	return status;
}

const struct verb verb_abort = {
	.name = "abort",
	.function = run,
	.description = "end connections whose servers hang",
	.usage = &usage,
};
