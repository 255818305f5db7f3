// SPDX-License-Identifier: GPL-2.0
/*
 * rawserver.c - a FUSE server without libfuse, for what libfuse can't say:
 * every request byte for byte, odd answers to INIT, wrong negotiations,
 * hostile replies.  Needs root (it calls mount(2) itself).  Its filesystem is
 * next to nothing; for a usable one see fxserver.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rawserver.h"
#include "rules.h"
#include "wire.h"

#define BUFFER_SIZE	(1 << 20)

struct request {
	size_t size;
	char bytes[];
};

int device = -1;
FILE *log_file;

static FILE *dump_file;
static int dump_mask;
static int hostile_opcode = -1;
static enum hostility hostility;
static const char *mountpoint;

static const char usage[] =
	"Usage: rawserver [OPTION...] MOUNTPOINT\n"
	"A FUSE server without libfuse: a root directory with file0 to file9.\n"
	"It goes to the background once INIT is answered.\n"
	"\n"
	"      --log FILE --dump FILE --mask --control SOCKET --pidfile FILE\n"
	"      --delay OPERATION=MS --fail OPERATION=ERRNO --hold OPERATION\n"
	"                           all as in fxserver --help\n"
	"      --mount-data OPTIONS mount options for mount(2)\n"
	"      --type TYPE          filesystem type for mount(2) (fuse.rawserver)\n"
	"      --minor N            answer INIT with this protocol minor\n"
	"      --init-size N        send N bytes of fuse_init_out\n"
	"      --init-flags HEX     the flags in the answer, if the kernel offers them\n"
	"      --init-ext           answer with FUSE_EXT_INIT\n"
	"      --init-want MASK     the features in the last 4 bytes of the answer\n"
	"      --hostile OPERATION=long|short|unique|positive\n"
	"                           spoil the replies to this operation\n"
	"      --negotiate WHEN[=SIZE:ABI:WANT]\n"
	"                           call FUSE_EXT_IOC_NEGOTIATE and print the result; WHEN is\n"
	"                           unmounted, mounted (before INIT), initialized or gone\n"
	"                           (after the unmount; to the log); WANT is hex\n"
	"  -h, --help               this text\n"
	"\n"
	"Exit status: 0 unmounted; 1 failure; 2 usage.\n";

int reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	struct fuse_out_header out = { .unique = in->unique, .error = -error };
	static const char padding[16];
	struct iovec parts[3] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = (void *)data, .iov_len = error ? 0 : size },
		{ .iov_base = (void *)padding, .iov_len = 0 },
	};
	int result = 0;

	out.len = parts[0].iov_len + parts[1].iov_len;
	if ((int)in->opcode == hostile_opcode) {
		switch (hostility) {
		case TOO_LONG:
			parts[2].iov_len = sizeof(padding);
			out.len += sizeof(padding);
			break;
		case TOO_SHORT:
			/* less than a header, or less than the arguments */
			if (parts[1].iov_len)
				parts[1].iov_len--;
			else
				parts[0].iov_len--;
			out.len--;
			break;
		case WRONG_UNIQUE:
			out.unique += 1000000;
			break;
		case POSITIVE_ERROR:
			out.error = EIO;
			break;
		case HONEST:
			break;
		}
	}
	wire_log(log_file, "reply %s unique=%llu node=%llu error=%s",
		 wire_opcode_name(in->opcode), (unsigned long long)in->unique,
		 (unsigned long long)in->nodeid, wire_errno_name(error));
	if (writev(device, parts, 3) < 0) {
		result = errno;
		wire_log(log_file, "lost %s unique=%llu error=%s", wire_opcode_name(in->opcode),
			 (unsigned long long)in->unique, wire_errno_name(result));
	}
	return result;
}

static void process(struct request *request)
{
	const struct fuse_in_header *in = (void *)request->bytes;
	int error = rules_apply(in->opcode);

	if (error)
		reply(in, error, NULL, 0);
	else
		answer_request(in, in + 1, request->size - sizeof(*in));
	free(request);
}

static void *process_alone(void *data)
{
	process(data);
	return NULL;
}

/* The next request, or NULL when the filesystem is gone. */
static struct request *receive(void)
{
	static char buffer[BUFFER_SIZE];
	struct request *request;
	ssize_t size;

	size = wire_read_request(device, buffer, sizeof(buffer));
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
	request->size = size;
	memcpy(request->bytes, buffer, size);
	request->bytes[size] = '\0';
	return request;
}

static void serve(void)
{
	const struct fuse_in_header *in;
	struct request *request;
	pthread_t thread;

	while ((request = receive())) {
		in = (void *)request->bytes;
		if (!rules_must_wait(in->opcode)) {
			process(request);
			continue;
		}
		errno = pthread_create(&thread, NULL, process_alone, request);
		if (errno) {
			perror("rawserver: thread");
			return;
		}
		pthread_detach(thread);
	}
}

static int mount_device(const char *type, const char *data)
{
	char options[512];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0%s%s",
		 device, *data ? "," : "", data);
	if (mount("rawserver", mountpoint, type, MS_NOSUID | MS_NODEV, options) < 0) {
		fprintf(stderr, "rawserver: mount %s with %s: %s\n", mountpoint, options,
			strerror(errno));
		return -1;
	}
	return 0;
}

static int obey(FILE *answer, char *command, char *argument)
{
	if (strcmp(command, "negotiate"))
		return -1;
	negotiate(answer, "control", argument);
	return 0;
}

static int parse_hostile(char *text)
{
	static const char * const kinds[] = { "honest", "long", "short", "unique", "positive" };
	char *kind = strchr(text, '=');
	unsigned int i;

	if (!kind)
		return -1;
	*kind++ = '\0';
	hostile_opcode = wire_opcode(text);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], kind))
			continue;
		hostility = i;
		return hostile_opcode < 0 ? -1 : 0;
	}
	return -1;
}

struct start {
	const char *control;
	const char *pidfile;
	const char *type;
	const char *mount_data;
	const char *negotiations[16];
	int negotiation_count;
};

/* "WHEN" or "WHEN=SIZE:ABI:WANT", for all that have this WHEN. */
static void negotiate_when(const struct start *start, const char *when)
{
	size_t length = strlen(when);
	const char *how;
	int i;

	for (i = 0; i < start->negotiation_count; i++) {
		how = start->negotiations[i];
		if (strncmp(how, when, length) || (how[length] && how[length] != '='))
			continue;
		negotiate(stdout, when, how[length] ? how + length + 1 : "");
	}
}

enum {
	LOG = 256, DUMP, MASK, CONTROL, PIDFILE, DELAY, FAIL, HOLD, MOUNT_DATA, TYPE, MINOR,
	INIT_SIZE, INIT_FLAGS, INIT_EXT_BIT, INIT_WANT, HOSTILE, NEGOTIATE,
};

static const struct option long_options[] = {
	{ "log", required_argument, NULL, LOG },
	{ "dump", required_argument, NULL, DUMP },
	{ "mask", no_argument, NULL, MASK },
	{ "control", required_argument, NULL, CONTROL },
	{ "pidfile", required_argument, NULL, PIDFILE },
	{ "delay", required_argument, NULL, DELAY },
	{ "fail", required_argument, NULL, FAIL },
	{ "hold", required_argument, NULL, HOLD },
	{ "mount-data", required_argument, NULL, MOUNT_DATA },
	{ "type", required_argument, NULL, TYPE },
	{ "minor", required_argument, NULL, MINOR },
	{ "init-size", required_argument, NULL, INIT_SIZE },
	{ "init-flags", required_argument, NULL, INIT_FLAGS },
	{ "init-ext", no_argument, NULL, INIT_EXT_BIT },
	{ "init-want", required_argument, NULL, INIT_WANT },
	{ "hostile", required_argument, NULL, HOSTILE },
	{ "negotiate", required_argument, NULL, NEGOTIATE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static FILE *open_record(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		fprintf(stderr, "rawserver: %s: %s; is its directory there and writable?\n",
			path, strerror(errno));
	return file;
}

/* 0, or the exit status. */
static int take_option(struct start *start, int option)
{
	switch (option) {
	case LOG:
		log_file = open_record(optarg);
		return !log_file;
	case DUMP:
		dump_file = open_record(optarg);
		return !dump_file;
	case MASK:
		dump_mask = 1;
		return 0;
	case CONTROL:
		start->control = optarg;
		return 0;
	case PIDFILE:
		start->pidfile = optarg;
		return 0;
	case DELAY:
		return rules_delay(optarg) ? 2 : 0;
	case FAIL:
		return rules_fail(optarg) ? 2 : 0;
	case HOLD:
		return rules_hold(optarg) ? 2 : 0;
	case MOUNT_DATA:
		start->mount_data = optarg;
		return 0;
	case TYPE:
		start->type = optarg;
		return 0;
	case MINOR:
		init_answer.minor = atoi(optarg);
		return 0;
	case INIT_SIZE:
		init_answer.size = atoi(optarg);
		return init_answer.size > 64 ? 2 : 0;
	case INIT_FLAGS:
		init_answer.flags = strtoul(optarg, NULL, 16);
		return 0;
	case INIT_EXT_BIT:
		init_answer.ext = 1;
		return 0;
	case INIT_WANT:
		init_answer.want = strtoul(optarg, NULL, 0);
		return 0;
	case HOSTILE:
		return parse_hostile(optarg) ? 2 : 0;
	case NEGOTIATE:
		if (start->negotiation_count == 16)
			return 2;
		start->negotiations[start->negotiation_count++] = optarg;
		return 0;
	}
	return 2;
}

static void *wait_for_signal(void *data)
{
	int number;

	sigwait(data, &number);
	umount2(mountpoint, MNT_DETACH);
	_exit(0);
	return NULL;
}

/*
 * INIT is answered in the child: the parent waits for that, so that whoever
 * started us finds a filesystem that serves.
 */
static int serve_in_background(const struct start *start)
{
	struct request *request;
	static sigset_t signals;
	pthread_t thread;
	int ready[2];
	char byte;
	FILE *file;

	fflush(NULL);
	if (pipe2(ready, O_CLOEXEC) < 0)
		return 1;
	switch (fork()) {
	case -1:
		perror("rawserver: fork");
		return 1;
	case 0:
		break;
	default:
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
	}
	setsid();
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	errno = pthread_create(&thread, NULL, wait_for_signal, &signals);
	if (errno)
		return 1;
	if (start->pidfile) {
		file = fopen(start->pidfile, "we");
		if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file) < 0) {
			fprintf(stderr, "rawserver: %s: %s\n", start->pidfile, strerror(errno));
			return 1;
		}
	}
	if (start->control && rules_serve(start->control, log_file, dump_file, obey))
		return 1;
	request = receive();
	if (!request)
		return 1;
	process(request);
	negotiate_when(start, "initialized");
	if (write(ready[1], "", 1) != 1)
		return 1;
	if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return 1;
	serve();
	negotiate_when(start, "gone");
	umount2(mountpoint, MNT_DETACH);
	return 0;
}

int main(int argc, char **argv)
{
	struct start start = { .type = "fuse.rawserver", .mount_data = "" };
	int option, status;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		status = take_option(&start, option);
		if (status) {
			if (status == 2)
				fputs("rawserver: see rawserver --help\n", stderr);
			return status;
		}
	}
	if (optind != argc - 1) {
		fputs(usage, stderr);
		return 2;
	}
	mountpoint = realpath(argv[optind], NULL);
	if (!mountpoint) {
		fprintf(stderr, "rawserver: %s: %s; make the directory first\n", argv[optind],
			strerror(errno));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		fprintf(stderr, "rawserver: /dev/fuse: %s\n", strerror(errno));
		return 1;
	}
	negotiate_when(&start, "unmounted");
	if (mount_device(start.type, start.mount_data))
		return 1;
	negotiate_when(&start, "mounted");
	status = serve_in_background(&start);
	if (status)
		umount2(mountpoint, MNT_DETACH);
	return status;
}
