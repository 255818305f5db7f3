// SPDX-License-Identifier: GPL-2.0
/*
 * rawserver.c - a FUSE server without libfuse, for what libfuse can't say:
 * every request byte for byte, odd answers to INIT, wrong negotiations,
 * hostile replies.  Needs root (it calls mount(2) itself).  Its filesystem is
 * next to nothing; for a usable one see fxserver.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "daemon.h"
#include "rawserver.h"
#include "wire.h"

const struct place *mounted;

static int hostile_opcode = -1;
static enum hostility hostility;
static const char *type = "fuse.rawserver";
static const char *mount_data = "";
static const char *negotiations[16];
static int negotiation_count;

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

/* As device_reply() does, but for the replies that are to be spoilt. */
static int send_reply(int device, const struct fuse_in_header *in, int error, const void *data,
		      size_t size)
{
	struct fuse_out_header out = { .unique = in->unique, .error = -error };
	static const char padding[16];
	struct iovec parts[3] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = (void *)data, .iov_len = error ? 0 : size },
		{ .iov_base = (void *)padding, .iov_len = 0 },
	};

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
	return writev(device, parts, 3) < 0 ? errno : 0;
}

int reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	return daemon_reply(mounted, in, error, data, size);
}

static void answer(struct place *place, const struct fuse_in_header *in, const void *arguments,
		   size_t size)
{
	(void)place;
	answer_request(in, arguments, size);
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

/* "WHEN" or "WHEN=SIZE:ABI:WANT", for all that have this WHEN. */
static void negotiate_when(const char *when)
{
	size_t length = strlen(when);
	const char *how;
	int i;

	for (i = 0; i < negotiation_count; i++) {
		how = negotiations[i];
		if (strncmp(how, when, length) || (how[length] && how[length] != '='))
			continue;
		negotiate(stdout, when, how[length] ? how + length + 1 : "");
	}
}

static int mount_raw(struct place *place)
{
	mounted = place;
	negotiate_when("unmounted");
	if (daemon_mount(place, "rawserver", type, mount_data))
		return -1;
	negotiate_when("mounted");
	return 0;
}

static int initialized(struct place *place)
{
	(void)place;
	negotiate_when("initialized");
	return 0;
}

static void ended(void)
{
	negotiate_when("gone");
}

enum {
	MOUNT_DATA = DAEMON_OWN, TYPE, MINOR, INIT_SIZE, INIT_FLAGS, INIT_EXT_BIT, INIT_WANT,
	HOSTILE, NEGOTIATE,
};

static const struct option long_options[] = {
	{ "dump", required_argument, NULL, DAEMON_DUMP },
	{ "mask", no_argument, NULL, DAEMON_MASK },
	{ "mount-data", required_argument, NULL, MOUNT_DATA },
	{ "type", required_argument, NULL, TYPE },
	{ "minor", required_argument, NULL, MINOR },
	{ "init-size", required_argument, NULL, INIT_SIZE },
	{ "init-flags", required_argument, NULL, INIT_FLAGS },
	{ "init-ext", no_argument, NULL, INIT_EXT_BIT },
	{ "init-want", required_argument, NULL, INIT_WANT },
	{ "hostile", required_argument, NULL, HOSTILE },
	{ "negotiate", required_argument, NULL, NEGOTIATE },
	{ NULL, 0, NULL, 0 },
};

/* 0, or the exit status. */
static int take_option(int option)
{
	switch (option) {
	case MOUNT_DATA:
		mount_data = optarg;
		return 0;
	case TYPE:
		type = optarg;
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
		if (negotiation_count == 16)
			return 2;
		negotiations[negotiation_count++] = optarg;
		return 0;
	}
	return 2;
}

static const struct daemon server = {
	.name = "rawserver",
	.usage = usage,
	.short_options = "h",
	.options = long_options,
	.take_option = take_option,
	.obey = obey,
	.most_places = 1,
	.mount = mount_raw,
	.initialized = initialized,
	.answer = answer,
	.send = send_reply,
	.ended = ended,
	.threads = 1,
};

int main(int argc, char **argv)
{
	return daemon_main(&server, argc, argv);
}
