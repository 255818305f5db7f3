// SPDX-License-Identifier: GPL-2.0
/*
 * lib-device.c - plays the kernel for the unit tests of libfuse-ext: requests
 * made by hand go to a server through a socket, and every byte of the replies is
 * looked at.  Mounts nothing.
 *
 * Usage: lib-device LOOP CASE, see main(); exit status 0 if all is as expected.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib-device.h"
#include "lib-kernel.h"

#define ROOT		1
#define FH		0x123456789abcULL
#define ALL_FEATURES	0x1f
#define SYNCFS		50

/* the kernel's side of FUSE_EXT_IOC_NEGOTIATE */
static struct {
	int error;
	uint64_t supported;
	uint64_t off;
	uint64_t asked;
	unsigned int calls;
} module = { .supported = ALL_FEATURES };

static const char *loop_name;
static struct fuse_session *session;
static struct fuse_ext_ops ext_ops = { .syncfs = server_syncfs };
static pthread_t loop_thread;

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct fuse_ext_ioc *ioc;
	va_list arguments;

	(void)fd;
	va_start(arguments, request);
	ioc = va_arg(arguments, void *);
	va_end(arguments);
	module.calls++;
	errno = module.error;
	if (request != FUSE_EXT_IOC_NEGOTIATE)
		errno = ENOTTY;
	if (errno)
		return -1;
	ioc->supported = module.supported;
	if (ioc->size != sizeof(*ioc) || ioc->abi != 1 || (ioc->want & ~module.supported)) {
		errno = EINVAL;
		return -1;
	}
	module.asked = ioc->want;
	ioc->enabled = ioc->want & ~module.off;
	return 0;
}

static bool own_loop(void)
{
	return strncmp(loop_name, "own", 3) == 0;
}

static void expect_error(uint64_t unique, int error)
{
	struct reply reply;

	IS(get(&reply), sizeof(reply.header));
	IS(reply.header.unique, unique);
	IS(reply.header.error, -error);
}

static void expect_nothing(void)
{
	struct reply reply;

	if (recv(device, &reply, sizeof(reply), MSG_DONTWAIT) >= 0)
		fail("a reply too many, to %llu", (unsigned long long)reply.header.unique);
}

static uint64_t create(uint32_t opcode, const char *name, int flags)
{
	const struct fuse_create_in body = {
		.flags = O_RDWR | O_CREAT | flags, .mode = S_IFREG | 0640, .umask = 022,
	};

	/* as a security context comes, which libfuse doesn't read */
	return ask(opcode, ROOT, &body, sizeof(body), name, 24);
}

static void check_entry(const struct fuse_entry_out *entry, uint64_t node, mode_t mode)
{
	IS(entry->nodeid, node);
	IS(entry->generation, 3);
	IS(entry->entry_valid, 2);
	IS(entry->entry_valid_nsec, 250000000);
	IS(entry->attr_valid, 1);
	IS(entry->attr_valid_nsec, 500000000);
	IS(entry->attr.ino, node);
	IS(entry->attr.mode, mode);
	IS(entry->attr.size, 5);
	IS(entry->attr.blocks, 8);
	IS(entry->attr.blksize, 4096);
	IS(entry->attr.nlink, 1);
	IS(entry->attr.uid, 11);
	IS(entry->attr.gid, 12);
	IS(entry->attr.rdev, 13);
	IS(entry->attr.atime, 21);
	IS(entry->attr.atimensec, 22);
	IS(entry->attr.mtime, 23);
	IS(entry->attr.mtimensec, 24);
	IS(entry->attr.ctime, 25);
	IS(entry->attr.ctimensec, 26);
}

static void expect_existed(uint64_t unique, mode_t mode)
{
	struct reply reply;

	IS(get(&reply), sizeof(reply.header) + sizeof(reply.entry));
	IS(reply.header.unique, unique);
	IS(reply.header.error, 0);
	check_entry(&reply.entry, 7, mode);
}

static void expect_opened(uint64_t unique, uint32_t open_flags)
{
	struct reply reply;

	IS(get(&reply), offsetof(struct reply, more));
	IS(reply.header.unique, unique);
	IS(reply.header.error, 0);
	check_entry(&reply.entry, 1000, S_IFREG | 0640);
	IS(reply.open.fh, FH);
	IS(reply.open.open_flags, open_flags);
	IS(((uint32_t *)&reply.open)[3], 0);
}

static void initialize(void)
{
	uint32_t body[16] = { FUSE_KERNEL_VERSION, 31 };
	struct reply reply;
	uint64_t unique = ask(FUSE_INIT, 0, body, 16, NULL, 0);

	get(&reply);
	IS(reply.header.unique, unique);
	IS(reply.header.error, 0);
	server_recorded("init;");
}

static void *loop_run(void *unused)
{
	struct fuse_loop_config config = { .max_idle_threads = 10 };
	long result;

	(void)unused;
	if (strcmp(loop_name, "own") == 0)
		result = fuse_ext_session_loop(session);
	else if (strcmp(loop_name, "own-mt") == 0)
		result = fuse_ext_session_loop_mt(session, 4);
	else if (strcmp(loop_name, "libfuse") == 0)
		result = fuse_session_loop(session);
	else
		result = fuse_session_loop_mt(session, &config);
	return (void *)result;
}

static struct fuse_args arguments(void)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	if (fuse_opt_add_arg(&args, "lib-device"))
		fail("no memory");
	return args;
}

static void session_make(const struct fuse_lowlevel_ops *op)
{
	struct fuse_args args = arguments();
	char mountpoint[32];

	snprintf(mountpoint, sizeof(mountpoint), "/dev/fd/%d", kernel_open());
	ext_ops.own_loop = own_loop();
	if (variant.atomic)
		ext_ops.atomic_create = server_atomic_create;
	session = fuse_ext_session_new(&args, op, sizeof(*op), &ext_ops, sizeof(ext_ops), NULL);
	fuse_opt_free_args(&args);
	if (!session || fuse_session_mount(session, mountpoint))
		fail("no session");
}

static void loop_start(void)
{
	if (pthread_create(&loop_thread, NULL, loop_run, NULL))
		fail("no thread");
	initialize();
}

/* 0, or that this libfuse can't do the case, which has its exit status */
static int begin(void)
{
	uint64_t enabled;

	session_make(&server_ops);
	IS(fuse_ext_negotiate(session, ALL_FEATURES, &enabled), 0);
	if (fuse_ext_unavailable(session, FUSE_EXT_ATOMIC_CREATE)) {
		IS(own_loop(), 0);
		IS(enabled & (FUSE_EXT_ATOMIC_CREATE | FUSE_EXT_SYNCFS), 0);
		IS(module.asked, ALL_FEATURES & ~(FUSE_EXT_ATOMIC_CREATE | FUSE_EXT_SYNCFS));
		puts(fuse_ext_unavailable(session, FUSE_EXT_ATOMIC_CREATE));
		return 77;
	}
	IS(enabled, ALL_FEATURES);
	loop_start();
	return 0;
}

/* A request wakes the loop: it sees that it has to end. */
static void loop_end(void)
{
	const struct fuse_forget_in forget = { .nlookup = 1 };

	fuse_session_exit(session);
	ask(FUSE_FORGET, 99, &forget, sizeof(forget), NULL, 0);
	pthread_join(loop_thread, NULL);
	server_forget_record();
}

static int end(void)
{
	expect_nothing();
	loop_end();
	fuse_ext_session_destroy(session);
	server_recorded("destroy;");
	close(device);
	return 0;
}

#define ASKED_LOOKUP(name)	"lookup 1/" name ";"
#define ASKED_CREATE(name)	"create 1/" name " excl mode=100640 umask=22 as=101:102:103;"

static int case_created(void)
{
	uint64_t unique = create(FUSE_ATOMIC_CREATE, "new", 0);

	expect_opened(unique, FOPEN_KEEP_CACHE | FOPEN_FILE_CREATED);
	server_recorded(ASKED_LOOKUP("new") ASKED_CREATE("new"));
	unique = create(FUSE_ATOMIC_CREATE, "negative", O_EXCL);
	expect_opened(unique, FOPEN_KEEP_CACHE | FOPEN_FILE_CREATED);
	server_recorded(ASKED_LOOKUP("negative") ASKED_CREATE("negative"));
	/* the kernel strips it; nobody may truncate if it once doesn't */
	unique = create(FUSE_ATOMIC_CREATE, "new", O_TRUNC);
	expect_opened(unique, FOPEN_KEEP_CACHE | FOPEN_FILE_CREATED);
	server_recorded(ASKED_LOOKUP("new") ASKED_CREATE("new"));
	return 0;
}

static int case_existed(void)
{
	uint64_t unique;

	unique = create(FUSE_ATOMIC_CREATE, "old", O_TRUNC);
	expect_existed(unique, S_IFREG | 0644);
	server_recorded(ASKED_LOOKUP("old"));
	unique = create(FUSE_ATOMIC_CREATE, "dir", 0);
	expect_existed(unique, S_IFDIR | 0755);
	server_recorded(ASKED_LOOKUP("dir"));
	unique = create(FUSE_ATOMIC_CREATE, "link", 0);
	expect_existed(unique, S_IFLNK | 0777);
	server_recorded(ASKED_LOOKUP("link"));
	return 0;
}

/* The kernel gets no node, so it will not forget it. */
static int case_exclusive(void)
{
	expect_error(create(FUSE_ATOMIC_CREATE, "old", O_EXCL), EEXIST);
	server_recorded(ASKED_LOOKUP("old") "forget 7*1;");
	expect_error(create(FUSE_ATOMIC_CREATE, "dir", O_EXCL), EEXIST);
	server_recorded(ASKED_LOOKUP("dir") "forget 7*1;");
	expect_error(create(FUSE_ATOMIC_CREATE, "race", O_EXCL), EEXIST);
	server_recorded(ASKED_LOOKUP("race") ASKED_CREATE("race"));
	return 0;
}

static int case_errors(void)
{
	expect_error(create(FUSE_ATOMIC_CREATE, "denied", 0), EACCES);
	server_recorded(ASKED_LOOKUP("denied"));
	expect_error(create(FUSE_ATOMIC_CREATE, "full", 0), ENOSPC);
	server_recorded(ASKED_LOOKUP("full") ASKED_CREATE("full"));
	expect_error(create(FUSE_ATOMIC_CREATE, "entry", 0), EIO);
	server_recorded(ASKED_LOOKUP("entry") ASKED_CREATE("entry"));
	return 0;
}

static int case_race(void)
{
	uint64_t unique = create(FUSE_ATOMIC_CREATE, "race", 0);
	char expected[2048] = "";
	int i;

	expect_existed(unique, S_IFREG | 0644);
	server_recorded(ASKED_LOOKUP("race") ASKED_CREATE("race") ASKED_LOOKUP("race"));
	/* and it ends even so */
	expect_error(create(FUSE_ATOMIC_CREATE, "flap", 0), EEXIST);
	for (i = 0; i < 8; i++)
		strcat(expected, ASKED_LOOKUP("flap") ASKED_CREATE("flap"));
	server_recorded(expected);
	return 0;
}

/* What libfuse knows goes through as it is. */
static int case_stock(void)
{
	uint64_t unique = create(FUSE_CREATE, "new", 0);

	expect_opened(unique, FOPEN_KEEP_CACHE);
	server_recorded("create 1/new mode=100640 umask=22 as=101:102:103;");
	unique = create(FUSE_CREATE, "new", O_TRUNC);
	expect_opened(unique, FOPEN_KEEP_CACHE);
	server_recorded("create 1/new trunc mode=100640 umask=22 as=101:102:103;");
	unique = ask(FUSE_LOOKUP, ROOT, NULL, 0, "old", 0);
	expect_existed(unique, S_IFREG | 0644);
	server_recorded(ASKED_LOOKUP("old"));
	expect_error(ask(FUSE_LOOKUP, ROOT, NULL, 0, "new", 0), ENOENT);
	server_recorded(ASKED_LOOKUP("new"));
	expect_error(ask(2047, ROOT, NULL, 0, "new", 0), ENOSYS);
	expect_error(ask(2049, ROOT, NULL, 0, "new", 0), ENOSYS);
	return 0;
}

static int case_syncfs(void)
{
	static const char zeros[8] = "";

	expect_error(ask(SYNCFS, ROOT, zeros, sizeof(zeros), NULL, 0), 0);
	server_recorded("syncfs 1;");
	expect_error(ask(SYNCFS, 5, zeros, sizeof(zeros), NULL, 0), EIO);
	server_recorded("syncfs 5;");
	return 0;
}

/* Refused, not ENOSYS: that would turn the feature off. */
static int case_malformed(void)
{
	const struct fuse_create_in body = { .flags = O_CREAT | O_RDWR, .mode = S_IFREG | 0600 };
	char all[sizeof(body) + 1];
	size_t size;

	memcpy(all, &body, sizeof(body));
	all[sizeof(body)] = '\0';
	for (size = 0; size <= sizeof(all); size++)
		expect_error(ask(FUSE_ATOMIC_CREATE, ROOT, all, size, NULL, 0), EINVAL);
	/* a name without an end */
	expect_error(ask(FUSE_ATOMIC_CREATE, ROOT, &body, sizeof(body), NULL, 30), EINVAL);
	expect_error(ask(FUSE_ATOMIC_CREATE, ROOT, &body, sizeof(body), NULL, 60000), EINVAL);
	expect_error(ask(SYNCFS, ROOT, NULL, 0, NULL, 0), 0);
	server_recorded("syncfs 1;");
	return case_created();
}

/* More at a time than the library has inner sessions. */
static int case_many(void)
{
	enum { COUNT = 150 };
	unsigned int created = 0, existed = 0, refused = 0;
	struct reply reply;
	int i;

	for (i = 0; i < COUNT; i++) {
		create(FUSE_ATOMIC_CREATE, "new", 0);
		create(FUSE_ATOMIC_CREATE, "old", 0);
		create(FUSE_ATOMIC_CREATE, "old", O_EXCL);
		ask(FUSE_LOOKUP, ROOT, NULL, 0, "old", 0);
		if (i % 25 == 24 || !variant.later) {
			int left = i % 25 == 24 && variant.later ? 100 : 4;

			while (left--) {
				size_t size = get(&reply);

				created += size == offsetof(struct reply, more) &&
					   reply.open.open_flags & FOPEN_FILE_CREATED;
				existed += size == offsetof(struct reply, open);
				refused += reply.header.error == -EEXIST;
			}
		}
	}
	IS(created, COUNT);
	IS(existed, 2 * COUNT);
	IS(refused, COUNT);
	return 0;
}

static int case_interrupt(void)
{
	uint64_t unique = create(FUSE_ATOMIC_CREATE, "until-interrupted", 0);
	const struct fuse_interrupt_in body = { .unique = unique };
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int i;

	nanosleep(&pause, NULL);
	ask(FUSE_INTERRUPT, 0, &body, sizeof(body), NULL, 0);
	expect_error(unique, EINTR);
	/* the next one doesn't take it for its own */
	for (i = 0; i < 3; i++)
		case_created();
	return 0;
}

/* The kernel is gone when the reply comes: nothing stays open at the server. */
static int case_lost(void)
{
	create(FUSE_ATOMIC_CREATE, "new", 0);
	/* closed before the server's reply, which takes a while */
	close(device);
	pthread_join(loop_thread, NULL);
	server_recorded(ASKED_LOOKUP("new") ASKED_CREATE("new")
			"release 1000 right;forget 1000*1;");
	fuse_ext_session_destroy(session);
	return 0;
}

static int case_destroyed(void)
{
	create(FUSE_ATOMIC_CREATE, "never", 0);
	server_recorded(ASKED_LOOKUP("never"));
	loop_end();
	fuse_ext_session_destroy(session);
	server_recorded("destroy;");
	close(device);
	return 0;
}

static int case_atomic(void)
{
	uint64_t unique = create(FUSE_ATOMIC_CREATE, "new", 0);

#define ASKED_ATOMIC(name, flag) \
	"atomic 1/" name flag " mode=100640 umask=22 as=101:102:103;"
	expect_opened(unique, FOPEN_KEEP_CACHE | FOPEN_FILE_CREATED);
	server_recorded(ASKED_ATOMIC("new", ""));
	unique = create(FUSE_ATOMIC_CREATE, "old", O_TRUNC);
	expect_existed(unique, S_IFREG | 0644);
	server_recorded(ASKED_ATOMIC("old", ""));
	expect_error(create(FUSE_ATOMIC_CREATE, "old", O_EXCL), EEXIST);
	server_recorded(ASKED_ATOMIC("old", " excl"));
	expect_error(create(FUSE_ATOMIC_CREATE, "denied", 0), EACCES);
	server_recorded(ASKED_ATOMIC("denied", ""));
	return 0;
}

static void expect_open(uint32_t open_flags)
{
	const struct fuse_open_in body = { .flags = O_RDWR };
	uint64_t unique = ask(FUSE_OPEN, 7, &body, sizeof(body), NULL, 0);
	struct {
		struct fuse_out_header header;
		struct fuse_open_out open;
		char more[64];
	} reply;

	IS(recv(device, &reply, sizeof(reply), 0), offsetof(typeof(reply), more));
	IS(reply.header.len, offsetof(typeof(reply), more));
	IS(reply.header.unique, unique);
	IS(reply.header.error, 0);
	IS(reply.open.fh, FH);
	IS(reply.open.open_flags, open_flags);
}

static int case_sync_release(void)
{
	uint64_t unique;

	expect_open(FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE | FOPEN_SYNC_RELEASE);
	unique = create(FUSE_CREATE, "new", 0);
	expect_opened(unique, FOPEN_KEEP_CACHE | FOPEN_SYNC_RELEASE);
	unique = create(FUSE_ATOMIC_CREATE, "new", 0);
	expect_opened(unique, FOPEN_KEEP_CACHE | FOPEN_SYNC_RELEASE | FOPEN_FILE_CREATED);
	server_forget_record();
	return 0;
}

/* All below begin without a session. */

static int case_not_negotiated(void)
{
	uint64_t enabled = 1;

	session_make(&server_ops);
	module.error = ENOTTY;
	IS(fuse_ext_negotiate(session, ALL_FEATURES, &enabled), -ENOTTY);
	IS(enabled, 0);
	loop_start();
	expect_open(FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE);
	return end();
}

static int case_negotiate(void)
{
	struct fuse_lowlevel_ops few = server_ops;
	uint64_t enabled;

	session_make(&server_ops);
	module.error = ENOTCONN;
	IS(fuse_ext_negotiate(session, ALL_FEATURES, NULL), -ENOTCONN);
	module.error = 0;
	/* what neither the module nor the library knows is left out */
	module.supported = FUSE_EXT_ASYNC_FLUSH | FUSE_EXT_SYNCFS;
	module.off = FUSE_EXT_SYNCFS;
	IS(fuse_ext_negotiate(session, ~0ULL, &enabled), 0);
	IS(enabled, FUSE_EXT_ASYNC_FLUSH);
	if (own_loop())
		IS(module.asked, FUSE_EXT_ASYNC_FLUSH | FUSE_EXT_SYNCFS);
	IS(fuse_ext_negotiate(session, 0, &enabled), 0);
	IS(module.asked, 0);
	IS(enabled, 0);
	fuse_ext_session_destroy(session);
	close(device);

	/* the loop may be running when it is asked for the first time */
	module.supported = ALL_FEATURES;
	module.off = 0;
	session_make(&server_ops);
	IS(fuse_ext_negotiate(session, FUSE_EXT_INVAL_FILES, NULL), 0);
	IS(fuse_ext_negotiate(session, ALL_FEATURES, &enabled), 0);
	IS(!(enabled & FUSE_EXT_ATOMIC_CREATE), !own_loop());
	IS(!fuse_ext_unavailable(session, FUSE_EXT_ATOMIC_CREATE), own_loop());
	fuse_ext_session_destroy(session);
	close(device);

	few.create = NULL;
	ext_ops.syncfs = NULL;
	session_make(&few);
	IS(fuse_ext_negotiate(session, ALL_FEATURES, &enabled), 0);
	IS(enabled, ALL_FEATURES & ~(FUSE_EXT_ATOMIC_CREATE | FUSE_EXT_SYNCFS));
	IS(module.asked, enabled);
	if (!fuse_ext_unavailable(session, FUSE_EXT_ATOMIC_CREATE) ||
	    !fuse_ext_unavailable(session, FUSE_EXT_SYNCFS))
		fail("no reason why a feature is missing");
	if (fuse_ext_unavailable(session, FUSE_EXT_ASYNC_FLUSH) ||
	    fuse_ext_unavailable(session, FUSE_EXT_INVAL_FILES))
		fail("a reason where there is none");
	/* asked all the same, by an administrator's toggle */
	loop_start();
	expect_error(create(FUSE_ATOMIC_CREATE, "new", 0), ENOSYS);
	expect_error(ask(SYNCFS, ROOT, "12345678", 8, NULL, 0), ENOSYS);
	expect_error(create(FUSE_CREATE, "new", 0), ENOSYS);
	return end();
}

static int case_foreign(void)
{
	struct fuse_args args = arguments();
	struct fuse_session *foreign;
	char mountpoint[32];
	uint64_t enabled;

	foreign = fuse_session_new(&args, &server_ops, sizeof(server_ops), NULL);
	if (!foreign)
		fail("no session");
	snprintf(mountpoint, sizeof(mountpoint), "/dev/fd/%d", kernel_open());
	IS(fuse_session_mount(foreign, mountpoint), 0);
	IS(fuse_ext_negotiate(foreign, ALL_FEATURES, &enabled), 0);
	IS(enabled, ALL_FEATURES & ~(FUSE_EXT_ATOMIC_CREATE | FUSE_EXT_SYNCFS));
	if (!fuse_ext_unavailable(foreign, FUSE_EXT_SYNCFS))
		fail("no reason why a feature is missing");
	fuse_ext_session_destroy(foreign);
	fuse_opt_free_args(&args);
	close(device);
	return 0;
}

static int case_notify(void)
{
	struct {
		struct fuse_out_header header;
		struct fuse_ext_notify_inval_files_out body;
		char more[16];
	} got;

	session_make(&server_ops);
	IS(fuse_ext_notify_inval_files(session, 0x1122334455667788), 0);
	IS(recv(device, &got, sizeof(got), 0), 32);
	IS(got.header.len, 32);
	IS(got.header.error, 2048);
	IS(got.header.unique, 0);
	IS(got.body.nodeid, 0x1122334455667788);
	IS(got.body.flags, 0);
	IS(got.body.padding, 0);
	close(device);
	IS(fuse_ext_notify_inval_files(session, 1), -EPIPE);
	fuse_ext_session_destroy(session);
	return 0;
}

/* Sixteen sessions at a time, each with its own operations. */
static int case_sessions(void)
{
	struct fuse_args args = arguments();
	struct fuse_session *all[16];
	int round, i;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 16; i++) {
			all[i] = fuse_ext_session_new(&args, &server_ops, sizeof(server_ops),
						      NULL, 0, NULL);
			if (!all[i])
				fail("no session %d", i);
		}
		if (fuse_ext_session_new(&args, &server_ops, sizeof(server_ops), NULL, 0, NULL))
			fail("a session too many");
		for (i = 0; i < 16; i++)
			fuse_ext_session_destroy(all[i]);
	}
	fuse_opt_free_args(&args);
	return 0;
}

/* libfuse ends its loop; it is enough that nothing is read behind the end. */
static int case_short(void)
{
	if (send(device, "0123456789", 10, 0) != 10)
		fail("sending: %s", strerror(errno));
	pthread_join(loop_thread, NULL);
	fuse_ext_session_destroy(session);
	close(device);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
	bool begun;
	bool ended;
	struct variant variant;
} cases[] = {
	{ "created", case_created, true, true, { 0 } },
	{ "created-later", case_created, true, true, { .later = true } },
	{ "existed", case_existed, true, true, { 0 } },
	{ "existed-later", case_existed, true, true, { .later = true } },
	{ "exclusive", case_exclusive, true, true, { 0 } },
	{ "exclusive-later", case_exclusive, true, true, { .later = true } },
	{ "errors", case_errors, true, true, { 0 } },
	{ "errors-later", case_errors, true, true, { .later = true } },
	{ "race", case_race, true, true, { 0 } },
	{ "race-later", case_race, true, true, { .later = true } },
	{ "stock", case_stock, true, true, { 0 } },
	{ "syncfs", case_syncfs, true, true, { 0 } },
	{ "malformed", case_malformed, true, true, { 0 } },
	{ "many", case_many, true, true, { 0 } },
	{ "many-later", case_many, true, true, { .later = true } },
	{ "interrupt", case_interrupt, true, true, { 0 } },
	{ "lost", case_lost, true, false, { .later = true } },
	{ "destroyed", case_destroyed, true, false, { 0 } },
	{ "atomic", case_atomic, true, true, { .atomic = true } },
	{ "atomic-later", case_atomic, true, true, { .atomic = true, .later = true } },
	{ "sync-release", case_sync_release, true, true, { .sync_release = true } },
	{ "not-negotiated", case_not_negotiated, false, false, { .sync_release = true } },
	{ "negotiate", case_negotiate, false, false, { 0 } },
	{ "foreign", case_foreign, false, false, { 0 } },
	{ "notify", case_notify, false, false, { 0 } },
	{ "sessions", case_sessions, false, false, { 0 } },
	{ "short", case_short, true, false, { 0 } },
};

int main(int argc, char **argv)
{
	int status = 0;
	size_t i;

	if (argc != 3)
		fail("Usage: lib-device own|own-mt|libfuse|libfuse-mt CASE");
	loop_name = argv[1];
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(cases[i].name, argv[2]) == 0)
			break;
	if (i == sizeof(cases) / sizeof(cases[0]))
		fail("no case %s", argv[2]);
	variant = cases[i].variant;
	if (cases[i].begun)
		status = begin();
	if (!status)
		status = cases[i].run();
	if (!status && cases[i].ended)
		status = end();
	return status;
}
