/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h - the FUSE protocol as bytes: names of opcodes and errors, one-line
 * and hexadecimal records of requests.  For the test servers; it knows nothing
 * of files, connections or libfuse.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Opcodes that are younger than the oldest <linux/fuse.h> we compile with. */
#define WIRE_SYNCFS	50
#define WIRE_TMPFILE	51
#define WIRE_STATX	52

const char *wire_opcode_name(uint32_t opcode);
/* The opcode with this name (any case), or -1. */
int wire_opcode(const char *name);

/* A name like EIO, or a number; -1 if it is neither. */
int wire_errno(const char *name);
const char *wire_errno_name(int error);

uint64_t wire_now_ns(void);

/* read(2) of a request from /dev/fuse, again after what isn't the end of it. */
ssize_t wire_read_request(int device, void *buffer, size_t size);

/*
 * Record a request as one line of "key=value" fields, and as hexadecimal.
 * With @mask, what differs between two runs of the same calls (unique, pid, times,
 * lock owners) is written as "xx".
 */
void wire_log_request(FILE *log, const void *request, size_t size);
void wire_dump_request(FILE *dump, const void *request, size_t size, int mask);

/* Write a line and flush it, so that a reader sees whole lines only. */
void wire_log(FILE *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Send @argc words as one line to the control socket @path, copy what is answered to
 * @answer; 1: that is an error, or there was none.
 */
int wire_ask(FILE *answer, const char *path, int argc, char **argv);
/* The same, to stdout. */
int wire_control(const char *path, int argc, char **argv);

#endif /* WIRE_H */
