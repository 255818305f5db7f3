// SPDX-License-Identifier: GPL-2.0
/*
 * fxfuzz.c - a FUSE server that does all wrong that a server can do, with clients
 * of its own, round after round, each with a seed, several side by side.  Here are
 * its options, its jobs and its totals; a round is round.c's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fxfuzz.h"

static const char usage[] =
	"Usage: fxfuzz [OPTION...] MOUNTPOINT\n"
	"\n"
	"Serve filesystems that aren't there, wrongly, to clients of its own, in folders\n"
	"below MOUNTPOINT.  Each seventh round is of type fuseblk, on a loop device.\n"
	"\n"
	"  --seed N      the first round's (default 1); the next has the next number\n"
	"  --rounds N    so many (default: as many as it takes)\n"
	"  --replies N   so many in all that are taken (default 10000)\n"
	"  --seconds N   for about so long, where there aren't enough before\n"
	"  --round N     so many a round (default 5000)\n"
	"  --jobs N      so many rounds side by side, up to 16 (default 2)\n"
	"  --clients N   a round, up to 32 (default 6)\n"
	"  --wrong LIST  only this may be done wrong, by commas: error, short, long, bytes,\n"
	"                header, twice, late, never, unasked, notify, ioctl, control,\n"
	"                options, init; or all (default), or none; finding, to try this\n"
	"                program out, makes one of an error that is none, and of LSEEK,\n"
	"                with long, and of a wait for an answer, with never\n"
	"  --control DIR where the control filesystem is mounted\n"
	"                (default /sys/fs/fuse/connections)\n"
	"  --patience N  seconds until a killed client is a finding (default 60)\n"
	"  --trace FILE  write down requests and answers\n"
	"  --save FILE   add each round's options to it, before the round begins: where the\n"
	"                machine didn't live to tell, the last lines are those to try\n"
	"  --help\n"
	"\n"
	"A finding is a client that can't be ended, a wait of fuse_ext that SIGKILL doesn't\n"
	"end, a reply that is taken and must not be, an error or a value that isn't defined,\n"
	"or a line in the kernel's log.  It is shown with the options that run its round\n"
	"again, and those that run the rounds beside it, too.  To find the least that is\n"
	"needed for it:\n"
	"\n"
	"  tests/fuzz/protocol/minimise fxfuzz OPTION... MOUNTPOINT\n"
	"  tests/fuzz/protocol/minimise tests/fuzz/protocol/in-cell CELL OPTION...\n"
	"\n"
	"Exit status: 0 nothing was found; 1 something was, or a round couldn't begin; 2\n"
	"usage.\n";

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

/* What the rounds have in common, and how many there are to be. */
struct plan {
	struct round round;
	unsigned long rounds;
	unsigned long replies;
	time_t end;	/* 0: none */
	const char *mountpoint;
};

static uint32_t wrong_list(char *list)
{
	uint32_t wrong = 0;
	char *word;
	int i;

	while ((word = strsep(&list, ","))) {
		if (strcmp(word, "all") == 0)
			wrong |= WRONG_ALL;
		for (i = 0; i <= WRONG_COUNT && strcmp(word, wrong_names[i]); i++)
			;
		if (i <= WRONG_COUNT) {
			wrong |= 1U << i;
		} else if (strcmp(word, "none") && strcmp(word, "all")) {
			fprintf(stderr, NAME ": --wrong %s: see --help\n", word);
			exit(2);
		}
	}
	return wrong;
}

static FILE *trace_file(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file) {
		perror(path);
		exit(1);
	}
	setvbuf(file, NULL, _IOLBF, 0);
	return file;
}

static int save_file(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (file < 0) {
		perror(path);
		exit(1);
	}
	return file;
}

enum option_value {
	OPTION_SEED = 1, OPTION_ROUNDS, OPTION_REPLIES, OPTION_ROUND, OPTION_JOBS,
	OPTION_CLIENTS, OPTION_WRONG, OPTION_CONTROL, OPTION_PATIENCE, OPTION_TRACE,
	OPTION_SAVE, OPTION_SECONDS, OPTION_HELP,
};

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, OPTION_SEED },
	{ "rounds", required_argument, NULL, OPTION_ROUNDS },
	{ "replies", required_argument, NULL, OPTION_REPLIES },
	{ "round", required_argument, NULL, OPTION_ROUND },
	{ "jobs", required_argument, NULL, OPTION_JOBS },
	{ "clients", required_argument, NULL, OPTION_CLIENTS },
	{ "wrong", required_argument, NULL, OPTION_WRONG },
	{ "control", required_argument, NULL, OPTION_CONTROL },
	{ "patience", required_argument, NULL, OPTION_PATIENCE },
	{ "trace", required_argument, NULL, OPTION_TRACE },
	{ "save", required_argument, NULL, OPTION_SAVE },
	{ "seconds", required_argument, NULL, OPTION_SECONDS },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 }
};

static void read_option(int option, struct plan *plan)
{
	struct round *round = &plan->round;

	switch (option) {
	case OPTION_SEED:
		round->seed = strtoull(optarg, NULL, 0);
		break;
	case OPTION_ROUNDS:
		plan->rounds = strtoul(optarg, NULL, 0);
		plan->replies = -1UL;
		break;
	case OPTION_REPLIES:
		plan->replies = strtoul(optarg, NULL, 0);
		break;
	case OPTION_ROUND:
		round->replies = strtoul(optarg, NULL, 0);
		break;
	case OPTION_JOBS:
		round->jobs = strtoul(optarg, NULL, 0);
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
		round->patience = strtoul(optarg, NULL, 0);
		break;
	case OPTION_TRACE:
		round->trace = trace_file(optarg);
		break;
	case OPTION_SAVE:
		round->save = save_file(optarg);
		break;
	case OPTION_SECONDS:
		plan->end = time(NULL) + strtol(optarg, NULL, 0);
		break;
	case OPTION_HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

static void read_options(int argc, char **argv, struct plan *plan)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		read_option(option, plan);
	if (argc - optind != 1 || !plan->round.clients || plan->round.clients > CLIENTS_MAX ||
	    !plan->round.jobs || plan->round.jobs > JOBS_MAX) {
		fputs(usage, stderr);
		exit(2);
	}
	plan->mountpoint = argv[optind];
}

static void say(const struct plan *plan, const struct counts *counts)
{
	int i;

	printf("seed=%llu mounts=%lu blocks=%lu replies=%lu refused=%lu taken=%lu ",
	       (unsigned long long)counts->next, counts->mounts, counts->blocks,
	       counts->replies, counts->refused, counts->taken);
	printf("notifications=%lu calls=%lu tries=%lu aborts=%lu jobs=%u findings=%lu\n",
	       counts->notifications, counts->calls, counts->tries, counts->aborts,
	       plan->round.jobs, counts->findings);
	printf("minor=%lu", counts->minor);
	for (i = 0; i < CODES; i++)
		printf(" notify_%u=%lu", notify_codes[i], counts->notified[i]);
	for (i = 0; i < STATS_MAX && *counts->stats[i].name; i++)
		printf("%s%s=%lu", i ? " " : "\n", counts->stats[i].name, counts->stats[i].sum);
	printf("\n");
	fflush(stdout);
}

/* Rounds, one after the other, until there have been enough of them in all jobs. */
static void __attribute__((noreturn))
job(const struct plan *plan, unsigned int number, struct counts *counts)
{
	struct round round = plan->round;
	bool good = true;
	int block;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* what clients leave behind is to be waited for, too */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	kernel_log_open();
	round.job = number;
	snprintf(round.mountpoint, sizeof(round.mountpoint), "%s/%u", plan->mountpoint, number);
	snprintf(round.spare, sizeof(round.spare), "%s/%u.spare", plan->mountpoint, number);
	if ((mkdir(round.mountpoint, 0755) < 0 || mkdir(round.spare, 0755) < 0) &&
	    errno != EEXIST) {
		perror(plan->mountpoint);
		exit(1);
	}
	block = block_open(round.block, sizeof(round.block));
	if (block < 0)
		*round.block = '\0';
	while (good && counts->taken < plan->replies &&
	       (!plan->end || time(NULL) < plan->end)) {
		round.seed = __atomic_fetch_add(&counts->next, 1, __ATOMIC_RELAXED);
		if (round.seed - plan->round.seed >= plan->rounds)
			break;
		good = run_round(&round, counts);
	}
	counts->job[number].seed = 0;
	close(block);
	rmdir(round.mountpoint);
	rmdir(round.spare);
	exit(!good);
}

/* true: all of them ended well */
static bool wait_for(const struct counts *counts)
{
	struct timespec pause = { .tv_nsec = 100000000 };
	time_t said = time(NULL);
	bool good = true;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) >= 0) {
		good = good && (!pid || status == 0);
		if (time(NULL) - said >= 30) {
			said = time(NULL);
			printf("at seed %llu: %lu replies, of these %lu refused, %lu taken\n",
			       (unsigned long long)counts->next, counts->replies, counts->refused,
			       counts->taken);
			fflush(stdout);
		}
		if (!pid)
			nanosleep(&pause, NULL);
	}
	return good;
}

int main(int argc, char **argv)
{
	struct plan plan = {
		.round = {
			.seed = 1, .wrong = WRONG_ALL, .replies = 5000, .clients = 6, .jobs = 2,
			.patience = 60, .control = "/sys/fs/fuse/connections", .save = -1,
		},
		.rounds = -1UL, .replies = 10000,
	};
	struct counts *counts;
	unsigned int i;
	bool good;

	read_options(argc, argv, &plan);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED) {
		perror(NAME ": mmap");
		return 1;
	}
	counts->next = plan.round.seed;
	parameters_keep();
	for (i = 0; i < plan.round.jobs; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror(NAME ": fork");
			return 1;
		}
		if (!pid)
			job(&plan, i, counts);
	}
	good = wait_for(counts);
	good = parameters_restore(&plan.round, counts) && good;
	say(&plan, counts);
	return !good || counts->findings;
}
