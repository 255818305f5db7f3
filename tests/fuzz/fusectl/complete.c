// SPDX-License-Identifier: GPL-2.0
/*
 * Half-typed command lines: no record is broken, whatever was typed and is mounted.
 */
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "fuzz.h"
#include "text.h"

static const char mountinfo[] =
	"20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
	"21 20 0:51 / /mnt/tab\\011new\\012line rw - fuse.sshfs a\\011b rw\n"
	"22 20 0:52 / /mnt/quo'te\\134\"$(x) rw - fuse x rw\n";

static void check(const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end) {
		if (!memchr(text, '\t', strnlen(text, end - text)))
			abort();
		text += strlen(text) + 1;
	}
}

int fuzz_one(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *printed = NULL;
	struct command_line line, rest;
	size_t printed_size;
	FILE *stream;

	fuzz_file("/proc/self", "mountinfo", (const uint8_t *)mountinfo, strlen(mountinfo));
	command_line_read(&line, text, "\"'><=;|&(:");
	if (!line.count || line.kept > strlen(line.words[line.count - 1]))
		abort();
	rest = line;
	rest.words++;
	rest.count--;
	stream = open_memstream(&printed, &printed_size);
	if (rest.count)
		complete(stream, &rest);
	fclose(stream);
	check(printed, printed_size);
	free(printed);
	command_line_free(&line);
	free(text);
	return 0;
}
