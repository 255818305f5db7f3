// SPDX-License-Identifier: GPL-2.0
/*
 * fxsoak.c - what works in mounted filesystems while a soak test does other things to
 * them, in an order that a seed fixes: workers that know what their files have to be,
 * and the verbs that do the other things.  It mounts and loads nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fxsoak.h"
#include "wire.h"

static const char usage[] =
	"Usage: fxsoak load|verify [OPTION...] DIR\n"
	"       fxsoak flip SEED PAUSE-MS PARAMETERS CONTROL\n"
	"       fxsoak inval SEED PAUSE-MS SOCKET DIR\n"
	"       fxsoak use SEED DIR\n"
	"load: workers, each in a folder of its own below DIR, write, map, truncate, rename\n"
	"and remove files, and compare all that they read with what they have written.\n"
	"verify: only compare all files.  flip: the toggles of the module (PARAMETERS, its\n"
	"folder in sysfs) and of its connections (CONTROL, a control filesystem), at random.\n"
	"inval: open files of load --expect-inval, by treeserver's control socket.\n"
	"use: calls in DIR, which may be aborted; errors that aren't documented are told.\n"
	"\n"
	"      --state PREFIX    the files PREFIX.0, ...: what the folders have to have; load\n"
	"                        goes on from there, and leaves it there (needed)\n"
	"      --workers N       (2)\n"
	"      --seed N          (1)\n"
	"      --operations N    end after N of each worker\n"
	"      --seconds S       end after S seconds; else at SIGTERM\n"
	"      --expect-inval    open files may fail with EIO at any time; what is left then\n"
	"                        has to be as before or after the call that failed\n"
	"  -h, --help            this text\n"
	"\n"
	"At SIGUSR1 load tells what each worker is at.\n"
	"\n"
	"Exit status: 0 all is as it has to be; 1 not so; 2 usage.\n";

static struct {
	const char *prefix;
	const char *directory;
	unsigned int workers;
	uint64_t seed;
	uint64_t operations;
	unsigned int seconds;
	int only_verify;
	int expects;
} settings = { .workers = 2, .seed = 1 };

/* What the workers and their parent share. */
static struct shared {
	int is_over;
	struct progress progress[MOST_WORKERS];
} *shared;

static int is_asked;

uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15ULL;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
	return value ^ (value >> 31);
}

uint64_t any_below(uint64_t *state, uint64_t below)
{
	*state = mix(*state);
	return *state % below;
}

int is_over(void)
{
	return __atomic_load_n(&shared->is_over, __ATOMIC_RELAXED);
}

static void end_all(void)
{
	__atomic_store_n(&shared->is_over, 1, __ATOMIC_RELAXED);
}

static void on_end(int number)
{
	(void)number;
	end_all();
}

static void on_question(int number)
{
	(void)number;
	__atomic_store_n(&is_asked, 1, __ATOMIC_RELAXED);
}

/* No call is to be interrupted by the end. */
void end_by_signals(unsigned int seconds)
{
	struct sigaction end = { .sa_handler = on_end, .sa_flags = SA_RESTART };

	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGALRM, &end, NULL);
	alarm(seconds);
}

static void enter_folder(struct worker *worker)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/worker-%u", settings.directory, worker->number);
	if (!settings.only_verify && mkdir(path, 0755) < 0 && errno != EEXIST)
		wrong(worker, "mkdir of %s: %s", path, wire_errno_name(errno));
	if (chdir(path) < 0)
		wrong(worker, "chdir to %s: %s", path, wire_errno_name(errno));
}

static void work(struct worker *worker)
{
	uint64_t end = worker->operation + settings.operations;

	while (!is_over() && !(settings.operations && worker->operation == end))
		one_operation(worker);
}

static void run_worker(unsigned int number)
{
	struct worker worker = {
		.number = number, .seed = mix(settings.seed * MOST_WORKERS + number),
		.progress = &shared->progress[number], .expects = settings.expects,
	};
	char path[4096];
	int is_new;

	/* it's the parent that is told to end; and without it there is nobody to report to */
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s.%u", settings.prefix, number);
	model_begin(&worker);
	is_new = model_load(&worker, path);
	if (is_new && settings.only_verify)
		wrong(&worker, "no state in %s", path);
	enter_folder(&worker);
	if (!is_new)
		check_all(&worker);
	if (!settings.only_verify) {
		work(&worker);
		check_all(&worker);
		model_save(&worker, path);
	}
	_exit(0);
}

static void tell_progress(void)
{
	unsigned int i;

	for (i = 0; i < settings.workers; i++)
		printf("worker %u: %llu operations, now %s\n", i,
		       (unsigned long long)shared->progress[i].operation, shared->progress[i].now);
	fflush(stdout);
}

/* Whether one of the workers has failed. */
static int wait_for_workers(void)
{
	unsigned int left = settings.workers;
	int failed = 0, status;

	while (left) {
		if (wait(&status) < 0) {
			if (__atomic_exchange_n(&is_asked, 0, __ATOMIC_RELAXED))
				tell_progress();
			continue;
		}
		left--;
		if (status) {
			failed = 1;
			end_all();
			if (!WIFEXITED(status))
				printf("WRONG: a worker was ended by signal %d\n",
				       WTERMSIG(status));
		}
	}
	return failed;
}

static int run(void)
{
	struct sigaction question = { .sa_handler = on_question };
	uint64_t operations = 0, written = 0, verified = 0, kept = 0, met = 0;
	unsigned int i;
	int failed;

	sigaction(SIGUSR1, &question, NULL);
	end_by_signals(settings.seconds);
	for (i = 0; i < settings.workers; i++) {
		switch (fork()) {
		case -1:
			perror("fxsoak: fork");
			return 1;
		case 0:
			run_worker(i);
		}
	}
	failed = wait_for_workers();
	for (i = 0; i < settings.workers; i++) {
		operations += shared->progress[i].operation;
		written += shared->progress[i].written;
		verified += shared->progress[i].verified;
		kept += shared->progress[i].kept;
		met += shared->progress[i].met;
	}
	printf("seed=%llu workers=%u operations=%llu written=%llu verified=%llu",
	       (unsigned long long)settings.seed, settings.workers, (unsigned long long)operations,
	       (unsigned long long)written, (unsigned long long)verified);
	printf(" kept=%llu met=%llu\n", (unsigned long long)kept, (unsigned long long)met);
	return failed;
}

enum { STATE = 256, WORKERS, SEED, OPERATIONS, SECONDS, EXPECT_INVAL };

static const struct option long_options[] = {
	{ "state", required_argument, NULL, STATE },
	{ "workers", required_argument, NULL, WORKERS },
	{ "seed", required_argument, NULL, SEED },
	{ "operations", required_argument, NULL, OPERATIONS },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "expect-inval", no_argument, NULL, EXPECT_INVAL },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* 0, or -1 if it isn't one. */
static int take_option(int option)
{
	switch (option) {
	case STATE:
		settings.prefix = optarg;
		return 0;
	case WORKERS:
		settings.workers = strtoul(optarg, NULL, 10);
		return 0;
	case SEED:
		settings.seed = strtoull(optarg, NULL, 0);
		return 0;
	case OPERATIONS:
		settings.operations = strtoull(optarg, NULL, 10);
		return 0;
	case SECONDS:
		settings.seconds = strtoul(optarg, NULL, 10);
		return 0;
	case EXPECT_INVAL:
		settings.expects = 1;
		return 0;
	}
	return -1;
}

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return 2;
}

static int load(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		if (take_option(option))
			return wrong_usage();
	if (argc - optind != 1 || !settings.prefix || !settings.workers ||
	    settings.workers > MOST_WORKERS)
		return wrong_usage();
	settings.directory = argv[optind];
	return run();
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int status = 2;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED) {
		perror("fxsoak: mmap");
		return 1;
	}
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	settings.only_verify = strcmp(verb, "verify") == 0;
	if (settings.only_verify || strcmp(verb, "load") == 0)
		return load(argc - 1, argv + 1);
	if (strcmp(verb, "flip") == 0)
		status = flip(argc - 2, argv + 2);
	else if (strcmp(verb, "inval") == 0)
		status = invalidate(argc - 2, argv + 2);
	else if (strcmp(verb, "use") == 0)
		status = use(argc - 2, argv + 2);
	return status == 2 ? wrong_usage() : status;
}
