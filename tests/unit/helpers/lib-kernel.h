/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lib-kernel.h - requests to a server, and its replies, through a socket that it
 * takes for /dev/fuse.  For lib-device and lib-passthrough.
 */
#ifndef LIB_KERNEL_H
#define LIB_KERNEL_H

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>

struct reply {
	struct fuse_out_header header;
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	char more[1 << 16];
};

/* our end */
extern int device;

/* The server's end, a descriptor. */
int kernel_open(void);

/* @body, then @name with its end, then @extra bytes that mean nothing */
uint64_t ask(uint32_t opcode, uint64_t node, const void *body, size_t size, const char *name,
	     size_t extra);

/* The next reply, whose size is returned; the test fails without one. */
size_t get(struct reply *reply);

void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void is_equal(const char *what, long long got, long long expected);

#define IS(got, expected)	is_equal(#got, (long long)(got), (long long)(expected))

#endif /* LIB_KERNEL_H */
