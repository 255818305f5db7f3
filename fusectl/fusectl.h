/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every verb of fusectl shares: what it is, and the exit
 * statuses.  Not for anything that only some verbs need.
 */
#ifndef FUSECTL_H
#define FUSECTL_H

#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* fusectl(8), EXIT STATUS; part of the interface */
enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILURE = 1,
	STATUS_USAGE = 2,
	STATUS_NOT_LOADED = 3,
	STATUS_NO_TARGET = 4,
	STATUS_NOT_PERMITTED = 5,
	STATUS_STOCK = 6,
};

struct usage;

/* One line of the table in main.c; each verb's file defines its own. */
struct verb {
	const char *name;
	/* gets the verb's name as argv[0] and returns an exit_status */
	int (*function)(int argc, char **argv);
	const char *description;
	const struct usage *usage;
	bool hidden;		/* not for people */
};

/* the table in main.c */
extern const struct verb *const verbs[];
extern const size_t verb_count;

extern const struct verb verb_status;
extern const struct verb verb_load;
extern const struct verb verb_unload;
extern const struct verb verb_list;
extern const struct verb verb_show;
extern const struct verb verb_get;
extern const struct verb verb_set;
extern const struct verb verb_inherit;
extern const struct verb verb_complete;
extern const struct verb verb_apply;
extern const struct verb verb_check;
extern const struct verb verb_top;
extern const struct verb verb_trace;
extern const struct verb verb_monitor;
extern const struct verb verb_abort;
extern const struct verb verb_wait;
extern const struct verb verb_drain;
extern const struct verb verb_doctor;

#endif /* FUSECTL_H */
