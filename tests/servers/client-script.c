// SPDX-License-Identifier: GPL-2.0
/*
 * client-script.c - fxclient's script: one process, one thread, more than 40
 * different calls in a fixed order, so that two runs send the same requests.
 * Nothing in it depends on time or on the size of read-ahead: files are of one
 * page, or are read with POSIX_FADV_RANDOM.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

#define PAGE	4096

static FILE *results;
static unsigned int steps;
static char buffer[16 * PAGE];

/* Write down the step and its result: they are compared between runs as well. */
static long step(const char *name, long result)
{
	fprintf(results, "%u %s %ld %s\n", ++steps, name, result,
		wire_errno_name(result < 0 ? errno : 0));
	return result;
}

static int open_step(const char *name, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0640);

	step(name, fd < 0 ? -1 : 0);
	return fd;
}

static void directories(void)
{
	struct dirent *entry;
	struct statvfs statvfs_out;
	struct stat st;
	long names = 0;
	DIR *dir;
	int fd;

	step("mkdir", mkdir("dir", 0750));
	step("mkdir-exists", mkdir("dir", 0750));
	step("stat-directory", stat("dir", &st));
	step("stat-missing", stat("dir/missing", &st));
	step("mkdir-nested", mkdir("dir/nested", 0700));
	step("rmdir-not-empty", rmdir("dir"));
	dir = opendir("dir");
	step("opendir", dir ? 0 : -1);
	while (dir && (entry = readdir(dir)))
		names++;
	step("readdir", names);
	if (dir)
		step("closedir", closedir(dir));
	fd = open_step("open-directory", "dir", O_RDONLY | O_DIRECTORY);
	step("fsync-directory", fsync(fd));
	step("close-directory", close(fd));
	step("access", access("dir", W_OK));
	step("statvfs", statvfs("dir", &statvfs_out));
	step("rmdir", rmdir("dir/nested"));
}

static void file_data(void)
{
	struct iovec parts[2] = {
		{ .iov_base = buffer, .iov_len = 10 }, { .iov_base = buffer, .iov_len = 20 },
	};
	struct stat st;
	int fd, copy;

	fd = open_step("create", "file", O_RDWR | O_CREAT | O_EXCL);
	step("write", write(fd, buffer, 100));
	step("pwrite", pwrite(fd, buffer, 50, 200));
	step("writev", writev(fd, parts, 2));
	step("fsync", fsync(fd));
	step("fdatasync", fdatasync(fd));
	step("fstat", fstat(fd, &st));
	step("ftruncate", ftruncate(fd, 120));
	step("close-written", close(fd));

	fd = open_step("open-exclusive-exists", "file", O_RDWR | O_CREAT | O_EXCL);
	fd = open_step("open-create-exists", "file", O_RDWR | O_CREAT);
	step("lseek-end", lseek(fd, 0, SEEK_END));
	step("lseek-data", lseek(fd, 0, SEEK_DATA));
	step("lseek-hole", lseek(fd, 0, SEEK_HOLE));
	step("close", close(fd));

	fd = open_step("open-read", "file", O_RDONLY);
	step("read", read(fd, buffer, 64));
	step("pread", pread(fd, buffer, 64, 100));
	step("close-read", close(fd));

	fd = open_step("open-append", "file", O_WRONLY | O_APPEND);
	step("append", write(fd, buffer, 30));
	step("close-appended", close(fd));
	step("truncate", truncate("file", 40));
	fd = open_step("open-truncate", "file", O_WRONLY | O_TRUNC);
	step("close-truncated", close(fd));

	fd = open_step("create-large", "large", O_RDWR | O_CREAT);
	step("write-large", write(fd, buffer, sizeof(buffer)));
	step("fallocate", fallocate(fd, 0, 0, 20 * PAGE));
	step("punch-hole", fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, PAGE, PAGE));
	step("fadvise-random", posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	step("fadvise-drop", posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	step("pread-one-page", pread(fd, buffer, PAGE, 8 * PAGE));
	copy = open_step("create-copy", "copy", O_RDWR | O_CREAT);
	step("copy-file-range", copy_file_range(fd, NULL, copy, NULL, PAGE, 0));
	step("close-copy", close(copy));
	step("close-large", close(fd));
}

static void mappings(void)
{
	char *map;
	int fd;

	fd = open_step("create-mapped", "mapped", O_RDWR | O_CREAT);
	step("write-mapped", write(fd, buffer, PAGE));
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	step("mmap", map == MAP_FAILED ? -1 : 0);
	if (map != MAP_FAILED) {
		memset(map, 'm', PAGE);
		step("msync", msync(map, PAGE, MS_SYNC));
		step("munmap", munmap(map, PAGE));
	}
	step("close-mapped", close(fd));
	fd = open_step("open-direct", "mapped", O_RDONLY | O_DIRECT);
	if (fd >= 0) {
		map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		step("read-direct", read(fd, map, PAGE));
		munmap(map, PAGE);
		step("close-direct", close(fd));
	}
}

static void names(void)
{
	char target[64];
	struct stat st;
	int fd;

	step("symlink", symlink("file", "link"));
	step("readlink", readlink("link", target, sizeof(target)));
	step("stat-symlink", lstat("link", &st));
	step("link", link("file", "hard"));
	step("rename", rename("hard", "renamed"));
	step("rename-onto", rename("renamed", "copy"));
	step("rename-noreplace", renameat2(AT_FDCWD, "copy", AT_FDCWD, "large", RENAME_NOREPLACE));
	step("rename-exchange", renameat2(AT_FDCWD, "mapped", AT_FDCWD, "large", RENAME_EXCHANGE));
	step("mknod-fifo", mknod("fifo", S_IFIFO | 0600, 0));
	step("mknod-file", mknod("node", S_IFREG | 0600, 0));
	step("mknod-device", mknod("device", S_IFCHR | 0600, makedev(1, 3)));
	step("unlink", unlink("node"));
	step("unlink-missing", unlink("node"));
	fd = open_step("create-orphan", "orphan", O_RDWR | O_CREAT);
	step("unlink-open", unlink("orphan"));
	step("write-orphan", write(fd, buffer, 10));
	step("fstat-orphan", fstat(fd, &st));
	step("close-orphan", close(fd));
}

static void attributes(void)
{
	const struct timespec times[2] = { { 1000000000, 1 }, { 1100000000, 2 } };
	char value[64];

	step("chmod", chmod("file", 0604));
	step("chown", chown("file", 12, 34));
	step("utimensat", utimensat(AT_FDCWD, "file", times, 0));
	step("setxattr", setxattr("file", "user.one", "1", 1, 0));
	step("getxattr", getxattr("file", "user.one", value, sizeof(value)));
	step("getxattr-size", getxattr("file", "user.one", NULL, 0));
	step("getxattr-missing", getxattr("file", "user.two", value, sizeof(value)));
	step("listxattr", listxattr("file", value, sizeof(value)));
	step("removexattr", removexattr("file", "user.one"));
}

static void descriptors(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	struct pollfd poll_in = { .events = POLLIN };
	int fd, again;

	fd = open_step("open-descriptor", "file", O_RDWR);
	again = dup(fd);
	step("dup", again < 0 ? -1 : 0);
	step("close-dup", close(again));
	step("lock", fcntl(fd, F_SETLK, &lock));
	step("lock-get", fcntl(fd, F_GETLK, &lock));
	lock.l_type = F_UNLCK;
	step("lock-drop", fcntl(fd, F_SETLK, &lock));
	step("flock", flock(fd, LOCK_EX | LOCK_NB));
	step("flock-drop", flock(fd, LOCK_UN));
	poll_in.fd = fd;
	step("poll", poll(&poll_in, 1, 0));
	step("ioctl", ioctl(fd, _IO('x', 1), 42));
	step("syncfs", syncfs(fd));
	step("close-descriptor", close(fd));
	fd = open_step("tmpfile", ".", O_RDWR | O_TMPFILE);
	if (fd >= 0)
		step("close-tmpfile", close(fd));
}

int client_script(int argc, char **argv)
{
	results = argc > 1 ? fopen(argv[1], "we") : stdout;
	if (!results || chdir(argv[0]) < 0) {
		fprintf(stderr, "fxclient: %s: %s\n", argv[results ? 0 : 1], strerror(errno));
		return 1;
	}
	umask(022);
	memset(buffer, 's', sizeof(buffer));
	directories();
	file_data();
	mappings();
	names();
	attributes();
	descriptors();
	printf("steps=%u\n", steps);
	if (results != stdout && fclose(results))
		return 1;
	return chdir("/") < 0;
}
