// SPDX-License-Identifier: GPL-2.0
/*
 * administrator.c - what an administrator, or a server with its ioctls, may write:
 * control files, module parameters, ioctls on the device, with words and bytes, two
 * at a time.  Each must say an error that is defined, and have a value that is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/fuse_ext.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fxfuzz.h"

#define HUGE		(1 << 20)
#define PARAMETERS	"/sys/module/fuse*/parameters/*"
#define KEPT		32
#define IOC_BACKING_OPEN	_IOW(229, 1, struct { int32_t fd; uint32_t flags; uint64_t pad; })
#define IOC_BACKING_CLOSE	_IOW(229, 2, uint32_t)

struct administrator {
	const struct round *round;
	struct counts *counts;
	struct random random;
	int device, connection;
	int backing;	/* a file that passthrough may have */
	char *huge;
};

static const char *const toggles[] = {
	"async_flush", "sync_release", "atomic_create", "syncfs", "inval_files",
};

static uint32_t any(struct administrator *administrator, uint32_t below)
{
	return random_below(&administrator->random, below);
}

static bool is_toggle(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t i;

	for (i = 0; i < sizeof(toggles) / sizeof(toggles[0]); i++)
		if (strcmp(name, toggles[i]) == 0)
			return true;
	return false;
}

/* Up to a NUL, with or without one newline. */
static bool is_value(const char *path, const char *text, size_t size)
{
	static const char *const values[] = { "auto", "on", "off", "exit", "default" };
	size_t i, length = strnlen(text, size);

	if (length && text[length - 1] == '\n')
		length--;
	for (i = 0; i < 5; i++)
		if (length == strlen(values[i]) && memcmp(values[i], text, length) == 0)
			break;
	if (i == 3)
		return strstr(path, "async_flush");
	if (i == 4)
		return !strstr(path, "parameters/");
	return i < 3;
}

static void judge_value(struct administrator *administrator, const char *path)
{
	char text[64];
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text));

	close(fd);
	if (size >= 0 && !is_value(path, text, size))
		finding(administrator->round, administrator->counts, "%s has '%.*s'", path,
			(int)size, text);
}

/* ext_state: what is in force, and who says so. */
static void judge_state(struct administrator *administrator, const char *path)
{
	static const char *const sources[] = { "connection", "mount", "module", "server" };
	char name[64], value[64], source[64];
	FILE *file = fopen(path, "re");
	int i;

	while (file && fscanf(file, "%63s %63s %63s", name, value, source) == 3) {
		for (i = 0; i < 4 && strcmp(source, sources[i]); i++)
			;
		if (i == 4 || !is_value(name, value, strlen(value)) ||
		    strcmp(value, "default") == 0)
			finding(administrator->round, administrator->counts,
				"ext_state has '%s %s %s'", name, value, source);
	}
	if (file)
		fclose(file);
}

static void judge_write(struct administrator *administrator, const char *path,
			const char *text, size_t size, ssize_t written)
{
	static const int defined[] = {
		EINVAL, ERANGE, EPERM, ENODEV, ENOENT, EOPNOTSUPP, EFAULT, EINTR, ENOMEM,
	};

	if (written >= 0) {
		if (written && is_toggle(path) && !is_value(path, text, size))
			finding(administrator->round, administrator->counts,
				"%s takes '%.*s'", path, (int)(size < 40 ? size : 40), text);
		return;
	}
	if (is_defined(administrator->round, defined, sizeof(defined) / sizeof(defined[0]), errno))
		return;
	finding(administrator->round, administrator->counts, "%s says to %zu bytes: %s (%d)",
		path, size, strerror(errno), errno);
}

static size_t any_text(struct administrator *administrator, char *text)
{
	static const char *const words[] = {
		"on", "off", "auto", "exit", "default", "on\n", "", "\n", "0", "1", "oN",
		"12\n", "4294967296", "-1", "auto auto", " on", "on\n\n", "Y", "N\n",
		"99999999999999999999",
	};
	const char *word = words[any(administrator, 20)];
	size_t size = strlen(word);

	switch (any(administrator, 8)) {
	case 0:
		size = any(administrator, 40);
		random_bytes(&administrator->random, text, size);
		return size;
	case 1:
		return any(administrator, 40) ? any(administrator, 9000) : HUGE;
	case 2:	/* with a NUL before, inside or behind it */
		memcpy(text, word, size);
		text[any(administrator, size + 1)] = 0;
		return size + 1;
	default:
		memcpy(text, word, size);
		return size;
	}
}

static void control_path(struct administrator *administrator, char *path, size_t size)
{
	static const char *const files[] = {
		"max_background", "congestion_threshold", "ext_state", "ext_stats", "ext_init",
		"ext_requests", "waiting",
	};
	const char *file = any(administrator, 2) ? toggles[any(administrator, 5)] :
			   files[any(administrator, 7)];

	snprintf(path, size, "%s/%d/%s", administrator->round->control,
		 administrator->connection, file);
}

static struct {
	char path[256], value[64];
} kept[KEPT];

static unsigned int kept_count;

static const char *parameter_path(struct administrator *administrator)
{
	return kept_count ? kept[any(administrator, kept_count)].path : "";
}

/* A word or bytes into a file that takes some, or doesn't, at any place in it. */
static void controls(struct administrator *administrator)
{
	char path[512], *text = administrator->huge;
	ssize_t written;
	size_t size;
	int fd;

	if (any(administrator, 4))
		control_path(administrator, path, sizeof(path));
	else
		snprintf(path, sizeof(path), "%s", parameter_path(administrator));
	fd = open(path, any(administrator, 4) ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return;
	size = any_text(administrator, text);
	/* some of them have only one place */
	if (!any(administrator, 10))
		lseek(fd, any(administrator, 5000), any(administrator, 2));
	if (fcntl(fd, F_GETFL) & O_RDWR) {
		if (any(administrator, 20)) {
			written = write(fd, text, size);
			judge_write(administrator, path, text, size, written);
		} else if (write(fd, text + HUGE, size + 1) >= 0) {
			finding(administrator->round, administrator->counts,
				"%s takes what isn't there", path);
		}
	}
	if (read(fd, text, any(administrator, 9000)) < 0 ||
	    pread(fd, text, any(administrator, 9000), any(administrator, 30)) < 0)
		errno = 0;
	close(fd);
	if (is_toggle(path))
		judge_value(administrator, path);
	else if (strstr(path, "/ext_state"))
		judge_state(administrator, path);
}

static void judge_ioctl(struct administrator *administrator, unsigned int code, int result)
{
	static const int defined[] = {
		ENOTTY, EINVAL, ENOTCONN, EFAULT, EPERM, EBADF, EOPNOTSUPP, ENOENT, ELOOP,
		ENOMEM, ENODEV, EINTR, EIO, EACCES,
	};

	if (result >= 0 ||
	    is_defined(administrator->round, defined, sizeof(defined) / sizeof(defined[0]), errno))
		return;
	finding(administrator->round, administrator->counts, "ioctl %#x says: %s (%d)", code,
		strerror(errno), errno);
}

static void negotiate(struct administrator *administrator, int device)
{
	struct fuse_ext_ioc ioc = {
		.size = sizeof(ioc), .abi = FUSE_EXT_ABI_VERSION,
		.want = any(administrator, 64),
	};
	int result;

	if (!any(administrator, 4))
		random_bytes(&administrator->random, &ioc, sizeof(ioc));
	result = ioctl(device, FUSE_EXT_IOC_NEGOTIATE, &ioc);
	judge_ioctl(administrator, FUSE_EXT_IOC_NEGOTIATE, result);
	if (result == 0 && ioc.enabled & ~ioc.supported)
		finding(administrator->round, administrator->counts,
			"NEGOTIATE: %#llx is in force of %#llx",
			(unsigned long long)ioc.enabled, (unsigned long long)ioc.supported);
}

static void backing(struct administrator *administrator, int device)
{
	struct { int32_t fd; uint32_t flags; uint64_t pad; } open_ = {
		.fd = any(administrator, 4) ? administrator->backing :
		      1000 + (int)any(administrator, 20),
		.flags = !any(administrator, 4),
	};
	uint32_t number = any(administrator, 4);

	if (any(administrator, 2))
		judge_ioctl(administrator, IOC_BACKING_OPEN,
			    ioctl(device, IOC_BACKING_OPEN, &open_));
	else
		judge_ioctl(administrator, IOC_BACKING_CLOSE,
			    ioctl(device, IOC_BACKING_CLOSE, &number));
}

/* A number of ours or FUSE's with another size or direction, any argument. */
static void odd_ioctl(struct administrator *administrator, int device)
{
	uint32_t number = any(administrator, 2) ? 0xf0 : any(administrator, 20);
	unsigned int code = any(administrator, 8) ?
		_IOC(any(administrator, 4), 229, number, any(administrator, 64)) :
		random_next(&administrator->random) | 0x8000;
	char bytes[64];
	void *arguments[] = {
		bytes, NULL, (void *)1, (void *)-4096UL, administrator->huge + HUGE - 4,
	};

	random_bytes(&administrator->random, bytes, sizeof(bytes));
	if (any(administrator, 2))
		code = FUSE_EXT_IOC_NEGOTIATE;
	judge_ioctl(administrator, code, ioctl(device, code, arguments[any(administrator, 5)]));
}

static void ioctls(struct administrator *administrator)
{
	int fresh = any(administrator, 10) ? -1 : open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int device = fresh < 0 ? administrator->device : fresh;

	switch (any(administrator, 4)) {
	case 0:
	case 1:
		negotiate(administrator, device);
		break;
	case 2:
		backing(administrator, device);
		break;
	default:
		odd_ioctl(administrator, device);
	}
	if (fresh >= 0)
		close(fresh);
}

static void try_one(struct administrator *administrator)
{
	const struct round *round = administrator->round;
	/* a mount costs as much as a hundred of the others */
	uint32_t kind = any(administrator, 12);

	if (kind < 6 && round->wrong & 1U << WRONG_CONTROL)
		controls(administrator);
	else if (kind < 11 && round->wrong & 1U << WRONG_IOCTL)
		ioctls(administrator);
	else if (kind == 11 && round->wrong & 1U << WRONG_OPTIONS)
		try_options(round, &administrator->random, administrator->counts);
	else
		return;
	count(&administrator->counts->tries);
}

void administrate(const struct round *round, unsigned int number, int device,
		  int connection, struct counts *counts)
{
	struct administrator administrator = {
		.round = round, .counts = counts, .device = device, .connection = connection,
		.random.state = ~(round->seed * 64 + number),
	};
	uint32_t times;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	administrator.backing = syscall(SYS_memfd_create, "backing", 0);
	administrator.huge = mmap(NULL, HUGE + 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* nobody can read the page behind it */
	if (administrator.huge == MAP_FAILED ||
	    mprotect(administrator.huge + HUGE, 4096, PROT_NONE) < 0)
		abort();
	for (;;) {
		/* some one after the other, so that they meet the other one's */
		for (times = 1 + any(&administrator, 8); times; times--)
			try_one(&administrator);
		pace(round, counts, any(&administrator, 500));
	}
}

void parameters_keep(void)
{
	glob_t found = { 0 };
	size_t i;
	int fd;

	if (glob(PARAMETERS, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc && kept_count < KEPT; i++) {
		fd = open(found.gl_pathv[i], O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		snprintf(kept[kept_count].path, sizeof(kept->path), "%s", found.gl_pathv[i]);
		if (read(fd, kept[kept_count].value, sizeof(kept->value) - 1) < 0)
			perror(kept[kept_count].path);
		kept_count++;
		close(fd);
	}
	globfree(&found);
}

bool parameters_restore(const struct round *round, struct counts *counts)
{
	unsigned long before = counts->findings;
	char value[64] = "";
	unsigned int i;
	int fd;

	for (i = 0; i < kept_count; i++) {
		fd = open(kept[i].path, O_RDWR | O_CLOEXEC);
		memset(value, 0, sizeof(value));
		if (fd < 0 || write(fd, kept[i].value, strlen(kept[i].value)) < 0 ||
		    pread(fd, value, sizeof(value) - 1, 0) < 0 || strcmp(value, kept[i].value))
			finding(round, counts, "%s can't be set to '%s' again: %s, it has '%s'",
				kept[i].path, kept[i].value, strerror(errno), value);
		close(fd);
	}
	return counts->findings == before;
}
