/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * fuse_ext.h - the private ABI between fuse_ext.ko and FUSE servers.
 *
 * For servers, in C or C++, that want one of the five features below, and for
 * the module itself.  Not for applications, and not for administrators: their
 * interface is fusectl(8).
 *
 * The numbers are fixed and never reused.  They lie far from the ranges that
 * upstream's <linux/fuse.h> grows in, because the numbers that the original
 * patches used (INIT bit 19, opcode 51, FOPEN bit 6) now mean other things.
 */
#ifndef _LINUX_FUSE_EXT_H
#define _LINUX_FUSE_EXT_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The version of everything in this file; struct fuse_ext_ioc.abi. */
#define FUSE_EXT_ABI_VERSION	1

/*
 * Feature bits: struct fuse_ext_ioc.supported, .want and .enabled, and the
 * last 32 bits of fuse_init_in and fuse_init_out (see FUSE_EXT_INIT).
 */
/* close(2) and exit(2) don't wait for the answer to FLUSH */
#define FUSE_EXT_ASYNC_FLUSH	(1U << 0)
/* close(2) waits for the answer to RELEASE, where FOPEN_SYNC_RELEASE says so */
#define FUSE_EXT_SYNC_RELEASE	(1U << 1)
/* the server may send FUSE_NOTIFY_INVAL_FILES */
#define FUSE_EXT_INVAL_FILES	(1U << 2)
/* syncfs(2) sends FUSE_SYNCFS (mounts by a privileged user only) */
#define FUSE_EXT_SYNCFS		(1U << 3)
/* open(2) with O_CREAT sends FUSE_ATOMIC_CREATE */
#define FUSE_EXT_ATOMIC_CREATE	(1U << 4)

/**
 * struct fuse_ext_ioc - argument of FUSE_EXT_IOC_NEGOTIATE
 * @size:	in: sizeof(struct fuse_ext_ioc), 32
 * @abi:	in: FUSE_EXT_ABI_VERSION
 * @supported:	out: features that this build of the module has
 * @want:	in: features that the server asks for; replaces an earlier call's
 * @enabled:	out: features of @want that are in force now, after the
 *		administrator's toggles
 */
struct fuse_ext_ioc {
	__u32	size;
	__u32	abi;
	__u64	supported;
	__u64	want;
	__u64	enabled;
};

/*
 * Negotiate, on the /dev/fuse descriptor of a mounted filesystem (with
 * libfuse: fuse_session_fd()); before or after INIT, as often as wanted.
 *
 * Errors:
 *  ENOTTY	the descriptor belongs to a driver without this ABI: stock
 *		FUSE, or a descriptor opened before the module was loaded
 *  ENOTCONN	not mounted yet, or not any more
 *  EINVAL	@size or @abi isn't what this header says, or @want has bits
 *		that the module doesn't support; @supported is filled in
 *  EFAULT	the argument can't be read or written
 */
#define FUSE_EXT_IOC_NEGOTIATE	_IOWR(229, 0xF0, struct fuse_ext_ioc)

/*
 * INIT flag bit 62, that is bit 30 of fuse_init_in.flags2.  The kernel sets it
 * and puts the features that it supports in the last 4 bytes of the 64-byte
 * fuse_init_in; a server that sets it in its fuse_init_out.flags2 (with
 * FUSE_INIT_EXT in .flags) puts the features that it wants in the last 4 bytes
 * of the 64-byte fuse_init_out.  Bits that aren't supported are ignored here.
 */
#define FUSE_EXT_INIT		(1ULL << 62)
#define FUSE_EXT_INIT_FLAGS2	(1U << 30)
/* byte offset of the 32-bit feature word in fuse_init_in and fuse_init_out */
#define FUSE_EXT_INIT_OFFSET	60

/*
 * Opcode: fuse_create_in (without O_TRUNC), name, and what else FUSE_CREATE
 * carries.  Either nothing has the name: create a regular file, and answer with
 * fuse_entry_out and fuse_open_out with FOPEN_FILE_CREATED.  Or something has it,
 * of whatever type: answer with fuse_entry_out alone, open and truncate nothing,
 * and don't ask whether the caller may create there; with O_EXCL, EEXIST will do,
 * too.  The entry counts as one lookup.  ENOSYS: LOOKUP and CREATE from now on.
 */
#define FUSE_ATOMIC_CREATE	2048

/*
 * Notification: struct fuse_ext_notify_inval_files_out.  All files of a regular
 * file's inode fail that were opened by an answer to OPEN, CREATE or
 * FUSE_ATOMIC_CREATE whose write(2) returned before that of the notification
 * began, on whatever device of the connection; and none whose answer's write(2)
 * began after that of the notification returned.  Of what they have dirtied,
 * nothing is sent any more; RELEASE is, FLUSH isn't.
 *
 * Errors of the write(2):
 *  ENOSYS	FUSE_EXT_INVAL_FILES isn't enabled
 *  ENOENT	the kernel doesn't know the inode: nobody has it open
 *  EINVAL	a wrong size, flags, padding or node id, or not a regular file;
 *		the stock driver's answer to all of them
 *  ENOMEM	nothing was changed
 */
#define FUSE_NOTIFY_INVAL_FILES	2048

/**
 * struct fuse_ext_notify_inval_files_out - body of FUSE_NOTIFY_INVAL_FILES
 * @nodeid:	the inode whose open files all fail from now on
 * @flags:	0
 * @padding:	0
 */
struct fuse_ext_notify_inval_files_out {
	__u64	nodeid;
	__u32	flags;
	__u32	padding;
};

/*
 * fuse_open_out.open_flags, from a server that asked for the feature.  From
 * any other server the bits go to the stock code as they are.
 */
/* close(2) of this file waits for the answer to RELEASE */
#define FOPEN_SYNC_RELEASE	(1U << 30)
/* reply to FUSE_ATOMIC_CREATE: the file didn't exist, the server made it */
#define FOPEN_FILE_CREATED	(1U << 29)

#endif /* _LINUX_FUSE_EXT_H */
