// SPDX-License-Identifier: GPL-2.0
/*
 * The policy's rules and what they say of a mount.  Not for its files, see
 * policy_file.c, nor for putting it in force, see apply.c.
 */
#include <fnmatch.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "text.h"

static bool glob_matches(const char *pattern, const char *text)
{
	return !pattern || !fnmatch(pattern, text, 0);
}

/*
 * In the C locale, byte by byte: the policy means the same for every caller,
 * and a mount point that is no UTF-8 can be matched.
 */
bool policy_matches(const struct policy_rule *rule, const struct mount *mount)
{
	static locale_t bytes;
	locale_t before;
	bool matches;

	if (!bytes)
		bytes = newlocale(LC_ALL_MASK, "C", NULL);
	before = uselocale(bytes);
	matches = glob_matches(rule->match[POLICY_TYPE], mount->type) &&
		  glob_matches(rule->match[POLICY_SOURCE], mount->source) &&
		  glob_matches(rule->match[POLICY_TARGET], mount->target);
	uselocale(before);
	return matches && (!rule->match[POLICY_USER] ||
			   (mount->user != (uid_t)-1 &&
			    mount->user == rule->user));
}

static bool matches_connection(const struct policy_rule *rule,
			       const struct mounts *mounts,
			       unsigned int connection)
{
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->mount[i];

		if (mount_is_fuse(mount) &&
		    mount_connection(mount) == connection &&
		    policy_matches(rule, mount))
			return true;
	}
	return false;
}

const struct policy_setting *policy_setting(const struct policy *policy,
					    const struct mounts *mounts,
					    unsigned int connection, int toggle)
{
	size_t i;

	for (i = policy->rule_count; i; i--) {
		const struct policy_rule *rule = &policy->rule[i - 1];

		if (rule->setting[toggle].word &&
		    matches_connection(rule, mounts, connection))
			return &rule->setting[toggle];
	}
	return NULL;
}

/* The offset after a bracket expression that begins here; 0: it never ends. */
static size_t bracket_end(const char *pattern)
{
	size_t i = 1;

	if (pattern[i] == '!' || pattern[i] == '^')
		i++;
	if (pattern[i] == ']')
		i++;
	for (; pattern[i]; i++) {
		char kind = pattern[i + 1];
		const char *end;

		if (pattern[i] == ']')
			return i + 1;
		if (pattern[i] == '\\' && kind) {
			i++;
			continue;
		}
		if (pattern[i] != '[' || !kind || !strchr(":.=", kind))
			continue;
		for (end = &pattern[i + 2]; *end; end++) {
			if (end[0] == kind && end[1] == ']')
				break;
		}
		if (!*end)
			return 0;
		i = end + 1 - pattern;
	}
	return 0;
}

const char *policy_glob_problem(const char *pattern, size_t *offset)
{
	size_t i, end;

	for (i = 0; pattern[i]; i++) {
		*offset = i;
		if (pattern[i] == '\\') {
			if (!pattern[++i])
				return "a '\\' at the end of a pattern";
		} else if (pattern[i] == '[') {
			end = bracket_end(&pattern[i]);
			if (!end)
				return "a '[' without its ']' (a '[' itself is \\[)";
			i += end - 1;
		}
	}
	return NULL;
}

char *policy_glob_escape(const char *text)
{
	char *printable, *pattern = memory(4 * strlen(text) + 1, 1);
	char *to = pattern;
	const char *s;

	for (s = text; *s; s++) {
		unsigned char byte = *s;

		/* blanks at an end are cut off, " ;" begins a comment */
		if (strchr(";#", byte) ||
		    (byte == ' ' && (s == text || !s[1])))
			to += sprintf(to, "[%c]", byte);
		else if (strchr("*?[]\\", byte))
			to += sprintf(to, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			*to++ = '?';
		else
			*to++ = byte;
	}
	*to = '\0';
	/* no file holds what isn't UTF-8 */
	printable = text_printable(pattern, false);
	if (strcmp(printable, pattern)) {
		for (to = pattern; *to; to++) {
			if ((unsigned char)*to >= 0x80)
				*to = '?';
		}
	}
	free(printable);
	return pattern;
}

static void free_rule(struct policy_rule *rule)
{
	size_t i;

	for (i = 0; i < POLICY_KEY_COUNT; i++)
		free(rule->match[i]);
}

void policy_free(struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->file_count; i++)
		free(policy->files[i]);
	for (i = 0; i < policy->rule_count; i++)
		free_rule(&policy->rule[i]);
	free(policy->files);
	free(policy->rule);
	memset(policy, 0, sizeof(*policy));
}

void policy_error(struct policy_errors *errors, const char *name,
		  unsigned int line, unsigned int column,
		  const char *format, ...)
{
	struct policy_error *error;
	va_list args;
	char *text;

	errors->error = memory_grow(errors->error, errors->count + 1,
				    sizeof(*errors->error));
	error = &errors->error[errors->count++];
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = text_copy("out of memory");
	va_end(args);
	error->name = text_copy(name);
	error->line = line;
	error->column = column;
	error->text = text;
}

void policy_complain(const struct policy_errors *errors)
{
	size_t i;

	for (i = 0; i < errors->count; i++) {
		const struct policy_error *error = &errors->error[i];

		if (error->line)
			complain("%s:%u:%u: %s", error->name, error->line,
				 error->column, error->text);
		else
			complain("%s: %s", error->name, error->text);
	}
}

void policy_errors_free(struct policy_errors *errors)
{
	size_t i;

	for (i = 0; i < errors->count; i++) {
		free(errors->error[i].name);
		free(errors->error[i].text);
	}
	free(errors->error);
	memset(errors, 0, sizeof(*errors));
}
