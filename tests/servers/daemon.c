// SPDX-License-Identifier: GPL-2.0
/*
 * daemon.c - the life of a test server, from its options to its end, in this
 * order.  For fxserver, only what doesn't touch the device; what requests mean is
 * for the servers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse_ext.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "daemon.h"
#include "device.h"
#include "rules.h"
#include "wire.h"

#define BUFFER_SIZE	(1 << 20)
#define MOST_OPTIONS	48

struct request {
	struct place *place;
	size_t size;
	char bytes[];
};

FILE *log_file;
FILE *dump_file;
int dump_mask;

static const struct daemon *server;
static const char *control;
static const char *pidfile;
static void (*end_by_signal)(void);

/* Those that are mounted. */
static struct place places[MOST_PLACES];
static int place_count;

static const struct option common_options[] = {
	{ "log", required_argument, NULL, DAEMON_LOG },
	{ "control", required_argument, NULL, DAEMON_CONTROL },
	{ "pidfile", required_argument, NULL, DAEMON_PIDFILE },
	{ "delay", required_argument, NULL, DAEMON_DELAY },
	{ "fail", required_argument, NULL, DAEMON_FAIL },
	{ "hold", required_argument, NULL, DAEMON_HOLD },
	{ "help", no_argument, NULL, 'h' },
};

/* For appending: a test may empty it on its way. */
static FILE *open_record(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "a");

	if (!file)
		fprintf(stderr, "%s: %s: %s; is its directory there and writable?\n",
			server->name, path, strerror(errno));
	return file;
}

/* 0, or the exit status. */
static int take_option(int option)
{
	switch (option) {
	case DAEMON_LOG:
		log_file = open_record(optarg);
		return !log_file;
	case DAEMON_DUMP:
		dump_file = open_record(optarg);
		return !dump_file;
	case DAEMON_MASK:
		dump_mask = 1;
		return 0;
	case DAEMON_CONTROL:
		control = optarg;
		return 0;
	case DAEMON_PIDFILE:
		pidfile = optarg;
		return 0;
	case DAEMON_DELAY:
		return rules_delay(optarg) ? 2 : 0;
	case DAEMON_FAIL:
		return rules_fail(optarg) ? 2 : 0;
	case DAEMON_HOLD:
		return rules_hold(optarg) ? 2 : 0;
	}
	return server->take_option(option);
}

/* The server's own options, and the common ones. */
static void join_options(struct option *all)
{
	const size_t common = sizeof(common_options) / sizeof(common_options[0]);
	size_t own = 0;

	while (server->options[own].name)
		own++;
	if (own + common >= MOST_OPTIONS)
		abort();
	memcpy(all, server->options, own * sizeof(*all));
	memcpy(all + own, common_options, sizeof(common_options));
}

int daemon_options(const struct daemon *daemon, int argc, char **argv)
{
	struct option all[MOST_OPTIONS] = { 0 };
	int option, status;

	server = daemon;
	join_options(all);
	while ((option = getopt_long(argc, argv, server->short_options, all, NULL)) != -1) {
		if (option == 'h') {
			fputs(server->usage, stdout);
			return 0;
		}
		status = take_option(option);
		if (status) {
			if (status == 2)
				fprintf(stderr, "%s: see %s --help\n", server->name, server->name);
			return status;
		}
	}
	if (optind == argc || argc - optind > server->most_places) {
		fputs(server->usage, stderr);
		return 2;
	}
	return -1;
}

static int open_place(struct place *place, const char *path)
{
	place->number = place_count;
	place->path = realpath(path, NULL);
	if (!place->path) {
		fprintf(stderr, "%s: %s: %s; make the directory first\n", server->name, path,
			strerror(errno));
		return -1;
	}
	place->device = device_open(server->name);
	return place->device < 0 ? -1 : 0;
}

int daemon_mount(struct place *place, const char *source, const char *type, const char *data)
{
	if (device_mount(server->name, place->device, source, place->path, type, data))
		return -1;
	place_count++;
	return 0;
}

static void unmount_all(void)
{
	int i;

	for (i = 0; i < place_count; i++)
		umount2(places[i].path, MNT_DETACH);
}

int daemon_fork(void)
{
	int ready[2];
	char byte;

	fflush(NULL);
	if (pipe2(ready, O_CLOEXEC) < 0) {
		fprintf(stderr, "%s: pipe: %s\n", server->name, strerror(errno));
		return -1;
	}
	switch (fork()) {
	case -1:
		fprintf(stderr, "%s: fork: %s\n", server->name, strerror(errno));
		return -1;
	case 0:
		break;
	default:
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
	}
	close(ready[0]);
	setsid();
	return ready[1];
}

static void *wait_for_signal(void *data)
{
	int number;

	sigwait(data, &number);
	end_by_signal();
	_exit(0);
	return NULL;
}

/* All threads that begin later have the signals blocked, too. */
static int end_on_signal(void)
{
	static sigset_t signals;
	pthread_t thread;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	errno = pthread_create(&thread, NULL, wait_for_signal, &signals);
	if (errno) {
		fprintf(stderr, "%s: thread: %s\n", server->name, strerror(errno));
		return -1;
	}
	return 0;
}

static int write_pidfile(void)
{
	FILE *file = fopen(pidfile, "we");

	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file) < 0) {
		fprintf(stderr, "%s: %s: %s\n", server->name, pidfile, strerror(errno));
		return -1;
	}
	return 0;
}

int daemon_begin(void (*end)(void))
{
	end_by_signal = end;
	if (end_on_signal())
		return -1;
	if (control && rules_serve(control, log_file, dump_file, server->obey))
		return -1;
	return pidfile ? write_pidfile() : 0;
}

/*
 * Our output is complete, and nobody waits for the end of it any more, before the
 * parent ends: whoever started us reads it then.
 */
int daemon_ready(int ready)
{
	fflush(stdout);
	if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return -1;
	if (write(ready, "", 1) != 1)
		return -1;
	close(ready);
	return 0;
}

int daemon_negotiate(const struct place *place, uint64_t want)
{
	struct fuse_ext_ioc ioc = {
		.size = sizeof(ioc), .abi = FUSE_EXT_ABI_VERSION, .want = want,
	};
	int error = 0;

	if (ioctl(place->device, FUSE_EXT_IOC_NEGOTIATE, &ioc) < 0)
		error = errno;
	printf("negotiate=%s enabled=%llx\n", wire_errno_name(error),
	       (unsigned long long)ioc.enabled);
	return error;
}

int daemon_reply(const struct place *place, const struct fuse_in_header *in, int error,
		 const void *data, size_t size)
{
	int result;

	wire_log(log_file, "reply %s unique=%llu node=%llu error=%s",
		 wire_opcode_name(in->opcode), (unsigned long long)in->unique,
		 (unsigned long long)in->nodeid, wire_errno_name(error));
	result = server->send(place->device, in, error, data, size);
	if (result)
		wire_log(log_file, "lost %s unique=%llu error=%s", wire_opcode_name(in->opcode),
			 (unsigned long long)in->unique, wire_errno_name(result));
	return result;
}

static void process(struct request *request)
{
	const struct fuse_in_header *in = (void *)request->bytes;
	int error = rules_apply(in->opcode);

	if (error)
		daemon_reply(request->place, in, error, NULL, 0);
	else
		server->answer(request->place, in, in + 1, request->size - sizeof(*in));
	free(request);
}

static void *process_alone(void *data)
{
	process(data);
	return NULL;
}

/* The next request, or NULL when the place is gone. */
static struct request *receive(struct place *place, char *buffer)
{
	struct request *request;
	ssize_t size;

	size = wire_read_request(place->device, buffer, BUFFER_SIZE);
	if (size < (ssize_t)sizeof(struct fuse_in_header)) {
		wire_log(log_file, "end %s", size < 0 ? wire_errno_name(errno) : "short read");
		return NULL;
	}
	wire_log_request(log_file, buffer, size);
	wire_dump_request(dump_file, buffer, size, dump_mask);
	/* the next read must not overwrite what a thread still works on */
	request = malloc(sizeof(*request) + size + 1);
	if (!request)
		abort();
	request->place = place;
	request->size = size;
	memcpy(request->bytes, buffer, size);
	request->bytes[size] = '\0';
	return request;
}

static char *new_buffer(void)
{
	char *buffer = malloc(BUFFER_SIZE);

	if (!buffer)
		abort();
	return buffer;
}

void *daemon_serve(void *place)
{
	char *buffer = new_buffer();
	const struct fuse_in_header *in;
	struct request *request;
	pthread_t thread;

	while ((request = receive(place, buffer))) {
		in = (void *)request->bytes;
		if (server->in_turn || !rules_must_wait(in->opcode)) {
			process(request);
			continue;
		}
		errno = pthread_create(&thread, NULL, process_alone, request);
		if (errno)
			abort();
		pthread_detach(thread);
	}
	free(buffer);
	return NULL;
}

/* Until INIT is answered at each place, and what has to follow it is done. */
static int answer_init(void)
{
	char *buffer = new_buffer();
	struct request *request;
	int failed = 0;
	int i;

	for (i = 0; !failed && i < place_count; i++) {
		request = receive(&places[i], buffer);
		if (!request) {
			failed = 1;
			break;
		}
		process(request);
		failed = server->initialized && server->initialized(&places[i]);
	}
	free(buffer);
	return failed ? -1 : 0;
}

static int serve_all(void)
{
	int count = place_count * server->threads;
	pthread_t *threads = calloc(count, sizeof(*threads));
	int i;

	if (!threads)
		return -1;
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, daemon_serve, &places[i / server->threads]))
			return -1;
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	if (server->ended)
		server->ended();
	return 0;
}

static int serve_in_background(void)
{
	int ready = daemon_fork();

	if (ready < 0 || daemon_begin(unmount_all) || answer_init() || daemon_ready(ready))
		return -1;
	return serve_all();
}

int daemon_main(const struct daemon *daemon, int argc, char **argv)
{
	int status = daemon_options(daemon, argc, argv);
	int failed = 0;

	if (status >= 0)
		return status;
	signal(SIGPIPE, SIG_IGN);
	for (; !failed && optind < argc; optind++)
		failed = open_place(&places[place_count], argv[optind]) ||
			 server->mount(&places[place_count]);
	if (!failed)
		failed = serve_in_background();
	unmount_all();
	return failed ? 1 : 0;
}
