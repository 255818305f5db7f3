// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps a driver in use: its connections and control filesystems, where
 * they are mounted, and the processes behind them.  Not for what is said of
 * it, see unload.c and drain.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "holders.h"
#include "kernel.h"
#include "text.h"

static struct holder *add(struct holders *holders, enum holder_kind kind,
			  enum driver driver, const char *target)
{
	struct holder *holder;

	holders->holder = memory_grow(holders->holder, holders->count + 1,
				      sizeof(*holders->holder));
	holder = &holders->holder[holders->count++];
	memset(holder, 0, sizeof(*holder));
	holder->kind = kind;
	holder->driver = driver;
	holder->target = target ? text_copy(target) : NULL;
	return holder;
}

static struct holder *add_connection(struct holders *holders,
				     enum holder_kind kind, enum driver driver,
				     const char *target, unsigned int number)
{
	struct holder *holder = add(holders, kind, driver, target);

	holder->has_connection = true;
	holder->connection = number;
	return holder;
}

/* Whether unload itself unmounts this one. */
static bool at_own_places(const struct mounts *mounts,
			  const struct mount *control)
{
	const struct mount *top;

	if (strcmp(control->target, PLACE_OWN) &&
	    strcmp(control->target, PLACE_STANDARD))
		return false;
	top = mounts_at(mounts, control->target);
	return top && connections_is_own_control(top);
}

static void add_mount(struct holders *holders, const struct mount *mount,
		      enum driver driver)
{
	struct holder *holder = add_connection(holders, HOLDER_MOUNT, driver,
					       mount->target,
					       mount_connection(mount));

	holder->type = mount->type;
}

static void add_mounts(struct holders *holders,
		       const struct connections *connections,
		       enum driver driver)
{
	const struct mounts *mounts = &connections->mounts;
	const struct mount *mount;
	unsigned int number;
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		mount = &mounts->mount[i];
		number = mount_connection(mount);
		if (mount_is_fuse(mount) &&
		    connections_driver(connections, number) == driver)
			add_mount(holders, mount, driver);
		if (driver == DRIVER_FUSE_EXT &&
		    connections_is_own_control(mount) &&
		    !at_own_places(mounts, mount))
			add(holders, HOLDER_CONTROL, driver, mount->target);
	}
}

struct elsewhere {
	struct holders *holders;
	enum driver driver;
	unsigned int connection;
};

static void add_elsewhere(const char *process, const char *target, void *data)
{
	struct elsewhere *elsewhere = data;

	add_connection(elsewhere->holders, HOLDER_ELSEWHERE, elsewhere->driver,
		       target, elsewhere->connection)->pid = atoi(process);
}

static void add_unmounted(struct holders *holders,
			  const struct connections *connections,
			  const unsigned int *numbers, size_t count,
			  enum driver driver)
{
	struct elsewhere elsewhere = { .holders = holders, .driver = driver };
	dev_t device;
	size_t i;

	for (i = 0; i < count; i++) {
		/* one of another type, such as virtiofs, isn't our affair */
		if (connections_any(connections, numbers[i]))
			continue;
		device = makedev(numbers[i] >> 20, numbers[i] & 0xfffff);
		elsewhere.connection = numbers[i];
		if (!mounts_each_elsewhere(device, add_elsewhere, &elsewhere))
			add_connection(holders, HOLDER_LAZY, driver, NULL,
				       numbers[i]);
	}
}

static void add_processes(struct holders *holders,
			  const struct connections *connections,
			  const struct processes *processes, enum driver driver)
{
	const struct process_use *use;
	struct holder *holder;
	enum driver found;
	size_t i;

	for (i = 0; i < processes->count; i++) {
		use = &processes->use[i];
		found = connections_driver(connections, use->connection);
		/* whose device it is, the kernel doesn't tell */
		if (use->use != USE_DEVICE && found != driver)
			continue;
		holder = add(holders, HOLDER_PROCESS, driver, use->path);
		holder->has_connection = use->use != USE_DEVICE;
		holder->connection = use->connection;
		holder->pid = use->pid;
		holder->use = use->use;
	}
}

void holders_read(struct holders *holders,
		  const struct connections *connections,
		  const struct processes *processes, enum driver driver)
{
	memset(holders, 0, sizeof(*holders));
	add_mounts(holders, connections, driver);
	if (driver == DRIVER_FUSE_EXT)
		add_unmounted(holders, connections, connections->own,
			      connections->own_count, driver);
	else
		add_unmounted(holders, connections, connections->stock,
			      connections->stock_count, driver);
	if (processes)
		add_processes(holders, connections, processes, driver);
}

void holders_free(struct holders *holders)
{
	size_t i;

	for (i = 0; i < holders->count; i++)
		free(holders->holder[i].target);
	free(holders->holder);
	memset(holders, 0, sizeof(*holders));
}

long holders_references(void)
{
	char *text = kernel_module_attribute("refcnt");
	long references = text ? atol(text) : 0;
	dev_t device;

	free(text);
	/* that of the control filesystem, wherever it is mounted */
	return kernel_control_device(&device) ? references - 1 : references;
}
