// SPDX-License-Identifier: GPL-2.0
/*
 * FUSE's requests by name and by kind, and the figures in a
 * connection's ext_requests.  Not for single requests, see trace_parse.c.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fusectl.h"
#include "requests.h"
#include "text.h"

#define OPCODE_FORGET		2
#define OPCODE_NOTIFY_REPLY	41
#define OPCODE_BATCH_FORGET	42

/* A bucket's width where fusectl counts itself: a quarter of an octave. */
#define STEPS	4

const char *const kind_names[KIND_COUNT] = {
	[KIND_LOOKUP] = "lookup",
	[KIND_GETATTR] = "getattr",
	[KIND_SETATTR] = "setattr",
	[KIND_OPEN] = "open",
	[KIND_CREATE] = "create",
	[KIND_READ] = "read",
	[KIND_WRITE] = "write",
	[KIND_READDIR] = "readdir",
	[KIND_FLUSH] = "flush",
	[KIND_RELEASE] = "release",
	[KIND_FSYNC] = "fsync",
	[KIND_XATTR] = "xattr",
	[KIND_LOCK] = "lock",
	[KIND_REMOVE] = "remove",
	[KIND_OTHER] = "other",
};

const struct opcode opcodes[] = {
	{ 1, "lookup", KIND_LOOKUP },
	{ 2, "forget", KIND_OTHER },
	{ 3, "getattr", KIND_GETATTR },
	{ 4, "setattr", KIND_SETATTR },
	{ 5, "readlink", KIND_OTHER },
	{ 6, "symlink", KIND_CREATE },
	{ 8, "mknod", KIND_CREATE },
	{ 9, "mkdir", KIND_CREATE },
	{ 10, "unlink", KIND_REMOVE },
	{ 11, "rmdir", KIND_REMOVE },
	{ 12, "rename", KIND_REMOVE },
	{ 13, "link", KIND_CREATE },
	{ 14, "open", KIND_OPEN },
	{ 15, "read", KIND_READ },
	{ 16, "write", KIND_WRITE },
	{ 17, "statfs", KIND_OTHER },
	{ 18, "release", KIND_RELEASE },
	{ 20, "fsync", KIND_FSYNC },
	{ 21, "setxattr", KIND_XATTR },
	{ 22, "getxattr", KIND_XATTR },
	{ 23, "listxattr", KIND_XATTR },
	{ 24, "removexattr", KIND_XATTR },
	{ 25, "flush", KIND_FLUSH },
	{ 26, "init", KIND_OTHER },
	{ 27, "opendir", KIND_READDIR },
	{ 28, "readdir", KIND_READDIR },
	{ 29, "releasedir", KIND_READDIR },
	{ 30, "fsyncdir", KIND_FSYNC },
	{ 31, "getlk", KIND_LOCK },
	{ 32, "setlk", KIND_LOCK },
	{ 33, "setlkw", KIND_LOCK },
	{ 34, "access", KIND_OTHER },
	{ 35, "create", KIND_CREATE },
	{ 36, "interrupt", KIND_OTHER },
	{ 37, "bmap", KIND_OTHER },
	{ 38, "destroy", KIND_OTHER },
	{ 39, "ioctl", KIND_OTHER },
	{ 40, "poll", KIND_OTHER },
	{ 41, "notify_reply", KIND_OTHER },
	{ 42, "batch_forget", KIND_OTHER },
	{ 43, "fallocate", KIND_WRITE },
	{ 44, "readdirplus", KIND_READDIR },
	{ 45, "rename2", KIND_REMOVE },
	{ 46, "lseek", KIND_OTHER },
	{ 47, "copy_file_range", KIND_WRITE },
	{ 48, "setupmapping", KIND_OTHER },
	{ 49, "removemapping", KIND_OTHER },
	{ 50, "syncfs", KIND_FSYNC },
	{ 51, "tmpfile", KIND_CREATE },
	{ 52, "statx", KIND_GETATTR },
	{ 53, "copy_file_range_64", KIND_WRITE },
	{ 2048, "atomic_create", KIND_CREATE },
	{ 4096, "cuse_init", KIND_OTHER },
};

const size_t opcode_count = ARRAY_SIZE(opcodes);

const struct opcode *opcode_find(uint32_t number)
{
	size_t i;

	for (i = 0; i < opcode_count; i++) {
		if (opcodes[i].number == number)
			return &opcodes[i];
	}
	return NULL;
}

enum request_kind opcode_kind(uint32_t number)
{
	const struct opcode *opcode = opcode_find(number);

	return opcode ? opcode->kind : KIND_OTHER;
}

bool opcode_is_answered(uint32_t number)
{
	return number != OPCODE_FORGET && number != OPCODE_BATCH_FORGET &&
	       number != OPCODE_NOTIFY_REPLY;
}

static bool add_name(struct opcode_set *set, const char *name)
{
	bool found = false, is_kind;
	size_t i;

	for (i = 0; i < opcode_count; i++) {
		is_kind = !strcmp(name, kind_names[opcodes[i].kind]);
		if (is_kind || !strcmp(name, opcodes[i].name)) {
			set->has[i] = true;
			found = true;
		}
	}
	return found;
}

static void complain_name(const char *name)
{
	const char **names = memory(opcode_count + KIND_COUNT, sizeof(*names));
	const char *nearest;
	size_t i, count = 0;
	char *all;

	for (i = 0; i < KIND_COUNT; i++)
		names[count++] = kind_names[i];
	all = text_join(names, count);
	for (i = 0; i < opcode_count; i++)
		names[count++] = opcodes[i].name;
	nearest = text_nearest(name, names, count);
	if (nearest)
		complain("there is no request '%s'; did you mean '%s'?", name,
			 nearest);
	else
		complain("there is no request '%s'", name);
	complain_more("the kinds are: %s; fusectl(8) has all names", all);
	free(all);
	free(names);
}

bool opcode_set_read(struct opcode_set *set, const char *list)
{
	bool inverted = *list == '!';
	char *copy = text_copy(list + inverted), *rest = copy, *name;
	bool known = true;
	size_t i;

	set->all = false;
	set->has = memory(opcode_count, sizeof(*set->has));
	while (known && (name = strsep(&rest, ","))) {
		known = add_name(set, name);
		if (!known)
			complain_name(name);
	}
	for (i = 0; inverted && i < opcode_count; i++)
		set->has[i] = !set->has[i];
	free(copy);
	return known;
}

bool opcode_set_has(const struct opcode_set *set, uint32_t number)
{
	const struct opcode *opcode = opcode_find(number);

	return set->all || (opcode && set->has[opcode - opcodes]);
}

void opcode_set_free(struct opcode_set *set)
{
	free(set->has);
	set->has = NULL;
}

/* A decimal number and the blank or the line's end behind it. */
static bool read_number(const char **text, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*number = strtoumax(*text, &end, 10);
	if (errno || (*end && *end != ' ' && *end != '\n'))
		return false;
	*text = end + (*end == ' ');
	return true;
}

static struct request_figures *figures_of(struct requests *requests,
					  uint32_t opcode)
{
	struct request_opcode *entry;
	size_t i;

	for (i = 0; i < requests->count; i++) {
		if (requests->opcode[i].number == opcode)
			return &requests->opcode[i].figures;
	}
	if (requests->count == REQUESTS_OPCODES)
		return NULL;
	entry = &requests->opcode[requests->count++];
	memset(entry, 0, sizeof(*entry));
	entry->number = opcode;
	return &entry->figures;
}

static bool parse_opcode(const char *line, struct requests *requests)
{
	struct request_figures *figures, read;
	uint64_t opcode;

	if (!read_number(&line, &opcode) || opcode > UINT32_MAX ||
	    !read_number(&line, &read.count) ||
	    !read_number(&line, &read.background) ||
	    !read_number(&line, &read.errors) ||
	    !read_number(&line, &read.wait))
		return false;
	figures = figures_of(requests, opcode);
	if (figures)
		*figures = read;
	return true;
}

static bool parse_wait(const char *line, struct requests *requests)
{
	struct request_bucket *bucket, read;

	if (!read_number(&line, &read.upper) ||
	    !read_number(&line, &read.count))
		return false;
	bucket = &requests->bucket[requests->bucket_count];
	if (requests->bucket_count && bucket[-1].upper >= read.upper)
		return false;
	if (requests->bucket_count == REQUESTS_BUCKETS)
		return true;
	*bucket = read;
	requests->bucket_count++;
	return true;
}

bool requests_parse(const char *text, struct requests *requests)
{
	const char *line, *end;
	bool right = true;

	requests->count = 0;
	requests->bucket_count = 0;
	for (line = text; right && *line; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		if (isdigit((unsigned char)*line))
			right = parse_opcode(line, requests);
		else if (!strncmp(line, "wait ", 5))
			right = parse_wait(line + 5, requests);
	}
	return right;
}

/*
 * The first bucket's end that isn't below the wait: of each octave's four, the
 * ends are the powers of two and three steps between them.
 */
static uint64_t bucket_upper(uint64_t wait)
{
	uint64_t octave = STEPS, step;

	if (wait <= STEPS)
		return STEPS;
	while (wait > 2 * octave && octave < UINT64_MAX / 4)
		octave *= 2;
	step = octave / STEPS;
	return (wait + step - 1) / step * step;
}

static void add_to_bucket(struct requests *requests, uint64_t upper,
			  uint64_t count)
{
	struct request_bucket *bucket = requests->bucket;
	size_t i;

	for (i = requests->bucket_count; i && bucket[i - 1].upper > upper; i--)
		;
	if (i && bucket[i - 1].upper == upper) {
		bucket[i - 1].count += count;
		return;
	}
	if (requests->bucket_count == REQUESTS_BUCKETS)
		return;
	memmove(&bucket[i + 1], &bucket[i],
		(requests->bucket_count++ - i) * sizeof(*bucket));
	bucket[i].upper = upper;
	bucket[i].count = count;
}

void requests_add_sent(struct requests *requests, uint32_t opcode)
{
	struct request_figures *figures = figures_of(requests, opcode);

	if (figures)
		figures->count++;
}

void requests_add(struct requests *requests, uint32_t opcode, bool error,
		  uint64_t wait)
{
	struct request_figures *figures = figures_of(requests, opcode);

	if (figures) {
		figures->count++;
		figures->errors += error;
		figures->wait += wait;
	}
	add_to_bucket(requests, bucket_upper(wait), 1);
}

static uint64_t grown(uint64_t before, uint64_t now)
{
	return now >= before ? now - before : now;
}

static const struct request_figures *
find_figures(const struct requests *requests, uint32_t opcode)
{
	static const struct request_figures none;
	size_t i;

	for (i = 0; i < requests->count; i++) {
		if (requests->opcode[i].number == opcode)
			return &requests->opcode[i].figures;
	}
	return &none;
}

void requests_since(const struct requests *before, const struct requests *now,
		    struct requests *between)
{
	const struct request_figures *old, *new;
	struct request_figures *figures;
	size_t i, j = 0;

	between->count = 0;
	between->bucket_count = now->bucket_count;
	for (i = 0; i < now->count; i++) {
		new = &now->opcode[i].figures;
		old = find_figures(before, now->opcode[i].number);
		figures = figures_of(between, now->opcode[i].number);
		if (!figures)
			break;
		figures->count = grown(old->count, new->count);
		figures->background = grown(old->background, new->background);
		figures->errors = grown(old->errors, new->errors);
		figures->wait = grown(old->wait, new->wait);
	}
	for (i = 0; i < now->bucket_count; i++) {
		uint64_t count = 0, upper = now->bucket[i].upper;

		while (j < before->bucket_count &&
		       before->bucket[j].upper < upper)
			j++;
		if (j < before->bucket_count &&
		    before->bucket[j].upper == upper)
			count = before->bucket[j].count;
		between->bucket[i].upper = upper;
		between->bucket[i].count = grown(count, now->bucket[i].count);
	}
}

static struct request_figures sum(const struct requests *requests, int kind)
{
	struct request_figures total = { 0 };
	size_t i;

	for (i = 0; i < requests->count; i++) {
		const struct request_opcode *opcode = &requests->opcode[i];

		if (kind >= 0 && (int)opcode_kind(opcode->number) != kind)
			continue;
		total.count += opcode->figures.count;
		total.background += opcode->figures.background;
		total.errors += opcode->figures.errors;
		total.wait += opcode->figures.wait;
	}
	return total;
}

struct request_figures requests_total(const struct requests *requests)
{
	return sum(requests, -1);
}

struct request_figures requests_kind(const struct requests *requests,
				     enum request_kind kind)
{
	return sum(requests, kind);
}

uint64_t requests_quantile(const struct requests *requests, double share)
{
	uint64_t total = 0, below = 0;
	size_t i;

	for (i = 0; i < requests->bucket_count; i++)
		total += requests->bucket[i].count;
	for (i = 0; i < requests->bucket_count; i++) {
		below += requests->bucket[i].count;
		if (below && (double)below >= share * (double)total)
			return requests->bucket[i].upper;
	}
	return 0;
}
