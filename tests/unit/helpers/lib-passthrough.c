// SPDX-License-Identifier: GPL-2.0
/*
 * lib-passthrough.c - plays the kernel for examples/passthrough_ext: one request
 * of each kind, and what it does to the directory that is shown.  In the end
 * everything is forgotten, and the server has no descriptor left of it.
 *
 * Usage: lib-passthrough PROGRAM SOURCE [OPTION...]
 *
 * SOURCE is an empty directory.  Needs root: devices, files of other users.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse_ext.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib-kernel.h"

#define ROOT	1
#define SYNCFS	50
#define NODES	2000

static const char *source;
static pid_t server;
static struct reply reply;

/* what the server was told that the kernel knows */
static struct fuse_forget_one held[NODES];
static unsigned int held_count;

static void hold(uint64_t node)
{
	unsigned int i;

	if (!node)
		fail("node 0");
	for (i = 0; i < held_count; i++)
		if (held[i].nodeid == node)
			break;
	if (i == NODES)
		fail("too many nodes");
	if (i == held_count)
		held[held_count++].nodeid = node;
	held[i].nlookup++;
}

/* The error, 0 or positive; the reply is in @reply, its size behind the header. */
static int answer(uint64_t unique, size_t *size)
{
	size_t got = get(&reply);

	if (reply.header.unique != unique)
		fail("a reply to another request");
	if (size)
		*size = got - sizeof(reply.header);
	return -reply.header.error;
}

static int call(uint32_t opcode, uint64_t node, const void *body, size_t size, const char *name)
{
	return answer(ask(opcode, node, body, size, name, 0), NULL);
}

#define CALL(opcode, node, body)	call(opcode, node, &(body), sizeof(body), NULL)

static uint64_t looked_up(int error)
{
	IS(error, 0);
	hold(reply.entry.nodeid);
	return reply.entry.nodeid;
}

static struct stat host(const char *name)
{
	struct stat attr;
	char *path;

	if (asprintf(&path, "%s/%s", source, name) < 0 || lstat(path, &attr) < 0)
		fail("%s: %s", name, strerror(errno));
	free(path);
	return attr;
}

/* The error; 0 with *fh and *node of a file that was made, *fh 0 of one that was there. */
static int create(uint32_t opcode, uint64_t parent, const char *name, int flags, mode_t mode,
		  uint64_t *node, uint64_t *fh)
{
	const struct fuse_create_in body = {
		.flags = flags | O_CREAT, .mode = S_IFREG | mode, .umask = 022,
	};
	size_t size;
	int error = answer(ask(opcode, parent, &body, sizeof(body), name, 0), &size);

	*fh = 0;
	if (error)
		return error;
	*node = looked_up(0);
	if (size == sizeof(reply.entry))
		return 0;
	IS(size, sizeof(reply.entry) + sizeof(reply.open));
	IS(!!(reply.open.open_flags & FOPEN_FILE_CREATED), opcode == FUSE_ATOMIC_CREATE);
	*fh = reply.open.fh;
	return 0;
}

static uint64_t link_to(uint64_t node, const char *name)
{
	const struct fuse_link_in body = { .oldnodeid = node };

	return looked_up(call(FUSE_LINK, ROOT, &body, sizeof(body), name));
}

/* @body, then a name, then what follows it */
static int call_two(uint32_t opcode, uint64_t node, const void *body, size_t size,
		    const char *name, const void *second, size_t second_size)
{
	size_t name_size = strlen(name) + 1;
	char all[256];

	if (size)
		memcpy(all, body, size);
	memcpy(all + size, name, name_size);
	memcpy(all + size + name_size, second, second_size);
	return call(opcode, node, all, size + name_size + second_size, NULL);
}

static int rename_to(const char *name, const char *new_name, unsigned int flags)
{
	const struct fuse_rename2_in body = { .newdir = ROOT, .flags = flags };

	return call_two(FUSE_RENAME2, ROOT, &body, sizeof(body), name, new_name,
			strlen(new_name) + 1);
}

static uint64_t check_create(uint64_t directory)
{
	uint64_t node, again, fh, none;
	struct fuse_write_in write = { .size = 5 };
	struct fuse_read_in read = { .size = 4096 };
	char data[sizeof(write) + 5];
	size_t size;

	IS(create(FUSE_ATOMIC_CREATE, directory, "file", O_RDWR, 0400, &node, &fh), 0);
	IS(!fh, 0);
	IS(host("dir/file").st_mode, S_IFREG | 0400);
	IS(host("dir/file").st_uid, 101);
	IS(host("dir/file").st_gid, 102);
	write.fh = fh;
	memcpy(data, &write, sizeof(write));
	memcpy(data + sizeof(write), "hello", 5);
	IS(call(FUSE_WRITE, node, data, sizeof(data), NULL), 0);
	read.fh = fh;
	IS(answer(ask(FUSE_READ, node, &read, sizeof(read), NULL, 0), &size), 0);
	IS(size, 5);
	IS(memcmp(&reply.entry, "hello", 5), 0);

	IS(create(FUSE_ATOMIC_CREATE, directory, "file", O_RDWR | O_TRUNC, 0600, &again, &none), 0);
	IS(none, 0);
	IS(again, node);
	IS(host("dir/file").st_size, 5);
	IS(create(FUSE_ATOMIC_CREATE, directory, "file", O_RDWR | O_EXCL, 0600, &again, &none),
	   EEXIST);
	IS(create(FUSE_ATOMIC_CREATE, ROOT, "dir", O_RDWR, 0600, &again, &none), 0);
	IS(none, 0);
	IS(again, directory);
	IS(create(FUSE_ATOMIC_CREATE, node, "file", O_RDWR, 0600, &again, &none), ENOTDIR);

	IS(CALL(FUSE_FLUSH, node, ((struct fuse_flush_in){ .fh = fh })), 0);
	IS(CALL(FUSE_FSYNC, node, ((struct fuse_fsync_in){ .fh = fh })), 0);
	IS(CALL(FUSE_RELEASE, node, ((struct fuse_release_in){ .fh = fh })), 0);
	return node;
}

static uint64_t check_types(void)
{
	static const mode_t modes[] = { S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR };
	uint64_t link;
	char name[16];
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		const struct fuse_mknod_in body = { .mode = modes[i] | 0640, .rdev = 0x103 };

		snprintf(name, sizeof(name), "node%zu", i);
		looked_up(call(FUSE_MKNOD, ROOT, &body, sizeof(body), name));
		IS(reply.entry.attr.mode, modes[i] | 0640);
		IS(host(name).st_mode, modes[i] | 0640);
	}
	IS(host("node3").st_rdev, makedev(1, 3));

	link = looked_up(call_two(FUSE_SYMLINK, ROOT, NULL, 0, "link", "nowhere", 8));
	IS(call(FUSE_READLINK, link, NULL, 0, NULL), 0);
	IS(memcmp(&reply.entry, "nowhere", 7), 0);
	IS(link_to(link, "link2"), link);
	IS(S_ISLNK(host("link2").st_mode), 1);
	IS(host("link").st_nlink, 2);
	return link;
}

static void check_attributes(uint64_t node, uint64_t link)
{
	struct fuse_setattr_in set = {
		.valid = FATTR_MODE | FATTR_SIZE | FATTR_MTIME | FATTR_GID,
		.mode = 02755, .size = 3, .mtime = 12345, .mtimensec = 678, .gid = 5,
	};
	struct stat attr;

	IS(CALL(FUSE_SETATTR, node, set), 0);
	attr = host("dir/file");
	IS(attr.st_mode, S_IFREG | 02755);
	IS(attr.st_size, 3);
	IS(attr.st_mtim.tv_sec, 12345);
	IS(attr.st_mtim.tv_nsec, 678);
	IS(attr.st_gid, 5);
	IS(attr.st_uid, 101);
	/* the link's own, not those of what it points to */
	set = (struct fuse_setattr_in){ .valid = FATTR_UID | FATTR_MTIME, .uid = 7, .mtime = 9 };
	IS(CALL(FUSE_SETATTR, link, set), 0);
	IS(host("link").st_uid, 7);
	IS(host("link").st_mtim.tv_sec, 9);
}

static void check_xattr(uint64_t node)
{
	/* the size of the value, flags */
	static const uint32_t set[] = { 1, 0 };
	struct fuse_getxattr_in want = { .size = 0 };

	IS(call_two(FUSE_SETXATTR, node, set, sizeof(set), "user.a", "x", 1), 0);
	IS(call(FUSE_GETXATTR, node, &want, sizeof(want), "user.a"), 0);
	IS(*(uint32_t *)&reply.entry, 1);
	want.size = 100;
	IS(call(FUSE_GETXATTR, node, &want, sizeof(want), "user.a"), 0);
	IS(*(char *)&reply.entry, 'x');
	IS(CALL(FUSE_LISTXATTR, node, want), 0);
	IS(memcmp(&reply.entry, "user.a", 7), 0);
	IS(call(FUSE_REMOVEXATTR, node, NULL, 0, "user.a"), 0);
	IS(call(FUSE_GETXATTR, node, &want, sizeof(want), "user.a"), ENODATA);
}

static void check_names(uint64_t node)
{
	IS(link_to(node, "hard"), node);
	IS(host("hard").st_nlink, 2);
	IS(rename_to("hard", "link", RENAME_NOREPLACE), EEXIST);
	IS(rename_to("hard", "link", RENAME_EXCHANGE), 0);
	IS(S_ISLNK(host("hard").st_mode), 1);
	IS(rename_to("link", "moved", 0), 0);
	IS(host("moved").st_nlink, 2);
	IS(call(FUSE_LOOKUP, ROOT, NULL, 0, "link"), ENOENT);
	IS(looked_up(call(FUSE_LOOKUP, ROOT, NULL, 0, "moved")), node);
	IS(call(FUSE_UNLINK, ROOT, NULL, 0, "moved"), 0);
	IS(call(FUSE_RMDIR, ROOT, NULL, 0, "dir"), ENOTEMPTY);
}

static void check_ranges(uint64_t from)
{
	struct fuse_fallocate_in allocate = { .length = 1 << 20 };
	struct fuse_lseek_in seek = { .whence = SEEK_HOLE };
	struct fuse_copy_file_range_in copy = { .off_out = 1 << 20, .len = 3 };
	const struct fuse_open_in open = { .flags = O_RDONLY };
	uint64_t node, fh;

	IS(create(FUSE_CREATE, ROOT, "ranges", O_RDWR, 0600, &node, &fh), 0);
	allocate.fh = fh;
	IS(CALL(FUSE_FALLOCATE, node, allocate), 0);
	IS(host("ranges").st_size, 1 << 20);
	IS(CALL(FUSE_OPEN, from, open), 0);
	copy.fh_in = ((struct fuse_open_out *)&reply.entry)->fh;
	copy.nodeid_out = node;
	copy.fh_out = fh;
	IS(CALL(FUSE_COPY_FILE_RANGE, from, copy), 0);
	IS(host("ranges").st_size, (1 << 20) + 3);
	seek.fh = fh;
	IS(CALL(FUSE_LSEEK, node, seek), 0);
	IS(CALL(FUSE_RELEASE, from, ((struct fuse_release_in){ .fh = copy.fh_in })), 0);
	IS(CALL(FUSE_RELEASE, node, ((struct fuse_release_in){ .fh = fh })), 0);
}

/* How many names a directory has, read in pieces that hold a few each. */
static unsigned int read_directory(uint64_t node, uint32_t opcode)
{
	const size_t skip = opcode == FUSE_READDIRPLUS ? sizeof(struct fuse_entry_out) : 0;
	struct fuse_read_in read = { .size = 700 };
	const struct fuse_entry_out *entry;
	const struct fuse_dirent *name;
	size_t size, at;
	unsigned int count = 0;

	IS(CALL(FUSE_OPENDIR, node, ((struct fuse_open_in){ .flags = O_RDONLY })), 0);
	read.fh = ((struct fuse_open_out *)&reply.entry)->fh;
	for (;;) {
		IS(answer(ask(opcode, node, &read, sizeof(read), NULL, 0), &size), 0);
		if (!size)
			break;
		for (at = 0; at < size; count++) {
			entry = (void *)((char *)&reply.entry + at);
			name = (void *)((char *)entry + skip);
			if (skip && entry->nodeid)
				hold(entry->nodeid);
			else if (skip && name->name[0] != '.')
				fail("a name without a node");
			read.offset = name->off;
			at += skip + FUSE_DIRENT_SIZE(name);
		}
	}
	IS(CALL(FUSE_RELEASEDIR, node, ((struct fuse_release_in){ .fh = read.fh })), 0);
	return count;
}

static void check_directory(uint64_t directory)
{
	uint64_t node, fh;
	char name[16];
	int i;

	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "name%d", i);
		IS(create(FUSE_ATOMIC_CREATE, directory, name, O_WRONLY, 0600, &node, &fh), 0);
		IS(CALL(FUSE_RELEASE, node, ((struct fuse_release_in){ .fh = fh })), 0);
	}
	/* with "file", "." and ".." */
	IS(read_directory(directory, FUSE_READDIR), 303);
	IS(read_directory(directory, FUSE_READDIRPLUS), 303);
}

/* How many of the server's descriptors are of the directory that it shows. */
static unsigned int descriptors(void)
{
	char path[64], target[PATH_MAX];
	struct dirent *entry;
	unsigned int count = 0;
	ssize_t size;
	DIR *all;

	snprintf(path, sizeof(path), "/proc/%d/fd", server);
	all = opendir(path);
	if (!all)
		fail("%s: %s", path, strerror(errno));
	while ((entry = readdir(all))) {
		size = readlinkat(dirfd(all), entry->d_name, target, sizeof(target) - 1);
		if (size > 0)
			count += strncmp(target, source, strlen(source)) == 0;
	}
	closedir(all);
	return count;
}

/* One by one, and then in a batch. */
static void forget_all(void)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	struct fuse_batch_forget_in batch = { .count = 0 };
	struct fuse_forget_in one;
	static char body[sizeof(batch) + sizeof(held)];
	unsigned int i, half = held_count / 2;

	for (i = 0; i < half; i++) {
		one.nlookup = held[i].nlookup;
		ask(FUSE_FORGET, held[i].nodeid, &one, sizeof(one), NULL, 0);
	}
	batch.count = held_count - half;
	memcpy(body, &batch, sizeof(batch));
	memcpy(body + sizeof(batch), held + half, batch.count * sizeof(held[0]));
	ask(FUSE_BATCH_FORGET, 0, body, sizeof(batch) + batch.count * sizeof(held[0]), NULL, 0);
	for (i = 0; i < 500 && descriptors() > 1; i++)
		nanosleep(&pause, NULL);
	IS(descriptors(), 1);
}

static void start(char **argv)
{
	char mountpoint[32];
	int fd = kernel_open(), i;
	char **arguments;

	for (i = 0; argv[i]; i++)
		;
	arguments = calloc(i + 3, sizeof(*arguments));
	if (!arguments)
		fail("no memory");
	snprintf(mountpoint, sizeof(mountpoint), "/dev/fd/%d", fd);
	/* the program, -f, options, SOURCE, and the descriptor */
	arguments[0] = argv[0];
	arguments[1] = "-f";
	memcpy(arguments + 2, argv + 2, (i - 2) * sizeof(*arguments));
	arguments[i] = argv[1];
	arguments[i + 1] = mountpoint;
	server = fork();
	if (server < 0)
		fail("fork: %s", strerror(errno));
	if (!server) {
		fcntl(fd, F_SETFD, 0);
		execv(arguments[0], arguments);
		fail("%s: %s", arguments[0], strerror(errno));
	}
	close(fd);
	free(arguments);
}

static void finish(void)
{
	int status;

	kill(server, SIGTERM);
	if (waitpid(server, &status, 0) != server || status)
		fail("the server ended with status 0x%x", status);
}

int main(int argc, char **argv)
{
	static const uint32_t init[4] = { FUSE_KERNEL_VERSION, 31, 65536, ~(1u << 30) };
	static const char zeros[8] = "";
	uint64_t directory, node, link;

	if (argc < 3)
		fail("Usage: lib-passthrough PROGRAM SOURCE [OPTION...]");
	source = argv[2];
	start(argv + 1);
	IS(call(FUSE_INIT, 0, init, sizeof(init), NULL), 0);
	directory = looked_up(call(FUSE_MKDIR, ROOT, &(struct fuse_mkdir_in){ .mode = 0755 },
				   sizeof(struct fuse_mkdir_in), "dir"));
	IS(host("dir").st_uid, 101);
	node = check_create(directory);
	link = check_types();
	check_attributes(node, link);
	check_xattr(node);
	check_names(node);
	check_ranges(node);
	check_directory(directory);
	IS(call(SYNCFS, ROOT, zeros, sizeof(zeros), NULL), 0);
	IS(call(FUSE_STATFS, ROOT, NULL, 0, NULL), 0);
	forget_all();
	finish();
	return 0;
}
