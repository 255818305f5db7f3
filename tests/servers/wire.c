// SPDX-License-Identifier: GPL-2.0
/*
 * wire.c - names, log lines and hexadecimal dumps of FUSE requests.  For the
 * test servers; it looks at requests and never answers one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
	uint32_t opcode;
	const char *name;
	int fh_offset;		/* of a file handle in the arguments, or -1 */
	int owner_offset;	/* of a lock owner, or -1 */
	int name_offset;	/* of a file name, or -1 */
} opcodes[] = {
	{ 1, "LOOKUP", -1, -1, 0 },
	{ 2, "FORGET", -1, -1, -1 },
	{ 3, "GETATTR", 8, -1, -1 },
	{ 4, "SETATTR", 8, 24, -1 },
	{ 5, "READLINK", -1, -1, -1 },
	{ 6, "SYMLINK", -1, -1, 0 },
	{ 8, "MKNOD", -1, -1, 16 },
	{ 9, "MKDIR", -1, -1, 8 },
	{ 10, "UNLINK", -1, -1, 0 },
	{ 11, "RMDIR", -1, -1, 0 },
	{ 12, "RENAME", -1, -1, 8 },
	{ 13, "LINK", -1, -1, 8 },
	{ 14, "OPEN", -1, -1, -1 },
	{ 15, "READ", 0, 24, -1 },
	{ 16, "WRITE", 0, 24, -1 },
	{ 17, "STATFS", -1, -1, -1 },
	{ 18, "RELEASE", 0, 16, -1 },
	{ 20, "FSYNC", 0, -1, -1 },
	{ 21, "SETXATTR", -1, -1, -1 },
	{ 22, "GETXATTR", -1, -1, 8 },
	{ 23, "LISTXATTR", -1, -1, -1 },
	{ 24, "REMOVEXATTR", -1, -1, 0 },
	{ 25, "FLUSH", 0, 16, -1 },
	{ 26, "INIT", -1, -1, -1 },
	{ 27, "OPENDIR", -1, -1, -1 },
	{ 28, "READDIR", 0, 24, -1 },
	{ 29, "RELEASEDIR", 0, 16, -1 },
	{ 30, "FSYNCDIR", 0, -1, -1 },
	{ 31, "GETLK", 0, 8, -1 },
	{ 32, "SETLK", 0, 8, -1 },
	{ 33, "SETLKW", 0, 8, -1 },
	{ 34, "ACCESS", -1, -1, -1 },
	{ 35, "CREATE", -1, -1, 16 },
	{ 36, "INTERRUPT", -1, -1, -1 },
	{ 37, "BMAP", -1, -1, -1 },
	{ 38, "DESTROY", -1, -1, -1 },
	{ 39, "IOCTL", 0, -1, -1 },
	{ 40, "POLL", 0, -1, -1 },
	{ 41, "NOTIFY_REPLY", -1, -1, -1 },
	{ 42, "BATCH_FORGET", -1, -1, -1 },
	{ 43, "FALLOCATE", 0, -1, -1 },
	{ 44, "READDIRPLUS", 0, 24, -1 },
	{ 45, "RENAME2", -1, -1, 16 },
	{ 46, "LSEEK", 0, -1, -1 },
	{ 47, "COPY_FILE_RANGE", 0, -1, -1 },
	{ 48, "SETUPMAPPING", -1, -1, -1 },
	{ 49, "REMOVEMAPPING", -1, -1, -1 },
	{ WIRE_SYNCFS, "SYNCFS", -1, -1, -1 },
	{ WIRE_TMPFILE, "TMPFILE", -1, -1, 16 },
	{ WIRE_STATX, "STATX", 8, -1, -1 },
	{ 53, "COPY_FILE_RANGE_64", 0, -1, -1 },
	{ 2048, "ATOMIC_CREATE", -1, -1, 16 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	int number;
	const char *name;
} errors[] = {
	{ 0, "OK" }, { 0, "0" }, { EPERM, "EPERM" }, { ENOENT, "ENOENT" },
	{ EINTR, "EINTR" }, { EIO, "EIO" }, { EAGAIN, "EAGAIN" },
	{ EACCES, "EACCES" }, { EBUSY, "EBUSY" }, { EEXIST, "EEXIST" },
	{ ENOTDIR, "ENOTDIR" }, { EISDIR, "EISDIR" }, { EINVAL, "EINVAL" },
	{ ENOTTY, "ENOTTY" }, { ETXTBSY, "ETXTBSY" }, { ENOSPC, "ENOSPC" }, { ENOMEM, "ENOMEM" },
	{ EROFS, "EROFS" }, { ERANGE, "ERANGE" }, { ENOSYS, "ENOSYS" },
	{ ENOLCK, "ENOLCK" }, { ENFILE, "ENFILE" },
	{ ENOTEMPTY, "ENOTEMPTY" }, { ENODATA, "ENODATA" },
	{ EOPNOTSUPP, "EOPNOTSUPP" }, { EDQUOT, "EDQUOT" },
	{ ENOTCONN, "ENOTCONN" }, { ECONNABORTED, "ECONNABORTED" },
	{ ESTALE, "ESTALE" }, { ENODEV, "ENODEV" }, { EFAULT, "EFAULT" },
	{ ELOOP, "ELOOP" }, { ENAMETOOLONG, "ENAMETOOLONG" }, { EOVERFLOW, "EOVERFLOW" },
	{ ENXIO, "ENXIO" }, { EXDEV, "EXDEV" }, { EBADF, "EBADF" },
};

static int find(uint32_t opcode)
{
	unsigned int i;

	for (i = 0; i < COUNT(opcodes); i++)
		if (opcodes[i].opcode == opcode)
			return i;
	return -1;
}

const char *wire_opcode_name(uint32_t opcode)
{
	int i = find(opcode);

	return i < 0 ? "UNKNOWN" : opcodes[i].name;
}

int wire_opcode(const char *name)
{
	unsigned int i;

	for (i = 0; i < COUNT(opcodes); i++)
		if (strcasecmp(opcodes[i].name, name) == 0)
			return opcodes[i].opcode;
	return -1;
}

int wire_errno(const char *name)
{
	unsigned int i;
	char *end;
	long number;

	for (i = 0; i < COUNT(errors); i++)
		if (strcasecmp(errors[i].name, name) == 0)
			return errors[i].number;
	number = strtol(name, &end, 10);
	if (end == name || *end || number < 0 || number > 4095)
		return -1;
	return number;
}

const char *wire_errno_name(int error)
{
	unsigned int i;

	for (i = 0; i < COUNT(errors); i++)
		if (errors[i].number == error)
			return errors[i].name;
	return "EOTHER";
}

uint64_t wire_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

ssize_t wire_read_request(int device, void *buffer, size_t size)
{
	ssize_t length;

	do {
		length = read(device, buffer, size);
	} while (length < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN));
	return length;
}

void wire_log(FILE *log, const char *format, ...)
{
	va_list arguments;

	if (!log)
		return;
	pthread_mutex_lock(&log_lock);
	fprintf(log, "%llu ", (unsigned long long)wire_now_ns());
	va_start(arguments, format);
	vfprintf(log, format, arguments);
	va_end(arguments);
	fputc('\n', log);
	fflush(log);
	pthread_mutex_unlock(&log_lock);
}

static uint32_t get32(const uint8_t *args, size_t size, size_t offset)
{
	uint32_t value = 0;

	if (offset + sizeof(value) <= size)
		memcpy(&value, args + offset, sizeof(value));
	return value;
}

static uint64_t get64(const uint8_t *args, size_t size, size_t offset)
{
	uint64_t value = 0;

	if (offset + sizeof(value) <= size)
		memcpy(&value, args + offset, sizeof(value));
	return value;
}

/* The fields that tests ask for; @text must hold 512 bytes. */
static void describe(char *text, uint32_t opcode, const uint8_t *args, size_t size)
{
	int row = find(opcode);
	int used = 0;

	text[0] = '\0';
	if (row < 0)
		return;
	if (opcodes[row].fh_offset >= 0)
		used += sprintf(text + used, " fh=%llu", (unsigned long long)
				get64(args, size, opcodes[row].fh_offset));
	if (opcodes[row].owner_offset >= 0)
		used += sprintf(text + used, " lock_owner=%llx", (unsigned long long)
				get64(args, size, opcodes[row].owner_offset));
	if (opcodes[row].name_offset >= 0 && opcodes[row].name_offset < (int)size)
		used += snprintf(text + used, 300, " name=%.*s",
				 (int)(size - opcodes[row].name_offset),
				 (const char *)args + opcodes[row].name_offset);

	switch (opcode) {
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		sprintf(text + used, " offset=%llu size=%u",
			(unsigned long long)get64(args, size, 8), get32(args, size, 16));
		break;
	case FUSE_INIT:
		sprintf(text + used, " minor=%u flags=%x flags2=%x ext=%x",
			get32(args, size, 4), get32(args, size, 12),
			get32(args, size, 16), get32(args, size, 60));
		break;
	case FUSE_INTERRUPT:
		sprintf(text + used, " interrupts=%llu",
			(unsigned long long)get64(args, size, 0));
		break;
	case FUSE_RELEASE:
		sprintf(text + used, " release_flags=%u", get32(args, size, 12));
		break;
	}
}

void wire_log_request(FILE *log, const void *request, size_t size)
{
	const struct fuse_in_header *in = request;
	char text[512];

	if (!log || size < sizeof(*in))
		return;
	describe(text, in->opcode, (const uint8_t *)(in + 1), size - sizeof(*in));
	wire_log(log, "recv %s unique=%llu node=%llu uid=%u gid=%u pid=%u len=%u%s",
		 wire_opcode_name(in->opcode), (unsigned long long)in->unique,
		 (unsigned long long)in->nodeid, in->uid, in->gid, in->pid, in->len, text);
}

static void mask_range(uint8_t *masked, size_t size, size_t offset, size_t length)
{
	if (offset + length <= size)
		memset(masked + offset, 1, length);
}

/*
 * Where the kernel keeps the times (writeback cache), it sends its own; they
 * come with FATTR_CTIME, and those that the application gave come then too.
 */
static void mask_times(uint8_t *masked, const struct fuse_in_header *in, size_t size)
{
	const struct fuse_setattr_in *setattr = (const void *)(in + 1);

	if (in->opcode != FUSE_SETATTR || size < sizeof(*in) + sizeof(*setattr) ||
	    !(setattr->valid & FATTR_CTIME))
		return;
	mask_range(masked, size, sizeof(*in) + offsetof(struct fuse_setattr_in, atime),
		   offsetof(struct fuse_setattr_in, mode) -
		   offsetof(struct fuse_setattr_in, atime));
}

void wire_dump_request(FILE *dump, const void *request, size_t size, int mask)
{
	const struct fuse_in_header *in = request;
	const size_t head = sizeof(*in);
	const uint8_t *bytes = request;
	uint8_t *masked;
	size_t i;
	int row;

	if (!dump || size < head)
		return;
	masked = calloc(1, size);
	if (!masked) {
		fprintf(stderr, "wire: no memory to dump %zu bytes\n", size);
		exit(1);
	}
	row = find(in->opcode);
	if (mask) {
		mask_times(masked, in, size);
		mask_range(masked, size, offsetof(struct fuse_in_header, unique), 8);
		mask_range(masked, size, offsetof(struct fuse_in_header, pid), 4);
		if (row >= 0 && opcodes[row].owner_offset >= 0)
			mask_range(masked, size, head + opcodes[row].owner_offset, 8);
		if (in->opcode == FUSE_GETLK || in->opcode == FUSE_SETLK ||
		    in->opcode == FUSE_SETLKW)
			mask_range(masked, size, head + 36, 4);
		if (in->opcode == FUSE_INTERRUPT)
			mask_range(masked, size, head, 8);
	}
	pthread_mutex_lock(&log_lock);
	fprintf(dump, "%s ", wire_opcode_name(in->opcode));
	for (i = 0; i < size; i++) {
		if (masked[i])
			fputs("xx", dump);
		else
			fprintf(dump, "%02x", bytes[i]);
	}
	fputc('\n', dump);
	fflush(dump);
	pthread_mutex_unlock(&log_lock);
	free(masked);
}

int wire_ask(FILE *answer, const char *path, int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char buffer[4096];
	ssize_t count;
	int failed = 0;
	int first = 1;
	int fd, i;

	if (strlen(path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "control socket %s: the path is too long\n", path);
		return 1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		fprintf(stderr, "control socket %s: %s; is the server running?\n",
			path, strerror(errno));
		return 1;
	}
	for (i = 0; i < argc; i++)
		dprintf(fd, "%s%s", i ? " " : "", argv[i]);
	dprintf(fd, "\n");
	shutdown(fd, SHUT_WR);
	while ((count = read(fd, buffer, sizeof(buffer))) > 0) {
		if (first && strncmp(buffer, "error", 5) == 0)
			failed = 1;
		first = 0;
		fwrite(buffer, 1, count, answer);
	}
	close(fd);
	return failed || count < 0;
}

int wire_control(const char *path, int argc, char **argv)
{
	return wire_ask(stdout, path, argc, argv);
}
