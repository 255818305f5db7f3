// SPDX-License-Identifier: GPL-2.0
/*
 * What the verbs share that go on until they are ended: signals,
 * waiting, time, a JSON object a line.  Not for what they show.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "fusectl.h"
#include "live.h"
#include "ops.h"
#include "text.h"

#define SECOND		((uint64_t)1000000000)
#define MAX_FILES	8
#define MAX_DELAY	86400

static int signals = -1;
static bool reader_gone;
static bool first = true;

void live_begin(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		complain("can't wait for signals: %s", strerror(errno));
		exit(STATUS_FAILURE);
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

bool live_wait(struct pollfd *files, size_t count, int milliseconds)
{
	struct pollfd all[MAX_FILES + 2] = {
		{ .fd = signals, .events = POLLIN },
		/* POLLERR comes unasked: the reader of a pipe is gone */
		{ .fd = STDOUT_FILENO },
	};
	size_t i;

	if (count > MAX_FILES)
		count = MAX_FILES;
	for (i = 0; i < count; i++) {
		files[i].revents = 0;
		all[i + 2] = files[i];
	}
	if (ops_poll(all, count + 2, milliseconds) < 0)
		return errno == EINTR;
	for (i = 0; i < count; i++)
		files[i].revents = all[i + 2].revents;
	if (all[1].revents & POLLERR)
		reader_gone = true;
	return !reader_gone && !(all[0].revents & POLLIN);
}

bool live_output(void)
{
	if (!ferror(stdout))
		return true;
	if (errno == EPIPE)
		reader_gone = true;
	return false;
}

void live_end(void)
{
	if (!reader_gone)
		return;
	/* what is left in the buffer has no reader */
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

uint64_t live_monotonic(void)
{
	return now(CLOCK_MONOTONIC);
}

uint64_t live_realtime(void)
{
	return now(CLOCK_REALTIME);
}

void live_time(uint64_t realtime, int digits, char text[LIVE_TIME_SIZE])
{
	time_t seconds = realtime / SECOND;
	unsigned int fraction = realtime % SECOND / 1000;
	struct tm parts;

	localtime_r(&seconds, &parts);
	if (digits == 3)
		fraction /= 1000;
	snprintf(text, LIVE_TIME_SIZE, "%02d:%02d:%02d.%0*u", parts.tm_hour,
		 parts.tm_min, parts.tm_sec, digits, fraction);
}

static void put_text(const char *text)
{
	char *printable = text_printable(text, true);
	const char *c;

	putchar('"');
	for (c = printable; *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
	free(printable);
}

static void put_name(const char *name)
{
	if (!first)
		putchar(',');
	first = false;
	if (!name)
		return;
	put_text(name);
	putchar(':');
}

void json_open(const char *name)
{
	put_name(name);
	putchar('{');
	first = true;
}

void json_close(void)
{
	putchar('}');
	first = false;
}

void json_line_end(void)
{
	json_close();
	putchar('\n');
	first = true;
}

void json_null(const char *name)
{
	put_name(name);
	fputs("null", stdout);
}

void json_text(const char *name, const char *text)
{
	if (!text) {
		json_null(name);
		return;
	}
	put_name(name);
	put_text(text);
}

void json_number(const char *name, uint64_t number)
{
	put_name(name);
	printf("%llu", (unsigned long long)number);
}

void json_bool(const char *name, bool value)
{
	put_name(name);
	fputs(value ? "true" : "false", stdout);
}

void json_seconds(const char *name, uint64_t nanoseconds)
{
	put_name(name);
	printf("%llu.%09llu", (unsigned long long)(nanoseconds / SECOND),
	       (unsigned long long)(nanoseconds % SECOND));
}

/* Not by printf(), whose point is the locale's. */
void json_real(const char *name, double number)
{
	unsigned long long thousandths = number * 1000 + 0.5;

	put_name(name);
	printf("%llu.%03llu", thousandths / 1000, thousandths % 1000);
}

/* Digits, and perhaps a point and further digits, in any locale. */
static bool read_decimal(const char *word, double *seconds)
{
	size_t whole = strspn(word, "0123456789");
	size_t rest = word[whole] == '.' ?
		      strspn(word + whole + 1, "0123456789") : 0;
	size_t length = whole + (word[whole] == '.') + rest;
	double scale = 0.1;
	size_t i;

	if (word[length] || !(whole + rest))
		return false;
	*seconds = 0;
	for (i = 0; i < whole; i++)
		*seconds = *seconds * 10 + word[i] - '0';
	for (i = whole + 1; i < length; i++, scale /= 10)
		*seconds += scale * (word[i] - '0');
	return true;
}

bool live_parse_seconds(const char *word, double *seconds)
{
	return read_decimal(word, seconds) && *seconds >= 0.01 &&
	       *seconds <= MAX_DELAY;
}

bool live_read_delay(const char *verb, const char *word, int *milliseconds)
{
	double seconds;

	if (live_parse_seconds(word, &seconds)) {
		*milliseconds = seconds * 1000 + 0.5;
		return true;
	}
	complain("%s: '%s' is no delay", verb, word);
	complain_more("it is a number of seconds from 0.01 to %d", MAX_DELAY);
	return false;
}

bool live_read_count(const char *verb, const char *word, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoumax(word, &end, 10);
	if (!errno && !*end && strspn(word, "0123456789") && *count)
		return true;
	complain("%s: '%s' is no number", verb, word);
	complain_more("it is a whole number from 1");
	return false;
}
