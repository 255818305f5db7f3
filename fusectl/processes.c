// SPDX-License-Identifier: GPL-2.0
/*
 * Which processes serve FUSE connections or use what is mounted, from links
 * and text in /proc: nothing here looks at a mount itself.  Not for what is
 * said of it, see the verbs.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "fusectl.h"
#include "kernel_parse.h"
#include "ops.h"
#include "processes.h"
#include "text.h"

#define DEVICE		"/dev/fuse"
/* how long one process' maps may take */
#define MAPS_LIMIT	2000

static void add(struct processes *processes, enum use use, pid_t pid,
		unsigned int connection, const char *path)
{
	struct process_use *entry;

	processes->use = memory_grow(processes->use, processes->count + 1,
				     sizeof(*processes->use));
	entry = &processes->use[processes->count++];
	entry->use = use;
	entry->pid = pid;
	entry->connection = connection;
	entry->path = text_copy(path);
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length &&
	       !strcmp(text + length - end_length, end);
}

/*
 * The FUSE mount that a path is below, or NULL.  By its text: two mounts at the
 * same place can't be told apart, so the upper one, later in the table, it is.
 */
static const struct mount *below(const struct mounts *mounts, const char *path)
{
	const struct mount *found = NULL;
	size_t i, length, longest = 0;

	for (i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->mount[i];

		length = strlen(mount->target);
		if (length < longest || strncmp(path, mount->target, length) ||
		    (length > 1 && path[length] && path[length] != '/'))
			continue;
		longest = length;
		found = mount;
	}
	return found && mount_is_fuse(found) ? found : NULL;
}

static void add_user(struct processes *processes, const struct mounts *mounts,
		     enum use use, pid_t pid, const char *path)
{
	const struct mount *mount = path[0] == '/' ? below(mounts, path) : NULL;

	if (mount)
		add(processes, use, pid, mount_connection(mount), path);
}

static void add_device(struct processes *processes, pid_t pid,
		       const char *descriptor)
{
	char *path = text_format("/proc/%d/fdinfo/%s", pid, descriptor);
	char *text = file_read(path);
	unsigned int connection;
	size_t i;

	free(path);
	if (text && parse_fdinfo(text, &connection)) {
		/* a cloned device is the same server */
		for (i = processes->count; i; i--) {
			if (processes->use[i - 1].pid == pid &&
			    processes->use[i - 1].use == USE_SERVER &&
			    processes->use[i - 1].connection == connection)
				break;
		}
		if (!i)
			add(processes, USE_SERVER, pid, connection, DEVICE);
	} else if (text) {
		add(processes, USE_DEVICE, pid, 0, DEVICE);
	}
	free(text);
}

static void read_descriptors(struct processes *processes,
			     const struct mounts *mounts, pid_t pid, bool users)
{
	char *directory = text_format("/proc/%d/fd", pid), *path, *target;
	char **names;
	size_t i, count;
	int ret;

	ret = file_names(directory, &names, &count);
	if (ret == -EACCES || ret == -EPERM)
		processes->incomplete = true;
	for (i = 0; i < count; i++) {
		path = text_format("%s/%s", directory, names[i]);
		target = file_link(path);
		free(path);
		if (target && ends_with(target, DEVICE))
			add_device(processes, pid, names[i]);
		else if (target && users)
			add_user(processes, mounts, USE_FILE, pid, target);
		free(target);
	}
	file_names_free(names, count);
	free(directory);
}

static void read_link_use(struct processes *processes,
			  const struct mounts *mounts, enum use use, pid_t pid,
			  const char *name)
{
	char *path = text_format("/proc/%d/%s", pid, name);
	char *target = file_link(path);

	free(path);
	if (target)
		add_user(processes, mounts, use, pid, target);
	free(target);
}

/* In the child: prints the process and, for each map of interest, its path. */
static void print_maps(const struct mounts *mounts, const pid_t *pids,
		       size_t count, FILE *stream)
{
	const char *path;
	char *name, *text, *rest, *line, *last;
	size_t i;

	for (i = 0; i < count; i++) {
		fprintf(stream, "%d\n", pids[i]);
		fflush(stream);
		name = text_format("/proc/%d/maps", pids[i]);
		text = file_read(name);
		free(name);
		rest = text;
		last = NULL;
		while (text && (line = strsep(&rest, "\n"))) {
			path = parse_map_path(line);
			if (!path || (last && !strcmp(last, path)) ||
			    !below(mounts, path))
				continue;
			fprintf(stream, "%d %s\n", pids[i], path);
			free(last);
			last = text_copy(path);
		}
		free(last);
		free(text);
	}
	fflush(stream);
}

/* A line of the child's; the process that it is about. */
static pid_t take_line(struct processes *processes,
		       const struct mounts *mounts, char *line)
{
	char *path = strchr(line, ' ');
	pid_t pid = atoi(line);

	if (path)
		add_user(processes, mounts, USE_MAP, pid, path + 1);
	return pid;
}

/* Reads what the child prints; 0, or the process whose maps hang. */
static pid_t listen_to(struct processes *processes, const struct mounts *mounts,
		       int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char buffer[4096], *line, *end, *text = text_copy(""), *longer;
	ssize_t length;
	pid_t last = 0;
	int ready;

	for (;;) {
		ready = poll(&poll_fd, 1, MAPS_LIMIT);
		if (ready < 0 && errno == EINTR)
			continue;
		length = ready > 0 ? read(fd, buffer, sizeof(buffer)) : 0;
		if (length <= 0)
			break;
		longer = text_format("%s%.*s", text, (int)length, buffer);
		free(text);
		text = longer;
		for (line = text; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			last = take_line(processes, mounts, line);
		}
		memmove(text, line, strlen(line) + 1);
	}
	free(text);
	return ready ? 0 : last;
}

/*
 * Reading the maps of a process takes its memory lock, which is held as long as
 * one of its threads waits for a server in a page fault.  So a child reads, and
 * is killed where it waits for too long; the next one goes on after that.
 */
static void read_maps(struct processes *processes, const struct mounts *mounts,
		      const pid_t *pids, size_t count)
{
	size_t done = 0;
	pid_t child, hanging;
	int fds[2];
	FILE *stream;

	while (done < count) {
		if (pipe(fds))
			return;
		fflush(NULL);
		child = fork();
		if (!child) {
			stream = fdopen(fds[1], "w");
			if (stream)
				print_maps(mounts, &pids[done], count - done,
					   stream);
			_exit(0);
		}
		close(fds[1]);
		hanging = child > 0 ? listen_to(processes, mounts, fds[0]) : 0;
		close(fds[0]);
		if (child > 0) {
			kill(child, SIGKILL);
			/* one that can't even be killed is init's to reap */
			waitpid(child, NULL, hanging ? WNOHANG : 0);
		}
		if (!hanging)
			return;
		processes->hanging = hanging;
		while (done < count && pids[done] != hanging)
			done++;
		done++;
	}
}

static size_t list_processes(pid_t **pids)
{
	unsigned long long number;
	size_t i, count, found = 0;
	char **names;

	file_names("/proc", &names, &count);
	*pids = memory(count, sizeof(**pids));
	for (i = 0; i < count; i++) {
		if (parse_number(names[i], &number))
			(*pids)[found++] = number;
	}
	file_names_free(names, count);
	return found;
}

void processes_read(struct processes *processes,
		    const struct connections *connections, bool users)
{
	const struct mounts *mounts = &connections->mounts;
	size_t i, count;
	pid_t *pids;

	memset(processes, 0, sizeof(*processes));
	count = list_processes(&pids);
	for (i = 0; i < count; i++) {
		read_descriptors(processes, mounts, pids[i], users);
		if (!users)
			continue;
		read_link_use(processes, mounts, USE_DIRECTORY, pids[i], "cwd");
		read_link_use(processes, mounts, USE_ROOT, pids[i], "root");
	}
	if (users)
		read_maps(processes, mounts, pids, count);
	free(pids);
}

void processes_free(struct processes *processes)
{
	size_t i;

	for (i = 0; i < processes->count; i++)
		free(processes->use[i].path);
	free(processes->use);
	memset(processes, 0, sizeof(*processes));
}

const struct process_use *processes_server(const struct processes *processes,
					   unsigned int connection)
{
	size_t i;

	for (i = 0; i < processes->count; i++) {
		if (processes->use[i].use == USE_SERVER &&
		    processes->use[i].connection == connection)
			return &processes->use[i];
	}
	return NULL;
}

const char *use_name(enum use use)
{
	static const char *const names[] = {
		[USE_SERVER] = "server",
		[USE_DEVICE] = "device",
		[USE_FILE] = "file",
		[USE_DIRECTORY] = "cwd",
		[USE_ROOT] = "root",
		[USE_MAP] = "map",
	};

	return names[use];
}

static char *process_file(pid_t pid, const char *name)
{
	char *path = text_format("/proc/%d/%s", pid, name);
	char *text = file_read(path);

	free(path);
	return text;
}

char *process_program(pid_t pid)
{
	char *path = text_format("/proc/%d/exe", pid);
	char *program = file_link(path);

	free(path);
	return program ? program : process_file(pid, "comm");
}

char *process_user(pid_t pid)
{
	char *text = process_file(pid, "status"), *name = NULL;
	unsigned int user;

	if (text && parse_process_user(text, &user))
		name = user_name(user);
	free(text);
	return name;
}

char process_state(pid_t pid)
{
	char *text = process_file(pid, "stat");
	char state = text ? parse_process_state(text) : 0;

	free(text);
	return state;
}

static char *wait_of(const char *directory)
{
	char *path = text_format("%s/stack", directory);
	char *stack = file_read(path), *text;

	text = stack ? parse_stack_top(stack) : NULL;
	free(stack);
	free(path);
	if (!text) {
		path = text_format("%s/wchan", directory);
		text = file_read(path);
		free(path);
	}
	if (text && (!*text || !strcmp(text, "0"))) {
		free(text);
		text = NULL;
	}
	return text;
}

char *process_wait(pid_t pid)
{
	char *directory = text_format("/proc/%d", pid);
	char *wait = wait_of(directory);

	free(directory);
	return wait;
}

bool process_waits_in(pid_t pid, const char *function)
{
	char *directory = text_format("/proc/%d/task", pid), **names;
	bool found = false;
	size_t i, count;

	file_names(directory, &names, &count);
	for (i = 0; i < count && !found; i++) {
		char *thread = text_format("%s/%s", directory, names[i]);
		char *wait = wait_of(thread);

		/* a compiler may have added .isra.0 */
		found = wait && !strncmp(wait, function, strlen(function));
		free(wait);
		free(thread);
	}
	file_names_free(names, count);
	free(directory);
	return found;
}

unsigned long long process_switches(pid_t pid)
{
	char *directory = text_format("/proc/%d/task", pid), **names;
	unsigned long long sum = 0;
	size_t i, count;

	file_names(directory, &names, &count);
	for (i = 0; i < count; i++) {
		char *path = text_format("%s/%s/status", directory, names[i]);
		char *text = file_read(path);

		if (text)
			sum += parse_switches(text);
		free(text);
		free(path);
	}
	file_names_free(names, count);
	free(directory);
	return sum;
}

char *user_name(uid_t user)
{
	const struct passwd *entry = getpwuid(user);

	return entry ? text_copy(entry->pw_name) : text_format("%u", user);
}
