// SPDX-License-Identifier: GPL-2.0
/*
 * model.c - what a worker's files have to be, byte for byte, and how it is compared
 * with what they are.  A difference is told with both values, and with the operation
 * that wrote what is there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fxsoak.h"
#include "wire.h"

#define SHOWN	16
#define MOST_TRIES	100

void wrong(const struct worker *worker, const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	dprintf(1, "WRONG: worker %u, seed 0x%llx, operation %llu (%s): %s\n", worker->number,
		(unsigned long long)worker->seed, (unsigned long long)worker->operation,
		worker->progress->now, text);
	_exit(1);
}

void must(struct worker *worker, const char *call, int result)
{
	if (result < 0 && errno == EIO && worker->expects && worker->touched)
		siglongjmp(worker->failed, 1);
	if (result < 0)
		wrong(worker, "%s: %s", call, wire_errno_name(errno));
}

/* The byte that an operation writes at this offset. */
static unsigned char pattern(const struct worker *worker, uint64_t operation, size_t offset)
{
	uint64_t word = mix(worker->seed ^ mix(operation) ^ (offset / 8));

	return word >> (offset % 8 * 8);
}

unsigned char *invent(struct worker *worker, struct file *file, size_t offset, size_t length)
{
	size_t i;

	for (i = offset; i < offset + length; i++)
		file->content[i] = pattern(worker, worker->operation, i);
	if (file->size < offset + length)
		file->size = offset + length;
	worker->progress->written += length;
	return file->content + offset;
}

void set_size(struct file *file, size_t size)
{
	if (size < file->size)
		memset(file->content + size, 0, file->size - size);
	file->size = size;
}

/* Which operation has written these bytes: its number, -1: none, -2: they are zeros. */
static long long writer_of(const struct worker *worker, const unsigned char *found, size_t offset,
			   size_t length)
{
	uint64_t operation;
	size_t i;

	for (i = 0; i < length && !found[i]; i++)
		;
	if (i == length)
		return -2;
	for (operation = worker->operation + 1; operation-- > 0;) {
		for (i = 0; i < length; i++)
			if (found[i] != pattern(worker, operation, offset + i))
				break;
		if (i == length)
			return operation;
	}
	return -1;
}

static void show(char *text, const unsigned char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
}

static void differs(const struct worker *worker, const struct file *file,
		    const unsigned char *found, size_t offset, size_t length)
{
	const unsigned char *expected = file->content + offset;
	char is[2 * SHOWN + 1], should[2 * SHOWN + 1];
	size_t first = 0, wrong_bytes = 0, shown, i;

	while (found[first] == expected[first])
		first++;
	for (i = first; i < length; i++)
		wrong_bytes += found[i] != expected[i];
	shown = length - first < SHOWN ? length - first : SHOWN;
	show(is, found + first, shown);
	show(should, expected + first, shown);
	/* -1: nobody's; -2: zeros */
	wrong(worker,
	      "%s: offset %zu of %zu: it is 0x%02x, expected 0x%02x; %zu bytes are wrong; from there %s (operation %lld), expected %s (operation %lld)",
	      file->name, offset + first, file->size, found[first], expected[first], wrong_bytes,
	      is, writer_of(worker, found + first, offset + first, shown), should,
	      writer_of(worker, expected + first, offset + first, shown));
}

void same(struct worker *worker, const struct file *file, const void *found, size_t offset,
	  size_t length)
{
	worker->progress->verified += length;
	if (memcmp(found, file->content + offset, length))
		differs(worker, file, found, offset, length);
}

static void check_content(struct worker *worker, struct file *file, int fd)
{
	static unsigned char buffer[MOST_BYTES + 1];
	size_t have = 0;
	ssize_t got;

	do {
		got = pread(fd, buffer + have, sizeof(buffer) - have, have);
		must(worker, "read", got);
		have += got;
	} while (got && have < sizeof(buffer));
	if (have != file->size)
		wrong(worker, "%s: %zu bytes can be read, expected %zu", file->name, have,
		      file->size);
	same(worker, file, buffer, 0, have);
}

void check_file(struct worker *worker, struct file *file)
{
	int fd = open(file->name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		wrong(worker, "%s isn't there", file->name);
	must(worker, "open", fd);
	worker->other_fd = fd;
	/* clean pages are read again, from the server */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	must(worker, "fstat", fstat(fd, &st));
	if ((size_t)st.st_size != file->size)
		wrong(worker, "%s: its size is %lld, expected %zu", file->name,
		      (long long)st.st_size, file->size);
	check_content(worker, file, fd);
	worker->other_fd = -1;
	must(worker, "close", close(fd));
}

/* close(2) may say once more what was lost. */
static void close_failed(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Where it was to grow, it may have grown by a part. */
static int may_be_size(const struct file *before, const struct file *after, size_t size)
{
	return size == before->size || size == after->size ||
	       (size > before->size && size < after->size);
}

/* @read is of such a size, and of these bytes. */
static void adopt(struct worker *worker, struct file *file, const unsigned char *read, size_t size)
{
	const struct file *before = &worker->before;
	size_t i;

	if (!may_be_size(before, file, size))
		wrong(worker, "after EIO %s has %zu bytes, expected %zu or %zu", file->name, size,
		      before->size, file->size);
	for (i = 0; i < size; i++)
		if (read[i] != file->content[i] && read[i] != before->content[i])
			wrong(worker,
			      "after EIO %s, offset %zu of %zu: it is 0x%02x, expected 0x%02x or 0x%02x",
			      file->name, i, size, read[i], before->content[i], file->content[i]);
	memset(file->content, 0, MOST_BYTES);
	memcpy(file->content, read, size);
	file->size = size;
	worker->progress->verified += size;
}

/* All of it by a new open(2); -1: EIO has come once more */
static ssize_t read_again(struct worker *worker, struct file *file, unsigned char *buffer,
			  size_t size)
{
	ssize_t got;

	file->fd = open(file->name, O_RDWR | O_CLOEXEC);
	got = file->fd < 0 ? -1 : pread(file->fd, buffer, size, 0);
	if (got < 0 && errno != EIO)
		must(worker, "reading it after EIO", -1);
	if (got < 0)
		close_failed(&file->fd);
	return got;
}

void settle(struct worker *worker)
{
	static unsigned char buffer[MOST_BYTES + 1];
	struct file *file = worker->touched;
	unsigned int tries = 0;
	ssize_t got;

	worker->touched = NULL;
	worker->progress->met++;
	close_failed(&worker->other_fd);
	close_failed(&file->fd);
	if (!file->name[0]) {
		set_size(file, 0);
		return;
	}
	do {
		got = read_again(worker, file, buffer, sizeof(buffer));
	} while (got < 0 && ++tries < MOST_TRIES);
	if (got < 0)
		wrong(worker, "EIO after each of %u open(2)s of %s", tries, file->name);
	adopt(worker, file, buffer, got);
}

static struct file *file_named(struct worker *worker, const char *name)
{
	int i;

	for (i = 0; i < FILES; i++)
		if (strcmp(worker->files[i].name, name) == 0)
			return &worker->files[i];
	return NULL;
}

void check_names(struct worker *worker)
{
	unsigned int expected = 0, found = 0, i;
	struct dirent *entry;
	DIR *stream = opendir(".");

	if (!stream)
		wrong(worker, "opendir: %s", wire_errno_name(errno));
	for (i = 0; i < FILES; i++)
		expected += worker->files[i].name[0] != '\0';
	while ((errno = 0, entry = readdir(stream))) {
		/* and what libfuse makes of an open file that is removed: .fuse_hidden... */
		if (entry->d_name[0] == '.')
			continue;
		if (!file_named(worker, entry->d_name))
			wrong(worker, "readdir: there is %s, which shouldn't be", entry->d_name);
		found++;
	}
	if (errno)
		wrong(worker, "readdir: %s", wire_errno_name(errno));
	if (found != expected)
		wrong(worker, "readdir: %u names, expected %u", found, expected);
	must(worker, "closedir", closedir(stream));
}

void check_all(struct worker *worker)
{
	struct file *file;
	int i;

	snprintf(worker->progress->now, sizeof(worker->progress->now), "checking all");
	worker->progress->kept = 0;
	for (i = 0; i < FILES; i++) {
		file = &worker->files[i];
		if (worker->expects)
			close_failed(&file->fd);
		else if (file->fd >= 0)
			must(worker, "close", close(file->fd));
		file->fd = -1;
		if (!file->name[0])
			continue;
		check_file(worker, file);
		worker->progress->kept += file->size;
	}
	check_names(worker);
}

void model_begin(struct worker *worker)
{
	int i;

	for (i = 0; i < FILES; i++) {
		worker->files[i].content = calloc(1, MOST_BYTES);
		worker->files[i].fd = -1;
		if (!worker->files[i].content)
			abort();
	}
	worker->before.content = calloc(1, MOST_BYTES);
	if (!worker->before.content)
		abort();
	worker->other_fd = -1;
}

/* In the file: the operation, and of each file its name, size and content. */
int model_load(struct worker *worker, const char *path)
{
	FILE *file = fopen(path, "re");
	int i, good;

	if (!file)
		return 1;
	good = fread(&worker->operation, sizeof(worker->operation), 1, file) == 1;
	for (i = 0; good && i < FILES; i++) {
		struct file *one = &worker->files[i];

		good = fread(one->name, NAME_SIZE, 1, file) == 1 &&
		       fread(&one->size, sizeof(one->size), 1, file) == 1 &&
		       one->size <= MOST_BYTES &&
		       fread(one->content, 1, one->size, file) == one->size;
	}
	if (!good)
		wrong(worker, "%s isn't what was saved", path);
	fclose(file);
	return 0;
}

void model_save(const struct worker *worker, const char *path)
{
	FILE *file = fopen(path, "we");
	int i, good;

	good = file && fwrite(&worker->operation, sizeof(worker->operation), 1, file) == 1;
	for (i = 0; good && i < FILES; i++) {
		const struct file *one = &worker->files[i];

		good = fwrite(one->name, NAME_SIZE, 1, file) == 1 &&
		       fwrite(&one->size, sizeof(one->size), 1, file) == 1 &&
		       fwrite(one->content, 1, one->size, file) == one->size;
	}
	if (!good || fclose(file))
		wrong(worker, "%s can't be written: %s", path, wire_errno_name(errno));
}
