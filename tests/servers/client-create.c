// SPDX-License-Identifier: GPL-2.0
/*
 * client-create.c - fxclient's verbs that open files with O_CREAT: once, in all
 * combinations of flags and of what is there, and from many threads at once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

#define STRANGER	1000

static const struct {
	const char *name;
	int flag;
} flags[] = {
	{ "read", O_RDONLY }, { "write", O_WRONLY }, { "rdwr", O_RDWR }, { "creat", O_CREAT },
	{ "excl", O_EXCL }, { "trunc", O_TRUNC }, { "append", O_APPEND },
	{ "nofollow", O_NOFOLLOW }, { "nonblock", O_NONBLOCK }, { "directory", O_DIRECTORY },
	{ "path", O_PATH },
};

static int parse_flags(char *words)
{
	int result = O_CLOEXEC;
	char *word, *rest;
	unsigned int i;

	for (word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (strcmp(flags[i].name, word) == 0)
				break;
		if (i == sizeof(flags) / sizeof(flags[0])) {
			fprintf(stderr, "fxclient: %s: no such flag\n", word);
			exit(2);
		}
		result |= flags[i].flag;
	}
	return result;
}

/*
 * Who opens: for the whole process, and for good.  A group more than the user's
 * own may be given: "1000,1234".
 */
static void become(char *who)
{
	char *group = strchr(who, ',');
	gid_t groups[1] = { 0 };
	uid_t uid;

	if (group)
		groups[0] = atoi(group + 1);
	uid = atoi(who);
	if (!uid)
		return;
	if (setgroups(group ? 1 : 0, groups) < 0 || setresgid(uid, uid, uid) < 0 ||
	    setresuid(uid, uid, uid) < 0) {
		perror("fxclient: become");
		exit(1);
	}
}

/* FLAGS MODE PATH [WHO]: open, tell what came of it, write a byte if it may be. */
int client_create(int argc, char **argv)
{
	int how = parse_flags(argv[0]);
	struct stat st = { 0 };
	ssize_t written = -1;
	int fd, error = 0;

	if (argc > 3)
		become(argv[3]);
	fd = open(argv[2], how, strtoul(argv[1], NULL, 8));
	if (fd < 0)
		error = errno;
	else if (fstat(fd, &st) < 0)
		error = errno;
	if (fd >= 0 && (how & O_ACCMODE) != O_RDONLY)
		written = write(fd, "w", 1);
	if (fd >= 0)
		close(fd);
	printf("error=%s mode=%o size=%lld written=%zd\n", wire_errno_name(error), st.st_mode,
	       (long long)st.st_size, written);
	return 0;
}

/* DIRECTORY FLAGS PATH...: what inotify says of the directory meanwhile. */
int client_create_watch(int argc, char **argv)
{
	int how = parse_flags(argv[1]);
	char buffer[4096] __attribute__((aligned(8)));
	const struct inotify_event *event;
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int created = 0, i, fd;
	ssize_t size, at;

	if (watch < 0 || inotify_add_watch(watch, argv[0], IN_CREATE) < 0) {
		perror("fxclient: inotify");
		return 1;
	}
	for (i = 2; i < argc; i++) {
		fd = open(argv[i], how, 0644);
		printf("error=%s\n", wire_errno_name(fd < 0 ? errno : 0));
		if (fd >= 0)
			close(fd);
	}
	while ((size = read(watch, buffer, sizeof(buffer))) > 0)
		for (at = 0; at < size; at += sizeof(*event) + event->len) {
			event = (const void *)(buffer + at);
			created += !!(event->mask & IN_CREATE);
		}
	printf("created=%d\n", created);
	return 0;
}

/*
 * The table: each row makes something through one mount, opens it through the
 * other, which hasn't cached it, and writes down what came of it and what is
 * there afterwards.  Rows are named, so that two tables can be compared.
 */
struct what {
	const char *name;
	/* In the directory that is current, as root. */
	int (*make)(void);
};

static int make_file(const char *name, mode_t mode, uid_t uid)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "content", 7) != 7 || fchmod(fd, mode) < 0 ||
	    fchown(fd, uid, uid) < 0)
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
	{ "nothing", make_nothing }, { "own-file", make_own },
	{ "foreign-file", make_foreign }, { "read-only-file", make_readable },
	{ "setuid-file", make_executable }, { "directory", make_directory },
	{ "symlink", make_symlink }, { "dangling-symlink", make_dangling },
	{ "symlink-loop", make_loop }, { "fifo", make_fifo },
	{ "socket", make_socket }, { "device", make_device },
	{ "sticky-directory", make_sticky },
	{ "closed-directory", make_closed },
	{ "closed-directory-own-file", make_closed_own },
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

static const mode_t modes[] = { 0644, 0400 };
static const uid_t users[] = { 0, STRANGER };

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ROWS	(COUNT(whats) * COUNT(accesses) * COUNT(extras) * COUNT(modes) * COUNT(users))

static unsigned int next_digit(unsigned int *rest, unsigned int base)
{
	unsigned int digit = *rest % base;

	*rest /= base;
	return digit;
}

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

	/* For files only, and in this thread: root stays root otherwise. */
	if (user) {
		setfsgid(user);
		setfsuid(user);
	}
	fd = open(path, how, mode);
	if (fd < 0)
		error = errno;
	if (user) {
		setfsuid(0);
		setfsgid(0);
	}
	if (fd >= 0 && (fstat(fd, &st) < 0 || close(fd) < 0))
		error = errno;
	fprintf(results, " open=%s:%o:%lld", wire_errno_name(error), st.st_mode,
		(long long)st.st_size);
}

static int table_row(FILE *results, unsigned int number, const char *const *roots,
		     const struct what *what, int how, mode_t mode, uid_t user)
{
	char directory[4096], path[4096 + 8];

	snprintf(directory, sizeof(directory), "%s/row%u", roots[1], number);
	if (mkdir(directory, 0777) < 0 || chmod(directory, 0777) < 0 || chdir(directory) < 0 ||
	    what->make() < 0) {
		fprintf(stderr, "fxclient: %s in %s: %s\n", what->name, directory,
			strerror(errno));
		return -1;
	}
	snprintf(path, sizeof(path), "%s/row%u/it", roots[0], number);
	open_it(results, path, how, mode, user);
	note_state(results, "it");
	note_state(results, "target");
	fputc('\n', results);
	return chdir("/");
}

/* ACTED-ON PREPARED RESULTS: two mounts of the same tree. */
int client_create_table(int argc, char **argv)
{
	const char *const roots[2] = { argv[0], argv[1] };
	FILE *results = fopen(argv[2], "we");
	unsigned int what, access, extra, mode, user, rest, number = 0;
	int how;

	(void)argc;
	if (!results) {
		perror(argv[2]);
		return 1;
	}
	umask(022);
	for (; number < ROWS; number++) {
		/* the digits of the number, each to its own base */
		rest = number;
		user = next_digit(&rest, COUNT(users));
		mode = next_digit(&rest, COUNT(modes));
		extra = next_digit(&rest, COUNT(extras));
		access = next_digit(&rest, COUNT(accesses));
		what = rest;
		/* a FIFO must not block */
		how = accesses[access] | O_NONBLOCK | O_CLOEXEC | (O_CREAT ^ extras[extra].flag);
		fprintf(results, "%s,%d,%s,%o,%u:", whats[what].name, accesses[access],
			extras[extra].name, modes[mode], users[user]);
		if (table_row(results, number, roots, &whats[what], how, modes[mode],
			      users[user]) < 0)
			return 1;
	}
	if (fclose(results)) {
		perror(argv[2]);
		return 1;
	}
	printf("rows=%u\n", number);
	return 0;
}

/* Many threads, the same names: who has created, who has found. */
struct race {
	const char *directory;
	int names;
	int how;
	int *created;
	int found;
	int failed;
};

static pthread_barrier_t start_line;

static void *race(void *data)
{
	struct race *race = data;
	char path[4096];
	int i, fd;

	pthread_barrier_wait(&start_line);
	for (i = 0; i < race->names; i++) {
		snprintf(path, sizeof(path), "%s/name%d", race->directory, i);
		fd = open(path, race->how, 0644);
		if (fd >= 0) {
			if (race->how & O_EXCL)
				__atomic_add_fetch(&race->created[i], 1, __ATOMIC_RELAXED);
			close(fd);
		} else if (errno == EEXIST) {
			race->found++;
		} else {
			race->failed++;
		}
	}
	return NULL;
}

/* DIRECTORY THREADS NAMES [FLAGS] */
int client_create_race(int argc, char **argv)
{
	int threads = atoi(argv[1]), names = atoi(argv[2]);
	int how = argc > 3 ? parse_flags(argv[3]) : O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
	int once = 0, found = 0, failed = 0, i;
	struct race *races = calloc(threads, sizeof(*races));
	pthread_t *ids = calloc(threads, sizeof(*ids));
	int *created = calloc(names, sizeof(*created));

	if (!races || !ids || !created || pthread_barrier_init(&start_line, NULL, threads))
		abort();
	for (i = 0; i < threads; i++) {
		races[i].directory = argv[0];
		races[i].names = names;
		races[i].how = how;
		races[i].created = created;
		if (pthread_create(&ids[i], NULL, race, &races[i]))
			abort();
	}
	for (i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		found += races[i].found;
		failed += races[i].failed;
	}
	for (i = 0; i < names; i++)
		once += created[i] == 1;
	printf("created_once=%d found=%d failed=%d\n", once, found, failed);
	return 0;
}

/* Creating, unlinking and renaming the same few names. */
struct churn {
	const char *directory;
	int rounds;
	int kind;
	int odd;
};

static void *churn(void *data)
{
	struct churn *churn = data;
	unsigned int seed = churn->kind + 1;
	char path[4096], other[4096];
	int i, result;

	pthread_barrier_wait(&start_line);
	for (i = 0; i < churn->rounds; i++) {
		snprintf(path, sizeof(path), "%s/churn%d", churn->directory, rand_r(&seed) % 4);
		snprintf(other, sizeof(other), "%s/churn%d", churn->directory, rand_r(&seed) % 4);
		switch (churn->kind % 4) {
		case 0:
			result = unlink(path);
			break;
		case 1:
			result = rename(path, other);
			break;
		default:
			result = open(path, O_CREAT | O_RDWR | O_CLOEXEC |
				      (churn->kind % 4 == 2 ? O_EXCL : 0), 0644);
			if (result >= 0)
				close(result);
		}
		if (result < 0 && errno != ENOENT && errno != EEXIST) {
			fprintf(stderr, "%d: %s\n", churn->kind % 4, strerror(errno));
			churn->odd++;
		}
	}
	return NULL;
}

/* DIRECTORY THREADS ROUNDS */
int client_create_churn(int argc, char **argv)
{
	int threads = atoi(argv[1]), odd = 0, i;
	struct churn *churns = calloc(threads, sizeof(*churns));
	pthread_t *ids = calloc(threads, sizeof(*ids));

	(void)argc;
	if (!churns || !ids || pthread_barrier_init(&start_line, NULL, threads))
		abort();
	for (i = 0; i < threads; i++) {
		churns[i].directory = argv[0];
		churns[i].rounds = atoi(argv[2]);
		churns[i].kind = i;
		if (pthread_create(&ids[i], NULL, churn, &churns[i]))
			abort();
	}
	for (i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		odd += churns[i].odd;
	}
	printf("odd=%d\n", odd);
	return 0;
}

/* DIRECTORY FILES: create and close so many files, one after the other. */
int client_create_files(int argc, char **argv)
{
	int files = atoi(argv[1]), i, fd;
	uint64_t start = wire_now_ns();
	char path[4096];

	(void)argc;
	for (i = 0; i < files; i++) {
		snprintf(path, sizeof(path), "%s/file%d", argv[0], i);
		fd = must_open(path, O_CREAT | O_EXCL | O_WRONLY);
		close(fd);
	}
	printf("all_us=%llu\n", (unsigned long long)(wire_now_ns() - start) / 1000);
	return 0;
}
