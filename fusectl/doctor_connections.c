// SPDX-License-Identifier: GPL-2.0
/*
 * Checks of `fusectl doctor`: connections whose server doesn't answer, and
 * mounts that could be handed over.  Not for what a connection is set to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "duration.h"
#include "fusectl.h"
#include "kernel.h"
#include "ops.h"
#include "processes.h"

#define SAMPLE	500	/* milliseconds */

/* A connection with requests that wait. */
struct suspect {
	unsigned int connection;
	const char *place;
	int requests;		/* ext_requests; it counts while it is open */
	char *counted;
	char *waiting;
	const struct process_use *server;	/* NULL: not known */
	unsigned long long switches;		/* of the server */
	bool cleared;
};

struct suspects {
	struct suspect *suspect;
	size_t count;
	size_t hidden;		/* connections of which it can't be read */
};

/* All that was answered since it was opened; NULL. */
static char *read_counted(int fd)
{
	char text[4096];
	ssize_t length = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	if (length < 0)
		return NULL;
	text[length] = '\0';
	return text_copy(text);
}

static void add_suspect(struct suspects *suspects, const char *place,
			unsigned int connection, char *waiting)
{
	char *path = text_format("%s%s/%u/ext_requests", ops_root(), place,
				 connection);
	struct suspect *suspect;

	suspects->suspect = memory_grow(suspects->suspect, suspects->count + 1,
					sizeof(*suspects->suspect));
	suspect = &suspects->suspect[suspects->count++];
	memset(suspect, 0, sizeof(*suspect));
	suspect->connection = connection;
	suspect->place = place;
	suspect->waiting = waiting;
	suspect->requests = open(path, O_RDONLY | O_CLOEXEC);
	suspect->counted = read_counted(suspect->requests);
	free(path);
}

static void add_suspects(struct suspects *suspects, const char *place,
			 const unsigned int *numbers, size_t count)
{
	char *waiting;
	size_t i;

	for (i = 0; place && i < count; i++) {
		waiting = kernel_connection_file(place, numbers[i], "waiting");
		if (waiting && strcmp(waiting, "0")) {
			add_suspect(suspects, place, numbers[i], waiting);
			continue;
		}
		/* one that is gone meanwhile isn't hidden */
		if (!waiting && (errno == EACCES || errno == EPERM))
			suspects->hidden++;
		free(waiting);
	}
}

/* What is in no control filesystem, because that isn't mounted. */
static void add_unseen(struct suspects *suspects,
		       const struct connections *connections)
{
	const struct mounts *mounts = &connections->mounts;
	const struct mount *mount;
	unsigned int number;
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		mount = &mounts->mount[i];
		number = mount_connection(mount);
		if (mount_is_fuse(mount) &&
		    connections_mount(connections, number) == mount &&
		    !connections_place(connections, number))
			suspects->hidden++;
	}
}

static void find_servers(struct suspects *suspects,
			 const struct processes *processes)
{
	struct suspect *suspect;
	size_t i;

	for (i = 0; i < suspects->count; i++) {
		suspect = &suspects->suspect[i];
		suspect->server = processes_server(processes,
						   suspect->connection);
		if (suspect->server)
			suspect->switches =
				process_switches(suspect->server->pid);
	}
}

/*
 * Answers are seen in ext_requests.  Without it (the stock driver, or not
 * permitted) a number that changes is all there is to see.
 */
static void sample(struct suspect *suspect)
{
	char *waiting = kernel_connection_file(suspect->place,
					       suspect->connection, "waiting");
	char *counted = read_counted(suspect->requests);

	if (!waiting || !strcmp(waiting, "0"))
		suspect->cleared = true;
	else if (suspect->counted && counted)
		suspect->cleared = strcmp(suspect->counted, counted);
	else
		suspect->cleared = strcmp(suspect->waiting, waiting);
	free(counted);
	free(waiting);
}

static bool sample_all(struct suspects *suspects)
{
	bool left = false;
	size_t i;

	for (i = 0; i < suspects->count; i++) {
		if (!suspects->suspect[i].cleared)
			sample(&suspects->suspect[i]);
		left |= !suspects->suspect[i].cleared;
	}
	return left;
}

static const char *state_text(char state)
{
	switch (state) {
	case 'T':
	case 't':
		return ", which is stopped (T)";
	case 'D':
		return ", which can't be interrupted (D)";
	case 'Z':
		return ", which has died (Z)";
	default:
		return "";
	}
}

static char *server_text(const struct process_use *server)
{
	char *program, *wait, *text;
	char state;

	if (!server)
		return text_copy("whose process isn't known");
	program = process_program(server->pid);
	wait = process_wait(server->pid);
	state = process_state(server->pid);
	text = text_format("process %d (%s)%s%s%s", server->pid,
			   program ? program : "unknown", state_text(state),
			   wait ? ", in " : "", wait ? wait : "");
	free(wait);
	free(program);
	return text;
}

/* It takes requests, so that one without an answer may be meant to wait. */
static bool is_ready(const struct process_use *server, char state)
{
	return server && !strchr("TtZX", state) &&
	       process_waits_in(server->pid, "fuse_dev_do_read");
}

/*
 * Where answers can't be counted, as many requests may wait now as before
 * though others were answered.  It is sure only of a server that is known and
 * did nothing at all, or can't.
 */
static bool is_sure(const struct suspect *suspect)
{
	const struct process_use *server = suspect->server;

	if (suspect->counted)
		return true;
	return server && process_switches(server->pid) == suspect->switches;
}

static void found_stuck(struct doctor *doctor, const struct suspect *suspect)
{
	const struct process_use *server = suspect->server;
	char state = server ? process_state(server->pid) : 0;
	bool ready = is_ready(server, state);
	bool sure = is_sure(suspect);
	const struct mount *mount;
	char *text, *mend;

	mount = connections_mount(doctor->connections, suspect->connection);
	text = server_text(server);
	if (state == 'T' || state == 't')
		mend = text_format("kill -CONT %d; or: fusectl abort %u",
				   server->pid, suspect->connection);
	else
		mend = text_format("%sfusectl abort %u",
				   ready ? "if it isn't a lock: " : "",
				   suspect->connection);
	doctor_found(doctor,
		     sure && !ready ? SEVERITY_PROBLEM : SEVERITY_POSSIBLE,
		     text_format("connection %u (%s): %s requests wait, %s %u s: %s",
				 suspect->connection,
				 mount ? mount->target : "no mount point here",
				 suspect->waiting,
				 sure ? "no answer in" :
				 "perhaps without an answer for",
				 doctor->patience, text),
		     ready ? "its server is ready for more: who waits for a lock is right to wait" :
		     sure ? "whoever uses it hangs" :
		     "whoever uses it may hang; the stock driver doesn't tell of answers",
		     mend);
	free(text);
}

static void found_hidden(struct doctor *doctor, size_t count)
{
	doctor_found(doctor, SEVERITY_UNCHECKED,
		     text_format("what waits for the servers of %zu connection%s can't be read",
				 count, count == 1 ? "" : "s"),
		     "a server that doesn't answer isn't noticed",
		     geteuid() ? text_copy("as root: fusectl doctor") :
		     doctor->connections->loaded ? text_copy("fusectl load") :
		     text_format("mount -t fusectl none %s", PLACE_STANDARD));
}

static void watch_suspects(struct doctor *doctor, struct suspects *suspects)
{
	struct processes processes;
	unsigned long long waited = 0;
	bool left = true;
	size_t i;

	processes_read(&processes, doctor->connections, false);
	find_servers(suspects, &processes);
	while (left && waited < 1000ULL * doctor->patience) {
		duration_pause(SAMPLE);
		waited += SAMPLE;
		left = sample_all(suspects);
	}
	for (i = 0; i < suspects->count; i++) {
		if (!suspects->suspect[i].cleared)
			found_stuck(doctor, &suspects->suspect[i]);
	}
	processes_free(&processes);
}

static void free_suspects(struct suspects *suspects)
{
	struct suspect *suspect;
	size_t i;

	for (i = 0; i < suspects->count; i++) {
		suspect = &suspects->suspect[i];
		if (suspect->requests >= 0)
			close(suspect->requests);
		free(suspect->counted);
		free(suspect->waiting);
	}
	free(suspects->suspect);
}

static void check_stuck(struct doctor *doctor)
{
	const struct connections *connections = doctor->connections;
	struct suspects suspects = { 0 };

	add_suspects(&suspects, connections->own_place, connections->own,
		     connections->own_count);
	add_suspects(&suspects, connections->stock_place, connections->stock,
		     connections->stock_count);
	add_unseen(&suspects, connections);
	if (suspects.hidden)
		found_hidden(doctor, suspects.hidden);
	if (suspects.count)
		watch_suspects(doctor, &suspects);
	free_suspects(&suspects);
}

static void check_stock(struct doctor *doctor)
{
	const struct mounts *mounts = &doctor->connections->mounts;
	const struct mount *mount;
	size_t i;

	for (i = 0; doctor->connections->loaded && i < mounts->count; i++) {
		mount = &mounts->mount[i];
		if (!mount_is_fuse(mount) ||
		    connections_driver(doctor->connections,
				       mount_connection(mount)) != DRIVER_STOCK)
			continue;
		doctor_found(doctor, SEVERITY_INFO,
			     text_format("%s (connection %u, %s) is served by the stock driver",
					 mount->target, mount_connection(mount),
					 mount->type),
			     "it was mounted before fuse_ext was loaded; no toggle acts on it",
			     text_format("umount %s, and mount it again",
					 mount->target));
	}
}

const struct check doctor_connections[] = {
	{ "stuck", check_stuck },
	{ "stock", check_stock },
	{ NULL, NULL },
};
