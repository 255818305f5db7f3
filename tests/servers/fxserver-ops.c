// SPDX-License-Identifier: GPL-2.0
/*
 * fxserver-ops.c - the FUSE operations of fxserver, on the tree in memory.
 * Delays and injected failures happen before (fxserver.c); an operation only
 * has to answer with call.error where that is set.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "fxserver.h"

static uint64_t next_fh = 1;

static void sent(int result)
{
	if (result < 0)
		log_lost(-result);
}

static void answer(fuse_req_t req, int error)
{
	log_reply(error);
	sent(fuse_reply_err(req, error));
}

/* An injected failure; taken first in every operation. */
static int refused(fuse_req_t req)
{
	if (call.error)
		answer(req, call.error);
	return call.error;
}

static struct fuse_entry_param entry_of(struct node *node)
{
	struct fuse_entry_param entry = {
		.ino = node->attr.st_ino,
		.attr = node->attr,
		.attr_timeout = settings.timeout,
		.entry_timeout = settings.timeout,
	};

	return entry;
}

/* The reply is sent without the lock: it may wait for the kernel. */
static void answer_entry(fuse_req_t req, struct node *node)
{
	struct fuse_entry_param entry = entry_of(node);

	node->lookups++;
	pthread_mutex_unlock(&tree_lock);
	log_reply(0);
	sent(fuse_reply_entry(req, &entry));
}

static void unlock_answer(fuse_req_t req, int error)
{
	pthread_mutex_unlock(&tree_lock);
	answer(req, error);
}

/* The node with the lock taken, or NULL after an answer. */
static struct node *get(fuse_req_t req, fuse_ino_t ino)
{
	struct node *node;

	if (refused(req))
		return NULL;
	pthread_mutex_lock(&tree_lock);
	node = tree_node(ino);
	if (!node)
		unlock_answer(req, ESTALE);
	return node;
}

static void server_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	if (!settings.writeback)
		return;
#ifdef HAVE_FEATURE_FLAG
	fuse_set_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE);
#else
	conn->want |= FUSE_CAP_WRITEBACK_CACHE;
#endif
}

static void server_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *directory = get(req, parent);
	struct entry *entry;

	if (!directory)
		return;
	entry = tree_find(directory, name);
	if (entry)
		answer_entry(req, entry->node);
	else
		unlock_answer(req, ENOENT);
}

static void forget_one(fuse_ino_t ino, uint64_t lookups)
{
	struct node *node;

	pthread_mutex_lock(&tree_lock);
	node = tree_node(ino);
	if (node)
		tree_forget(node, lookups);
	pthread_mutex_unlock(&tree_lock);
}

static void server_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	forget_one(ino, lookups);
	fuse_reply_none(req);
}

static void server_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	size_t i;

	for (i = 0; i < count; i++)
		forget_one(forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void answer_attr(fuse_req_t req, struct node *node)
{
	struct stat attr = node->attr;

	pthread_mutex_unlock(&tree_lock);
	log_reply(0);
	sent(fuse_reply_attr(req, &attr, settings.timeout));
}

static void server_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct node *node = get(req, ino);

	(void)file;
	if (node)
		answer_attr(req, node);
}

static void server_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int set,
			   struct fuse_file_info *file)
{
	struct node *node = get(req, ino);
	struct timespec now;
	int error;

	(void)file;
	if (!node)
		return;
	if (set & FUSE_SET_ATTR_SIZE) {
		error = tree_resize(node, attr->st_size);
		if (error) {
			unlock_answer(req, error);
			return;
		}
		tree_touch(node, 1);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (set & FUSE_SET_ATTR_MODE)
		node->attr.st_mode = (node->attr.st_mode & S_IFMT) | (attr->st_mode & 07777);
	if (set & FUSE_SET_ATTR_UID)
		node->attr.st_uid = attr->st_uid;
	if (set & FUSE_SET_ATTR_GID)
		node->attr.st_gid = attr->st_gid;
	if (set & FUSE_SET_ATTR_ATIME)
		node->attr.st_atim = attr->st_atim;
	if (set & FUSE_SET_ATTR_MTIME)
		node->attr.st_mtim = attr->st_mtim;
	if (set & FUSE_SET_ATTR_ATIME_NOW)
		node->attr.st_atim = now;
	if (set & FUSE_SET_ATTR_MTIME_NOW)
		node->attr.st_mtim = now;
	node->attr.st_ctim = now;
	answer_attr(req, node);
}

static void server_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct node *node = get(req, ino);
	char *target;

	if (!node)
		return;
	target = strdup(node->data ? node->data : "");
	pthread_mutex_unlock(&tree_lock);
	log_reply(0);
	sent(fuse_reply_readlink(req, target));
	free(target);
}

/* A new node with a name, the lock taken; NULL after an answer. */
static struct node *make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			 dev_t rdev)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	struct node *directory = get(req, parent);
	struct node *node;

	if (!directory)
		return NULL;
	if (tree_find(directory, name)) {
		unlock_answer(req, EEXIST);
		return NULL;
	}
	node = tree_new(directory, mode, rdev, caller->uid, caller->gid);
	tree_add(directory, name, node);
	return node;
}

static void server_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			 dev_t rdev)
{
	struct node *node = make(req, parent, name, mode, rdev);

	if (node)
		answer_entry(req, node);
}

static void server_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct node *node = make(req, parent, name, S_IFDIR | mode, 0);

	if (node)
		answer_entry(req, node);
}

static void server_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
			   const char *name)
{
	struct node *node = make(req, parent, name, S_IFLNK | 0777, 0);

	if (!node)
		return;
	node->data = strdup(target);
	node->attr.st_size = strlen(target);
	answer_entry(req, node);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int directory)
{
	struct node *from = get(req, parent);
	struct entry *entry;
	int error = 0;

	if (!from)
		return;
	entry = tree_find(from, name);
	if (!entry)
		error = ENOENT;
	else if (directory && !S_ISDIR(entry->node->attr.st_mode))
		error = ENOTDIR;
	else if (!directory && S_ISDIR(entry->node->attr.st_mode))
		error = EISDIR;
	else if (directory && entry->node->entries)
		error = ENOTEMPTY;
	else
		tree_remove(from, entry);
	unlock_answer(req, error);
}

static void server_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, 0);
}

static void server_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, 1);
}

static int rename_locked(struct node *from, const char *name, struct node *to,
			 const char *newname, unsigned int flags)
{
	struct entry *source = tree_find(from, name);
	struct entry *target = tree_find(to, newname);
	struct node *node;

	if (!source || ((flags & RENAME_EXCHANGE) && !target))
		return ENOENT;
	if ((flags & RENAME_NOREPLACE) && target)
		return EEXIST;
	node = source->node;
	if (flags & RENAME_EXCHANGE) {
		source->node = target->node;
		target->node = node;
		return 0;
	}
	if (target && target->node == node)
		return 0;
	if (target && S_ISDIR(target->node->attr.st_mode) && target->node->entries)
		return ENOTEMPTY;
	if (target)
		tree_remove(to, target);
	tree_add(to, newname, node);
	tree_remove(from, source);
	return 0;
}

static void server_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
			  fuse_ino_t newparent, const char *newname, unsigned int flags)
{
	struct node *from = get(req, parent);
	struct node *to;

	if (!from)
		return;
	to = tree_node(newparent);
	unlock_answer(req, to ? rename_locked(from, name, to, newname, flags) : ESTALE);
}

static void server_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent,
			const char *newname)
{
	struct node *node = get(req, ino);
	struct node *directory;

	if (!node)
		return;
	directory = tree_node(newparent);
	if (!directory) {
		unlock_answer(req, ESTALE);
	} else if (tree_find(directory, newname)) {
		unlock_answer(req, EEXIST);
	} else {
		tree_add(directory, newname, node);
		answer_entry(req, node);
	}
}

static void prepare_file(struct fuse_file_info *file)
{
	file->fh = __atomic_fetch_add(&next_fh, 1, __ATOMIC_RELAXED);
	file->direct_io = settings.direct_io;
	file->keep_cache = settings.keep_cache;
	file->nonseekable = settings.nonseekable;
	call.fh = file->fh;
}

static void server_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct node *node = get(req, ino);

	if (!node)
		return;
	if (file->flags & O_TRUNC) {
		tree_resize(node, 0);
		tree_touch(node, 1);
	}
	pthread_mutex_unlock(&tree_lock);
	prepare_file(file);
	log_reply(0);
	sent(fuse_reply_open(req, file));
}

static void server_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			  struct fuse_file_info *file)
{
	struct node *node = make(req, parent, name, S_IFREG | mode, 0);
	struct fuse_entry_param entry;

	if (!node)
		return;
	entry = entry_of(node);
	node->lookups++;
	pthread_mutex_unlock(&tree_lock);
	prepare_file(file);
	log_reply(0);
	sent(fuse_reply_create(req, &entry, file));
}

static void server_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			struct fuse_file_info *file)
{
	struct node *node = get(req, ino);
	char *data;

	(void)file;
	if (!node)
		return;
	if (offset >= node->attr.st_size)
		size = 0;
	else if (size > (size_t)(node->attr.st_size - offset))
		size = node->attr.st_size - offset;
	data = malloc(size ? size : 1);
	if (!data) {
		unlock_answer(req, ENOMEM);
		return;
	}
	if (size)
		memcpy(data, node->data + offset, size);
	pthread_mutex_unlock(&tree_lock);
	log_reply(0);
	sent(fuse_reply_buf(req, data, size));
	free(data);
}

static void server_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
			 off_t offset, struct fuse_file_info *file)
{
	struct node *node = get(req, ino);
	int error = 0;

	(void)file;
	if (!node)
		return;
	if (offset + (off_t)size > node->attr.st_size)
		error = tree_resize(node, offset + size);
	if (error) {
		unlock_answer(req, error);
		return;
	}
	memcpy(node->data + offset, data, size);
	tree_touch(node, 1);
	pthread_mutex_unlock(&tree_lock);
	log_reply(0);
	sent(fuse_reply_write(req, size));
}

static void server_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct node *node;

	if (settings.flush_peer)
		peer_ask();
	node = get(req, ino);
	if (!node)
		return;
	locks_drop(node, file->lock_owner, 0);
	unlock_answer(req, 0);
}

static void server_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct node *node = get(req, ino);

	if (!node)
		return;
	if (file->flock_release)
		locks_drop(node, file->lock_owner, 1);
	unlock_answer(req, 0);
}

static void server_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
			 struct fuse_file_info *file)
{
	(void)ino;
	(void)datasync;
	(void)file;
	if (!refused(req))
		answer(req, 0);
}

static void server_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino;
	if (refused(req))
		return;
	file->fh = __atomic_fetch_add(&next_fh, 1, __ATOMIC_RELAXED);
	call.fh = file->fh;
	log_reply(0);
	sent(fuse_reply_open(req, file));
}

static size_t add_name(fuse_req_t req, char *buffer, size_t room, const char *name,
		       struct node *node, off_t next)
{
	return fuse_add_direntry(req, buffer, room, name, &node->attr, next);
}

static void server_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			   struct fuse_file_info *file)
{
	struct node *directory = get(req, ino);
	struct entry *entry;
	size_t used = 0, more;
	char *buffer;

	(void)file;
	if (!directory)
		return;
	buffer = malloc(size);
	if (!buffer) {
		unlock_answer(req, ENOMEM);
		return;
	}
	if (offset < 1)
		used += add_name(req, buffer, size, ".", directory, 1);
	if (offset < 2)
		used += add_name(req, buffer + used, size - used, "..",
				 directory->parent ? directory->parent : directory, 2);
	for (entry = directory->entries; entry; entry = entry->next) {
		if (entry->offset <= offset)
			continue;
		more = add_name(req, buffer + used, size - used, entry->name, entry->node,
				entry->offset);
		if (more > size - used)
			break;
		used += more;
	}
	pthread_mutex_unlock(&tree_lock);
	log_reply(0);
	sent(fuse_reply_buf(req, buffer, used));
	free(buffer);
}

static void server_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino;
	(void)file;
	if (!refused(req))
		answer(req, 0);
}

static void server_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs statfs = {
		.f_bsize = 4096, .f_frsize = 4096, .f_blocks = 1 << 18, .f_bfree = 1 << 17,
		.f_bavail = 1 << 17, .f_files = 1 << 20, .f_ffree = 1 << 19, .f_namemax = 255,
	};

	(void)ino;
	if (refused(req))
		return;
	log_reply(0);
	sent(fuse_reply_statfs(req, &statfs));
}

static struct xattr **find_xattr(struct node *node, const char *name)
{
	struct xattr **link = &node->xattrs;

	while (*link && strcmp((*link)->name, name))
		link = &(*link)->next;
	return link;
}

static void server_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			    const char *value, size_t size, int flags)
{
	struct node *node = get(req, ino);
	struct xattr **link, *xattr;

	(void)flags;
	if (!node)
		return;
	link = find_xattr(node, name);
	xattr = *link;
	if (!xattr) {
		xattr = calloc(1, sizeof(*xattr));
		if (!xattr)
			abort();
		xattr->name = strdup(name);
		*link = xattr;
	}
	free(xattr->value);
	xattr->value = malloc(size ? size : 1);
	if (!xattr->value)
		abort();
	memcpy(xattr->value, value, size);
	xattr->size = size;
	unlock_answer(req, 0);
}

static void answer_sized(fuse_req_t req, const char *data, size_t used, size_t size)
{
	if (size && used > size) {
		answer(req, ERANGE);
		return;
	}
	log_reply(0);
	if (size)
		sent(fuse_reply_buf(req, data, used));
	else
		sent(fuse_reply_xattr(req, used));
}

static void server_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct node *node = get(req, ino);
	struct xattr *xattr;
	char value[65536];
	size_t used;

	if (!node)
		return;
	xattr = *find_xattr(node, name);
	if (!xattr) {
		unlock_answer(req, ENODATA);
		return;
	}
	used = xattr->size;
	memcpy(value, xattr->value, used < sizeof(value) ? used : sizeof(value));
	pthread_mutex_unlock(&tree_lock);
	answer_sized(req, value, used, size);
}

static void server_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct node *node = get(req, ino);
	struct xattr *xattr;
	char names[65536];
	size_t used = 0, length;

	if (!node)
		return;
	for (xattr = node->xattrs; xattr; xattr = xattr->next) {
		length = strlen(xattr->name) + 1;
		if (used + length > sizeof(names))
			break;
		memcpy(names + used, xattr->name, length);
		used += length;
	}
	pthread_mutex_unlock(&tree_lock);
	answer_sized(req, names, used, size);
}

static void server_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct node *node = get(req, ino);
	struct xattr **link, *xattr;

	if (!node)
		return;
	link = find_xattr(node, name);
	xattr = *link;
	if (!xattr) {
		unlock_answer(req, ENODATA);
		return;
	}
	*link = xattr->next;
	free(xattr->name);
	free(xattr->value);
	free(xattr);
	unlock_answer(req, 0);
}

static void server_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	(void)ino;
	(void)mask;
	if (!refused(req))
		answer(req, 0);
}

/* struct flock counts in start and length, 0 for "to the end"; we in bounds. */
static struct lock lock_from(const struct flock *flock, uint64_t owner)
{
	struct lock lock = {
		.owner = owner,
		.start = flock->l_start,
		.end = flock->l_len ? (uint64_t)flock->l_start + flock->l_len - 1 : UINT64_MAX,
		.type = flock->l_type,
		.pid = flock->l_pid,
	};

	return lock;
}

static void server_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file,
			 struct flock *flock)
{
	struct node *node = get(req, ino);
	struct lock wanted, *conflict;

	if (!node)
		return;
	wanted = lock_from(flock, file->lock_owner);
	conflict = locks_conflict(node, &wanted);
	flock->l_type = F_UNLCK;
	if (conflict) {
		flock->l_type = conflict->type;
		flock->l_start = conflict->start;
		flock->l_len = conflict->end == UINT64_MAX ? 0 :
			       conflict->end - conflict->start + 1;
		flock->l_pid = conflict->pid;
	}
	pthread_mutex_unlock(&tree_lock);
	log_reply(0);
	sent(fuse_reply_lock(req, flock));
}

static void set_lock(fuse_req_t req, fuse_ino_t ino, const struct lock *wanted, int wait)
{
	struct node *node = get(req, ino);
	struct timespec until;

	if (!node)
		return;
	while (wanted->type != F_UNLCK && locks_conflict(node, wanted)) {
		if (!wait) {
			unlock_answer(req, EAGAIN);
			return;
		}
		if (fuse_req_interrupted(req)) {
			unlock_answer(req, EINTR);
			return;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
		pthread_cond_timedwait(&locks_changed, &tree_lock, &until);
	}
	locks_set(node, wanted);
	unlock_answer(req, 0);
}

static void server_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file,
			 struct flock *flock, int wait)
{
	struct lock wanted = lock_from(flock, file->lock_owner);

	set_lock(req, ino, &wanted, wait);
}

static void server_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file,
			 int operation)
{
	struct lock wanted = {
		.owner = file->lock_owner, .start = 0, .end = UINT64_MAX, .flock = 1,
		.type = operation & LOCK_UN ? F_UNLCK :
			operation & LOCK_EX ? F_WRLCK : F_RDLCK,
	};

	set_lock(req, ino, &wanted, !(operation & LOCK_NB));
}

static void server_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
			     off_t length, struct fuse_file_info *file)
{
	struct node *node = get(req, ino);
	off_t end = offset + length;
	int error = 0;

	(void)file;
	if (!node)
		return;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) {
		error = EOPNOTSUPP;
	} else if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (end > node->attr.st_size)
			end = node->attr.st_size;
		if (offset < end)
			memset(node->data + offset, 0, end - offset);
	} else if (!(mode & FALLOC_FL_KEEP_SIZE) && end > node->attr.st_size) {
		error = tree_resize(node, end);
	}
	unlock_answer(req, error);
}

static void server_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
			 struct fuse_file_info *file)
{
	struct node *node = get(req, ino);
	off_t size;

	(void)file;
	if (!node)
		return;
	size = node->attr.st_size;
	if (offset >= size) {
		unlock_answer(req, ENXIO);
		return;
	}
	pthread_mutex_unlock(&tree_lock);
	log_reply(0);
	sent(fuse_reply_lseek(req, whence == SEEK_HOLE ? size : offset));
}

struct fuse_lowlevel_ops server_operations(void)
{
	struct fuse_lowlevel_ops operations = {
		.init = server_init,
		.lookup = server_lookup,
		.forget = server_forget,
		.forget_multi = server_forget_multi,
		.getattr = server_getattr,
		.setattr = server_setattr,
		.readlink = server_readlink,
		.mknod = server_mknod,
		.mkdir = server_mkdir,
		.unlink = server_unlink,
		.rmdir = server_rmdir,
		.symlink = server_symlink,
		.rename = server_rename,
		.link = server_link,
		.open = server_open,
		.create = server_create,
		.read = server_read,
		.write = server_write,
		.flush = server_flush,
		.release = server_release,
		.fsync = server_fsync,
		.opendir = server_opendir,
		.readdir = server_readdir,
		.releasedir = server_releasedir,
		.fsyncdir = server_fsync,
		.statfs = server_statfs,
		.setxattr = server_setxattr,
		.getxattr = server_getxattr,
		.listxattr = server_listxattr,
		.removexattr = server_removexattr,
		.access = server_access,
		.fallocate = server_fallocate,
		.lseek = server_lseek,
	};

	/* libfuse asks the kernel for remote locks when these are there */
	if (settings.locks) {
		operations.getlk = server_getlk;
		operations.setlk = server_setlk;
		operations.flock = server_flock;
	}
	return operations;
}
