// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl drain`: what still keeps a driver in use.  Not for ending any of it.
 */
#include <getopt.h>
#include <stdlib.h>

#include "connections.h"
#include "fusectl.h"
#include "holders.h"
#include "options.h"
#include "processes.h"
#include "table.h"
#include "text.h"

static bool stock, own;

static const struct verb_option options[] = {
	{ .name = "own", .help = "only what keeps fuse_ext", .flag = &own },
	{ .name = "stock", .help = "only what keeps the stock driver",
	  .flag = &stock },
};

enum {
	COLUMN_DRIVER,
	COLUMN_CONN,
	COLUMN_KIND,
	COLUMN_PID,
	COLUMN_USER,
	COLUMN_PROGRAM,
	COLUMN_PATH,
	COLUMN_COUNT,
};

static const struct column columns[COLUMN_COUNT] = {
	{ "DRIVER", 8, 0, SCOLS_JSON_STRING, "driver that is kept in use" },
	{ "CONN", 4, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, "connection number" },
	{ "KIND", 8, 0, SCOLS_JSON_STRING,
	  "mount, elsewhere, lazy, control, server, device, file,\n"
	  "                  cwd, root or map" },
	{ "PID", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, "process" },
	{ "USER", 8, 0, SCOLS_JSON_STRING, "user of the process" },
	{ "PROGRAM", 0.3, 0, SCOLS_JSON_STRING, "program of the process" },
	{ "PATH", 0.4, 0, SCOLS_JSON_STRING, "mount point, or file in use" },
};

static const struct usage usage = {
	.operands = "",
	.text =
	"Print what keeps fuse_ext and the stock driver in use:\n"
	"  mount      a mount point\n"
	"  elsewhere  one in the mount namespace of that process\n"
	"  lazy       a connection that was unmounted lazily and is still in use\n"
	"  control    a control filesystem of fuse_ext that unload doesn't unmount\n"
	"  server     a process that has /dev/fuse open for a connection\n"
	"  device     one of which the kernel doesn't tell for which; it may be none\n"
	"  file, cwd, root, map\n"
	"             a process that uses a file or directory below a mount point\n"
	"Exits with 1 if there is anything, device left out, and with 0 if nothing is.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.columns = columns,
	.count = COLUMN_COUNT,
	.defaults = "DRIVER,CONN,KIND,PID,USER,PROGRAM,PATH",
	.name = "holders",
};

static const char *kind_name(const struct holder *holder)
{
	switch (holder->kind) {
	case HOLDER_MOUNT:
		return "mount";
	case HOLDER_ELSEWHERE:
		return "elsewhere";
	case HOLDER_LAZY:
		return "lazy";
	case HOLDER_CONTROL:
		return "control";
	default:
		return use_name(holder->use);
	}
}

static void add_line(struct table *table, const struct holder *holder)
{
	const char *values[COLUMN_COUNT] = { NULL };
	char *number = text_format("%u", holder->connection);
	char *pid = text_format("%d", holder->pid);
	char *user = holder->pid ? process_user(holder->pid) : NULL;
	char *program = holder->pid ? process_program(holder->pid) : NULL;

	values[COLUMN_DRIVER] = driver_name(holder->driver);
	if (holder->kind == HOLDER_PROCESS && holder->use == USE_DEVICE)
		values[COLUMN_DRIVER] = driver_name(DRIVER_UNKNOWN);
	values[COLUMN_CONN] = holder->has_connection ? number : NULL;
	values[COLUMN_KIND] = kind_name(holder);
	values[COLUMN_PID] = holder->pid ? pid : NULL;
	values[COLUMN_USER] = user;
	values[COLUMN_PROGRAM] = program;
	values[COLUMN_PATH] = holder->target;
	table_line(table, values);
	free(program);
	free(user);
	free(pid);
	free(number);
}

/* How many of them keep the driver for sure; devices are listed only once. */
static size_t add_driver(struct table *table,
			 const struct connections *connections,
			 const struct processes *processes, enum driver driver,
			 bool devices)
{
	struct holders holders;
	size_t i, count = 0;

	holders_read(&holders, connections, processes, driver);
	for (i = 0; i < holders.count; i++) {
		const struct holder *holder = &holders.holder[i];
		bool device = holder->kind == HOLDER_PROCESS &&
			      holder->use == USE_DEVICE;

		if (!device)
			count++;
		if (!device || devices)
			add_line(table, holder);
	}
	holders_free(&holders);
	return count;
}

static void complain_unseen(const struct processes *processes)
{
	if (processes->hanging)
		complain_more("the files that process %d maps can't be read: it hangs",
			      processes->hanging);
	if (processes->incomplete)
		complain_more("other users' processes can't be seen; run it as root");
}

static int run(int argc, char **argv)
{
	struct connections connections;
	struct processes processes;
	struct table table;
	size_t count = 0;
	int status;

	stock = false;
	own = false;
	if (!options_read(argc, argv, &usage, &table, &status))
		goto out;
	if (optind < argc || (stock && own)) {
		status = options_wrong(argv[0], &usage, optind < argc ?
				       "takes no operand" :
				       "--own and --stock exclude each other");
		goto out;
	}
	status = connections_read(&connections);
	if (status)
		goto out;
	processes_read(&processes, &connections, true);
	if (!stock)
		count += add_driver(&table, &connections, &processes,
				    DRIVER_FUSE_EXT, true);
	if (!own)
		count += add_driver(&table, &connections, &processes,
				    DRIVER_STOCK, stock);
	status = table_print(&table);
	if (!status && count) {
		complain("%s in use",
			 own ? "fuse_ext is" :
			 stock ? "the stock driver is" : "a driver is");
		status = STATUS_FAILURE;
		complain_unseen(&processes);
	}
	processes_free(&processes);
	connections_free(&connections);
out:
	table_free(&table);
	return status;
}

const struct verb verb_drain = {
	.name = "drain",
	.function = run,
	.description = "print what keeps a driver in use",
	.usage = &usage,
};
