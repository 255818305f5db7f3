// SPDX-License-Identifier: GPL-2.0
/*
 * Which FUSE connection is served by which driver, and which
 * one a TARGET on the command line means.  Not for what a connection is set
 * to, see kernel.c.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connections.h"
#include "control.h"
#include "fusectl.h"
#include "kernel.h"
#include "text.h"

bool connections_is_own_control(const struct mount *mount)
{
	dev_t device;

	return mount_is_control(mount) && kernel_control_device(&device) &&
	       device == mount->device;
}

/* The best place at which one of the two control filesystems can be seen. */
static const char *find_place(const struct mounts *mounts, bool own)
{
	const char *const preferred[] = {
		own ? PLACE_OWN : PLACE_STOCK, PLACE_STANDARD,
	};
	const struct mount *mount;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(preferred); i++) {
		mount = mounts_at(mounts, preferred[i]);
		if (mount && mount_is_control(mount) &&
		    !strcmp(mount->root, "/") &&
		    connections_is_own_control(mount) == own)
			return mount->target;
	}
	for (i = 0; i < mounts->count; i++) {
		mount = &mounts->mount[i];
		if (mount_is_control(mount) && !strcmp(mount->root, "/") &&
		    connections_is_own_control(mount) == own &&
		    mounts_at(mounts, mount->target) == mount)
			return mount->target;
	}
	return NULL;
}

static int read_place(const char *place, unsigned int **connections,
		      size_t *count)
{
	int ret;

	if (!place)
		return STATUS_OK;
	ret = kernel_connections(place, connections, count);
	/* unmounted since the mount table was read */
	if (!ret || ret == -ENOENT)
		return STATUS_OK;
	complain("can't read the connections in %s: %s", place, strerror(-ret));
	return ret == -EACCES || ret == -EPERM ? STATUS_NOT_PERMITTED :
	       STATUS_FAILURE;
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned int left = *(const unsigned int *)a;
	unsigned int right = *(const unsigned int *)b;

	return left < right ? -1 : left > right;
}

static int compare_mounts(const void *a, const void *b)
{
	const struct mount *left = *(const struct mount *const *)a;
	const struct mount *right = *(const struct mount *const *)b;
	unsigned int left_number = mount_connection(left);
	unsigned int right_number = mount_connection(right);

	if (left_number != right_number)
		return left_number < right_number ? -1 : 1;
	/* both are in one array: the order of the table */
	return left < right ? -1 : left > right;
}

/* A machine may have thousands of mounts: what is looked up often is sorted. */
static void sort(struct connections *connections)
{
	const struct mounts *mounts = &connections->mounts;
	size_t i;

	connections->sorted = memory(mounts->count,
				     sizeof(*connections->sorted));
	for (i = 0; i < mounts->count; i++)
		connections->sorted[i] = &mounts->mount[i];
	qsort(connections->sorted, mounts->count, sizeof(*connections->sorted),
	      compare_mounts);
	if (connections->own_count)
		qsort(connections->own, connections->own_count,
		      sizeof(*connections->own), compare_numbers);
	if (connections->stock_count)
		qsort(connections->stock, connections->stock_count,
		      sizeof(*connections->stock), compare_numbers);
}

static int read_connections(struct connections *connections, bool may_mount)
{
	int status;

	memset(connections, 0, sizeof(*connections));
	connections->loaded = kernel_loaded();
	if (mounts_read(&connections->mounts))
		return STATUS_FAILURE;
	if (connections->loaded)
		connections->own_place = find_place(&connections->mounts, true);
	if (may_mount && connections->loaded && !connections->own_place &&
	    !geteuid()) {
		status = control_mount_own();
		/* root of a container, say, isn't told more than a user */
		if (status && status != STATUS_NOT_PERMITTED)
			goto fail;
		mounts_free(&connections->mounts);
		if (mounts_read(&connections->mounts))
			return STATUS_FAILURE;
		connections->own_place = find_place(&connections->mounts, true);
	}
	connections->stock_place = find_place(&connections->mounts, false);
	status = read_place(connections->own_place, &connections->own,
			    &connections->own_count);
	if (!status)
		status = read_place(connections->stock_place,
				    &connections->stock,
				    &connections->stock_count);
	sort(connections);
fail:
	if (status)
		connections_free(connections);
	return status;
}

int connections_read(struct connections *connections)
{
	return read_connections(connections, true);
}

int connections_read_only(struct connections *connections)
{
	return read_connections(connections, false);
}

void connections_free(struct connections *connections)
{
	free(connections->own);
	free(connections->stock);
	free(connections->sorted);
	mounts_free(&connections->mounts);
	memset(connections, 0, sizeof(*connections));
}

static bool contains(const unsigned int *numbers, size_t count,
		     unsigned int number)
{
	return count && bsearch(&number, numbers, count, sizeof(*numbers),
				compare_numbers);
}

const struct mount *connections_any(const struct connections *connections,
				    unsigned int connection)
{
	size_t low = 0, high = connections->mounts.count, middle;
	const struct mount *mount;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (mount_connection(connections->sorted[middle]) < connection)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == connections->mounts.count)
		return NULL;
	mount = connections->sorted[low];
	return mount_connection(mount) == connection ? mount : NULL;
}

const struct mount *connections_next(const struct connections *connections,
				     const struct mount *mount)
{
	const struct mount *end = connections->mounts.mount +
				  connections->mounts.count;
	unsigned int connection = mount_connection(mount);

	while (++mount < end) {
		if (mount_connection(mount) == connection)
			return mount;
	}
	return NULL;
}

const struct mount *connections_mount(const struct connections *connections,
				      unsigned int connection)
{
	const struct mount *mount = connections_any(connections, connection);

	while (mount && !mount_is_fuse(mount))
		mount = connections_next(connections, mount);
	return mount;
}

enum driver connections_driver(const struct connections *connections,
			       unsigned int connection)
{
	if (contains(connections->own, connections->own_count, connection))
		return DRIVER_FUSE_EXT;
	if (contains(connections->stock, connections->stock_count, connection))
		return DRIVER_STOCK;
	if (!connections_mount(connections, connection))
		return DRIVER_NONE;
	if (connections->loaded && !connections->own_place)
		return DRIVER_UNKNOWN;
	return DRIVER_STOCK;
}

const char *connections_place(const struct connections *connections,
			      unsigned int connection)
{
	switch (connections_driver(connections, connection)) {
	case DRIVER_FUSE_EXT:
		return connections->own_place;
	case DRIVER_STOCK:
		return connections->stock_place;
	default:
		return NULL;
	}
}

const char *driver_name(enum driver driver)
{
	switch (driver) {
	case DRIVER_FUSE_EXT:
		return "fuse_ext";
	case DRIVER_STOCK:
		return "stock";
	default:
		return "unknown";
	}
}

static int resolve_number(const struct connections *connections,
			  struct target *target)
{
	unsigned long number;

	errno = 0;
	number = strtoul(target->name, NULL, 10);
	if (errno || number > UINT_MAX ||
	    connections_driver(connections, number) == DRIVER_NONE) {
		complain("there is no FUSE connection %s", target->name);
		complain_more("fusectl list shows those there are; a directory is ./%s",
			      target->name);
		return STATUS_NO_TARGET;
	}
	target->connection = number;
	return STATUS_OK;
}

static int resolve_path(const struct connections *connections,
			struct target *target)
{
	const struct mount *mount = NULL;
	int ret = mounts_resolve(&connections->mounts, target->name, &mount);

	if (ret == -EACCES) {
		complain("%s: %s", target->name, strerror(-ret));
		return STATUS_NOT_PERMITTED;
	}
	if (ret) {
		complain("%s: %s", target->name, strerror(-ret));
		complain_more("a TARGET is a FUSE mount point, a path below one, or a number");
		return STATUS_NO_TARGET;
	}
	if (!mount || !mount_is_fuse(mount)) {
		complain("%s: not on a FUSE filesystem, but on %s, mounted at %s",
			 target->name, mount ? mount->type : "the root",
			 mount ? mount->target : "/");
		complain_more("fusectl list shows the FUSE mount points");
		return STATUS_NO_TARGET;
	}
	target->connection = mount_connection(mount);
	return STATUS_OK;
}

static int resolve_any(const struct connections *connections,
		       struct target *target)
{
	const char *name = target->name;

	if (*name && strspn(name, "0123456789") == strlen(name))
		return resolve_number(connections, target);
	return resolve_path(connections, target);
}

static int resolve_own(const struct connections *connections,
		       struct target *target)
{
	const char *name = target->name;
	const struct mount *mount;
	int status = resolve_any(connections, target);

	if (status)
		return status;
	switch (connections_driver(connections, target->connection)) {
	case DRIVER_FUSE_EXT:
		return STATUS_OK;
	case DRIVER_UNKNOWN:
		complain("%s: can't tell which driver serves it", name);
		complain_more("its control filesystem isn't mounted; as root: fusectl load");
		return STATUS_NOT_PERMITTED;
	default:
		mount = connections_mount(connections, target->connection);
		complain("%s: connection %u, %s%s, is served by the stock driver", name,
			 target->connection,
			 mount ? "mounted at " : "without a mount point here",
			 mount ? mount->target : "");
		complain_more("unmount and mount it again to hand it over to fuse_ext");
		return STATUS_STOCK;
	}
}

static int resolve_each(const struct connections *connections,
			char *const *names, size_t count,
			struct target *targets, size_t *found,
			int (*resolve)(const struct connections *connections,
				       struct target *target))
{
	int status = STATUS_OK, one;
	size_t i, j;

	*found = 0;
	for (i = 0; i < count; i++) {
		struct target *target = &targets[*found];

		target->name = names[i];
		one = resolve(connections, target);
		if (one) {
			status = status ? status : one;
			continue;
		}
		for (j = 0; j < *found; j++) {
			if (targets[j].connection == target->connection)
				break;
		}
		if (j == *found)
			(*found)++;
	}
	return status;
}

int connections_targets(const struct connections *connections,
			char *const *names, size_t count,
			struct target *targets, size_t *found)
{
	return resolve_each(connections, names, count, targets, found,
			    resolve_own);
}

int connections_targets_any(const struct connections *connections,
			    char *const *names, size_t count,
			    struct target *targets, size_t *found)
{
	return resolve_each(connections, names, count, targets, found,
			    resolve_any);
}
