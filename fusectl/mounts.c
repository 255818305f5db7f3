// SPDX-License-Identifier: GPL-2.0
/*
 * What is mounted where, from mountinfo alone: nothing here sends a
 * request to a FUSE server, which may be dead or slow.  Not for changing
 * mounts, see control.c.
 */
#include <dirent.h>
#include <errno.h>
#include <libmount.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mounts.h"
#include "ops.h"
#include "text.h"

#define MOUNTINFO	"/proc/self/mountinfo"
#define MAX_LINKS	40

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* A line that libmount can't read is a mount that isn't of interest here. */
static int skip_line(struct libmnt_table *table, const char *name, int line)
{
	(void)table;
	(void)name;
	(void)line;
	return 1;
}

static uid_t mounting_user(struct libmnt_fs *fs)
{
	const char *options = mnt_fs_get_fs_options(fs);
	unsigned long user;
	size_t length;
	char *value, *end;

	if (!options ||
	    mnt_optstr_get_option(options, "user_id", &value, &length) ||
	    !value || !length)
		return -1;
	errno = 0;
	user = strtoul(value, &end, 10);
	return errno || end != value + length || user > UINT_MAX ? (uid_t)-1 :
	       (uid_t)user;
}

static int read_table(struct mounts *mounts, const char *name)
{
	char *path = text_format("%s%s", ops_root(), name);
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int ret = -ENOMEM;

	memset(mounts, 0, sizeof(*mounts));
	if (!table || !iter)
		goto out;
	mnt_table_set_parser_errcb(table, skip_line);
	ret = mnt_table_parse_file(table, path);
	if (ret > 0)
		ret = -EINVAL;
	if (ret)
		goto out;
	mounts->mount = memory(mnt_table_get_nents(table),
			       sizeof(*mounts->mount));
	while (!mnt_table_next_fs(table, iter, &fs)) {
		struct mount *mount = &mounts->mount[mounts->count++];

		mount->id = mnt_fs_get_id(fs);
		mount->parent = mnt_fs_get_parent_id(fs);
		mount->device = mnt_fs_get_devno(fs);
		/* the kernel's own dev_t, which is not the one of userspace */
		mount->connection = major(mount->device) << 20 |
				    minor(mount->device);
		mount->root = or_empty(mnt_fs_get_root(fs));
		mount->target = or_empty(mnt_fs_get_target(fs));
		mount->type = or_empty(mnt_fs_get_fstype(fs));
		mount->source = or_empty(mnt_fs_get_source(fs));
		mount->options = or_empty(mnt_fs_get_options(fs));
		mount->user = mounting_user(fs);
	}
	mounts->table = table;
	table = NULL;
out:
	mnt_free_iter(iter);
	mnt_unref_table(table);
	free(path);
	return ret;
}

int mounts_read(struct mounts *mounts)
{
	int ret = read_table(mounts, MOUNTINFO);

	if (ret)
		complain("can't read %s: %s; is /proc mounted?", MOUNTINFO,
			 strerror(-ret));
	return ret;
}

void mounts_free(struct mounts *mounts)
{
	free(mounts->mount);
	mnt_unref_table(mounts->table);
	memset(mounts, 0, sizeof(*mounts));
}

static char *read_link(const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	char target[PATH_MAX];
	ssize_t length = readlink(full, target, sizeof(target) - 1);

	free(full);
	if (length < 0)
		return NULL;
	target[length] = '\0';
	return text_copy(target);
}

static bool find_holder(const char *process, dev_t device,
			void (*function)(const char *process,
					 const char *target, void *data),
			void *data)
{
	char *path = text_format("/proc/%s/mountinfo", process);
	struct mounts mounts;
	bool found = false;
	size_t i;

	/* the process may be gone by now */
	if (!read_table(&mounts, path)) {
		for (i = 0; i < mounts.count && !found; i++) {
			found = mounts.mount[i].device == device;
			if (found)
				function(process, mounts.mount[i].target, data);
		}
		mounts_free(&mounts);
	}
	free(path);
	return found;
}

static char *namespace_of(const char *process)
{
	char *path = text_format("/proc/%s/ns/mnt", process);
	char *namespace = read_link(path);

	free(path);
	return namespace;
}

bool mounts_each_elsewhere(dev_t device,
			   void (*function)(const char *process,
					    const char *target, void *data),
			   void *data)
{
	char *path = text_format("%s/proc", ops_root());
	char *own = namespace_of("self"), *namespace, **seen = NULL;
	DIR *stream = opendir(path);
	size_t i, seen_count = 0;
	struct dirent *entry;
	bool found = false;

	while (stream && own && (entry = readdir(stream))) {
		const char *name = entry->d_name;

		if (strspn(name, "0123456789") != strlen(name))
			continue;
		namespace = namespace_of(name);
		if (!namespace || !strcmp(namespace, own)) {
			free(namespace);
			continue;
		}
		for (i = 0; i < seen_count; i++) {
			if (!strcmp(namespace, seen[i]))
				break;
		}
		if (i < seen_count) {
			free(namespace);
			continue;
		}
		seen = memory_grow(seen, seen_count + 1, sizeof(*seen));
		seen[seen_count++] = namespace;
		found |= find_holder(name, device, function, data);
	}
	for (i = 0; i < seen_count; i++)
		free(seen[i]);
	free(seen);
	if (stream)
		closedir(stream);
	free(own);
	free(path);
	return found;
}

static void complain_holder(const char *process, const char *target, void *data)
{
	complain_more("%s at %s in the mount namespace of process %s",
		      (const char *)data, target, process);
}

bool mounts_elsewhere(dev_t device, const char *what)
{
	return mounts_each_elsewhere(device, complain_holder, (void *)what);
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

bool mount_is_fuse(const struct mount *mount)
{
	return !strcmp(mount->type, "fuse") ||
	       !strcmp(mount->type, "fuseblk") ||
	       starts_with(mount->type, "fuse.") ||
	       starts_with(mount->type, "fuseblk.");
}

bool mount_is_control(const struct mount *mount)
{
	return !strcmp(mount->type, "fusectl");
}

static bool has_id(const struct mounts *mounts, int id)
{
	size_t i;

	for (i = 0; i < mounts->count; i++) {
		if (mounts->mount[i].id == id)
			return true;
	}
	return false;
}

/*
 * The mount on top at this path, given the mount that the path's parent lies
 * in: path walking goes from a mount to its child, so a mount point that is
 * hidden below another mount isn't found.  In a chroot the first mount may be
 * missing from the table (inside is NULL): its children are those whose parent
 * isn't there.
 */
static const struct mount *step(const struct mounts *mounts,
				const struct mount *inside, const char *path)
{
	const struct mount *mount, *child;
	size_t i, depth;

	for (depth = 0; depth < mounts->count; depth++) {
		child = NULL;
		for (i = 0; i < mounts->count; i++) {
			mount = &mounts->mount[i];
			if (mount == inside || strcmp(mount->target, path))
				continue;
			if (inside ? mount->parent == inside->id :
			    mount->parent == mount->id ||
			    !has_id(mounts, mount->parent))
				child = mount;
		}
		if (!child)
			break;
		inside = child;
	}
	return inside;
}

/* The mount in which an absolute path without links, "." and ".." lies. */
static const struct mount *containing(const struct mounts *mounts,
				      const char *path)
{
	const struct mount *inside = step(mounts, NULL, "/");
	char *prefix = text_copy(path);
	size_t i;

	for (i = 1; path[i - 1]; i++) {
		if (path[i] && path[i] != '/')
			continue;
		prefix[i] = '\0';
		if (prefix[1])
			inside = step(mounts, inside, prefix);
		prefix[i] = path[i];
	}
	free(prefix);
	return inside;
}

const struct mount *mounts_at(const struct mounts *mounts, const char *path)
{
	const struct mount *mount = containing(mounts, path);

	return mount && !strcmp(mount->target, path) ? mount : NULL;
}

static char *absolute(const char *path)
{
	const char *root = ops_root();
	char *directory, *result;

	if (path[0] == '/')
		return text_copy(path);
	/* the kernel's answer, without a look at any filesystem */
	directory = getcwd(NULL, 0);
	if (!directory)
		return NULL;
	result = text_format("%s/%s", starts_with(directory, root) ?
			     directory + strlen(root) : directory, path);
	free(directory);
	return result;
}

/* One component further; 1: it was a link, which *link holds. */
static int walk(const struct mounts *mounts, char **done,
		const struct mount **inside, const char *name, char **link)
{
	const struct mount *mount;
	char *next;

	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		char *slash = strrchr(*done, '/');

		if (slash)
			*slash = '\0';
		*inside = containing(mounts, **done ? *done : "/");
		return 0;
	}
	next = text_format("%s/%s", *done, name);
	mount = step(mounts, *inside, next);
	/* what lies in a FUSE filesystem is for its server to know: don't ask */
	if (mount == *inside && !(mount && mount_is_fuse(mount))) {
		*link = read_link(next);
		if (*link || errno != EINVAL) {
			free(next);
			return *link ? 1 : -errno;
		}
	}
	free(*done);
	*done = next;
	*inside = mount;
	return 0;
}

int mounts_resolve(const struct mounts *mounts, const char *path,
		   const struct mount **mount)
{
	const struct mount *inside = step(mounts, NULL, "/");
	char *todo = absolute(path), *done = text_copy(""), *link = NULL;
	int ret = 0, links = 0;
	size_t start, length;
	char *name, *rest;

	if (!todo) {
		free(done);
		return -errno;
	}
	for (;;) {
		start = strspn(todo, "/");
		length = strcspn(todo + start, "/");
		if (!length)
			break;
		name = strndup(todo + start, length);
		rest = text_copy(todo + start + length);
		ret = name ? walk(mounts, &done, &inside, name, &link) : -ENOMEM;
		free(name);
		free(todo);
		todo = rest;
		if (ret < 0)
			break;
		if (!ret)
			continue;
		if (++links > MAX_LINKS) {
			free(link);
			ret = -ELOOP;
			break;
		}
		if (link[0] == '/') {
			done[0] = '\0';
			inside = step(mounts, NULL, "/");
		}
		todo = text_format("%s/%s", link, rest);
		free(rest);
		free(link);
		ret = 0;
	}
	free(todo);
	free(done);
	*mount = inside;
	return ret;
}
