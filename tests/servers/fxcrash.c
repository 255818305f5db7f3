// SPDX-License-Identifier: GPL-2.0
/*
 * fxcrash.c - what syncfs(2) promised, against what is left after the server
 * died: in each round a server, a client that writes and calls syncfs(2), and
 * SIGKILL at a random time.  Needs root (the server calls mount(2) itself).
 * Whether a loss is right is the test's matter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fxcrash.h"
#include "wire.h"

#define ROUND_SECONDS	30	/* a round takes less than one */
#define LEAST_MS	20
#define MOST_MS		300
#define LOST_SHOWN	5	/* rounds; one record of each is printed */

/* What SIGALRM has to end. */
static pid_t server = -1;
static pid_t client = -1;
static const char *mountpoint;

static struct {
	uint64_t writes;
	uint64_t syncs;
	uint64_t records;
	uint64_t missing;
	unsigned int lost;
} total;

static const char usage[] =
	"Usage: fxcrash [OPTION...] MOUNTPOINT\n"
	"Crashes a FUSE server, round by round.  A client writes numbered versions of\n"
	"records and calls syncfs(2); the server is killed at a random time; what had\n"
	"been written before a successful syncfs(2) began must be in its journal.\n"
	"\n"
	"      --rounds N           (200)\n"
	"      --seed N             repeats the random numbers of a run; the machine's\n"
	"                           scheduling isn't repeated (the time)\n"
	"      --journal syncfs     the server's memory goes to the journal at SYNCFS and at\n"
	"                           FSYNC; what was acknowledged since dies with it (default)\n"
	"      --journal write      the journal has each WRITE before it is acknowledged\n"
	"      --mount-data OPTIONS mount options for mount(2)\n"
	"  -h, --help               this text\n"
	"\n"
	"Prints rounds=N, synced= (successful syncfs(2)s), lost= (rounds that lost a\n"
	"record), records= (promised ones), missing= (of them), writes= and ms=.\n"
	"\n"
	"Exit status: 0 all rounds done; 1 a round could not be done; 2 usage.\n";

void random_begin(struct random *random, uint64_t seed, unsigned int stream)
{
	/* splitmix64 of both: near seeds give far states, and never 0 */
	uint64_t mixed = seed + (stream + 1) * 0x9e3779b97f4a7c15ULL;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
	random->state = (mixed ^ (mixed >> 31)) | 1;
}

unsigned int random_below(struct random *random, unsigned int limit)
{
	/* xorshift64 */
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return (random->state >> 32) % limit;
}

void pause_us(unsigned int microseconds)
{
	struct timespec time = {
		.tv_sec = microseconds / 1000000,
		.tv_nsec = microseconds % 1000000 * 1000,
	};

	nanosleep(&time, NULL);
}

void say_ready(int ready)
{
	if (write(ready, "", 1) != 1) {
		fprintf(stderr, "fxcrash: can't tell the main process: %s\n", strerror(errno));
		_exit(1);
	}
	close(ready);
}

static void kill_child(pid_t *child)
{
	if (*child < 0)
		return;
	kill(*child, SIGKILL);
	while (waitpid(*child, NULL, 0) < 0 && errno == EINTR)
		;
	*child = -1;
}

/* The server first, as in a round: its death aborts what the client waits for. */
static void clean_up(void)
{
	kill_child(&server);
	umount2(mountpoint, MNT_DETACH);
	kill_child(&client);
}

static void out_of_time(int number)
{
	static const char text[] =
		"fxcrash: a round takes too long; look at the kernel's log for hung tasks\n";

	/* Nothing here may wait: what was killed may be what doesn't end. */
	if (server > 0)
		kill(server, SIGKILL);
	if (client > 0)
		kill(client, SIGKILL);
	umount2(mountpoint, MNT_DETACH);
	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ? number : 1);
}

/* Forks, and waits until the child works. */
static int start(pid_t *child, const char *name, const struct crash_round *round,
		 void (*run)(const struct crash_round *round, int ready))
{
	int ready[2];
	int works;
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0) {
		fprintf(stderr, "fxcrash: pipe: %s\n", strerror(errno));
		return -1;
	}
	*child = fork();
	if (*child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		run(round, ready[1]);
		_exit(1);
	}
	close(ready[1]);
	if (*child < 0)
		fprintf(stderr, "fxcrash: fork the %s: %s\n", name, strerror(errno));
	works = *child > 0 && read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	if (*child > 0 && !works)
		fprintf(stderr, "fxcrash: the %s can't work; see above\n", name);
	return works ? 0 : -1;
}

static int still_there(pid_t *child, const char *name)
{
	if (waitpid(*child, NULL, WNOHANG) == 0)
		return 1;
	*child = -1;
	fprintf(stderr, "fxcrash: the %s ended by itself; see above\n", name);
	return 0;
}

static void print_lost(const struct shared *shared, unsigned int number, unsigned int file,
		       unsigned int record)
{
	printf("round %u: file%u record %u: version %llu was synced, the journal has %llu\n",
	       number, file, record, (unsigned long long)shared->published[file][record],
	       (unsigned long long)shared->journal[file][record]);
}

static void verify(const struct shared *shared, unsigned int number)
{
	unsigned int file, record;
	uint64_t missing = 0;

	for (file = 0; file < FILES; file++) {
		for (record = 0; record < RECORDS; record++) {
			if (!shared->published[file][record])
				continue;
			total.records++;
			if (shared->journal[file][record] >= shared->published[file][record])
				continue;
			if (!missing && total.lost < LOST_SHOWN)
				print_lost(shared, number, file, record);
			missing++;
		}
	}
	total.missing += missing;
	total.lost += missing > 0;
	total.syncs += shared->syncs;
	total.writes += shared->writes;
}

static int run_round(const struct crash_round *round, unsigned int number)
{
	struct shared *shared = round->shared;
	struct random random;

	memset(shared, 0, sizeof(*shared));
	random_begin(&random, round->seed, 0);
	alarm(ROUND_SECONDS);
	if (start(&server, "server", round, crash_server) ||
	    start(&client, "client", round, crash_client))
		return -1;

	pause_us((LEAST_MS + random_below(&random, MOST_MS - LEAST_MS + 1)) * 1000);
	if (!still_there(&server, "server") || !still_there(&client, "client"))
		return -1;
	__atomic_store_n(&shared->killed, 1, __ATOMIC_SEQ_CST);
	kill_child(&server);
	/* A syncfs(2) that succeeds without a server promises something, too. */
	pause_us(random_below(&random, 5000));
	kill_child(&client);
	if (umount2(mountpoint, MNT_DETACH) < 0) {
		fprintf(stderr, "fxcrash: umount %s: %s; unmount it by hand\n", mountpoint,
			strerror(errno));
		return -1;
	}
	alarm(0);
	if (shared->failed)
		return -1;
	verify(shared, number);
	return 0;
}

static int number_of(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || end == text || *end || *text == '-' ? -1 : 0;
}

enum { ROUNDS = 256, SEED, JOURNAL, MOUNT_DATA };

static const struct option long_options[] = {
	{ "rounds", required_argument, NULL, ROUNDS },
	{ "seed", required_argument, NULL, SEED },
	{ "journal", required_argument, NULL, JOURNAL },
	{ "mount-data", required_argument, NULL, MOUNT_DATA },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* 0, or -1 if it isn't as the usage says. */
static int take_option(struct crash_round *round, uint64_t *rounds, uint64_t *seed, int option)
{
	switch (option) {
	case ROUNDS:
		return number_of(optarg, rounds);
	case SEED:
		return number_of(optarg, seed);
	case JOURNAL:
		round->journal_writes = strcmp(optarg, "write") == 0;
		return round->journal_writes || strcmp(optarg, "syncfs") == 0 ? 0 : -1;
	case MOUNT_DATA:
		round->mount_data = optarg;
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct crash_round round = { .mount_data = "" };
	uint64_t seed = wire_now_ns() % 1000000;
	uint64_t began = wire_now_ns();
	uint64_t rounds = 200;
	uint64_t number;
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (take_option(&round, &rounds, &seed, option)) {
			fputs("fxcrash: see fxcrash --help\n", stderr);
			return 2;
		}
	}
	if (optind != argc - 1) {
		fputs(usage, stderr);
		return 2;
	}
	mountpoint = realpath(argv[optind], NULL);
	if (!mountpoint) {
		fprintf(stderr, "fxcrash: %s: %s; make the directory first\n", argv[optind],
			strerror(errno));
		return 1;
	}
	round.mountpoint = mountpoint;
	round.shared = mmap(NULL, sizeof(*round.shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (round.shared == MAP_FAILED) {
		fprintf(stderr, "fxcrash: no memory for the journal: %s\n", strerror(errno));
		return 1;
	}
	signal(SIGALRM, out_of_time);
	/* At once, so that a run that fails can be repeated. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed=%llu\n", (unsigned long long)seed);

	for (number = 0; number < rounds; number++) {
		round.seed = seed + number;
		if (run_round(&round, number)) {
			fprintf(stderr, "fxcrash: round %llu could not be done\n",
				(unsigned long long)number);
			clean_up();
			return 1;
		}
	}
	printf("rounds=%llu synced=%llu lost=%u records=%llu missing=%llu writes=%llu ms=%llu\n",
	       (unsigned long long)rounds, (unsigned long long)total.syncs, total.lost,
	       (unsigned long long)total.records, (unsigned long long)total.missing,
	       (unsigned long long)total.writes,
	       (unsigned long long)(wire_now_ns() - began) / 1000000);
	return 0;
}
