/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The names of the flags that the kernel offers to a server in INIT, and that
 * the server accepts.  Not for what was negotiated, see kernel_parse.h.
 */
#ifndef FUSECTL_INIT_FLAGS_H
#define FUSECTL_INIT_FLAGS_H

/* Names separated by blanks, the lowest bit first; "" for no flag.  To be freed. */
char *init_flags_text(unsigned long long flags);

#endif /* FUSECTL_INIT_FLAGS_H */
