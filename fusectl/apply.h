/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is to be written so that the policy is in force, and writing it.  Not
 * for what the policy says, see policy.h.
 */
#ifndef FUSECTL_APPLY_H
#define FUSECTL_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "connections.h"
#include "policy.h"

struct plan_step {
	bool module;
	unsigned int connection;
	char *where;		/* for messages */
	char *place;		/* the control filesystem */
	const char *toggle;
	char *old;
	const char *word;
};

/* Begins as zeros. */
struct plan {
	struct plan_step *step;
	size_t count;
};

/*
 * Adds what differs, module-wide or of a connection of fuse_ext.  Returns an
 * exit_status, after a message; a connection that is gone is no failure.
 */
int plan_module(struct plan *plan, const struct policy *policy);
int plan_connection(struct plan *plan, const struct policy *policy,
		    const struct connections *connections,
		    unsigned int connection);

/*
 * Writes each step, also after one that fails, or (dry) only tells them.
 * Returns the exit_status of the first failure, after messages.
 */
int plan_run(const struct plan *plan, bool dry, bool verbose);
void plan_free(struct plan *plan);

/* `fusectl apply --watch`; an exit_status. */
int watch(bool verbose);

#endif /* FUSECTL_APPLY_H */
