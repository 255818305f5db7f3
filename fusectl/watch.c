// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl apply --watch`: the policy comes in force for each new mount, and
 * so does a policy that changes.  Not for one time, see apply.c.
 *
 * The mount table, the directories of the policy and signals wake it; nothing
 * is asked of a FUSE server, and no file of a FUSE filesystem is ever opened,
 * so that nothing is kept from being unmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "apply.h"
#include "fusectl.h"
#include "kernel.h"
#include "ops.h"
#include "text.h"

/* files that change together are read once */
#define SETTLE_MS	50

#define FILE_EVENTS	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | \
			 IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)

/* A connection's number comes again after its end, the instance doesn't. */
struct known {
	unsigned int connection;
	ino_t instance;
};

enum sources {
	SOURCE_MOUNTS,
	SOURCE_FILES,
	SOURCE_SIGNALS,
	SOURCE_COUNT,
};

struct watcher {
	struct policy policy;
	bool verbose;
	bool broken;		/* what the files hold isn't what is in force */
	ino_t module;		/* the instance at the last look; 0: not loaded */
	bool told_no_place;
	struct known *known;
	size_t known_count;
	struct pollfd source[SOURCE_COUNT];
	int directory_watch;
	/* when the changed files are to be read; 0: nothing changed */
	long long due;
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void tell_status(const struct watcher *watcher)
{
	const char *state = watcher->module ? "in force" :
			    "waiting for fuse_ext";

	sd_notifyf(0, "READY=1\nSTATUS=%zu rules, %s%s",
		   watcher->policy.rule_count, state,
		   watcher->broken ? "; the files have errors and aren't used" :
		   "");
}

static bool is_known(const struct watcher *watcher, const struct known *one)
{
	size_t i;

	for (i = 0; i < watcher->known_count; i++) {
		if (watcher->known[i].connection == one->connection &&
		    watcher->known[i].instance == one->instance)
			return true;
	}
	return false;
}

static void complain_no_place(struct watcher *watcher,
			      const struct connections *connections)
{
	if (connections->own_place) {
		watcher->told_no_place = false;
		return;
	}
	if (watcher->told_no_place || !watcher->policy.rule_count)
		return;
	/*
	 * It isn't mounted from here: in a service's own mount namespace it
	 * would be seen by nobody else, and keep fuse_ext from being unloaded.
	 */
	complain("apply: the control filesystem of fuse_ext isn't mounted; as root: fusectl load");
	watcher->told_no_place = true;
}

/* A connection counts as known once it has a mount: rules are about mounts. */
static void plan_mounts(struct watcher *watcher, struct plan *plan,
			const struct connections *connections, bool all)
{
	struct known *known = NULL;
	size_t i, count = 0;

	for (i = 0; i < connections->own_count; i++) {
		struct known one = { .connection = connections->own[i] };

		if (!connections_mount(connections, one.connection))
			continue;
		one.instance = kernel_connection_instance(connections->own_place,
							  one.connection);
		if (!one.instance)
			continue;
		if (all || !is_known(watcher, &one))
			plan_connection(plan, &watcher->policy, connections,
					one.connection);
		known = memory_grow(known, count + 1, sizeof(*known));
		known[count++] = one;
	}
	free(watcher->known);
	watcher->known = known;
	watcher->known_count = count;
}

/* all: also those that had their values from the policy before */
static void scan(struct watcher *watcher, bool all)
{
	ino_t module = kernel_module_instance();
	bool fresh = module != watcher->module;
	struct connections connections;
	struct plan plan = { 0 };

	watcher->module = module;
	if (!module) {
		free(watcher->known);
		watcher->known = NULL;
		watcher->known_count = 0;
		return;
	}
	if (all || fresh)
		plan_module(&plan, &watcher->policy);
	if (!connections_read_only(&connections)) {
		complain_no_place(watcher, &connections);
		plan_mounts(watcher, &plan, &connections, all || fresh);
		connections_free(&connections);
	}
	plan_run(&plan, false, watcher->verbose);
	plan_free(&plan);
}

/* A policy with errors is told of, and the one before it stays. */
static bool read_policy(struct watcher *watcher)
{
	struct policy_errors errors = { 0 };
	struct policy policy = { 0 };

	watcher->broken = policy_read(&policy, &errors);
	if (watcher->broken) {
		policy_complain(&errors);
		complain("apply: the policy in force stays as it is");
		policy_free(&policy);
	} else {
		policy_free(&watcher->policy);
		watcher->policy = policy;
	}
	policy_errors_free(&errors);
	return !watcher->broken;
}

static void reload(struct watcher *watcher)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   now.tv_sec * 1000000ULL + now.tv_nsec / 1000);
	watcher->due = 0;
	if (read_policy(watcher))
		scan(watcher, true);
	tell_status(watcher);
}

static int add_watch(struct watcher *watcher, const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	int ret = inotify_add_watch(watcher->source[SOURCE_FILES].fd, full,
				    FILE_EVENTS);

	free(full);
	return ret;
}

/* Whether what happened to this name can be a change of the policy. */
static bool concerns(const struct watcher *watcher,
		     const struct inotify_event *event)
{
	if (event->mask & (IN_Q_OVERFLOW | IN_IGNORED))
		return true;
	if (!event->len)
		return false;
	if (event->wd == watcher->directory_watch)
		return event->name[0] != '.';
	return !strcmp(event->name, "fusectl.conf") ||
	       !strcmp(event->name, "fusectl.d");
}

static void take_files(struct watcher *watcher)
{
	union {
		struct inotify_event aligned;
		char bytes[4096];
	} buffer;
	const struct inotify_event *event;
	bool changed = false;
	ssize_t length, at;

	for (;;) {
		length = read(watcher->source[SOURCE_FILES].fd,
			      buffer.bytes, sizeof(buffer));
		if (length <= 0)
			break;
		for (at = 0; at < length; at += sizeof(*event) + event->len) {
			event = (const void *)(buffer.bytes + at);
			changed = changed || concerns(watcher, event);
		}
	}
	if (!changed)
		return;
	/* the directory may be a new one */
	watcher->directory_watch = add_watch(watcher, POLICY_DIRECTORY);
	watcher->due = now_ms() + SETTLE_MS;
}

/* false: it is to end */
static bool take_signal(struct watcher *watcher)
{
	struct signalfd_siginfo info;

	while (read(watcher->source[SOURCE_SIGNALS].fd, &info,
		    sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return false;
		reload(watcher);
	}
	return true;
}

static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool open_sources(struct watcher *watcher)
{
	char *mounts = text_format("%s/proc/self/mountinfo", ops_root());
	struct pollfd *source = watcher->source;
	int i;

	source[SOURCE_MOUNTS].fd = open(mounts, O_RDONLY | O_CLOEXEC);
	source[SOURCE_MOUNTS].events = POLLPRI;
	source[SOURCE_FILES].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	source[SOURCE_FILES].events = POLLIN;
	source[SOURCE_SIGNALS].fd = open_signals();
	source[SOURCE_SIGNALS].events = POLLIN;
	free(mounts);
	for (i = 0; i < SOURCE_COUNT; i++) {
		if (source[i].fd >= 0)
			continue;
		complain("apply: can't watch the machine: %s", strerror(errno));
		return false;
	}
	if (add_watch(watcher, "/etc") < 0) {
		complain("apply: can't watch /etc: %s", strerror(errno));
		return false;
	}
	watcher->directory_watch = add_watch(watcher, POLICY_DIRECTORY);
	return true;
}

static int time_left(const struct watcher *watcher)
{
	long long left;

	if (!watcher->due)
		return -1;
	left = watcher->due - now_ms();
	return left < 0 ? 0 : left;
}

static int loop(struct watcher *watcher)
{
	const struct pollfd *source = watcher->source;
	ino_t module;

	for (;;) {
		if (poll(watcher->source, SOURCE_COUNT,
			 time_left(watcher)) < 0) {
			if (errno == EINTR)
				continue;
			complain("apply: can't wait: %s", strerror(errno));
			return STATUS_FAILURE;
		}
		if (source[SOURCE_SIGNALS].revents && !take_signal(watcher))
			return STATUS_OK;
		if (source[SOURCE_MOUNTS].revents) {
			module = watcher->module;
			scan(watcher, false);
			if (module != watcher->module)
				tell_status(watcher);
		}
		if (source[SOURCE_FILES].revents)
			take_files(watcher);
		if (watcher->due && !time_left(watcher))
			reload(watcher);
	}
}

int watch(bool verbose)
{
	struct watcher watcher = {
		.verbose = verbose,
		.source = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } },
	};
	int status = STATUS_FAILURE, i;

	if (geteuid()) {
		complain("apply: not permitted; run it as root");
		return STATUS_NOT_PERMITTED;
	}
	/* opened before the first look: what happens meanwhile wakes it */
	if (open_sources(&watcher)) {
		reload(&watcher);
		status = loop(&watcher);
		sd_notify(0, "STOPPING=1");
	}
	for (i = 0; i < SOURCE_COUNT; i++) {
		if (watcher.source[i].fd >= 0)
			close(watcher.source[i].fd);
	}
	free(watcher.known);
	policy_free(&watcher.policy);
	return status;
}
