// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl status`: whether fuse_ext is loaded, what it was built
 * from, and which driver serves what.  Not for single connections, see list.c.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "connections.h"
#include "fusectl.h"
#include "installed.h"
#include "kernel.h"
#include "options.h"
#include "table.h"
#include "text.h"

enum {
	COLUMN_NAME,
	COLUMN_VALUE,
	COLUMN_COUNT,
};

static const struct column columns[COLUMN_COUNT] = {
	{ "NAME", 18, 0, SCOLS_JSON_STRING, "property" },
	{ "VALUE", 0.7, 0, SCOLS_JSON_STRING, "its value" },
};

enum {
	PROPERTY_MODULE,
	PROPERTY_DRIVER,
	PROPERTY_VERSION,
	PROPERTY_SOURCE,
	PROPERTY_SUPPORTED,
	PROPERTY_KERNEL,
	PROPERTY_INSTALLED,
	PROPERTY_CONNECTIONS,
	PROPERTY_STOCK_CONNECTIONS,
	PROPERTY_CONTROL,
	PROPERTY_STOCK_CONTROL,
	PROPERTY_COUNT,
};

static const char *const properties[PROPERTY_COUNT] = {
	"module", "driver", "version", "source", "supported", "kernel",
	"installed", "connections", "stock_connections", "control",
	"stock_control",
};

static const struct usage usage = {
	.operands = "[PROPERTY...]",
	.words = { WORDS_PROPERTIES },
	.text =
	"Print the state of fuse_ext, or only these properties of it:\n"
	"  module             loaded, or not loaded\n"
	"  driver             what serves new mounts: fuse_ext or stock\n"
	"  version            version of the loaded module\n"
	"  source             what it was built from: package, version, hash\n"
	"  supported          toggles whose feature it has\n"
	"  kernel             the running kernel\n"
	"  installed          the module installed for it: 'same' as the loaded one,\n"
	"                     'differs', with its version and source, or 'none'\n"
	"  connections        served by fuse_ext\n"
	"  stock_connections  served by the stock driver\n"
	"  control            where the control filesystem of fuse_ext is mounted\n"
	"  stock_control      where that of the stock driver is mounted\n"
	"Exits with 3 if fuse_ext isn't loaded.",
	.columns = columns,
	.count = COLUMN_COUNT,
	.defaults = "NAME,VALUE",
	.name = "status",
	.properties = properties,
	.property_count = PROPERTY_COUNT,
};

static char *describe_installed(bool loaded)
{
	struct installed installed;
	char *text;

	installed_read(&installed);
	if (!installed.path)
		text = text_copy("none");
	else if (installed.same)
		text = text_copy("same");
	else
		text = text_format("%sversion %s, source %s",
				   loaded ? "differs: " : "",
				   installed.version ? installed.version :
				   "unknown",
				   installed.source ? installed.source :
				   "unknown");
	installed_free(&installed);
	return text;
}

static char *count_connections(const struct connections *connections,
			       enum driver driver)
{
	const struct mounts *mounts = &connections->mounts;
	size_t i, count;

	if (driver == DRIVER_FUSE_EXT) {
		if (connections->loaded && !connections->own_place)
			return text_copy("unknown");
		return text_format("%zu", connections->own_count);
	}
	/* with those that only the mount table knows */
	count = connections->stock_count;
	for (i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->mount[i];
		unsigned int number = mount_connection(mount);
		bool listed = false;
		size_t j;

		for (j = 0; j < connections->stock_count; j++)
			listed |= connections->stock[j] == number;
		if (listed || !mount_is_fuse(mount) ||
		    connections_mount(connections, number) != mount ||
		    connections_driver(connections, number) != DRIVER_STOCK)
			continue;
		count++;
	}
	return text_format("%zu", count);
}

static char *control_places(const struct mounts *mounts, bool own)
{
	char *places = NULL, *longer;
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->mount[i];

		if (!mount_is_control(mount) ||
		    connections_is_own_control(mount) != own ||
		    mounts_at(mounts, mount->target) != mount)
			continue;
		longer = places ? text_format("%s, %s", places, mount->target) :
			 text_copy(mount->target);
		free(places);
		places = longer;
	}
	return places;
}

static bool parse_properties(int argc, char **argv, bool *wanted)
{
	const char *nearest;
	int i, j;
	char *all;

	for (j = 0; j < PROPERTY_COUNT; j++)
		wanted[j] = argc == 0;
	for (i = 0; i < argc; i++) {
		for (j = 0; j < PROPERTY_COUNT; j++) {
			if (!strcmp(argv[i], properties[j]))
				break;
		}
		if (j < PROPERTY_COUNT) {
			wanted[j] = true;
			continue;
		}
		nearest = text_nearest(argv[i], properties, PROPERTY_COUNT);
		all = text_join(properties, PROPERTY_COUNT);
		if (nearest)
			complain("there is no property '%s'; did you mean '%s'?",
				 argv[i], nearest);
		else
			complain("there is no property '%s'", argv[i]);
		complain_more("the properties are: %s", all);
		free(all);
		return false;
	}
	return true;
}

static void find_values(const struct connections *connections, char **values)
{
	const struct mounts *mounts = &connections->mounts;
	bool loaded = connections->loaded;
	struct utsname name;

	values[PROPERTY_MODULE] = text_copy(loaded ? "loaded" : "not loaded");
	values[PROPERTY_DRIVER] = text_copy(loaded ? "fuse_ext" : "stock");
	if (loaded) {
		values[PROPERTY_VERSION] = kernel_attribute("version");
		values[PROPERTY_SOURCE] = kernel_attribute("source");
		values[PROPERTY_SUPPORTED] = kernel_attribute("supported");
	}
	if (!uname(&name))
		values[PROPERTY_KERNEL] = text_copy(name.release);
	values[PROPERTY_INSTALLED] = describe_installed(loaded);
	values[PROPERTY_CONNECTIONS] =
		count_connections(connections, DRIVER_FUSE_EXT);
	values[PROPERTY_STOCK_CONNECTIONS] =
		count_connections(connections, DRIVER_STOCK);
	if (loaded)
		values[PROPERTY_CONTROL] = control_places(mounts, true);
	values[PROPERTY_STOCK_CONTROL] = control_places(mounts, false);
}

static int run(int argc, char **argv)
{
	char *values[PROPERTY_COUNT] = { NULL };
	struct connections connections;
	bool wanted[PROPERTY_COUNT];
	struct table table;
	int status, i;

	if (!options_read(argc, argv, &usage, &table, &status))
		goto out;
	status = STATUS_USAGE;
	if (!parse_properties(argc - optind, &argv[optind], wanted))
		goto out;
	status = connections_read(&connections);
	if (status)
		goto out;
	find_values(&connections, values);
	for (i = 0; i < PROPERTY_COUNT; i++) {
		const char *const line[COLUMN_COUNT] = {
			properties[i], values[i],
		};

		if (wanted[i])
			table_line(&table, line);
		free(values[i]);
	}
	status = table_print(&table);
	if (!status && !connections.loaded)
		status = STATUS_NOT_LOADED;
	connections_free(&connections);
out:
	table_free(&table);
	return status;
}

const struct verb verb_status = {
	.name = "status",
	.function = run,
	.description = "is fuse_ext loaded, and what serves what",
	.usage = &usage,
};
