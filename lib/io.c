// SPDX-License-Identifier: LGPL-2.1
/*
 * io.c - seeing requests under libfuse's own loops, by fuse_session_custom_io().
 * What libfuse does by itself otherwise is done here the same way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"

static const char too_old[] =
	"libfuse before 3.14 has no fuse_session_custom_io(); own_loop works with it";

#ifdef HAVE_CUSTOM_IO

static ssize_t io_read(int fd, void *buffer, size_t size, void *userdata)
{
	ssize_t got = read(fd, buffer, size);

	(void)userdata;
	return got > 0 ? (ssize_t)request_disguise(buffer, got, size) : got;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	return writev(fd, iov, count);
}

static ssize_t io_splice_send(int from, off_t *from_offset, int to, off_t *to_offset, size_t size,
			      unsigned int flags, void *userdata)
{
	(void)userdata;
	return splice(from, from_offset, to, to_offset, size, flags);
}

#ifdef HAVE_CUSTOM_IO_SIZE
static int io_clone_fd(int master)
{
	uint32_t number = master;
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (ioctl(fd, FUSE_DEV_IOC_CLONE, &number) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}
#endif

/* Without splice_receive libfuse doesn't splice requests past io_read(). */
static const struct fuse_custom_io custom_io = {
	.read = io_read,
	.writev = io_writev,
	.splice_send = io_splice_send,
#ifdef HAVE_CUSTOM_IO_SIZE
	.clone_fd = io_clone_fd,
#endif
};

#ifdef HAVE_CUSTOM_IO_SIZE

static int set_custom_io(struct fuse_session *se)
{
	return fuse_session_custom_io_317(se, &custom_io, sizeof(custom_io), fuse_session_fd(se));
}

#else

/* 3.10 has the same soname: there, the library has to load without it */
extern __typeof__(fuse_session_custom_io) fuse_session_custom_io __attribute__((weak));

static int set_custom_io(struct fuse_session *se)
{
	if (!fuse_session_custom_io)
		return -ENOSYS;
	return fuse_session_custom_io(se, &custom_io, fuse_session_fd(se));
}

#endif

int io_intercept(struct ext *ext)
{
	int error;

	if (ext->ext_op.own_loop || ext->intercepts)
		return 0;
	/* threads of the loop may be reading by now */
	if (ext->negotiated) {
		ext->obstacle = "the first fuse_ext_negotiate() of the session didn't ask for it";
		return -EBUSY;
	}
	error = set_custom_io(ext->se);
	switch (error) {
	case 0:
		ext->intercepts = true;
		break;
	case -ENOSYS:
		ext->obstacle = too_old;
		break;
	case -ENOTSUP:
		ext->obstacle = "this libfuse was built without custom io; own_loop works with it";
		break;
	default:
		ext->obstacle = "fuse_session_custom_io() failed; own_loop works without it";
	}
	return error;
}

#else /* HAVE_CUSTOM_IO */

int io_intercept(struct ext *ext)
{
	if (ext->ext_op.own_loop)
		return 0;
	ext->obstacle = too_old;
	return -ENOSYS;
}

#endif /* HAVE_CUSTOM_IO */
