// SPDX-License-Identifier: GPL-2.0
/*
 * round.c - one round: a mount, the processes that use it, and its end.  What may
 * be judged of it without the kernel's log is whether all of them can be ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "fxfuzz.h"

#define ADMINISTRATORS	2

/* The clients, who sends notifications, and who does the rest. */
struct processes {
	pid_t pid[CLIENTS_MAX + 1 + ADMINISTRATORS];
	unsigned int count;
};

static void words_of(uint32_t wrong, char *out, size_t size)
{
	const char *all = wrong ? wrong == WRONG_ALL ? "all" : NULL : "none";
	int i;

	snprintf(out, size, "%s", all ? all : "");
	for (i = 0; i <= WRONG_COUNT && !all; i++)
		if (wrong & 1U << i)
			snprintf(out + strlen(out), size - strlen(out), "%s%s",
				 *out ? "," : "", wrong_names[i]);
}

/* The options of this round alone. */
static void options_of(const struct round *round, char *out, size_t size)
{
	char words[256];

	words_of(round->wrong, words, sizeof(words));
	snprintf(out, size, "--seed %llu --rounds 1 --round %u --clients %u --wrong %s",
		 (unsigned long long)round->seed, round->replies, round->clients, words);
}

static void write_down(const struct round *round, const char *lines)
{
	if (round->save >= 0 && write(round->save, lines, strlen(lines)) < 0)
		perror(NAME ": --save");
}

void finding(const struct round *round, struct counts *counts, const char *format, ...)
{
	char text[1024], options[512], lines[2048];
	va_list arguments;
	int i;

	/* all rounds end at the first one; others in its wake would hide it */
	if (__atomic_fetch_add(&counts->findings, 1, __ATOMIC_RELAXED) > 2)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	options_of(round, options, sizeof(options));
	snprintf(lines, sizeof(lines), "FINDING: seed %llu: %s\nagain: make fuzz FUZZ='%s'\n",
		 (unsigned long long)round->seed, text, options);
	fputs(lines, stdout);
	for (i = 0; i < JOBS_MAX; i++)
		if (i != (int)round->job && counts->job[i].seed)
			printf("beside it: seed %llu\n", (unsigned long long)counts->job[i].seed);
	fflush(stdout);
	write_down(round, lines);
}

bool is_defined(const struct round *round, const int *defined, size_t count, int error)
{
	size_t i;

	for (i = round->wrong & 1U << WRONG_FINDING ? 1 : 0; i < count; i++)
		if (error == defined[i])
			return true;
	return false;
}

void pace(const struct round *round, const struct counts *counts, unsigned int replies)
{
	const unsigned long *now = &counts->job[round->job].replies;
	unsigned long end = __atomic_load_n(now, __ATOMIC_RELAXED) + replies;
	struct timespec pause = { .tv_nsec = 50000000 };
	int times = 40;

	while (times-- && __atomic_load_n(now, __ATOMIC_RELAXED) < end)
		nanosleep(&pause, NULL);
}

static void show_file(pid_t pid, const char *name)
{
	char path[64], text[4096];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (size > 0)
		printf("%s:\n%.*s\n", path, (int)size, text);
	if (fd >= 0)
		close(fd);
}

/* Of all its children: those of clients that have died are its own now. */
static bool ended(struct processes *processes)
{
	unsigned int i;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (i = 0; i < processes->count; i++)
			if (processes->pid[i] == pid)
				processes->pid[i] = 0;
	return pid < 0;
}

static bool end_in(struct processes *processes, unsigned int seconds)
{
	struct timespec pause = { .tv_nsec = 5000000 };
	time_t end = time(NULL) + seconds;

	while (!ended(processes)) {
		if (time(NULL) >= end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void abort_connection(const struct round *round, int connection)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%d/abort", round->control, connection);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) < 0)
		printf("abort: %s\n", strerror(errno));
	close(fd);
}

/* A process that is there after an abort and SIGKILL is a finding. */
static void still_there(const struct round *round, struct counts *counts)
{
	char path[64], children[1024] = "", *word, *list = children;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, children, sizeof(children) - 1) < 0)
		perror(path);
	finding(round, counts, "process %s is there %u s after SIGKILL and an abort",
		*children ? children : "?", round->patience);
	while ((word = strsep(&list, " "))) {
		if (!*word)
			continue;
		show_file(atoi(word), "stack");
		show_file(atoi(word), "wchan");
		show_file(atoi(word), "status");
	}
	close(fd);
	fflush(stdout);
}

/*
 * The ends that a mount may have, with clients at work.  Where a notification waits
 * for a lock that a client's request holds, only an abort ends both, and that
 * is so on stock.
 */
static void end_round(const struct round *round, int device, int connection,
		      struct processes *processes, struct counts *counts)
{
	unsigned int i;

	switch (round->seed % 4) {
	case 0:
		abort_connection(round, connection);
		break;
	case 1:
		umount2(round->mountpoint, MNT_DETACH);
		break;
	case 2:
		umount2(round->mountpoint, MNT_FORCE);
		break;
	}
	close(device);
	for (i = 0; i < processes->count; i++)
		if (processes->pid[i])
			kill(processes->pid[i], SIGKILL);
	if (!end_in(processes, round->patience ? 2 : 0)) {
		count(&counts->aborts);
		abort_connection(round, connection);
	}
	umount2(round->mountpoint, MNT_DETACH);
	if (!end_in(processes, round->patience))
		still_there(round, counts);
	/* of an administrator that was killed between mount(2) and umount(2) */
	while (umount2(round->spare, MNT_DETACH) == 0)
		;
}

/* true in the new process, which is one of the round's */
static bool begin(struct processes *processes)
{
	pid_t child = fork();

	if (child < 0) {
		perror(NAME ": fork");
		exit(1);
	}
	if (child)
		processes->pid[processes->count++] = child;
	return !child;
}

static void begin_all(const struct round *round, int device, int connection,
		      struct processes *processes, struct counts *counts)
{
	const uint32_t administration = 1U << WRONG_CONTROL | 1U << WRONG_IOCTL |
					1U << WRONG_OPTIONS;
	unsigned int i;

	for (i = 0; i < round->clients; i++) {
		if (begin(processes)) {
			close(device);
			use(round, i, counts);
		}
	}
	if (round->wrong & 1U << WRONG_NOTIFY && begin(processes))
		notify(round, device, counts);
	for (i = 0; i < ADMINISTRATORS && round->wrong & administration; i++)
		if (begin(processes))
			administrate(round, i, device, connection, counts);
}

/* Before anything is done, for the case that it is the end of the machine. */
static void save_options(const struct round *round)
{
	char options[512], line[520];

	options_of(round, options, sizeof(options));
	snprintf(line, sizeof(line), "%s\n", options);
	write_down(round, line);
}

bool run_round(struct round *round, struct counts *counts)
{
	static const char *const options[] = {
		"default_permissions,allow_other", "allow_other", "max_read=4096", "",
		"default_permissions",
	};
	const char *data = options[round->seed % 5];
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct processes processes = { 0 };
	const char *complaint;
	int connection;

	counts->job[round->job].seed = round->seed;
	__atomic_store_n(&counts->job[round->job].begun, false, __ATOMIC_RELEASE);
	round->default_permissions = strstr(data, "default_permissions");
	save_options(round);
	if (device < 0 || device_mount(NAME, device, NAME, round->mountpoint, "fuse", data) < 0) {
		count(&counts->findings);
		return false;
	}
	connection = device_connection(round->mountpoint);
	count(&counts->mounts);
	fflush(stdout);
	begin_all(round, device, connection, &processes, counts);
	serve(round, device, counts);
	end_round(round, device, connection, &processes, counts);
	complaint = kernel_log_bad();
	if (complaint)
		finding(round, counts, "the kernel says: %s", complaint);
	return !__atomic_load_n(&counts->findings, __ATOMIC_RELAXED);
}
