/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether output may have colours.  Not for which ones, see table.h
 * and the verbs.
 */
#ifndef FUSECTL_COLOUR_H
#define FUSECTL_COLOUR_H

#include <stdbool.h>
#include <stdio.h>

/* A terminal that can, and whose user didn't set NO_COLOR. */
bool colour_wanted(FILE *stream);

#endif /* FUSECTL_COLOUR_H */
