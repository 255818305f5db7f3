// SPDX-License-Identifier: GPL-2.0
/*
 * load.c - the operations of a worker on its files: each is fixed by the seed and
 * its number, changes the model in the same way, and compares whatever is read.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fxsoak.h"
#include "wire.h"

#define PAGE	4096
#define CHILD_MET_EIO	3

struct range {
	size_t offset;
	size_t length;
};

static size_t any(struct worker *worker, size_t below)
{
	return any_below(&worker->random, below);
}

static void tell(struct worker *worker, const char *what, const struct file *file,
		 struct range range)
{
	snprintf(worker->progress->now, sizeof(worker->progress->now), "%s of %s, %zu at %zu", what,
		 file->name, range.length, range.offset);
}

/* Inside of @end: mostly small, often from a page's border. */
static struct range any_range(struct worker *worker, size_t end)
{
	struct range range = { .offset = any(worker, end) };

	range.length = 1 + any(worker, any(worker, 4) ? PAGE : 8 * PAGE);
	if (!any(worker, 3))
		range.offset &= ~(size_t)(PAGE - 1);
	if (range.length > end - range.offset)
		range.length = end - range.offset;
	return range;
}

static void open_with(struct worker *worker, struct file *file, int flags)
{
	file->fd = open(file->name, O_RDWR | O_CLOEXEC | flags, 0644);
	must(worker, "open", file->fd);
}

static void close_it(struct worker *worker, struct file *file)
{
	int fd = file->fd;

	file->fd = -1;
	if (fd >= 0)
		must(worker, "close", close(fd));
}

static int fd_of(struct worker *worker, struct file *file)
{
	if (file->fd < 0)
		open_with(worker, file, 0);
	return file->fd;
}

/* EIO in the middle makes less of it. */
static void complete(struct worker *worker, const char *what, ssize_t got, size_t expected)
{
	if ((size_t)got == expected)
		return;
	errno = EIO;
	if (worker->expects && (size_t)got < expected)
		must(worker, what, -1);
	wrong(worker, "%zd bytes were %s, expected %zu", got, what, expected);
}

static void write_by(struct worker *worker, struct file *file, int fd, struct range range)
{
	const unsigned char *bytes = invent(worker, file, range.offset, range.length);
	ssize_t got = pwrite(fd, bytes, range.length, range.offset);

	must(worker, "pwrite", got);
	complete(worker, "written", got, range.length);
}

static void do_pwrite(struct worker *worker, struct file *file)
{
	struct range range = any_range(worker, MOST_BYTES);

	/* a hole now and then, but files grow slowly */
	if (range.offset > file->size && any(worker, 4))
		range.offset = file->size;
	if (range.offset + range.length > MOST_BYTES)
		range.length = MOST_BYTES - range.offset;
	if (!range.length)
		return;
	tell(worker, "pwrite", file, range);
	write_by(worker, file, fd_of(worker, file), range);
}

/* A few pieces one behind the other. */
static void do_write(struct worker *worker, struct file *file)
{
	struct range range = any_range(worker, file->size + 1);
	int fd = fd_of(worker, file);
	int pieces = worker->expects ? 1 : 1 + any(worker, 6);
	ssize_t got;

	tell(worker, "write", file, range);
	must(worker, "lseek", lseek(fd, range.offset, SEEK_SET) < 0 ? -1 : 0);
	while (pieces--) {
		range.length = 1 + any(worker, 1500);
		if (range.offset + range.length > MOST_BYTES)
			return;
		got = write(fd, invent(worker, file, range.offset, range.length), range.length);
		must(worker, "write", got);
		complete(worker, "written", got, range.length);
		range.offset += range.length;
	}
}

/* By a descriptor of its own, which is closed at once. */
static void do_append(struct worker *worker, struct file *file)
{
	struct range range = { file->size, 1 + any(worker, 3000) };
	ssize_t got;
	int fd;

	if (range.offset + range.length > MOST_BYTES)
		return;
	tell(worker, "append", file, range);
	fd = open(file->name, O_WRONLY | O_APPEND | O_CLOEXEC);
	must(worker, "open", fd);
	worker->other_fd = fd;
	got = write(fd, invent(worker, file, range.offset, range.length), range.length);
	must(worker, "write", got);
	complete(worker, "written", got, range.length);
	worker->other_fd = -1;
	must(worker, "close", close(fd));
}

static void do_read(struct worker *worker, struct file *file)
{
	static unsigned char buffer[MOST_BYTES];
	struct range range = any_range(worker, MOST_BYTES);
	size_t expected = 0;
	ssize_t got;

	tell(worker, "pread", file, range);
	if (range.offset < file->size)
		expected = file->size - range.offset;
	if (expected > range.length)
		expected = range.length;
	got = pread(fd_of(worker, file), buffer, range.length, range.offset);
	must(worker, "pread", got);
	complete(worker, "read", got, expected);
	same(worker, file, buffer, range.offset, got);
}

static void do_truncate(struct worker *worker, struct file *file)
{
	size_t size = any(worker, any(worker, 2) ? MOST_BYTES : file->size + 1);
	int fd = fd_of(worker, file);

	tell(worker, "truncate", file, (struct range){ size, 0 });
	set_size(file, size);
	if (any(worker, 2))
		must(worker, "ftruncate", ftruncate(fd, size));
	else
		must(worker, "truncate", truncate(file->name, size));
}

static void do_empty(struct worker *worker, struct file *file)
{
	tell(worker, "O_TRUNC", file, (struct range){ 0, 0 });
	close_it(worker, file);
	set_size(file, 0);
	open_with(worker, file, O_TRUNC);
}

static void do_map(struct worker *worker, struct file *file)
{
	struct range range;
	unsigned char *map;
	size_t before, mapped;

	if (!file->size || worker->expects)
		return;
	range = any_range(worker, file->size);
	tell(worker, "map", file, range);
	before = range.offset % PAGE;
	mapped = range.length + before;
	map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd_of(worker, file),
		   range.offset - before);
	if (map == MAP_FAILED)
		wrong(worker, "mmap: %s", wire_errno_name(errno));
	same(worker, file, map + before, range.offset, range.length);
	if (any(worker, 3)) {
		memcpy(map + before, invent(worker, file, range.offset, range.length),
		       range.length);
		if (!any(worker, 3))
			must(worker, "msync", msync(map, mapped, MS_SYNC));
	}
	must(worker, "munmap", munmap(map, mapped));
}

static void do_sync(struct worker *worker, struct file *file)
{
	int fd = fd_of(worker, file);

	tell(worker, "sync", file, (struct range){ 0, 0 });
	switch (any(worker, 8)) {
	case 0:
	case 1:
		must(worker, "syncfs", syncfs(fd));
		break;
	case 2:
	case 3:
		must(worker, "fdatasync", fdatasync(fd));
		break;
	default:
		must(worker, "fsync", fsync(fd));
	}
}

/* All of it, as the server has it. */
static void do_check(struct worker *worker, struct file *file)
{
	tell(worker, "check", file, (struct range){ 0, 0 });
	must(worker, "fsync", fsync(fd_of(worker, file)));
	if (any(worker, 2))
		close_it(worker, file);
	check_file(worker, file);
}

static void do_stat(struct worker *worker, struct file *file)
{
	struct stat st;

	tell(worker, "stat", file, (struct range){ 0, 0 });
	must(worker, "stat", stat(file->name, &st));
	if ((size_t)st.st_size != file->size)
		wrong(worker, "st_size is %lld, expected %zu", (long long)st.st_size, file->size);
}

/* The last close(2), or one of two. */
static void do_close(struct worker *worker, struct file *file)
{
	int second;

	tell(worker, "close", file, (struct range){ 0, 0 });
	if (any(worker, 2)) {
		second = dup(fd_of(worker, file));
		must(worker, "dup", second);
		must(worker, "close", close(second));
	} else {
		close_it(worker, file);
	}
}

static void new_name(struct worker *worker, const struct file *file, char *name)
{
	snprintf(name, NAME_SIZE, "%u-%llu", (unsigned int)(file - worker->files),
		 (unsigned long long)worker->operation);
}

static void do_rename(struct worker *worker, struct file *file)
{
	char name[NAME_SIZE];

	tell(worker, "rename", file, (struct range){ 0, 0 });
	new_name(worker, file, name);
	must(worker, "rename", rename(file->name, name));
	memcpy(file->name, name, NAME_SIZE);
}

/* The other file, which may be open, is gone then. */
static void do_replace(struct worker *worker, struct file *file)
{
	struct file *other = &worker->files[any(worker, FILES)];

	if (other == file || !other->name[0])
		return;
	tell(worker, "replace", file, (struct range){ 0, 0 });
	must(worker, "rename", rename(file->name, other->name));
	memcpy(file->name, other->name, NAME_SIZE);
	other->name[0] = '\0';
	set_size(other, 0);
	close_it(worker, other);
}

/*
 * By a second name, then without the first.  Closed and synchronized before: a
 * server that goes by paths takes the two names for two files.
 */
static void do_link(struct worker *worker, struct file *file)
{
	char name[NAME_SIZE];

	tell(worker, "link", file, (struct range){ 0, 0 });
	must(worker, "fsync", fsync(fd_of(worker, file)));
	close_it(worker, file);
	new_name(worker, file, name);
	if (link(file->name, name) < 0) {
		if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP)
			must(worker, "link", -1);
		return;
	}
	must(worker, "unlink", unlink(file->name));
	memcpy(file->name, name, NAME_SIZE);
}

/* While it is open it is still there. */
static void do_unlink(struct worker *worker, struct file *file)
{
	static unsigned char buffer[MOST_BYTES];
	int is_open = any(worker, 2);
	ssize_t got;

	tell(worker, "unlink", file, (struct range){ 0, 0 });
	if (is_open)
		fd_of(worker, file);
	else
		close_it(worker, file);
	must(worker, "unlink", unlink(file->name));
	file->name[0] = '\0';
	if (is_open) {
		got = pread(file->fd, buffer, sizeof(buffer), 0);
		must(worker, "pread", got);
		complete(worker, "read of what is removed", got, file->size);
		same(worker, file, buffer, 0, got);
		close_it(worker, file);
	}
	set_size(file, 0);
}

static void do_names(struct worker *worker, struct file *file)
{
	tell(worker, "readdir", file, (struct range){ 0, 0 });
	check_names(worker);
}

/* 0, or 1 for EIO that is expected; whatever else is wrong is told. */
static int write_and_exit(struct worker *worker, const struct file *file, struct range range)
{
	const unsigned char *bytes = file->content + range.offset;
	int fd = open(file->name, O_WRONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : pwrite(fd, bytes, range.length, range.offset);
	int is_short = got >= 0 && (size_t)got < range.length;

	if (worker->expects && (is_short || (got < 0 && errno == EIO)))
		return 1;
	worker->touched = NULL;
	must(worker, fd < 0 ? "open" : "pwrite", got);
	if ((size_t)got != range.length)
		wrong(worker, "%zd bytes were written, expected %zu", got, range.length);
	return 0;
}

/* Written by a process that leaves it to its end to close. */
static void do_exit(struct worker *worker, struct file *file)
{
	struct range range = any_range(worker, file->size + 1);
	pid_t child;
	int status;

	if (range.offset + range.length > MOST_BYTES)
		return;
	tell(worker, "exit", file, range);
	invent(worker, file, range.offset, range.length);
	child = fork();
	must(worker, "fork", child);
	if (!child)
		_exit(write_and_exit(worker, file, range) ? CHILD_MET_EIO : 0);
	/* again after SIGTERM */
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			must(worker, "waitpid", -1);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_MET_EIO) {
		errno = EIO;
		must(worker, "what the child did", -1);
	}
	if (status)
		wrong(worker, "the child's status is 0x%x", status);
}

static void create(struct worker *worker, struct file *file)
{
	new_name(worker, file, file->name);
	tell(worker, "create", file, (struct range){ 0, 0 });
	open_with(worker, file, O_CREAT | O_EXCL);
}

static const struct {
	void (*run)(struct worker *worker, struct file *file);
	unsigned int weight;
} operations[] = {
	{ do_pwrite, 20 }, { do_write, 8 }, { do_append, 8 }, { do_read, 20 }, { do_map, 12 },
	{ do_truncate, 5 }, { do_empty, 2 }, { do_sync, 6 }, { do_check, 5 }, { do_stat, 5 },
	{ do_close, 12 }, { do_rename, 4 }, { do_replace, 2 }, { do_link, 2 }, { do_unlink, 2 },
	{ do_names, 2 }, { do_exit, 2 },
};

static void remember(struct worker *worker, struct file *file)
{
	worker->touched = file;
	worker->before.size = file->size;
	memcpy(worker->before.content, file->content, MOST_BYTES);
}

void one_operation(struct worker *worker)
{
	struct file *file;
	unsigned int i, all = 0, chosen;

	worker->operation++;
	worker->random = mix(worker->seed ^ mix(~worker->operation));
	file = &worker->files[any(worker, FILES)];
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		all += operations[i].weight;
	chosen = any(worker, all);
	for (i = 0; chosen >= operations[i].weight; i++)
		chosen -= operations[i].weight;
	if (worker->expects)
		remember(worker, file);
	if (worker->expects && sigsetjmp(worker->failed, 0))
		settle(worker);
	else if (file->name[0])
		operations[i].run(worker, file);
	else
		create(worker, file);
	worker->touched = NULL;
	worker->progress->operation++;
}
