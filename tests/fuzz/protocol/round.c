// SPDX-License-Identifier: GPL-2.0
/*
 * round.c - one round: a mount, the processes that use it, and its end.  What may
 * be judged of it without the kernel's log is whether all of them can be ended, by
 * SIGKILL alone where they wait in a function of fuse_ext.
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

/* The options of @rounds rounds from @seed on, side by side as these. */
static void options_of(const struct round *round, uint64_t seed, uint64_t rounds, char *out,
		       size_t size)
{
	char words[256];

	words_of(round->wrong, words, sizeof(words));
	snprintf(out, size,
		 "--seed %llu --rounds %llu --jobs %u --round %u --clients %u --wrong %s",
		 (unsigned long long)seed, (unsigned long long)rounds,
		 rounds > 1 ? round->jobs : 1, round->replies, round->clients, words);
}

/* One that can be given to a shell as it is. */
static void command_of(const struct round *round, uint64_t seed, uint64_t rounds, char *out,
		       size_t size)
{
	const char *cell = getenv("FUSE_EXT_CELL");
	char options[512];

	options_of(round, seed, rounds, options, sizeof(options));
	snprintf(out, size, "make fuzz%s%s FUZZ='%s'", cell ? " CELL=" : "", cell ? cell : "",
		 options);
}

/* From the first to the last round of those at work. */
static void command_beside(const struct round *round, const struct counts *counts, char *out,
			   size_t size)
{
	uint64_t first = round->seed, last = first, seed;
	int i;

	for (i = 0; i < JOBS_MAX; i++) {
		seed = counts->job[i].seed;
		first = seed && seed < first ? seed : first;
		last = seed > last ? seed : last;
	}
	command_of(round, first, last - first + 1, out, size);
}

static void write_down(const struct round *round, const char *lines)
{
	if (round->save >= 0 && write(round->save, lines, strlen(lines)) < 0)
		perror(NAME ": --save");
}

static void tell(const struct round *round, const struct counts *counts, const char *text)
{
	char again[640], beside[640], lines[2560];
	bool alone;

	command_of(round, round->seed, 1, again, sizeof(again));
	command_beside(round, counts, beside, sizeof(beside));
	alone = !strcmp(again, beside);
	snprintf(lines, sizeof(lines), "FINDING: seed %llu: %s\nagain: %s\n%s%s%s",
		 (unsigned long long)round->seed, text, again,
		 alone ? "" : "with those beside it: ", alone ? "" : beside, alone ? "" : "\n");
	fputs(lines, stdout);
	fflush(stdout);
	write_down(round, lines);
}

/* All rounds end, and kill who has the finding, as soon as it is counted: told first. */
void finding(const struct round *round, struct counts *counts, const char *format, ...)
{
	va_list arguments;
	char text[1024];

	/* others in the wake of the first ones would hide them */
	if (__atomic_fetch_add(&counts->telling, 1, __ATOMIC_SEQ_CST) <= 2) {
		va_start(arguments, format);
		vsnprintf(text, sizeof(text), format, arguments);
		va_end(arguments);
		tell(round, counts, text);
	}
	__atomic_fetch_add(&counts->findings, 1, __ATOMIC_SEQ_CST);
}

/* No finding is lost because who tells it is killed meanwhile. */
static void wait_until_told(const struct counts *counts)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	int times = 500;

	while (times-- && __atomic_load_n(&counts->findings, __ATOMIC_SEQ_CST) !=
			  __atomic_load_n(&counts->telling, __ATOMIC_SEQ_CST))
		nanosleep(&pause, NULL);
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

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	text[got > 0 ? got : 0] = 0;
	if (fd >= 0)
		close(fd);
}

static void show_file(pid_t pid, const char *name)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	read_text(path, text, sizeof(text));
	if (*text)
		printf("%s:\n%s\n", path, text);
}

/* Those of this process that are there, by blanks. */
static void read_children(char *list, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	read_text(path, list, size);
}

/*
 * Does it wait in a function of docs/waits.md?  Those that they are compiled into are
 * here as well.  What is nearer to the wait is fs/fuse's, as on stock.
 */
static bool is_our_wait(char *stack)
{
	static const char *const waits[] = {
		"fuse_ext_file_release+", "release_as_set+", "fuse_ext_sync_fs+", "sync_fs+",
		"wait_for_epoch", "wait_for_writes", "send_syncfs", "fuse_ext_flush_wait+",
		"wait_until_idle", "fuse_ext_opened",
	};
	char *line;
	size_t i;

	while ((line = strsep(&stack, "\n"))) {
		if (!strstr(line, "[fuse_ext]"))
			continue;
		for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
			if (strstr(line, waits[i]))
				return true;
		return false;
	}
	return false;
}

/* The first one of the killed processes that does, or 0. */
static pid_t in_our_wait(void)
{
	char list[1024], path[64], stack[4096], *word, *rest = list;

	read_children(list, sizeof(list));
	while ((word = strsep(&rest, " "))) {
		snprintf(path, sizeof(path), "/proc/%s/stack", word);
		read_text(path, stack, sizeof(stack));
		if (is_our_wait(stack))
			return atoi(word);
	}
	return 0;
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
	char children[1024], *word, *list = children;

	read_children(children, sizeof(children));
	finding(round, counts, "process %s is there %u s after SIGKILL and an abort",
		*children ? children : "?", round->patience);
	while ((word = strsep(&list, " "))) {
		if (!*word)
			continue;
		show_file(atoi(word), "stack");
		show_file(atoi(word), "wchan");
		show_file(atoi(word), "status");
	}
	fflush(stdout);
}

/* What SIGKILL has to end may take its time, but needs no abort. */
static void judge_waits(const struct round *round, struct processes *processes,
			struct counts *counts)
{
	pid_t pid = in_our_wait();

	if (!pid || end_in(processes, round->patience))
		return;
	pid = in_our_wait();
	if (!pid)
		return;
	finding(round, counts, "process %d waits in fuse_ext %u s after SIGKILL", pid,
		round->patience);
	show_file(pid, "stack");
	fflush(stdout);
}

/* Before the connection ends, and they with it. */
static void sum_stats(const struct round *round, int connection, struct counts *counts)
{
	char path[512], name[32] = "";
	unsigned long number;
	FILE *file;
	int i;

	snprintf(path, sizeof(path), "%s/%d/ext_stats", round->control, connection);
	file = fopen(path, "re");
	if (!file)
		return;
	for (i = 0; i < STATS_MAX && fscanf(file, "%31s %lu", name, &number) == 2; i++) {
		memcpy(counts->stats[i].name, name, sizeof(name));
		__atomic_add_fetch(&counts->stats[i].sum, number, __ATOMIC_RELAXED);
	}
	fclose(file);
}

static void kill_all(const struct processes *processes)
{
	unsigned int i;

	for (i = 0; i < processes->count; i++)
		if (processes->pid[i])
			kill(processes->pid[i], SIGKILL);
}

/*
 * The ends that a mount may have, with clients at work.  Where a notification waits
 * for a lock that a client's request holds, only an abort ends both, and that
 * is so on stock.
 */
static void end_round(const struct round *round, int device, int connection,
		      struct processes *processes, struct counts *counts)
{
	/* the judge of waits is tried: they don't end */
	const uint32_t spared = 1U << WRONG_FINDING | 1U << WRONG_NEVER;

	switch (round->seed % 4) {
	case 0:
		abort_connection(round, connection);
		break;
	case 1:
		/* that of a block device might wait for an answer to DESTROY, that is for us */
		umount2(round->mountpoint, round->on_block ? MNT_FORCE : MNT_DETACH);
		break;
	case 2:
		umount2(round->mountpoint, MNT_FORCE);
		break;
	}
	close(device);
	wait_until_told(counts);
	if ((round->wrong & spared) != spared)
		kill_all(processes);
	if (!end_in(processes, round->patience ? 2 : 0)) {
		count(&counts->aborts);
		judge_waits(round, processes, counts);
		abort_connection(round, connection);
		kill_all(processes);
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

	options_of(round, round->seed, 1, options, sizeof(options));
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
	const char *complaint, *type, *source;
	int connection;

	counts->job[round->job].seed = round->seed;
	__atomic_store_n(&counts->job[round->job].begun, false, __ATOMIC_RELEASE);
	round->default_permissions = strstr(data, "default_permissions");
	round->on_block = *round->block && round->seed % 7 == 3;
	save_options(round);
	if (round->on_block && !block_is_free(round->block, round->patience)) {
		finding(round, counts, "the superblock of an earlier round stays");
		return false;
	}
	type = round->on_block ? "fuseblk" : "fuse";
	source = round->on_block ? round->block : NAME;
	if (device < 0 || device_mount(NAME, device, source, round->mountpoint, type, data) < 0) {
		count(&counts->telling);
		count(&counts->findings);
		return false;
	}
	connection = device_connection(round->mountpoint);
	count(&counts->mounts);
	if (round->on_block)
		count(&counts->blocks);
	fflush(stdout);
	begin_all(round, device, connection, &processes, counts);
	serve(round, device, counts);
	sum_stats(round, connection, counts);
	end_round(round, device, connection, &processes, counts);
	complaint = kernel_log_bad();
	if (complaint)
		finding(round, counts, "the kernel says: %s", complaint);
	return !__atomic_load_n(&counts->findings, __ATOMIC_RELAXED);
}
