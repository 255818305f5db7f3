// SPDX-License-Identifier: GPL-2.0
/*
 * treeserver-create.c - how treeserver makes regular files: CREATE as stock FUSE
 * knows it, and FUSE_ATOMIC_CREATE, well and in all wrong ways.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse_ext.h>
#include <string.h>
#include <sys/stat.h>

#include "treeserver.h"

struct create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

static const char *const answer_names[ANSWERS] = {
	[ANSWER_WELL] = "well",
	[ANSWER_UNKNOWN] = "unknown",
	[ANSWER_EEXIST] = "eexist",
	[ANSWER_CLAIM] = "claim",
	[ANSWER_NODE_0] = "node-0",
	[ANSWER_NODE_ROOT] = "node-root",
	[ANSWER_DIRECTORY] = "directory",
	[ANSWER_NO_TYPE] = "no-type",
	[ANSWER_HUGE] = "huge",
	[ANSWER_PARENT] = "parent",
	[ANSWER_SHORT] = "short",
	[ANSWER_PARTIAL] = "partial",
	[ANSWER_LONG] = "long",
	[ANSWER_UNSAID] = "unsaid",
	[ANSWER_ENTRY_0] = "entry-0",
	[ANSWER_ENTRY_ROOT] = "entry-root",
	[ANSWER_ENTRY_NO_TYPE] = "entry-no-type",
	[ANSWER_ENTRY_PARENT] = "entry-parent",
};

int atomic_answer(const char *name)
{
	int answer;

	for (answer = 0; answer < ANSWERS; answer++)
		if (strcmp(answer_names[answer], name) == 0)
			return answer;
	return -1;
}

static const char *name_of(const struct fuse_create_in *create)
{
	return (const char *)(create + 1);
}

static void fill_out(struct place *place, struct create_out *out, struct tree_node *node)
{
	static uint64_t next_fh = 1;

	memset(out, 0, sizeof(*out));
	fill_entry(place, &out->entry, node);
	out->open.fh = next_fh++;
}

/* The kernel may be quicker with FORGET than we are back: counted before. */
static void answer_open_file(struct place *place, const struct fuse_in_header *in,
			     struct tree_node *node, uint32_t open_flags)
{
	struct create_out out;

	fill_out(place, &out, node);
	out.open.open_flags = open_flags | settings.open_flags;
	node->lookups[place->number]++;
	node->opens++;
	if (reply_open(place, in, node->id, &out, sizeof(out))) {
		node->lookups[place->number]--;
		node->opens--;
	}
}

/* As a server does for which "created" is what creat(2) leaves. */
static void answer_claim(struct place *place, const struct fuse_in_header *in,
			 struct tree_node *node)
{
	tree_resize(node, 0);
	answer_open_file(place, in, node, FOPEN_FILE_CREATED);
}

void answer_create(struct place *place, const struct fuse_in_header *in,
		   const struct fuse_create_in *create)
{
	struct tree_node *directory = tree_node(in->nodeid);
	struct tree_node *node = tree_find(directory, name_of(create));

	if (node && (create->flags & O_EXCL)) {
		daemon_reply(place, in, EEXIST, NULL, 0);
		return;
	}
	if (!node)
		node = tree_make(directory, name_of(create), in, create->mode);
	else if (create->flags & O_TRUNC)
		tree_resize(node, 0);
	answer_open_file(place, in, node, 0);
}

/*
 * The wrong answers, about @node, which was made.  What the kernel is told of
 * once, and what is opened, is counted as far as it can make that out.
 */
static void answer_wrongly(struct place *place, const struct fuse_in_header *in,
			   struct tree_node *node)
{
	struct {
		struct create_out out;
		char more[8];
	} wrong = { 0 };
	struct tree_node *told = node;
	size_t size = sizeof(wrong.out);
	int is_open;

	fill_out(place, &wrong.out, node);
	wrong.out.open.open_flags = FOPEN_FILE_CREATED;
	if (settings.atomic >= ANSWER_ENTRY_0)
		size = sizeof(wrong.out.entry);
	switch (settings.atomic) {
	case ANSWER_NODE_0:
	case ANSWER_ENTRY_0:
		wrong.out.entry.nodeid = 0;
		told = NULL;
		break;
	case ANSWER_NODE_ROOT:
	case ANSWER_ENTRY_ROOT:
		wrong.out.entry.nodeid = FUSE_ROOT_ID;
		told = NULL;
		break;
	case ANSWER_PARENT:
		told = tree_node(in->nodeid);
		wrong.out.entry.nodeid = told->id;
		break;
	case ANSWER_ENTRY_PARENT:
		told = tree_node(in->nodeid);
		fill_entry(place, &wrong.out.entry, told);
		break;
	case ANSWER_DIRECTORY:
		wrong.out.entry.attr.mode = S_IFDIR | 0755;
		break;
	case ANSWER_NO_TYPE:
	case ANSWER_ENTRY_NO_TYPE:
		wrong.out.entry.attr.mode = 0644;
		break;
	case ANSWER_HUGE:
		wrong.out.entry.attr.size = UINT64_MAX;
		break;
	case ANSWER_SHORT:
		size = sizeof(wrong.out.entry) - 1;
		told = NULL;
		break;
	case ANSWER_PARTIAL:
		size = sizeof(wrong.out.entry) + sizeof(wrong.out.open.fh);
		break;
	case ANSWER_LONG:
		size = sizeof(wrong);
		told = NULL;
		break;
	default:
		wrong.out.open.open_flags = 0;
	}
	is_open = told && size >= sizeof(wrong.out);
	if (told) {
		told->lookups[place->number]++;
		told->opens += is_open;
	}
	daemon_reply(place, in, 0, &wrong, size);
}

void answer_atomic_create(struct place *place, const struct fuse_in_header *in,
			  const struct fuse_create_in *create)
{
	struct tree_node *directory = tree_node(in->nodeid);
	struct tree_node *node;

	if (settings.atomic == ANSWER_UNKNOWN) {
		daemon_reply(place, in, ENOSYS, NULL, 0);
		return;
	}
	node = tree_find(directory, name_of(create));
	if (node) {
		if (settings.atomic == ANSWER_EEXIST && (create->flags & O_EXCL))
			daemon_reply(place, in, EEXIST, NULL, 0);
		else if (settings.atomic == ANSWER_CLAIM)
			answer_claim(place, in, node);
		else
			answer_entry(place, in, node);
		return;
	}
	node = tree_make(directory, name_of(create), in, create->mode);
	if (settings.atomic <= ANSWER_CLAIM)
		answer_open_file(place, in, node, FOPEN_FILE_CREATED);
	else
		answer_wrongly(place, in, node);
}
