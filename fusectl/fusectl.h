/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every verb of fusectl shares: its function and the exit
 * statuses.  Not for anything that only some verbs need.
 */
#ifndef FUSECTL_H
#define FUSECTL_H

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

/* A verb gets its own name as argv[0] and returns an exit_status. */
int verb_status(int argc, char **argv);
int verb_load(int argc, char **argv);
int verb_unload(int argc, char **argv);
int verb_list(int argc, char **argv);
int verb_get(int argc, char **argv);
int verb_set(int argc, char **argv);
int verb_inherit(int argc, char **argv);

#endif /* FUSECTL_H */
