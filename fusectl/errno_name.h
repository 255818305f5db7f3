/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ENOENT of 2: what strerrorname_np() is where libc has it, which
 * that of Debian 11 hasn't.  Not for messages, see strerror(3).
 */
#ifndef FUSECTL_ERRNO_NAME_H
#define FUSECTL_ERRNO_NAME_H

/* NULL for a number that has no name here. */
const char *errno_name(int number);

#endif /* FUSECTL_ERRNO_NAME_H */
