// SPDX-License-Identifier: GPL-2.0
/*
 * client-faults-module.c - loading and unloading the module with allocations made to
 * fail, and whether the stock driver is in charge whenever it isn't loaded.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client-faults.h"
#include "device.h"
#include "fxclient.h"

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

/* How many lines of @path have @word in them, as a word. */
static int lines_with(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[1024], *at, *end;
	int count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		for (at = strtok_r(line, " \t\n", &end); at; at = strtok_r(NULL, " \t\n", &end))
			count += strcmp(at, word) == 0;
	}
	fclose(file);
	return count;
}

/*
 * Who serves a mount that is made now?  The arguments: a directory, stock's control
 * filesystem, and the parameters that the module is loaded with.
 */
static int stock_serves(struct fail_context *context)
{
	int device = device_open("fxclient"), number;
	char path[4096];

	if (device < 0)
		return 0;
	if (device_mount("fxclient", device, "stock", context->arguments[0], "fuse", "")) {
		close(device);
		return 0;
	}
	number = device_connection(context->arguments[0]);
	snprintf(path, sizeof(path), "%s/%d", context->arguments[1], number);
	if (number < 0 || access(path, F_OK) < 0)
		number = -1;
	if (umount2(context->arguments[0], 0) < 0)
		number = -1;
	close(device);
	return number >= 0;
}

/* Each type once, and none by the name that ours has until stock's is gone. */
static int types_are_stock(void)
{
	static const char * const names[] = { "fuse", "fuseblk", "fusectl" };
	char interim[16];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(interim, sizeof(interim), "fuse_ext-%d", i);
		if (lines_with("/proc/filesystems", names[i]) != 1 ||
		    lines_with("/proc/filesystems", interim) != 0)
			return 0;
	}
	return 1;
}

/* Nothing is left of a load that failed, and of one that was undone. */
static int is_stock(struct fail_context *context)
{
	return types_are_stock() && lines_with("/proc/modules", "fuse_ext") == 0 &&
	       access("/sys/fs/fuse_ext", F_OK) < 0 &&
	       access("/sys/module/fuse_ext", F_OK) < 0 && stock_serves(context);
}

static void open_module(struct fail_context *context)
{
	context->fd = must_open(context->path, O_RDONLY);
}

static int load(struct fail_context *context)
{
	return error_of(syscall(SYS_finit_module, context->fd, context->arguments[2], 0));
}

static int unload(struct fail_context *context)
{
	(void)context;
	return error_of(syscall(SYS_delete_module, "fuse_ext", O_NONBLOCK));
}

static void finish(struct fail_context *context, int is_loaded)
{
	close(context->fd);
	if (is_loaded && unload(context))
		context->wrong++;
	if (!is_stock(context)) {
		printf("number %u: the stock driver isn't in charge\n", context->number);
		context->wrong++;
	}
}

static void finish_load(struct fail_context *context, int error)
{
	finish(context, !error);
}

static void be_loaded(struct fail_context *context)
{
	open_module(context);
	if (load(context)) {
		perror("fxclient: loading the module");
		exit(1);
	}
}

static void finish_unload(struct fail_context *context, int error)
{
	finish(context, error);
}

const struct fail_call fail_module_calls[] = {
	{ "load", 3, open_module, load, finish_load },
	{ "unload", 3, be_loaded, unload, finish_unload },
	{ NULL, 0, NULL, NULL, NULL },
};
