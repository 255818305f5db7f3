// SPDX-License-Identifier: GPL-2.0
/*
 * client-tree.c - fxclient's verbs for trees of files: make one that the seed
 * fixes, and list one in full, so that two lists are equal only if the trees are.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fxclient.h"

#define FILES_PER_DIRECTORY	100
#define LARGEST			65536

static uint64_t state;
static int without_times;

static uint64_t next_random(uint64_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % below;
}

static void must(int result, const char *what, const char *name)
{
	if (result < 0) {
		fprintf(stderr, "fxclient: %s %s: %s\n", what, name, strerror(errno));
		exit(1);
	}
}

/* Of 3 to 40 letters, a few as long as names get; some not easy for a shell. */
static const char *make_name(unsigned int number)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789 -_.,'\"$*\\\xc3\xa4";
	static char name[256];
	unsigned int length = next_random(64) ? next_random(36) : 240;
	unsigned int i, used = snprintf(name, sizeof(name), "%x.", number);

	for (i = 0; i < length; i++)
		name[used + i] = letters[next_random(sizeof(letters) - 1)];
	name[used + length] = '\0';
	return name;
}

static void set_times(int directory, const char *name)
{
	const time_t when = 1000000000 + next_random(600000000);
	const struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };

	must(utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW), "utimensat", name);
}

static void make_file(int directory, const char *name)
{
	static const mode_t modes[] = { 0644, 0600, 0755, 0444, 0400, 0664, 02755, 04711 };
	static char data[LARGEST];
	size_t size = next_random(next_random(16) ? 4096 : LARGEST), i;
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	must(fd, "create", name);
	for (i = 0; i + 8 <= size; i += 8)
		*(uint64_t *)(data + i) = next_random(1ULL << 31) * 0x9e3779b97f4a7c15ULL;
	must(write(fd, data, size) == (ssize_t)size ? 0 : -1, "write", name);
	must(fchmod(fd, modes[next_random(sizeof(modes) / sizeof(modes[0]))]), "fchmod", name);
	close(fd);
}

static void make_any(int directory, unsigned int number)
{
	static char previous[256];
	const char *name = make_name(number);
	unsigned int kind = next_random(32);

	/* a link needs another file in its directory */
	if (!(number % FILES_PER_DIRECTORY))
		kind = 2;
	if (kind == 0)
		must(symlinkat(previous, directory, name), "symlink", name);
	else if (kind == 1)
		must(linkat(directory, previous, directory, name, 0), "link", name);
	else
		make_file(directory, name);
	set_times(directory, name);
	strcpy(previous, name);
}

/* DIR FILES SEED */
int client_tree_make(int argc, char **argv)
{
	unsigned int files = atoi(argv[1]), i;
	char name[32];
	int directory = -1;

	(void)argc;
	state = strtoull(argv[2], NULL, 0);
	must(chdir(argv[0]), "chdir", argv[0]);
	for (i = 0; i < files; i++) {
		if (!(i % FILES_PER_DIRECTORY)) {
			snprintf(name, sizeof(name), "%u", i / FILES_PER_DIRECTORY);
			must(mkdir(name, 0700 + next_random(0100)), "mkdir", name);
			directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			must(directory, "open", name);
		}
		make_any(directory, i);
	}
	must(chdir("/"), "chdir", "/");
	return 0;
}

static uint64_t checksum(int directory, const char *name)
{
	static char data[LARGEST];
	uint64_t sum = 0xcbf29ce484222325ULL;
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t got, i;

	must(fd, "open", name);
	while ((got = read(fd, data, sizeof(data))) > 0)
		for (i = 0; i < got; i++)
			sum = (sum ^ (unsigned char)data[i]) * 0x100000001b3ULL;
	must(got, "read", name);
	close(fd);
	return sum;
}

static int is_shown(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
	       strcmp(entry->d_name, ".git");
}

static void list(int directory, const char *path)
{
	struct dirent **entries;
	char name[4096], target[4096];
	struct stat st;
	int count, i, fd;

	count = scandirat(directory, ".", &entries, is_shown, alphasort);
	must(count, "scandir", path);
	for (i = 0; i < count; i++) {
		const char *last = entries[i]->d_name;

		snprintf(name, sizeof(name), "%s/%s", path, last);
		must(fstatat(directory, last, &st, AT_SYMLINK_NOFOLLOW), "stat", name);
		printf("%s mode=%o nlink=%u uid=%u gid=%u", name, st.st_mode,
		       (unsigned int)st.st_nlink, st.st_uid, st.st_gid);
		if (!S_ISDIR(st.st_mode))
			printf(" size=%lld", (long long)st.st_size);
		if (!S_ISDIR(st.st_mode) && !without_times)
			printf(" mtime=%lld", (long long)st.st_mtime);
		if (S_ISREG(st.st_mode))
			printf(" sum=%llx", (unsigned long long)checksum(directory, last));
		if (S_ISLNK(st.st_mode)) {
			ssize_t length = readlinkat(directory, last, target, sizeof(target));

			must(length, "readlink", name);
			printf(" target=%.*s", (int)length, target);
		}
		printf("\n");
		if (S_ISDIR(st.st_mode)) {
			fd = openat(directory, last, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			must(fd, "open", name);
			list(fd, name);
			close(fd);
		}
		free(entries[i]);
	}
	free(entries);
}

/* DIR [no-times]: to standard output */
int client_tree_list(int argc, char **argv)
{
	int directory = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static char buffer[1 << 16];

	without_times = argc > 1;
	must(directory, "open", argv[0]);
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	list(directory, ".");
	return fflush(stdout) ? 1 : 0;
}
