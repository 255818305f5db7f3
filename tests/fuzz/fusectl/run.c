// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a target on the files that are named: the corpus and earlier findings,
 * as a regression test without libFuzzer.  Not for finding anything new.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "text.h"

int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	size_t size;
	FILE *file;
	int i;

	for (i = 1; i < argc; i++) {
		file = fopen(argv[i], "r");
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		size = fread(data, 1, sizeof(data), file);
		fclose(file);
		fprintf(stderr, "%s\n", argv[i]);
		fuzz_one(data, size);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
