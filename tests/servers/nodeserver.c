// SPDX-License-Identifier: GPL-2.0
/*
 * nodeserver.c - a FUSE server without libfuse that mounts the same files at
 * several places, as if each were another machine, with a lock per open file.
 * For sync_release: libfuse can't set FOPEN_SYNC_RELEASE, pass files through in
 * all its versions, or mount fuseblk.  Needs root (it calls mount(2) itself).
 * Its files are next to nothing; for usable ones see fxserver.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "device.h"
#include "nodeserver.h"
#include "rules.h"
#include "wire.h"

struct settings settings = { .passthrough_fd = -1, .take_listener = -1 };

static struct node nodes[MOST_PLACES];
static const char *type = "fuse.nodeserver";
static const char *source = "nodeserver";
static const char *mount_data = "";
static uint64_t want;

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
	return daemon_reply(node->place, in, error, data, size);
}

static void answer(struct place *place, const struct fuse_in_header *in, const void *arguments,
		   size_t size)
{
	(void)size;
	answer_request(&nodes[place->number], in, arguments);
}

/* A server that uses its own files; there are FLUSH and RELEASE to answer. */
static void visit(FILE *answer, const char *name)
{
	char path[4096];
	uint64_t start;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", nodes[0].place->path, name);
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
	settings.take_listener = rules_listen("nodeserver: ", path, SOCK_NONBLOCK);
	return settings.take_listener < 0 ? -1 : 0;
}

static int mount_node(struct place *place)
{
	nodes[place->number].place = place;
	return daemon_mount(place, source, type, mount_data);
}

static int initialized(struct place *place)
{
	if (settings.passthrough_fd >= 0)
		printf("passthrough=%d\n", nodes[place->number].passthrough);
	return want && daemon_negotiate(place, want) ? -1 : 0;
}

enum {
	SINGLE = DAEMON_OWN, EXCLUSIVE, WANT, PASSTHROUGH, TAKE, DISCARD, TYPE, DEVICE, MOUNT_DATA,
};

static const struct option long_options[] = {
	{ "single", no_argument, NULL, SINGLE },
	{ "exclusive", no_argument, NULL, EXCLUSIVE },
	{ "want", required_argument, NULL, WANT },
	{ "passthrough", required_argument, NULL, PASSTHROUGH },
	{ "take", required_argument, NULL, TAKE },
	{ "discard", required_argument, NULL, DISCARD },
	{ "type", required_argument, NULL, TYPE },
	{ "device", required_argument, NULL, DEVICE },
	{ "mount-data", required_argument, NULL, MOUNT_DATA },
	{ NULL, 0, NULL, 0 },
};

static int take_option(int option);

static struct daemon server = {
	.name = "nodeserver",
	.usage = usage,
	.short_options = "h",
	.options = long_options,
	.take_option = take_option,
	.obey = obey,
	.most_places = MOST_PLACES,
	.mount = mount_node,
	.initialized = initialized,
	.answer = answer,
	.send = device_reply,
	.threads = 1,
};

/* 0, or the exit status. */
static int take_option(int option)
{
	switch (option) {
	case SINGLE:
		server.in_turn = 1;
		return 0;
	case EXCLUSIVE:
		settings.exclusive = 1;
		return 0;
	case WANT:
		want = strtoull(optarg, NULL, 0);
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
		type = optarg;
		return 0;
	case DEVICE:
		source = optarg;
		return 0;
	case MOUNT_DATA:
		mount_data = optarg;
		return 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	return daemon_main(&server, argc, argv);
}
