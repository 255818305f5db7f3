// SPDX-License-Identifier: GPL-2.0
/*
 * answer.c - a well-formed answer to any request.  Node ids are few, so that the
 * same one comes again under other names, in other folders and with another type.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fuse_ext.h>
#include <string.h>
#include <sys/stat.h>

#include "answer.h"
#include "wire.h"

#define NODES		24
#define FILE_SIZE	40000

/* What the oldest <linux/fuse.h> here doesn't have: byte offsets, a flag. */
#define IN_FLAGS2	16
#define OUT_FLAGS2	32
#define INIT_EXT	(1U << 30)
#define KNOWN_FLAGS2	0x1ffU	/* to FUSE_ALLOW_IDMAP, of 6.12 */
#define ALLOW_IDMAP	(1U << 8)

static uint32_t type_of(struct random *random, uint64_t nodeid)
{
	static const uint32_t types[] = {
		S_IFDIR, S_IFREG, S_IFLNK, S_IFREG, S_IFDIR, S_IFREG, S_IFIFO, S_IFREG,
	};

	/* a root that is no directory is the end of the round */
	if (random_once(random, nodeid == FUSE_ROOT_ID ? 2000 : 50))
		return types[random_below(random, 8)];
	return nodeid == FUSE_ROOT_ID ? S_IFDIR : types[nodeid % 8];
}

static uint32_t seconds(struct random *random)
{
	static const uint32_t some[] = { 0, 0, 1, 1, 3600, UINT32_MAX };

	return some[random_below(random, 6)];
}

static void fill_attr(struct random *random, struct fuse_attr *attr, uint64_t nodeid,
		      uint32_t type)
{
	attr->ino = nodeid;
	attr->size = random_below(random, 4) ? random_below(random, FILE_SIZE) : FILE_SIZE;
	attr->blocks = attr->size / 512;
	attr->mtime = random_below(random, 3);
	attr->ctime = random_below(random, 3);
	attr->mode = type | 0777;
	attr->nlink = 1 + random_below(random, 2);
	attr->blksize = 4096;
}

static size_t fill_attr_out(struct random *random, void *out, uint64_t nodeid)
{
	struct fuse_attr_out *attr = out;

	attr->attr_valid = seconds(random);
	fill_attr(random, &attr->attr, nodeid, type_of(random, nodeid));
	return sizeof(*attr);
}

/* @type 0: whatever its number says */
static size_t fill_entry(struct random *random, void *out, uint32_t type)
{
	struct fuse_entry_out *entry = out;

	entry->nodeid = FUSE_ROOT_ID + 1 + random_below(random, NODES);
	entry->generation = random_once(random, 20);
	entry->entry_valid = seconds(random);
	entry->attr_valid = seconds(random);
	fill_attr(random, &entry->attr, entry->nodeid,
		  type ? type : type_of(random, entry->nodeid));
	return sizeof(*entry);
}

static size_t fill_open(struct random *random, void *out)
{
	struct fuse_open_out *open = out;
	int bit;

	open->fh = random_below(random, 100);
	/* the eight lowest and ours */
	for (bit = 0; bit < 8; bit++)
		open->open_flags |= (uint32_t)random_once(random, 6) << bit;
	if (random_once(random, 4))
		open->open_flags |= FOPEN_SYNC_RELEASE;
	if (random_once(random, 10))
		open->open_flags |= FOPEN_FILE_CREATED;
	/* the file that passthrough is to use, where younger kernels look for it */
	((uint32_t *)out)[3] = random_below(random, 4);
	return sizeof(*open);
}

static size_t fill_read(struct random *random, const struct fuse_in_header *in, char *out)
{
	const struct fuse_read_in *read = (const void *)(in + 1);
	uint32_t size = read->size < ANSWER_MAX ? read->size : ANSWER_MAX;

	if (random_once(random, 3))
		size = random_below(random, size + 1);
	random_bytes(random, out, size < 64 ? size : 64);
	return size;
}

static size_t fill_names(struct random *random, const struct fuse_in_header *in, char *out,
			 bool plus)
{
	const struct fuse_read_in *read = (const void *)(in + 1);
	uint32_t limit = read->size < 4096 ? read->size : 4096, used = 0, count;

	if (read->offset)
		return 0;
	for (count = random_below(random, 6); count; count--) {
		size_t head = plus ? sizeof(struct fuse_entry_out) : 0;
		struct fuse_dirent *dirent = (void *)(out + used + head);
		uint32_t size = FUSE_DIRENT_ALIGN(head + FUSE_NAME_OFFSET + 5);

		if (used + size > limit)
			break;
		if (plus)
			fill_entry(random, out + used, 0);
		dirent->ino = 1 + random_below(random, NODES);
		dirent->off = used + size;
		dirent->namelen = 5;
		dirent->type = random_below(random, 16);
		memcpy(dirent->name, "name", 4);
		dirent->name[4] = 'a' + random_below(random, 8);
		used += size;
	}
	return used;
}

static size_t fill_init(const struct round *round, struct random *random,
			const struct fuse_in_header *in, size_t in_size, void *out)
{
	const struct fuse_init_in *ask = (const void *)(in + 1);
	struct fuse_init_out *init = out;
	uint32_t take = random_next(random);
	bool wide = in_size >= sizeof(*in) + 64;

	init->major = FUSE_KERNEL_VERSION;
	init->minor = ask->minor;
	init->max_readahead = 1 << random_below(random, 18);
	init->flags = ask->flags & take;
	/* what a server must not refuse, if it is to serve anything */
	init->max_background = 1 + random_below(random, 20);
	init->congestion_threshold = 1 + random_below(random, 20);
	init->max_write = 4096 << random_below(random, 6);
	init->time_gran = 1;
	init->max_pages = 1 + random_below(random, 64);
	if (round->wrong & 1 << WRONG_INIT && random_once(random, 4)) {
		/* in the oldest ones the answers are shorter, and all of ours wrong */
		init->minor = random_once(random, 8) ? random_below(random, 60) :
			      12 + random_below(random, 48);
		init->flags = take;
		init->max_write = random_next(random);
		init->time_gran = random_next(random);
		init->max_pages = random_next(random);
		init->max_background = random_next(random);
	}
	if (wide && random_below(random, 4)) {
		uint32_t features = random_next(random), flags2;

		memcpy(&flags2, (const char *)ask + IN_FLAGS2, sizeof(flags2));
		flags2 = (flags2 & (uint32_t)random_next(random)) | FUSE_EXT_INIT_FLAGS2;
		/* a younger flag may change what other answers are like */
		if (!(round->wrong & 1 << WRONG_INIT))
			flags2 &= KNOWN_FLAGS2 | FUSE_EXT_INIT_FLAGS2;
		/* without default_permissions there is no filesystem then */
		if (!round->default_permissions && !random_once(random, 20))
			flags2 &= ~ALLOW_IDMAP;
		init->flags |= INIT_EXT;
		memcpy((char *)out + OUT_FLAGS2, &flags2, sizeof(flags2));
		memcpy((char *)out + FUSE_EXT_INIT_OFFSET, &features, sizeof(features));
	}
	return sizeof(*init);
}

/*
 * struct fuse_statx_out, which the oldest <linux/fuse.h> here doesn't have: 32 bytes,
 * then a struct of 256 like statx(2)'s.
 */
static size_t fill_statx(struct random *random, char *out, uint64_t nodeid)
{
	uint32_t mask = random_once(random, 2) ? 0x7ff : 0xfff;
	uint16_t mode = type_of(random, nodeid) | 0777;
	uint64_t size = random_below(random, FILE_SIZE);

	if (random_once(random, 20)) {
		random_bytes(random, out, 288);
		return 288;
	}
	((uint64_t *)out)[0] = seconds(random);
	memcpy(out + 32, &mask, sizeof(mask));
	out[32 + 16] = 1;	/* a link */
	memcpy(out + 32 + 28, &mode, sizeof(mode));
	memcpy(out + 32 + 32, &nodeid, sizeof(nodeid));
	memcpy(out + 32 + 40, &size, sizeof(size));
	return 288;
}

static size_t fill_lock(struct random *random, void *out)
{
	struct fuse_lk_out *lock = out;

	lock->lk.start = random_below(random, 10);
	lock->lk.end = random_below(random, 20);
	lock->lk.type = random_below(random, 4);
	lock->lk.pid = random_below(random, 1000);
	return sizeof(*lock);
}

static size_t fill_xattr(struct random *random, const struct fuse_in_header *in, char *out)
{
	const struct fuse_getxattr_in *ask = (const void *)(in + 1);
	uint32_t size = random_below(random, 40);

	if (!ask->size) {
		((struct fuse_getxattr_out *)out)->size = size;
		return sizeof(struct fuse_getxattr_out);
	}
	random_bytes(random, out, size);
	return size < ask->size ? size : ask->size;
}

static size_t fill_ioctl(struct random *random, const struct fuse_in_header *in, void *out)
{
	const struct fuse_ioctl_in *ask = (const void *)(in + 1);
	struct fuse_ioctl_out *ioctl = out;
	size_t more;

	ioctl->flags = random_once(random, 3) ? FUSE_IOCTL_RETRY : 0;
	ioctl->in_iovs = random_below(random, 3);
	ioctl->out_iovs = random_below(random, 3);
	random_bytes(random, (char *)out + sizeof(*ioctl), 64);
	more = 16 * (ioctl->in_iovs + ioctl->out_iovs);
	return sizeof(*ioctl) + (more < ask->out_size ? more : ask->out_size);
}

static size_t fill_write(const struct fuse_in_header *in, void *out)
{
	const struct fuse_write_in *ask = (const void *)(in + 1);

	((struct fuse_write_out *)out)->size = ask->size;
	return sizeof(struct fuse_write_out);
}

/* Created, and open: of FUSE_CREATE and FUSE_TMPFILE. */
static size_t fill_created(struct random *random, char *out)
{
	size_t size = fill_entry(random, out, S_IFREG);

	return size + fill_open(random, out + size);
}

/* Created, or there: then any type, and no more than the entry. */
static size_t fill_atomic(struct random *random, char *out)
{
	size_t size;

	if (random_once(random, 2))
		return fill_entry(random, out, 0);
	size = fill_created(random, out);
	((struct fuse_open_out *)(out + sizeof(struct fuse_entry_out)))->open_flags |=
		FOPEN_FILE_CREATED;
	return size;
}

static size_t answer_node(const struct round *round, struct random *random,
			  const struct fuse_in_header *in, size_t in_size, char *out,
			  int *error)
{
	switch (in->opcode) {
	case FUSE_INIT:
		return fill_init(round, random, in, in_size, out);
	case FUSE_LOOKUP:
		*error = random_once(random, 3) ? ENOENT : 0;
		return fill_entry(random, out, 0);
	case FUSE_MKDIR:
		return fill_entry(random, out, S_IFDIR);
	case FUSE_SYMLINK:
		return fill_entry(random, out, S_IFLNK);
	case FUSE_MKNOD:
	case FUSE_LINK:
		return fill_entry(random, out, S_IFREG);
	case FUSE_CREATE:
	case WIRE_TMPFILE:
		return fill_created(random, out);
	case FUSE_ATOMIC_CREATE:
		return fill_atomic(random, out);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return fill_attr_out(random, out, in->nodeid);
	case WIRE_STATX:
		return fill_statx(random, out, in->nodeid);
	case FUSE_READLINK:
		memcpy(out, "namea", 5);
		return 5;
	case FUSE_STATFS:
		((struct fuse_statfs_out *)out)->st.bsize = 4096;
		((struct fuse_statfs_out *)out)->st.namelen = 255;
		return sizeof(struct fuse_statfs_out);
	default:
		*error = ENOSYS;
		return 0;
	}
}

size_t answer(const struct round *round, struct random *random,
	      const struct fuse_in_header *in, size_t in_size, char *out, int *error)
{
	memset(out, 0, 512);
	*error = 0;
	switch (in->opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return fill_open(random, out);
	case FUSE_READ:
		return fill_read(random, in, out);
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return fill_names(random, in, out, in->opcode == FUSE_READDIRPLUS);
	case FUSE_WRITE:
		return fill_write(in, out);
	case FUSE_COPY_FILE_RANGE:
		((struct fuse_write_out *)out)->size = random_below(random, 5000);
		return sizeof(struct fuse_write_out);
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return fill_xattr(random, in, out);
	case FUSE_GETLK:
		return fill_lock(random, out);
	case FUSE_IOCTL:
		return fill_ioctl(random, in, out);
	case FUSE_POLL:
		((struct fuse_poll_out *)out)->revents = random_below(random, 64);
		return sizeof(struct fuse_poll_out);
	case FUSE_LSEEK:
		((struct fuse_lseek_out *)out)->offset = random_below(random, FILE_SIZE);
		return sizeof(struct fuse_lseek_out);
	case FUSE_BMAP:
		((struct fuse_bmap_out *)out)->block = random_below(random, 10);
		return sizeof(struct fuse_bmap_out);
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
	case FUSE_ACCESS:
	case FUSE_SETLK:
	case FUSE_SETLKW:
	case FUSE_FALLOCATE:
	case WIRE_SYNCFS:
		return 0;
	default:
		return answer_node(round, random, in, in_size, out, error);
	}
}
