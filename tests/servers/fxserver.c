// SPDX-License-Identifier: GPL-2.0
/*
 * fxserver.c - a FUSE server for tests and demonstrations, on libfuse's
 * low-level API: files live in memory; every request and reply is logged with
 * a monotonic time; chosen operations are delayed, failed or held.  Not for
 * what libfuse can't say on the wire: that is rawserver.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse_ext.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "device.h"
#include "fxserver.h"
#include "rules.h"
#include "wire.h"

struct work {
	struct fuse_buf buf;
	uint32_t opcode;
};

struct settings settings = { .timeout = 1.0 };
__thread struct call call;

static struct fuse_session *session;
static pthread_mutex_t read_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *mountpoint;
static int single;
static int peer_listener = -1;

static const char usage[] =
	"Usage: fxserver [OPTION...] MOUNTPOINT\n"
	"A FUSE filesystem in memory that logs, delays, fails or holds requests.\n"
	"It goes to the background once it is mounted.\n"
	"\n"
	"  -f, --foreground           stay in the foreground\n"
	"      --log FILE             one line per request and per reply\n"
	"      --dump FILE            every request in hexadecimal\n"
	"      --mask                 leave unique, pid and lock owners out of the dump\n"
	"      --control SOCKET       obey commands from fxclient control\n"
	"      --pidfile FILE         write the process number there\n"
	"      --delay OPERATION=MS   answer later, for example flush=300 or all=0.2\n"
	"      --fail OPERATION=ERRNO[:TIMES]  answer with an error\n"
	"      --hold OPERATION       answer when told \"release OPERATION\"\n"
	"      --threads N|single     readers of the device (4); single: one at a time\n"
	"      --timeout SECONDS      how long attributes and names are cached (1)\n"
	"      --writeback            ask for the writeback cache\n"
	"      --direct-io --keep-cache --nonseekable  flags of every OPEN\n"
	"      --locks                ask for remote POSIX and BSD locks\n"
	"      --default-permissions --allow-other     mount options\n"
	"  -o OPTIONS                 mount options, as libfuse takes them\n"
	"      --mount-data OPTIONS   mount by mount(2) as root, with these options\n"
	"      --want MASK            negotiate these fuse_ext features after the mount\n"
	"      --async-flush          the same as --want 1\n"
	"      --flush-peer SOCKET    answer FLUSH when the process connected there has\n"
	"                             answered a line, or is gone\n"
	"  -h, --help                 this text\n"
	"\n"
	"Exit status: 0 unmounted; 1 failure; 2 usage.\n";

void log_reply(int error)
{
	wire_log(log_file, "reply %s unique=%llu node=%llu fh=%llu error=%s",
		 wire_opcode_name(call.opcode), (unsigned long long)call.unique,
		 (unsigned long long)call.node, (unsigned long long)call.fh,
		 wire_errno_name(error));
}

void log_lost(int error)
{
	wire_log(log_file, "lost %s unique=%llu error=%s", wire_opcode_name(call.opcode),
		 (unsigned long long)call.unique, wire_errno_name(error));
}

/* One peer at a time: the last one that connected. */
void peer_ask(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int peer = -1;
	char answer[64];
	ssize_t count;
	int newer;

	pthread_mutex_lock(&lock);
	while ((newer = accept4(peer_listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (peer >= 0)
			close(peer);
		peer = newer;
	}
	if (peer >= 0) {
		wire_log(log_file, "peer asked");
		count = send(peer, "flush\n", 6, MSG_NOSIGNAL);
		if (count > 0)
			count = recv(peer, answer, sizeof(answer), 0);
		wire_log(log_file, "peer %s", count > 0 ? "answered" : "gone");
		if (count <= 0) {
			close(peer);
			peer = -1;
		}
	}
	pthread_mutex_unlock(&lock);
}

static int peer_listen(const char *path)
{
	peer_listener = rules_listen("fxserver: ", path, SOCK_NONBLOCK);
	return peer_listener < 0 ? -1 : 0;
}

static void negotiate(FILE *answer, uint64_t want)
{
	struct fuse_ext_ioc ioc = {
		.size = sizeof(ioc), .abi = FUSE_EXT_ABI_VERSION, .want = want,
	};
	int error = 0;

	if (ioctl(fuse_session_fd(session), FUSE_EXT_IOC_NEGOTIATE, &ioc) < 0)
		error = errno;
	wire_log(log_file, "negotiate want=%llx result=%s supported=%llx enabled=%llx",
		 (unsigned long long)want, wire_errno_name(error),
		 (unsigned long long)ioc.supported, (unsigned long long)ioc.enabled);
	fprintf(answer, "negotiate %s supported=%llx enabled=%llx\n", wire_errno_name(error),
		(unsigned long long)ioc.supported, (unsigned long long)ioc.enabled);
}

static int obey(FILE *answer, char *command, char *argument)
{
	if (strcmp(command, "negotiate") == 0) {
		negotiate(answer, strtoull(argument, NULL, 0));
	} else if (strcmp(command, "nodes") == 0) {
		pthread_mutex_lock(&tree_lock);
		fprintf(answer, "%llu\n", (unsigned long long)tree_count());
		pthread_mutex_unlock(&tree_lock);
	} else {
		return -1;
	}
	return 0;
}

static void process(struct work *work)
{
	const struct fuse_in_header *in = work->buf.mem;

	call.opcode = in->opcode;
	call.unique = in->unique;
	call.node = in->nodeid;
	call.fh = 0;
	/* fh is the first argument of all that tests look at */
	if ((in->opcode == FUSE_FLUSH || in->opcode == FUSE_RELEASE ||
	     in->opcode == FUSE_FSYNC || in->opcode == FUSE_WRITE) &&
	    work->buf.size >= sizeof(*in) + sizeof(call.fh))
		memcpy(&call.fh, in + 1, sizeof(call.fh));
	call.error = rules_apply(in->opcode);
	fuse_session_process_buf(session, &work->buf);
	free(work->buf.mem);
}

static void *process_alone(void *data)
{
	process(data);
	free(data);
	return NULL;
}

/* Requests that have to wait get a thread each, so that the others go on. */
static void hand_over(const struct work *work)
{
	struct work *copy = malloc(sizeof(*copy));
	pthread_t thread;

	if (!copy) {
		fputs("fxserver: out of memory\n", stderr);
		abort();
	}
	*copy = *work;
	errno = pthread_create(&thread, NULL, process_alone, copy);
	if (errno) {
		perror("fxserver: a thread for a request that waits");
		abort();
	}
	pthread_detach(thread);
}

static int has_to_wait(uint32_t opcode)
{
	return rules_must_wait(opcode) || opcode == FUSE_SETLKW ||
	       (opcode == FUSE_FLUSH && settings.flush_peer);
}

/*
 * Read one request and record it.  Reading and recording are one step under
 * read_lock: the log shows the order in which the kernel sent the requests.
 */
static int receive(struct work *work)
{
	int result;

	memset(work, 0, sizeof(*work));
	pthread_mutex_lock(&read_lock);
	do {
		if (fuse_session_exited(session))
			result = 0;
		else
			result = fuse_session_receive_buf(session, &work->buf);
	} while (result == -EINTR || result == -EAGAIN);
	if (result > 0) {
		work->opcode = ((struct fuse_in_header *)work->buf.mem)->opcode;
		wire_log_request(log_file, work->buf.mem, result);
		wire_dump_request(dump_file, work->buf.mem, result, dump_mask);
	}
	pthread_mutex_unlock(&read_lock);
	if (result <= 0)
		free(work->buf.mem);
	return result;
}

static void *serve(void *unused)
{
	struct work work;

	(void)unused;
	while (receive(&work) > 0) {
		if (!single && has_to_wait(work.opcode))
			hand_over(&work);
		else
			process(&work);
	}
	return NULL;
}

static void unmount_session(void)
{
	fuse_session_unmount(session);
}

/* libfuse refuses mount options that it doesn't know; mount(2) takes them. */
static int mount_by_hand(const char *data)
{
	int fd = device_open("fxserver");
	char device[32];

	if (fd < 0 || device_mount("fxserver", fd, "fxserver", mountpoint, "fuse.fxserver", data))
		return -1;
	snprintf(device, sizeof(device), "/dev/fd/%d", fd);
	return fuse_session_mount(session, device);
}

static int run(int readers)
{
	pthread_t *threads = calloc(readers, sizeof(*threads));
	struct work work;
	int i;

	if (!threads)
		return 1;
	/* INIT alone: it decides how large the buffers of the others must be */
	if (receive(&work) > 0)
		process(&work);
	for (i = 0; i < readers; i++) {
		errno = pthread_create(&threads[i], NULL, serve, NULL);
		if (errno) {
			perror("fxserver: thread");
			return 1;
		}
	}
	for (i = 0; i < readers; i++)
		pthread_join(threads[i], NULL);
	wire_log(log_file, "end");
	fuse_session_unmount(session);
	return 0;
}

enum {
	THREADS = DAEMON_OWN, TIMEOUT, WRITEBACK, DIRECT_IO, KEEP_CACHE, NONSEEKABLE, LOCKS,
	DEFAULT_PERMISSIONS, ALLOW_OTHER, MOUNT_DATA, WANT, ASYNC_FLUSH, FLUSH_PEER,
};

static const struct option long_options[] = {
	{ "foreground", no_argument, NULL, 'f' },
	{ "dump", required_argument, NULL, DAEMON_DUMP },
	{ "mask", no_argument, NULL, DAEMON_MASK },
	{ "threads", required_argument, NULL, THREADS },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "writeback", no_argument, NULL, WRITEBACK },
	{ "direct-io", no_argument, NULL, DIRECT_IO },
	{ "keep-cache", no_argument, NULL, KEEP_CACHE },
	{ "nonseekable", no_argument, NULL, NONSEEKABLE },
	{ "locks", no_argument, NULL, LOCKS },
	{ "default-permissions", no_argument, NULL, DEFAULT_PERMISSIONS },
	{ "allow-other", no_argument, NULL, ALLOW_OTHER },
	{ "mount-data", required_argument, NULL, MOUNT_DATA },
	{ "want", required_argument, NULL, WANT },
	{ "async-flush", no_argument, NULL, ASYNC_FLUSH },
	{ "flush-peer", required_argument, NULL, FLUSH_PEER },
	{ NULL, 0, NULL, 0 },
};

static struct {
	const char *mount_data;
	uint64_t want;
	int negotiate;
	int foreground;
	int readers;
	struct fuse_args mount_options;
} start = { .readers = 4 };

static int add_mount_option(const char *option)
{
	return fuse_opt_add_arg(&start.mount_options, "-o") ||
	       fuse_opt_add_arg(&start.mount_options, option);
}

/* 0, or the exit status. */
static int take_option(int option)
{
	switch (option) {
	case 'f':
		start.foreground = 1;
		return 0;
	case 'o':
		return add_mount_option(optarg);
	case THREADS:
		single = strcmp(optarg, "single") == 0;
		start.readers = single ? 1 : atoi(optarg);
		return start.readers < 1 ? 2 : 0;
	case TIMEOUT:
		settings.timeout = atof(optarg);
		return 0;
	case WRITEBACK:
		settings.writeback = 1;
		return 0;
	case DIRECT_IO:
		settings.direct_io = 1;
		return 0;
	case KEEP_CACHE:
		settings.keep_cache = 1;
		return 0;
	case NONSEEKABLE:
		settings.nonseekable = 1;
		return 0;
	case LOCKS:
		settings.locks = 1;
		return 0;
	case DEFAULT_PERMISSIONS:
		return add_mount_option("default_permissions");
	case ALLOW_OTHER:
		return add_mount_option("allow_other");
	case MOUNT_DATA:
		start.mount_data = optarg;
		return 0;
	case WANT:
		start.want = strtoull(optarg, NULL, 0);
		start.negotiate = 1;
		return 0;
	case ASYNC_FLUSH:
		start.want |= FUSE_EXT_ASYNC_FLUSH;
		start.negotiate = 1;
		return 0;
	case FLUSH_PEER:
		settings.flush_peer = optarg;
		return peer_listen(optarg) ? 1 : 0;
	}
	return 2;
}

static int start_serving(void)
{
	int ready = -1;

	signal(SIGPIPE, SIG_IGN);
	if (!start.foreground) {
		ready = daemon_fork();
		if (ready < 0 || chdir("/") < 0)
			return 1;
	}
	if (daemon_begin(unmount_session) || (ready >= 0 && daemon_ready(ready)))
		return 1;
	return run(start.readers);
}

static const struct daemon server = {
	.name = "fxserver",
	.usage = usage,
	.short_options = "fho:",
	.options = long_options,
	.take_option = take_option,
	.obey = obey,
	.most_places = 1,
};

int main(int argc, char **argv)
{
	struct fuse_lowlevel_ops operations;
	int status;

	if (fuse_opt_add_arg(&start.mount_options, argv[0]) ||
	    add_mount_option("fsname=fxserver,subtype=fxserver"))
		return 1;
	status = daemon_options(&server, argc, argv);
	if (status >= 0)
		return status;
	mountpoint = realpath(argv[optind], NULL);
	if (!mountpoint) {
		fprintf(stderr, "fxserver: %s: %s; make the directory first\n", argv[optind],
			strerror(errno));
		return 1;
	}
	tree_init();
	operations = server_operations();
	session = fuse_session_new(&start.mount_options, &operations, sizeof(operations), NULL);
	if (!session)
		return 1;
	status = start.mount_data ? mount_by_hand(start.mount_data) :
		 fuse_session_mount(session, mountpoint);
	if (status) {
		fprintf(stderr, "fxserver: %s: not mounted\n", mountpoint);
		return 1;
	}
	if (start.negotiate)
		negotiate(stdout, start.want);
	status = start_serving();
	if (status)
		umount2(mountpoint, MNT_DETACH);
	return status;
}
