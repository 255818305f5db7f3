// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl get`: the values of toggles and where they come from.  Not
 * for counters.
 */
#include <errno.h>
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
	COLUMN_TARGET,
	COLUMN_CONN,
	COLUMN_NAME,
	COLUMN_VALUE,
	COLUMN_SOURCE,
	COLUMN_SETTING,
	COLUMN_COUNT,
};

static const struct column columns[COLUMN_COUNT] = {
	{ "TARGET", 0.4, 0, SCOLS_JSON_STRING, "TARGET as it was given" },
	{ "CONN", 4, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, "connection number" },
	{ "NAME", 14, 0, SCOLS_JSON_STRING, "toggle" },
	{ "VALUE", 7, 0, SCOLS_JSON_STRING, "value in force" },
	{ "SOURCE", 10, 0, SCOLS_JSON_STRING,
	  "where it comes from: connection, mount, module or server" },
	{ "SETTING", 7, 0, SCOLS_JSON_STRING,
	  "what is set there, the connection's 'default' included" },
};

static const struct usage usage = {
	.operands = "[TOGGLE|all [TARGET...]]",
	.words = { WORDS_TOGGLES_ALL, WORDS_TARGETS },
	.text =
	"Print a toggle, or all: of a TARGET (a FUSE mount point, a path below one, or\n"
	"a connection's number) the value in force and its source; without a TARGET\n"
	"the module-wide value, which connections on 'default' follow.",
	.columns = columns,
	.count = COLUMN_COUNT,
	.defaults = "NAME,VALUE,SOURCE",
	.name = "toggles",
};

static int get_module(struct table *table, int toggle)
{
	const char *values[COLUMN_COUNT] = { NULL };
	char *path, *value;

	path = text_format("parameters/%s", toggle_names[toggle]);
	value = kernel_module_attribute(path);
	if (!value) {
		complain("can't read /sys/module/fuse_ext/%s: %s", path,
			 strerror(errno));
		free(path);
		return STATUS_FAILURE;
	}
	values[COLUMN_NAME] = toggle_names[toggle];
	values[COLUMN_VALUE] = value;
	values[COLUMN_SOURCE] = "module";
	values[COLUMN_SETTING] = value;
	table_line(table, values);
	free(value);
	free(path);
	return STATUS_OK;
}

static int read_failed(const struct target *target, int toggle, int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		complain("%s: not permitted to read the state of connection %u", target->name,
			 target->connection);
		complain_more("only root and the user who mounted it may");
		return STATUS_NOT_PERMITTED;
	case -ENOENT:
		complain("%s: connection %u went away meanwhile", target->name,
			 target->connection);
		return STATUS_NO_TARGET;
	case -ENODATA:
		complain("%s: the loaded fuse_ext doesn't know the toggle %s",
			 target->name, toggle_names[toggle]);
		complain_more("compare fusectl status version and fusectl --version");
		return STATUS_FAILURE;
	default:
		complain("%s: can't read the state of connection %u: %s",
			 target->name, target->connection, strerror(-error));
		return STATUS_FAILURE;
	}
}

static int get_connection(struct table *table, const char *place,
			  const struct target *target, int toggle)
{
	const char *values[COLUMN_COUNT] = { NULL };
	char *value, *source, *number, *setting = NULL;
	int ret;

	ret = kernel_connection_state(place, target->connection,
				      toggle_names[toggle], &value, &source);
	if (ret)
		return read_failed(target, toggle, ret);
	if (table_shows(table, COLUMN_SETTING))
		setting = kernel_connection_file(place, target->connection,
						 toggle_names[toggle]);
	number = text_format("%u", target->connection);
	values[COLUMN_TARGET] = target->name;
	values[COLUMN_CONN] = number;
	values[COLUMN_NAME] = toggle_names[toggle];
	values[COLUMN_VALUE] = value;
	values[COLUMN_SOURCE] = source;
	values[COLUMN_SETTING] = setting;
	table_line(table, values);
	free(setting);
	free(number);
	free(source);
	free(value);
	return STATUS_OK;
}

static int get(struct table *table, int first, int last, char *const *names,
	       size_t count)
{
	struct target *targets = memory(count, sizeof(*targets));
	struct connections connections;
	size_t i, found;
	int status, toggle;

	status = connections_read(&connections);
	if (status)
		goto out;
	status = connections_targets(&connections, names, count, targets,
				     &found);
	for (i = 0; !status && i < found; i++) {
		for (toggle = first; !status && toggle <= last; toggle++)
			status = get_connection(table, connections.own_place,
						&targets[i], toggle);
	}
	connections_free(&connections);
out:
	free(targets);
	return status;
}

static int run(int argc, char **argv)
{
	int first = 0, last = TOGGLE_COUNT - 1;
	struct table table;
	int status, toggle;

	if (!options_read(argc, argv, &usage, &table, &status))
		goto out;
	if (optind < argc && strcmp(argv[optind], "all")) {
		first = toggle_find(argv[optind], true);
		last = first;
	}
	status = STATUS_USAGE;
	if (first < 0)
		goto out;
	if (!kernel_loaded()) {
		complain("fuse_ext isn't loaded; to load it: fusectl load");
		status = STATUS_NOT_LOADED;
		goto out;
	}
	if (argc - optind > 2)
		table_defaults(&table, "TARGET,NAME,VALUE,SOURCE");
	status = STATUS_OK;
	if (argc - optind > 1) {
		status = get(&table, first, last, &argv[optind + 1],
			     argc - optind - 1);
	} else {
		for (toggle = first; !status && toggle <= last; toggle++)
			status = get_module(&table, toggle);
	}
	if (!status)
		status = table_print(&table);
out:
	table_free(&table);
	return status;
}

const struct verb verb_get = {
	.name = "get",
	.function = run,
	.description = "print toggles and where their values come from",
	.usage = &usage,
};
