// SPDX-License-Identifier: GPL-2.0
/*
 * The names of the toggles and the words they take.  Not for their
 * values in the running kernel, see kernel.c.
 */
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "toggles.h"

#define ASYNC_FLUSH	0

const char *const toggle_names[TOGGLE_COUNT] = {
	[ASYNC_FLUSH] = "async_flush",
	"sync_release",
	"atomic_create",
	"syncfs",
	"inval_files",
};

const char *const toggle_descriptions[TOGGLE_COUNT] = {
	[ASYNC_FLUSH] = "close(2) doesn't wait for FLUSH",
	"close(2) returns after the answer to RELEASE",
	"a file is created by one request instead of two",
	"sync(2) and syncfs(2) reach the server",
	"the server may make all open files of an inode fail",
};

int toggle_find(const char *name, bool or_all)
{
	const char *nearest;
	char *all;
	int i;

	for (i = 0; i < TOGGLE_COUNT; i++) {
		if (!strcmp(name, toggle_names[i]))
			return i;
	}
	nearest = text_nearest(name, toggle_names, TOGGLE_COUNT);
	all = text_join(toggle_names, TOGGLE_COUNT);
	if (nearest)
		complain("there is no toggle '%s'; did you mean '%s'?", name,
			 nearest);
	else
		complain("there is no toggle '%s'", name);
	complain_more("the toggles are: %s%s", all, or_all ? ", or all" : "");
	free(all);
	return -1;
}

size_t toggle_words(int toggle, enum toggle_scope scope,
		    const char *words[TOGGLE_WORDS])
{
	size_t count = 0;

	words[count++] = "auto";
	words[count++] = "on";
	words[count++] = "off";
	if (toggle == ASYNC_FLUSH)
		words[count++] = "exit";
	if (scope == SCOPE_CONNECTION)
		words[count++] = "default";
	return count;
}

const char *toggle_word(int toggle, const char *word, enum toggle_scope scope)
{
	const char *words[TOGGLE_WORDS];
	size_t i, count = toggle_words(toggle, scope, words);

	for (i = 0; i < count; i++) {
		if (!strcmp(word, words[i]))
			return words[i];
	}
	return NULL;
}

bool toggle_accepts(int toggle, const char *word, enum toggle_scope scope)
{
	const char *words[TOGGLE_WORDS];
	const char *nearest;
	size_t count;
	char *all;

	if (toggle_word(toggle, word, scope))
		return true;
	count = toggle_words(toggle, scope, words);
	nearest = text_nearest(word, words, count);
	if (!strcmp(word, "default"))
		complain("%s: 'default' is for a connection; name a TARGET",
			 toggle_names[toggle]);
	else if (!strcmp(word, "exit"))
		complain("%s: 'exit' is a value of async_flush only",
			 toggle_names[toggle]);
	else if (nearest)
		complain("%s: there is no value '%s'; did you mean '%s'?",
			 toggle_names[toggle], word, nearest);
	else
		complain("%s: there is no value '%s'", toggle_names[toggle],
			 word);
	all = text_join(words, count);
	complain_more("the values are: %s", all);
	free(all);
	return false;
}

const char *toggle_alias_word(const char *word, enum toggle_scope scope)
{
	if (!strcmp(word, "on"))
		return "off";
	if (!strcmp(word, "off"))
		return scope == SCOPE_CONNECTION ? "default" : "auto";
	return NULL;
}

bool toggle_alias(const char **name, const char **word, enum toggle_scope scope)
{
	const char *meant;

	if (strcmp(*name, TOGGLE_ALIAS))
		return false;
	*name = "sync_release";
	meant = toggle_alias_word(*word, scope);
	if (!meant) {
		complain(TOGGLE_ALIAS ": there is no value '%s'", *word);
		complain_more("the values are: on, off");
	}
	*word = meant;
	return true;
}
