// SPDX-License-Identifier: GPL-2.0
/*
 * fxserver-tree.c - fxserver's files and directories in memory.  It knows
 * nothing of requests.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fxserver.h"

pthread_mutex_t tree_lock = PTHREAD_MUTEX_INITIALIZER;

/* Indexed by inode number; a number is never used twice. */
static struct node **nodes;
static uint64_t nodes_used = 1;
static uint64_t nodes_room;
static uint64_t nodes_alive;

static void *need(void *memory)
{
	if (!memory) {
		fputs("fxserver: out of memory\n", stderr);
		abort();
	}
	return memory;
}

struct node *tree_node(fuse_ino_t id)
{
	return id < nodes_used ? nodes[id] : NULL;
}

struct node *tree_new(struct node *parent, mode_t mode, dev_t rdev, uid_t uid, gid_t gid)
{
	struct node *node = need(calloc(1, sizeof(*node)));

	if (nodes_used >= nodes_room) {
		nodes_room = nodes_room ? 2 * nodes_room : 64;
		nodes = need(realloc(nodes, nodes_room * sizeof(*nodes)));
	}
	node->attr.st_ino = nodes_used;
	node->attr.st_mode = mode;
	node->attr.st_rdev = rdev;
	node->attr.st_uid = uid;
	node->attr.st_gid = gid;
	node->attr.st_nlink = S_ISDIR(mode) ? 2 : 0;
	node->attr.st_blksize = 4096;
	node->parent = parent;
	clock_gettime(CLOCK_REALTIME, &node->attr.st_mtim);
	node->attr.st_atim = node->attr.st_mtim;
	node->attr.st_ctim = node->attr.st_mtim;
	nodes[nodes_used++] = node;
	nodes_alive++;
	return node;
}

void tree_init(void)
{
	nodes = need(calloc(64, sizeof(*nodes)));
	nodes_room = 64;
	tree_new(NULL, S_IFDIR | 0755, 0, 0, 0);
}

uint64_t tree_count(void)
{
	return nodes_alive;
}

struct entry *tree_find(struct node *directory, const char *name)
{
	struct entry *entry;

	for (entry = directory->entries; entry; entry = entry->next)
		if (strcmp(entry->name, name) == 0)
			return entry;
	return NULL;
}

void tree_touch(struct node *node, int data)
{
	clock_gettime(CLOCK_REALTIME, &node->attr.st_ctim);
	if (data)
		node->attr.st_mtim = node->attr.st_ctim;
}

void tree_add(struct node *directory, const char *name, struct node *node)
{
	struct entry *entry = need(malloc(sizeof(*entry) + strlen(name) + 1));
	struct entry **link = &directory->entries;
	off_t offset = 3;	/* behind "." and ".." */

	for (; *link; link = &(*link)->next)
		offset = (*link)->offset + 1;
	strcpy(entry->name, name);
	entry->node = node;
	entry->offset = offset;
	entry->next = NULL;
	*link = entry;
	if (S_ISDIR(node->attr.st_mode)) {
		node->parent = directory;
		directory->attr.st_nlink++;
	} else {
		node->attr.st_nlink++;
	}
	tree_touch(directory, 1);
	tree_touch(node, 0);
}

static void drop(struct node *node)
{
	struct xattr *xattr;

	if (node->lookups || node->attr.st_ino == FUSE_ROOT_ID ||
	    node->attr.st_nlink > (S_ISDIR(node->attr.st_mode) ? 1 : 0))
		return;
	nodes[node->attr.st_ino] = NULL;
	nodes_alive--;
	locks_drop(node, 0, 0);
	while ((xattr = node->xattrs)) {
		node->xattrs = xattr->next;
		free(xattr->name);
		free(xattr->value);
		free(xattr);
	}
	free(node->data);
	free(node);
}

void tree_remove(struct node *directory, struct entry *entry)
{
	struct entry **link = &directory->entries;
	struct node *node = entry->node;

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	free(entry);
	node->attr.st_nlink--;
	if (S_ISDIR(node->attr.st_mode))
		directory->attr.st_nlink--;
	tree_touch(directory, 1);
	tree_touch(node, 0);
	drop(node);
}

void tree_forget(struct node *node, uint64_t lookups)
{
	node->lookups -= lookups < node->lookups ? lookups : node->lookups;
	drop(node);
}

int tree_resize(struct node *node, off_t size)
{
	char *data;

	if (size < 0 || size > (1LL << 30))
		return EFBIG;
	data = realloc(node->data, size ? size : 1);
	if (!data)
		return ENOSPC;
	if (size > node->attr.st_size)
		memset(data + node->attr.st_size, 0, size - node->attr.st_size);
	node->data = data;
	node->attr.st_size = size;
	node->attr.st_blocks = (size + 511) / 512;
	return 0;
}
