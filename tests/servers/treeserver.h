/* SPDX-License-Identifier: GPL-2.0 */
/*
 * treeserver.h - what the parts of treeserver share: the tree in
 * memory, the settings.  Not for the other servers.
 */
#ifndef TREESERVER_H
#define TREESERVER_H

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "daemon.h"

#define MOUNTS	2

struct tree_entry {
	struct tree_entry *next;
	uint64_t nodeid;
	char name[];
};

/**
 * struct tree_node - a file of any type; it stays until the server ends
 * @entries:	of a directory, the newest first
 * @data:	content, or the target of a symbolic link
 * @lookups:	how often each mount was told of it and hasn't forgotten
 * @opens:	OPENs and CREATEs without their RELEASE
 */
struct tree_node {
	uint64_t id;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
	uint32_t nlink;
	uint64_t mtime_ns;
	struct tree_entry *entries;
	char *data;
	size_t size;
	long lookups[MOUNTS];
	long opens;
};

/* How FUSE_ATOMIC_CREATE is answered. */
enum atomic_answer {
	ANSWER_WELL,
	/* not known: ENOSYS */
	ANSWER_UNKNOWN,
	/* O_EXCL and existed is answered with EEXIST, not with the entry */
	ANSWER_EEXIST,
	/* what existed is emptied and opened, as if it had been created */
	ANSWER_CLAIM,
	/* wrong: node ids */
	ANSWER_NODE_0, ANSWER_NODE_ROOT,
	/* wrong: what is there; ANSWER_PARENT: a file with the directory's node id */
	ANSWER_DIRECTORY, ANSWER_NO_TYPE, ANSWER_HUGE, ANSWER_PARENT,
	/* wrong: sizes */
	ANSWER_SHORT, ANSWER_PARTIAL, ANSWER_LONG,
	/* wrong: opened, but FOPEN_FILE_CREATED isn't set */
	ANSWER_UNSAID,
	/* wrong: an entry alone, of one of the kinds above */
	ANSWER_ENTRY_0, ANSWER_ENTRY_ROOT, ANSWER_ENTRY_NO_TYPE, ANSWER_ENTRY_PARENT,
	ANSWERS
};

/* What the command line asked for; @atomic may change by a command. */
struct settings {
	uint32_t timeout;
	uint32_t open_flags;
	uint64_t init_flags;
	enum atomic_answer atomic;
};

extern struct settings settings;

/* treeserver.c: the other descriptor of the first place, if it has two; of -1, its first. */
int other_device(int device);

/*
 * treeserver-tree.c.  One request at a time works on the tree: answer_request()
 * and the commands hold the lock.
 */
void tree_lock(void);
void tree_unlock(void);
struct tree_node *tree_node(uint64_t nodeid);
struct tree_node *tree_find(struct tree_node *directory, const char *name);
/* By a path from the root; NULL if there is nothing. */
struct tree_node *tree_walk(char *path);
struct tree_node *tree_make(struct tree_node *directory, const char *name,
			    const struct fuse_in_header *in, uint32_t mode);
void tree_link(struct tree_node *directory, const char *name, struct tree_node *node);
/* 0, or an errno */
int tree_unlink(struct tree_node *directory, const char *name, int is_rmdir);
int tree_rename(struct tree_node *from, const char *name, struct tree_node *to,
		const char *new_name);
void tree_resize(struct tree_node *node, size_t size);
void tree_write(struct tree_node *node, uint64_t offset, const void *data, size_t size);
void tree_attr(struct fuse_attr *attr, const struct tree_node *node);
/* Of all nodes but the root, for one mount. */
void tree_totals(int mount, long *lookups, long *opens);

/* treeserver-ops.c */
void answer_request(struct place *place, const struct fuse_in_header *in,
		    const void *arguments, size_t size);
/* Answer with the node's entry, and count the lookup; 0 or errno. */
int answer_entry(struct place *place, const struct fuse_in_header *in,
		 struct tree_node *node);
void fill_entry(struct place *place, struct fuse_entry_out *entry,
		const struct tree_node *node);

/* treeserver-create.c */
void answer_create(struct place *place, const struct fuse_in_header *in,
		   const struct fuse_create_in *create);
void answer_atomic_create(struct place *place, const struct fuse_in_header *in,
			  const struct fuse_create_in *create);
/* The answer with this name, or -1. */
int atomic_answer(const char *name);

/* treeserver-inval.c: send a reply that opens a file, as daemon_reply() does */
int reply_open(struct place *place, const struct fuse_in_header *in, uint64_t nodeid,
	       const void *data, size_t size);
/* 0 if the command was one of its own. */
int obey_inval(FILE *answer, const char *command, char *argument);

#endif /* TREESERVER_H */
