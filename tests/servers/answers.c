// SPDX-License-Identifier: GPL-2.0
/*
 * answers.c - names, attributes and sizes of the plain files that test servers
 * have where files don't matter.  Not for servers whose files change.
 */
#include <string.h>
#include <sys/stat.h>

#include "answers.h"

const struct fuse_statfs_out plain_statfs = {
	.st = { .bsize = 4096, .namelen = 255, .frsize = 4096 },
};

void plain_attr(struct fuse_attr *attr, uint64_t nodeid, uint64_t size)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = nodeid;
	attr->mode = nodeid == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0666;
	attr->nlink = nodeid == FUSE_ROOT_ID ? 2 : 1;
	attr->size = nodeid == FUSE_ROOT_ID ? 0 : size;
	attr->blksize = 4096;
}

size_t plain_read_size(const struct fuse_read_in *read_in, uint64_t size)
{
	uint64_t left = read_in->offset < size ? size - read_in->offset : 0;

	return left < read_in->size ? left : read_in->size;
}

int plain_number(const char *name, const char *prefix, int count)
{
	size_t length = strlen(prefix);

	if (strncmp(name, prefix, length) || name[length] < '0' ||
	    name[length] >= '0' + count || name[length + 1])
		return -1;
	return name[length] - '0';
}
