// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the policy's files, with inih, and tells each error's place.  Not for
 * what the rules mean, see policy.c, nor for writing, see policy_write.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusectl.h"
#include "ops.h"
#include "policy.h"
#include "text.h"

#define BLANKS		" \t\r\v\f"
#define BYTE_ORDER_MARK	"\xef\xbb\xbf"
#define MAX_SIZE	(1024 * 1024)

enum section {
	SECTION_NONE,
	SECTION_WRONG,
	SECTION_MODULE,
	SECTION_MOUNT,
};

static const char *const section_names[] = { "module", "mount" };

static const char *const key_names[POLICY_KEY_COUNT] = {
	[POLICY_TYPE] = "type",
	[POLICY_SOURCE] = "source",
	[POLICY_TARGET] = "target",
	[POLICY_USER] = "user",
};

/*
 * inih of some distributions tells the handler no line, joins an indented line
 * to the one before it, cuts a long one, and skips one without '=' with hardly
 * a word.  So it gets its lines from here: one at a time, without indentation
 * and comments, and only such as it can take.
 */
struct reading {
	struct policy *policy;
	struct policy_errors *errors;
	const char *name;
	size_t file;
	const char *text;
	size_t left;
	unsigned int line;
	enum section section;
	struct policy_place section_place;
	struct policy_setting module[TOGGLE_COUNT];
	/* the line that inih has now, and the columns cut off before it */
	const char *given;
	size_t given_length;
	unsigned int indentation;
	/* it must come back as a name and a value */
	bool pending;
};

__printf(3, 4)
static void wrong(struct reading *reading, unsigned int column,
		  const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = text_copy("out of memory");
	va_end(args);
	policy_error(reading->errors, reading->name, reading->line, column,
		     "%s", text);
	free(text);
}

static struct policy_rule *current_rule(struct reading *reading)
{
	return &reading->policy->rule[reading->policy->rule_count - 1];
}

/* "; did you mean 'X'?" or nothing; to be freed */
static char *suggestion(const char *word, const char *const *names, size_t count)
{
	const char *nearest = text_nearest(word, names, count);

	return nearest ? text_format("; did you mean '%s'?", nearest) :
	       text_copy("");
}

static void end_section(struct reading *reading)
{
	const struct policy_rule *rule;
	bool matches = false, sets = false;
	size_t i;

	if (reading->section != SECTION_MOUNT)
		return;
	rule = current_rule(reading);
	for (i = 0; i < POLICY_KEY_COUNT; i++)
		matches = matches || rule->match_place[i].line;
	for (i = 0; i < TOGGLE_COUNT; i++)
		sets = sets || rule->setting[i].place.line;
	if (!matches)
		policy_error(reading->errors, reading->name, rule->place.line,
			     rule->place.column,
			     "[mount] without type, source, target or user: for all mounts use [module]");
	if (!sets)
		policy_error(reading->errors, reading->name, rule->place.line,
			     rule->place.column, "[mount] sets no toggle");
}

static void begin_rule(struct reading *reading)
{
	struct policy *policy = reading->policy;
	struct policy_rule *rule;

	policy->rule = memory_grow(policy->rule, policy->rule_count + 1,
				   sizeof(*policy->rule));
	rule = &policy->rule[policy->rule_count++];
	memset(rule, 0, sizeof(*rule));
	rule->file = reading->file;
	rule->place = reading->section_place;
	rule->last = reading->line;
}

/* text: from the '[' on */
static void begin_section(struct reading *reading, const char *text,
			  unsigned int column)
{
	size_t length = strcspn(text, "]"), rest;
	char *name, *did_you_mean;

	end_section(reading);
	reading->section = SECTION_WRONG;
	if (!text[length]) {
		wrong(reading, column, "a section's '[' without its ']'");
		return;
	}
	rest = length + 1 + strspn(text + length + 1, BLANKS);
	if (text[rest] && !strchr(";#", text[rest])) {
		wrong(reading, column + rest, "more after a section's ']'");
		return;
	}
	reading->section_place.line = reading->line;
	reading->section_place.column = column;
	name = strndup(text + 1, length - 1);
	if (name && !strcmp(name, "module")) {
		reading->section = SECTION_MODULE;
		memset(reading->module, 0, sizeof(reading->module));
		reading->policy->module_last = reading->line;
	} else if (name && !strcmp(name, "mount")) {
		reading->section = SECTION_MOUNT;
		begin_rule(reading);
	} else if (name) {
		did_you_mean = suggestion(name, section_names,
					  ARRAY_SIZE(section_names));
		wrong(reading, column + 1,
		      "there is no section [%s]%s (there are [module] and [mount])",
		      name, did_you_mean);
		free(did_you_mean);
	}
	free(name);
}

/* The last line given wasn't taken as a name with a value. */
static void check_pending(struct reading *reading)
{
	if (reading->pending)
		wrong(reading, reading->indentation + 1,
		      "neither a [section] nor NAME = VALUE");
	reading->pending = false;
}

/* Whether the line holds nothing but what a line may hold. */
static bool check_bytes(struct reading *reading, const char *text,
			size_t length)
{
	size_t i, step;

	for (i = 0; i < length; i += step) {
		unsigned char byte = text[i];

		step = 1;
		if (!byte || byte == 0x7f || (byte < 0x20 && byte != '\t')) {
			wrong(reading, i + 1, "a control character, \\x%02x",
			      byte);
			return false;
		}
		step = text_utf8_length(&text[i]);
		if (!step) {
			wrong(reading, i + 1, "not UTF-8: the byte \\x%02x",
			      byte);
			return false;
		}
	}
	return true;
}

/* What inih is to see of a line; "" for what was dealt with. */
static const char *take_line(struct reading *reading, const char *text,
			     size_t length, size_t limit)
{
	reading->indentation = strspn(text, BLANKS);
	if (!check_bytes(reading, text, length))
		return "";
	text += reading->indentation;
	length -= reading->indentation;
	if (strchr(";#", *text))
		return "";
	if (length > limit) {
		wrong(reading, reading->indentation + limit + 1,
		      "the line is too long: at most %zu bytes", limit);
		return "";
	}
	if (*text == '[') {
		begin_section(reading, text, reading->indentation + 1);
		return "";
	}
	reading->pending = true;
	return text;
}

/* In the manner of fgets(), for inih. */
static char *next_line(char *to, int size, void *data)
{
	struct reading *reading = data;
	const char *end, *given;
	size_t length, whole;
	char *line;

	check_pending(reading);
	if (!reading->left || size < 3)
		return NULL;
	end = memchr(reading->text, '\n', reading->left);
	whole = end ? (size_t)(end - reading->text) : reading->left;
	length = whole;
	if (length && reading->text[length - 1] == '\r')
		length--;
	line = memory(length + 1, 1);
	memcpy(line, reading->text, length);
	reading->text += whole + !!end;
	reading->left -= whole + !!end;
	reading->line++;
	/* the newline and the NUL have to fit, too */
	given = take_line(reading, line, length, size - 2);
	reading->given_length = strlen(given);
	memcpy(to, given, reading->given_length);
	strcpy(to + reading->given_length, "\n");
	reading->given = to;
	free(line);
	return to;
}

/* The column of what inih found in the line that it was given. */
static unsigned int column_of(const struct reading *reading, const char *found)
{
	if (found < reading->given ||
	    found > reading->given + reading->given_length)
		return reading->indentation + 1;
	return reading->indentation + (found - reading->given) + 1;
}

static struct policy_place place_of(const struct reading *reading,
				    const char *name, const char *value)
{
	struct policy_place place = {
		.line = reading->line,
		.column = column_of(reading, name),
	};

	place.length = column_of(reading, value) + strlen(value) -
		       place.column;
	return place;
}

static void wrong_value(struct reading *reading, int toggle, const char *value,
			enum toggle_scope scope, unsigned int column)
{
	const char *words[TOGGLE_WORDS];
	size_t count = toggle_words(toggle, scope, words);
	char *did_you_mean = suggestion(value, words, count);
	char *all = text_join(words, count);

	if (!strcmp(value, "default"))
		wrong(reading, column, "'default' is for a [mount] only (the values are: %s)",
		      all);
	else
		wrong(reading, column, "%s: there is no value '%s'%s (the values are: %s)",
		      toggle_names[toggle], value, did_you_mean, all);
	free(did_you_mean);
	free(all);
}

static void take_setting(struct reading *reading, int toggle, bool alias,
			 const char *name, const char *value)
{
	enum toggle_scope scope = reading->section == SECTION_MODULE ?
				  SCOPE_MODULE : SCOPE_CONNECTION;
	struct policy_setting *setting = scope == SCOPE_MODULE ?
		&reading->module[toggle] :
		&current_rule(reading)->setting[toggle];
	struct policy_setting new = {
		.file = reading->file,
		.place = place_of(reading, name, value),
	};

	if (setting->place.line) {
		wrong(reading, new.place.column,
		      "%s a second time in this section, first in line %u",
		      toggle_names[toggle], setting->place.line);
		return;
	}
	new.word = alias ? toggle_alias_word(value, scope) :
		   toggle_word(toggle, value, scope);
	if (!new.word && alias)
		wrong(reading, column_of(reading, value),
		      TOGGLE_ALIAS ": there is no value '%s' (the values are: on, off)",
		      value);
	else if (!new.word)
		wrong_value(reading, toggle, value, scope,
			    column_of(reading, value));
	*setting = new;
	if (scope != SCOPE_MODULE)
		return;
	reading->policy->module[toggle] = new;
	reading->policy->module_last = reading->line;
}

static void take_user(struct reading *reading, const char *value)
{
	struct policy_rule *rule = current_rule(reading);
	const struct passwd *entry;
	unsigned long user;

	if (*value && strspn(value, "0123456789") == strlen(value)) {
		errno = 0;
		user = strtoul(value, NULL, 10);
		if (!errno && user < UINT_MAX) {
			rule->user = user;
			return;
		}
		wrong(reading, column_of(reading, value),
		      "user: there is no number %s of a user", value);
		return;
	}
	entry = getpwnam(value);
	if (entry)
		rule->user = entry->pw_uid;
	else
		wrong(reading, column_of(reading, value),
		      "user: there is no user '%s' on this machine", value);
}

static void take_match(struct reading *reading, int key, const char *name,
		       const char *value)
{
	struct policy_rule *rule = current_rule(reading);
	const char *problem;
	size_t offset;

	if (rule->match_place[key].line) {
		wrong(reading, column_of(reading, name),
		      "%s a second time in this section, first in line %u",
		      key_names[key], rule->match_place[key].line);
		return;
	}
	rule->match_place[key] = place_of(reading, name, value);
	if (!*value) {
		wrong(reading, column_of(reading, value), "%s without a value",
		      key_names[key]);
		return;
	}
	if (key == POLICY_USER) {
		take_user(reading, value);
	} else {
		problem = policy_glob_problem(value, &offset);
		if (problem)
			wrong(reading, column_of(reading, value) + offset,
			      "%s: %s", key_names[key], problem);
	}
	rule->match[key] = text_copy(value);
}

static int index_of(const char *name, const char *const *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcmp(name, names[i]))
			return i;
	}
	return -1;
}

static void wrong_key(struct reading *reading, const char *name)
{
	const char *names[TOGGLE_COUNT + 1 + POLICY_KEY_COUNT];
	const char *section = "module";
	char *did_you_mean, *all;
	size_t count = 0, i;

	for (i = 0; i < TOGGLE_COUNT; i++)
		names[count++] = toggle_names[i];
	if (reading->section == SECTION_MOUNT) {
		for (i = 0; i < POLICY_KEY_COUNT; i++)
			names[count++] = key_names[i];
		section = "mount";
	}
	all = text_join(names, count);
	names[count++] = TOGGLE_ALIAS;
	did_you_mean = suggestion(name, names, count);
	wrong(reading, column_of(reading, name),
	      "[%s] has no key '%s'%s (there are: %s)", section, name,
	      did_you_mean, all);
	free(did_you_mean);
	free(all);
}

/* inih's handler; the section is known from the lines themselves */
static int take_key(void *data, const char *section, const char *name,
		    const char *value)
{
	struct reading *reading = data;
	int key;

	(void)section;
	/* a build of inih that takes names without '=', or tells of sections */
	if (!reading->pending || !name || !value)
		return 1;
	reading->pending = false;
	if (reading->section == SECTION_WRONG)
		return 1;
	if (reading->section == SECTION_NONE) {
		wrong(reading, column_of(reading, name),
		      "'%s' before any section: [module] or [mount]", name);
		return 1;
	}
	if (reading->section == SECTION_MOUNT) {
		current_rule(reading)->last = reading->line;
		key = index_of(name, key_names, POLICY_KEY_COUNT);
		if (key >= 0) {
			take_match(reading, key, name, value);
			return 1;
		}
	}
	if (!strcmp(name, TOGGLE_ALIAS)) {
		key = index_of("sync_release", toggle_names, TOGGLE_COUNT);
		take_setting(reading, key, true, name, value);
		return 1;
	}
	key = index_of(name, toggle_names, TOGGLE_COUNT);
	if (key >= 0)
		take_setting(reading, key, false, name, value);
	else
		wrong_key(reading, name);
	return 1;
}

int policy_parse(struct policy *policy, const char *name, const char *text,
		 size_t length, struct policy_errors *errors)
{
	struct reading reading = {
		.policy = policy,
		.errors = errors,
		.name = name,
		.file = policy->file_count,
		.text = text,
		.left = length,
	};
	size_t before = errors->count, mark = strlen(BYTE_ORDER_MARK);
	int ret;

	policy->files = memory_grow(policy->files, policy->file_count + 1,
				    sizeof(*policy->files));
	policy->files[policy->file_count++] = text_copy(name);
	policy->module_last = 0;
	if (length >= mark && !memcmp(text, BYTE_ORDER_MARK, mark)) {
		reading.text += mark;
		reading.left -= mark;
	}
	ret = ini_parse_stream(next_line, &reading, take_key, &reading);
	check_pending(&reading);
	end_section(&reading);
	/* an inih that is of another mind than what is above */
	if (errors->count == before && (ret || reading.left))
		policy_error(errors, name, ret > 0 ? ret : 0, 1,
			     ret < 0 ? "out of memory" : "can't be understood");
	return errors->count == before ? 0 : -1;
}

/* The file's bytes; NULL and errno. */
static char *read_bytes(const char *path, size_t *length)
{
	struct stat status;
	char *text = NULL;
	ssize_t more;
	int fd, error;

	/* of a FIFO nobody may be the writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	*length = 0;
	errno = 0;
	if (fstat(fd, &status))
		goto out;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		goto out;
	}
	if (status.st_size > MAX_SIZE) {
		errno = EFBIG;
		goto out;
	}
	text = memory(MAX_SIZE + 1, 1);
	do {
		more = read(fd, text + *length, MAX_SIZE + 1 - *length);
		if (more > 0)
			*length += more;
	} while (more > 0);
	if (!more && *length <= MAX_SIZE)
		goto out;
	if (!more)
		errno = EFBIG;
	error = errno;
	free(text);
	text = NULL;
	errno = error;
out:
	error = errno;
	close(fd);
	errno = error;
	return text;
}

int policy_read_file(struct policy *policy, const char *path,
		     struct policy_errors *errors)
{
	char *full = text_format("%s%s", path[0] == '/' ? ops_root() : "",
				 path);
	size_t length;
	char *text = read_bytes(full, &length);
	int ret = -1;

	free(full);
	if (text)
		ret = policy_parse(policy, path, text, length, errors);
	else
		policy_error(errors, path, 0, 0, "can't read it: %s",
			     strerror(errno));
	free(text);
	return ret;
}

static void add_path(char ***paths, size_t *count, char *path)
{
	*paths = memory_grow(*paths, *count + 1, sizeof(**paths));
	(*paths)[(*count)++] = path;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       !strcmp(entry->d_name + length - 5, ".conf");
}

/* as in the C locale, whatever the locale is */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int policy_files(char ***paths, size_t *count, struct policy_errors *errors)
{
	char *file = text_format("%s%s", ops_root(), POLICY_FILE);
	char *directory = text_format("%s%s", ops_root(), POLICY_DIRECTORY);
	struct dirent **names;
	int i, found, ret = 0;

	*paths = NULL;
	*count = 0;
	if (!access(file, F_OK) || errno != ENOENT)
		add_path(paths, count, text_copy(POLICY_FILE));
	found = scandir(directory, &names, is_drop_in, by_bytes);
	if (found < 0 && errno != ENOENT) {
		policy_error(errors, POLICY_DIRECTORY, 0, 0, "can't read it: %s",
			     strerror(errno));
		ret = -1;
	}
	for (i = 0; i < found; i++) {
		add_path(paths, count, text_format("%s/%s", POLICY_DIRECTORY,
						   names[i]->d_name));
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	free(directory);
	free(file);
	return ret;
}

static bool has_path(char *const *paths, size_t count, const char *path)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcmp(paths[i], path))
			return true;
	}
	return false;
}

/* in its place among the drop-in files */
static void add_own_path(char ***paths, size_t *count)
{
	size_t i;

	if (has_path(*paths, *count, POLICY_OWN_FILE))
		return;
	add_path(paths, count, text_copy(POLICY_OWN_FILE));
	for (i = *count - 1; i; i--) {
		char *before = (*paths)[i - 1];

		if (!strcmp(before, POLICY_FILE) ||
		    strcmp(before, POLICY_OWN_FILE) < 0)
			break;
		(*paths)[i - 1] = (*paths)[i];
		(*paths)[i] = before;
	}
}

int policy_read_with(struct policy *policy, const char *own_text,
		     struct policy_errors *errors)
{
	char **paths;
	size_t count, i;
	int ret = policy_files(&paths, &count, errors), one;

	if (own_text)
		add_own_path(&paths, &count);
	for (i = 0; i < count; i++) {
		if (own_text && !strcmp(paths[i], POLICY_OWN_FILE))
			one = policy_parse(policy, paths[i], own_text,
					   strlen(own_text), errors);
		else
			one = policy_read_file(policy, paths[i], errors);
		ret = one ? one : ret;
		free(paths[i]);
	}
	free(paths);
	return ret;
}

int policy_read(struct policy *policy, struct policy_errors *errors)
{
	return policy_read_with(policy, NULL, errors);
}

char *policy_own_text(struct policy_errors *errors)
{
	char *path = text_format("%s%s", ops_root(), POLICY_OWN_FILE);
	size_t length;
	char *text = read_bytes(path, &length);

	free(path);
	if (text && strlen(text) == length)
		return text;
	if (text) {
		policy_error(errors, POLICY_OWN_FILE, 0, 0,
			     "there is a NUL byte in it");
		free(text);
		return NULL;
	}
	if (errno == ENOENT)
		return text_copy("");
	policy_error(errors, POLICY_OWN_FILE, 0, 0, "can't read it: %s",
		     strerror(errno));
	return NULL;
}
