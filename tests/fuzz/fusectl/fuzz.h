/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share.  Not for what they try.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls LLVMFuzzerTestOneInput(), see the Makefile. */
int fuzz_one(const uint8_t *data, size_t size);

/* With a NUL at its end; to be freed. */
char *fuzz_text(const uint8_t *data, size_t size);

/* A file of the machine that ops_root() is, gone when the program ends. */
void fuzz_file(const char *directory, const char *name, const uint8_t *data, size_t size);

#endif /* FUZZ_H */
