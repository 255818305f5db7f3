// SPDX-License-Identifier: GPL-2.0
/*
 * fxinval.c - clients that open and read files while their server answers OPEN by
 * one descriptor and says FUSE_NOTIFY_INVAL_FILES by another.  They judge by the
 * server's own order: an answer that was older than the notification must have
 * failed, one that was newer must work.  Whether judgements are bad is for the
 * test to say.  Needs root (it calls mount(2) itself).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fxinval.h"
#include "wire.h"

/* More than the clients can need once they have to stop. */
#define PATIENCE	60

struct shared *shared;
enum judge judge;

static const char usage[] =
	"Usage: fxinval [OPTION...] MOUNTPOINT\n"
	"Opens files while their server makes all open files fail; judges by the\n"
	"server's order of answers and notifications which had to fail.\n"
	"\n"
	"      --rounds NUMBER   of files opened (1000)\n"
	"      --seconds NUMBER  stop then, even if there were fewer rounds (3600)\n"
	"      --judge HOW       right; or wrongly, to see that wrong verdicts are found:\n"
	"                        refused (as if no notification had been refused), none (as\n"
	"                        if there had been no notification)\n"
	"      --uring           the server answers by io_uring, and notifies by write(2)\n"
	"  -h, --help            this text\n"
	"\n"
	"Exit status: 0 done, the verdicts are printed; 1 failure; 2 usage; 3 clients\n"
	"that don't end.\n";

/**
 * struct opening - one open(2), and a read(2) of what it opened
 * @reply:	the write(2) of its answer
 * @test:	the read(2)
 * @content:	what was read, if it @is_alive
 */
struct opening {
	int file;
	int is_alive;
	struct span reply;
	struct span test;
	uint64_t content;
};

static void judge_opening(const struct opening *opening, struct counts *counts)
{
	unsigned long number = __atomic_load_n(&shared->told_count[opening->file],
					       __ATOMIC_SEQ_CST);
	int may_die = 0, must_die = 0;
	uint64_t before, after;

	if (judge == JUDGE_NONE)
		number = 0;
	while (number-- > 0) {
		struct span *told = &shared->told[opening->file][number];

		/* @after first: a notification that was refused loses its @before earlier */
		after = look(&told->after);
		before = look(&told->before);
		if (!before)
			continue;
		if (after && after < opening->reply.before) {
			counts->stale += opening->is_alive && opening->content < before;
			break;
		}
		may_die |= before < opening->test.after;
		must_die |= before > opening->reply.after && after && after < opening->test.before;
	}
	counts->rounds++;
	if (must_die) {
		counts->died++;
		counts->wrong_alive += opening->is_alive;
	} else if (!may_die) {
		counts->lived++;
		counts->wrong_dead += !opening->is_alive;
	} else {
		counts->undecided++;
	}
}

static void give_up(const char *what, int file)
{
	fprintf(stderr, "fxinval: %s file%d: %s\n", what, file, strerror(errno));
	__atomic_store_n(&shared->failed, 1, __ATOMIC_SEQ_CST);
	_exit(1);
}

/* Of four, one is by CREATE. */
static void open_and_read(struct opening *opening, const char *path, int client,
			  unsigned int *seed)
{
	struct span *reply = &shared->opened[client];
	int is_new = rand_r(seed) % 4 == 0;
	char name[4096];
	ssize_t size;
	int fd;

	opening->file = rand_r(seed) % FILES;
	snprintf(name, sizeof(name), "%s/%s%d", path, is_new ? "new" : "file", opening->file);
	put(&reply->before, 0);
	put(&reply->after, 0);
	fd = open(name, O_CLOEXEC | (is_new ? O_RDWR | O_CREAT : O_RDONLY), 0644);
	if (fd < 0 && errno != EIO)
		give_up("open", opening->file);
	/* the server may not know yet that its write(2) has returned */
	while (!look(&reply->after)) {
		if (fd < 0 && !look(&reply->before))
			give_up("open(2) failed before its OPEN was answered", opening->file);
		sched_yield();
	}
	opening->reply.before = look(&reply->before);
	opening->reply.after = look(&reply->after);
	opening->is_alive = 0;
	opening->test.before = tick();
	if (fd < 0) {
		shared->counts[client].open_eio++;
	} else {
		size = pread(fd, &opening->content, sizeof(opening->content), 0);
		opening->is_alive = size >= 0;
		if (size != sizeof(opening->content) && (size >= 0 || errno != EIO))
			give_up("read", opening->file);
	}
	opening->test.after = tick();
	if (fd >= 0)
		close(fd);
}

static void run_client(int client, const char *path, unsigned long rounds)
{
	struct counts *counts = &shared->counts[client];
	unsigned int seed = 100 + client;
	struct opening opening;
	char name[4096];
	int file;

	__atomic_store_n(&shared->pids[client], getpid(), __ATOMIC_SEQ_CST);
	/* The inodes stay: a notification for another has ENOENT. */
	for (file = 0; file < FILES; file++) {
		snprintf(name, sizeof(name), "%s/file%d", path, file);
		if (open(name, O_PATH | O_CLOEXEC) < 0)
			give_up("open", file);
	}
	while (counts->rounds < rounds && !__atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST) &&
	       !__atomic_load_n(&shared->failed, __ATOMIC_SEQ_CST)) {
		open_and_read(&opening, path, client, &seed);
		judge_opening(&opening, counts);
	}
	_exit(0);
}

static void start_clients(const char *path, unsigned long rounds)
{
	pid_t parent = getpid();
	int client;

	for (client = 0; client < CLIENTS; client++) {
		switch (fork()) {
		case -1:
			perror("fxinval: fork");
			shared->failed = 1;
			return;
		case 0:
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			inval_server_leave();
			run_client(client, path, rounds);
		}
	}
}

/* 0, or 3 if they don't end; then the server's death ends them. */
static int wait_for_clients(unsigned long seconds)
{
	uint64_t end = wire_now_ns() + seconds * 1000000000ULL;
	struct timespec pause = { .tv_nsec = 5000000 };
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		if (pid > 0)
			continue;
		if (wire_now_ns() > end + PATIENCE * 1000000000ULL) {
			fprintf(stderr, "fxinval: clients are still there after %lu s\n",
				seconds + PATIENCE);
			return 3;
		}
		if (wire_now_ns() > end)
			__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void print_verdicts(void)
{
	struct counts sum = { 0 };
	unsigned long told = 0;
	int i;

	for (i = 0; i < CLIENTS; i++) {
		const struct counts *one = &shared->counts[i];

		sum.rounds += one->rounds;
		sum.lived += one->lived;
		sum.died += one->died;
		sum.undecided += one->undecided;
		sum.wrong_alive += one->wrong_alive;
		sum.wrong_dead += one->wrong_dead;
		sum.stale += one->stale;
		sum.open_eio += one->open_eio;
	}
	for (i = 0; i < FILES; i++)
		told += shared->told_count[i];
	printf("rounds=%lu wrong=%lu died=%lu lived=%lu undecided=%lu ", sum.rounds,
	       sum.wrong_alive + sum.wrong_dead + sum.stale, sum.died, sum.lived, sum.undecided);
	printf("wrong_alive=%lu wrong_dead=%lu stale=%lu open_eio=%lu ", sum.wrong_alive,
	       sum.wrong_dead, sum.stale, sum.open_eio);
	printf("notifications=%lu refused=%lu refusal=%s by_uring=%lu\n", told, shared->refused,
	       wire_errno_name(shared->refusal), shared->by_uring);
}

static int run(const char *path, unsigned long rounds, unsigned long seconds, int by_uring)
{
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared == MAP_FAILED) {
		perror("fxinval: mmap");
		return 1;
	}
	if (inval_server_begin(path, by_uring))
		return 1;
	start_clients(path, (rounds + CLIENTS - 1) / CLIENTS);
	status = wait_for_clients(seconds);
	if (status)
		return status;
	inval_server_end();
	print_verdicts();
	return shared->failed;
}

static const struct option long_options[] = {
	{ "rounds", required_argument, NULL, 'r' },
	{ "seconds", required_argument, NULL, 's' },
	{ "uring", no_argument, NULL, 'u' },
	{ "judge", required_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	static const char *const judges[] = { "right", "refused", "none" };
	unsigned long rounds = 1000, seconds = 3600;
	int option, by_uring = 0;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case 'r':
			rounds = strtoul(optarg, NULL, 10);
			break;
		case 's':
			seconds = strtoul(optarg, NULL, 10);
			break;
		case 'j':
			for (judge = 0; judge <= JUDGE_NONE; judge++)
				if (strcmp(judges[judge], optarg) == 0)
					break;
			if (judge > JUDGE_NONE)
				return 2;
			break;
		case 'u':
			by_uring = 1;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		return 2;
	}
	return run(argv[optind], rounds, seconds, by_uring);
}
