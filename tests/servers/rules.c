// SPDX-License-Identifier: GPL-2.0
/*
 * rules.c - delay, fail or hold chosen requests, from the command line and
 * from a control socket.  For the test servers; requests are opcodes here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "rules.h"
#include "wire.h"

#define OPCODES	2049

struct rule {
	uint64_t delay_ns;
	int error;
	int error_count;	/* how often to fail; -1: always */
	int hold;
	int held;
	unsigned long seen;	/* since the last tally */
};

struct control {
	int fd;
	FILE *log;
	FILE *dump;
	int (*other)(FILE *answer, char *command, char *argument);
};

static struct rule rules[OPCODES];
static pthread_mutex_t rules_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rules_changed = PTHREAD_COND_INITIALIZER;

/* Split "OPCODE=VALUE"; the opcode, and *@value behind the '='. */
static int split(const char *text, const char **value)
{
	const char *equals = strchr(text, '=');
	char name[32];
	int opcode;

	snprintf(name, sizeof(name), "%.*s",
		 equals ? (int)(equals - text) : (int)strlen(text), text);
	opcode = wire_opcode(name);
	if (opcode < 0 || opcode >= OPCODES) {
		fprintf(stderr, "%s: no FUSE operation has this name\n", name);
		return -1;
	}
	if (value)
		*value = equals ? equals + 1 : NULL;
	return opcode;
}

int rules_delay(const char *text)
{
	int all = strncasecmp(text, "all=", 4) == 0, opcode = 0;
	const char *value = text + 4;
	uint64_t delay_ns;

	if (!all)
		opcode = split(text, &value);
	if (opcode < 0)
		return -1;
	if (!value) {
		fprintf(stderr, "%s: a delay is OPERATION=MILLISECONDS\n", text);
		return -1;
	}
	delay_ns = strtod(value, NULL) * 1e6 + 0.5;
	pthread_mutex_lock(&rules_lock);
	rules[opcode].delay_ns = delay_ns;
	for (; all && opcode < OPCODES; opcode++)
		rules[opcode].delay_ns = delay_ns;
	pthread_mutex_unlock(&rules_lock);
	return 0;
}

int rules_fail(const char *text)
{
	const char *value, *times;
	int opcode = split(text, &value);
	char name[32];
	int error;

	if (opcode < 0)
		return -1;
	if (!value)
		value = "";
	times = strchr(value, ':');
	snprintf(name, sizeof(name), "%.*s",
		 times ? (int)(times - value) : (int)strlen(value), value);
	error = wire_errno(name);
	if (error < 0) {
		fprintf(stderr, "%s: a failure is OPERATION=ERRNO or OPERATION=ERRNO:TIMES\n",
			text);
		return -1;
	}
	pthread_mutex_lock(&rules_lock);
	rules[opcode].error = error;
	rules[opcode].error_count = times ? atoi(times + 1) : -1;
	pthread_mutex_unlock(&rules_lock);
	return 0;
}

int rules_hold(const char *text)
{
	int opcode = split(text, NULL);

	if (opcode < 0)
		return -1;
	pthread_mutex_lock(&rules_lock);
	rules[opcode].hold = 1;
	pthread_mutex_unlock(&rules_lock);
	return 0;
}

int rules_release(const char *text)
{
	int opcode, all = strcasecmp(text, "all") == 0;

	if (!all && split(text, NULL) < 0)
		return -1;
	pthread_mutex_lock(&rules_lock);
	if (all)
		for (opcode = 0; opcode < OPCODES; opcode++)
			rules[opcode].hold = 0;
	else
		rules[split(text, NULL)].hold = 0;
	pthread_cond_broadcast(&rules_changed);
	pthread_mutex_unlock(&rules_lock);
	return 0;
}

int rules_must_wait(uint32_t opcode)
{
	int wait;

	if (opcode >= OPCODES)
		return 0;
	pthread_mutex_lock(&rules_lock);
	wait = rules[opcode].delay_ns || rules[opcode].hold;
	pthread_mutex_unlock(&rules_lock);
	return wait;
}

int rules_apply(uint32_t opcode)
{
	struct timespec delay;
	struct rule *rule;
	int error = 0;

	if (opcode >= OPCODES)
		return 0;
	rule = &rules[opcode];
	pthread_mutex_lock(&rules_lock);
	rule->seen++;
	delay.tv_sec = rule->delay_ns / 1000000000;
	delay.tv_nsec = rule->delay_ns % 1000000000;
	rule->held++;
	while (rule->hold)
		pthread_cond_wait(&rules_changed, &rules_lock);
	rule->held--;
	if (rule->error && rule->error_count) {
		error = rule->error;
		if (rule->error_count > 0)
			rule->error_count--;
	}
	pthread_mutex_unlock(&rules_lock);
	while ((delay.tv_sec || delay.tv_nsec) && nanosleep(&delay, &delay) < 0 && errno == EINTR)
		;
	return error;
}

int rules_held(uint32_t opcode)
{
	int held;

	if (opcode >= OPCODES)
		return 0;
	pthread_mutex_lock(&rules_lock);
	held = rules[opcode].hold ? rules[opcode].held : 0;
	pthread_mutex_unlock(&rules_lock);
	return held;
}

static void tell_held(FILE *answer, const char *argument)
{
	int opcode = split(argument, NULL);

	if (opcode < 0)
		fprintf(answer, "error: not understood: held %s\n", argument);
	else
		fprintf(answer, "%d\n", rules_held(opcode));
}

/* What came since the last tally, and start again. */
static void tell_tally(FILE *answer)
{
	const char *between = "";
	int opcode;

	pthread_mutex_lock(&rules_lock);
	for (opcode = 0; opcode < OPCODES; opcode++) {
		if (!rules[opcode].seen)
			continue;
		fprintf(answer, "%s%s=%lu", between, wire_opcode_name(opcode),
			rules[opcode].seen);
		rules[opcode].seen = 0;
		between = " ";
	}
	pthread_mutex_unlock(&rules_lock);
	fputc('\n', answer);
}

static int mark(struct control *control, const char *text)
{
	wire_log(control->log, "mark %s", text);
	if (control->dump) {
		fprintf(control->dump, "MARK %s\n", text);
		fflush(control->dump);
	}
	return 0;
}

static void obey(struct control *control, FILE *answer, char *line)
{
	char *argument = strchr(line, ' ');
	int failed = 1;

	if (argument)
		*argument++ = '\0';
	else
		argument = "";
	if (strcmp(line, "held") == 0) {
		tell_held(answer, argument);
		return;
	}
	if (strcmp(line, "tally") == 0) {
		tell_tally(answer);
		return;
	}
	if (strcmp(line, "delay") == 0)
		failed = rules_delay(argument);
	else if (strcmp(line, "fail") == 0)
		failed = rules_fail(argument);
	else if (strcmp(line, "hold") == 0)
		failed = rules_hold(argument);
	else if (strcmp(line, "release") == 0)
		failed = rules_release(argument);
	else if (strcmp(line, "mark") == 0)
		failed = mark(control, argument);
	else if (control->other && control->other(answer, line, argument) == 0)
		return;
	if (failed)
		fprintf(answer, "error: not understood: %s %s\n", line, argument);
	else
		fprintf(answer, "ok\n");
}

static void *serve(void *data)
{
	struct control *control = data;
	FILE *commands, *answer;
	char line[256];
	int fd;

	for (;;) {
		fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			perror("control socket: accept");
			return NULL;
		}
		commands = fdopen(fd, "r");
		answer = fdopen(dup(fd), "w");
		if (!commands || !answer) {
			perror("control socket: stream");
			return NULL;
		}
		while (fgets(line, sizeof(line), commands)) {
			line[strcspn(line, "\n")] = '\0';
			obey(control, answer, line);
			fflush(answer);
		}
		fclose(commands);
		fclose(answer);
	}
	return NULL;
}

int rules_listen(const char *whose, const char *path, int flags)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "%s%s: the path is too long for a socket\n", whose, path);
		return -1;
	}
	strcpy(address.sun_path, path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0) {
		fprintf(stderr, "%s%s: %s; is its directory there and writable?\n", whose, path,
			strerror(errno));
		return -1;
	}
	return fd;
}

int rules_serve(const char *path, FILE *log, FILE *dump,
		int (*other)(FILE *answer, char *command, char *argument))
{
	static struct control control;
	pthread_t thread;

	control.log = log;
	control.dump = dump;
	control.other = other;
	control.fd = rules_listen("control socket ", path, 0);
	if (control.fd < 0)
		return -1;
	errno = pthread_create(&thread, NULL, serve, &control);
	if (errno) {
		perror("control socket: thread");
		return -1;
	}
	pthread_detach(thread);
	return 0;
}
