/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module that is installed for the running kernel, and whether the loaded
 * one is it.  Not for how it is built, see doctor_build.c.
 */
#ifndef FUSECTL_INSTALLED_H
#define FUSECTL_INSTALLED_H

#include <stdbool.h>

struct installed {
	char *path;		/* NULL: none is installed */
	char *version;		/* NULL: not known */
	char *source;		/* package, version and hash; NULL: not known */
	bool same;		/* as the loaded one */
};

void installed_read(struct installed *installed);
void installed_free(struct installed *installed);

#endif /* FUSECTL_INSTALLED_H */
