// SPDX-License-Identifier: GPL-2.0
/*
 * treeserver.c - a FUSE server without libfuse, with files of all types in
 * memory, that counts lookups and open files.  For atomic_create: libfuse
 * doesn't hand requests that it doesn't know to servers, and hides what the
 * kernel forgets.  It can mount its tree twice, as if it were another machine's,
 * so that a test can make files that the kernel hasn't cached.  Needs root (it
 * calls mount(2) itself).
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
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rules.h"
#include "treeserver.h"
#include "wire.h"

#define BUFFER_SIZE	(1 << 18)

struct request {
	struct tree_mount *mount;
	size_t size;
	char bytes[];
};

struct settings settings = { .threads = 1 };
FILE *log_file;

static FILE *dump_file;
static struct tree_mount mounts[MOUNTS];
static int mount_count;

/* The first place, by its second descriptor; without one, device is -1. */
static struct tree_mount cloned = { .device = -1 };

static const char usage[] =
	"Usage: treeserver [OPTION...] MOUNTPOINT [MOUNTPOINT]\n"
	"A FUSE server with a tree in memory, empty at first, mounted at one or two\n"
	"places.  It goes to the background once INIT is answered.\n"
	"\n"
	"      --log FILE --dump FILE --control SOCKET --pidfile FILE\n"
	"      --delay OPERATION=MS --fail OPERATION=ERRNO --hold OPERATION\n"
	"                           all as in fxserver --help; --dump masks\n"
	"      --threads NUMBER     of each place; a delayed request keeps one (without this,\n"
	"                           it gets one of its own)\n"
	"      --timeout SECONDS    how long names and attributes are valid at the first\n"
	"                           place (0); at the second, only directories stay\n"
	"      --init-flags HEX     the 64 flags in the answer to INIT, if the kernel offers\n"
	"                           them\n"
	"      --want MASK          negotiate these fuse_ext features\n"
	"      --atomic ANSWER      how FUSE_ATOMIC_CREATE is answered: well, unknown, eexist,\n"
	"                           claim (what existed was created), or wrongly: node-0,\n"
	"                           node-root, directory, no-type, huge, parent, short, partial,\n"
	"                           long, unsaid, entry-0, entry-root, entry-no-type,\n"
	"                           entry-parent\n"
	"      --mount-data OPTIONS mount options for mount(2), of the first place\n"
	"      --open-flags HEX     FOPEN flags of every regular file\n"
	"      --clone              a second descriptor for the first place\n"
	"  -h, --help               this text\n"
	"\n"
	"Commands over the control socket, besides those of fxserver: atomic ANSWER;\n"
	"state PATH (what the tree has there); total (lookups that the first place hasn't\n"
	"forgotten, and open files); FUSE_NOTIFY_INVAL_FILES to the first place: inval PATH\n"
	"[other] (by the second descriptor); inval-many PATH THREADS COUNT; inval-raw NODE\n"
	"SIZE FLAGS PADDING [CODE]; order reply-first|inval-first [other]: at the next answer\n"
	"that opens a file, before anyone else runs on the first CPU.\n"
	"\n"
	"Exit status: 0 unmounted; 1 failure; 2 usage.\n";

int other_device(int device)
{
	return device == mounts[0].device && cloned.device >= 0 ? cloned.device : mounts[0].device;
}

int reply(struct tree_mount *mount, const struct fuse_in_header *in, int error,
	  const void *data, size_t size)
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
	if (writev(mount->device, parts, 2) < 0) {
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
		reply(request->mount, in, error, NULL, 0);
	else
		answer_request(request->mount, in, in + 1);
	free(request);
}

static void *process_alone(void *data)
{
	process(data);
	return NULL;
}

/* The next request, or NULL when the mount is gone. */
static struct request *receive(struct tree_mount *mount)
{
	static __thread char buffer[BUFFER_SIZE];
	struct request *request;
	ssize_t size;

	do {
		size = read(mount->device, buffer, sizeof(buffer));
	} while (size < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN));
	if (size < (ssize_t)sizeof(struct fuse_in_header)) {
		wire_log(log_file, "end %s", size < 0 ? wire_errno_name(errno) : "short read");
		return NULL;
	}
	request = calloc(1, sizeof(*request) + size + 1);
	if (!request)
		abort();
	request->mount = mount;
	request->size = size;
	memcpy(request->bytes, buffer, size);
	wire_log_request(log_file, request->bytes, size);
	wire_dump_request(dump_file, request->bytes, size, 1);
	return request;
}

static void *serve(void *data)
{
	const struct fuse_in_header *in;
	struct request *request;
	pthread_t thread;

	while ((request = receive(data))) {
		in = (void *)request->bytes;
		if (settings.threads > 1 || !rules_must_wait(in->opcode)) {
			process(request);
			continue;
		}
		errno = pthread_create(&thread, NULL, process_alone, request);
		if (errno) {
			perror("treeserver: thread");
			abort();
		}
		pthread_detach(thread);
	}
	return NULL;
}

static void tell_state(FILE *answer, char *path)
{
	const struct tree_node *node = tree_walk(path);

	if (!node) {
		fputs("exists=0\n", answer);
		return;
	}
	fprintf(answer, "exists=1 node=%llu mode=%o uid=%u gid=%u size=%zu lookups=%ld opens=%ld\n",
		(unsigned long long)node->id, node->mode, node->uid, node->gid, node->size,
		node->lookups[0], node->opens);
}

static int obey(FILE *answer, char *command, char *argument)
{
	long lookups, opens;
	int kind;

	if (strcmp(command, "atomic") == 0) {
		kind = atomic_answer(argument);
		if (kind < 0)
			return -1;
		tree_lock();
		settings.atomic = kind;
		tree_unlock();
		fputs("ok\n", answer);
	} else if (strcmp(command, "state") == 0) {
		tree_lock();
		tell_state(answer, argument);
		tree_unlock();
	} else if (strcmp(command, "total") == 0) {
		tree_lock();
		tree_totals(0, &lookups, &opens);
		tree_unlock();
		fprintf(answer, "lookups=%ld opens=%ld\n", lookups, opens);
	} else {
		return obey_inval(answer, command, argument);
	}
	return 0;
}

struct start {
	const char *control;
	const char *pidfile;
	const char *mount_data;
	uint64_t want;
	int is_cloned;
};

/* 0, or the exit status. */
static int mount_tree(const char *path, const char *data)
{
	struct tree_mount *place = &mounts[mount_count];
	char options[512];

	place->number = mount_count;
	place->path = realpath(path, NULL);
	if (!place->path) {
		fprintf(stderr, "treeserver: %s: %s; make the directory first\n", path,
			strerror(errno));
		return 1;
	}
	place->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (place->device < 0) {
		fprintf(stderr, "treeserver: /dev/fuse: %s\n", strerror(errno));
		return 1;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0%s%s",
		 place->device, *data ? "," : "", data);
	if (mount("treeserver", place->path, "fuse.treeserver", MS_NOSUID | MS_NODEV,
		  options) < 0) {
		fprintf(stderr, "treeserver: mount %s with %s: %s\n", place->path, options,
			strerror(errno));
		return 1;
	}
	mount_count++;
	return 0;
}

/* A second descriptor for the first place: each is read, and answers, by itself. */
static int clone_device(void)
{
	uint32_t original = mounts[0].device;

	cloned = mounts[0];
	cloned.device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (cloned.device < 0 || ioctl(cloned.device, FUSE_DEV_IOC_CLONE, &original) < 0) {
		fprintf(stderr, "treeserver: clone of /dev/fuse: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

static void unmount_all(void)
{
	int i;

	for (i = 0; i < mount_count; i++)
		umount2(mounts[i].path, MNT_DETACH);
}

static int negotiate(struct tree_mount *mount, uint64_t want)
{
	struct fuse_ext_ioc ioc = {
		.size = sizeof(ioc), .abi = FUSE_EXT_ABI_VERSION, .want = want,
	};
	int error = 0;

	if (ioctl(mount->device, FUSE_EXT_IOC_NEGOTIATE, &ioc) < 0)
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
		fprintf(stderr, "treeserver: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

/* Until INIT is answered at each place, and the features are negotiated. */
static int begin_serving(const struct start *start)
{
	struct request *request;
	int i;

	for (i = 0; i < mount_count; i++) {
		request = receive(&mounts[i]);
		if (!request)
			return -1;
		process(request);
		if (start->want && negotiate(&mounts[i], start->want))
			return -1;
	}
	return start->is_cloned ? clone_device() : 0;
}

/*
 * INIT is answered in the child: the parent waits for that, so that whoever
 * started us finds a filesystem that serves.
 */
static int serve_in_background(const struct start *start)
{
	pthread_t *threads = calloc(mount_count * settings.threads, sizeof(*threads));
	static sigset_t signals;
	pthread_t thread;
	int ready[2], i;
	char byte;

	fflush(NULL);
	if (!threads || pipe2(ready, O_CLOEXEC) < 0)
		return 1;
	switch (fork()) {
	case -1:
		perror("treeserver: fork");
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
	if (start->control && rules_serve(start->control, log_file, dump_file, obey))
		return 1;
	if (begin_serving(start))
		return 1;
	fflush(stdout);
	if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return 1;
	if (write(ready[1], "", 1) != 1)
		return 1;
	if (start->is_cloned && pthread_create(&thread, NULL, serve, &cloned))
		return 1;
	for (i = 0; i < mount_count * settings.threads; i++)
		if (pthread_create(&threads[i], NULL, serve, &mounts[i / settings.threads]))
			return 1;
	for (i = 0; i < mount_count * settings.threads; i++)
		pthread_join(threads[i], NULL);
	unmount_all();
	return 0;
}

enum {
	LOG = 256, DUMP, CONTROL, PIDFILE, DELAY, FAIL, HOLD, THREADS, TIMEOUT, INIT_FLAGS,
	WANT, ATOMIC, MOUNT_DATA, OPEN_FLAGS, CLONE,
};

static const struct option long_options[] = {
	{ "log", required_argument, NULL, LOG },
	{ "dump", required_argument, NULL, DUMP },
	{ "control", required_argument, NULL, CONTROL },
	{ "pidfile", required_argument, NULL, PIDFILE },
	{ "delay", required_argument, NULL, DELAY },
	{ "fail", required_argument, NULL, FAIL },
	{ "hold", required_argument, NULL, HOLD },
	{ "threads", required_argument, NULL, THREADS },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "init-flags", required_argument, NULL, INIT_FLAGS },
	{ "want", required_argument, NULL, WANT },
	{ "atomic", required_argument, NULL, ATOMIC },
	{ "mount-data", required_argument, NULL, MOUNT_DATA },
	{ "open-flags", required_argument, NULL, OPEN_FLAGS },
	{ "clone", no_argument, NULL, CLONE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static FILE *open_record(const char *path)
{
	FILE *file;

	/* A new one; a test may empty it on its way. */
	unlink(path);
	file = fopen(path, "ae");
	if (!file)
		fprintf(stderr, "treeserver: %s: %s; is its directory there and writable?\n",
			path, strerror(errno));
	return file;
}

/* 0, or the exit status. */
static int take_option(struct start *start, int option)
{
	int kind;

	switch (option) {
	case LOG:
		log_file = open_record(optarg);
		return !log_file;
	case DUMP:
		dump_file = open_record(optarg);
		return !dump_file;
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
	case THREADS:
		settings.threads = atoi(optarg);
		return settings.threads < 1 ? 2 : 0;
	case TIMEOUT:
		settings.timeout = strtoul(optarg, NULL, 10);
		return 0;
	case INIT_FLAGS:
		settings.init_flags = strtoull(optarg, NULL, 16);
		return 0;
	case WANT:
		start->want = strtoull(optarg, NULL, 0);
		return 0;
	case ATOMIC:
		kind = atomic_answer(optarg);
		settings.atomic = kind < 0 ? 0 : kind;
		return kind < 0 ? 2 : 0;
	case MOUNT_DATA:
		start->mount_data = optarg;
		return 0;
	case OPEN_FLAGS:
		settings.open_flags = strtoul(optarg, NULL, 16);
		return 0;
	case CLONE:
		start->is_cloned = 1;
		return 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	struct start start = { .mount_data = "" };
	int option, status;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		status = take_option(&start, option);
		if (status) {
			if (status == 2)
				fputs("treeserver: see treeserver --help\n", stderr);
			return status;
		}
	}
	if (optind == argc || argc - optind > MOUNTS) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	/* a delay of 0.2 ms is none of 0.25 */
	prctl(PR_SET_TIMERSLACK, 1);
	status = 0;
	for (; !status && optind < argc; optind++)
		status = mount_tree(argv[optind], mount_count ? "allow_other" : start.mount_data);
	if (!status)
		status = serve_in_background(&start);
	if (status)
		unmount_all();
	return status;
}
