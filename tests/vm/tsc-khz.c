// SPDX-License-Identifier: GPL-2.0
/*
 * tsc-khz.c - print the frequency of this machine's time stamp counter, in kHz.
 * An emulated machine has the same counter, but on a busy host its kernel can't
 * find out how fast it runs, and then all its time-outs are wrong.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Both clocks at one moment: of several tries, the one least disturbed. */
static void sample(uint64_t *ns, uint64_t *ticks)
{
	uint64_t least = UINT64_MAX;
	int i;

	for (i = 0; i < 32; i++) {
		uint64_t before = __rdtsc();
		uint64_t time = now_ns();
		uint64_t after = __rdtsc();

		if (after - before < least) {
			least = after - before;
			*ns = time;
			*ticks = before + (after - before) / 2;
		}
	}
}

int main(void)
{
	struct timespec pause = { .tv_nsec = 100000000 };
	uint64_t ns[2];
	uint64_t ticks[2];

	sample(&ns[0], &ticks[0]);
	nanosleep(&pause, NULL);
	sample(&ns[1], &ticks[1]);
	printf("%llu\n", (unsigned long long)((ticks[1] - ticks[0]) * 1000000 / (ns[1] - ns[0])));
	return 0;
}
