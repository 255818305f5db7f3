// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of columns, toggles and their values.  Not for whole command lines.
 */
#include <stdlib.h>
#include <string.h>

#include "fusectl.h"
#include "fuzz.h"
#include "table.h"
#include "text.h"
#include "toggles.h"

static void try_columns(const struct usage *usage, const char *list)
{
	struct table table;

	table_init(&table, usage);
	table_option(&table, 'o', list);
	if (table.order_count > usage->count)
		abort();
	table_free(&table);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	char *word = fuzz_text(data, size), *printable;
	const char *name = word, *value = word;
	int toggle;
	size_t i;

	for (i = 0; i < verb_count; i++) {
		if (verbs[i]->usage && verbs[i]->usage->columns)
			try_columns(verbs[i]->usage, word);
	}
	toggle_find(word, true);
	for (toggle = 0; toggle < TOGGLE_COUNT; toggle++)
		toggle_accepts(toggle, word, SCOPE_MODULE);
	toggle_alias(&name, &value, SCOPE_CONNECTION);
	printable = text_printable(word, false);
	for (i = 0; printable[i]; i++) {
		if ((unsigned char)printable[i] < 0x20 || printable[i] == 0x7f)
			abort();
	}
	free(printable);
	free(word);
	return 0;
}
