// SPDX-License-Identifier: GPL-2.0
/*
 * nodeserver.c - a FUSE server without libfuse that mounts the same files at
 * several places, as if each were another machine, with a lock per open file.
 * For sync_release: libfuse can't set FOPEN_SYNC_RELEASE, pass files through in
 * all its versions, or mount fuseblk.  Needs root (it calls mount(2) itself).
 * Its files are next to nothing; for usable ones see fxserver.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fuse_ext.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "nodeserver.h"
#include "rules.h"
#include "wire.h"

#define BUFFER_SIZE	(1 << 18)
#define NODES		4

struct settings settings = { .passthrough_fd = -1, .take_listener = -1 };
FILE *log_file;

static struct node nodes[NODES];
static int node_count;
static int single;

static const char usage[] =
	"Usage: nodeserver [OPTION...] MOUNTPOINT...\n"
	"A FUSE server that mounts the same files at each MOUNTPOINT, as if each were\n"
	"another machine.  Every name is a file; if it begins with \"sync\", it is\n"
	"opened with FOPEN_SYNC_RELEASE.  It goes to the background once INIT is\n"
	"answered.\n"
	"\n"
	"      --log FILE --control SOCKET --pidfile FILE\n"
	"      --delay OPERATION=MS --fail OPERATION=ERRNO --hold OPERATION\n"
	"                           all as in fxserver --help\n"
	"      --single             one request at a time, waiting ones included\n"
	"      --exclusive          a file that is open on one node is EBUSY on the others\n"
	"      --want MASK          negotiate these fuse_ext features\n"
	"      --passthrough FILE   pass all files through to FILE; prints whether the\n"
	"                           kernel does it\n"
	"      --take SOCKET        at each STATFS, accept a connection there and close the\n"
	"                           descriptor that comes over it\n"
	"      --discard SOCKET     the same, but without receiving the descriptor\n"
	"      --type TYPE          filesystem type for mount(2) (fuse.nodeserver)\n"
	"      --device DEVICE      source for mount(2), for fuseblk\n"
	"      --mount-data OPTIONS mount options for mount(2)\n"
	"  -h, --help               this text\n"
	"\n"
	"Commands over the control socket, besides those of fxserver: conflicts; visit\n"
	"NAME (open and close the file at the first node, in this process).\n"
	"\n"
	"Exit status: 0 unmounted; 1 failure; 2 usage.\n";

int reply(struct node *node, const struct fuse_in_header *in, int error, const void *data,
	  size_t size)
{
	struct fuse_out_header out = { .unique = in->unique, .error = -error };
	struct iovec parts[2] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = (void *)data, .iov_len = error ? 0 : size },
	};
	int result = 0;

	out.len = parts[0].iov_len + parts[1].iov_len;
	wire_log(log_file, "reply %s unique=%llu node=%llu error=%s",
		 wire_opcode_name(in->opcode), (unsigned long long)in->unique,
		 (unsigned long long)in->nodeid, wire_errno_name(error));
	if (writev(node->device, parts, 2) < 0) {
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
		reply(request->node, in, error, NULL, 0);
	else
		answer_request(request->node, in, in + 1);
	free(request);
}

static void *process_alone(void *data)
{
	process(data);
	return NULL;
}

/* The next request, or NULL when the node is gone. */
static struct request *receive(struct node *node)
{
	struct request *request = malloc(sizeof(*request) + BUFFER_SIZE);
	ssize_t size;

	if (!request)
		abort();
	size = wire_read_request(node->device, request->bytes, BUFFER_SIZE);
	if (size < (ssize_t)sizeof(struct fuse_in_header)) {
		wire_log(log_file, "end %s", size < 0 ? wire_errno_name(errno) : "short read");
		free(request);
		return NULL;
	}
	request->node = node;
	request->size = size;
	wire_log_request(log_file, request->bytes, size);
	return request;
}

static void *serve(void *data)
{
	const struct fuse_in_header *in;
	struct request *request;
	pthread_t thread;

	while ((request = receive(data))) {
		in = (void *)request->bytes;
		if (single || !rules_must_wait(in->opcode)) {
			process(request);
			continue;
		}
		errno = pthread_create(&thread, NULL, process_alone, request);
		if (errno) {
			perror("nodeserver: thread");
			abort();
		}
		pthread_detach(thread);
	}
	return NULL;
}

/* A server that uses its own files; there are FLUSH and RELEASE to answer. */
static void visit(FILE *answer, const char *name)
{
	char path[4096];
	uint64_t start;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", nodes[0].path, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(answer, "error: open %s: %s\n", path, strerror(errno));
		return;
	}
	start = wire_now_ns();
	close(fd);
	fprintf(answer, "close_us=%llu\n", (unsigned long long)(wire_now_ns() - start) / 1000);
}

static int obey(FILE *answer, char *command, char *argument)
{
	if (strcmp(command, "conflicts") == 0)
		fprintf(answer, "%lu\n", conflict_count());
	else if (strcmp(command, "visit") == 0)
		visit(answer, argument);
	else
		return -1;
	return 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "nodeserver: %s: the path is too long for a socket\n", path);
		return -1;
	}
	strcpy(address.sun_path, path);
	unlink(path);
	settings.take_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (settings.take_listener < 0 ||
	    bind(settings.take_listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(settings.take_listener, 8) < 0) {
		fprintf(stderr, "nodeserver: %s: %s; is its directory there and writable?\n",
			path, strerror(errno));
		return -1;
	}
	return 0;
}

struct start {
	const char *control;
	const char *pidfile;
	const char *type;
	const char *source;
	const char *mount_data;
	uint64_t want;
};

static int mount_node(struct node *node, const struct start *start)
{
	char options[512];

	node->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (node->device < 0) {
		fprintf(stderr, "nodeserver: /dev/fuse: %s\n", strerror(errno));
		return -1;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0%s%s",
		 node->device, *start->mount_data ? "," : "", start->mount_data);
	if (mount(start->source, node->path, start->type, MS_NOSUID | MS_NODEV, options) < 0) {
		fprintf(stderr, "nodeserver: mount %s with %s: %s\n", node->path, options,
			strerror(errno));
		return -1;
	}
	return 0;
}

static void unmount_all(void)
{
	int i;

	for (i = 0; i < node_count; i++)
		umount2(nodes[i].path, MNT_DETACH);
}

static int negotiate(struct node *node, uint64_t want)
{
	struct fuse_ext_ioc ioc = {
		.size = sizeof(ioc), .abi = FUSE_EXT_ABI_VERSION, .want = want,
	};
	int error = 0;

	if (ioctl(node->device, FUSE_EXT_IOC_NEGOTIATE, &ioc) < 0)
		error = errno;
	printf("negotiate=%s enabled=%llx\n", wire_errno_name(error),
	       (unsigned long long)ioc.enabled);
	return error;
}

static void *wait_for_signal(void *data)
{
	int number;

	sigwait(data, &number);
	unmount_all();
	_exit(0);
	return NULL;
}

static int write_pidfile(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file) < 0) {
		fprintf(stderr, "nodeserver: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

/* Until INIT is answered on each node, and the features are negotiated. */
static int begin_serving(const struct start *start)
{
	struct request *request;
	int i;

	for (i = 0; i < node_count; i++) {
		request = receive(&nodes[i]);
		if (!request)
			return -1;
		process(request);
		if (settings.passthrough_fd >= 0)
			printf("passthrough=%d\n", nodes[i].passthrough);
		if (start->want && negotiate(&nodes[i], start->want))
			return -1;
	}
	return 0;
}

/*
 * INIT is answered in the child: the parent waits for that, so that whoever
 * started us finds a filesystem that serves.
 */
static int serve_in_background(const struct start *start)
{
	pthread_t threads[NODES], thread;
	static sigset_t signals;
	int ready[2], i;
	char byte;

	fflush(NULL);
	if (pipe2(ready, O_CLOEXEC) < 0)
		return 1;
	switch (fork()) {
	case -1:
		perror("nodeserver: fork");
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
	if (start->pidfile && write_pidfile(start->pidfile))
		return 1;
	if (start->control && rules_serve(start->control, log_file, NULL, obey))
		return 1;
	if (begin_serving(start))
		return 1;
	fflush(stdout);
	if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return 1;
	if (write(ready[1], "", 1) != 1)
		return 1;
	for (i = 0; i < node_count; i++)
		if (pthread_create(&threads[i], NULL, serve, &nodes[i]))
			return 1;
	for (i = 0; i < node_count; i++)
		pthread_join(threads[i], NULL);
	unmount_all();
	return 0;
}

enum {
	LOG = 256, CONTROL, PIDFILE, DELAY, FAIL, HOLD, SINGLE, EXCLUSIVE, WANT, PASSTHROUGH,
	TAKE, DISCARD, TYPE, DEVICE, MOUNT_DATA,
};

static const struct option long_options[] = {
	{ "log", required_argument, NULL, LOG },
	{ "control", required_argument, NULL, CONTROL },
	{ "pidfile", required_argument, NULL, PIDFILE },
	{ "delay", required_argument, NULL, DELAY },
	{ "fail", required_argument, NULL, FAIL },
	{ "hold", required_argument, NULL, HOLD },
	{ "single", no_argument, NULL, SINGLE },
	{ "exclusive", no_argument, NULL, EXCLUSIVE },
	{ "want", required_argument, NULL, WANT },
	{ "passthrough", required_argument, NULL, PASSTHROUGH },
	{ "take", required_argument, NULL, TAKE },
	{ "discard", required_argument, NULL, DISCARD },
	{ "type", required_argument, NULL, TYPE },
	{ "device", required_argument, NULL, DEVICE },
	{ "mount-data", required_argument, NULL, MOUNT_DATA },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* 0, or the exit status. */
static int take_option(struct start *start, int option)
{
	switch (option) {
	case LOG:
		log_file = fopen(optarg, "we");
		if (!log_file)
			perror(optarg);
		return !log_file;
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
	case SINGLE:
		single = 1;
		return 0;
	case EXCLUSIVE:
		settings.exclusive = 1;
		return 0;
	case WANT:
		start->want = strtoull(optarg, NULL, 0);
		return 0;
	case PASSTHROUGH:
		settings.passthrough_fd = open(optarg, O_RDWR | O_CLOEXEC);
		if (settings.passthrough_fd < 0)
			perror(optarg);
		return settings.passthrough_fd < 0;
	case DISCARD:
		settings.take_discards = 1;
		return listen_at(optarg) ? 1 : 0;
	case TAKE:
		return listen_at(optarg) ? 1 : 0;
	case TYPE:
		start->type = optarg;
		return 0;
	case DEVICE:
		start->source = optarg;
		return 0;
	case MOUNT_DATA:
		start->mount_data = optarg;
		return 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	struct start start = {
		.type = "fuse.nodeserver", .source = "nodeserver", .mount_data = "",
	};
	int option, status;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		status = take_option(&start, option);
		if (status) {
			if (status == 2)
				fputs("nodeserver: see nodeserver --help\n", stderr);
			return status;
		}
	}
	if (optind == argc || argc - optind > NODES) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	for (; optind < argc; optind++) {
		nodes[node_count].path = realpath(argv[optind], NULL);
		if (!nodes[node_count].path) {
			fprintf(stderr, "nodeserver: %s: %s; make the directory first\n",
				argv[optind], strerror(errno));
			unmount_all();
			return 1;
		}
		if (mount_node(&nodes[node_count], &start)) {
			unmount_all();
			return 1;
		}
		node_count++;
	}
	status = serve_in_background(&start);
	if (status)
		unmount_all();
	return status;
}
