// SPDX-License-Identifier: GPL-2.0
/*
 * The calls by which fusectl changes the machine.  Not for deciding
 * what to change, see control.c and the verbs.
 */
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"
#include "text.h"

#define MODULE	"fuse_ext"
#define __noreturn	__attribute__((__noreturn__))
#define RUN_LIMIT	20000	/* milliseconds */

const char *ops_root(void)
{
	return "";
}

int ops_mount(const char *source, const char *target, const char *type,
	      unsigned long flags)
{
	return mount(source, target, type, flags, NULL) ? -errno : 0;
}

int ops_unmount(const char *target)
{
	return umount2(target, UMOUNT_NOFOLLOW) ? -errno : 0;
}

__printf(6, 0)
static void discard_log(void *data, int priority, const char *file, int line,
			const char *function, const char *format, va_list args)
{
	(void)data;
	(void)priority;
	(void)file;
	(void)line;
	(void)function;
	(void)format;
	(void)args;
}

/* quiet: the caller says more about a failure than libkmod would */
static int open_module(bool quiet, struct kmod_ctx **context,
		       struct kmod_module **module)
{
	int ret;

	*context = kmod_new(NULL, NULL);
	if (!*context)
		return -ENOMEM;
	if (quiet)
		kmod_set_log_fn(*context, discard_log, NULL);
	ret = kmod_module_new_from_name(*context, MODULE, module);
	if (ret < 0)
		kmod_unref(*context);
	return ret;
}

static void close_module(struct kmod_ctx *context, struct kmod_module *module)
{
	kmod_module_unref(module);
	kmod_unref(context);
}

int ops_module_insert(void)
{
	struct kmod_module *module;
	struct kmod_ctx *context;
	int ret;

	ret = open_module(false, &context, &module);
	if (ret < 0)
		return ret;
	if (kmod_module_get_path(module))
		ret = kmod_module_probe_insert_module(module, 0, NULL, NULL,
						      NULL, NULL);
	else
		ret = -ENOENT;
	close_module(context, module);
	return ret;
}

int ops_module_remove(void)
{
	struct kmod_module *module;
	struct kmod_ctx *context;
	int ret;

	ret = open_module(true, &context, &module);
	if (ret < 0)
		return ret;
	ret = kmod_module_remove_module(module, 0);
	close_module(context, module);
	return ret;
}

char *ops_module_field(const char *name)
{
	struct kmod_list *fields = NULL, *entry;
	struct kmod_module *module;
	struct kmod_ctx *context;
	char *value = NULL;
	const char *path;

	if (open_module(true, &context, &module) < 0)
		return NULL;
	path = kmod_module_get_path(module);
	if (path && !strcmp(name, "filename")) {
		value = text_copy(path);
	} else if (path && kmod_module_get_info(module, &fields) >= 0) {
		kmod_list_foreach(entry, fields) {
			if (strcmp(kmod_module_info_get_key(entry), name))
				continue;
			value = text_copy(kmod_module_info_get_value(entry));
			break;
		}
		kmod_module_info_free_list(fields);
	}
	close_module(context, module);
	return value;
}

/* In the child. */
__noreturn
static void run_child(const char *const *command, int output)
{
	char *const environment[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/",
		NULL,
	};
	int null = open("/dev/null", O_RDWR);

	/* what it starts in its turn is ended with it */
	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execvpe(command[0], (char *const *)command, environment);
	_exit(127);
}

/* Until the end of the output, or no more of it came for too long. */
static char *read_output(int fd, bool *in_time)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char buffer[4096], *text = text_copy(""), *longer;
	ssize_t length = 1;

	for (;;) {
		*in_time = poll(&poll_fd, 1, RUN_LIMIT) > 0;
		length = *in_time ? read(fd, buffer, sizeof(buffer)) : 0;
		if (length <= 0)
			return text;
		longer = text_format("%s%.*s", text, (int)length, buffer);
		free(text);
		text = longer;
	}
}

int ops_run(const char *const *command, char **output)
{
	bool in_time;
	int fds[2], state;
	char *text;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	child = fork();
	if (!child)
		run_child(command, fds[1]);
	close(fds[1]);
	if (child < 0) {
		close(fds[0]);
		return -EAGAIN;
	}
	text = read_output(fds[0], &in_time);
	close(fds[0]);
	if (!in_time)
		kill(-child, SIGKILL);
	if (waitpid(child, &state, 0) != child)
		state = 0xff00;
	if (output)
		*output = text;
	else
		free(text);
	if (!in_time)
		return -ETIMEDOUT;
	if (!WIFEXITED(state))
		return -ECHILD;
	return WEXITSTATUS(state) == 127 ? -ENOENT : WEXITSTATUS(state);
}

int ops_write(const char *path, const char *word)
{
	char *line = text_format("%s\n", word);
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	/* one write(2): the kernel takes the word as a whole or not at all */
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	free(line);
	return ret;
}

int ops_make_directory(const char *path)
{
	return mkdir(path, 0700) ? -errno : 0;
}

int ops_remove_directory(const char *path)
{
	return rmdir(path) ? -errno : 0;
}

int ops_poll(struct pollfd *files, nfds_t count, int milliseconds)
{
	return poll(files, count, milliseconds);
}
