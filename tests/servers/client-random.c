// SPDX-License-Identifier: GPL-2.0
/*
 * client-random.c - fxclient's random-io: reads, writes, maps, truncates and
 * reopens one file in an order that the seed fixes, and compares each result
 * with a model in memory, and with the file that the server keeps it in.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fxclient.h"
#include "wire.h"

#define LIMIT		(256 * 1024)
#define AT_ONCE		(32 * 1024)
#define PAGE		4096
#define REMEMBERED	16
/* After so many operations, `spoil` changes the server's file. */
#define SPOIL_AFTER	100

struct range {
	off_t start;
	size_t length;
};

static const char *path, *below;
static int fd = -1, direct = -1;
static uint64_t state;
static char model[LIMIT], data[LIMIT + 1];
static off_t size;
static unsigned long done, unsupported;
static const char *now = "open";
static struct {
	const char *name;
	struct range range;
} past[REMEMBERED];

static uint64_t next_random(uint64_t below_this)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return ((state * 0x2545f4914f6cdd1dULL) >> 11) % below_this;
}

static void wrong(const char *what, off_t expected, off_t got)
{
	unsigned long i;

	printf("WRONG: %s in operation %lu (%s): %lld, expected %lld\n", what, done, now,
	       (long long)got, (long long)expected);
	for (i = done > REMEMBERED ? done - REMEMBERED : 0; i < done; i++)
		printf("%lu: %s start=%lld length=%zu\n", i, past[i % REMEMBERED].name,
		       (long long)past[i % REMEMBERED].range.start,
		       past[i % REMEMBERED].range.length);
	exit(1);
}

static void must(int result)
{
	if (result < 0) {
		printf("errno=%s\n", wire_errno_name(errno));
		wrong("a call failed", 0, result);
	}
}

static void same(const char *got, off_t start, size_t length)
{
	size_t i = 0;

	if (!memcmp(got, model + start, length))
		return;
	while (got[i] == model[start + i])
		i++;
	printf("at byte %lld of %lld:\n", (long long)start + i, (long long)size);
	wrong("data", (unsigned char)model[start + i], (unsigned char)got[i]);
}

static struct range *remember(off_t start, size_t length)
{
	struct range *range = &past[done % REMEMBERED].range;

	*range = (struct range){ start, length };
	return range;
}

/* Somewhere below @end: often at a page's border, often at the file's end. */
static struct range *choose(off_t end)
{
	off_t start = next_random(end);
	size_t length = 1 + next_random(next_random(4) ? PAGE : AT_ONCE);

	if (!next_random(4))
		start &= ~(off_t)(PAGE - 1);
	if (!next_random(8) && size < end)
		start = size;
	if (!next_random(4))
		length = (length + PAGE - 1) & ~(size_t)(PAGE - 1);
	if ((off_t)length > end - start)
		length = end - start;
	return remember(start, length);
}

/* New bytes for @range of the file: in the model, where they are written from. */
static char *invent(const struct range *range)
{
	uint64_t word = next_random(1ULL << 50);
	size_t i;

	for (i = 0; i < range->length; i++)
		model[range->start + i] = (char)((word >> (i % 7 * 7)) + i);
	if (range->start + (off_t)range->length > size)
		size = range->start + range->length;
	return model + range->start;
}

static void set_size(off_t to)
{
	if (to < size)
		memset(model + to, 0, size - to);
	size = to;
}

/* What the server has of the file; nothing may be dirty. */
static void check_below(void)
{
	int kept = must_open(below, O_RDONLY);
	ssize_t got = pread(kept, data, sizeof(data), 0);

	close(kept);
	if (got != size)
		wrong("the size below", size, got);
	same(data, 0, size);
}

static void check_all(void)
{
	ssize_t got = pread(fd, data, sizeof(data), 0);

	if (got != size)
		wrong("the whole file's size", size, got);
	same(data, 0, size);
}

static void do_write(void)
{
	const struct range *range = choose(LIMIT);
	ssize_t got = pwrite(fd, invent(range), range->length, range->start);

	if (got != (ssize_t)range->length)
		wrong("pwrite(2)", range->length, got);
}

static void read_by(int by)
{
	const struct range *range = choose(LIMIT);
	ssize_t expected = 0;
	ssize_t got = pread(by, data, range->length, range->start);

	if (range->start < size)
		expected = size - range->start;
	if (expected > (ssize_t)range->length)
		expected = range->length;
	if (got != expected)
		wrong("pread(2)", expected, got);
	same(data, range->start, got);
}

static void do_read(void)
{
	read_by(fd);
}

static void do_read_direct(void)
{
	read_by(direct);
}

static void do_truncate(void)
{
	off_t to = remember(next_random(LIMIT), 0)->start;

	must(next_random(2) ? ftruncate(fd, to) : truncate(path, to));
	set_size(to);
}

static void do_stat(void)
{
	struct stat st;

	must(next_random(2) ? fstat(fd, &st) : stat(path, &st));
	if (st.st_size != size)
		wrong("st_size", size, st.st_size);
}

/* A mapping of what @range touches, which is inside of the file. */
static char *map(const struct range *range, size_t *mapped)
{
	off_t start = range->start & ~(off_t)(PAGE - 1);
	char *address;

	*mapped = range->start + range->length - start;
	address = mmap(NULL, *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);
	if (address == MAP_FAILED)
		must(-1);
	return address;
}

static void do_map_read(void)
{
	const struct range *range;
	size_t mapped;
	char *address;

	if (!size)
		return;
	range = choose(size);
	address = map(range, &mapped);
	same(address + range->start % PAGE, range->start, range->length);
	munmap(address, mapped);
}

static void do_map_write(void)
{
	const struct range *range;
	size_t mapped;
	char *address;

	if (!size)
		return;
	range = choose(size);
	address = map(range, &mapped);
	memcpy(address + range->start % PAGE, invent(range), range->length);
	if (!next_random(2))
		must(msync(address, mapped, MS_SYNC));
	munmap(address, mapped);
}

/* Whether the server's filesystem can; what it can't changes nothing. */
static int allocate(int mode, const struct range *range)
{
	if (!fallocate(fd, mode, range->start, range->length))
		return 1;
	if (errno != EOPNOTSUPP)
		must(-1);
	unsupported++;
	return 0;
}

static void do_allocate(void)
{
	int mode = next_random(2) ? FALLOC_FL_KEEP_SIZE : 0;
	const struct range *range = choose(LIMIT);
	off_t end = range->start + range->length;

	if (allocate(mode, range) && !mode && end > size)
		set_size(end);
}

static void do_punch(void)
{
	const struct range *range = choose(LIMIT);

	if (allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range))
		memset(model + range->start, 0, range->length);
}

static void do_zero(void)
{
	int mode = FALLOC_FL_ZERO_RANGE | (next_random(2) ? FALLOC_FL_KEEP_SIZE : 0);
	const struct range *range = choose(LIMIT);
	off_t end = range->start + range->length;

	if (!allocate(mode, range))
		return;
	memset(model + range->start, 0, range->length);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		set_size(end);
}

/* From the first half into the second; the copy may be short. */
static void do_copy(void)
{
	struct range from = *choose(LIMIT / 2);
	loff_t in = from.start, out = from.start + LIMIT / 2;
	ssize_t expected = size > from.start ? size - from.start : 0;
	ssize_t got = copy_file_range(fd, &in, fd, &out, from.length, 0);
	struct stat st;

	must(got);
	if (expected > (ssize_t)from.length)
		expected = from.length;
	if (got > expected || (!got && expected))
		wrong("copy_file_range(2)", expected, got);
	memcpy(model + from.start + LIMIT / 2, model + from.start, got);
	if (got && from.start + LIMIT / 2 + got > size)
		size = from.start + LIMIT / 2 + got;
	/* 5.10 learns the new size only when it is asked, on stock as well */
	must(fstat(fd, &st));
	if (st.st_size != size)
		wrong("st_size after copy_file_range(2)", size, st.st_size);
}

static void do_sync(void)
{
	must(next_random(2) ? fsync(fd) : fdatasync(fd));
	check_below();
}

/* What is clean is read from the server again. */
static void do_drop(void)
{
	must(fsync(fd));
	must(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	check_all();
}

static void open_both(int flags)
{
	fd = must_open(path, O_RDWR | O_CREAT | flags);
	direct = must_open(path, O_RDONLY | O_DIRECT);
}

static void close_both(void)
{
	must(close(direct));
	must(close(fd));
	check_below();
}

static void do_reopen(void)
{
	int flags = next_random(16) ? 0 : O_TRUNC;

	close_both();
	/* every now and then it is another file, of the same name */
	if (!next_random(16)) {
		must(unlink(path));
		flags = O_EXCL;
	}
	if (flags)
		set_size(0);
	open_both(flags);
	check_all();
}

static const struct {
	const char *name;
	void (*run)(void);
	unsigned int weight;
} operations[] = {
	{ "write", do_write, 20 }, { "read", do_read, 20 }, { "read-direct", do_read_direct, 5 },
	{ "truncate", do_truncate, 8 }, { "stat", do_stat, 4 }, { "map-read", do_map_read, 10 },
	{ "map-write", do_map_write, 10 }, { "allocate", do_allocate, 4 },
	{ "punch", do_punch, 5 }, { "zero", do_zero, 2 }, { "copy", do_copy, 3 },
	{ "sync", do_sync, 4 }, { "drop", do_drop, 2 }, { "reopen", do_reopen, 3 },
};

static void any_operation(void)
{
	unsigned int i, all = 0, chosen;

	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		all += operations[i].weight;
	chosen = next_random(all);
	for (i = 0; chosen >= operations[i].weight; i++)
		chosen -= operations[i].weight;
	now = operations[i].name;
	past[done % REMEMBERED].name = now;
	remember(0, 0);
	operations[i].run();
}

/* So that the comparison is seen to find something. */
static void spoil(void)
{
	int kept;

	now = "spoil";
	must(fsync(fd));
	if (!size) {
		must(ftruncate(fd, 1));
		set_size(1);
	}
	kept = must_open(below, O_RDWR);
	must(pwrite(kept, model[size / 2] ? "" : "x", 1, size / 2));
	close(kept);
	must(close(direct));
	must(close(fd));
	check_below();
}

int client_random_io(int argc, char **argv)
{
	uint64_t end = wire_now_ns() + strtoull(argv[3], NULL, 0) * 1000000000ULL;

	path = argv[0];
	below = argv[1];
	state = strtoull(argv[2], NULL, 0) * 2 + 1;
	open_both(O_EXCL);
	for (done = 0; wire_now_ns() < end; done++) {
		if (argc > 4 && done == SPOIL_AFTER)
			spoil();
		any_operation();
	}
	check_all();
	close_both();
	printf("operations=%lu unsupported=%lu size=%lld\n", done, unsupported, (long long)size);
	return 0;
}
