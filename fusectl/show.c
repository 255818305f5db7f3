// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl show`: all that is known of a connection.  Not for many
 * connections at a glance, see list.c.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"
#include "fusectl.h"
#include "init_flags.h"
#include "kernel.h"
#include "kernel_parse.h"
#include "options.h"
#include "processes.h"
#include "table.h"
#include "text.h"
#include "toggles.h"

enum {
	COLUMN_CONN,
	COLUMN_NAME,
	COLUMN_VALUE,
	COLUMN_COUNT,
};

static const struct column columns[COLUMN_COUNT] = {
	{ "CONN", 4, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, "connection number" },
	{ "NAME", 18, 0, SCOLS_JSON_STRING, "what it is" },
	{ "VALUE", 0.7, SCOLS_FL_WRAP, SCOLS_JSON_STRING, "its value" },
};

static const struct usage usage = {
	.operands = "TARGET...",
	.words = { WORDS_TARGETS },
	.text =
	"Print all that is known of each TARGET (a FUSE mount point, a path below one,\n"
	"or a connection's number), of either driver: mounts, the server's processes,\n"
	"what it negotiated, the toggles, what waits and what was counted.\n"
	"What isn't known, or is another user's affair, is '-'.",
	.columns = columns,
	.count = COLUMN_COUNT,
	.defaults = "NAME,VALUE",
	.name = "connection",
};

/* What is being shown. */
struct shown {
	struct table *table;
	const struct connections *connections;
	const struct processes *processes;
	unsigned int connection;
	const char *place;
};

static void line(const struct shown *shown, const char *name, const char *value)
{
	char *number = text_format("%u", shown->connection);
	const char *const values[COLUMN_COUNT] = { number, name, value };

	table_line(shown->table, values);
	free(number);
}

/* The value is freed. */
static void own_line(const struct shown *shown, const char *name, char *value)
{
	line(shown, name, value);
	free(value);
}

static void show_mounts(const struct shown *shown)
{
	const struct mount *mount = connections_mount(shown->connections,
						      shown->connection);

	line(shown, "driver",
	     driver_name(connections_driver(shown->connections,
					    shown->connection)));
	if (!mount)
		line(shown, "target", NULL);
	for (; mount; mount = connections_next(shown->connections, mount)) {
		if (!mount_is_fuse(mount))
			continue;
		line(shown, "target", mount->target);
		line(shown, "source", mount->source);
		line(shown, "type", mount->type);
		line(shown, "options", mount->options);
		if (mount->user != (uid_t)-1)
			own_line(shown, "user", user_name(mount->user));
	}
}

static void show_process(const struct shown *shown, const char *name, pid_t pid)
{
	char *program = process_program(pid), *user = process_user(pid);

	own_line(shown, name, text_format("%d %s %s", pid, user ? user : "-",
					  program ? program : "-"));
	free(program);
	free(user);
}

/*
 * Older kernels don't tell which connection a /dev/fuse is for: then it may be
 * any of those processes of which that isn't known.
 */
static void show_servers(const struct shown *shown)
{
	bool known = processes_server(shown->processes, shown->connection);
	const struct process_use *use;
	bool found = known;
	size_t i;

	for (i = 0; i < shown->processes->count; i++) {
		use = &shown->processes->use[i];
		if (use->use == USE_SERVER &&
		    use->connection == shown->connection) {
			show_process(shown, "server", use->pid);
		} else if (!known && use->use == USE_DEVICE) {
			show_process(shown, "server_candidate", use->pid);
			found = true;
		}
	}
	if (!found)
		line(shown, "server", NULL);
}

static void show_limit(const struct shown *shown, const char *name,
		       long long value)
{
	if (value >= 0)
		own_line(shown, name, text_format("%lld", value));
}

static void show_init(const struct shown *shown)
{
	char *text = shown->place ?
		     kernel_connection_file(shown->place, shown->connection,
					    "ext_init") : NULL;
	struct parsed_init init;

	if (text && parse_init(text, &init)) {
		own_line(shown, "protocol",
			 text_format("%d.%d", init.major, init.minor));
		if (init.has_flags) {
			own_line(shown, "offered", init_flags_text(init.offered));
			own_line(shown, "accepted",
				 init_flags_text(init.accepted));
		}
		show_limit(shown, "max_readahead", init.max_readahead);
		show_limit(shown, "max_write", init.max_write);
		line(shown, "features", init.features);
	} else {
		line(shown, "protocol", NULL);
	}
	if (text)
		parse_init_free(&init);
	free(text);
}

/* What each connection of any driver has, if the caller may read it. */
static void show_queue(const struct shown *shown)
{
	static const char *const names[] = {
		"waiting", "max_background", "congestion_threshold",
	};
	unsigned long long number[ARRAY_SIZE(names)];
	char *value;
	size_t i, numbers = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		value = shown->place ?
			kernel_connection_file(shown->place, shown->connection,
					       names[i]) : NULL;
		if (value && parse_number(value, &number[i]))
			numbers++;
		own_line(shown, names[i], value);
	}
	/* with fewer requests waiting it can't be; they count the others, too */
	if (numbers == ARRAY_SIZE(names))
		line(shown, "congested",
		     number[0] >= number[2] ? "possible" : "no");
}

static void show_toggles(const struct shown *shown)
{
	char *value, *source, *setting, *name;
	int i;

	if (connections_driver(shown->connections, shown->connection) !=
	    DRIVER_FUSE_EXT)
		return;
	for (i = 0; i < TOGGLE_COUNT; i++) {
		kernel_connection_state(shown->place, shown->connection,
					toggle_names[i], &value, &source);
		setting = kernel_connection_file(shown->place,
						 shown->connection,
						 toggle_names[i]);
		line(shown, toggle_names[i], value);
		name = text_format("%s_source", toggle_names[i]);
		own_line(shown, name, source);
		free(name);
		name = text_format("%s_setting", toggle_names[i]);
		own_line(shown, name, setting);
		free(name);
		free(value);
	}
}

static void show_counters(const struct shown *shown)
{
	struct parsed_counters counters;
	char *text, *name;
	size_t i;

	text = shown->place ? kernel_connection_file(shown->place,
						     shown->connection,
						     "ext_stats") : NULL;
	if (!text)
		return;
	parse_stats(text, &counters);
	for (i = 0; i < counters.count; i++) {
		name = text_format("count_%s", counters.counter[i].name);
		own_line(shown, name,
			 text_format("%llu", counters.counter[i].value));
		free(name);
	}
	parse_stats_free(&counters);
	free(text);
}

static void show(struct table *table, const struct connections *connections,
		 const struct processes *processes, unsigned int connection)
{
	const struct shown shown = {
		.table = table,
		.connections = connections,
		.processes = processes,
		.connection = connection,
		.place = connections_place(connections, connection),
	};

	own_line(&shown, "connection", text_format("%u", connection));
	show_mounts(&shown);
	show_servers(&shown);
	show_init(&shown);
	show_queue(&shown);
	show_toggles(&shown);
	show_counters(&shown);
}

static int show_all(struct table *table, char **names, size_t count)
{
	struct connections connections;
	struct processes processes;
	struct target *targets;
	size_t i, found;
	int status;

	status = connections_read(&connections);
	if (status)
		return status;
	targets = memory(count, sizeof(*targets));
	status = connections_targets_any(&connections, names, count, targets,
					 &found);
	if (!status) {
		if (found > 1)
			table_defaults(table, "CONN,NAME,VALUE");
		processes_read(&processes, &connections, false);
		for (i = 0; i < found; i++)
			show(table, &connections, &processes,
			     targets[i].connection);
		processes_free(&processes);
		status = table_print(table);
	}
	free(targets);
	connections_free(&connections);
	return status;
}

static int run(int argc, char **argv)
{
	struct table table;
	int status;

	if (!options_read(argc, argv, &usage, &table, &status))
		goto out;
	if (optind == argc)
		status = options_wrong(argv[0], &usage, "wants a TARGET");
	else
		status = show_all(&table, &argv[optind], argc - optind);
out:
	table_free(&table);
	return status;
}

const struct verb verb_show = {
	.name = "show",
	.function = run,
	.description = "print all that is known of connections",
	.usage = &usage,
};
