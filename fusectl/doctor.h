/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the checks of `fusectl doctor` share.  Not for the verb itself, see
 * doctor.c.
 */
#ifndef FUSECTL_DOCTOR_H
#define FUSECTL_DOCTOR_H

#include <stdbool.h>

#include "connections.h"
#include "text.h"

enum severity {
	SEVERITY_PROBLEM,	/* exit status 1 */
	SEVERITY_POSSIBLE,	/* may be one */
	SEVERITY_INFO,
	SEVERITY_UNCHECKED,	/* couldn't be looked at */
};

struct doctor;

struct check {
	const char *name;
	void (*function)(struct doctor *doctor);
};

struct doctor {
	const struct connections *connections;
	const char *kernel;	/* the running one */
	const char *check;	/* the name of the one that runs */
	unsigned int patience;	/* seconds without an answer */
	void *findings;
};

/*
 * What was found, why it matters, the command that mends it; each is freed.
 * mend may be NULL.
 */
void doctor_found(struct doctor *doctor, enum severity severity, char *what,
		  const char *why, char *mend);

extern const struct check doctor_module[], doctor_build[], doctor_secure[],
	doctor_settings[], doctor_connections[];

#endif /* FUSECTL_DOCTOR_H */
