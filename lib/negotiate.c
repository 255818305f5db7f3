// SPDX-License-Identifier: LGPL-2.1
/*
 * negotiate.c - what the library itself says to the kernel: which features the
 * server wants, and notifications that libfuse doesn't have.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"

static const char *obstacle(const struct ext *ext, uint64_t feature)
{
	if (!(feature & FEATURES_INTERCEPTED))
		return NULL;
	if (!ext)
		return "the session wasn't made by fuse_ext_session_new()";
	if ((feature & FUSE_EXT_SYNCFS) && !ext->ext_op.syncfs)
		return "the server has no syncfs operation";
	if ((feature & FUSE_EXT_ATOMIC_CREATE) && !ext->ext_op.atomic_create &&
	    !(ext->op.lookup && ext->op.create))
		return "the server has no lookup or no create operation";
	return ext->obstacle;
}

const char *fuse_ext_unavailable(struct fuse_session *se, uint64_t feature)
{
	return obstacle(ext_of(se), feature);
}

static int ask(int fd, struct fuse_ext_ioc *ioc, uint64_t want)
{
	*ioc = (struct fuse_ext_ioc){
		.size = sizeof(*ioc), .abi = FUSE_EXT_ABI_VERSION, .want = want,
	};
	return ioctl(fd, FUSE_EXT_IOC_NEGOTIATE, ioc) < 0 ? -errno : 0;
}

/* Ask for those of @want that the module has. */
static int ask_possible(int fd, struct fuse_ext_ioc *ioc, uint64_t want)
{
	int error = ask(fd, ioc, want);

	if (error == -EINVAL && (want & ~ioc->supported))
		error = ask(fd, ioc, want & ioc->supported);
	return error;
}

int fuse_ext_negotiate(struct fuse_session *se, uint64_t want, uint64_t *enabled)
{
	struct ext *ext = ext_of(se);
	int fd = fuse_session_fd(se);
	struct fuse_ext_ioc ioc;
	uint64_t later = 0;
	int error;

	if (enabled)
		*enabled = 0;
	if (obstacle(ext, want & FUSE_EXT_SYNCFS))
		want &= ~(uint64_t)FUSE_EXT_SYNCFS;
	if (obstacle(ext, want & FUSE_EXT_ATOMIC_CREATE))
		want &= ~(uint64_t)FUSE_EXT_ATOMIC_CREATE;
	/*
	 * Under libfuse's loops, the stock driver has to keep splice: learn first
	 * whose driver it is.  Only the first call asks in two steps, before the
	 * loop: a feature in use must not be off for a moment.
	 */
	if (ext && !ext->ext_op.own_loop && !ext->intercepts)
		later = want & FEATURES_INTERCEPTED;
	error = ask_possible(fd, &ioc, want & ~later);
	if (error)
		return error;
	later &= ioc.supported;
	if (later && !io_intercept(ext)) {
		error = ask_possible(fd, &ioc, ioc.want | later);
		if (error)
			return error;
	}
	if (ext)
		ext->negotiated = true;
	reply_allow_flags(ioc.want);
	if (enabled)
		*enabled = ioc.enabled;
	return 0;
}

int fuse_ext_notify_inval_files(struct fuse_session *se, fuse_ino_t ino)
{
	struct fuse_ext_notify_inval_files_out body = { .nodeid = ino };
	/* unique 0 says that it is a notification, error says which */
	struct fuse_out_header header = {
		.len = sizeof(header) + sizeof(body),
		.error = FUSE_NOTIFY_INVAL_FILES,
	};
	struct iovec iov[] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = &body, .iov_len = sizeof(body) },
	};

	return writev(fuse_session_fd(se), iov, 2) < 0 ? -errno : 0;
}
