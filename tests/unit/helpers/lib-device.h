/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lib-device.h - what the server under test and the device that it is tested
 * with share.  Only for lib-device and lib-server.
 */
#ifndef LIB_DEVICE_H
#define LIB_DEVICE_H

#define FUSE_USE_VERSION 35
#include <fuse_ext.h>
#include <stdbool.h>

/**
 * struct variant - how the server under test is written
 * @later:	it replies from other threads, after its callback has returned
 * @atomic:	it has an atomic_create of its own
 * @sync_release: it opens files with FOPEN_SYNC_RELEASE
 */
struct variant {
	bool later;
	bool atomic;
	bool sync_release;
};

extern struct variant variant;
extern fuse_req_t server_never_answered;

extern const struct fuse_lowlevel_ops server_ops;
void server_syncfs(fuse_req_t req, fuse_ino_t ino);
void server_atomic_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			  struct fuse_file_info *fi);

/* Waits until the server's record is this, or fails the test. */
void server_recorded(const char *expected);
void server_forget_record(void);

/* in the place of ioctl(2): ld --wrap */
int __wrap_ioctl(int fd, unsigned long request, ...);

#endif /* LIB_DEVICE_H */
