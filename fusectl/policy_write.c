// SPDX-License-Identifier: GPL-2.0
/*
 * Writes what `set --persist` and `inherit --persist` change to the policy's
 * own drop-in file.  Not for reading, see policy_file.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusectl.h"
#include "ops.h"
#include "policy.h"
#include "policy_write.h"
#include "text.h"

#define HEADER \
	"# What fusectl set --persist and fusectl inherit --persist wrote.\n" \
	"# It may be edited, see fusectl.conf(5); comments stay.\n"
#define TEMPORARY	POLICY_DIRECTORY "/." POLICY_OWN_NAME ".XXXXXX"

/* A text as lines, without their newlines. */
struct lines {
	char **line;
	size_t count;
};

static void insert_line(struct lines *lines, size_t at, char *line)
{
	lines->line = memory_grow(lines->line, lines->count + 1,
				  sizeof(*lines->line));
	memmove(&lines->line[at + 1], &lines->line[at],
		(lines->count - at) * sizeof(*lines->line));
	lines->line[at] = line;
	lines->count++;
}

static void delete_line(struct lines *lines, size_t at)
{
	free(lines->line[at]);
	lines->count--;
	memmove(&lines->line[at], &lines->line[at + 1],
		(lines->count - at) * sizeof(*lines->line));
}

static void split(struct lines *lines, const char *text)
{
	size_t length;
	char *line;

	memset(lines, 0, sizeof(*lines));
	while (*text) {
		length = strcspn(text, "\n");
		line = memory(length + 1, 1);
		memcpy(line, text, length);
		insert_line(lines, lines->count, line);
		text += length + (text[length] == '\n');
	}
}

/* The text again; the lines are freed. */
static char *join(struct lines *lines)
{
	size_t i, length = 0;
	char *text, *to;

	for (i = 0; i < lines->count; i++)
		length += strlen(lines->line[i]) + 1;
	text = memory(length + 1, 1);
	to = text;
	for (i = 0; i < lines->count; i++) {
		to = stpcpy(stpcpy(to, lines->line[i]), "\n");
		free(lines->line[i]);
	}
	free(lines->line);
	return text;
}

/* The rule that was written for this mount, from the last one on; NULL. */
static const struct policy_rule *find_rule(const struct policy *policy,
					   const char *type, const char *target,
					   int toggle)
{
	size_t i;

	for (i = policy->rule_count; i; i--) {
		const struct policy_rule *rule = &policy->rule[i - 1];

		if (!rule->match[POLICY_TYPE] || !rule->match[POLICY_TARGET] ||
		    rule->match[POLICY_SOURCE] || rule->match[POLICY_USER] ||
		    strcmp(rule->match[POLICY_TYPE], type) ||
		    strcmp(rule->match[POLICY_TARGET], target))
			continue;
		if (toggle < 0 || rule->setting[toggle].word)
			return rule;
	}
	return NULL;
}

/* What stands around name and value in the line stays. */
static void replace(struct lines *lines, const struct policy_place *place,
		    int toggle, const char *word)
{
	char **line = &lines->line[place->line - 1];
	char *new = text_format("%.*s%s = %s%s", (int)place->column - 1, *line,
				toggle_names[toggle], word,
				*line + place->column - 1 + place->length);

	free(*line);
	*line = new;
}

static char *setting_line(int toggle, const char *word)
{
	return text_format("%s = %s", toggle_names[toggle], word);
}

static void append_section(struct lines *lines, const char *name)
{
	if (lines->count && *lines->line[lines->count - 1])
		insert_line(lines, lines->count, text_copy(""));
	insert_line(lines, lines->count, text_copy(name));
}

static void set_module(struct lines *lines, const struct policy *policy,
		       int toggle, const char *word)
{
	if (policy->module[toggle].word) {
		replace(lines, &policy->module[toggle].place, toggle, word);
	} else if (policy->module_last) {
		insert_line(lines, policy->module_last,
			    setting_line(toggle, word));
	} else {
		append_section(lines, "[module]");
		insert_line(lines, lines->count, setting_line(toggle, word));
	}
}

static void set_rule(struct lines *lines, const struct policy *policy,
		     const char *type, const char *target, int toggle,
		     const char *word)
{
	const struct policy_rule *rule = find_rule(policy, type, target, toggle);

	if (rule) {
		replace(lines, &rule->setting[toggle].place, toggle, word);
		return;
	}
	rule = find_rule(policy, type, target, -1);
	if (rule) {
		insert_line(lines, rule->last, setting_line(toggle, word));
		return;
	}
	append_section(lines, "[mount]");
	insert_line(lines, lines->count, text_format("type = %s", type));
	insert_line(lines, lines->count, text_format("target = %s", target));
	insert_line(lines, lines->count, setting_line(toggle, word));
}

/* The rule's line; or all lines of a rule that would set nothing any more. */
static void remove_setting(struct lines *lines, const struct policy_rule *rule,
			   int toggle)
{
	size_t line, i;
	bool others = false, own;

	for (i = 0; i < TOGGLE_COUNT; i++)
		others = others || ((int)i != toggle && rule->setting[i].word);
	for (line = rule->last; line >= rule->place.line; line--) {
		own = line == rule->setting[toggle].place.line;
		for (i = 0; !others && i < POLICY_KEY_COUNT; i++)
			own = own || line == rule->match_place[i].line;
		if (own || (!others && line == rule->place.line))
			delete_line(lines, line - 1);
	}
	line = rule->place.line;
	/* the blank line that stood before it */
	if (!others && line > 1 && line - 2 < lines->count &&
	    !*lines->line[line - 2])
		delete_line(lines, line - 2);
}

/* One change of the text; NULL after messages. */
static char *change_text(const char *text, const struct mount *mount,
			 int toggle, const char *word)
{
	char *type = NULL, *target = NULL, *result = NULL;
	struct policy_errors errors = { 0 };
	const struct policy_rule *rule;
	struct policy policy;
	struct lines lines;
	bool again = true;

	if (mount) {
		type = policy_glob_escape(mount->type);
		target = policy_glob_escape(mount->target);
	}
	while (again) {
		memset(&policy, 0, sizeof(policy));
		if (policy_parse(&policy, POLICY_OWN_FILE,
				 result ? result : text,
				 strlen(result ? result : text), &errors)) {
			policy_complain(&errors);
			free(result);
			result = NULL;
			policy_free(&policy);
			break;
		}
		split(&lines, result ? result : text);
		again = false;
		if (word && mount) {
			set_rule(&lines, &policy, type, target, toggle, word);
		} else if (word) {
			set_module(&lines, &policy, toggle, word);
		} else {
			rule = find_rule(&policy, type, target, toggle);
			if (rule)
				remove_setting(&lines, rule, toggle);
			/* there may be more than one, by hand */
			again = rule;
		}
		free(result);
		result = join(&lines);
		policy_free(&policy);
	}
	policy_errors_free(&errors);
	free(type);
	free(target);
	return result;
}

static const struct mount *mount_of(const struct connections *connections,
				    const struct target *target)
{
	const struct mount *mount = connections_mount(connections,
						      target->connection);

	if (!mount) {
		complain("%s: connection %u has no mount point here", target->name,
			 target->connection);
		complain_more("a rule is about a mount point: it can't be made permanent");
	}
	return mount;
}

/* Something else of the policy has the last word. */
static void tell_other(const struct policy *policy,
		       const struct policy_setting *setting, int toggle,
		       const char *where, const char *word)
{
	if (!setting || !setting->word ||
	    (word && !strcmp(setting->word, word)))
		return;
	complain("%s: note: the policy sets %s to %s in %s, line %u", where,
		 toggle_names[toggle], setting->word,
		 policy->files[setting->file], setting->place.line);
}

static int check_all(const struct policy_edit *edit, int toggle,
		     const char *word, const struct connections *connections,
		     const struct target *targets, size_t count)
{
	struct policy_errors errors = { 0 };
	struct policy policy = { 0 };
	int status = STATUS_OK;
	size_t i;

	if (policy_read_with(&policy, edit->new, &errors)) {
		policy_complain(&errors);
		status = STATUS_FAILURE;
	}
	if (!status && !count)
		tell_other(&policy, &policy.module[toggle], toggle,
			   "module-wide", word);
	for (i = 0; !status && i < count; i++)
		tell_other(&policy,
			   policy_setting(&policy, &connections->mounts,
					  targets[i].connection, toggle),
			   toggle, targets[i].name, word);
	policy_errors_free(&errors);
	policy_free(&policy);
	return status;
}

int policy_edit(struct policy_edit *edit, int toggle, const char *word,
		const struct connections *connections,
		const struct target *targets, size_t count)
{
	struct policy_errors errors = { 0 };
	const struct mount *mount = NULL;
	int status = STATUS_OK;
	size_t i = 0;
	char *next;

	edit->old = policy_own_text(&errors);
	policy_complain(&errors);
	policy_errors_free(&errors);
	if (!edit->old) {
		complain("nothing was changed");
		return STATUS_FAILURE;
	}
	edit->new = text_copy(*edit->old || !word ? edit->old : HEADER);
	do {
		if (count) {
			mount = mount_of(connections, &targets[i]);
			if (!mount)
				return STATUS_NO_TARGET;
		}
		next = change_text(edit->new, mount, toggle, word);
		free(edit->new);
		edit->new = next;
		if (!next)
			status = STATUS_FAILURE;
	} while (!status && ++i < count);
	if (!status)
		status = check_all(edit, toggle, word, connections, targets,
				   count);
	if (status)
		complain("nothing was changed; to see all that is wrong: fusectl check");
	return status;
}

/* The lines of one text from where the two differ to where they don't. */
static void tell_between(char sign, const struct lines *lines, size_t begin,
			 size_t end)
{
	char *printable;
	size_t i;

	for (i = begin; i < lines->count - end; i++) {
		printable = text_printable(lines->line[i], false);
		printf("%s: %c%s\n", POLICY_OWN_FILE, sign, printable);
		free(printable);
	}
}

void policy_edit_tell(const struct policy_edit *edit)
{
	struct lines old, new;
	size_t begin = 0, end = 0;

	split(&old, edit->old);
	split(&new, edit->new);
	while (begin < old.count && begin < new.count &&
	       !strcmp(old.line[begin], new.line[begin]))
		begin++;
	while (end < old.count - begin && end < new.count - begin &&
	       !strcmp(old.line[old.count - 1 - end],
		       new.line[new.count - 1 - end]))
		end++;
	tell_between('-', &old, begin, end);
	tell_between('+', &new, begin, end);
	free(join(&old));
	free(join(&new));
}

static int complain_file(const char *what)
{
	int error = errno;

	complain("can't %s %s: %s", what, POLICY_OWN_FILE, strerror(error));
	return error == EACCES || error == EPERM || error == EROFS ?
	       STATUS_NOT_PERMITTED : STATUS_FAILURE;
}

static bool write_bytes(int fd, const char *text)
{
	size_t left = strlen(text);
	ssize_t done;

	while (left) {
		done = write(fd, text, left);
		if (done < 0)
			return false;
		text += done;
		left -= done;
	}
	return !fchmod(fd, 0644) && !fsync(fd);
}

int policy_edit_write(struct policy_edit *edit)
{
	char *directory;
	int fd;

	if (!strcmp(edit->old, edit->new))
		return STATUS_OK;
	directory = text_format("%s%s", ops_root(), POLICY_DIRECTORY);
	edit->made_directory = !mkdir(directory, 0755);
	free(directory);
	edit->temporary = text_format("%s%s", ops_root(), TEMPORARY);
	fd = mkostemp(edit->temporary, O_CLOEXEC);
	if (fd < 0) {
		int status = complain_file("write");

		free(edit->temporary);
		edit->temporary = NULL;
		return status;
	}
	if (!write_bytes(fd, edit->new)) {
		int status = complain_file("write");

		close(fd);
		return status;
	}
	close(fd);
	return STATUS_OK;
}

/* A rename is there after a crash once its directory is on disk. */
static void sync_directory(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		complain("can't sync %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(full);
}

int policy_edit_commit(struct policy_edit *edit)
{
	char *full;
	int status = STATUS_OK;

	if (!edit->temporary)
		return STATUS_OK;
	full = text_format("%s%s", ops_root(), POLICY_OWN_FILE);
	if (rename(edit->temporary, full)) {
		status = complain_file("write");
	} else {
		free(edit->temporary);
		edit->temporary = NULL;
		if (edit->made_directory)
			sync_directory("/etc");
		edit->made_directory = false;
		sync_directory(POLICY_DIRECTORY);
	}
	free(full);
	return status;
}

void policy_edit_free(struct policy_edit *edit)
{
	char *directory = text_format("%s%s", ops_root(), POLICY_DIRECTORY);

	if (edit->temporary)
		unlink(edit->temporary);
	/* it stays where somebody put something in */
	if (edit->made_directory)
		rmdir(directory);
	free(directory);
	free(edit->old);
	free(edit->new);
	free(edit->temporary);
	memset(edit, 0, sizeof(*edit));
}
