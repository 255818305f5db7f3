/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the verbs share that go on until they are ended: signals,
 * waiting, time, a JSON object a line.  Not for what they show.
 */
#ifndef FUSECTL_LIVE_H
#define FUSECTL_LIVE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From here on SIGINT, SIGTERM, SIGHUP and a reader of the output that goes
 * away end live_wait() instead of the program; output is by line.
 */
void live_begin(void);

/*
 * Waits until one of the files is ready, or for so long (negative: without
 * end).  False: the verb is to clean up and end.
 */
bool live_wait(struct pollfd *files, size_t count, int milliseconds);

/* False: writing failed, and so the verb is to clean up and end. */
bool live_output(void);

/* After cleaning up: ends the program as SIGPIPE does where that was it. */
void live_end(void);

/*
 * Events may come faster than they are taken: for so long (in nanoseconds) they
 * are taken before live_wait() is asked again.
 */
#define LIVE_TURN	50000000

/* Nanoseconds of the clock. */
uint64_t live_monotonic(void);
uint64_t live_realtime(void);

/* "15:04:05.123456" of local time; digits after the point: 3 or 6. */
#define LIVE_TIME_SIZE	32
void live_time(uint64_t realtime, int digits, char text[LIVE_TIME_SIZE]);

/*
 * A JSON object a line.  Each field puts a comma before itself unless it is
 * the first; NULL is null; times are seconds.
 */
void json_open(const char *name);	/* NULL: no name */
void json_close(void);
void json_line_end(void);
void json_text(const char *name, const char *text);
void json_number(const char *name, uint64_t number);
void json_bool(const char *name, bool value);
void json_seconds(const char *name, uint64_t nanoseconds);
void json_real(const char *name, double number);
void json_null(const char *name);

/* A delay in seconds, such as 0.5, in any locale; false where it is none. */
bool live_parse_seconds(const char *word, double *seconds);
/* The same in milliseconds; false after a message. */
bool live_read_delay(const char *verb, const char *word, int *milliseconds);
/* A count from 1; false after a message. */
bool live_read_count(const char *verb, const char *word, uint64_t *count);

#endif /* FUSECTL_LIVE_H */
