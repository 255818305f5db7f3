// SPDX-License-Identifier: GPL-2.0
/*
 * client-table.c - fxclient's verb that opens, with all combinations of flags and
 * modes, as root and as a user, whatever can have the name, and writes down what
 * came of it.  For comparing two drivers; it doesn't know what is right.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

#define STRANGER	1000

/**
 * struct what - what is there before the open(2)
 * @make:	makes it, in the directory that is current, as root
 * @is_new:	something may be created, so the mode matters
 */
struct what {
	const char *name;
	int (*make)(void);
	int is_new;
};

/* For files only, and in this thread: root stays root otherwise. */
static void act_as(uid_t user)
{
	setfsgid(user);
	setfsuid(user);
}

/* Few requests: each costs milliseconds in an emulated machine. */
static int make_file(const char *name, mode_t mode, uid_t user)
{
	int fd;

	act_as(user);
	fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
	act_as(0);
	if (fd < 0 || write(fd, "content", 7) != 7)
		return -1;
	return close(fd);
}

static int make_nothing(void)
{
	return 0;
}

static int make_own(void)
{
	return make_file("it", 0644, STRANGER);
}

static int make_foreign(void)
{
	return make_file("it", 0600, 0);
}

static int make_readable(void)
{
	return make_file("it", 0444, 0);
}

static int make_executable(void)
{
	return make_file("it", 04777, 0);
}

static int make_directory(void)
{
	return mkdir("it", 0755);
}

static int make_symlink(void)
{
	return make_file("target", 0644, STRANGER) ?: symlink("target", "it");
}

static int make_dangling(void)
{
	return symlink("target", "it");
}

static int make_loop(void)
{
	return symlink("it", "it");
}

static int make_fifo(void)
{
	return mknod("it", S_IFIFO | 0644, 0);
}

static int make_socket(void)
{
	return mknod("it", S_IFSOCK | 0644, 0);
}

static int make_device(void)
{
	return mknod("it", S_IFCHR | 0666, makedev(1, 3));
}

static int make_sticky(void)
{
	return make_file("it", 0666, 1001) ?: chmod(".", 01777);
}

static int make_closed(void)
{
	return chmod(".", 0755);
}

static int make_closed_own(void)
{
	return make_own() ?: chmod(".", 0755);
}

static const struct what whats[] = {
	{ "nothing", make_nothing, 1 },
	{ "dangling-symlink", make_dangling, 1 },
	{ "closed-directory", make_closed, 1 },
	{ "own-file", make_own, 0 },
	{ "foreign-file", make_foreign, 0 },
	{ "read-only-file", make_readable, 0 },
	{ "setuid-file", make_executable, 0 },
	{ "directory", make_directory, 0 },
	{ "symlink", make_symlink, 0 },
	{ "symlink-loop", make_loop, 0 },
	{ "fifo", make_fifo, 0 },
	{ "socket", make_socket, 0 },
	{ "device", make_device, 0 },
	{ "sticky-directory", make_sticky, 0 },
	{ "closed-directory-own-file", make_closed_own, 0 },
};

static const int accesses[] = { O_RDONLY, O_WRONLY, O_RDWR };
static const struct {
	const char *name;
	int flag;
} extras[] = {
	{ "plain", 0 }, { "excl", O_EXCL }, { "trunc", O_TRUNC },
	{ "excl-trunc", O_EXCL | O_TRUNC }, { "nofollow", O_NOFOLLOW },
	{ "append", O_APPEND }, { "no-creat", O_CREAT },
};

static const mode_t modes[] = { 0644, 06400 };
static const uid_t users[] = { 0, STRANGER };

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static void note_state(FILE *results, const char *name)
{
	struct stat st;

	if (lstat(name, &st) < 0)
		fprintf(results, " %s=%s", name, wire_errno_name(errno));
	else
		fprintf(results, " %s=%o:%u:%u:%lld:%u", name, st.st_mode, st.st_uid, st.st_gid,
			(long long)st.st_size, (unsigned int)st.st_nlink);
}

static void open_it(FILE *results, const char *path, int how, mode_t mode, uid_t user)
{
	struct stat st = { 0 };
	int fd, error = 0;

	act_as(user);
	fd = open(path, how, mode);
	if (fd < 0)
		error = errno;
	act_as(0);
	if (fd >= 0 && (fstat(fd, &st) < 0 || close(fd) < 0))
		error = errno;
	fprintf(results, " open=%s:%o:%lld", wire_errno_name(error), st.st_mode,
		(long long)st.st_size);
}

/**
 * struct table - what all rows share
 * @acted_on:	where the kernel opens
 * @prepared:	where things are made and looked at: another mount of the tree
 * @is_known:	the kernel has looked the name up before it opens
 * @rows:	how many there are so far
 */
struct table {
	const char *acted_on;
	const char *prepared;
	int is_known;
	FILE *results;
	unsigned int rows;
};

static int add_row(struct table *table, const struct what *what, int how, mode_t mode,
		   uid_t user)
{
	char directory[4096], path[4096 + 8];
	struct stat st;

	snprintf(directory, sizeof(directory), "%s/row%u", table->prepared, table->rows);
	umask(0);
	if (mkdir(directory, 0777) < 0 || chdir(directory) < 0 || what->make() < 0) {
		fprintf(stderr, "fxclient: %s in %s: %s\n", what->name, directory,
			strerror(errno));
		return -1;
	}
	umask(022);
	snprintf(path, sizeof(path), "%s/row%u/it", table->acted_on, table->rows);
	if (table->is_known && lstat(path, &st) < 0 && errno != ENOENT) {
		fprintf(stderr, "fxclient: %s: %s\n", path, strerror(errno));
		return -1;
	}
	open_it(table->results, path, how, mode, user);
	note_state(table->results, "it");
	note_state(table->results, "target");
	fputc('\n', table->results);
	table->rows++;
	return chdir("/");
}

static unsigned int next_digit(unsigned int *rest, unsigned int base)
{
	unsigned int digit = *rest % base;

	*rest /= base;
	return digit;
}

/* Rows are named, so that two tables can be compared. */
static int add_rows(struct table *table, const struct what *what)
{
	unsigned int count = COUNT(users) * COUNT(extras) * COUNT(accesses);
	unsigned int number, rest, access, extra, user;
	mode_t mode;
	int how;

	if (what->is_new)
		count *= COUNT(modes);
	for (number = 0; number < count; number++) {
		/* the digits of the number, each to its own base */
		rest = number;
		user = next_digit(&rest, COUNT(users));
		extra = next_digit(&rest, COUNT(extras));
		access = next_digit(&rest, COUNT(accesses));
		mode = modes[rest];
		fprintf(table->results, "%s,%d,%s,%o,%u:", what->name, accesses[access],
			extras[extra].name, mode, users[user]);
		/* a FIFO must not block */
		how = accesses[access] | O_NONBLOCK | O_CLOEXEC | (O_CREAT ^ extras[extra].flag);
		if (add_row(table, what, how, mode, users[user]) < 0)
			return -1;
	}
	return 0;
}

/* ACTED-ON PREPARED RESULTS [known|new [WHAT]]: two mounts of the same tree. */
int client_create_table(int argc, char **argv)
{
	struct table table = {
		.acted_on = argv[0],
		.prepared = argv[1],
		.is_known = argc > 3 && strcmp(argv[3], "known") == 0,
		.results = fopen(argv[2], "we"),
	};
	unsigned int what;

	if (!table.results) {
		perror(argv[2]);
		return 1;
	}
	for (what = 0; what < COUNT(whats); what++) {
		if (argc > 4 && strcmp(whats[what].name, argv[4]) != 0)
			continue;
		if (add_rows(&table, &whats[what]) < 0)
			return 1;
	}
	if (fclose(table.results)) {
		perror(argv[2]);
		return 1;
	}
	printf("rows=%u\n", table.rows);
	return 0;
}
