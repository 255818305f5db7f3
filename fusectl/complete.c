// SPDX-License-Identifier: GPL-2.0
/*
 * `fusectl complete`, for the completions of the shells only: what a half-typed
 * command line can become, from the tables of the verbs.  Not for reading a
 * whole one, see options.c.
 */
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "fusectl.h"
#include "mounts.h"
#include "options.h"
#include "table.h"
#include "text.h"
#include "toggles.h"

struct completion {
	FILE *stream;
	const struct verb *verb;
	const char *word;		/* at the cursor */
	size_t kept;			/* of it, see struct command_line */
	char quote;
	/* the words before it */
	const struct verb_option *pending;	/* its argument is the word */
	bool only_operands;			/* after -- */
	size_t operands;
	const char *operand;			/* the last one, or NULL */
};

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

static void print_kind(const struct completion *completion, const char *kind)
{
	char quote[] = { completion->quote, '\0' };

	fprintf(completion->stream, ":%s\t%s%c", kind, quote, '\0');
}

/* If the word at the cursor begins so; before: what of it isn't the value. */
static void offer(const struct completion *completion, const char *before,
		  const char *value, const char *description)
{
	char *whole = text_format("%s%s", before, value);
	char *printable;

	if (starts_with(whole, completion->word)) {
		printable = text_printable(description, false);
		fprintf(completion->stream, "%s\t%s%c",
			whole + completion->kept, printable, '\0');
		free(printable);
	}
	free(whole);
}

static void offer_toggles(const struct completion *completion,
			  const char *before)
{
	int i;

	for (i = 0; i < TOGGLE_COUNT; i++)
		offer(completion, before, toggle_names[i],
		      toggle_descriptions[i]);
}

static void offer_values(const struct completion *completion,
			 const char *before)
{
	const char *toggle = completion->operand, *words[TOGGLE_WORDS];
	size_t i, count = 0;
	int index;

	if (toggle && !strcmp(toggle, TOGGLE_ALIAS)) {
		words[count++] = "on";
		words[count++] = "off";
	}
	for (index = 0; toggle && index < TOGGLE_COUNT; index++) {
		if (!strcmp(toggle, toggle_names[index]))
			count = toggle_words(index, SCOPE_CONNECTION, words);
	}
	for (i = 0; i < count; i++)
		offer(completion, before, words[i], "");
}

/* A target under which an earlier mount is hidden is offered once. */
static bool is_repeated(const struct mounts *mounts, size_t index)
{
	size_t i;

	for (i = 0; i < index; i++) {
		if (mount_is_fuse(&mounts->mount[i]) &&
		    !strcmp(mounts->mount[i].target,
			    mounts->mount[index].target))
			return true;
	}
	return false;
}

static void offer_targets(const struct completion *completion,
			  const char *before)
{
	struct mounts mounts;
	char *description;
	size_t i;

	if (mounts_read(&mounts))
		return;
	for (i = 0; i < mounts.count; i++) {
		const struct mount *mount = &mounts.mount[i];

		if (!mount_is_fuse(mount) || is_repeated(&mounts, i))
			continue;
		description = text_format("%s %s", mount->type, mount->source);
		offer(completion, before, mount->target, description);
		free(description);
	}
	mounts_free(&mounts);
}

/* A list: what stands before the last comma, or the plus, stays. */
static void offer_columns(const struct completion *completion,
			  const char *before)
{
	const struct usage *usage = completion->verb->usage;
	const char *list = completion->word + strlen(before);
	const char *comma = strrchr(list, ',');
	size_t i, length;
	char *all;

	length = comma ? (size_t)(comma + 1 - list) : *list == '+';
	all = text_format("%s%.*s", before, (int)length, list);
	for (i = 0; i < usage->count; i++)
		offer(completion, all, usage->columns[i].name,
		      usage->columns[i].help);
	free(all);
}

static void offer_properties(const struct completion *completion,
			     const char *before)
{
	const struct usage *usage = completion->verb->usage;
	size_t i;

	for (i = 0; i < usage->property_count; i++)
		offer(completion, before, usage->properties[i], "");
}

static void offer_verbs(const struct completion *completion,
			const char *before)
{
	size_t i;

	for (i = 0; i < verb_count; i++) {
		if (!verbs[i]->hidden)
			offer(completion, before, verbs[i]->name,
			      verbs[i]->description);
	}
}

static void offer_words(const struct completion *completion, enum words words,
			const char *before)
{
	print_kind(completion, words == WORDS_FILES ? "files" :
			       words == WORDS_COLUMNS ? "list" : "words");
	switch (words) {
	case WORDS_END:
	case WORDS_ANY:
	case WORDS_FILES:
		break;
	case WORDS_TARGETS:
		offer_targets(completion, before);
		break;
	case WORDS_TOGGLES:
		offer_toggles(completion, before);
		break;
	case WORDS_TOGGLES_ALL:
		offer_toggles(completion, before);
		offer(completion, before, "all", "all toggles");
		break;
	case WORDS_TOGGLES_SET:
		offer_toggles(completion, before);
		offer(completion, before, TOGGLE_ALIAS,
		      "another name for sync_release");
		break;
	case WORDS_VALUES:
		offer_values(completion, before);
		break;
	case WORDS_PROPERTIES:
		offer_properties(completion, before);
		break;
	case WORDS_COLUMNS:
		offer_columns(completion, before);
		break;
	case WORDS_VERBS:
		offer_verbs(completion, before);
		break;
	}
}

static void offer_option(const struct verb_option *option, void *data)
{
	const struct completion *completion = data;
	char *help = text_copy(option->help), *end = help;
	char letter[] = { option->letter, '\0' };

	while ((end = strchr(end, '\n')))
		*end = ' ';
	if (option->letter)
		offer(completion, "-", letter, help);
	offer(completion, "--", option->name, help);
	free(help);
}

struct search {
	char letter;		/* or 0 */
	const char *name;
	size_t length;
	const struct verb_option *found;
};

static void compare_option(const struct verb_option *option, void *data)
{
	struct search *search = data;

	if (search->letter ? option->letter == search->letter :
	    strlen(option->name) == search->length &&
	    !memcmp(option->name, search->name, search->length))
		search->found = option;
}

/*
 * The option in this word that takes an argument, or NULL.  *argument is where
 * the argument begins in the word, at its end if it is the next one.
 */
static const struct verb_option *taking(const struct completion *completion,
					const char *word,
					const char **argument)
{
	const struct usage *usage = completion->verb->usage;
	struct search search = { 0 };

	if (starts_with(word, "--")) {
		search.name = word + 2;
		search.length = strcspn(search.name, "=");
		*argument = search.name + search.length;
		if (**argument)
			++*argument;
		options_each(usage, compare_option, &search);
		return search.found && search.found->argument ? search.found :
		       NULL;
	}
	/* short ones in a cluster: the first that takes one takes the rest */
	for (*argument = word + 2; word[1]; word++, ++*argument) {
		search.letter = word[1];
		search.found = NULL;
		options_each(usage, compare_option, &search);
		if (!search.found)
			return NULL;
		if (search.found->argument)
			return search.found;
	}
	return NULL;
}

static bool is_option(const struct completion *completion, const char *word)
{
	return !completion->only_operands && word[0] == '-' && word[1];
}

/* A word before that at the cursor. */
static void pass(struct completion *completion, const char *word)
{
	const struct verb_option *option;
	const char *argument;

	if (completion->pending) {
		completion->pending = NULL;
	} else if (!is_option(completion, word)) {
		completion->operands++;
		completion->operand = word;
	} else if (!strcmp(word, "--")) {
		completion->only_operands = true;
	} else {
		option = taking(completion, word, &argument);
		if (option && !*argument && argument[-1] != '=')
			completion->pending = option;
	}
}

static void complete_option(const struct completion *completion)
{
	const struct verb_option *option;
	const char *argument, *word = completion->word;
	char *before;

	option = taking(completion, word, &argument);
	/* the argument in the same word */
	if (option && (*argument || argument[-1] == '=')) {
		before = text_format("%.*s", (int)(argument - word), word);
		offer_words(completion, option->words, before);
		free(before);
		return;
	}
	print_kind(completion, "words");
	options_each(completion->verb->usage, offer_option,
		     (void *)completion);
}

static enum words operand_words(const struct usage *usage, size_t index)
{
	size_t i = 0;

	while (i < index && i + 1 < ARRAY_SIZE(usage->words) &&
	       usage->words[i + 1] != WORDS_END)
		i++;
	return usage->words[i];
}

static void complete_verb(const struct completion *completion)
{
	print_kind(completion, "words");
	offer_verbs(completion, "");
	/* nobody looks for these before the verbs */
	if (completion->word[0] != '-' && completion->word[0])
		return;
	offer(completion, "", "-h", "print the verbs");
	offer(completion, "", "--help", "print the verbs");
	offer(completion, "", "-V", "print the version of fusectl");
	offer(completion, "", "--version", "print the version of fusectl");
}

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < verb_count; i++) {
		if (!verbs[i]->hidden && !strcmp(verbs[i]->name, name))
			return verbs[i];
	}
	return NULL;
}

void complete(FILE *stream, const struct command_line *line)
{
	struct completion completion = {
		.stream = stream,
		.word = line->words[line->count - 1],
		.kept = line->kept,
		.quote = line->quote,
	};
	size_t i;

	if (line->count == 1) {
		complete_verb(&completion);
		return;
	}
	completion.verb = find_verb(line->words[0]);
	if (!completion.verb || !completion.verb->usage) {
		print_kind(&completion, "words");
		return;
	}
	for (i = 1; i < line->count - 1; i++)
		pass(&completion, line->words[i]);
	if (completion.pending)
		offer_words(&completion, completion.pending->words, "");
	else if (!completion.only_operands && completion.word[0] == '-')
		complete_option(&completion);
	else
		offer_words(&completion,
			    operand_words(completion.verb->usage,
					  completion.operands), "");
}

/* What becomes of a command line while it is read. */
struct reader {
	struct command_line *line;
	char *word;		/* so far */
	size_t length;
	bool begun;
	bool ansi;		/* the open quote is $' */
	size_t kept_before;	/* the open quote */
};

static void add_character(struct reader *reader, char character)
{
	reader->word[reader->length++] = character;
	reader->begun = true;
}

static void end_word(struct reader *reader)
{
	struct command_line *line = reader->line;

	reader->word[reader->length] = '\0';
	line->words = memory_grow(line->words, line->count + 1,
				  sizeof(*line->words));
	line->words[line->count++] = text_copy(reader->word);
	reader->length = 0;
	reader->begun = false;
}

/* bash replaces what stands after the quote that is open at the cursor */
static void open_quote(struct reader *reader, char quote)
{
	reader->line->quote = quote;
	reader->kept_before = reader->line->kept;
	reader->line->kept = reader->length;
	reader->begun = true;
}

static void close_quote(struct reader *reader)
{
	reader->line->quote = '\0';
	reader->line->kept = reader->kept_before;
	reader->ansi = false;
}

/* One character inside quotes; returns how many were read. */
static size_t read_quoted(struct reader *reader, const char *text)
{
	char quote = reader->line->quote;
	bool escapes = reader->ansi ||
		       (quote == '"' && text[1] && strchr("$`\"\\", text[1]));

	if (*text == quote) {
		close_quote(reader);
		return 1;
	}
	if (*text == '\\' && text[1] && escapes) {
		add_character(reader, text[1]);
		return 2;
	}
	add_character(reader, *text);
	return 1;
}

/* The same outside of quotes. */
static size_t read_plain(struct reader *reader, const char *text,
			 const char *breaks)
{
	struct command_line *line = reader->line;

	if (strchr(" \t\n", *text)) {
		if (reader->begun)
			end_word(reader);
		line->kept = 0;
	} else if (*text == '\\' && text[1]) {
		add_character(reader, text[1]);
		return 2;
	} else if (*text == '$' && text[1] == '\'') {
		reader->ansi = true;
		open_quote(reader, '\'');
		return 2;
	} else if (*text == '\'' || *text == '"') {
		open_quote(reader, *text);
	} else {
		add_character(reader, *text);
		if (strchr(breaks, *text))
			line->kept = reader->length;
	}
	return 1;
}

void command_line_read(struct command_line *line, const char *text,
		       const char *breaks)
{
	struct reader reader = {
		.line = line,
		.word = memory(strlen(text) + 1, 1),
	};

	memset(line, 0, sizeof(*line));
	while (*text)
		text += line->quote ? read_quoted(&reader, text) :
				      read_plain(&reader, text, breaks);
	/* that at the cursor, perhaps empty */
	end_word(&reader);
	free(reader.word);
}

void command_line_free(struct command_line *line)
{
	size_t i;

	for (i = 0; i < line->count; i++)
		free(line->words[i]);
	free(line->words);
}

/* The line with the command itself in front, which isn't of interest. */
static int complete_text(const char *text, const char *breaks)
{
	struct command_line line, rest;

	command_line_read(&line, text, breaks);
	rest = line;
	rest.words++;
	rest.count--;
	if (rest.count)
		complete(stdout, &rest);
	command_line_free(&line);
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	struct command_line line = { 0 };

	if (argc == 4 && !strcmp(argv[1], "line"))
		return complete_text(argv[2], argv[3]);
	if (argc < 3 || strcmp(argv[1], "words")) {
		complain("complete: this is for the completions of the shells");
		complain_more("usage: fusectl complete words WORD... | line LINE BREAKS");
		return STATUS_USAGE;
	}
	line.words = argv + 2;
	line.count = argc - 2;
	complete(stdout, &line);
	return STATUS_OK;
}

const struct verb verb_complete = {
	.name = "complete",
	.function = run,
	.hidden = true,
};
