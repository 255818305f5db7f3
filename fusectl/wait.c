// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl wait`: until no request of a connection waits for its server.  Not
 * for making it so, see abort.c.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"
#include "duration.h"
#include "fusectl.h"
#include "kernel.h"
#include "options.h"
#include "text.h"

/* how often is looked, and for how long nothing may have waited */
#define INTERVAL	50
#define IDLE		100

static bool idle;
static const char *limit;

static const struct verb_option options[] = {
	{ .name = "idle", .help = "until no request waits (the only condition)",
	  .flag = &idle },
	{ .name = "timeout", .letter = 't', .argument = "SECONDS",
	  .words = WORDS_ANY, .help = "for at most that long", .value = &limit },
};

static const struct usage usage = {
	.operands = "TARGET",
	.words = { WORDS_TARGETS, WORDS_END },
	.text =
	"Wait until no request of TARGET (a FUSE mount point, a path below one, or a\n"
	"connection's number) waits for the server or is being answered, for 100 ms on\n"
	"end, or the connection is gone. With --timeout, exits with 1 where that takes\n"
	"longer.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

/* Whether a connection of this number is still in the control filesystem. */
static bool is_there(const char *place, unsigned int connection)
{
	unsigned int *numbers;
	bool found = false;
	size_t i, count;

	if (kernel_connections(place, &numbers, &count))
		return false;
	for (i = 0; i < count && !found; i++)
		found = numbers[i] == connection;
	free(numbers);
	return found;
}

static int wait_idle(const char *place, const struct target *target,
		     const struct duration *end)
{
	char *waiting = NULL;
	int quiet = -INTERVAL;

	for (;;) {
		free(waiting);
		waiting = kernel_connection_file(place, target->connection,
						 "waiting");
		if (!waiting) {
			if (!is_there(place, target->connection))
				return STATUS_OK;
			complain("%s: not permitted to read what waits",
				 target->name);
			complain_more("it takes the user who mounted it, or root");
			return STATUS_NOT_PERMITTED;
		}
		quiet = strcmp(waiting, "0") ? -INTERVAL : quiet + INTERVAL;
		if (quiet >= IDLE) {
			free(waiting);
			return STATUS_OK;
		}
		if (duration_over(end)) {
			complain("%s: %s requests still wait after %s s",
				 target->name, waiting, limit);
			complain_more("fusectl show %s tells whose answer they wait for",
				      target->name);
			free(waiting);
			return STATUS_FAILURE;
		}
		duration_pause(INTERVAL);
	}
}

static int run(int argc, char **argv)
{
	struct connections connections;
	struct target target;
	struct duration end;
	const char *place;
	size_t found;
	int status;

	idle = false;
	limit = NULL;
	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (argc - optind != 1)
		return options_wrong(argv[0], &usage, "wants one TARGET");
	if (!idle)
		return options_wrong(argv[0], &usage, "wants --idle");
	if (!duration_read(argv[0], limit, &end))
		return STATUS_USAGE;
	status = connections_read(&connections);
	if (status)
		return status;
	status = connections_targets_any(&connections, &argv[optind], 1,
					 &target, &found);
	place = status ? NULL : connections_place(&connections,
						  target.connection);
	if (place) {
		status = wait_idle(place, &target, &end);
	} else if (!status) {
		complain("%s: its control filesystem isn't mounted, so what waits isn't known",
			 target.name);
		complain_more("as root: fusectl load, or mount -t fusectl none %s",
			      PLACE_STANDARD);
		status = STATUS_FAILURE;
	}
	connections_free(&connections);
	return status;
}

const struct verb verb_wait = {
	.name = "wait",
	.function = run,
	.description = "wait until a connection is idle",
	.usage = &usage,
};
