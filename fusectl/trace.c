// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl trace`: the requests of one connection as they pass, a line
 * each.  Not for figures, see top.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"
#include "errno_name.h"
#include "fusectl.h"
#include "live.h"
#include "options.h"
#include "requests.h"
#include "text.h"
#include "trace_parse.h"
#include "tracing.h"

#define OWN_REQUEST	"fuse_ext/fuse_ext_request"
#define OWN_REPLY	"fuse_ext/fuse_ext_reply"
#define STOCK_REQUEST	"fuse/fuse_request_send"
#define STOCK_REPLY	"fuse/fuse_request_end"

/* How often is looked whether the connection is still there. */
#define LOOK_AGAIN	1000
/* After the pipe was ready and yet had nothing. */
#define NAP		50
/* More requests than that without an answer: the oldest is given up. */
#define MAX_PENDING	4096

static const char *expression, *number;
static bool json;

static const struct verb_option options[] = {
	{ .name = "expression", .letter = 'e', .argument = "LIST",
	  .words = WORDS_ANY, .value = &expression,
	  .help = "only these requests: names (lookup) and kinds\n"
		  "(xattr) separated by commas; !LIST: all others" },
	{ .name = "json-lines", .letter = 'j', .flag = &json,
	  .help = "print a JSON object a line" },
	{ .name = "requests", .letter = 'n', .argument = "NUMBER",
	  .words = WORDS_ANY, .value = &number,
	  .help = "end after so many requests" },
};

static const struct usage usage = {
	.operands = "TARGET",
	.words = { WORDS_TARGETS },
	.text =
	"Print each request of a connection when the server answers it: time, process,\n"
	"request, node, name or SIZE@OFFSET, error or OK, and how long the answer took.\n"
	"Ends with the connection or by Ctrl-C; then also those without an answer are\n"
	"printed. Of a connection of the stock driver the kernel tells less, and before\n"
	"6.12 nothing.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

struct trace {
	struct tracing tracing;
	struct opcode_set set;
	unsigned int connection;
	bool stock;
	uint64_t left;		/* requests to print */
	struct trace_event *pending;	/* the oldest first */
	size_t pending_count;
};

/* In double quotes, like strace; what isn't printable as \xNN. */
static void print_name(const char *name)
{
	char *escaped = memory(2 * strlen(name) + 1, 1), *printable;
	char *to = escaped;

	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			*to++ = '\\';
		*to++ = *name;
	}
	printable = text_printable(escaped, false);
	printf("\"%s\"", printable);
	free(printable);
	free(escaped);
}

static void print_opcode(uint32_t opcode)
{
	const struct opcode *known = opcode_find(opcode);

	if (known)
		printf("%s", known->name);
	else
		printf("opcode_%u", opcode);
}

static bool has_range(const struct trace_event *request)
{
	return request->size || request->offset ||
	       opcode_kind(request->opcode) == KIND_READ ||
	       opcode_kind(request->opcode) == KIND_WRITE;
}

static void print_arguments(const struct trace_event *request)
{
	if (request->kind == TRACE_STOCK_REQUEST) {
		printf("(%u bytes)", request->size);
		return;
	}
	printf("(%llu", (unsigned long long)request->nodeid);
	if (*request->name) {
		printf(", ");
		print_name(request->name);
	}
	if (has_range(request))
		printf(", %u@%llu", request->size,
		       (unsigned long long)request->offset);
	printf(")%s", request->background ? " background" : "");
}

/*
 * Whether an event can tell of an answer.  Until 7.x (seen: 6.12) the stock
 * driver's request has no number yet, so that none can be told to be its own.
 */
static bool expects_answer(const struct trace_event *request)
{
	return opcode_is_answered(request->opcode) && request->unique;
}

static void print_error(int error)
{
	const char *name = errno_name(-error);

	if (!error)
		printf("OK");
	else if (name)
		printf("%s", name);
	else
		printf("error %d", -error);
}

static void print_line(uint64_t realtime, const struct trace_event *request,
		       const struct trace_event *reply)
{
	char time[LIVE_TIME_SIZE];

	live_time(realtime, 6, time);
	if (request->kind == TRACE_STOCK_REQUEST)
		printf("%s - ", time);
	else
		printf("%s %u ", time, request->pid);
	print_opcode(request->opcode);
	print_arguments(request);
	if (reply) {
		printf(" = ");
		print_error(reply->error);
		printf(" <%llu.%06llu>\n",
		       (unsigned long long)(reply->wait / 1000000000),
		       (unsigned long long)(reply->wait % 1000000000 / 1000));
	} else if (expects_answer(request)) {
		printf(" = ? <unfinished>\n");
	} else {
		printf("\n");
	}
}

static void json_error(const struct trace_event *reply)
{
	const char *name;
	char *unnamed;

	if (!reply || !reply->error) {
		json_null("error");
		return;
	}
	name = errno_name(-reply->error);
	unnamed = text_format("error %d", -reply->error);
	json_text("error", name ? name : unnamed);
	free(unnamed);
}

static void json_details(const struct trace_event *request)
{
	if (request->kind == TRACE_STOCK_REQUEST) {
		json_null("pid");
		json_null("nodeid");
		json_null("name");
		json_null("size");
		json_null("offset");
		json_null("background");
		return;
	}
	json_number("pid", request->pid);
	json_number("nodeid", request->nodeid);
	json_text("name", *request->name ? request->name : NULL);
	json_number("size", request->size);
	json_number("offset", request->offset);
	json_bool("background", request->background);
}

static void json_line(uint64_t realtime, const struct trace_event *request,
		      const struct trace_event *reply)
{
	const struct opcode *known = opcode_find(request->opcode);

	json_open(NULL);
	json_text("event", "request");
	json_seconds("time", realtime);
	json_number("conn", request->connection);
	json_number("unique", request->unique);
	json_text("opcode", known ? known->name : NULL);
	json_number("number", request->opcode);
	json_details(request);
	if (reply || expects_answer(request))
		json_bool("answered", reply);
	else
		json_null("answered");
	json_error(reply);
	if (reply)
		json_seconds("wait", reply->wait);
	else
		json_null("wait");
	json_line_end();
}

static void print_request(struct trace *trace,
			  const struct trace_event *request,
			  const struct trace_event *reply)
{
	uint64_t realtime = request->time + trace->tracing.to_realtime;

	if (!trace->left)
		return;
	trace->left--;
	if (json)
		json_line(realtime, request, reply);
	else
		print_line(realtime, request, reply);
}

static void print_lost(uint64_t lost)
{
	if (json) {
		json_open(NULL);
		json_text("event", "lost");
		json_seconds("time", live_realtime());
		if (lost)
			json_number("lost", lost);
		else
			json_null("lost");
		json_line_end();
	} else if (lost) {
		printf("[%llu events were lost: they came faster than they were read]\n",
		       (unsigned long long)lost);
	} else {
		printf("[events were lost: they came faster than they were read]\n");
	}
}

static void forget(struct trace *trace, size_t index)
{
	memmove(&trace->pending[index], &trace->pending[index + 1],
		(--trace->pending_count - index) * sizeof(*trace->pending));
}

static void take_request(struct trace *trace, const struct trace_event *event)
{
	if (!opcode_set_has(&trace->set, event->opcode))
		return;
	if (!expects_answer(event)) {
		print_request(trace, event, NULL);
		return;
	}
	if (trace->pending_count == MAX_PENDING) {
		print_request(trace, &trace->pending[0], NULL);
		forget(trace, 0);
	}
	trace->pending[trace->pending_count++] = *event;
}

/* Without its request, which came before the first event, it says nothing. */
static void take_reply(struct trace *trace, struct trace_event *event)
{
	size_t i;

	for (i = 0; i < trace->pending_count; i++) {
		if (trace->pending[i].unique == event->unique)
			break;
	}
	if (i == trace->pending_count)
		return;
	if (event->kind == TRACE_STOCK_REPLY)
		event->wait = event->time - trace->pending[i].time;
	print_request(trace, &trace->pending[i], event);
	forget(trace, i);
}

/* Whether there was an event: then there may be more. */
static bool take_events(struct trace *trace)
{
	uint64_t until = live_monotonic() + LIVE_TURN;
	struct trace_event event;
	bool any = false;

	while (trace->left && live_output() && live_monotonic() < until &&
	       tracing_next(&trace->tracing, &event)) {
		any = true;
		if (event.kind == TRACE_LOST)
			print_lost(event.lost);
		else if (event.connection != trace->connection)
			continue;
		else if (event.kind == TRACE_REQUEST ||
			 event.kind == TRACE_STOCK_REQUEST)
			take_request(trace, &event);
		else
			take_reply(trace, &event);
	}
	return any;
}

static bool is_there(unsigned int connection)
{
	struct connections connections;
	bool there;

	/* after a message: nothing is known */
	if (connections_read_only(&connections))
		return true;
	there = connections_driver(&connections, connection) != DRIVER_NONE;
	connections_free(&connections);
	return there;
}

static void follow(struct trace *trace)
{
	struct pollfd pipe = { .fd = trace->tracing.pipe, .events = POLLIN };
	uint64_t look = live_monotonic();
	bool go_on = true, gone = false;

	for (;;) {
		bool any = take_events(trace);

		if (!trace->left || !go_on || (gone && !any) || !live_output())
			break;
		if (!gone && live_monotonic() >= look) {
			look = live_monotonic() + LOOK_AGAIN * 1000000ULL;
			/* once more, for what it did last */
			gone = !is_there(trace->connection);
			if (gone)
				continue;
		}
		if (!any && pipe.revents)
			go_on = live_wait(NULL, 0, NAP);
		if (go_on)
			go_on = live_wait(&pipe, 1, any ? 0 : LOOK_AGAIN);
	}
	/* with -n those that were asked for were printed */
	while (trace->left && trace->pending_count && !number) {
		print_request(trace, &trace->pending[0], NULL);
		forget(trace, 0);
	}
}

/* Which requests the kernel records; of the others there are no events. */
static char *filter_of(const struct trace *trace)
{
	char *filter = text_format("connection == %u", trace->connection);
	const char *joint = " && (";
	char *longer;
	size_t i;

	for (i = 0; !trace->set.all && i < opcode_count; i++) {
		if (!trace->set.has[i])
			continue;
		longer = text_format("%s%sopcode == %u", filter, joint,
				     opcodes[i].number);
		free(filter);
		filter = longer;
		joint = " || ";
	}
	if (trace->set.all || !strcmp(joint, " && ("))
		return filter;
	longer = text_format("%s)", filter);
	free(filter);
	return longer;
}

static int enable(struct trace *trace)
{
	struct tracing *tracing = &trace->tracing;
	char *full = filter_of(trace);
	char *plain = text_format("connection == %u", trace->connection);
	int ret;

	/* the replies first: each request that is seen has its own */
	if (trace->stock) {
		ret = tracing_enable(tracing, STOCK_REPLY, plain);
		if (!ret)
			ret = tracing_enable(tracing, STOCK_REQUEST, full);
	} else {
		ret = tracing_enable(tracing, OWN_REPLY, full);
		if (!ret)
			ret = tracing_enable(tracing, OWN_REQUEST, full);
	}
	free(plain);
	free(full);
	if (!ret)
		return STATUS_OK;
	complain("can't enable the trace events of FUSE: %s", strerror(-ret));
	return ret == -EPERM || ret == -EACCES ? STATUS_NOT_PERMITTED :
	       STATUS_FAILURE;
}

static int check_events(const struct trace *trace, const char *name)
{
	if (tracing_has(&trace->tracing,
			trace->stock ? STOCK_REQUEST : OWN_REQUEST))
		return STATUS_OK;
	if (!trace->stock) {
		complain("the loaded fuse_ext has no trace events");
		complain_more("compare fusectl status version and fusectl --version");
		return STATUS_FAILURE;
	}
	complain("%s: connection %u is served by the stock driver, which has no trace events",
		 name, trace->connection);
	complain_more("it has them from Linux 6.12 on; unmount and mount it again under fuse_ext");
	return STATUS_STOCK;
}

static int run_trace(struct trace *trace, const struct mounts *mounts,
		     const char *name)
{
	int status;

	live_begin();
	status = tracing_begin(&trace->tracing, mounts, false);
	if (status)
		return status;
	status = check_events(trace, name);
	if (!status)
		status = enable(trace);
	if (!status) {
		if (trace->stock)
			complain("%s: served by the stock driver: without process, node and name",
				 name);
		trace->pending = memory(MAX_PENDING, sizeof(*trace->pending));
		follow(trace);
		free(trace->pending);
	}
	tracing_end(&trace->tracing);
	live_end();
	return status;
}

static int find_and_run(struct trace *trace, char *const *name)
{
	struct connections connections;
	struct target target;
	size_t found;
	int status;

	status = connections_read(&connections);
	if (status)
		return status;
	status = connections_targets_any(&connections, name, 1, &target,
					 &found);
	if (!status) {
		trace->connection = target.connection;
		trace->stock = connections_driver(&connections,
						  target.connection) ==
			       DRIVER_STOCK;
		status = run_trace(trace, &connections.mounts, *name);
	}
	connections_free(&connections);
	return status;
}

static int run(int argc, char **argv)
{
	struct trace trace = { .left = UINT64_MAX, .set.all = true };
	int status;

	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (argc - optind != 1)
		return options_wrong(argv[0], &usage, "wants one TARGET");
	if (number && !live_read_count(argv[0], number, &trace.left))
		return STATUS_USAGE;
	if (!expression || opcode_set_read(&trace.set, expression))
		status = find_and_run(&trace, &argv[optind]);
	else
		status = STATUS_USAGE;
	opcode_set_free(&trace.set);
	return status;
}

const struct verb verb_trace = {
	.name = "trace",
	.function = run,
	.description = "print a connection's requests as they pass",
	.usage = &usage,
};
