// SPDX-License-Identifier: GPL-2.0
/*
 * client-use.c - fxclient's use: what applications do in a filesystem of which
 * nothing is known, in a fixed order.  What came back is written down, and
 * nothing that differs from run to run: neither times nor identities.  Which
 * requests that sends isn't its matter; there is fxclient script for that.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

#define PAGE	4096
#define LARGE	(320 * 1024)
#define FILES	50
#define RACERS	4
#define RACES	8

static FILE *results;
static char buffer[LARGE];

__attribute__((format(printf, 2, 3)))
static void say(const char *name, const char *format, ...)
{
	va_list arguments;

	fprintf(results, "%s ", name);
	va_start(arguments, format);
	vfprintf(results, format, arguments);
	va_end(arguments);
	fputc('\n', results);
}

static long step(const char *name, long result)
{
	say(name, "%ld %s", result, wire_errno_name(result < 0 ? errno : 0));
	return result;
}

static int open_step(const char *name, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0640);

	step(name, fd < 0 ? -1 : 0);
	return fd;
}

/* What can be read at @path now: its size, and a sum of its bytes. */
static void content(const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned int sum = 0;
	ssize_t size = -1, at;

	if (fd >= 0) {
		/* from the server, not from the page cache */
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		size = read(fd, buffer, sizeof(buffer));
	}
	for (at = 0; at < size; at++)
		sum = sum * 31 + (unsigned char)buffer[at];
	say(name, "bytes=%zd sum=%08x error=%s", size, sum, wire_errno_name(size < 0 ? errno : 0));
	if (fd >= 0)
		close(fd);
}

static void put(const char *name, const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t written = fd < 0 ? -1 : write(fd, text, strlen(text));

	step(name, written);
	if (fd >= 0 && close(fd) < 0)
		step("close", -1);
}

/* Ways to open(2), most of them with O_CREAT. */
static const struct {
	const char *name;
	const char *path;
	int flags;
} opens[] = {
	{ "create-directory", "directory", O_CREAT | O_RDONLY },
	{ "create-directory-write", "directory", O_CREAT | O_RDWR | O_TRUNC },
	{ "exclusive-directory", "directory", O_CREAT | O_EXCL | O_RDWR },
	{ "create-file", "file", O_CREAT | O_RDWR },
	{ "create-file-read", "file", O_CREAT | O_RDONLY },
	{ "exclusive-file", "file", O_CREAT | O_EXCL | O_RDWR | O_TRUNC },
	{ "create-link", "link", O_CREAT | O_RDWR },
	{ "create-link-nofollow", "link", O_CREAT | O_NOFOLLOW | O_RDWR },
	{ "exclusive-link", "link", O_CREAT | O_EXCL | O_RDWR },
	{ "create-dangling", "dangling", O_CREAT | O_RDWR },
	{ "create-pointed-at", "pointed-at", O_CREAT | O_RDWR },
	{ "create-new", "new", O_CREAT | O_RDWR },
	{ "create-new-again", "new", O_CREAT | O_RDWR },
	{ "exclusive-new", "exclusive", O_CREAT | O_EXCL | O_WRONLY },
	{ "exclusive-new-again", "exclusive", O_CREAT | O_EXCL | O_WRONLY },
	{ "append-file", "file", O_CREAT | O_WRONLY | O_APPEND },
	{ "append-new", "appended", O_CREAT | O_WRONLY | O_APPEND },
	{ "truncate-file", "file", O_CREAT | O_RDWR | O_TRUNC },
	{ "truncate-new", "truncated", O_CREAT | O_RDWR | O_TRUNC },
	{ "open-missing", "missing", O_RDWR },
	{ "create-below-missing", "missing/file", O_CREAT | O_RDWR },
	{ "create-below-file", "file/file", O_CREAT | O_RDWR },
	{ "create-with-slash", "slash/", O_CREAT | O_RDWR },
};

static void open_all(void)
{
	struct stat st, after;
	ssize_t written;
	unsigned int i;
	int fd, error;

	for (i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
		memset(&st, 0, sizeof(st));
		memset(&after, 0, sizeof(after));
		fd = open(opens[i].path, opens[i].flags | O_CLOEXEC, 0640);
		error = fd < 0 ? errno : 0;
		written = -1;
		if (fd >= 0) {
			fstat(fd, &st);
			if ((opens[i].flags & O_ACCMODE) != O_RDONLY)
				written = write(fd, "wrote", 5);
			fstat(fd, &after);
			close(fd);
		}
		say(opens[i].name, "error=%s mode=%o size=%lld written=%zd after=%lld",
		    wire_errno_name(error), st.st_mode, (long long)st.st_size, written,
		    (long long)after.st_size);
	}
}

static void odd_files(void)
{
	char name[512];

	close(open_step("create-read", "created-to-read", O_CREAT | O_RDONLY));
	memset(name, 'l', sizeof(name));
	name[255] = '\0';
	close(open_step("create-long-name", name, O_CREAT | O_RDWR));
	name[255] = 'l';
	name[256] = '\0';
	close(open_step("create-longer-name", name, O_CREAT | O_RDWR));
}

static void things(void)
{
	step("mkdir", mkdir("directory", 0755));
	put("put-file", "file", "content");
	step("symlink", symlink("file", "link"));
	step("symlink-dangling", symlink("pointed-at", "dangling"));
}

static void rename_over_open(void)
{
	char text[16] = "";
	struct stat st;
	int fd;

	put("put-old", "old", "old text");
	put("put-young", "young", "younger text");
	fd = open_step("open-old", "old", O_RDWR);
	step("rename-over-open", rename("young", "old"));
	step("read-renamed-over", pread(fd, text, sizeof(text), 0));
	say("text-renamed-over", "%.16s", text);
	step("write-renamed-over", pwrite(fd, "x", 1, 0));
	step("fstat-renamed-over", fstat(fd, &st));
	step("close-renamed-over", close(fd));
	content("renamed", "old");
	step("stat-young", stat("young", &st));
}

static void unlink_open(void)
{
	char text[16] = "";
	struct stat st;
	int fd, again;

	put("put-unlinked", "unlinked", "before");
	fd = open_step("open-unlinked", "unlinked", O_RDWR);
	step("unlink-open", unlink("unlinked"));
	step("write-unlinked", pwrite(fd, "after", 5, 6));
	step("read-unlinked", pread(fd, text, sizeof(text), 0));
	say("text-unlinked", "%.16s", text);
	step("stat-unlinked", stat("unlinked", &st));
	again = open_step("create-unlinked", "unlinked", O_CREAT | O_EXCL | O_RDWR);
	step("write-again", pwrite(again, "again", 5, 0));
	step("close-unlinked", close(fd));
	step("close-again", close(again));
	content("created-again", "unlinked");
}

static void two_descriptors(void)
{
	struct stat st = { 0 };
	int one, two, i;

	one = open_step("append-one", "two", O_CREAT | O_WRONLY | O_APPEND);
	two = open_step("append-two", "two", O_CREAT | O_WRONLY | O_APPEND);
	for (i = 0; i < 4; i++)
		if (write(one, "one", 3) != 3 || write(two, "two!", 4) != 4)
			step("append", -1);
	content("appended", "two");
	step("close-two", close(two));
	two = open_step("truncate-two", "two", O_CREAT | O_RDWR | O_TRUNC);
	step("fstat-truncated", fstat(one, &st));
	say("size-truncated", "%lld", (long long)st.st_size);
	step("close-truncated", close(two));
	step("append-truncated", write(one, "one", 3));
	step("close-one", close(one));
	content("truncated-appended", "two");
}

static void large_file(void)
{
	char *map;
	int fd, i;

	fd = open_step("create-large", "large", O_CREAT | O_EXCL | O_RDWR);
	for (i = 0; i < LARGE; i++)
		buffer[i] = i * 7 + i / 256;
	step("write-large", write(fd, buffer, LARGE));
	step("fsync-large", fsync(fd));
	content("large", "large");
	step("ftruncate-large", ftruncate(fd, 100 * 1024 + 1));
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
	step("map-large", map == MAP_FAILED ? -1 : 0);
	if (map != MAP_FAILED) {
		memset(map, 'm', PAGE / 2);
		step("msync-large", msync(map, PAGE, MS_SYNC));
		munmap(map, PAGE);
	}
	step("syncfs", syncfs(fd));
	step("close-large", close(fd));
	content("large-mapped", "large");
}

static void locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	int one = open_step("open-lock", "file", O_RDWR), two = open("file", O_RDWR | O_CLOEXEC);

	step("lock", fcntl(one, F_SETLK, &lock));
	step("lock-of-file", fcntl(two, F_OFD_SETLK, &lock));
	step("flock", flock(one, LOCK_EX | LOCK_NB));
	step("flock-taken", flock(two, LOCK_EX | LOCK_NB));
	step("close-lock", close(one));
	/* drops the lock; that of flock(2) may be dropped a moment later */
	step("close-lock-two", close(two));
}

static void small_files(void)
{
	struct dirent *entry;
	char name[32], text[32];
	int i, fd, length, errors = 0, names = 0;
	DIR *dir;

	step("mkdir-many", mkdir("many", 0755));
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		length = snprintf(text, sizeof(text), "file number %d", i);
		fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		errors += fd < 0 || write(fd, text, length) != length || close(fd) < 0;
	}
	say("many-written", "errors=%d", errors);
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		length = snprintf(text, sizeof(text), "file number %d", i);
		fd = open(name, O_RDONLY | O_CLOEXEC);
		errors += fd < 0 || read(fd, buffer, sizeof(buffer)) != length ||
			  memcmp(buffer, text, length) || close(fd) < 0;
		if (i % 2)
			errors += unlink(name) < 0;
	}
	say("many-read", "errors=%d", errors);
	dir = opendir("many");
	while (dir && (entry = readdir(dir)))
		names += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	say("many-left", "names=%d", names);
}

static pthread_barrier_t barrier;

static void *race(void *data)
{
	int *created = data, i, fd;
	char name[32];

	for (i = 0; i < RACES; i++) {
		snprintf(name, sizeof(name), "race-%d", i);
		pthread_barrier_wait(&barrier);
		fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
		if (fd >= 0)
			created[0]++;
		else if (errno != EEXIST)
			created[1]++;
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/* Each name is created by one thread, and the others are told so. */
static void races(void)
{
	int created[RACERS][2] = { 0 }, total = 0, odd = 0, i;
	pthread_t thread[RACERS];

	pthread_barrier_init(&barrier, NULL, RACERS);
	for (i = 0; i < RACERS; i++)
		if (pthread_create(&thread[i], NULL, race, created[i])) {
			fprintf(stderr, "fxclient: can't start a thread\n");
			exit(1);
		}
	for (i = 0; i < RACERS; i++) {
		pthread_join(thread[i], NULL);
		total += created[i][0];
		odd += created[i][1];
	}
	say("race", "names=%d created=%d odd=%d", RACES, total, odd);
}

/*
 * DIRECTORY RESULTS [HOW]: `read-only` opens what is there; `plain` leaves out
 * what not all filesystems can: long names, files without a name, and files
 * that are created but never written.
 */
int client_use(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "";
	bool is_read_only = strcmp(how, "read-only") == 0;

	results = fopen(argv[1], "we");
	if (!results || chdir(argv[0]) < 0) {
		fprintf(stderr, "fxclient: %s: %s\n", argv[results ? 0 : 1], strerror(errno));
		return 1;
	}
	umask(022);
	if (!is_read_only)
		things();
	open_all();
	content("file", "file");
	content("link", "link");
	if (!is_read_only) {
		two_descriptors();
		large_file();
		locks();
		small_files();
		races();
	}
	if (!*how) {
		odd_files();
		rename_over_open();
		unlink_open();
	}
	if (fclose(results)) {
		fprintf(stderr, "fxclient: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	return chdir("/") < 0;
}
