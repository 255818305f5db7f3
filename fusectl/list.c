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
#include "kernel_parse.h"
#include "options.h"
#include "processes.h"
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
	COLUMN_USER = COLUMN_TOGGLES + TOGGLE_COUNT,
	COLUMN_PID,
	COLUMN_OPTIONS,
	COLUMN_PROTOCOL,
	COLUMN_MAX_WRITE,
	COLUMN_MAX_BACKGROUND,
	COLUMN_FEATURES,
	COLUMN_COUNT,
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
	{ "USER", 8, 0, SCOLS_JSON_STRING, "user who mounted it" },
	{ "PID", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, "process of the server" },
	{ "OPTIONS", 0.3, 0, SCOLS_JSON_STRING, "mount options" },
	{ "PROTOCOL", 4, 0, SCOLS_JSON_STRING, "version that was negotiated" },
	{ "MAX_WRITE", 7, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER,
	  "most bytes in one WRITE" },
	{ "MAX_BACKGROUND", 4, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER,
	  "most background requests at a time" },
	{ "FEATURES", 0.2, 0, SCOLS_JSON_STRING,
	  "features that the server asked for" },
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

/* A line's values, which are found out only where they are shown. */
struct line {
	const char *values[COLUMN_COUNT];
	char *owned[COLUMN_COUNT];
};

static void own(struct line *line, int column, char *value)
{
	line->owned[column] = value;
	line->values[column] = value;
}

static void add_mount(struct table *table, struct line *line,
		      const struct mount *mount)
{
	line->values[COLUMN_FSTYPE] = mount->type;
	line->values[COLUMN_SOURCE] = mount->source;
	line->values[COLUMN_TARGET] = mount->target;
	line->values[COLUMN_OPTIONS] = mount->options;
	if (table_shows(table, COLUMN_USER) &&
	    mount->user != (uid_t)-1)
		own(line, COLUMN_USER, user_name(mount->user));
}

static bool shows_toggle(const struct table *table)
{
	int i;

	for (i = 0; i < TOGGLE_COUNT; i++) {
		if (table_shows(table, COLUMN_TOGGLES + i))
			return true;
	}
	return false;
}

static void add_toggles(struct table *table, struct line *line,
			const char *place, unsigned int connection)
{
	char *state, *value, *source;
	int i;

	if (!shows_toggle(table))
		return;
	state = kernel_connection_file(place, connection, "ext_state");
	for (i = 0; state && i < TOGGLE_COUNT; i++) {
		if (!table_shows(table, COLUMN_TOGGLES + i))
			continue;
		parse_state(state, toggle_names[i], &value, &source);
		own(line, COLUMN_TOGGLES + i, value);
		free(source);
	}
	free(state);
}

static void add_init(struct table *table, struct line *line, const char *place,
		     unsigned int connection)
{
	struct parsed_init init;
	char *text;

	if (!table_shows(table, COLUMN_PROTOCOL) &&
	    !table_shows(table, COLUMN_MAX_WRITE) &&
	    !table_shows(table, COLUMN_FEATURES))
		return;
	text = kernel_connection_file(place, connection, "ext_init");
	if (!text)
		return;
	if (parse_init(text, &init)) {
		own(line, COLUMN_PROTOCOL,
		    text_format("%d.%d", init.major, init.minor));
		if (init.max_write >= 0)
			own(line, COLUMN_MAX_WRITE,
			    text_format("%lld", init.max_write));
		if (init.features)
			own(line, COLUMN_FEATURES, text_copy(init.features));
	}
	parse_init_free(&init);
	free(text);
}

static void add_file(struct table *table, struct line *line, int column,
		     const char *place, unsigned int connection,
		     const char *name)
{
	if (table_shows(table, column))
		own(line, column, kernel_connection_file(place, connection,
							 name));
}

static void add_server(struct line *line, const struct processes *processes,
		       unsigned int connection)
{
	const struct process_use *server = processes_server(processes,
							    connection);

	if (server)
		own(line, COLUMN_PID, text_format("%d", server->pid));
}

static void add_line(struct table *table, const struct connections *connections,
		     const struct processes *processes, unsigned int connection,
		     const struct mount *mount)
{
	enum driver driver = connections_driver(connections, connection);
	const char *place = connections_place(connections, connection);
	struct line line = { 0 };
	int i;

	own(&line, COLUMN_CONN, text_format("%u", connection));
	line.values[COLUMN_DRIVER] = driver_name(driver);
	if (mount)
		add_mount(table, &line, mount);
	if (place) {
		add_file(table, &line, COLUMN_WAITING, place, connection,
			 "waiting");
		add_file(table, &line, COLUMN_MAX_BACKGROUND, place, connection,
			 "max_background");
		if (driver == DRIVER_FUSE_EXT) {
			add_toggles(table, &line, place, connection);
			add_init(table, &line, place, connection);
		}
	}
	add_server(&line, processes, connection);
	table_line(table, line.values);
	if (driver == DRIVER_STOCK)
		table_colour(table, COLUMN_DRIVER, "halfbright");
	for (i = 0; i < COLUMN_COUNT; i++)
		free(line.owned[i]);
}

static void add_unmounted(struct table *table,
			  const struct connections *connections,
			  const struct processes *processes,
			  const unsigned int *numbers, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		/* one of another type, such as virtiofs, isn't for this list */
		if (!connections_any(connections, numbers[i]))
			add_line(table, connections, processes, numbers[i],
				 NULL);
	}
}

static void add_all(struct table *table, const struct connections *connections,
		    const struct processes *processes)
{
	const struct mount *mount;
	size_t i;

	for (i = 0; i < connections->mounts.count; i++) {
		mount = &connections->mounts.mount[i];
		if (mount_is_fuse(mount))
			add_line(table, connections, processes,
				 mount_connection(mount), mount);
	}
	add_unmounted(table, connections, processes, connections->own,
		      connections->own_count);
	add_unmounted(table, connections, processes, connections->stock,
		      connections->stock_count);
}

static int run(int argc, char **argv)
{
	struct processes processes = { 0 };
	struct connections connections;
	struct table table;
	int status;

	if (!options_read(argc, argv, &usage, &table, &status))
		goto out;
	if (optind < argc) {
		status = options_wrong(argv[0], &usage, "takes no operand");
		goto out;
	}
	status = connections_read(&connections);
	if (status)
		goto out;
	if (table_shows(&table, COLUMN_PID))
		processes_read(&processes, &connections, false);
	add_all(&table, &connections, &processes);
	status = table_print(&table);
	processes_free(&processes);
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
