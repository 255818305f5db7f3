// SPDX-License-Identifier: GPL-2.0
/*
 * inval.c - has treeserver fail all open files of one inode after the other, at
 * random, while fxsoak's workers have them open and expect it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fxsoak.h"
#include "wire.h"

#define MOST_NAMES	64

static uint64_t state;
static unsigned long failed, off, gone;

/* A file of a worker, by its path from the mount point; 1: there is none. */
static int any_file(const char *directory, char *path, size_t size)
{
	char names[MOST_NAMES][NAME_SIZE];
	char folder[4096];
	struct dirent *entry;
	unsigned int count = 0, worker = any_below(&state, 2);
	DIR *stream;

	snprintf(folder, sizeof(folder), "%s/worker-%u", directory, worker);
	stream = opendir(folder);
	if (!stream)
		return 1;
	while (count < MOST_NAMES && (entry = readdir(stream)))
		if (entry->d_name[0] != '.')
			snprintf(names[count++], NAME_SIZE, "%.39s", entry->d_name);
	closedir(stream);
	if (!count)
		return 1;
	snprintf(path, size, "worker-%u/%s", worker, names[any_below(&state, count)]);
	return 0;
}

/* The file may be gone already, at the server or in the kernel, or the feature be off. */
static int take(const char *answer, const char *path)
{
	if (strncmp(answer, "inval=OK ", 9) == 0) {
		failed++;
	} else if (strncmp(answer, "inval=ENOSYS ", 13) == 0) {
		off++;
	} else if (strncmp(answer, "inval=ENOENT ", 13) == 0 ||
		   strncmp(answer, "error", 5) == 0) {
		gone++;
	} else {
		printf("WRONG: inval %s: %s\n", path, answer);
		return 1;
	}
	return 0;
}

static int fail_files(const char *socket, char *path)
{
	char command[] = "inval", *words[2] = { command, path }, *answer = NULL;
	size_t size;
	FILE *stream = open_memstream(&answer, &size);
	int is_wrong;

	if (!stream)
		abort();
	wire_ask(stream, socket, 2, words);
	fclose(stream);
	is_wrong = take(answer, path);
	free(answer);
	return is_wrong;
}

/* SEED PAUSE-MS SOCKET DIR */
int invalidate(int argc, char **argv)
{
	char path[256];
	int is_wrong = 0;
	useconds_t pause;

	if (argc != 4)
		return 2;
	state = mix(strtoull(argv[0], NULL, 0));
	pause = strtoul(argv[1], NULL, 0) * 1000;
	end_by_signals(0);
	while (!is_wrong && !is_over()) {
		usleep(any_below(&state, 2 * pause));
		if (!any_file(argv[3], path, sizeof(path)))
			is_wrong = fail_files(argv[2], path);
	}
	printf("failed=%lu off=%lu gone=%lu\n", failed, off, gone);
	return is_wrong;
}
