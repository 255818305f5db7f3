/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policy: which toggle is to have which value, module-wide and by rules
 * for mounts.  Not for putting it in force, see apply.h, and not for its own
 * drop-in file, see policy_write.h.
 */
#ifndef FUSECTL_POLICY_H
#define FUSECTL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "mounts.h"
#include "text.h"
#include "toggles.h"

#define POLICY_FILE		"/etc/fusectl.conf"
#define POLICY_DIRECTORY	"/etc/fusectl.d"
#define POLICY_OWN_NAME		"90-fusectl-set.conf"
#define POLICY_OWN_FILE		POLICY_DIRECTORY "/" POLICY_OWN_NAME

/* What a mount is matched by. */
enum policy_key {
	POLICY_TYPE,
	POLICY_SOURCE,
	POLICY_TARGET,
	POLICY_USER,
	POLICY_KEY_COUNT,
};

/* Where in a file something stands; lines and columns begin at 1. */
struct policy_place {
	unsigned int line;	/* 0: nowhere */
	unsigned int column;
	unsigned int length;	/* in bytes, from the name to the value's end */
};

struct policy_setting {
	const char *word;	/* NULL: not set */
	size_t file;		/* index in policy->files */
	struct policy_place place;
};

/* A section [mount]. */
struct policy_rule {
	size_t file;
	struct policy_place place;
	unsigned int last;	/* the line of its last key */
	char *match[POLICY_KEY_COUNT];	/* NULL: anything */
	struct policy_place match_place[POLICY_KEY_COUNT];
	uid_t user;
	struct policy_setting setting[TOGGLE_COUNT];
};

struct policy {
	char **files;
	size_t file_count;
	struct policy_setting module[TOGGLE_COUNT];
	/* the last line of the last section [module] of the last file, or 0 */
	unsigned int module_last;
	struct policy_rule *rule;
	size_t rule_count;
};

struct policy_error {
	char *name;		/* of the file */
	unsigned int line;	/* 0: of the file as a whole */
	unsigned int column;
	char *text;
};

struct policy_errors {
	struct policy_error *error;
	size_t count;
};

/*
 * Adds what a file of this name says; the text needn't end with a NUL and may
 * hold any bytes.  Returns 0, or -1 after adding every error in it to errors;
 * the policy is then good for nothing but policy_free().  Both structures begin
 * as zeros.
 */
int policy_parse(struct policy *policy, const char *name, const char *text,
		 size_t length, struct policy_errors *errors);

/* Adds one file; a path of the machine's, or (absolute) one with its root. */
int policy_read_file(struct policy *policy, const char *path,
		     struct policy_errors *errors);

/* All of the machine's policy files in their order; none is no error. */
int policy_read(struct policy *policy, struct policy_errors *errors);

/*
 * The names of the machine's policy files in their order; 0, or -1 after adding
 * an error.  To be freed, each and all.
 */
int policy_files(char ***paths, size_t *count, struct policy_errors *errors);

void policy_free(struct policy *policy);

__printf(5, 6)
void policy_error(struct policy_errors *errors, const char *name,
		  unsigned int line, unsigned int column,
		  const char *format, ...);

/* Each on a line of its own to stderr: FILE:LINE:COLUMN: what is wrong. */
void policy_complain(const struct policy_errors *errors);
void policy_errors_free(struct policy_errors *errors);

/* Whether all that the rule asks for is so of the mount. */
bool policy_matches(const struct policy_rule *rule, const struct mount *mount);

/*
 * What the last rule that matches a mount of the connection and sets the toggle
 * says; NULL where none does.
 */
const struct policy_setting *policy_setting(const struct policy *policy,
					    const struct mounts *mounts,
					    unsigned int connection,
					    int toggle);

/* What is wrong with the pattern; NULL where it is one. */
const char *policy_glob_problem(const char *pattern, size_t *offset);

/* A pattern that matches just this text; bytes no line can hold become '?'. */
char *policy_glob_escape(const char *text);

#endif /* FUSECTL_POLICY_H */
