// SPDX-License-Identifier: GPL-2.0
/*
 * Reading files and links of the machine.  Not for files below a FUSE mount,
 * which nothing of fusectl touches.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "ops.h"
#include "text.h"

#define LARGEST		(1024 * 1024)

char *file_read(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path), *text = NULL;
	int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;
	size_t length = 0, size = 0;
	ssize_t more = 0;
	struct stat stat;

	free(full);
	if (fd < 0)
		return NULL;
	/* files of /proc and sysfs have no length and are short */
	if (!fstat(fd, &stat) && S_ISREG(stat.st_mode) &&
	    stat.st_size > LARGEST)
		lseek(fd, -LARGEST, SEEK_END);
	do {
		if (length + 1 >= size) {
			size = size ? 2 * size : 4096;
			text = memory_grow(text, size, 1);
		}
		more = read(fd, text + length, size - 1 - length);
		if (more > 0)
			length += more;
	} while (more > 0 && length < LARGEST);
	error = errno;
	close(fd);
	if (more < 0) {
		free(text);
		errno = error;
		return NULL;
	}
	while (length && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	return text;
}

char *file_link(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	char target[PATH_MAX];
	ssize_t length = readlink(full, target, sizeof(target) - 1);
	int error = errno;

	free(full);
	errno = error;
	if (length < 0)
		return NULL;
	target[length] = '\0';
	return text_copy(target);
}

bool file_exists(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	bool exists = !access(full, F_OK);

	free(full);
	return exists;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int file_names(const char *directory, char ***names, size_t *count)
{
	char *full = text_format("%s%s", ops_root(), directory);
	DIR *stream = opendir(full);
	struct dirent *entry;

	*names = NULL;
	*count = 0;
	free(full);
	if (!stream)
		return -errno;
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		*names = memory_grow(*names, *count + 1, sizeof(**names));
		(*names)[(*count)++] = text_copy(entry->d_name);
	}
	closedir(stream);
	if (*count)
		qsort(*names, *count, sizeof(**names), compare);
	return 0;
}

void file_names_free(char **names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
