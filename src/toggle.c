// SPDX-License-Identifier: GPL-2.0
/*
 * Toggles: their names and values, the module-wide settings, and which value
 * is in force on a connection.  Not how they are set on one: see connection.c
 * (the control filesystem) and mount.c (mount options).
 */
#include <linux/string.h>

#include "internal.h"

#define VALUES	(BIT(FUSE_EXT_DEFAULT) | BIT(FUSE_EXT_AUTO) | BIT(FUSE_EXT_ON) | BIT(FUSE_EXT_OFF))

const struct fuse_ext_toggle fuse_ext_toggles[FUSE_EXT_NR_TOGGLES] = {
	[FUSE_EXT_TOGGLE_ASYNC_FLUSH] = {
		"async_flush", FUSE_EXT_ASYNC_FLUSH, VALUES | BIT(FUSE_EXT_EXIT)
	},
	[FUSE_EXT_TOGGLE_SYNC_RELEASE] = { "sync_release", FUSE_EXT_SYNC_RELEASE, VALUES },
	[FUSE_EXT_TOGGLE_ATOMIC_CREATE] = { "atomic_create", FUSE_EXT_ATOMIC_CREATE, VALUES },
	[FUSE_EXT_TOGGLE_SYNCFS] = { "syncfs", FUSE_EXT_SYNCFS, VALUES },
	[FUSE_EXT_TOGGLE_INVAL_FILES] = { "inval_files", FUSE_EXT_INVAL_FILES, VALUES },
};

static const char *const value_names[FUSE_EXT_NR_VALUES] = {
	[FUSE_EXT_DEFAULT] = "default",
	[FUSE_EXT_AUTO] = "auto",
	[FUSE_EXT_ON] = "on",
	[FUSE_EXT_OFF] = "off",
	[FUSE_EXT_EXIT] = "exit",
};

u8 fuse_ext_module_settings[FUSE_EXT_NR_TOGGLES] = {
	[0 ... FUSE_EXT_NR_TOGGLES - 1] = FUSE_EXT_AUTO,
};

const char *fuse_ext_value_name(enum fuse_ext_value value)
{
	return value_names[value];
}

/**
 * fuse_ext_parse_value - the value that a word stands for
 * @id:		the toggle
 * @word:	the word, with or without one newline behind it
 * @module_wide: for the module: `default` means nothing there
 *
 * Return: an enum fuse_ext_value; -EINVAL: not a value of this toggle;
 * -EOPNOTSUPP: this build doesn't have the feature that it would turn on
 */
int fuse_ext_parse_value(enum fuse_ext_toggle_id id, const char *word, bool module_wide)
{
	const struct fuse_ext_toggle *toggle = &fuse_ext_toggles[id];
	int value;

	for (value = 0; value < FUSE_EXT_NR_VALUES; value++) {
		if (sysfs_streq(word, value_names[value]))
			break;
	}
	if (value == FUSE_EXT_NR_VALUES || !(toggle->values & BIT(value)))
		return -EINVAL;
	if (module_wide && value == FUSE_EXT_DEFAULT)
		return -EINVAL;
	if ((value == FUSE_EXT_ON || value == FUSE_EXT_EXIT) &&
	    !(toggle->feature & FUSE_EXT_SUPPORTED))
		return -EOPNOTSUPP;
	return value;
}

bool fuse_ext_server_wants(const struct fuse_conn *fc, enum fuse_ext_toggle_id id)
{
	/* It would hold up sync(2) of the machine: not for everybody's server. */
	if (id == FUSE_EXT_TOGGLE_SYNCFS && !READ_ONCE(fc->ext.is_privileged))
		return false;
	return READ_ONCE(fc->ext.want) & fuse_ext_toggles[id].feature & FUSE_EXT_SUPPORTED;
}

/* May this connection have this value at all, whoever sets it? */
bool fuse_ext_may_set(const struct fuse_conn *fc, enum fuse_ext_toggle_id id,
		      enum fuse_ext_value value)
{
	return id != FUSE_EXT_TOGGLE_SYNCFS || value != FUSE_EXT_ON ||
	       fc->user_ns == &init_user_ns;
}

/* What is set here or, on `default`, for the module; who may set it isn't looked at. */
static enum fuse_ext_value setting_of(const struct fuse_conn *fc, enum fuse_ext_toggle_id id)
{
	enum fuse_ext_value value = READ_ONCE(fc->ext.settings[id]) & FUSE_EXT_VALUE_MASK;

	if (value == FUSE_EXT_DEFAULT)
		value = READ_ONCE(fuse_ext_module_settings[id]);
	return value;
}

/**
 * fuse_ext_value - the value in force on a connection
 * @fc:		the connection
 * @id:		the toggle
 *
 * Return: FUSE_EXT_ON, FUSE_EXT_OFF or FUSE_EXT_EXIT; FUSE_EXT_AUTO where
 * nobody asked for anything (behave as stock) and, for sync_release, where the
 * server asked, since it then says for each file what it wants
 */
enum fuse_ext_value fuse_ext_value(const struct fuse_conn *fc, enum fuse_ext_toggle_id id)
{
	enum fuse_ext_value value = setting_of(fc, id);

	if (value == FUSE_EXT_AUTO && id != FUSE_EXT_TOGGLE_SYNC_RELEASE &&
	    fuse_ext_server_wants(fc, id))
		value = FUSE_EXT_ON;
	/* Set for all of the machine, but not for this one: as stock. */
	if (!fuse_ext_may_set(fc, id, value))
		value = FUSE_EXT_AUTO;
	return value;
}

/* Who is responsible for the value in force: a word of ext_state. */
const char *fuse_ext_value_source(const struct fuse_conn *fc, enum fuse_ext_toggle_id id)
{
	u8 own = READ_ONCE(fc->ext.settings[id]);

	if (setting_of(fc, id) == FUSE_EXT_AUTO && fuse_ext_server_wants(fc, id))
		return "server";
	if ((own & FUSE_EXT_VALUE_MASK) == FUSE_EXT_DEFAULT)
		return "module";
	return own & FUSE_EXT_SET_BY_MOUNT ? "mount" : "connection";
}

/*
 * Module parameters.  A change acts at once on every connection that is on
 * `default`, since those look here each time.
 */
static int set_module_setting(const char *word, const struct kernel_param *kp)
{
	u8 *module_setting = kp->arg;
	int value;

	if (!word)
		return -EINVAL;
	value = fuse_ext_parse_value(module_setting - fuse_ext_module_settings, word, true);
	if (value < 0)
		return value;
	WRITE_ONCE(*module_setting, value);
	fuse_ext_syncfs_update_all();
	fuse_ext_setting_changed();
	return 0;
}

static int get_module_setting(char *buffer, const struct kernel_param *kp)
{
	const u8 *module_setting = kp->arg;

	return sysfs_emit(buffer, "%s\n", value_names[READ_ONCE(*module_setting)]);
}

static const struct kernel_param_ops module_setting_ops = {
	.set = set_module_setting,
	.get = get_module_setting,
};

#define MODULE_SETTING(name, id, what) \
	module_param_cb(name, &module_setting_ops, &fuse_ext_module_settings[id], 0644); \
	MODULE_PARM_DESC(name, what)

MODULE_SETTING(async_flush, FUSE_EXT_TOGGLE_ASYNC_FLUSH,
	       "close and exit don't wait for FLUSH: auto, exit, on, off (default: auto)");
MODULE_SETTING(sync_release, FUSE_EXT_TOGGLE_SYNC_RELEASE,
	       "close waits for RELEASE: auto, on, off (default: auto)");
MODULE_SETTING(atomic_create, FUSE_EXT_TOGGLE_ATOMIC_CREATE,
	       "one request to create and open: auto, on, off (default: auto)");
MODULE_SETTING(syncfs, FUSE_EXT_TOGGLE_SYNCFS,
	       "syncfs(2) asks the server: auto, on, off (default: auto)");
MODULE_SETTING(inval_files, FUSE_EXT_TOGGLE_INVAL_FILES,
	       "the server may fail open files: auto, on, off (default: auto)");
