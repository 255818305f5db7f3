// SPDX-License-Identifier: GPL-2.0
/*
 * Negotiation with a server: the ioctl on its device, and the extra bit of
 * INIT.  What the administrator allows is in toggle.c.
 */
#include <linux/build_bug.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "internal.h"

static u64 enabled_features(const struct fuse_conn *fc)
{
	u64 enabled = 0;
	int id;

	for (id = 0; id < FUSE_EXT_NR_TOGGLES; id++) {
		if (fuse_ext_server_wants(fc, id) && fuse_ext_value(fc, id) != FUSE_EXT_OFF)
			enabled |= fuse_ext_toggles[id].feature;
	}
	return enabled;
}

/**
 * fuse_ext_ioctl_negotiate - FUSE_EXT_IOC_NEGOTIATE; see <linux/fuse_ext.h>
 * @file:	an open /dev/fuse
 * @arg:	struct fuse_ext_ioc of user space
 */
long fuse_ext_ioctl_negotiate(struct file *file, unsigned long arg)
{
	struct fuse_ext_ioc __user *user = (struct fuse_ext_ioc __user *)arg;
	struct fuse_conn *fc = fuse_ext_device_conn(file);
	struct fuse_ext_ioc ioc;
	bool valid;

	BUILD_BUG_ON(sizeof(struct fuse_ext_ioc) != 32);

	if (!fc || !fuse_ext_connected(fc))
		return -ENOTCONN;
	if (copy_from_user(&ioc, user, sizeof(ioc)))
		return -EFAULT;

	valid = ioc.size == sizeof(ioc) && ioc.abi == FUSE_EXT_ABI_VERSION &&
		!(ioc.want & ~(u64)FUSE_EXT_SUPPORTED);
	if (valid) {
		WRITE_ONCE(fc->ext.want, ioc.want);
		fuse_ext_syncfs_update(fc);
	}

	ioc.supported = FUSE_EXT_SUPPORTED;
	ioc.enabled = enabled_features(fc);
	if (put_user(ioc.supported, &user->supported))
		return -EFAULT;
	if (!valid)
		return -EINVAL;
	return put_user(ioc.enabled, &user->enabled) ? -EFAULT : 0;
}

#ifndef HAVE_INIT_FLAGS2
/* The 48 bytes that fuse_init_in got in 5.17; before, INIT was 16 bytes. */
static const u32 init_tail[12] = {
	[0] = FUSE_EXT_INIT_FLAGS2,
	[11] = FUSE_EXT_SUPPORTED,
};
#endif

/* @args: the INIT that is about to be sent */
void fuse_ext_init_request(struct fuse_args *args)
{
	struct fuse_init_in *in = (struct fuse_init_in *)args->in_args[0].value;

#ifdef HAVE_INIT_FLAGS2
	u32 supported = FUSE_EXT_SUPPORTED;

	BUILD_BUG_ON(sizeof(*in) != FUSE_EXT_INIT_OFFSET + sizeof(supported));
	in->flags2 |= FUSE_EXT_INIT_FLAGS2;
	memcpy((char *)in + FUSE_EXT_INIT_OFFSET, &supported, sizeof(supported));
#else
	BUILD_BUG_ON(sizeof(*in) + sizeof(init_tail) != FUSE_EXT_INIT_OFFSET + sizeof(u32));
	in->flags |= FUSE_INIT_EXT;
	args->in_args[args->in_numargs].size = sizeof(init_tail);
	args->in_args[args->in_numargs].value = init_tail;
	args->in_numargs++;
#endif
}

/* For ext_init: what was said, whatever comes of it. */
static void note_init(struct fuse_conn *fc, const struct fuse_args *args)
{
	const struct fuse_init_in *in = args->in_args[0].value;
	const struct fuse_init_out *out = args->out_args[0].value;
	struct fuse_ext_init *init = &fc->ext.init;
	u32 words[sizeof(*out) / sizeof(u32)];
	u64 flags2 = FUSE_EXT_INIT_FLAGS2;

	/* 5.10 has no names for flags2, and sends what init_tail says. */
#ifdef HAVE_INIT_FLAGS2
	flags2 = in->flags2;
#endif
	memcpy(words, out, sizeof(words));
	init->major = out->major;
	init->minor = out->minor;
	init->offered = in->flags | flags2 << 32;
	init->max_readahead = out->max_readahead;
	/* Servers older than protocol 7.6 have no flags, a short answer no flags2. */
	if (out->minor >= 6)
		init->accepted = out->flags;
	if (args->out_args[0].size == sizeof(*out) && init->accepted & FUSE_INIT_EXT)
		init->accepted |= (u64)words[8] << 32;
	/* show_init() reads the rest after it */
	smp_store_release(&init->is_known, true);
}

/*
 * @args: the INIT that was answered.  Its size is by now that of the answer: a
 * short one has no feature word.  Servers older than protocol 7.6 have no flags.
 */
void fuse_ext_init_reply(struct fuse_conn *fc, const struct fuse_args *args)
{
	const struct fuse_init_out *out = args->out_args[0].value;
	u32 words[sizeof(*out) / sizeof(u32)];

	note_init(fc, args);

	BUILD_BUG_ON(sizeof(*out) != FUSE_EXT_INIT_OFFSET + sizeof(u32));
	if (args->out_args[0].size < sizeof(*out) || out->minor < 6)
		return;
	/* 5.10 has no names for flags2 and what is behind it. */
	memcpy(words, out, sizeof(words));
	if (!(out->flags & FUSE_INIT_EXT) || !(words[8] & FUSE_EXT_INIT_FLAGS2))
		return;
	WRITE_ONCE(fc->ext.want, words[FUSE_EXT_INIT_OFFSET / sizeof(u32)] & FUSE_EXT_SUPPORTED);
	fuse_ext_syncfs_update(fc);
}
