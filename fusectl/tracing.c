// SPDX-License-Identifier: GPL-2.0
/*
 * An instance of tracefs of our own: what others trace stays as it is.
 * Not for what its lines mean, see trace_parse.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fusectl.h"
#include "live.h"
#include "ops.h"
#include "text.h"
#include "trace_parse.h"
#include "tracing.h"

#define PLACE		"/sys/kernel/tracing"
#define PREFIX		"fusectl-"
#define BUFFER_SIZE	65536

static bool exists(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	bool there = !access(full, F_OK);

	free(full);
	return there;
}

static char *file_of(const char *directory, const char *name)
{
	return text_format("%s%s/%s", ops_root(), directory, name);
}

static int write_file(const char *directory, const char *name, const char *word)
{
	char *path = file_of(directory, name);
	int ret = ops_write(path, word);

	free(path);
	return ret;
}

static const struct mount *find_tracefs(const struct mounts *mounts)
{
	const struct mount *mount = mounts_at(mounts, PLACE);
	size_t i;

	if (mount && !strcmp(mount->type, "tracefs"))
		return mount;
	for (i = 0; i < mounts->count; i++) {
		mount = &mounts->mount[i];
		if (!strcmp(mount->type, "tracefs") &&
		    !strcmp(mount->root, "/") &&
		    mounts_at(mounts, mount->target) == mount)
			return mount;
	}
	return NULL;
}

static int find_root(struct tracing *tracing, const struct mounts *mounts)
{
	const struct mount *mount = find_tracefs(mounts);
	int ret;

	if (mount) {
		tracing->root = text_copy(mount->target);
		return 0;
	}
	if (!exists(PLACE))
		return -ENOENT;
	ret = ops_mount("tracefs", PLACE, "tracefs", 0);
	if (ret)
		return ret;
	tracing->mounted = true;
	tracing->root = text_copy(PLACE);
	return 0;
}

static bool is_number(const char *word)
{
	return *word && strspn(word, "0123456789") == strlen(word);
}

/*
 * One that is alive has its pipe open, so that the kernel doesn't remove its
 * instance, also where its number means nothing here (another PID namespace).
 */
static void remove_dead(const struct tracing *tracing)
{
	char *directory = text_format("%s/instances", tracing->root);
	char *full = text_format("%s%s", ops_root(), directory);
	DIR *stream = opendir(full);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		const char *number = entry->d_name + strlen(PREFIX);
		char *process, *path;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) ||
		    !is_number(number))
			continue;
		process = text_format("/proc/%s", number);
		path = file_of(directory, entry->d_name);
		if (!exists(process))
			ops_remove_directory(path);
		free(path);
		free(process);
	}
	if (stream)
		closedir(stream);
	free(full);
	free(directory);
}

static int make_instance(struct tracing *tracing)
{
	char *name, *path;
	int ret;

	name = text_format("instances/%s%d", PREFIX, (int)getpid());
	path = file_of(tracing->root, name);
	ret = ops_make_directory(path);
	if (!ret)
		tracing->instance = text_format("%s/%s", tracing->root, name);
	free(path);
	free(name);
	return ret;
}

static int open_pipe(struct tracing *tracing)
{
	char *path = file_of(tracing->instance, "trace_pipe");

	tracing->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	free(path);
	return tracing->pipe < 0 ? -errno : 0;
}

static int begin(struct tracing *tracing, const struct mounts *mounts)
{
	int ret = find_root(tracing, mounts);

	if (ret)
		return ret;
	remove_dead(tracing);
	ret = make_instance(tracing);
	if (ret)
		return ret;
	/* one clock on all CPUs, and its distance from the time of the day */
	ret = write_file(tracing->instance, "trace_clock", "mono");
	tracing->to_realtime = live_realtime() - live_monotonic();
	/* poll(2) is to tell of the first event; kernels without it do */
	write_file(tracing->instance, "buffer_percent", "0");
	return ret ? ret : open_pipe(tracing);
}

int tracing_begin(struct tracing *tracing, const struct mounts *mounts,
		  bool quiet)
{
	int ret;

	memset(tracing, 0, sizeof(*tracing));
	tracing->pipe = -1;
	ret = begin(tracing, mounts);
	if (!ret) {
		tracing->buffer = memory(BUFFER_SIZE, 1);
		return STATUS_OK;
	}
	tracing_end(tracing);
	if (ret == -EPERM || ret == -EACCES) {
		if (!quiet) {
			complain("not permitted to trace: %s", strerror(-ret));
			complain_more("run it as root; nothing was changed");
		}
		return STATUS_NOT_PERMITTED;
	}
	if (!quiet) {
		complain("can't make an instance in %s: %s", PLACE,
			 strerror(-ret));
		complain_more("it takes a kernel with CONFIG_TRACING, and no lockdown of it");
	}
	return STATUS_FAILURE;
}

bool tracing_has(const struct tracing *tracing, const char *event)
{
	char *path = text_format("%s/events/%s", tracing->instance, event);
	bool has = exists(path);

	free(path);
	return has;
}

int tracing_enable(struct tracing *tracing, const char *event,
		   const char *filter)
{
	char *name = text_format("events/%s/filter", event);
	int ret = filter ? write_file(tracing->instance, name, filter) : 0;

	free(name);
	if (ret)
		return ret;
	name = text_format("events/%s/enable", event);
	ret = write_file(tracing->instance, name, "1");
	free(name);
	return ret;
}

/* The first line of the buffer, with '\0' for its end; NULL: none is whole. */
static char *take_line(struct tracing *tracing, size_t *used)
{
	char *start = tracing->buffer + *used;
	size_t left = tracing->length - *used;
	char *end = memchr(start, '\n', left);

	if (!end)
		return NULL;
	*end = '\0';
	*used += end - start + 1;
	return start;
}

static void drop(struct tracing *tracing, size_t used)
{
	tracing->length -= used;
	memmove(tracing->buffer, tracing->buffer + used, tracing->length);
}

static bool fill(struct tracing *tracing)
{
	ssize_t more;

	/* no line of the kernel's is as long as that */
	if (tracing->length == BUFFER_SIZE)
		tracing->length = 0;
	more = read(tracing->pipe, tracing->buffer + tracing->length,
		    BUFFER_SIZE - tracing->length);
	if (more <= 0)
		return false;
	tracing->length += more;
	return true;
}

bool tracing_next(struct tracing *tracing, struct trace_event *event)
{
	bool found = false;
	char *line;

	do {
		while (!found && (line = take_line(tracing, &tracing->used)))
			found = trace_parse(line, event);
		if (found)
			return true;
		drop(tracing, tracing->used);
		tracing->used = 0;
	} while (fill(tracing));
	return false;
}

void tracing_end(struct tracing *tracing)
{
	char *path;

	/* it can't be removed while it is open */
	if (tracing->pipe >= 0)
		close(tracing->pipe);
	if (tracing->instance) {
		path = text_format("%s%s", ops_root(), tracing->instance);
		ops_remove_directory(path);
		free(path);
	}
	if (tracing->mounted)
		ops_unmount(PLACE);
	free(tracing->instance);
	free(tracing->root);
	free(tracing->buffer);
	memset(tracing, 0, sizeof(*tracing));
	tracing->pipe = -1;
}
