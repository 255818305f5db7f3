// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/fs/fuse_ext: what this module is, for people and for fusectl(8).
 * Settings are elsewhere: module parameters and the control filesystem.
 */
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/sysfs.h>

#include "internal.h"
#include "fs/provenance.h"

MODULE_VERSION(FUSE_EXT_VERSION);
MODULE_INFO(fuse_source_provider, FUSE_EXT_SOURCE_PROVIDER);
MODULE_INFO(fuse_source_version, FUSE_EXT_SOURCE_VERSION);
MODULE_INFO(fuse_source_hash, FUSE_EXT_SOURCE_HASH);
MODULE_INFO(fuse_series, FUSE_EXT_SERIES);

static dev_t control_dev;
static atomic_t changes;
/* NULL while the attributes aren't there: module parameters are set before, and after */
static struct kobject *ext_kobject;
static DEFINE_MUTEX(notify_mutex);	/* @ext_kobject */

/* @dev: of the control filesystem's superblock; 0: it has none now */
void fuse_ext_set_control_dev(dev_t dev)
{
	WRITE_ONCE(control_dev, dev);
}

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", FUSE_EXT_VERSION);
}

static ssize_t source_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s %s %s\n", FUSE_EXT_SOURCE_PROVIDER, FUSE_EXT_SOURCE_VERSION,
			  FUSE_EXT_SOURCE_HASH);
}

static ssize_t supported_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	int len = 0;
	int id;

	for (id = 0; id < FUSE_EXT_NR_TOGGLES; id++) {
		if (fuse_ext_toggles[id].feature & FUSE_EXT_SUPPORTED)
			len += sysfs_emit_at(buf, len, "%s%s", len ? " " : "",
					     fuse_ext_toggles[id].name);
	}
	return len + sysfs_emit_at(buf, len, "\n");
}

static ssize_t control_dev_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	dev_t dev = READ_ONCE(control_dev);

	if (!dev)
		return sysfs_emit(buf, "none\n");
	return sysfs_emit(buf, "%u:%u\n", MAJOR(dev), MINOR(dev));
}

/* How often a setting was changed; poll(2) tells of each change. */
static ssize_t changes_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&changes));
}

static struct kobj_attribute version_attr = __ATTR_RO(version);
static struct kobj_attribute source_attr = __ATTR_RO(source);
static struct kobj_attribute supported_attr = __ATTR_RO(supported);
static struct kobj_attribute control_dev_attr = __ATTR_RO(control_dev);
static struct kobj_attribute changes_attr = __ATTR_RO(changes);

static struct attribute *attributes[] = {
	&version_attr.attr,
	&source_attr.attr,
	&supported_attr.attr,
	&control_dev_attr.attr,
	&changes_attr.attr,
	NULL
};

static const struct attribute_group group = {
	.attrs = attributes,
};

/* A setting of the module or of a connection isn't what it was; may sleep. */
void fuse_ext_setting_changed(void)
{
	atomic_inc(&changes);
	mutex_lock(&notify_mutex);
	if (ext_kobject)
		sysfs_notify(ext_kobject, NULL, "changes");
	mutex_unlock(&notify_mutex);
}

/* The reference that @kobj has is handed over, and the earlier one put. */
static void set_kobject(struct kobject *kobj)
{
	struct kobject *old;

	mutex_lock(&notify_mutex);
	old = ext_kobject;
	ext_kobject = kobj;
	mutex_unlock(&notify_mutex);
	kobject_put(old);
}

/*
 * After fs/fuse has put the kobject: with ours the last reference goes.  Until
 * then a module parameter may be written, and told of.
 */
void fuse_ext_sysfs_end(void)
{
	set_kobject(NULL);
}

/*
 * In place of fs/fuse's kobject "fuse", which is the stock driver's; fs/fuse
 * puts it, and with it the attributes go.
 */
struct kobject *fuse_ext_kobject_create(struct kobject *parent)
{
	struct kobject *kobj;

	if (fuse_ext_init_step())
		return NULL;
	kobj = kobject_create_and_add("fuse_ext", parent);
	if (kobj && sysfs_create_group(kobj, &group)) {
		kobject_put(kobj);
		kobj = NULL;
	}
	set_kobject(kobject_get(kobj));
	return kobj;
}
