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

/* SEED PAUSE-MS SOCKET DIR */
int invalidate(int argc, char **argv)
{
	char path[256], command[8];
	char *words[2] = { command, path };
	unsigned long sent = 0;
	useconds_t pause;
	int result = dup(1);

	if (argc != 4 || result < 0)
		return 2;
	strcpy(command, "inval");
	state = mix(strtoull(argv[0], NULL, 0));
	pause = strtoul(argv[1], NULL, 0) * 1000;
	/* what the server answers: the file may be gone already, or the feature be off */
	if (!freopen("/dev/null", "w", stdout))
		return 1;
	end_by_signals(0);
	while (!is_over()) {
		usleep(any_below(&state, 2 * pause));
		if (any_file(argv[3], path, sizeof(path)))
			continue;
		wire_control(argv[2], 2, words);
		sent++;
	}
	dprintf(result, "sent=%lu\n", sent);
	return 0;
}
