// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl top`: how many requests the connections have, and how long
 * they wait.  Not for single requests, see trace.c.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connections.h"
#include "fusectl.h"
#include "live.h"
#include "options.h"
#include "requests.h"
#include "sampling.h"
#include "screen.h"
#include "text.h"

#define DEFAULT_DELAY	2000
/* How often the tracepoints' buffer is emptied, in milliseconds. */
#define DRAIN		100

static const char *delay_word, *iterations_word;
static bool batch, json;

static const struct verb_option options[] = {
	{ .name = "batch", .letter = 'b', .flag = &batch,
	  .help = "print lines instead of drawing a screen" },
	{ .name = "delay", .letter = 'd', .argument = "SECONDS",
	  .words = WORDS_ANY, .value = &delay_word,
	  .help = "length of an interval, such as 0.5 (default: 2)" },
	{ .name = "iterations", .letter = 'n', .argument = "NUMBER",
	  .words = WORDS_ANY, .value = &iterations_word,
	  .help = "end after so many intervals" },
	{ .name = "json-lines", .letter = 'j', .flag = &json,
	  .help = "print a JSON object a line, one for each connection\n"
		  "and interval" },
};

static const struct usage usage = {
	.operands = "[TARGET...]",
	.words = { WORDS_TARGETS },
	.text =
	"Show, of all connections or of each TARGET, the requests a second, those that\n"
	"wait now, how long the server took (mean; what 99 % don't exceed; mean of\n"
	"FLUSH and RELEASE) and the share of background requests. h shows the keys.\n"
	"SOURCE: counters (fuse_ext), tracepoints (stock driver, Linux 6.12 and later,\n"
	"as root) or waiting (nothing else is known).",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

static void json_mean(const char *name, const struct sample *sample,
		      const struct request_figures *figures)
{
	if (figures->count && sample_has_answers(sample))
		json_seconds(name, figures->wait / figures->count);
	else
		json_null(name);
}

static void json_figures(const struct sample *sample,
			 const struct request_figures *figures)
{
	json_number("requests", figures->count);
	json_real("rate", sample_rate(sample, figures->count));
	if (sample_has_answers(sample))
		json_number("errors", figures->errors);
	else
		json_null("errors");
	if (sample->source == SOURCE_COUNTERS)
		json_number("background", figures->background);
	else
		json_null("background");
	json_mean("mean_wait", sample, figures);
}

static void json_requests(const struct sample *sample)
{
	const struct requests *between = &sample->between;
	struct request_figures figures = requests_total(between);
	int kind;

	json_figures(sample, &figures);
	if (figures.count && sample_has_answers(sample))
		json_seconds("p99_wait", requests_quantile(between, 0.99));
	else
		json_null("p99_wait");
	figures = requests_kind(between, KIND_FLUSH);
	json_mean("flush_wait", sample, &figures);
	figures = requests_kind(between, KIND_RELEASE);
	json_mean("release_wait", sample, &figures);
	json_open("kinds");
	for (kind = 0; kind < KIND_COUNT; kind++) {
		figures = requests_kind(between, kind);
		json_open(kind_names[kind]);
		json_figures(sample, &figures);
		json_close();
	}
	json_close();
}

static void json_unknown(void)
{
	static const char *const names[] = {
		"requests", "rate", "errors", "background", "mean_wait",
		"p99_wait", "flush_wait", "release_wait", "kinds",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		json_null(names[i]);
}

static void print_json(const struct sample *sample, uint64_t time)
{
	json_open(NULL);
	json_seconds("time", time);
	json_seconds("interval", sample->length);
	json_number("conn", sample->connection);
	json_text("driver", driver_name(sample->driver));
	json_text("target", sample->target);
	json_text("source", sample_source_name(sample));
	if (sample->waiting >= 0)
		json_number("waiting", sample->waiting);
	else
		json_null("waiting");
	if (sample_has_requests(sample))
		json_requests(sample);
	else
		json_unknown();
	json_line_end();
}

static void print_all(const struct sampling *sampling)
{
	uint64_t now = live_realtime();
	char time[LIVE_TIME_SIZE], *line;
	size_t i;

	if (!json) {
		live_time(now, 3, time);
		line = screen_headings();
		printf("%s\n%s\n", time, line);
		free(line);
	}
	for (i = 0; i < sampling->count; i++) {
		if (json) {
			print_json(sampling->sample[i], now);
			continue;
		}
		line = screen_line(sampling->sample[i]);
		printf("%s\n", line);
		free(line);
	}
}

/* False: the user wants to end. */
static bool wait_interval(struct sampling *sampling, int *delay)
{
	struct pollfd keyboard = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t begun = live_monotonic();
	enum screen_action action;
	bool more = false;

	for (;;) {
		int64_t left = *delay - (int64_t)((live_monotonic() - begun) /
						  1000000);

		if (left <= 0)
			return true;
		if (more)
			left = 0;
		else if (sampling->has_tracing && left > DRAIN)
			left = DRAIN;
		if (!live_wait(&keyboard, batch ? 0 : 1, left))
			return false;
		more = sampling_drain(sampling);
		if (batch)
			continue;
		action = screen_keys(sampling, delay);
		if (action != SCREEN_STAY)
			return action == SCREEN_REFRESH;
	}
}

static void show(const struct sampling *sampling, int delay)
{
	if (batch)
		print_all(sampling);
	else
		screen_draw(sampling, delay);
}

static int follow(struct sampling *sampling, int delay, uint64_t left)
{
	int status = STATUS_OK;

	if (!batch) {
		if (!screen_begin())
			return STATUS_FAILURE;
		screen_draw(sampling, delay);
	}
	while (left-- && wait_interval(sampling, &delay)) {
		status = sampling_scan(sampling);
		if (status)
			break;
		sampling_take(sampling);
		/* all that were named are gone */
		if (sampling->wanted_count && !sampling->count)
			break;
		show(sampling, delay);
		if (!live_output())
			break;
	}
	if (!batch)
		screen_end();
	return status;
}

static int run(int argc, char **argv)
{
	uint64_t iterations = UINT64_MAX;
	struct sampling sampling;
	int delay = DEFAULT_DELAY;
	int status;

	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if ((delay_word && !live_read_delay(argv[0], delay_word, &delay)) ||
	    (iterations_word &&
	     !live_read_count(argv[0], iterations_word, &iterations)))
		return STATUS_USAGE;
	batch |= json;
	live_begin();
	status = sampling_begin(&sampling, &argv[optind], argc - optind);
	if (!status)
		status = follow(&sampling, delay, iterations);
	sampling_end(&sampling);
	live_end();
	return status;
}

const struct verb verb_top = {
	.name = "top",
	.function = run,
	.description = "show how many requests there are, and their waits",
	.usage = &usage,
};
