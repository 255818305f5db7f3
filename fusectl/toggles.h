/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The names of the toggles and the words they take.  Not for their
 * values in the running kernel, see kernel.h.
 */
#ifndef FUSECTL_TOGGLES_H
#define FUSECTL_TOGGLES_H

#include <stdbool.h>
#include <stddef.h>

#define TOGGLE_COUNT	5

enum toggle_scope {
	SCOPE_MODULE,		/* the value of every connection on `default` */
	SCOPE_CONNECTION,
};

extern const char *const toggle_names[TOGGLE_COUNT];
/* a few words each */
extern const char *const toggle_descriptions[TOGGLE_COUNT];

/* another name for sync_release, see toggle_alias() */
#define TOGGLE_ALIAS	"disable_sync_release"

/* The toggle's index; -1, after a message with the nearest name, if none. */
int toggle_find(const char *name, bool or_all);

/* The words that the toggle takes there; how many. */
#define TOGGLE_WORDS	5
size_t toggle_words(int toggle, enum toggle_scope scope,
		    const char *words[TOGGLE_WORDS]);

/* The same word, which stays; NULL where the toggle doesn't take it there. */
const char *toggle_word(int toggle, const char *word, enum toggle_scope scope);

/*
 * Whether the toggle takes the word there; if not, a message says which words
 * it takes.
 */
bool toggle_accepts(int toggle, const char *word, enum toggle_scope scope);

/* The word for sync_release; NULL where disable_sync_release has no such. */
#define TOGGLE_ALIAS	"disable_sync_release"
const char *toggle_alias_word(const char *word, enum toggle_scope scope);

/*
 * disable_sync_release on|off: another name for sync_release.  Returns whether
 * *name is that; *word is then the word for sync_release, or NULL after a
 * message.
 */
bool toggle_alias(const char **name, const char **word, enum toggle_scope scope);

#endif /* FUSECTL_TOGGLES_H */
