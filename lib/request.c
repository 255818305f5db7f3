// SPDX-License-Identifier: LGPL-2.1
/*
 * request.c - requests that libfuse doesn't know, before libfuse sees them.
 * Works on bytes alone; what comes of them is in session.c.
 */
#include <string.h>

#include "internal.h"

struct disguise {
	struct fuse_in_header header;
	struct fuse_create_in create;
	char name[2];
};

/* header, fuse_create_in, a name that ends; more may follow */
static bool is_create(const void *request, size_t size)
{
	const size_t start = sizeof(struct fuse_in_header) + sizeof(struct fuse_create_in);
	const char *name = (const char *)request + start;

	return size > start + 1 && *name && memchr(name, '\0', size - start);
}

static size_t replace(struct fuse_in_header *request, size_t size, size_t room, enum mark mark)
{
	struct disguise disguise = {
		.header = *request,
		.create.mode = (uint32_t)mark << MODE_MARK_SHIFT,
		.name = "-",
	};

	if (room < sizeof(disguise))
		return size;
	disguise.header.opcode = FUSE_CREATE;
	disguise.header.len = sizeof(disguise);
	memcpy(request, &disguise, sizeof(disguise));
	return sizeof(disguise);
}

size_t request_disguise(void *request, size_t size, size_t room)
{
	struct fuse_in_header *header = request;
	struct fuse_create_in *create = (struct fuse_create_in *)(header + 1);

	if (size < sizeof(*header))
		return size;
	switch (header->opcode) {
	case FUSE_ATOMIC_CREATE:
		if (!is_create(request, size))
			return replace(header, size, room, MARK_MALFORMED);
		header->opcode = FUSE_CREATE;
		create->mode = (create->mode & MODE_BITS) |
			       (uint32_t)MARK_ATOMIC_CREATE << MODE_MARK_SHIFT;
		return size;
	case OPCODE_SYNCFS:
		return replace(header, size, room, MARK_SYNCFS);
	default:
		return size;
	}
}
