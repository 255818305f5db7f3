// SPDX-License-Identifier: GPL-2.0
/*
 * What fuse_ext says of itself in sysfs and in its control
 * filesystem.  Not for mounts, see mounts.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "files.h"
#include "fusectl.h"
#include "kernel.h"
#include "kernel_parse.h"
#include "ops.h"
#include "text.h"

#define MODULE_DIRECTORY	"/sys/module/fuse_ext"
#define OWN_DIRECTORY		"/sys/fs/fuse_ext"
/* its number is the same on each machine */
#define INITIAL_NAMESPACE	"user:[4026531837]"

/* A small file without the newline at its end; NULL and errno. */
static char *read_file(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	ssize_t length = 0, more;
	char text[4096];
	int error;

	free(full);
	if (fd < 0)
		return NULL;
	/* these files give all that there is room for at once */
	more = read(fd, text, sizeof(text) - 1);
	if (more > 0)
		length = more;
	error = errno;
	close(fd);
	errno = error;
	if (more < 0)
		return NULL;
	while (length && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	return text_copy(text);
}

bool kernel_loaded(void)
{
	char *state = read_file(MODULE_DIRECTORY "/initstate");
	bool loaded = state && !strcmp(state, "live");

	free(state);
	return loaded;
}

char *kernel_attribute(const char *name)
{
	char *path = text_format("%s/%s", OWN_DIRECTORY, name);
	char *value = read_file(path);

	free(path);
	return value;
}

char *kernel_module_attribute(const char *name)
{
	char *path = text_format("%s/%s", MODULE_DIRECTORY, name);
	char *value = read_file(path);

	free(path);
	return value;
}

bool kernel_control_device(dev_t *device)
{
	char *text = kernel_attribute("control_dev");
	unsigned int major, minor;
	bool mounted;

	mounted = text && sscanf(text, "%u:%u", &major, &minor) == 2;
	if (mounted)
		*device = makedev(major, minor);
	free(text);
	return mounted;
}

static char *connection_path(const char *directory, unsigned int connection,
			     const char *name)
{
	return text_format("%s/%u/%s", directory, connection, name);
}

char *kernel_connection_file(const char *directory, unsigned int connection,
			     const char *name)
{
	char *path = connection_path(directory, connection, name);
	char *value = read_file(path);

	free(path);
	return value;
}

int kernel_connection_state(const char *directory, unsigned int connection,
			    const char *toggle, char **value, char **source)
{
	char *state = kernel_connection_file(directory, connection,
					     "ext_state");
	bool found;

	*value = NULL;
	*source = NULL;
	if (!state)
		return -errno;
	found = parse_state(state, toggle, value, source);
	free(state);
	return found ? 0 : -ENODATA;
}

static int write_file(const char *path, const char *word)
{
	char *full = text_format("%s%s", ops_root(), path);
	int ret = ops_write(full, word);

	free(full);
	return ret;
}

int kernel_connection_write(const char *directory, unsigned int connection,
			    const char *toggle, const char *word)
{
	char *path = connection_path(directory, connection, toggle);
	int ret = write_file(path, word);

	free(path);
	return ret;
}

static char *module_path(const char *toggle)
{
	return text_format("%s/parameters/%s", MODULE_DIRECTORY, toggle);
}

int kernel_module_write(const char *toggle, const char *word)
{
	char *path = module_path(toggle);
	int ret = write_file(path, word);

	free(path);
	return ret;
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word), one;

	for (; *list; list += one + strspn(list + one, " ")) {
		one = strcspn(list, " ");
		if (one == length && !strncmp(list, word, length))
			return true;
	}
	return false;
}

/* False: surely not; CAP_SYS_ADMIN of the initial user namespace. */
static bool is_administrator(void)
{
	char *namespace = file_link("/proc/self/ns/user");
	char *status = file_read("/proc/self/status");
	const char *effective = status ? strstr(status, "\nCapEff:") : NULL;
	bool initial = !namespace || !strcmp(namespace, INITIAL_NAMESPACE);
	bool capable = !effective ||
		       strtoull(strchr(effective, ':') + 1, NULL, 16) >>
		       CAP_SYS_ADMIN & 1;

	free(namespace);
	free(status);
	return initial && capable;
}

int kernel_would_take(const char *directory, unsigned int connection,
		      const char *toggle, const char *word)
{
	char *path = directory ? connection_path(directory, connection, toggle) :
		     module_path(toggle);
	char *full = text_format("%s%s", ops_root(), path), *supported;
	int ret = faccessat(AT_FDCWD, full, W_OK, AT_EACCESS) ? -errno : 0;

	free(full);
	free(path);
	if (ret)
		return ret;
	/* whose connection it is may open the file, but not set the toggle */
	if (directory && !is_administrator())
		return -EPERM;
	if (strcmp(word, "on") && strcmp(word, "exit"))
		return 0;
	supported = kernel_attribute("supported");
	if (supported && !has_word(supported, toggle))
		ret = -EOPNOTSUPP;
	free(supported);
	return ret;
}

static ino_t instance_of(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	struct stat status;
	ino_t instance = stat(full, &status) ? 0 : status.st_ino;

	free(full);
	return instance;
}

ino_t kernel_module_instance(void)
{
	return kernel_loaded() ? instance_of(MODULE_DIRECTORY) : 0;
}

ino_t kernel_connection_instance(const char *directory, unsigned int connection)
{
	char *path = text_format("%s/%u", directory, connection);
	ino_t instance = instance_of(path);

	free(path);
	return instance;
}

int kernel_connections(const char *directory, unsigned int **connections,
		       size_t *count)
{
	char *full = text_format("%s%s", ops_root(), directory);
	DIR *stream = opendir(full);
	struct dirent *entry;
	unsigned long number;
	char *end;

	*connections = NULL;
	*count = 0;
	free(full);
	if (!stream)
		return -errno;
	while ((entry = readdir(stream))) {
		number = strtoul(entry->d_name, &end, 10);
		if (*end || end == entry->d_name)
			continue;
		*connections = memory_grow(*connections, *count + 1,
					   sizeof(**connections));
		(*connections)[(*count)++] = number;
	}
	closedir(stream);
	return 0;
}

int kernel_write_failed(const char *toggle, const char *word, const char *where,
			int error)
{
	char *supported;

	switch (error) {
	case -EPERM:
	case -EACCES:
	case -EROFS:
		complain("%s: not permitted to set %s to %s: %s", where, toggle,
			 word, strerror(-error));
		complain_more("it takes root (CAP_SYS_ADMIN) of the initial user namespace");
		if (!strcmp(toggle, "syncfs"))
			complain_more("and syncfs is never on for a mount of a user namespace");
		return STATUS_NOT_PERMITTED;
	case -EOPNOTSUPP:
		supported = kernel_attribute("supported");
		complain("this build of fuse_ext has no %s yet (it has: %s)",
			 toggle, supported && *supported ? supported : "none");
		free(supported);
		return STATUS_FAILURE;
	case -EINVAL:
		complain("%s: this build of fuse_ext doesn't take '%s' for %s",
			 where, word, toggle);
		complain_more("compare fusectl status version and fusectl --version");
		return STATUS_FAILURE;
	case -ENOENT:
	case -ENODEV:
		complain("%s: gone before %s was set to %s; see fusectl list",
			 where, toggle, word);
		return STATUS_NO_TARGET;
	default:
		complain("%s: can't set %s to %s: %s", where, toggle, word,
			 strerror(-error));
		return STATUS_FAILURE;
	}
}
