// SPDX-License-Identifier: GPL-2.0
/*
 * What the fuzz targets share: a machine of files, as the unit tests have one.
 * Not for what they try.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "ops.h"
#include "text.h"

static char root[32] = "/tmp/fuzz-fusectl.XXXXXX";

static void remove_root(void)
{
	char *command = text_format("rm -r %s", root);

	if (system(command))
		fprintf(stderr, "can't remove %s\n", root);
	free(command);
}

const char *ops_root(void)
{
	static int made;

	if (!made) {
		if (!mkdtemp(root))
			abort();
		atexit(remove_root);
		made = 1;
	}
	return root;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = memory(size + 1, 1);

	memcpy(text, data, size);
	return text;
}

void fuzz_file(const char *directory, const char *name, const uint8_t *data, size_t size)
{
	char *path = text_format("%s%s/%s", ops_root(), directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *command;

	if (fd < 0) {
		command = text_format("mkdir -p %s%s", root, directory);
		if (system(command))
			abort();
		free(command);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	free(path);
}
