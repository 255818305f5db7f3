// SPDX-License-Identifier: GPL-2.0
/*
 * passthrough_ext.c - a FUSE server that shows a directory at another place, and
 * uses all that fuse_ext has.  An example of libfuse-ext(3), and what its
 * end-to-end tests run; not a file system to keep data on.
 *
 * What it asks fuse_ext for, and why:
 *   async_flush   close(2) need not wait for the host's close(2)
 *   sync_release  but of a file that was written, so that nobody finds it busy
 *   syncfs        becomes syncfs(2) of the directory's filesystem
 *   atomic_create one request instead of two for a new file
 *   inval_files   `inval PATH`, written to the fifo of --control
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 35
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_ext.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <linux/securebits.h>

#define BUCKETS	65536
/* "/proc/self/fd/" and a number */
#define PROC_PATH_SIZE	32

/**
 * struct node - an inode that the kernel knows
 * @next:	in its bucket
 * @device:	with @number: the host's name for it
 * @number:	st_ino
 * @fd:		opened with O_PATH: as long as we have it, @number isn't reused
 * @lookups:	how often the kernel was told of it, less what it forgot
 */
struct node {
	struct node *next;
	dev_t device;
	ino_t number;
	int fd;
	uint64_t lookups;
};

/**
 * struct directory - an open directory
 * @lock:	protects all below
 * @stream:	the host's
 * @offset:	where @stream is
 * @pending:	read, but it didn't fit into the last reply
 */
struct directory {
	pthread_mutex_t lock;
	DIR *stream;
	off_t offset;
	struct dirent *pending;
};

/* What the command line says; constant once the server serves. */
static struct {
	uint64_t want;
	double timeout;
	unsigned int threads;
	bool foreground;
	bool libfuse_loop;
	bool clone_fd;
	bool library_create;
	bool writeback;
	bool readdirplus;
	bool xattr;
	bool flock;
	const char *control;
	char *options;
} settings = {
	.want = FUSE_EXT_ASYNC_FLUSH | FUSE_EXT_SYNC_RELEASE | FUSE_EXT_INVAL_FILES |
		FUSE_EXT_SYNCFS | FUSE_EXT_ATOMIC_CREATE,
	.timeout = 1.0,
	.threads = 8,
	.readdirplus = true,
	.xattr = true,
};

static struct fuse_session *session;
static bool as_root;

/* Who takes commands. */
static struct {
	pthread_t thread;
	int fd;
	bool running;
} control;

/* protects nodes and their lookups */
static pthread_mutex_t nodes_lock = PTHREAD_MUTEX_INITIALIZER;
static struct node *nodes[BUCKETS];
static struct node root = { .lookups = 1 };

static struct node *node_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)ino;
}

static fuse_ino_t ino_of(const struct node *node)
{
	return node == &root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)node;
}

static int fd_of(fuse_ino_t ino)
{
	return node_of(ino)->fd;
}

/* The host opens, changes and links an O_PATH descriptor by this name only. */
static const char *proc_path(char *path, int fd)
{
	snprintf(path, PROC_PATH_SIZE, "/proc/self/fd/%d", fd);
	return path;
}

static struct node **bucket_of(dev_t device, ino_t number)
{
	uint64_t hash = (number + device * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

	return &nodes[(hash >> 32) % BUCKETS];
}

/* With the lock held. */
static struct node *node_find(dev_t device, ino_t number)
{
	struct node *node = *bucket_of(device, number);

	if (root.device == device && root.number == number)
		return &root;
	while (node && (node->device != device || node->number != number))
		node = node->next;
	return node;
}

/*
 * One lookup more of the inode behind @fd, which is closed or kept.  The
 * descriptor comes before the search: while it is open, a node with the same
 * number is the same inode.
 */
static struct node *node_get(int fd, const struct stat *attr)
{
	struct node *fresh = calloc(1, sizeof(*fresh));
	struct node **bucket = bucket_of(attr->st_dev, attr->st_ino);
	struct node *node;

	if (!fresh) {
		close(fd);
		return NULL;
	}
	pthread_mutex_lock(&nodes_lock);
	node = node_find(attr->st_dev, attr->st_ino);
	if (!node) {
		node = fresh;
		node->device = attr->st_dev;
		node->number = attr->st_ino;
		node->fd = fd;
		node->next = *bucket;
		*bucket = node;
	}
	node->lookups++;
	pthread_mutex_unlock(&nodes_lock);
	if (node != fresh) {
		free(fresh);
		close(fd);
	}
	return node;
}

static void node_forget(struct node *node, uint64_t lookups)
{
	struct node **link;

	pthread_mutex_lock(&nodes_lock);
	node->lookups -= lookups;
	if (node == &root || node->lookups) {
		pthread_mutex_unlock(&nodes_lock);
		return;
	}
	link = bucket_of(node->device, node->number);
	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	pthread_mutex_unlock(&nodes_lock);
	close(node->fd);
	free(node);
}

/* 0 with a lookup counted, or errno; @fd is taken. */
static int entry_of(int fd, struct fuse_entry_param *entry)
{
	struct node *node;
	int error;

	memset(entry, 0, sizeof(*entry));
	if (fstatat(fd, "", &entry->attr, AT_EMPTY_PATH) < 0) {
		error = errno;
		close(fd);
		return error;
	}
	node = node_get(fd, &entry->attr);
	if (!node)
		return ENOMEM;
	entry->ino = ino_of(node);
	entry->attr_timeout = settings.timeout;
	entry->entry_timeout = settings.timeout;
	return 0;
}

static int look_up(fuse_ino_t parent, const char *name, struct fuse_entry_param *entry)
{
	int fd = openat(fd_of(parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? errno : entry_of(fd, entry);
}

static void answer_entry(fuse_req_t req, int error, const struct fuse_entry_param *entry)
{
	if (error)
		fuse_reply_err(req, error);
	else if (fuse_reply_entry(req, entry) < 0)
		node_forget(node_of(entry->ino), 1);
}

static void answer_result(fuse_req_t req, int result)
{
	fuse_reply_err(req, result < 0 ? errno : 0);
}

/*
 * What is made belongs to the caller.  Whether it may was decided by the kernel
 * (default_permissions), and our capabilities stay (SECBIT_NO_SETUID_FIXUP).
 * Both calls are for this thread alone.
 */
static void become_caller(fuse_req_t req)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);

	if (!as_root)
		return;
	setfsgid(caller->gid);
	setfsuid(caller->uid);
}

/* Keeps errno. */
static void become_server(void)
{
	int error = errno;

	if (as_root) {
		setfsuid(0);
		setfsgid(0);
	}
	errno = error;
}

static void enable(struct fuse_conn_info *connection, unsigned int capability)
{
	if (!(connection->capable & capability))
		return;
#ifdef HAVE_FEATURE_FLAG
	fuse_set_feature_flag(connection, capability);
#else
	connection->want |= capability;
#endif
}

static void server_init(void *data, struct fuse_conn_info *connection)
{
	(void)data;
	enable(connection, FUSE_CAP_SPLICE_WRITE);
	if (settings.writeback)
		enable(connection, FUSE_CAP_WRITEBACK_CACHE);
}

static void server_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	int error = look_up(parent, name, &entry);

	answer_entry(req, error, &entry);
}

static void server_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	node_forget(node_of(ino), lookups);
	fuse_reply_none(req);
}

static void server_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	size_t i;

	for (i = 0; i < count; i++)
		node_forget(node_of(forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

static void server_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat attr;

	(void)fi;
	if (fstatat(fd_of(ino), "", &attr, AT_EMPTY_PATH) < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_attr(req, &attr, settings.timeout);
}

static struct timespec time_to_set(int set, int set_value, int set_now, struct timespec value)
{
	if (set & set_now)
		value.tv_nsec = UTIME_NOW;
	else if (!(set & set_value))
		value.tv_nsec = UTIME_OMIT;
	return value;
}

/* 0 or -1 with errno */
static int set_attr(int fd, const struct stat *attr, int set, struct fuse_file_info *fi)
{
	const struct timespec times[] = {
		time_to_set(set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attr->st_atim),
		time_to_set(set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attr->st_mtim),
	};
	uid_t uid = set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;
	char path[PROC_PATH_SIZE];

	proc_path(path, fd);
	if ((set & FUSE_SET_ATTR_SIZE) &&
	    (fi ? ftruncate(fi->fh, attr->st_size) : truncate(path, attr->st_size)) < 0)
		return -1;
	if ((set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) &&
	    fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return -1;
	/* after chown(2), which clears the set-user-ID bit */
	if ((set & FUSE_SET_ATTR_MODE) && chmod(path, attr->st_mode & 07777) < 0)
		return -1;
	if ((set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
		    FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)) &&
	    utimensat(fd, "", times, AT_EMPTY_PATH) < 0)
		return -1;
	return 0;
}

static void server_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int set,
			   struct fuse_file_info *fi)
{
	if (set_attr(fd_of(ino), attr, set, fi) < 0)
		fuse_reply_err(req, errno);
	else
		server_getattr(req, ino, fi);
}

static void server_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[PATH_MAX + 1];
	ssize_t size = readlinkat(fd_of(ino), "", target, sizeof(target));

	if (size < 0) {
		fuse_reply_err(req, errno);
	} else if (size == sizeof(target)) {
		fuse_reply_err(req, ENAMETOOLONG);
	} else {
		target[size] = '\0';
		fuse_reply_readlink(req, target);
	}
}

/* What @result says was made, or errno. */
static void answer_made(fuse_req_t req, int result, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	int error = result < 0 ? errno : look_up(parent, name, &entry);

	answer_entry(req, error, &entry);
}

static void server_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			 dev_t rdev)
{
	int result;

	become_caller(req);
	result = mknodat(fd_of(parent), name, mode, rdev);
	become_server();
	answer_made(req, result, parent, name);
}

static void server_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	int result;

	become_caller(req);
	result = mkdirat(fd_of(parent), name, mode);
	become_server();
	answer_made(req, result, parent, name);
}

static void server_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
			   const char *name)
{
	int result;

	become_caller(req);
	result = symlinkat(target, fd_of(parent), name);
	become_server();
	answer_made(req, result, parent, name);
}

static void server_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	char path[PROC_PATH_SIZE];
	int error = 0, fd;

	if (linkat(AT_FDCWD, proc_path(path, fd_of(ino)), fd_of(parent), name,
		   AT_SYMLINK_FOLLOW) < 0)
		error = errno;
	if (!error) {
		fd = fcntl(fd_of(ino), F_DUPFD_CLOEXEC, 0);
		error = fd < 0 ? errno : entry_of(fd, &entry);
	}
	answer_entry(req, error, &entry);
}

static void server_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	answer_result(req, unlinkat(fd_of(parent), name, 0));
}

static void server_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	answer_result(req, unlinkat(fd_of(parent), name, AT_REMOVEDIR));
}

static void server_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
			  fuse_ino_t new_parent, const char *new_name, unsigned int flags)
{
	answer_result(req, renameat2(fd_of(parent), name, fd_of(new_parent), new_name, flags));
}

/*
 * The kernel does O_APPEND and O_DIRECT.  With a writeback cache it reads what
 * it writes only in part, from a file that was opened for writing only.
 */
static int host_flags(int flags)
{
	flags &= ~(O_NOFOLLOW | O_APPEND | O_DIRECT | O_CREAT | O_EXCL | O_NOCTTY);
	if (settings.writeback && (flags & O_ACCMODE) == O_WRONLY)
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return flags | O_CLOEXEC;
}

/* Files that were written: who runs or locks them next shall not find them busy. */
static uint32_t ext_flags(int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY ? 0 : FOPEN_SYNC_RELEASE;
}

static void server_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	char path[PROC_PATH_SIZE];
	int fd = open(proc_path(path, fd_of(ino)), host_flags(fi->flags));

	if (fd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	fi->fh = fd;
	if (fuse_ext_reply_open(req, fi, ext_flags(fi->flags)) < 0)
		close(fd);
}

/* A new file, opened: 0 or errno.  With @exclusive it is certainly new. */
static int make_file(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		     struct fuse_file_info *fi, bool exclusive,
		     struct fuse_entry_param *entry)
{
	int flags = host_flags(fi->flags) | O_CREAT | O_NOFOLLOW;
	char path[PROC_PATH_SIZE];
	int fd, node_fd, error;

	if (exclusive || (fi->flags & O_EXCL))
		flags |= O_EXCL;
	become_caller(req);
	fd = openat(fd_of(parent), name, flags, mode);
	become_server();
	if (fd < 0)
		return errno;
	/* not by its name, which may be another file's by now */
	node_fd = open(proc_path(path, fd), O_PATH | O_CLOEXEC);
	error = node_fd < 0 ? errno : entry_of(node_fd, entry);
	if (error) {
		close(fd);
		return error;
	}
	fi->fh = fd;
	return 0;
}

static void answer_created(fuse_req_t req, const struct fuse_entry_param *entry,
			   struct fuse_file_info *fi, uint32_t flags)
{
	flags |= ext_flags(fi->flags);
	if (fuse_ext_reply_create(req, entry, fi, flags) < 0) {
		close(fi->fh);
		node_forget(node_of(entry->ino), 1);
	}
}

static void server_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			  struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	int error = make_file(req, parent, name, mode, fi, false, &entry);

	if (error)
		fuse_reply_err(req, error);
	else
		answer_created(req, &entry, fi, 0);
}

/* What is there is looked up, never opened; what isn't is made by O_EXCL. */
static void server_atomic_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
				 struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	int error, tries = 0;

	do {
		error = look_up(parent, name, &entry);
		if (!error && (fi->flags & O_EXCL)) {
			node_forget(node_of(entry.ino), 1);
			error = EEXIST;
		}
		if (error != ENOENT) {
			answer_entry(req, error, &entry);
			return;
		}
		error = make_file(req, parent, name, mode, fi, true, &entry);
		/* another one made it just now */
	} while (error == EEXIST && ++tries < 16);
	if (error)
		fuse_reply_err(req, error);
	else
		answer_created(req, &entry, fi, FOPEN_FILE_CREATED);
}

static void server_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			struct fuse_file_info *fi)
{
	struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);

	(void)ino;
	data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	data.buf[0].fd = fi->fh;
	data.buf[0].pos = offset;
	fuse_reply_data(req, &data, FUSE_BUF_SPLICE_MOVE);
}

static void server_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *data,
			     off_t offset, struct fuse_file_info *fi)
{
	struct fuse_bufvec file = FUSE_BUFVEC_INIT(fuse_buf_size(data));
	ssize_t written;

	(void)ino;
	file.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	file.buf[0].fd = fi->fh;
	file.buf[0].pos = offset;
	written = fuse_buf_copy(&file, data, 0);
	if (written < 0)
		fuse_reply_err(req, -written);
	else
		fuse_reply_write(req, written);
}

/* The host tells of errors, of a quota for one, when a descriptor is closed. */
static void server_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	int copy = dup(fi->fh);

	(void)ino;
	answer_result(req, copy < 0 ? -1 : close(copy));
}

static void server_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	close(fi->fh);
	fuse_reply_err(req, 0);
}

static void server_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	answer_result(req, datasync ? fdatasync(fi->fh) : fsync(fi->fh));
}

static void server_syncfs(fuse_req_t req, fuse_ino_t ino)
{
	int fd = openat(fd_of(ino), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || syncfs(fd) < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	fuse_reply_err(req, error);
}

static struct directory *directory_of(struct fuse_file_info *fi)
{
	return (struct directory *)(uintptr_t)fi->fh;
}

static void directory_free(struct directory *directory)
{
	if (directory->stream)
		closedir(directory->stream);
	pthread_mutex_destroy(&directory->lock);
	free(directory);
}

static void server_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct directory *directory = calloc(1, sizeof(*directory));
	int fd, error;

	if (!directory) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_init(&directory->lock, NULL);
	fd = openat(fd_of(ino), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		directory->stream = fdopendir(fd);
	if (!directory->stream) {
		error = errno;
		if (fd >= 0)
			close(fd);
		directory_free(directory);
		fuse_reply_err(req, error);
		return;
	}
	fi->fh = (uintptr_t)directory;
	if (fuse_reply_open(req, fi) < 0)
		directory_free(directory);
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/*
 * The size that the entry takes; more than there is room for if it doesn't fit,
 * 0 if there is no such file any more, or -errno.
 */
static ssize_t add_entry(fuse_req_t req, fuse_ino_t ino, const struct dirent *from, char *buffer,
			 size_t room, bool plus)
{
	struct fuse_entry_param entry = {
		.attr = { .st_ino = from->d_ino, .st_mode = DTTOIF(from->d_type) },
	};
	size_t size;
	int error;

	if (!plus)
		return fuse_add_direntry(req, buffer, room, from->d_name, &entry.attr,
					 from->d_off);
	/* the kernel doesn't take "." and ".." for lookups */
	if (!is_dot(from->d_name)) {
		error = look_up(ino, from->d_name, &entry);
		if (error)
			return error == ENOENT ? 0 : -error;
	}
	size = fuse_add_direntry_plus(req, buffer, room, from->d_name, &entry, from->d_off);
	if (size > room && entry.ino)
		node_forget(node_of(entry.ino), 1);
	return size;
}

/* The number of bytes, or -errno. */
static ssize_t fill(fuse_req_t req, fuse_ino_t ino, struct directory *directory, off_t offset,
		    char *buffer, size_t size, bool plus)
{
	size_t used = 0;
	ssize_t more;

	if (offset != directory->offset) {
		seekdir(directory->stream, offset);
		directory->offset = offset;
		directory->pending = NULL;
	}
	for (;;) {
		if (!directory->pending) {
			errno = 0;
			directory->pending = readdir(directory->stream);
			if (!directory->pending)
				return errno && !used ? -errno : (ssize_t)used;
		}
		more = add_entry(req, ino, directory->pending, buffer + used, size - used, plus);
		/* what was looked up for this reply has to get to the kernel */
		if (more < 0)
			return used ? (ssize_t)used : more;
		if ((size_t)more > size - used)
			return used;
		used += more;
		directory->offset = directory->pending->d_off;
		directory->pending = NULL;
	}
}

static void read_directory(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			   struct fuse_file_info *fi, bool plus)
{
	struct directory *directory = directory_of(fi);
	char *buffer = malloc(size);
	ssize_t used;

	if (!buffer) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_lock(&directory->lock);
	used = fill(req, ino, directory, offset, buffer, size, plus);
	pthread_mutex_unlock(&directory->lock);
	if (used < 0)
		fuse_reply_err(req, -used);
	else
		fuse_reply_buf(req, buffer, used);
	free(buffer);
}

static void server_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			   struct fuse_file_info *fi)
{
	read_directory(req, ino, size, offset, fi, false);
}

static void server_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			       struct fuse_file_info *fi)
{
	read_directory(req, ino, size, offset, fi, true);
}

static void server_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	directory_free(directory_of(fi));
	fuse_reply_err(req, 0);
}

static void server_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
			    struct fuse_file_info *fi)
{
	int fd = dirfd(directory_of(fi)->stream);

	(void)ino;
	answer_result(req, datasync ? fdatasync(fd) : fsync(fd));
}

static void server_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs statfs;

	if (fstatvfs(fd_of(ino), &statfs) < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_statfs(req, &statfs);
}

static void server_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			    size_t size, int flags)
{
	char path[PROC_PATH_SIZE];

	answer_result(req, setxattr(proc_path(path, fd_of(ino)), name, value, size, flags));
}

/* A size of 0 asks for the size. */
static void answer_value(fuse_req_t req, ssize_t got, const char *value, size_t size)
{
	if (got < 0)
		fuse_reply_err(req, errno);
	else if (size)
		fuse_reply_buf(req, value, got);
	else
		fuse_reply_xattr(req, got);
}

static void server_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	char path[PROC_PATH_SIZE];
	char *value = malloc(size ? size : 1);

	if (!value) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	answer_value(req, getxattr(proc_path(path, fd_of(ino)), name, value, size), value, size);
	free(value);
}

static void server_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	char path[PROC_PATH_SIZE];
	char *names = malloc(size ? size : 1);

	if (!names) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	answer_value(req, listxattr(proc_path(path, fd_of(ino)), names, size), names, size);
	free(names);
}

static void server_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	char path[PROC_PATH_SIZE];

	answer_result(req, removexattr(proc_path(path, fd_of(ino)), name));
}

static void server_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
			     off_t length, struct fuse_file_info *fi)
{
	(void)ino;
	answer_result(req, fallocate(fi->fh, mode, offset, length));
}

static void server_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
				   struct fuse_file_info *fi_in, fuse_ino_t ino_out,
				   off_t off_out, struct fuse_file_info *fi_out, size_t len,
				   int flags)
{
	ssize_t copied = copy_file_range(fi_in->fh, &off_in, fi_out->fh, &off_out, len, flags);

	(void)ino_in;
	(void)ino_out;
	if (copied < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_write(req, copied);
}

static void server_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
			 struct fuse_file_info *fi)
{
	off_t result = lseek(fi->fh, offset, whence);

	(void)ino;
	if (result < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_lseek(req, result);
}

struct lock_wait {
	fuse_req_t req;
	int fd;
	int operation;
};

/* flock(2) that blocks can't be interrupted for a request: ask again and again. */
static void *wait_for_lock(void *data)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	struct lock_wait *wait = data;
	int error = 0;

	while (flock(wait->fd, wait->operation | LOCK_NB) < 0) {
		error = errno;
		if (error != EWOULDBLOCK)
			break;
		if (fuse_req_interrupted(wait->req)) {
			error = EINTR;
			break;
		}
		nanosleep(&pause, NULL);
		error = 0;
	}
	fuse_reply_err(wait->req, error);
	free(wait);
	return NULL;
}

/* With --flock only: otherwise the kernel keeps these locks, for this mount. */
static void server_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int operation)
{
	struct lock_wait *wait;
	pthread_t thread;
	int result;

	(void)ino;
	result = flock(fi->fh, operation | LOCK_NB);
	if (!result || errno != EWOULDBLOCK || (operation & LOCK_NB)) {
		answer_result(req, result);
		return;
	}
	wait = malloc(sizeof(*wait));
	if (!wait) {
		fuse_reply_err(req, ENOLCK);
		return;
	}
	*wait = (struct lock_wait){ .req = req, .fd = fi->fh, .operation = operation };
	if (pthread_create(&thread, NULL, wait_for_lock, wait)) {
		free(wait);
		fuse_reply_err(req, ENOLCK);
		return;
	}
	pthread_detach(thread);
}

static struct fuse_lowlevel_ops operations(void)
{
	struct fuse_lowlevel_ops op = {
		.init = server_init,
		.lookup = server_lookup,
		.forget = server_forget,
		.forget_multi = server_forget_multi,
		.getattr = server_getattr,
		.setattr = server_setattr,
		.readlink = server_readlink,
		.mknod = server_mknod,
		.mkdir = server_mkdir,
		.symlink = server_symlink,
		.link = server_link,
		.unlink = server_unlink,
		.rmdir = server_rmdir,
		.rename = server_rename,
		.open = server_open,
		.create = server_create,
		.read = server_read,
		.write_buf = server_write_buf,
		.flush = server_flush,
		.release = server_release,
		.fsync = server_fsync,
		.opendir = server_opendir,
		.readdir = server_readdir,
		.releasedir = server_releasedir,
		.fsyncdir = server_fsyncdir,
		.statfs = server_statfs,
		.fallocate = server_fallocate,
		.copy_file_range = server_copy_file_range,
		.lseek = server_lseek,
	};

	if (settings.readdirplus)
		op.readdirplus = server_readdirplus;
	if (settings.flock)
		op.flock = server_flock;
	if (settings.xattr) {
		op.setxattr = server_setxattr;
		op.getxattr = server_getxattr;
		op.listxattr = server_listxattr;
		op.removexattr = server_removexattr;
	}
	return op;
}

/* PATH is below the directory that is shown; the answer goes to stdout. */
static void invalidate(const char *path)
{
	struct node *node = NULL;
	struct stat attr;
	int result = -ENOENT;

	while (*path == '/')
		path++;
	if (fstatat(root.fd, path, &attr, AT_SYMLINK_NOFOLLOW) == 0) {
		pthread_mutex_lock(&nodes_lock);
		node = node_find(attr.st_dev, attr.st_ino);
		/* or its number may be another one's when the kernel reads it */
		if (node)
			node->lookups++;
		pthread_mutex_unlock(&nodes_lock);
	}
	if (node) {
		result = fuse_ext_notify_inval_files(session, ino_of(node));
		node_forget(node, 1);
	}
	printf("inval %s: %s\n", path, result ? strerror(-result) : "done");
}

static void obey_line(const char *line)
{
	if (strncmp(line, "inval ", 6) == 0)
		invalidate(line + 6);
	else
		printf("not a command: %s\n", line);
	fflush(stdout);
}

/* Not by stdio, whose lock exit(3) would wait for while we read. */
static void *obey(void *data)
{
	char commands[2 * PATH_MAX], *line, *end;
	size_t used = 0;
	ssize_t got;
	int state;

	(void)data;
	for (;;) {
		got = read(control.fd, commands + used, sizeof(commands) - 1 - used);
		if (got <= 0)
			return NULL;
		/* a command that has begun has to end: it uses the session */
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
		used += got;
		commands[used] = '\0';
		line = commands;
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			obey_line(line);
			line = end + 1;
		}
		used -= line - commands;
		memmove(commands, line, used);
		/* longer than any path */
		if (used == sizeof(commands) - 1)
			used = 0;
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	}
}

/* Opened for writing as well, it has no end when a writer closes it. */
static int start_control(void)
{
	if (!settings.control)
		return 0;
	if (mkfifo(settings.control, 0600) < 0 && errno != EEXIST)
		return -1;
	control.fd = open(settings.control, O_RDWR | O_CLOEXEC);
	if (control.fd < 0)
		return -1;
	errno = pthread_create(&control.thread, NULL, obey, NULL);
	control.running = !errno;
	return errno ? -1 : 0;
}

static void end_control(void)
{
	if (!control.running)
		return;
	pthread_cancel(control.thread);
	pthread_join(control.thread, NULL);
	close(control.fd);
}

static const struct {
	const char *name;
	uint64_t bit;
} features[] = {
	{ "async_flush", FUSE_EXT_ASYNC_FLUSH },
	{ "sync_release", FUSE_EXT_SYNC_RELEASE },
	{ "inval_files", FUSE_EXT_INVAL_FILES },
	{ "syncfs", FUSE_EXT_SYNCFS },
	{ "atomic_create", FUSE_EXT_ATOMIC_CREATE },
};

#define FEATURES	(sizeof(features) / sizeof(features[0]))

/* Without fuse_ext the server does what any other does. */
static void negotiate(void)
{
	const char *why;
	uint64_t enabled;
	size_t i;
	int error = fuse_ext_negotiate(session, settings.want, &enabled);

	if (error) {
		printf("fuse_ext: %s\n", error == -ENOTTY ?
		       "not loaded, or mounted before it was" : strerror(-error));
	}
	for (i = 0; i < FEATURES && !error; i++) {
		why = fuse_ext_unavailable(session, features[i].bit);
		if (!(settings.want & features[i].bit))
			why = "not wanted";
		else if (enabled & features[i].bit)
			why = "on";
		else if (!why)
			why = "not in this module, or turned off by the administrator";
		printf("%s: %s\n", features[i].name, why);
	}
	fflush(stdout);
}

static int serve(void)
{
	struct fuse_loop_config config = {
		.clone_fd = settings.clone_fd, .max_idle_threads = settings.threads,
	};

	if (!settings.libfuse_loop)
		return settings.threads == 1 ? fuse_ext_session_loop(session) :
		       fuse_ext_session_loop_mt(session, settings.threads);
	return settings.threads == 1 ? fuse_session_loop(session) :
	       fuse_session_loop_mt(session, &config);
}

static int open_root(const char *source)
{
	struct stat attr;

	root.fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0 || fstatat(root.fd, "", &attr, AT_EMPTY_PATH) < 0) {
		fprintf(stderr, "passthrough_ext: %s: %s\n", source, strerror(errno));
		return -1;
	}
	root.device = attr.st_dev;
	root.number = attr.st_ino;
	return 0;
}

/* Each inode that the kernel knows takes a descriptor. */
static void raise_limits(void)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };

	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static const char usage[] =
	"Usage: passthrough_ext [OPTION]... SOURCE MOUNTPOINT\n"
	"Show the directory SOURCE at MOUNTPOINT, with the features of fuse_ext.\n"
	"MOUNTPOINT may be /dev/fd/N: a descriptor of /dev/fuse that is mounted.\n"
	"\n"
	"  -f, --foreground       don't go to the background\n"
	"  -o OPTION[,OPTION]...  mount options\n"
	"      --threads N        requests at a time (8)\n"
	"      --timeout SECONDS  how long the kernel may cache names and attributes (1)\n"
	"      --writeback        writeback cache\n"
	"      --flock            flock(2) locks are the host's, too\n"
	"      --control FIFO     take commands there: inval PATH\n"
	"      --library-create   atomic_create by lookup and create, as the library does it\n"
	"      --libfuse-loop     read requests by libfuse's own loop\n"
	"      --clone-fd         with that, a descriptor for each thread\n"
	"      --no-async-flush, --no-sync-release, --no-inval-files, --no-syncfs,\n"
	"      --no-atomic-create don't ask fuse_ext for this\n"
	"      --no-ext           don't ask it for anything\n"
	"      --no-readdirplus, --no-xattr\n"
	"                         be a server that doesn't know these\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit status: 0 unmounted; 1 failure; 2 usage.\n";

enum {
	THREADS = 256, TIMEOUT, WRITEBACK, FLOCK, CONTROL, LIBRARY_CREATE, LIBFUSE_LOOP,
	CLONE_FD, NO_EXT, NO_READDIRPLUS, NO_XATTR,
	NO_FEATURE,	/* and one for each bit */
};

static const struct option long_options[] = {
	{ "foreground", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "threads", required_argument, NULL, THREADS },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "writeback", no_argument, NULL, WRITEBACK },
	{ "flock", no_argument, NULL, FLOCK },
	{ "control", required_argument, NULL, CONTROL },
	{ "library-create", no_argument, NULL, LIBRARY_CREATE },
	{ "libfuse-loop", no_argument, NULL, LIBFUSE_LOOP },
	{ "clone-fd", no_argument, NULL, CLONE_FD },
	{ "no-ext", no_argument, NULL, NO_EXT },
	{ "no-readdirplus", no_argument, NULL, NO_READDIRPLUS },
	{ "no-xattr", no_argument, NULL, NO_XATTR },
	{ "no-async-flush", no_argument, NULL, NO_FEATURE + 0 },
	{ "no-sync-release", no_argument, NULL, NO_FEATURE + 1 },
	{ "no-inval-files", no_argument, NULL, NO_FEATURE + 2 },
	{ "no-syncfs", no_argument, NULL, NO_FEATURE + 3 },
	{ "no-atomic-create", no_argument, NULL, NO_FEATURE + 4 },
	{ NULL, 0, NULL, 0 },
};

/* 0, or -1 if it isn't one. */
static int take_option(int option)
{
	switch (option) {
	case 'f':
		settings.foreground = true;
		return 0;
	case 'o':
		return fuse_opt_add_opt(&settings.options, optarg);
	case THREADS:
		settings.threads = atoi(optarg);
		return settings.threads < 1 || settings.threads > 1024 ? -1 : 0;
	case TIMEOUT:
		settings.timeout = atof(optarg);
		return 0;
	case WRITEBACK:
		settings.writeback = true;
		return 0;
	case FLOCK:
		settings.flock = true;
		return 0;
	case CONTROL:
		settings.control = optarg;
		return 0;
	case LIBRARY_CREATE:
		settings.library_create = true;
		return 0;
	case LIBFUSE_LOOP:
		settings.libfuse_loop = true;
		return 0;
	case CLONE_FD:
		settings.clone_fd = true;
		return 0;
	case NO_EXT:
		settings.want = 0;
		return 0;
	case NO_READDIRPLUS:
		settings.readdirplus = false;
		return 0;
	case NO_XATTR:
		settings.xattr = false;
		return 0;
	}
	if (option < NO_FEATURE || option >= NO_FEATURE + (int)FEATURES)
		return -1;
	settings.want &= ~features[option - NO_FEATURE].bit;
	return 0;
}

static struct fuse_session *make_session(const char *program, const char *source)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_lowlevel_ops op = operations();
	struct fuse_ext_ops ext_op = {
		.atomic_create = settings.library_create ? NULL : server_atomic_create,
		.syncfs = server_syncfs,
		.own_loop = !settings.libfuse_loop,
	};
	struct fuse_session *made = NULL;
	char name[PATH_MAX + sizeof("fsname=")];

	/* there may be a comma in it */
	snprintf(name, sizeof(name), "fsname=%s", source);
	if (!fuse_opt_add_opt(&settings.options, "subtype=passthrough_ext,default_permissions") &&
	    !(as_root && fuse_opt_add_opt(&settings.options, "allow_other")) &&
	    !fuse_opt_add_opt_escaped(&settings.options, name) &&
	    !fuse_opt_add_arg(&args, program) && !fuse_opt_add_arg(&args, "-o") &&
	    !fuse_opt_add_arg(&args, settings.options))
		made = fuse_ext_session_new(&args, &op, sizeof(op), &ext_op, sizeof(ext_op), NULL);
	fuse_opt_free_args(&args);
	free(settings.options);
	return made;
}

/* Threads don't survive fuse_daemonize(): they start after it. */
static int run(const char *mountpoint)
{
	int status = 1;

	if (fuse_set_signal_handlers(session))
		return 1;
	if (fuse_session_mount(session, mountpoint))
		goto no_mount;
	negotiate();
	if (fuse_daemonize(settings.foreground))
		goto no_service;
	if (start_control() < 0)
		fprintf(stderr, "passthrough_ext: %s: %s\n", settings.control, strerror(errno));
	else
		status = serve() ? 1 : 0;
	end_control();
no_service:
	fuse_session_unmount(session);
no_mount:
	fuse_remove_signal_handlers(session);
	return status;
}

int main(int argc, char **argv)
{
	char *source, *mountpoint;
	int option, status = 1;

	while ((option = getopt_long(argc, argv, "fho:", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (take_option(option)) {
			fputs("passthrough_ext: see passthrough_ext --help\n", stderr);
			return 2;
		}
	}
	if (optind != argc - 2) {
		fputs(usage, stderr);
		return 2;
	}
	/* fuse_daemonize() changes to / */
	source = realpath(argv[optind], NULL);
	mountpoint = strncmp(argv[optind + 1], "/dev/fd/", 8) == 0 ?
		     strdup(argv[optind + 1]) : realpath(argv[optind + 1], NULL);
	if (!source || !mountpoint) {
		fprintf(stderr, "passthrough_ext: %s: %s\n", argv[optind + (source ? 1 : 0)],
			strerror(errno));
		return 1;
	}
	if (settings.control && *settings.control != '/') {
		fputs("passthrough_ext: --control needs an absolute path\n", stderr);
		return 2;
	}
	umask(0);
	raise_limits();
	as_root = geteuid() == 0 && prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == 0;
	if (open_root(source) < 0)
		return 1;
	session = make_session(argv[0], source);
	if (session) {
		status = run(mountpoint);
		fuse_ext_session_destroy(session);
	}
	free(source);
	free(mountpoint);
	return status;
}
