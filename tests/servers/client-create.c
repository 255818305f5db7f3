// SPDX-License-Identifier: GPL-2.0
/*
 * client-create.c - fxclient's verbs that open files with O_CREAT: once, many of
 * them, and from many threads at once.  All combinations of flags and of what is
 * there: see client-table.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

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
