// SPDX-License-Identifier: GPL-2.0
/*
 * treeserver-tree.c - the files of treeserver, in memory: directories, regular
 * files, symbolic links, and nodes of all other types.  It knows nothing of
 * requests but who asks, and checks no permission.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "treeserver.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* By number: nodes[0] is the root, whose id is 1. */
static struct tree_node **nodes;
static uint64_t node_count;

void tree_lock(void)
{
	pthread_mutex_lock(&lock);
}

void tree_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static void *allocate(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (!memory && size)
		abort();
	return memory;
}

static void touch(struct tree_node *node)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	node->mtime_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static struct tree_node *add_node(uint32_t mode)
{
	struct tree_node *node = calloc(1, sizeof(*node));

	if (!node)
		abort();
	if (node_count % 1024 == 0)
		nodes = allocate(nodes, (node_count + 1024) * sizeof(*nodes));
	nodes[node_count++] = node;
	node->id = node_count;
	node->mode = mode;
	node->nlink = S_ISDIR(mode) ? 2 : 0;
	touch(node);
	return node;
}

struct tree_node *tree_node(uint64_t nodeid)
{
	if (!node_count)
		add_node(S_IFDIR | 0755);
	return nodeid && nodeid <= node_count ? nodes[nodeid - 1] : NULL;
}

static struct tree_entry **find_entry(struct tree_node *directory, const char *name)
{
	struct tree_entry **entry;

	for (entry = &directory->entries; *entry; entry = &(*entry)->next)
		if (strcmp((*entry)->name, name) == 0)
			break;
	return entry;
}

struct tree_node *tree_find(struct tree_node *directory, const char *name)
{
	struct tree_entry *entry = *find_entry(directory, name);

	return entry ? tree_node(entry->nodeid) : NULL;
}

struct tree_node *tree_walk(char *path)
{
	struct tree_node *node = tree_node(FUSE_ROOT_ID);
	char *rest, *name;

	for (name = strtok_r(path, "/", &rest); node && name; name = strtok_r(NULL, "/", &rest))
		node = tree_find(node, name);
	return node;
}

void tree_link(struct tree_node *directory, const char *name, struct tree_node *node)
{
	struct tree_entry *entry = allocate(NULL, sizeof(*entry) + strlen(name) + 1);

	strcpy(entry->name, name);
	entry->nodeid = node->id;
	entry->next = directory->entries;
	directory->entries = entry;
	if (!S_ISDIR(node->mode))
		node->nlink++;
	touch(directory);
}

/* As on other filesystems: what is made in a directory with setgid has its group. */
struct tree_node *tree_make(struct tree_node *directory, const char *name,
			    const struct fuse_in_header *in, uint32_t mode)
{
	struct tree_node *node = add_node(mode);

	node->uid = in->uid;
	node->gid = directory->mode & S_ISGID ? directory->gid : in->gid;
	if (S_ISDIR(mode))
		node->mode |= directory->mode & S_ISGID;
	tree_link(directory, name, node);
	return node;
}

static void remove_entry(struct tree_node *directory, struct tree_entry **entry)
{
	struct tree_entry *old = *entry;
	struct tree_node *node = tree_node(old->nodeid);

	*entry = old->next;
	if (S_ISDIR(node->mode))
		node->nlink = 0;
	else
		node->nlink--;
	free(old);
	touch(directory);
}

int tree_unlink(struct tree_node *directory, const char *name, int is_rmdir)
{
	struct tree_entry **entry = find_entry(directory, name);
	struct tree_node *node;

	if (!*entry)
		return ENOENT;
	node = tree_node((*entry)->nodeid);
	if (is_rmdir && !S_ISDIR(node->mode))
		return ENOTDIR;
	if (!is_rmdir && S_ISDIR(node->mode))
		return EISDIR;
	if (is_rmdir && node->entries)
		return ENOTEMPTY;
	remove_entry(directory, entry);
	return 0;
}

int tree_rename(struct tree_node *from, const char *name, struct tree_node *to,
		const char *new_name)
{
	struct tree_node *node = tree_find(from, name);
	struct tree_node *old = tree_find(to, new_name);
	uint32_t nlink;
	int error;

	if (!node)
		return ENOENT;
	if (node == old)
		return 0;
	if (old) {
		error = tree_unlink(to, new_name, S_ISDIR(node->mode));
		if (error)
			return error;
	}
	nlink = node->nlink;
	remove_entry(from, find_entry(from, name));
	tree_link(to, new_name, node);
	node->nlink = nlink;
	return 0;
}

void tree_resize(struct tree_node *node, size_t size)
{
	if (size > node->size || size == 0) {
		node->data = allocate(node->data, size + 1);
		if (size > node->size)
			memset(node->data + node->size, 0, size - node->size);
	}
	node->size = size;
	touch(node);
}

void tree_write(struct tree_node *node, uint64_t offset, const void *data, size_t size)
{
	if (offset + size > node->size)
		tree_resize(node, offset + size);
	memcpy(node->data + offset, data, size);
	touch(node);
}

void tree_attr(struct fuse_attr *attr, const struct tree_node *node)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = node->id;
	attr->mode = node->mode;
	attr->nlink = node->nlink;
	attr->uid = node->uid;
	attr->gid = node->gid;
	attr->rdev = node->rdev;
	attr->size = node->size;
	attr->blocks = (node->size + 511) / 512;
	attr->blksize = 4096;
	attr->mtime = node->mtime_ns / 1000000000;
	attr->mtimensec = node->mtime_ns % 1000000000;
	attr->atime = attr->mtime;
	attr->atimensec = attr->mtimensec;
	attr->ctime = attr->mtime;
	attr->ctimensec = attr->mtimensec;
}

void tree_totals(int mount, long *lookups, long *opens)
{
	uint64_t i;

	*lookups = 0;
	*opens = 0;
	for (i = 1; i < node_count; i++) {
		*lookups += nodes[i]->lookups[mount];
		*opens += nodes[i]->opens;
	}
}
