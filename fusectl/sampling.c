// SPDX-License-Identifier: GPL-2.0
/*
 * The figures of the connections, an interval after the other.  Not
 * for how they are shown, see top.c and screen.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fusectl.h"
#include "kernel.h"
#include "live.h"
#include "ops.h"
#include "sampling.h"
#include "text.h"
#include "trace_parse.h"

#define STOCK_REQUEST	"fuse/fuse_request_send"
#define STOCK_REPLY	"fuse/fuse_request_end"
#define TEXT_SIZE	65536
#define MAX_PENDING	4096

static bool is_wanted(const struct sampling *sampling, unsigned int connection)
{
	size_t i;

	for (i = 0; i < sampling->wanted_count; i++) {
		if (sampling->wanted[i] == connection)
			return true;
	}
	return !sampling->wanted_count;
}

static void free_sample(struct sample *sample)
{
	if (sample->file >= 0)
		close(sample->file);
	free(sample->target);
	free(sample);
}

static struct sample *find_sample(const struct sampling *sampling,
				  unsigned int connection)
{
	size_t i;

	for (i = 0; i < sampling->count; i++) {
		if (sampling->sample[i]->connection == connection)
			return sampling->sample[i];
	}
	return NULL;
}

static struct sample *add_sample(struct sampling *sampling,
				 unsigned int connection)
{
	struct sample *sample = memory(1, sizeof(*sample));
	size_t i = sampling->count;

	sampling->sample = memory_grow(sampling->sample, sampling->count + 1,
				       sizeof(*sampling->sample));
	while (i && sampling->sample[i - 1]->connection > connection)
		i--;
	memmove(&sampling->sample[i + 1], &sampling->sample[i],
		(sampling->count++ - i) * sizeof(*sampling->sample));
	sampling->sample[i] = sample;
	sample->connection = connection;
	sample->file = -1;
	sample->waiting = -1;
	sample->begun = live_monotonic();
	return sample;
}

static void read_counters(struct sample *sample, struct requests *requests)
{
	static char text[TEXT_SIZE];
	size_t length = 0;
	ssize_t more = -1;

	if (lseek(sample->file, 0, SEEK_SET) == 0) {
		do {
			more = read(sample->file, text + length,
				    sizeof(text) - 1 - length);
			if (more > 0)
				length += more;
		} while (more > 0);
	}
	text[length] = '\0';
	if (!more && requests_parse(text, requests))
		return;
	/* it can't be read any more, or isn't what we know */
	close(sample->file);
	sample->file = -1;
	sample->source = SOURCE_WAITING;
	memset(requests, 0, sizeof(*requests));
}

/* The kernel counts from here on: while somebody has the file open. */
static void open_counters(struct sample *sample, const char *place)
{
	char *path = text_format("%s%s/%u/ext_requests", ops_root(), place,
				 sample->connection);

	sample->file = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (sample->file < 0)
		return;
	sample->source = SOURCE_COUNTERS;
	sample->begun = live_monotonic();
	read_counters(sample, &sample->before);
}

/* Only once: what isn't permitted or isn't there now won't be later. */
static void begin_tracing(struct sampling *sampling,
			  const struct mounts *mounts)
{
	struct tracing *tracing = &sampling->tracing;

	sampling->tracing_tried = true;
	if (tracing_begin(tracing, mounts, true))
		return;
	if (tracing_has(tracing, STOCK_REQUEST) &&
	    !tracing_enable(tracing, STOCK_REPLY, NULL) &&
	    !tracing_enable(tracing, STOCK_REQUEST, NULL)) {
		sampling->has_tracing = true;
		sampling->pending = memory(MAX_PENDING,
					   sizeof(*sampling->pending));
		return;
	}
	tracing_end(tracing);
}

static void find_source(struct sampling *sampling, struct sample *sample,
			const struct connections *connections)
{
	sample->source = SOURCE_WAITING;
	if (sample->driver == DRIVER_FUSE_EXT) {
		open_counters(sample, connections->own_place);
		return;
	}
	if (sample->driver != DRIVER_STOCK)
		return;
	if (!sampling->tracing_tried)
		begin_tracing(sampling, &connections->mounts);
	if (sampling->has_tracing)
		sample->source = SOURCE_TRACEPOINTS;
}

static void read_waiting(struct sample *sample,
			 const struct connections *connections)
{
	const char *place = sample->driver == DRIVER_FUSE_EXT ?
			    connections->own_place : connections->stock_place;
	char *text, *end;

	sample->waiting = -1;
	text = place ? kernel_connection_file(place, sample->connection,
					      "waiting") : NULL;
	if (text) {
		sample->waiting = strtoimax(text, &end, 10);
		if (*end || end == text)
			sample->waiting = -1;
		free(text);
	}
	if (sample->source == SOURCE_WAITING && sample->waiting < 0)
		sample->source = SOURCE_NONE;
}

/* The number is another connection's by now. */
static void reset(struct sample *sample)
{
	if (sample->file >= 0)
		close(sample->file);
	sample->file = -1;
	sample->source = SOURCE_NONE;
	sample->no_answers = false;
	memset(&sample->before, 0, sizeof(sample->before));
	memset(&sample->now, 0, sizeof(sample->now));
}

static void scan_one(struct sampling *sampling,
		     const struct connections *connections,
		     unsigned int connection)
{
	struct sample *sample = find_sample(sampling, connection);
	const struct mount *mount;
	enum driver driver;
	ino_t instance = 0;

	if (!is_wanted(sampling, connection) || (sample && sample->seen))
		return;
	if (!sample)
		sample = add_sample(sampling, connection);
	sample->seen = true;
	mount = connections_mount(connections, connection);
	free(sample->target);
	sample->target = mount ? text_copy(mount->target) : NULL;
	driver = connections_driver(connections, connection);
	if (driver == DRIVER_FUSE_EXT)
		instance = kernel_connection_instance(connections->own_place,
						      connection);
	if (driver != sample->driver || instance != sample->instance)
		reset(sample);
	sample->driver = driver;
	sample->instance = instance;
	if (sample->source < SOURCE_TRACEPOINTS)
		find_source(sampling, sample, connections);
	read_waiting(sample, connections);
}

static void scan_all(struct sampling *sampling,
		     const struct connections *connections)
{
	const struct mounts *mounts = &connections->mounts;
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		if (mount_is_fuse(&mounts->mount[i]))
			scan_one(sampling, connections,
				 mount_connection(&mounts->mount[i]));
	}
	/* those without a mount point here: only ours are all of FUSE */
	for (i = 0; i < connections->own_count; i++)
		scan_one(sampling, connections, connections->own[i]);
}

static void drop_unseen(struct sampling *sampling)
{
	size_t i, kept = 0;

	for (i = 0; i < sampling->count; i++) {
		if (sampling->sample[i]->seen)
			sampling->sample[kept++] = sampling->sample[i];
		else
			free_sample(sampling->sample[i]);
	}
	sampling->count = kept;
}

static void scan(struct sampling *sampling,
		 const struct connections *connections)
{
	size_t i;

	sampling->loaded = connections->loaded;
	for (i = 0; i < sampling->count; i++)
		sampling->sample[i]->seen = false;
	scan_all(sampling, connections);
	drop_unseen(sampling);
}

int sampling_scan(struct sampling *sampling)
{
	struct connections connections;
	int status = connections_read_only(&connections);

	if (status)
		return status;
	scan(sampling, &connections);
	connections_free(&connections);
	return STATUS_OK;
}

static int find_wanted(struct sampling *sampling,
		       const struct connections *connections,
		       char *const *names, size_t count)
{
	struct target *targets = memory(count, sizeof(*targets));
	size_t i;
	int status;

	sampling->wanted = memory(count, sizeof(*sampling->wanted));
	status = connections_targets_any(connections, names, count, targets,
					 &sampling->wanted_count);
	for (i = 0; i < sampling->wanted_count; i++)
		sampling->wanted[i] = targets[i].connection;
	free(targets);
	return status;
}

int sampling_begin(struct sampling *sampling, char *const *names, size_t count)
{
	struct connections connections;
	int status;

	memset(sampling, 0, sizeof(*sampling));
	sampling->tracing.pipe = -1;
	status = connections_read(&connections);
	if (status)
		return status;
	status = find_wanted(sampling, &connections, names, count);
	if (!status && !connections.loaded && !sampling->tracing_tried)
		begin_tracing(sampling, &connections.mounts);
	if (!status && !connections.loaded && !sampling->has_tracing) {
		complain("fuse_ext isn't loaded; to load it: fusectl load");
		complain_more("of the stock driver root sees more, from Linux 6.12 on");
		status = STATUS_NOT_LOADED;
	}
	if (!status)
		scan(sampling, &connections);
	connections_free(&connections);
	return status;
}

static void take_reply(struct sampling *sampling,
		       const struct trace_event *event)
{
	struct sample_pending *pending = sampling->pending;
	struct sample *sample;
	size_t i;

	for (i = 0; i < sampling->pending_count; i++) {
		if (pending[i].unique == event->unique &&
		    pending[i].connection == event->connection)
			break;
	}
	if (i == sampling->pending_count)
		return;
	sample = find_sample(sampling, event->connection);
	if (sample)
		requests_add(&sample->now, pending[i].opcode, event->error,
			     event->time - pending[i].time);
	memmove(&pending[i], &pending[i + 1],
		(--sampling->pending_count - i) * sizeof(*pending));
}

/*
 * Until 7.x (seen: 6.12) the event comes before the request has its number, so
 * that no answer can be told to be the answer to it.
 */
static void take_unnumbered(struct sampling *sampling,
			    const struct trace_event *event)
{
	struct sample *sample = find_sample(sampling, event->connection);

	if (!sample)
		return;
	sample->no_answers = true;
	requests_add_sent(&sample->now, event->opcode);
}

static void take_request(struct sampling *sampling,
			 const struct trace_event *event)
{
	struct sample_pending *pending = sampling->pending;

	if (!opcode_is_answered(event->opcode) ||
	    !is_wanted(sampling, event->connection))
		return;
	if (!event->unique) {
		take_unnumbered(sampling, event);
		return;
	}
	if (sampling->pending_count == MAX_PENDING)
		memmove(pending, pending + 1,
			--sampling->pending_count * sizeof(*pending));
	pending += sampling->pending_count++;
	pending->connection = event->connection;
	pending->unique = event->unique;
	pending->time = event->time;
	pending->opcode = event->opcode;
}

bool sampling_drain(struct sampling *sampling)
{
	uint64_t until = live_monotonic() + LIVE_TURN;
	struct trace_event event;

	while (sampling->has_tracing &&
	       tracing_next(&sampling->tracing, &event)) {
		if (event.kind == TRACE_STOCK_REQUEST)
			take_request(sampling, &event);
		else if (event.kind == TRACE_STOCK_REPLY)
			take_reply(sampling, &event);
		else if (event.kind == TRACE_LOST)
			sampling->lost += event.lost ? event.lost : 1;
		if (live_monotonic() >= until)
			return true;
	}
	return false;
}

void sampling_take(struct sampling *sampling)
{
	uint64_t now;
	size_t i;

	sampling_drain(sampling);
	for (i = 0; i < sampling->count; i++) {
		struct sample *sample = sampling->sample[i];

		if (sample->source == SOURCE_COUNTERS)
			read_counters(sample, &sample->now);
		now = live_monotonic();
		sample->length = now - sample->begun;
		sample->begun = now;
		requests_since(&sample->before, &sample->now, &sample->between);
		sample->before = sample->now;
	}
}

void sampling_end(struct sampling *sampling)
{
	size_t i;

	for (i = 0; i < sampling->count; i++)
		free_sample(sampling->sample[i]);
	if (sampling->has_tracing)
		tracing_end(&sampling->tracing);
	free(sampling->pending);
	free(sampling->sample);
	free(sampling->wanted);
	memset(sampling, 0, sizeof(*sampling));
}

bool sample_has_requests(const struct sample *sample)
{
	return sample->source >= SOURCE_TRACEPOINTS;
}

bool sample_has_answers(const struct sample *sample)
{
	return sample_has_requests(sample) && !sample->no_answers;
}

const char *sample_source_name(const struct sample *sample)
{
	static const char *const names[] = {
		[SOURCE_WAITING] = "waiting",
		[SOURCE_TRACEPOINTS] = "tracepoints",
		[SOURCE_COUNTERS] = "counters",
	};

	return names[sample->source];
}

double sample_rate(const struct sample *sample, uint64_t count)
{
	return sample->length ? count * 1e9 / sample->length : 0;
}
