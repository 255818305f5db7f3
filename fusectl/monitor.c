// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl monitor`: mounts, unmounts, changes of toggles, loading and
 * unloading, as they happen.  Not for requests, see trace.c and top.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections.h"
#include "fusectl.h"
#include "kernel.h"
#include "live.h"
#include "ops.h"
#include "options.h"
#include "text.h"
#include "toggles.h"

#define MOUNTINFO	"/proc/self/mountinfo"
#define CHANGES		"/sys/fs/fuse_ext/changes"

/* How long a module may take from the first word of it, in milliseconds. */
#define SETTLE		50
#define SETTLE_TIMES	200

static bool json;

static const struct verb_option options[] = {
	{ .name = "json-lines", .letter = 'j', .flag = &json,
	  .help = "print a JSON object a line" },
};

static const struct usage usage = {
	.operands = "",
	.text =
	"Print what happens from now on, a line each: a FUSE filesystem is mounted or\n"
	"unmounted, a toggle is changed, by whomever, module-wide or of a connection,\n"
	"fuse_ext is loaded or unloaded. Ends by Ctrl-C.",
	.options = options,
	.option_count = ARRAY_SIZE(options),
};

/* A toggle's value in force and its source; NULL: not known. */
struct setting {
	char *value;
	char *source;
};

/* A mount, or a connection that fuse_ext serves, with its toggles. */
struct seen_mount {
	int id;
	unsigned int connection;
	enum driver driver;
	char *type;
	char *source;
	char *target;
};

struct seen_connection {
	unsigned int connection;
	char *target;		/* NULL: no mount point here */
	struct setting toggle[TOGGLE_COUNT];
};

/* How it all was when it was last looked at. */
struct state {
	bool loaded;
	char *version;
	struct setting module[TOGGLE_COUNT];
	struct seen_mount *mount;
	size_t mount_count;
	struct seen_connection *connection;
	size_t connection_count;
};

static char *copy_or_null(const char *text)
{
	return text ? text_copy(text) : NULL;
}

static void read_module(struct state *state)
{
	char *name;
	int i;

	state->version = kernel_attribute("version");
	for (i = 0; i < TOGGLE_COUNT; i++) {
		name = text_format("parameters/%s", toggle_names[i]);
		state->module[i].value = kernel_module_attribute(name);
		state->module[i].source = text_copy("module");
		free(name);
	}
}

static void add_mount(struct state *state, const struct connections *now,
		      const struct mount *mount)
{
	struct seen_mount *seen;

	state->mount = memory_grow(state->mount, state->mount_count + 1,
				   sizeof(*state->mount));
	seen = &state->mount[state->mount_count++];
	seen->id = mount->id;
	seen->connection = mount_connection(mount);
	seen->driver = connections_driver(now, seen->connection);
	seen->type = text_copy(mount->type);
	seen->source = text_copy(mount->source);
	seen->target = text_copy(mount->target);
}

static void add_connection(struct state *state, const struct connections *now,
			   unsigned int connection)
{
	const struct mount *mount = connections_mount(now, connection);
	struct seen_connection *seen;
	int i;

	state->connection = memory_grow(state->connection,
					state->connection_count + 1,
					sizeof(*state->connection));
	seen = &state->connection[state->connection_count++];
	seen->connection = connection;
	seen->target = copy_or_null(mount ? mount->target : NULL);
	for (i = 0; i < TOGGLE_COUNT; i++)
		kernel_connection_state(now->own_place, connection,
					toggle_names[i],
					&seen->toggle[i].value,
					&seen->toggle[i].source);
}

static int read_state(struct state *state, bool again)
{
	struct connections now;
	int status;
	size_t i;

	memset(state, 0, sizeof(*state));
	status = again ? connections_read_only(&now) : connections_read(&now);
	if (status)
		return status;
	state->loaded = now.loaded;
	if (now.loaded)
		read_module(state);
	for (i = 0; i < now.mounts.count; i++) {
		if (mount_is_fuse(&now.mounts.mount[i]))
			add_mount(state, &now, &now.mounts.mount[i]);
	}
	for (i = 0; i < now.own_count; i++)
		add_connection(state, &now, now.own[i]);
	connections_free(&now);
	return STATUS_OK;
}

static void free_settings(struct setting *settings)
{
	int i;

	for (i = 0; i < TOGGLE_COUNT; i++) {
		free(settings[i].value);
		free(settings[i].source);
	}
}

static void free_state(struct state *state)
{
	size_t i;

	for (i = 0; i < state->mount_count; i++) {
		free(state->mount[i].type);
		free(state->mount[i].source);
		free(state->mount[i].target);
	}
	for (i = 0; i < state->connection_count; i++) {
		free(state->connection[i].target);
		free_settings(state->connection[i].toggle);
	}
	free_settings(state->module);
	free(state->mount);
	free(state->connection);
	free(state->version);
	memset(state, 0, sizeof(*state));
}

static void begin_line(const char *event)
{
	uint64_t now = live_realtime();
	char time[LIVE_TIME_SIZE];

	if (json) {
		json_open(NULL);
		json_text("event", event);
		json_seconds("time", now);
		return;
	}
	live_time(now, 3, time);
	printf("%s %s", time, event);
}

static void end_line(void)
{
	if (json)
		json_line_end();
	else
		putchar('\n');
}

/* A word of a line, in which a blank and a newline are \xNN. */
static void put_word(const char *text)
{
	char *printable = text_printable(text ? text : "-", false);
	const char *c;

	putchar(' ');
	for (c = printable; *c; c++) {
		if (*c == ' ')
			fputs("\\x20", stdout);
		else
			putchar(*c);
	}
	free(printable);
}

static void print_module(const char *event, const char *version)
{
	begin_line(event);
	if (json)
		json_text("version", version);
	else if (version)
		put_word(version);
	end_line();
}

static void print_mount(const char *event, const struct seen_mount *mount)
{
	begin_line(event);
	if (json) {
		json_number("conn", mount->connection);
		json_text("driver", driver_name(mount->driver));
		json_text("fstype", mount->type);
		json_text("source", mount->source);
		json_text("target", mount->target);
	} else {
		printf(" %u %s", mount->connection, driver_name(mount->driver));
		put_word(mount->type);
		put_word(mount->source);
		put_word(mount->target);
	}
	end_line();
}

static void print_json_change(const char *toggle, const struct setting *old,
			      const struct setting *new)
{
	json_text("toggle", toggle);
	json_text("old", old->value);
	json_text("old_source", old->source);
	json_text("new", new->value);
	json_text("new_source", new->source);
}

/* connection is NULL where it is module-wide */
static void print_change(const struct seen_connection *connection,
			 const char *toggle, const struct setting *old,
			 const struct setting *new)
{
	begin_line("change");
	if (json) {
		if (connection)
			json_number("conn", connection->connection);
		else
			json_null("conn");
		json_text("target", connection ? connection->target : NULL);
		print_json_change(toggle, old, new);
	} else if (connection) {
		printf(" %u", connection->connection);
		put_word(connection->target);
		printf(" %s %s (%s) -> %s (%s)", toggle, old->value,
		       old->source, new->value, new->source);
	} else {
		printf(" module %s %s -> %s", toggle, old->value, new->value);
	}
	end_line();
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_module(const struct setting *setting)
{
	return is_same(setting->source, "module");
}

static void compare_settings(const struct seen_connection *connection,
			     const struct setting *old,
			     const struct setting *new)
{
	int i;

	for (i = 0; i < TOGGLE_COUNT; i++) {
		/* one of them couldn't be read: another user's */
		if (!old[i].value || !new[i].value)
			continue;
		/* that of the module was printed already */
		if (connection && is_module(&old[i]) && is_module(&new[i]))
			continue;
		if (!is_same(old[i].value, new[i].value) ||
		    !is_same(old[i].source, new[i].source))
			print_change(connection, toggle_names[i], &old[i],
				     &new[i]);
	}
}

static const struct seen_mount *find_mount(const struct state *state,
					   const struct seen_mount *mount)
{
	size_t i;

	for (i = 0; i < state->mount_count; i++) {
		const struct seen_mount *seen = &state->mount[i];

		/* the kernel gives a number again after an unmount */
		if (seen->id == mount->id &&
		    seen->connection == mount->connection &&
		    !strcmp(seen->target, mount->target))
			return seen;
	}
	return NULL;
}

static void compare_connections(const struct state *old,
				const struct state *new)
{
	size_t i, j;

	for (i = 0; i < new->connection_count; i++) {
		const struct seen_connection *now = &new->connection[i];

		for (j = 0; j < old->connection_count; j++) {
			if (old->connection[j].connection == now->connection)
				compare_settings(now,
						 old->connection[j].toggle,
						 now->toggle);
		}
	}
}

/* In an order in which it can have happened. */
static void compare(const struct state *old, struct state *new)
{
	const struct seen_mount *before;
	size_t i;

	for (i = 0; i < old->mount_count; i++) {
		if (!find_mount(new, &old->mount[i]))
			print_mount("unmount", &old->mount[i]);
	}
	if (old->loaded && !new->loaded)
		print_module("unload", old->version);
	if (!old->loaded && new->loaded)
		print_module("load", new->version);
	if (old->loaded && new->loaded)
		compare_settings(NULL, old->module, new->module);
	compare_connections(old, new);
	for (i = 0; i < new->mount_count; i++) {
		before = find_mount(old, &new->mount[i]);
		/* a mount stays with its driver, also when its connection went */
		if (before)
			new->mount[i].driver = before->driver;
		else
			print_mount("mount", &new->mount[i]);
	}
}

static int open_file(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	int fd = open(full, O_RDONLY | O_CLOEXEC);

	free(full);
	return fd;
}

/* Where loading and unloading are told, also to ordinary users; -1: nowhere. */
static int open_uevents(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1,
	};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* sysfs wakes only those who have read the file since the last change. */
static void read_again(int fd)
{
	char text[64];

	if (fd >= 0 && pread(fd, text, sizeof(text), 0) < 0)
		text[0] = '\0';
}

/* Whether one of what is waiting there is about us. */
static bool read_uevents(int fd)
{
	char text[8192];
	ssize_t length;
	bool ours = false;

	while ((length = recv(fd, text, sizeof(text) - 1, 0)) > 0) {
		text[length] = '\0';
		ours |= !!strstr(text, "@/module/fuse_ext");
	}
	/* too many at once: some were dropped */
	return ours || (length < 0 && errno == ENOBUFS);
}

enum {
	FILE_MOUNTS,
	FILE_CHANGES,
	FILE_UEVENTS,
	FILE_COUNT,
};

static void open_changes(struct pollfd *files, bool loaded)
{
	struct pollfd *changes = &files[FILE_CHANGES];

	/* of a module that was unloaded it never tells anything any more */
	if (changes->fd >= 0 && !loaded) {
		close(changes->fd);
		changes->fd = -1;
	}
	if (changes->fd < 0 && loaded)
		changes->fd = open_file(CHANGES);
	read_again(changes->fd);
}

/* It is told of before it has begun to serve, and before it is gone. */
static bool settle(void)
{
	bool go_on = true;
	char *state;
	int i;

	for (i = 0; go_on && i < SETTLE_TIMES; i++) {
		state = kernel_module_attribute("initstate");
		if (!state || !strcmp(state, "live"))
			i = SETTLE_TIMES;
		else
			go_on = live_wait(NULL, 0, SETTLE);
		free(state);
	}
	return go_on;
}

static bool wait_for_change(struct pollfd *files)
{
	bool changed = false;

	while (!changed) {
		if (!live_wait(files, FILE_COUNT, -1))
			return false;
		changed = (files[FILE_MOUNTS].revents |
			   files[FILE_CHANGES].revents) & (POLLPRI | POLLERR);
		if (files[FILE_UEVENTS].revents &&
		    read_uevents(files[FILE_UEVENTS].fd)) {
			changed = true;
			if (!settle())
				return false;
		}
	}
	return true;
}

/*
 * The files are armed before the state is read: what changes meanwhile wakes
 * the next wait.
 */
static int follow(struct pollfd *files)
{
	struct state old, new;
	int status;

	open_changes(files, kernel_loaded());
	status = read_state(&old, false);
	while (!status && wait_for_change(files)) {
		/* one that was unloaded and loaded since is another file */
		open_changes(files, false);
		open_changes(files, kernel_loaded());
		status = read_state(&new, true);
		if (status)
			break;
		compare(&old, &new);
		free_state(&old);
		old = new;
		if (!live_output())
			break;
	}
	free_state(&old);
	return status;
}

static int run(int argc, char **argv)
{
	struct pollfd files[FILE_COUNT] = {
		[FILE_MOUNTS] = { .events = POLLPRI },
		[FILE_CHANGES] = { .fd = -1, .events = POLLPRI },
		[FILE_UEVENTS] = { .events = POLLIN },
	};
	int status, i;

	if (!options_read(argc, argv, &usage, NULL, &status))
		return status;
	if (optind < argc)
		return options_wrong(argv[0], &usage, "takes no operand");
	files[FILE_MOUNTS].fd = open_file(MOUNTINFO);
	if (files[FILE_MOUNTS].fd < 0) {
		complain("can't read %s: %s; is /proc mounted?", MOUNTINFO,
			 strerror(errno));
		return STATUS_FAILURE;
	}
	files[FILE_UEVENTS].fd = open_uevents();
	live_begin();
	status = follow(files);
	for (i = 0; i < FILE_COUNT; i++) {
		if (files[i].fd >= 0)
			close(files[i].fd);
	}
	live_end();
	return status;
}

const struct verb verb_monitor = {
	.name = "monitor",
	.function = run,
	.description = "print mounts and changes of toggles as they happen",
	.usage = &usage,
};
