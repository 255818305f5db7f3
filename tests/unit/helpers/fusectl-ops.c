// SPDX-License-Identifier: GPL-2.0
/*
 * What fusectl/ops.c is in the unit tests: the root is $FUSECTL_ROOT, and each
 * change is a call of the script fusectl-ops there, whose exit status is the
 * errno.  Not for installing: without the variable it ends the program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"
#include "text.h"

const char *ops_root(void)
{
	const char *root = getenv("FUSECTL_ROOT");

	if (root && *root)
		return root;
	fprintf(stderr, "this is the build for unit tests: it needs FUSECTL_ROOT\n");
	abort();
}

static int call(const char *first, const char *second, const char *third, const char *fourth,
		const char *fifth)
{
	char *script = text_format("%s/fusectl-ops", ops_root());
	pid_t child;
	int state;

	fflush(NULL);
	child = fork();
	if (!child) {
		execl(script, script, first, second, third, fourth, fifth, NULL);
		_exit(127);
	}
	free(script);
	if (child < 0 || waitpid(child, &state, 0) != child || !WIFEXITED(state) ||
	    WEXITSTATUS(state) == 127)
		abort();
	return -WEXITSTATUS(state);
}

int ops_mount(const char *source, const char *target, const char *type, unsigned long flags)
{
	char *number = text_format("%lu", flags);
	int ret = call("mount", source ? source : "none", target, type ? type : "none", number);

	free(number);
	return ret;
}

int ops_unmount(const char *target)
{
	return call("unmount", target, NULL, NULL, NULL);
}

int ops_module_insert(void)
{
	return call("insert", NULL, NULL, NULL, NULL);
}

int ops_module_remove(void)
{
	return call("remove", NULL, NULL, NULL, NULL);
}

char *ops_module_field(const char *name)
{
	char *path = text_format("%s/modinfo/%s", ops_root(), name);
	FILE *file = fopen(path, "r");
	char value[4096] = "";

	free(path);
	if (!file)
		return NULL;
	if (!fgets(value, sizeof(value), file))
		value[0] = '\0';
	fclose(file);
	value[strcspn(value, "\n")] = '\0';
	return text_copy(value);
}

/* $FUSECTL_ROOT/commands/NAME, if the test made one */
int ops_run(const char *const *command, char **output)
{
	char *line = text_format("%s/commands/%s", ops_root(), command[0]), *longer;
	char text[4096] = "";
	size_t length, i;
	FILE *stream;
	int state;

	if (access(line, X_OK)) {
		free(line);
		return -ENOENT;
	}
	for (i = 1; command[i]; i++) {
		longer = text_format("%s '%s'", line, command[i]);
		free(line);
		line = longer;
	}
	fflush(NULL);
	stream = popen(line, "r");
	free(line);
	if (!stream)
		abort();
	length = fread(text, 1, sizeof(text) - 1, stream);
	text[length] = '\0';
	state = pclose(stream);
	if (output)
		*output = text_copy(text);
	return WIFEXITED(state) ? WEXITSTATUS(state) : -ECHILD;
}

int ops_write(const char *path, const char *word)
{
	return call("write", path, word, NULL, NULL);
}

int ops_make_directory(const char *path)
{
	return call("mkdir", path, NULL, NULL, NULL);
}

int ops_remove_directory(const char *path)
{
	return call("rmdir", path, NULL, NULL, NULL);
}

/* A file tells nobody that it was changed: what waits for that looks again soon. */
int ops_poll(struct pollfd *files, nfds_t count, int milliseconds)
{
	nfds_t i;
	int ready;

	ready = poll(files, count, milliseconds >= 0 && milliseconds < 50 ? milliseconds : 50);
	for (i = 0; !ready && i < count; i++) {
		if (files[i].events & POLLPRI)
			files[i].revents |= POLLPRI;
	}
	return ready;
}
