// SPDX-License-Identifier: GPL-2.0
/*
 * rawserver-init.c - the ways of answering INIT and of negotiating that
 * libfuse doesn't offer: old minors, odd sizes, FUSE_EXT_INIT, wrong ioctls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/fuse_ext.h>

#include "rawserver.h"
#include "wire.h"

/* fuse_init_out of protocol 7.23 and later; older headers know less of it. */
struct init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran;
	uint16_t max_pages;
	uint16_t map_alignment;
	uint32_t flags2;
	uint32_t unused[6];
	uint32_t ext;
};

#define INIT_EXT	(1U << 30)	/* FUSE_INIT_EXT: flags2 counts */

struct init_answer init_answer;
uint32_t minor_in_force = FUSE_KERNEL_MINOR_VERSION;

static size_t size_for(uint32_t minor)
{
	if (minor < 5)
		return 8;
	return minor < 23 ? 24 : sizeof(struct init_out);
}

void answer_init(const struct fuse_in_header *in, const void *arguments, size_t size)
{
	struct init_out out = {
		.major = 7,
		.max_background = 12,
		.congestion_threshold = 9,
		.max_write = 4096,
		.time_gran = 1,
	};
	uint32_t asked[4] = { 0 };

	memcpy(asked, arguments, size < sizeof(asked) ? size : sizeof(asked));
	out.minor = init_answer.minor ? init_answer.minor : asked[1];
	out.max_readahead = asked[2];
	out.flags = init_answer.flags & asked[3];
	if (init_answer.ext) {
		out.flags |= INIT_EXT;
		out.flags2 |= FUSE_EXT_INIT_FLAGS2;
	}
	out.ext = init_answer.want;
	minor_in_force = out.minor < asked[1] ? out.minor : asked[1];
	reply(in, 0, &out, init_answer.size ? init_answer.size : size_for(out.minor));
}

void negotiate(FILE *answer, const char *when, const char *how)
{
	static struct fuse_ext_ioc ioc;
	unsigned long long want = 0;
	int error = 0;

	memset(&ioc, 0, sizeof(ioc));
	ioc.size = sizeof(ioc);
	ioc.abi = FUSE_EXT_ABI_VERSION;
	if (*how && sscanf(how, "%u:%u:%llx", &ioc.size, &ioc.abi, &want) < 1)
		fprintf(answer, "error: %s isn't SIZE:ABI:WANT\n", how);
	ioc.want = want;
	if (ioctl(mounted->device, FUSE_EXT_IOC_NEGOTIATE, &ioc) < 0)
		error = errno;
	wire_log(log_file, "negotiate %s %s want=%llx supported=%llx enabled=%llx", when,
		 wire_errno_name(error), want, (unsigned long long)ioc.supported,
		 (unsigned long long)ioc.enabled);
	fprintf(answer, "negotiate %s %s supported=%llx enabled=%llx\n", when,
		wire_errno_name(error), (unsigned long long)ioc.supported,
		(unsigned long long)ioc.enabled);
	fflush(answer);
}
