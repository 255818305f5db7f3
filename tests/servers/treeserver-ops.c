// SPDX-License-Identifier: GPL-2.0
/*
 * treeserver-ops.c - what treeserver answers, but for the requests that create
 * regular files: see treeserver-create.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse_ext.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answers.h"
#include "treeserver.h"
#include "wire.h"

/* From younger <linux/fuse.h> than the oldest that we compile with. */
#define INIT_EXT	(1U << 30)

/*
 * At the second place, nothing that a path leads to is out of date: names are
 * looked up each time, and bring their attributes.  But for directories, which
 * are made there.
 */
static uint64_t entry_timeout(const struct place *place, const struct tree_node *node)
{
	if (!place->number)
		return settings.timeout;
	return node && S_ISDIR(node->mode) ? 3600 : 0;
}

static uint64_t attr_timeout(const struct place *place)
{
	return place->number ? 1 : settings.timeout;
}

void fill_entry(struct place *place, struct fuse_entry_out *entry,
		const struct tree_node *node)
{
	memset(entry, 0, sizeof(*entry));
	entry->nodeid = node->id;
	entry->entry_valid = entry_timeout(place, node);
	entry->attr_valid = attr_timeout(place);
	tree_attr(&entry->attr, node);
}

/* The kernel may be quicker with FORGET than we are back: counted before. */
int answer_entry(struct place *place, const struct fuse_in_header *in,
		 struct tree_node *node)
{
	struct fuse_entry_out entry;
	int error;

	fill_entry(place, &entry, node);
	node->lookups[place->number]++;
	error = daemon_reply(place, in, 0, &entry, sizeof(entry));
	if (error)
		node->lookups[place->number]--;
	return error;
}

static void answer_lookup(struct place *place, const struct fuse_in_header *in,
			  const char *name)
{
	struct fuse_entry_out nothing = { .entry_valid = entry_timeout(place, NULL) };
	struct tree_node *node = tree_find(tree_node(in->nodeid), name);

	if (node)
		answer_entry(place, in, node);
	else if (nothing.entry_valid)
		daemon_reply(place, in, 0, &nothing, sizeof(nothing));
	else
		daemon_reply(place, in, ENOENT, NULL, 0);
}

static void forget(struct place *place, uint64_t nodeid, uint64_t count)
{
	struct tree_node *node = tree_node(nodeid);

	wire_log(log_file, "forget node=%llu count=%llu", (unsigned long long)nodeid,
		 (unsigned long long)count);
	if (node)
		node->lookups[place->number] -= count;
}

static void take_forgets(struct place *place, const struct fuse_batch_forget_in *batch)
{
	const struct fuse_forget_one *one = (const void *)(batch + 1);
	uint32_t i;

	for (i = 0; i < batch->count; i++)
		forget(place, one[i].nodeid, one[i].nlookup);
}

static void answer_attr(struct place *place, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = attr_timeout(place) };

	tree_attr(&out.attr, tree_node(in->nodeid));
	daemon_reply(place, in, 0, &out, sizeof(out));
}

static void answer_setattr(struct place *place, const struct fuse_in_header *in,
			   const struct fuse_setattr_in *setattr)
{
	struct tree_node *node = tree_node(in->nodeid);

	if (setattr->valid & FATTR_MODE)
		node->mode = (node->mode & S_IFMT) | (setattr->mode & 07777);
	if (setattr->valid & FATTR_UID)
		node->uid = setattr->uid;
	if (setattr->valid & FATTR_GID)
		node->gid = setattr->gid;
	if (setattr->valid & FATTR_SIZE)
		tree_resize(node, setattr->size);
	answer_attr(place, in);
}

/* If there is nothing of that name yet. */
static void answer_make(struct place *place, const struct fuse_in_header *in,
			const char *name, uint32_t mode, uint32_t rdev, const char *target)
{
	struct tree_node *directory = tree_node(in->nodeid);
	struct tree_node *node;

	if (tree_find(directory, name)) {
		daemon_reply(place, in, EEXIST, NULL, 0);
		return;
	}
	node = tree_make(directory, name, in, mode);
	node->rdev = rdev;
	if (target)
		tree_write(node, 0, target, strlen(target));
	answer_entry(place, in, node);
}

static void answer_link(struct place *place, const struct fuse_in_header *in,
			const struct fuse_link_in *link_in)
{
	struct tree_node *node = tree_node(link_in->oldnodeid);
	const char *name = (const char *)(link_in + 1);

	tree_link(tree_node(in->nodeid), name, node);
	answer_entry(place, in, node);
}

/* @names: the old one, and the new one behind it */
static void answer_rename(struct place *place, const struct fuse_in_header *in,
			  uint64_t new_directory, const char *names)
{
	int error = tree_rename(tree_node(in->nodeid), names, tree_node(new_directory),
				names + strlen(names) + 1);

	daemon_reply(place, in, error, NULL, 0);
}

static void answer_open(struct place *place, const struct fuse_in_header *in,
			const struct fuse_open_in *open_in)
{
	struct tree_node *node = tree_node(in->nodeid);
	static uint64_t next_fh = 1ULL << 32;
	struct fuse_open_out out = { .fh = next_fh++ };

	if (in->opcode == FUSE_OPEN)
		out.open_flags = settings.open_flags;
	/* with FUSE_ATOMIC_O_TRUNC only */
	if (in->opcode == FUSE_OPEN && (open_in->flags & O_TRUNC))
		tree_resize(node, 0);
	node->opens++;
	if (reply_open(place, in, node->id, &out, sizeof(out)))
		node->opens--;
}

static void answer_release(struct place *place, const struct fuse_in_header *in)
{
	struct tree_node *node = tree_node(in->nodeid);

	if (node)
		node->opens--;
	daemon_reply(place, in, 0, NULL, 0);
}

static void answer_read(struct place *place, const struct fuse_in_header *in,
			const struct fuse_read_in *read_in)
{
	struct tree_node *node = tree_node(in->nodeid);
	size_t size = plain_read_size(read_in, node->size);

	daemon_reply(place, in, 0, size ? node->data + read_in->offset : NULL, size);
}

/* Where an entry's dirent begins: with READDIRPLUS, what LOOKUP answers is before it. */
static size_t dirent_begin(const struct fuse_in_header *in)
{
	return in->opcode == FUSE_READDIRPLUS ? offsetof(struct fuse_direntplus, dirent) : 0;
}

/* Return: the bytes of the entry in @buffer; 0 if @size is too few */
static size_t put_entry(struct place *place, const struct fuse_in_header *in, char *buffer,
			size_t size, const struct tree_entry *entry, uint64_t position)
{
	size_t begin = dirent_begin(in), length = strlen(entry->name);
	size_t need = FUSE_DIRENT_ALIGN(begin + FUSE_NAME_OFFSET + length);
	struct fuse_dirent *dirent = (void *)(buffer + begin);
	struct tree_node *node = tree_node(entry->nodeid);

	if (need > size)
		return 0;
	if (begin) {
		fill_entry(place, (void *)buffer, node);
		node->lookups[place->number]++;
	}
	dirent->ino = entry->nodeid;
	dirent->off = position;
	dirent->namelen = length;
	dirent->type = (node->mode & S_IFMT) >> 12;
	memcpy(dirent->name, entry->name, length);
	return need;
}

static void answer_readdir(struct place *place, const struct fuse_in_header *in,
			   const struct fuse_read_in *read_in)
{
	char *buffer = calloc(1, read_in->size);
	struct tree_entry *entry = tree_node(in->nodeid)->entries;
	uint64_t position = 0;
	size_t used = 0, more;

	if (!buffer)
		abort();
	for (; entry; entry = entry->next) {
		if (position++ < read_in->offset)
			continue;
		more = put_entry(place, in, buffer + used, read_in->size - used, entry, position);
		if (!more)
			break;
		used += more;
	}
	daemon_reply(place, in, 0, buffer, used);
	free(buffer);
}

static void answer_write(struct place *place, const struct fuse_in_header *in,
			 const struct fuse_write_in *write_in)
{
	struct fuse_write_out out = { .size = write_in->size };

	tree_write(tree_node(in->nodeid), write_in->offset, write_in + 1, write_in->size);
	daemon_reply(place, in, 0, &out, sizeof(out));
}

static void answer_fallocate(struct place *place, const struct fuse_in_header *in,
			     const struct fuse_fallocate_in *fallocate_in)
{
	struct tree_node *node = tree_node(in->nodeid);
	uint64_t end = fallocate_in->offset + fallocate_in->length;

	if (!fallocate_in->mode && end > node->size)
		tree_resize(node, end);
	daemon_reply(place, in, fallocate_in->mode ? EOPNOTSUPP : 0, NULL, 0);
}

/* All of a file is data. */
static void answer_lseek(struct place *place, const struct fuse_in_header *in,
			 const struct fuse_lseek_in *lseek_in)
{
	struct tree_node *node = tree_node(in->nodeid);
	struct fuse_lseek_out out = { .offset = lseek_in->offset };

	if (lseek_in->whence == SEEK_HOLE)
		out.offset = node->size;
	daemon_reply(place, in, lseek_in->offset >= node->size ? ENXIO : 0, &out, sizeof(out));
}

static void answer_ioctl(struct place *place, const struct fuse_in_header *in)
{
	struct fuse_ioctl_out out = { 0 };

	daemon_reply(place, in, 0, &out, sizeof(out));
}

/* As the youngest kernel takes it; older ones take less. */
static void answer_init(struct place *place, const struct fuse_in_header *in,
			const struct fuse_init_in *init)
{
	uint32_t out[16] = { FUSE_KERNEL_VERSION };
	uint32_t offered2 = 0;

	if (in->len >= sizeof(*in) + 5 * sizeof(uint32_t) && (init->flags & INIT_EXT))
		offered2 = ((const uint32_t *)init)[4];
	/* the highest minor that the kernel knows: its flags are asked for */
	out[1] = init->minor;
	out[2] = init->max_readahead;
	out[3] = init->flags & (FUSE_BIG_WRITES | (uint32_t)settings.init_flags);
	out[8] = offered2 & (settings.init_flags >> 32);
	if (out[8])
		out[3] |= INIT_EXT;
	out[5] = 131072;	/* max_write */
	out[6] = 1;		/* time_gran */
	daemon_reply(place, in, 0, out, sizeof(out));
}

static void answer(struct place *place, const struct fuse_in_header *in,
		   const void *arguments)
{
	const struct fuse_mknod_in *mknod_in = arguments;
	const struct fuse_mkdir_in *mkdir_in = arguments;
	const struct fuse_rename_in *rename_in = arguments;
	const struct fuse_rename2_in *rename2_in = arguments;
	const struct fuse_forget_in *forget_in = arguments;
	struct tree_node *node = tree_node(in->nodeid);
	const char *name = arguments;

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(place, in, arguments);
		break;
	case FUSE_LOOKUP:
		answer_lookup(place, in, arguments);
		break;
	case FUSE_FORGET:
		forget(place, in->nodeid, forget_in->nlookup);
		break;
	case FUSE_BATCH_FORGET:
		take_forgets(place, arguments);
		break;
	case FUSE_GETATTR:
		answer_attr(place, in);
		break;
	case FUSE_SETATTR:
		answer_setattr(place, in, arguments);
		break;
	case FUSE_READLINK:
		daemon_reply(place, in, 0, node->data, node->size);
		break;
	case FUSE_SYMLINK:
		answer_make(place, in, name, S_IFLNK | 0777, 0, name + strlen(name) + 1);
		break;
	case FUSE_MKNOD:
		answer_make(place, in, (const char *)(mknod_in + 1), mknod_in->mode,
			    mknod_in->rdev, NULL);
		break;
	case FUSE_MKDIR:
		answer_make(place, in, (const char *)(mkdir_in + 1), S_IFDIR | mkdir_in->mode, 0,
			    NULL);
		break;
	case FUSE_LINK:
		answer_link(place, in, arguments);
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		daemon_reply(place, in, tree_unlink(node, name, in->opcode == FUSE_RMDIR), NULL, 0);
		break;
	case FUSE_RENAME:
		answer_rename(place, in, rename_in->newdir, (const char *)(rename_in + 1));
		break;
	case FUSE_RENAME2:
		answer_rename(place, in, rename2_in->newdir, (const char *)(rename2_in + 1));
		break;
	case FUSE_CREATE:
		answer_create(place, in, arguments);
		break;
	case FUSE_ATOMIC_CREATE:
		answer_atomic_create(place, in, arguments);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer_open(place, in, arguments);
		break;
	case FUSE_READ:
		answer_read(place, in, arguments);
		break;
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		answer_readdir(place, in, arguments);
		break;
	case FUSE_WRITE:
		answer_write(place, in, arguments);
		break;
	case FUSE_FALLOCATE:
		answer_fallocate(place, in, arguments);
		break;
	case FUSE_LSEEK:
		answer_lseek(place, in, arguments);
		break;
	case FUSE_IOCTL:
		answer_ioctl(place, in);
		break;
	case FUSE_STATFS:
		daemon_reply(place, in, 0, &plain_statfs, sizeof(plain_statfs));
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer_release(place, in);
		break;
	/* whoever wants a lock has it */
	case FUSE_SETLK:
	case FUSE_SETLKW:
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_DESTROY:
		daemon_reply(place, in, 0, NULL, 0);
		break;
	case FUSE_INTERRUPT:
		break;
	default:
		daemon_reply(place, in, ENOSYS, NULL, 0);
		break;
	}
}

void answer_request(struct place *place, const struct fuse_in_header *in,
		    const void *arguments, size_t size)
{
	(void)size;
	tree_lock();
	answer(place, in, arguments);
	tree_unlock();
}
