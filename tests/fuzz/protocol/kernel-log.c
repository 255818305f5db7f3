// SPDX-License-Identifier: GPL-2.0
/*
 * kernel-log.c - whether the kernel has complained, so that a finding has the seed
 * of its round.  Only what is surely one: all of the log is tests/vm/dmesg-check's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fxfuzz.h"

static int log_file = -1;

void kernel_log_open(void)
{
	log_file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_file >= 0)
		lseek(log_file, 0, SEEK_END);
}

static bool is_bad(const char *line)
{
	static const char *const bad[] = {
		"BUG:", "kernel BUG", "WARNING:", "Oops", "general protection fault",
		"KASAN:", "UBSAN:", "possible recursive locking", "possible circular locking",
		"possible irq lock", "suspicious RCU", "INFO: task ", "soft lockup",
		"detected stalls", "refcount_t:", "list_add corruption", "list_del corruption",
		"Busy inodes after unmount", "new suspected memory leaks", "bad unlock balance",
		"held lock freed", "Objects remaining", "inconsistent lock state",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (strstr(line, bad[i]))
			return true;
	return false;
}

const char *kernel_log_bad(void)
{
	static char record[8192];
	ssize_t size;
	char *text;

	/* EPIPE: some are lost already, the next read has those that are left */
	while ((size = read(log_file, record, sizeof(record) - 1)) >= 0 || errno == EPIPE) {
		if (size <= 0)
			continue;
		record[size] = 0;
		text = strchr(record, ';');
		if (!text || !is_bad(text))
			continue;
		text[strcspn(text, "\n")] = 0;
		return text + 1;
	}
	return NULL;
}
