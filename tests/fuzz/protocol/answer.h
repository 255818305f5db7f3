/* SPDX-License-Identifier: GPL-2.0 */
/*
 * answer.h - a well-formed answer to any request, of a filesystem that isn't
 * there.  What is made wrong of it is server.c's.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <linux/fuse.h>
#include <stddef.h>

#include "fxfuzz.h"

#define ANSWER_MAX	(256 * 1024)

/*
 * Puts what belongs behind the header into @out (ANSWER_MAX bytes) and returns its
 * size; *@error is positive where the answer is one.
 */
size_t answer(const struct round *round, struct random *random,
	      const struct fuse_in_header *in, size_t in_size, char *out, int *error);

#endif /* ANSWER_H */
