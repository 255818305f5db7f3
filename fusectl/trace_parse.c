// SPDX-License-Identifier: GPL-2.0
/*
 * A line of tracefs' trace_pipe: a request, a reply, or a gap.  Not
 * for reading the pipe, see tracing.c.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fusectl.h"
#include "trace_parse.h"

/* What stands before the fields; no name of a process is that long. */
static const struct {
	const char *text;
	enum trace_kind kind;
} marks[] = {
	{ ": fuse_ext_request: ", TRACE_REQUEST },
	{ ": fuse_ext_reply: ", TRACE_REPLY },
	{ ": fuse_request_send: ", TRACE_STOCK_REQUEST },
	{ ": fuse_request_end: ", TRACE_STOCK_REPLY },
};

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* NAME and a number; *text is then behind it and one blank. */
static bool read_field(const char **text, const char *name, uint64_t *value)
{
	char *end;

	if (!starts_with(*text, name))
		return false;
	*text += strlen(name);
	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*value = strtoumax(*text, &end, 10);
	*text = end + (*end == ' ');
	return !errno;
}

static bool read_small(const char **text, const char *name, uint32_t *value)
{
	uint64_t number;

	if (!read_field(text, name, &number) || number > UINT32_MAX)
		return false;
	*value = number;
	return true;
}

/* The kernel has them negative; MAX_ERRNO is the largest there is. */
static bool read_error(const char **text, int *value)
{
	uint64_t number;

	if (!starts_with(*text, "error"))
		return false;
	*text += strlen("error");
	if (**text != '=' && **text != ' ')
		return false;
	(*text)++;
	if (**text != '-')
		return read_field(text, "", &number) && !number;
	if (!read_field(text, "-", &number) || number > 4095)
		return false;
	*value = -(int)number;
	return true;
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xNN is a byte; the kernel writes a backslash itself so, too. */
static bool read_name(const char *text, char *name)
{
	size_t length = 0;

	while (*text && *text != '\n') {
		if (length == TRACE_NAME_SIZE - 1)
			return false;
		if (text[0] == '\\' && text[1] == 'x' &&
		    hex_digit(text[2]) >= 0 && hex_digit(text[3]) >= 0) {
			name[length] = hex_digit(text[2]) << 4 |
				       hex_digit(text[3]);
			/* no request has it in a name */
			if (!name[length++])
				return false;
			text += 4;
		} else {
			name[length++] = *text++;
		}
	}
	name[length] = '\0';
	return true;
}

static bool parse_request(const char *text, struct trace_event *event)
{
	uint32_t background;

	if (!read_small(&text, "connection=", &event->connection) ||
	    !read_field(&text, "unique=", &event->unique) ||
	    !read_small(&text, "opcode=", &event->opcode) ||
	    !read_field(&text, "nodeid=", &event->nodeid) ||
	    !read_small(&text, "pid=", &event->pid) ||
	    !read_small(&text, "background=", &background) ||
	    !read_small(&text, "size=", &event->size) ||
	    !read_field(&text, "offset=", &event->offset) ||
	    !starts_with(text, "name="))
		return false;
	event->background = background;
	return read_name(text + strlen("name="), event->name);
}

static bool parse_reply(const char *text, struct trace_event *event)
{
	return read_small(&text, "connection=", &event->connection) &&
	       read_field(&text, "unique=", &event->unique) &&
	       read_small(&text, "opcode=", &event->opcode) &&
	       read_error(&text, &event->error) &&
	       read_small(&text, "size=", &event->size) &&
	       read_field(&text, "wait_ns=", &event->wait);
}

static bool parse_stock_request(const char *text, struct trace_event *event)
{
	if (!read_small(&text, "connection ", &event->connection) ||
	    !read_field(&text, "req ", &event->unique) ||
	    !read_small(&text, "opcode ", &event->opcode))
		return false;
	/* the kernel's own name of the opcode, in parentheses */
	text = strchr(text, ')');
	if (!text)
		return false;
	text += strspn(text, ") ");
	return read_small(&text, "len ", &event->size);
}

static bool parse_stock_reply(const char *text, struct trace_event *event)
{
	return read_small(&text, "connection ", &event->connection) &&
	       read_field(&text, "req ", &event->unique) &&
	       read_small(&text, "len ", &event->size) &&
	       read_error(&text, &event->error);
}

/* SECONDS.MICROSECONDS, which ends where the mark begins. */
static bool parse_time(const char *line, const char *end, uint64_t *time)
{
	uint64_t seconds, fraction;
	const char *start = end;
	char *after;

	while (start > line && start[-1] != ' ')
		start--;
	if (!isdigit((unsigned char)*start))
		return false;
	seconds = strtoumax(start, &after, 10);
	if (*after != '.' || seconds > UINT64_MAX / 2000000000 ||
	    end - after != 7 || !isdigit((unsigned char)after[1]))
		return false;
	fraction = strtoumax(after + 1, &after, 10);
	*time = seconds * 1000000000 + fraction * 1000;
	return after == end;
}

/* CPU:N [LOST N EVENTS], or without the number */
static bool parse_lost(const char *line, struct trace_event *event)
{
	const char *text;

	if (!starts_with(line, "CPU:"))
		return false;
	text = strstr(line, " [LOST ");
	if (!text)
		return false;
	text += strlen(" [LOST ");
	event->kind = TRACE_LOST;
	if (starts_with(text, "EVENTS]"))
		return true;
	return read_field(&text, "", &event->lost) &&
	       starts_with(text, "EVENTS]");
}

bool trace_parse(const char *line, struct trace_event *event)
{
	const char *mark = NULL;
	size_t i;

	memset(event, 0, sizeof(*event));
	if (parse_lost(line, event))
		return true;
	for (i = 0; i < ARRAY_SIZE(marks) && !mark; i++) {
		mark = strstr(line, marks[i].text);
		if (!mark)
			continue;
		event->kind = marks[i].kind;
		if (!parse_time(line, mark, &event->time))
			return false;
		mark += strlen(marks[i].text);
	}
	if (!mark)
		return false;
	switch (event->kind) {
	case TRACE_REQUEST:
		return parse_request(mark, event);
	case TRACE_REPLY:
		return parse_reply(mark, event);
	case TRACE_STOCK_REQUEST:
		return parse_stock_request(mark, event);
	default:
		return parse_stock_reply(mark, event);
	}
}
