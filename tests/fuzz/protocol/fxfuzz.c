// SPDX-License-Identifier: GPL-2.0
/*
 * fxfuzz.c - a FUSE server that does all wrong that a server can do, with clients
 * of its own, round after round, each with a seed.  It judges only whether all of
 * them can be ended; what else a kernel may suffer, its log tells.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "fxfuzz.h"

#define NAME		"fxfuzz"
#define CLIENTS_MAX	16
/* Seconds in which killed clients are gone. */
static unsigned int patience = 60;

static const char usage[] =
	"Usage: fxfuzz [OPTION...] MOUNTPOINT\n"
	"\n"
	"Serve a filesystem that isn't there, wrongly, to clients of its own.\n"
	"\n"
	"  --seed N      the first round's (default 1); the next has the next number\n"
	"  --rounds N    so many (default: as many as it takes)\n"
	"  --replies N   so many in all (default 10000)\n"
	"  --round N     so many a round (default 1500)\n"
	"  --clients N   at a time, up to 16 (default 4)\n"
	"  --wrong LIST  only this may be done wrong, by commas (default: all; none)\n"
	"  --control DIR where the control filesystem is mounted\n"
	"                (default /sys/fs/fuse/connections)\n"
	"  --patience N  seconds until a killed client is a finding (default 60)\n"
	"  --trace FILE  write down requests and answers\n"
	"  --help\n"
	"\n"
	"Exit status: 0 all rounds ended; 1 one didn't, or couldn't begin; 2 usage.\n";

uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint32_t random_below(struct random *random, uint32_t below)
{
	return (random_next(random) >> 32) * below >> 32;
}

bool random_once(struct random *random, uint32_t times)
{
	return random_below(random, times) == 0;
}

void random_bytes(struct random *random, void *buffer, size_t size)
{
	unsigned char *byte = buffer;

	while (size--)
		*byte++ = random_next(random);
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

/* The processes of a round: the clients, and who sends notifications. */
struct processes {
	pid_t pid[CLIENTS_MAX + 1];
	unsigned int count;
};

static bool ended(struct processes *processes)
{
	unsigned int i, left = 0;

	for (i = 0; i < processes->count; i++) {
		pid_t *pid = &processes->pid[i];

		if (*pid && waitpid(*pid, NULL, WNOHANG) == *pid)
			*pid = 0;
		left += *pid != 0;
	}
	return !left;
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
static bool finding(const struct round *round, const struct processes *processes)
{
	unsigned int i;

	for (i = 0; i < processes->count; i++) {
		if (!processes->pid[i])
			continue;
		printf("FINDING: seed %llu: process %d is there %u s after SIGKILL and an abort\n",
		       (unsigned long long)round->seed, processes->pid[i], patience);
		show_file(processes->pid[i], "stack");
		show_file(processes->pid[i], "wchan");
		show_file(processes->pid[i], "status");
	}
	return false;
}

/*
 * The ends that a mount may have, with clients at work.  Where a notification waits
 * for a lock that a client's request holds, only an abort ends both, and that
 * is so on stock.
 */
static bool end_round(const struct round *round, int device, int connection,
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
		kill(processes->pid[i], SIGKILL);
	if (!end_in(processes, patience ? 2 : 0)) {
		counts->aborts++;
		abort_connection(round, connection);
	}
	umount2(round->mountpoint, MNT_DETACH);
	return end_in(processes, patience) || finding(round, processes);
}

static pid_t fork_one(void)
{
	pid_t child = fork();

	if (child < 0) {
		perror(NAME ": fork");
		exit(1);
	}
	return child;
}

static bool run(const struct round *round, struct counts *counts)
{
	static const char *const options[] = {
		"default_permissions,allow_other", "allow_other", "max_read=4096", "",
		"default_permissions",
	};
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct processes processes = { 0 };
	int connection;
	unsigned int i;

	if (device < 0 || device_mount(NAME, device, NAME, round->mountpoint, "fuse",
				       options[round->seed % 5]) < 0)
		return false;
	connection = device_connection(round->mountpoint);
	counts->mounts++;
	fflush(stdout);
	for (i = 0; i < round->clients; i++) {
		processes.pid[processes.count] = fork_one();
		if (!processes.pid[processes.count++]) {
			close(device);
			use(round, i, counts);
		}
	}
	if (round->wrong & 1U << WRONG_NOTIFY) {
		processes.pid[processes.count] = fork_one();
		if (!processes.pid[processes.count++])
			notify(round, device, counts);
	}
	serve(round, device, counts);
	return end_round(round, device, connection, &processes, counts);
}

static uint32_t wrong_list(char *list)
{
	uint32_t wrong = 0;
	char *word;
	int i;

	while ((word = strsep(&list, ","))) {
		for (i = 0; i < WRONG_COUNT && strcmp(word, wrong_names[i]); i++)
			;
		if (i == WRONG_COUNT && strcmp(word, "none")) {
			fprintf(stderr, NAME ": --wrong %s: one of none", word);
			for (i = 0; i < WRONG_COUNT; i++)
				fprintf(stderr, ", %s", wrong_names[i]);
			fputs("\n", stderr);
			exit(2);
		}
		if (i < WRONG_COUNT)
			wrong |= 1U << i;
	}
	return wrong;
}

enum option_value {
	OPTION_SEED = 1, OPTION_ROUNDS, OPTION_REPLIES, OPTION_ROUND, OPTION_CLIENTS,
	OPTION_WRONG, OPTION_CONTROL, OPTION_PATIENCE, OPTION_TRACE, OPTION_HELP,
};

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, OPTION_SEED },
	{ "rounds", required_argument, NULL, OPTION_ROUNDS },
	{ "replies", required_argument, NULL, OPTION_REPLIES },
	{ "round", required_argument, NULL, OPTION_ROUND },
	{ "clients", required_argument, NULL, OPTION_CLIENTS },
	{ "wrong", required_argument, NULL, OPTION_WRONG },
	{ "control", required_argument, NULL, OPTION_CONTROL },
	{ "patience", required_argument, NULL, OPTION_PATIENCE },
	{ "trace", required_argument, NULL, OPTION_TRACE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 }
};

/* What the options say; the mount point is left. */
static void read_options(int argc, char **argv, struct round *round, unsigned long *rounds,
			 unsigned long *replies)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_SEED:
			round->seed = strtoull(optarg, NULL, 0);
			break;
		case OPTION_ROUNDS:
			*rounds = strtoul(optarg, NULL, 0);
			*replies = -1UL;
			break;
		case OPTION_REPLIES:
			*replies = strtoul(optarg, NULL, 0);
			break;
		case OPTION_ROUND:
			round->replies = strtoul(optarg, NULL, 0);
			break;
		case OPTION_CLIENTS:
			round->clients = strtoul(optarg, NULL, 0);
			break;
		case OPTION_WRONG:
			round->wrong = wrong_list(optarg);
			break;
		case OPTION_CONTROL:
			round->control = optarg;
			break;
		case OPTION_PATIENCE:
			patience = strtoul(optarg, NULL, 0);
			break;
		case OPTION_TRACE:
			round->trace = fopen(optarg, "we");
			if (!round->trace) {
				perror(optarg);
				exit(1);
			}
			setvbuf(round->trace, NULL, _IOLBF, 0);
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (argc - optind != 1 || !round->clients || round->clients > CLIENTS_MAX) {
		fputs(usage, stderr);
		exit(2);
	}
	round->mountpoint = argv[optind];
}

static void say(const struct round *round, const struct counts *counts)
{
	printf("seed=%llu mounts=%lu replies=%lu refused=%lu ",
	       (unsigned long long)round->seed, counts->mounts, counts->replies,
	       counts->refused);
	printf("notifications=%lu calls=%lu aborts=%lu\n", counts->notifications,
	       counts->calls, counts->aborts);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct round round = {
		.seed = 1, .wrong = (1U << WRONG_COUNT) - 1, .replies = 1500, .clients = 4,
		.control = "/sys/fs/fuse/connections",
	};
	unsigned long rounds = -1UL, replies = 10000;
	struct counts *counts;
	time_t said = time(NULL);
	bool good = true;

	read_options(argc, argv, &round, &rounds, &replies);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED) {
		perror(NAME ": mmap");
		return 1;
	}
	while (good && rounds-- && counts->replies < replies) {
		good = run(&round, counts);
		if (time(NULL) - said >= 30) {
			printf("at seed %llu: %lu replies\n", (unsigned long long)round.seed,
			       counts->replies);
			said = time(NULL);
		}
		round.seed++;
	}
	say(&round, counts);
	return !good;
}
