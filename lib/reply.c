// SPDX-License-Identifier: LGPL-2.1
/*
 * reply.c - replies to open and create with flags for which struct
 * fuse_file_info has no place.  They go out by fuse_reply_buf(), so that libfuse
 * ends the request as it does all others.
 */
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "internal.h"

/* Later than 5.10's <linux/fuse.h>. */
#ifndef FOPEN_NOFLUSH
#define FOPEN_NOFLUSH			(1 << 5)
#endif
#ifndef FOPEN_PARALLEL_DIRECT_WRITES
#define FOPEN_PARALLEL_DIRECT_WRITES	(1 << 6)
#endif
#ifndef FOPEN_PASSTHROUGH
#define FOPEN_PASSTHROUGH		(1 << 7)
#endif

struct create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

/* Who is asked to create atomically may say so, whoever turned that on. */
static atomic_uint allowed = FOPEN_FILE_CREATED;

void reply_allow_flags(uint64_t features)
{
	if (features & FUSE_EXT_SYNC_RELEASE)
		atomic_fetch_or(&allowed, FOPEN_SYNC_RELEASE);
}

static struct fuse_open_out open_out(const struct fuse_file_info *fi, uint32_t flags)
{
	const uint32_t kept = flags & atomic_load(&allowed);
	struct fuse_open_out out = { .fh = fi->fh, .open_flags = kept };

	if (fi->direct_io)
		out.open_flags |= FOPEN_DIRECT_IO;
	if (fi->keep_cache)
		out.open_flags |= FOPEN_KEEP_CACHE;
	if (fi->nonseekable)
		out.open_flags |= FOPEN_NONSEEKABLE;
	if (fi->cache_readdir)
		out.open_flags |= FOPEN_CACHE_DIR;
#ifdef HAVE_NOFLUSH
	if (fi->noflush)
		out.open_flags |= FOPEN_NOFLUSH;
#endif
#ifdef HAVE_PARALLEL_DIRECT_WRITES
	if (fi->parallel_direct_writes)
		out.open_flags |= FOPEN_PARALLEL_DIRECT_WRITES;
#endif
#ifdef HAVE_BACKING_ID
	if (fi->backing_id > 0) {
		int32_t backing = fi->backing_id;

		/* `padding` in headers before 7.40 */
		memcpy((char *)&out + offsetof(struct fuse_open_out, open_flags) +
		       sizeof(out.open_flags), &backing, sizeof(backing));
		out.open_flags |= FOPEN_PASSTHROUGH;
	}
#endif
	return out;
}

/* Seconds as libfuse has them: a double, too large is forever, negative is 0. */
static void split(double time, uint64_t *seconds, uint32_t *nanoseconds)
{
	double fraction;

	*seconds = 0;
	*nanoseconds = 0;
	if (!(time > 0))
		return;
	if (time >= (double)LONG_MAX) {
		*seconds = LONG_MAX;
		return;
	}
	*seconds = (uint64_t)time;
	fraction = (time - (double)*seconds) * 1e9;
	*nanoseconds = fraction > 999999999.0 ? 999999999 : (uint32_t)fraction;
}

static struct fuse_entry_out entry_out(const struct fuse_entry_param *e)
{
	const struct stat *attr = &e->attr;
	struct fuse_entry_out out = {
		.nodeid = e->ino,
		.generation = e->generation,
		.attr = {
			.ino = attr->st_ino,
			.size = attr->st_size,
			.blocks = attr->st_blocks,
			.atime = attr->st_atim.tv_sec,
			.mtime = attr->st_mtim.tv_sec,
			.ctime = attr->st_ctim.tv_sec,
			.atimensec = attr->st_atim.tv_nsec,
			.mtimensec = attr->st_mtim.tv_nsec,
			.ctimensec = attr->st_ctim.tv_nsec,
			.mode = attr->st_mode,
			.nlink = attr->st_nlink,
			.uid = attr->st_uid,
			.gid = attr->st_gid,
			.rdev = attr->st_rdev,
			.blksize = attr->st_blksize,
		},
	};

	split(e->entry_timeout, &out.entry_valid, &out.entry_valid_nsec);
	split(e->attr_timeout, &out.attr_valid, &out.attr_valid_nsec);
	return out;
}

int fuse_ext_reply_open(fuse_req_t req, const struct fuse_file_info *fi, uint32_t flags)
{
	struct fuse_open_out out = open_out(fi, flags & FOPEN_SYNC_RELEASE);

	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

int fuse_ext_reply_create(fuse_req_t req, const struct fuse_entry_param *e,
			  const struct fuse_file_info *fi, uint32_t flags)
{
	struct create_out out = {
		.entry = entry_out(e),
		.open = open_out(fi, flags & (FOPEN_SYNC_RELEASE | FOPEN_FILE_CREATED)),
	};

	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}
