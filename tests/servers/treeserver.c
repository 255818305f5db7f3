// SPDX-License-Identifier: GPL-2.0
/*
 * treeserver.c - a FUSE server without libfuse, with files of all types in
 * memory, that counts lookups and open files.  For atomic_create: libfuse
 * doesn't hand requests that it doesn't know to servers, and hides what the
 * kernel forgets.  It can mount its tree twice, as if it were another machine's,
 * so that a test can make files that the kernel hasn't cached.  Needs root (it
 * calls mount(2) itself).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "daemon.h"
#include "device.h"
#include "treeserver.h"
#include "wire.h"

struct settings settings;

/* The first place, by its first and by its second descriptor; -1: there is none. */
static int first_device = -1;
static struct place cloned = { .device = -1 };

static const char *mount_data = "";
static uint64_t want;
static int is_cloned;

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
	"SIZE FLAGS PADDING [CODE]; inval-mapped FILE: all behind the header is in a mapping of\n"
	"FILE; order reply-first|inval-first [other]: at the next answer\n"
	"that opens a file, before anyone else runs on the first CPU.\n"
	"\n"
	"Exit status: 0 unmounted; 1 failure; 2 usage.\n";

int other_device(int device)
{
	return device == first_device && cloned.device >= 0 ? cloned.device : first_device;
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

static int mount_tree(struct place *place)
{
	if (!place->number)
		first_device = place->device;
	return daemon_mount(place, "treeserver", "fuse.treeserver",
			    place->number ? "allow_other" : mount_data);
}

/* A second descriptor for the first place: each is read, and answers, by itself. */
static int clone_device(const struct place *first)
{
	uint32_t original = first->device;
	pthread_t thread;

	cloned = *first;
	cloned.device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (cloned.device < 0 || ioctl(cloned.device, FUSE_DEV_IOC_CLONE, &original) < 0) {
		fprintf(stderr, "treeserver: clone of /dev/fuse: %s\n", strerror(errno));
		return -1;
	}
	return pthread_create(&thread, NULL, daemon_serve, &cloned) ? -1 : 0;
}

static int initialized(struct place *place)
{
	if (want && daemon_negotiate(place, want))
		return -1;
	return is_cloned && !place->number ? clone_device(place) : 0;
}

enum {
	THREADS = DAEMON_OWN, TIMEOUT, INIT_FLAGS, WANT, ATOMIC, MOUNT_DATA, OPEN_FLAGS, CLONE,
};

static const struct option long_options[] = {
	{ "dump", required_argument, NULL, DAEMON_DUMP },
	{ "threads", required_argument, NULL, THREADS },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "init-flags", required_argument, NULL, INIT_FLAGS },
	{ "want", required_argument, NULL, WANT },
	{ "atomic", required_argument, NULL, ATOMIC },
	{ "mount-data", required_argument, NULL, MOUNT_DATA },
	{ "open-flags", required_argument, NULL, OPEN_FLAGS },
	{ "clone", no_argument, NULL, CLONE },
	{ NULL, 0, NULL, 0 },
};

static int take_option(int option);

static struct daemon server = {
	.name = "treeserver",
	.usage = usage,
	.short_options = "h",
	.options = long_options,
	.take_option = take_option,
	.obey = obey,
	.most_places = MOUNTS,
	.mount = mount_tree,
	.initialized = initialized,
	.answer = answer_request,
	.send = device_reply,
	.threads = 1,
};

/* 0, or the exit status. */
static int take_option(int option)
{
	int kind;

	switch (option) {
	case THREADS:
		server.threads = atoi(optarg);
		server.in_turn = server.threads > 1;
		return server.threads < 1 ? 2 : 0;
	case TIMEOUT:
		settings.timeout = strtoul(optarg, NULL, 10);
		return 0;
	case INIT_FLAGS:
		settings.init_flags = strtoull(optarg, NULL, 16);
		return 0;
	case WANT:
		want = strtoull(optarg, NULL, 0);
		return 0;
	case ATOMIC:
		kind = atomic_answer(optarg);
		settings.atomic = kind < 0 ? 0 : kind;
		return kind < 0 ? 2 : 0;
	case MOUNT_DATA:
		mount_data = optarg;
		return 0;
	case OPEN_FLAGS:
		settings.open_flags = strtoul(optarg, NULL, 16);
		return 0;
	case CLONE:
		is_cloned = 1;
		return 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	dump_mask = 1;
	/* a delay of 0.2 ms is none of 0.25 */
	prctl(PR_SET_TIMERSLACK, 1);
	return daemon_main(&server, argc, argv);
}
