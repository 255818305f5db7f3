// SPDX-License-Identifier: GPL-2.0
/*
 * mountinfo of any content, and paths in it.  Not for the verbs that read it.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mounts.h"

int fuzz_one(const uint8_t *data, size_t size)
{
	const struct mount *mount;
	struct mounts mounts;
	unsigned int sum = 0;
	size_t i;

	fuzz_file("/proc/self", "mountinfo", data, size);
	if (mounts_read(&mounts))
		return 0;
	for (i = 0; i < mounts.count && i < 50; i++) {
		mount = &mounts.mount[i];
		sum += mount_is_fuse(mount) + mount_is_control(mount) + mount_connection(mount);
		if (mounts_at(&mounts, mount->target))
			sum++;
		if (mount->target[0] == '/')
			mounts_resolve(&mounts, mount->target, &mount);
	}
	mounts_free(&mounts);
	/* that the compiler can't leave it out */
	return sum == 1 && size > (1 << 30) ? -1 : 0;
}
