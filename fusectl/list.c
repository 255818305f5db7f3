// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl list`: the FUSE connections of both drivers, and where
 * they are mounted.  Not for a toggle's source, see get.c.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"
#include "fusectl.h"
#include "kernel.h"
#include "options.h"
#include "table.h"
#include "text.h"
#include "toggles.h"

enum {
	COLUMN_CONN,
	COLUMN_DRIVER,
	COLUMN_FSTYPE,
	COLUMN_SOURCE,
	COLUMN_TARGET,
	COLUMN_WAITING,
	COLUMN_TOGGLES,
	COLUMN_COUNT = COLUMN_TOGGLES + TOGGLE_COUNT,
};

static const struct column columns[COLUMN_COUNT] = {
	{ "CONN", 4, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER,
	  "connection number (the directory in the control filesystem)" },
	{ "DRIVER", 8, 0, SCOLS_JSON_STRING,
	  "driver that serves it: fuse_ext, stock or unknown" },
	{ "FSTYPE", 8, 0, SCOLS_JSON_STRING, "filesystem type" },
	{ "SOURCE", 0.2, 0, SCOLS_JSON_STRING, "source of the mount" },
	{ "TARGET", 0.4, 0, SCOLS_JSON_STRING, "mount point" },
	{ "WAITING", 4, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER,
	  "requests that wait for the server or are being answered" },
	{ "ASYNC_FLUSH", 7, 0, SCOLS_JSON_STRING, "value in force" },
	{ "SYNC_RELEASE", 7, 0, SCOLS_JSON_STRING, "value in force" },
	{ "ATOMIC_CREATE", 7, 0, SCOLS_JSON_STRING, "value in force" },
	{ "SYNCFS", 7, 0, SCOLS_JSON_STRING, "value in force" },
	{ "INVAL_FILES", 7, 0, SCOLS_JSON_STRING, "value in force" },
};

static const struct usage usage = {
	.operands = "",
	.text =
	"List the FUSE connections of both drivers, a line for each mount point, and\n"
	"those that have no mount point here. What isn't known, or is another user's\n"
	"affair, is '-'.",
	.columns = columns,
	.count = COLUMN_COUNT,
	.defaults = "CONN,DRIVER,FSTYPE,SOURCE,TARGET,ASYNC_FLUSH",
	.name = "connections",
};

static void add_line(struct table *table, const struct connections *connections,
		     unsigned int connection, const struct mount *mount)
{
	enum driver driver = connections_driver(connections, connection);
	const char *values[COLUMN_COUNT] = { NULL };
	char *value[TOGGLE_COUNT] = { NULL }, *source;
	char *waiting = NULL, *number;
	const char *place;
	int i;

	number = text_format("%u", connection);
	place = driver == DRIVER_FUSE_EXT ? connections->own_place :
		driver == DRIVER_STOCK ? connections->stock_place : NULL;
	values[COLUMN_CONN] = number;
	values[COLUMN_DRIVER] = driver_name(driver);
	if (mount) {
		values[COLUMN_FSTYPE] = mount->type;
		values[COLUMN_SOURCE] = mount->source;
		values[COLUMN_TARGET] = mount->target;
	}
	if (place && table_shows(table, COLUMN_WAITING))
		waiting = kernel_connection_file(place, connection, "waiting");
	values[COLUMN_WAITING] = waiting;
	for (i = 0; driver == DRIVER_FUSE_EXT && i < TOGGLE_COUNT; i++) {
		if (!table_shows(table, COLUMN_TOGGLES + i))
			continue;
		kernel_connection_state(place, connection, toggle_names[i],
					&value[i], &source);
		free(source);
		values[COLUMN_TOGGLES + i] = value[i];
	}
	table_line(table, values);
	if (driver == DRIVER_STOCK)
		table_colour(table, COLUMN_DRIVER, "halfbright");
	for (i = 0; i < TOGGLE_COUNT; i++)
		free(value[i]);
	free(waiting);
	free(number);
}

/* A connection of another type, such as virtiofs, isn't for this list. */
static bool is_other_type(const struct mounts *mounts, unsigned int connection)
{
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		if (mount_connection(&mounts->mount[i]) == connection)
			return !mount_is_fuse(&mounts->mount[i]);
	}
	return false;
}

static void add_unmounted(struct table *table,
			  const struct connections *connections,
			  const unsigned int *numbers, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (connections_mount(connections, numbers[i]) ||
		    is_other_type(&connections->mounts, numbers[i]))
			continue;
		add_line(table, connections, numbers[i], NULL);
	}
}

static int run(int argc, char **argv)
{
	struct connections connections;
	const struct mount *mount;
	struct table table;
	int status;
	size_t i;

	if (!options_read(argc, argv, &usage, &table, &status))
		goto out;
	if (optind < argc) {
		status = options_wrong(argv[0], &usage, "takes no operand");
		goto out;
	}
	status = connections_read(&connections);
	if (status)
		goto out;
	for (i = 0; i < connections.mounts.count; i++) {
		mount = &connections.mounts.mount[i];
		if (mount_is_fuse(mount))
			add_line(&table, &connections, mount_connection(mount),
				 mount);
	}
	add_unmounted(&table, &connections, connections.own,
		      connections.own_count);
	add_unmounted(&table, &connections, connections.stock,
		      connections.stock_count);
	status = table_print(&table);
	connections_free(&connections);
out:
	table_free(&table);
	return status;
}

const struct verb verb_list = {
	.name = "list",
	.function = run,
	.description = "list the connections of both drivers",
	.usage = &usage,
};
