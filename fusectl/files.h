/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading files and links of the machine.  Not for files below a FUSE mount,
 * which nothing of fusectl touches.
 */
#ifndef FUSECTL_FILES_H
#define FUSECTL_FILES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * At most a MiB of a file, its end if it is longer, without the newlines at
 * the end; NULL and errno if it can't be read.  To be freed.
 */
char *file_read(const char *path);

/* Where a symbolic link leads; NULL and errno.  To be freed. */
char *file_link(const char *path);

bool file_exists(const char *path);

/*
 * The names in a directory, in the order of the alphabet, without hidden ones;
 * 0 or a negative errno.
 */
int file_names(const char *directory, char ***names, size_t *count);
void file_names_free(char **names, size_t count);

#endif /* FUSECTL_FILES_H */
