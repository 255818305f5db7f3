// SPDX-License-Identifier: GPL-2.0
/*
 * client-faults-server.c - the calls of a FUSE server, and of whoever mounts it, in
 * which allocations are made to fail.  This process is both, and the only client: a
 * thread of it answers what isn't the call in question.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/fuse_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <unistd.h>

#include "answers.h"
#include "client-faults.h"
#include "device.h"
#include "fxclient.h"
#include "wire.h"

#define FILE_NODE	2
#define FILE_SIZE	4096
#define EVERY_OPTION \
	"async_flush=on,sync_release=on,atomic_create=on,syncfs=on,inval_files=on"

/* Before FUSE_KERNEL_MINOR_VERSION 23 it was shorter: what the kernel reads of it. */
struct init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint32_t background;
	uint32_t max_write;
	uint32_t time_gran;
	uint32_t rest[9];
};

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static void must(int error, const char *what)
{
	if (error) {
		fprintf(stderr, "fxclient: %s: %s\n", what, strerror(error));
		exit(1);
	}
}

static int answer_init(int device, const struct fuse_in_header *in)
{
	struct init_out out = { .major = 7, .minor = 31, .max_write = 4096, .time_gran = 1 };

	return device_reply(device, in, 0, &out, sizeof(out));
}

static int answer_lookup(int device, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { .nodeid = FILE_NODE };

	if (strcmp(name, "file"))
		return device_reply(device, in, ENOENT, NULL, 0);
	plain_attr(&out.attr, FILE_NODE, FILE_SIZE);
	return device_reply(device, in, 0, &out, sizeof(out));
}

static int answer_attr(int device, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { 0 };

	plain_attr(&out.attr, in->nodeid, FILE_SIZE);
	return device_reply(device, in, 0, &out, sizeof(out));
}

void fail_answer(int device, const struct fuse_in_header *in)
{
	static const char data[FILE_SIZE];
	struct fuse_open_out open_out = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(device, in);
		break;
	case FUSE_LOOKUP:
		answer_lookup(device, in, (const char *)(in + 1));
		break;
	case FUSE_GETATTR:
		answer_attr(device, in);
		break;
	case FUSE_OPEN:
		device_reply(device, in, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_READ:
		device_reply(device, in, 0, data, sizeof(data));
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_DESTROY:
		device_reply(device, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		device_reply(device, in, ENOSYS, NULL, 0);
		break;
	}
}

static union {
	struct fuse_in_header header;
	char bytes[FUSE_MIN_READ_BUFFER + 4096];
} request, init_request;

static void *serve(void *data)
{
	int device = *(int *)data;

	while (wire_read_request(device, &request, sizeof(request)) > 0)
		fail_answer(device, &request.header);
	return NULL;
}

static void open_device(struct fail_context *context)
{
	context->fd = device_open("fxclient");
	if (context->fd < 0)
		exit(1);
}

static int mount_with(struct fail_context *context, const char *options, unsigned long flags)
{
	char data[256];

	snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=0,group_id=0,%s",
		 context->fd, options);
	return error_of(mount("fxclient", context->path, "fuse", flags, data));
}

static void be_mounted(struct fail_context *context)
{
	open_device(context);
	must(mount_with(context, "inval_files=on", 0), "mount");
}

static void be_served(struct fail_context *context)
{
	be_mounted(context);
	errno = pthread_create(&context->thread, NULL, serve, &context->fd);
	must(errno, "thread");
}

static void end_thread(struct fail_context *context)
{
	pthread_join(context->thread, NULL);
}

static int run_mount(struct fail_context *context)
{
	return mount_with(context, EVERY_OPTION, 0);
}

static void finish_mount(struct fail_context *context, int error)
{
	if (!error && umount2(context->path, 0) < 0)
		context->wrong++;
	close(context->fd);
}

static int run_remount(struct fail_context *context)
{
	return error_of(mount("none", context->path, "fuse", MS_REMOUNT, EVERY_OPTION));
}

static void finish_served(struct fail_context *context, int error)
{
	(void)error;
	if (umount2(context->path, 0) < 0)
		context->wrong++;
	end_thread(context);
	close(context->fd);
	if (context->other >= 0)
		close(context->other);
}

static int notify(struct fail_context *context)
{
	struct fuse_ext_notify_inval_files_out body = { .nodeid = FILE_NODE };
	struct fuse_out_header out = {
		.len = sizeof(out) + sizeof(body), .error = FUSE_NOTIFY_INVAL_FILES,
	};
	struct iovec parts[2] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = &body, .iov_len = sizeof(body) },
	};

	return error_of(writev(context->fd, parts, 2));
}

static void open_file(struct fail_context *context)
{
	char path[4096];

	be_served(context);
	snprintf(path, sizeof(path), "%s/file", context->path);
	context->other = must_open(path, O_RDONLY);
}

/* If it says that it has done nothing, the file is as good as before. */
static void finish_notify(struct fail_context *context, int error)
{
	char byte;
	int read_error = error_of(pread(context->other, &byte, 1, 0));

	if (read_error != (error ? 0 : EIO))
		context->wrong++;
	close(context->other);
	context->other = -1;
	finish_served(context, error);
}

/* With a workqueue, and work for it. */
static void be_notified(struct fail_context *context)
{
	open_file(context);
	must(notify(context), "notification");
	close(context->other);
	context->other = -1;
}

static int run_umount(struct fail_context *context)
{
	return error_of(umount2(context->path, 0));
}

static void finish_umount(struct fail_context *context, int error)
{
	if (error && umount2(context->path, 0) < 0)
		context->wrong++;
	end_thread(context);
	close(context->fd);
}

static void be_asked(struct fail_context *context)
{
	be_mounted(context);
	must(wire_read_request(context->fd, &init_request, sizeof(init_request)) < 0 ? errno : 0,
	     "INIT");
}

static int run_init(struct fail_context *context)
{
	return answer_init(context->fd, &init_request.header);
}

static int run_read_device(struct fail_context *context)
{
	return error_of(read(context->fd, &init_request, sizeof(init_request)));
}

static void finish_mounted(struct fail_context *context, int error)
{
	finish_mount(context, 0);
	(void)error;
}

static int negotiate(int device)
{
	struct fuse_ext_ioc ioc = {
		.size = sizeof(ioc), .abi = FUSE_EXT_ABI_VERSION, .want = FUSE_EXT_INVAL_FILES,
	};

	return error_of(ioctl(device, FUSE_EXT_IOC_NEGOTIATE, &ioc));
}

static int run_negotiate(struct fail_context *context)
{
	return negotiate(context->fd);
}

static void be_two(struct fail_context *context)
{
	be_served(context);
	context->other = device_open("fxclient");
}

static int run_clone(struct fail_context *context)
{
	int error = error_of(ioctl(context->other, FUSE_DEV_IOC_CLONE, &context->fd));

	return error ? error : negotiate(context->other);
}

const struct fail_call fail_server_calls[] = {
	{ "mount", 0, open_device, run_mount, finish_mount },
	{ "remount", 0, be_served, run_remount, finish_served },
	{ "umount", 0, be_notified, run_umount, finish_umount },
	{ "init", 0, be_asked, run_init, finish_mounted },
	{ "read-device", 0, be_mounted, run_read_device, finish_mounted },
	{ "notify", 0, open_file, notify, finish_notify },
	{ "negotiate", 0, be_served, run_negotiate, finish_served },
	{ "clone", 0, be_two, run_clone, finish_served },
	{ NULL, 0, NULL, NULL, NULL },
};
