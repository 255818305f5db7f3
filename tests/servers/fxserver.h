/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fxserver.h - what the parts of fxserver share: the request under way, the
 * tree of files, the locks.  Not for the other servers.
 */
#ifndef FXSERVER_H
#define FXSERVER_H

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>

/**
 * struct call - the request that this thread works on
 * @opcode:	FUSE opcode
 * @unique:	its number on the wire
 * @node:	inode
 * @fh:		file handle, where the request has one
 * @error:	what a rule says to answer, 0 for the real answer
 */
struct call {
	uint32_t opcode;
	uint64_t unique;
	uint64_t node;
	uint64_t fh;
	int error;
};

/* What the command line asked for; constant once the server serves. */
struct settings {
	double timeout;
	int writeback;
	int direct_io;
	int keep_cache;
	int locks;
	int nonseekable;
	const char *flush_peer;
};

struct xattr {
	struct xattr *next;
	char *name;
	char *value;
	size_t size;
};

struct lock {
	struct lock *next;
	uint64_t owner;
	uint64_t start;
	uint64_t end;
	int type;
	int flock;
	pid_t pid;
};

struct node {
	struct stat attr;
	struct node *parent;
	struct entry *entries;		/* of a directory, oldest first */
	char *data;			/* of a file; the target of a symlink */
	struct xattr *xattrs;
	struct lock *locks;
	uint64_t lookups;
};

struct entry {
	struct entry *next;
	struct node *node;
	off_t offset;			/* of the next entry, for readdir */
	char name[];
};

extern struct settings settings;
extern __thread struct call call;

/* fxserver.c */
void log_reply(int error);
void log_lost(int error);
/* Ask the peer of --flush-peer; returns when it has answered or is gone. */
void peer_ask(void);

/* fxserver-ops.c */
struct fuse_lowlevel_ops server_operations(void);

/* fxserver-tree.c; all but tree_init need tree_lock */
extern pthread_mutex_t tree_lock;
void tree_init(void);
struct node *tree_node(fuse_ino_t id);
struct node *tree_new(struct node *parent, mode_t mode, dev_t rdev, uid_t uid, gid_t gid);
struct entry *tree_find(struct node *directory, const char *name);
void tree_add(struct node *directory, const char *name, struct node *node);
void tree_remove(struct node *directory, struct entry *entry);
void tree_forget(struct node *node, uint64_t lookups);
int tree_resize(struct node *node, off_t size);
void tree_touch(struct node *node, int data);
uint64_t tree_count(void);

/* fxserver-locks.c; all need tree_lock */
extern pthread_cond_t locks_changed;
struct lock *locks_conflict(struct node *node, const struct lock *wanted);
void locks_set(struct node *node, const struct lock *wanted);
void locks_drop(struct node *node, uint64_t owner, int flock);

#endif /* FXSERVER_H */
