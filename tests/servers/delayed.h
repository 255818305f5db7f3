/* SPDX-License-Identifier: GPL-2.0 */
/*
 * delayed.h - the file in which delayed.so counts requests: a number for each opcode.
 */
#ifndef DELAYED_H
#define DELAYED_H

/* The private opcodes are above all of the protocol's. */
#define DELAYED_OPCODES	8192
#define DELAYED_SIZE	(DELAYED_OPCODES * sizeof(unsigned int))

#endif /* DELAYED_H */
