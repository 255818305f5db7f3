// SPDX-License-Identifier: GPL-2.0
/*
 * fxserver-locks.c - POSIX and BSD locks of fxserver's files.  It keeps the
 * ranges; waiting for a lock is the caller's.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "fxserver.h"

pthread_cond_t locks_changed = PTHREAD_COND_INITIALIZER;

static int overlaps(const struct lock *a, const struct lock *b)
{
	return a->flock == b->flock && a->start <= b->end && b->start <= a->end;
}

struct lock *locks_conflict(struct node *node, const struct lock *wanted)
{
	struct lock *lock;

	for (lock = node->locks; lock; lock = lock->next)
		if (lock->owner != wanted->owner && overlaps(lock, wanted) &&
		    (lock->type == F_WRLCK || wanted->type == F_WRLCK))
			return lock;
	return NULL;
}

static void insert(struct node *node, const struct lock *template, uint64_t start, uint64_t end)
{
	struct lock *lock = malloc(sizeof(*lock));

	if (!lock)
		abort();
	*lock = *template;
	lock->start = start;
	lock->end = end;
	lock->next = node->locks;
	node->locks = lock;
}

void locks_set(struct node *node, const struct lock *wanted)
{
	struct lock **link = &node->locks;
	struct lock *lock;

	while ((lock = *link)) {
		if (lock->owner != wanted->owner || !overlaps(lock, wanted)) {
			link = &lock->next;
			continue;
		}
		/* what sticks out on either side stays as it was */
		*link = lock->next;
		if (lock->start < wanted->start)
			insert(node, lock, lock->start, wanted->start - 1);
		if (lock->end > wanted->end)
			insert(node, lock, wanted->end + 1, lock->end);
		free(lock);
		link = &node->locks;
	}
	if (wanted->type != F_UNLCK)
		insert(node, wanted, wanted->start, wanted->end);
	pthread_cond_broadcast(&locks_changed);
}

void locks_drop(struct node *node, uint64_t owner, int flock)
{
	struct lock all = {
		.owner = owner, .start = 0, .end = UINT64_MAX, .type = F_UNLCK, .flock = flock,
	};

	locks_set(node, &all);
}
