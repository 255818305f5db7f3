// SPDX-License-Identifier: GPL-2.0
/*
 * flip.c - writes random values to the toggles of the module and of all its
 * connections, and reads what they say, until it is told to end.  Connections come
 * and go meanwhile.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fxsoak.h"
#include "wire.h"

#define MOST_CONNECTIONS	64

static const char * const toggles[] = {
	"async_flush", "sync_release", "atomic_create", "syncfs", "inval_files",
};

#define TOGGLES	(sizeof(toggles) / sizeof(toggles[0]))

/* The last one is async_flush's only, the one before it a connection's only. */
static const char * const values[] = { "auto", "on", "off", "default", "exit" };

static const char * const records[] = { "ext_state", "ext_stats", "async_flush", "waiting" };

static uint64_t state;
static unsigned long flips, looks, gone;

static int undocumented(const char *what, const char *path)
{
	if (errno == ENOENT || errno == ENODEV) {
		gone++;
		return 0;
	}
	printf("WRONG: %s %s: %s\n", what, path, wire_errno_name(errno));
	return 1;
}

static const char *any_value(size_t toggle, int is_connection)
{
	size_t count = is_connection ? 4 : 3;
	size_t chosen = any_below(&state, count + !toggle);

	return chosen == count ? "exit" : values[chosen];
}

static int set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int result = 0;

	if (fd < 0)
		return undocumented("open of", path);
	if (write(fd, value, strlen(value)) < 0)
		result = undocumented("write to", path);
	else
		flips++;
	close(fd);
	return result;
}

static int look(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t got;
	int result = 0;

	if (fd < 0)
		return undocumented("open of", path);
	got = read(fd, text, sizeof(text));
	if (got < 0) {
		result = undocumented("read of", path);
	} else if (!got && strcmp(strrchr(path, '/'), "/waiting") == 0) {
		/* stock's has nothing then */
		gone++;
	} else if (!got || text[got - 1] != '\n') {
		printf("WRONG: %s has no whole line\n", path);
		result = 1;
	} else {
		looks++;
	}
	close(fd);
	return result;
}

/* The name of a folder of the control filesystem; 1: there is none. */
static int any_connection(const char *control, char *name)
{
	char names[MOST_CONNECTIONS][16];
	DIR *stream = opendir(control);
	struct dirent *entry;
	unsigned int count = 0;

	if (!stream)
		return 1;
	while (count < MOST_CONNECTIONS && (entry = readdir(stream)))
		if (entry->d_name[0] != '.')
			snprintf(names[count++], sizeof(names[0]), "%.15s", entry->d_name);
	closedir(stream);
	if (!count)
		return 1;
	strcpy(name, names[any_below(&state, count)]);
	return 0;
}

static int one_flip(const char *parameters, const char *control)
{
	size_t toggle = any_below(&state, TOGGLES);
	char path[512], name[16];

	if (!any_below(&state, 4) || any_connection(control, name)) {
		snprintf(path, sizeof(path), "%s/%s", parameters, toggles[toggle]);
		return any_below(&state, 2) ? set(path, any_value(toggle, 0)) : look(path);
	}
	if (any_below(&state, 3)) {
		snprintf(path, sizeof(path), "%s/%s/%s", control, name, toggles[toggle]);
		return set(path, any_value(toggle, 1));
	}
	snprintf(path, sizeof(path), "%s/%s/%s", control, name, records[any_below(&state, 4)]);
	return look(path);
}

/* SEED PAUSE-MS PARAMETERS CONTROL */
int flip(int argc, char **argv)
{
	int failed = 0;
	useconds_t pause;

	if (argc != 4)
		return 2;
	state = mix(strtoull(argv[0], NULL, 0));
	pause = strtoul(argv[1], NULL, 0) * 1000;
	end_by_signals(0);
	while (!failed && !is_over()) {
		failed = one_flip(argv[2], argv[3]);
		usleep(pause);
	}
	printf("flips=%lu looks=%lu gone=%lu\n", flips, looks, gone);
	return failed;
}
