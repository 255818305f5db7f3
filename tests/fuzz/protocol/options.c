// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - mount options that may be anything, by mount(2), remount and
 * fsconfig(2), for mounts of their own and for the one that is served.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fxfuzz.h"

/* Of <linux/mount.h>, which can't be had beside <sys/mount.h> everywhere. */
enum {
	CONFIG_FLAG, CONFIG_STRING, CONFIG_BINARY, CONFIG_PATH, CONFIG_PATH_EMPTY, CONFIG_FD,
	CONFIG_CREATE, CONFIG_RECONFIGURE,
};

struct options {
	const struct round *round;
	struct counts *counts;
	struct random *random;
	char key[512], value[4200];
};

static uint32_t any(struct options *options, uint32_t below)
{
	return random_below(options->random, below);
}

static void judge(struct options *options, const char *what, long result)
{
	static const int defined[] = {
		EINVAL, EPERM, EBUSY, ENOMEM, EFAULT, ENOENT, ENODEV, ENOTBLK, ENAMETOOLONG,
		EBADF, EOPNOTSUPP, ERANGE, E2BIG, ENODATA, EINTR, EACCES, ENOTDIR, EROFS,
		ENOTCONN, ECONNABORTED, EMSGSIZE, ELOOP, EIO,
	};
	int error = errno;

	if (result >= 0 ||
	    is_defined(options->round, defined, sizeof(defined) / sizeof(defined[0]), error))
		return;
	finding(options->round, options->counts, "%s (%.40s=%.40s) says: %s (%d)", what,
		options->key, options->value, strerror(error), error);
}

/* @loud: what the kernel puts into its log must not look like a defect */
static void any_option(struct options *options, bool loud)
{
	static const char *const keys[] = {
		"async_flush", "sync_release", "atomic_create", "syncfs", "inval_files",
		"disable_sync_release", "default_permissions", "allow_other", "max_read",
		"blksize", "subtype", "rw", "sync", "source", "async_flush", "inval_files",
		"rootmode", "user_id", "group_id", "fd",
	};
	static const char *const values[] = {
		"on", "off", "auto", "exit", "default", "", "0", "-1", "40000", "4096",
		"4294967296", "on ", "ON", "x", "100000", "1",
	};
	uint32_t kind = any(options, 12);

	strcpy(options->key, keys[any(options, loud ? 16 : 20)]);
	strcpy(options->value, values[any(options, 16)]);
	if (kind == 0) {	/* bytes for a value */
		random_bytes(options->random, options->value, any(options, 40));
	} else if (kind == 1) {	/* a huge one */
		memset(options->value, 'x', 1 + any(options, 4150));
	} else if (kind == 2 && !loud) {	/* bytes for a name */
		random_bytes(options->random, options->key, any(options, 40));
	} else if (kind == 3 && !loud) {
		memset(options->key, 'k', 1 + any(options, 400));
	}
}

static void any_options(struct options *options)
{
	memset(options->key, 0, sizeof(options->key));
	memset(options->value, 0, sizeof(options->value));
}

/* All in one string, or bytes that aren't one; the kernel reads a page of it. */
static void by_mount(struct options *options)
{
	unsigned long flags = any(options, 2) ? MS_REMOUNT : MS_NOSUID | MS_NODEV;
	const char *path = flags & MS_REMOUNT ? options->round->mountpoint : options->round->spare;
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC), result;
	uint32_t times = any(options, 4);
	char data[4096] = "";
	size_t used = 0;

	if (any(options, 6))
		used = snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=0,group_id=0",
				device);
	while (times-- && used < sizeof(data)) {
		any_options(options);
		any_option(options, true);
		used += snprintf(data + used, sizeof(data) - used, ",%s=%s", options->key,
				 options->value);
	}
	if (!any(options, 10))
		memset(data + strlen(data), ',', sizeof(data) - strlen(data));
	result = mount(NAME, path, any(options, 8) ? "fuse" : "fuseblk", flags,
		       any(options, 20) ? data : (void *)8);
	judge(options, "mount", result);
	if (!result && !(flags & MS_REMOUNT))
		umount2(options->round->spare, MNT_DETACH);
	close(device);
}

static long configure(int context, unsigned int command, const char *key, const void *value,
		      int more)
{
	return syscall(SYS_fsconfig, context, command, key, value, more);
}

/* One step, of any kind. */
static void any_step(struct options *options, int context)
{
	any_options(options);
	any_option(options, false);
	switch (any(options, 12)) {
	case 0:
		judge(options, "fsconfig flag",
		      configure(context, CONFIG_FLAG, options->key, NULL, 0));
		break;
	case 1:
		judge(options, "fsconfig binary",
		      configure(context, CONFIG_BINARY, options->key, options->value,
				any(options, sizeof(options->value))));
		break;
	case 2:
		judge(options, "fsconfig path",
		      configure(context, CONFIG_PATH + any(options, 2), options->key,
				any(options, 2) ? "/" : options->value, AT_FDCWD));
		break;
	case 3:
		judge(options, "fsconfig descriptor",
		      configure(context, CONFIG_FD, options->key, NULL,
				(int)any(options, 12) - 1));
		break;
	case 4:	/* of which nothing is right */
		judge(options, "fsconfig",
		      configure(context, any(options, 12), any(options, 2) ? options->key : NULL,
				any(options, 2) ? (void *)8 : NULL, any(options, 3)));
		break;
	default:
		judge(options, "fsconfig string",
		      configure(context, CONFIG_STRING, options->key, options->value, 0));
	}
}

static void say_needed(struct options *options, int context, int device)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", device);
	judge(options, "fsconfig fd", configure(context, CONFIG_STRING, "fd", number, 0));
	configure(context, CONFIG_STRING, "rootmode", "40000", 0);
	configure(context, CONFIG_STRING, "user_id", "0", 0);
	configure(context, CONFIG_STRING, "group_id", "0", 0);
}

/* What the context keeps of its errors. */
static void read_messages(struct options *options, int context)
{
	uint32_t times = any(options, 10);

	while (times-- && read(context, options->value, any(options, 300)) > 0)
		;
}

static void by_context(struct options *options)
{
	static const char *const types[] = { "fuse", "fuse", "fuse", "fuseblk", "fusectl" };
	bool again = any(options, 2);
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int context = again ? syscall(SYS_fspick, AT_FDCWD, options->round->mountpoint, 1) :
			      syscall(SYS_fsopen, types[any(options, 5)], 1);
	uint32_t times = any(options, 6);
	long result;
	int mounted;

	any_options(options);
	judge(options, again ? "fspick" : "fsopen", context);
	if (!again && context >= 0 && any(options, 4))
		say_needed(options, context, device);
	while (context >= 0 && times--)
		any_step(options, context);
	any_options(options);
	result = configure(context, again ? CONFIG_RECONFIGURE : CONFIG_CREATE, NULL, NULL, 0);
	if (context >= 0)
		judge(options, again ? "reconfigure" : "create", result);
	if (!again && result >= 0) {
		mounted = syscall(SYS_fsmount, context, 1, 0);
		judge(options, "fsmount", mounted);
		if (mounted >= 0)
			close(mounted);
	}
	if (context >= 0) {
		read_messages(options, context);
		close(context);
	}
	close(device);
}

void try_options(const struct round *round, struct random *random, struct counts *counts)
{
	static struct options options;

	options = (struct options){ .round = round, .counts = counts, .random = random };
	/* by mount(2) every mistake is a line in the kernel's log */
	if (random_once(random, 20))
		by_mount(&options);
	else
		by_context(&options);
}
