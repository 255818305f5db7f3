// SPDX-License-Identifier: GPL-2.0
/*
 * The steps of loading and unloading fuse_ext: module, control
 * filesystems, directories; each can be undone.  Not for their order, which is
 * that of load.c and unload.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "fusectl.h"
#include "kernel.h"
#include "ops.h"
#include "text.h"

#define LOCK		"/run/fuse-ext.lock"
#define CONTROL_TYPE	"fusectl"
#define CONTROL_FLAGS	(MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME)

static void note(struct journal *journal, enum step_kind kind, const char *path)
{
	journal->step = memory_grow(journal->step, journal->count + 1,
				    sizeof(*journal->step));
	journal->step[journal->count].kind = kind;
	journal->step[journal->count].path = text_copy(path);
	journal->count++;
}

static void explain_insert(int error)
{
	char *path = ops_module_field("filename");

	switch (error) {
	case -ENOENT:
		if (path) {
			complain("can't load %s: it uses a symbol that this kernel lacks", path);
			complain_more("dmesg names it; see dkms status, too");
			break;
		}
		complain("can't load fuse_ext: it isn't installed for the running kernel");
		complain_more("dkms status shows for which kernels it is");
		complain_more("with headers and source of this kernel: dkms autoinstall");
		break;
	case -EKEYREJECTED:
	case -ENOKEY:
	case -EPERM:
	case -EACCES:
		complain("can't load %s: the kernel refuses its signature: %s",
			 path ? path : "fuse_ext", strerror(-error));
		complain_more("with Secure Boot or lockdown, DKMS's key has to be enrolled once:");
		complain_more("  mokutil --import /var/lib/dkms/mok.pub; then reboot");
		complain_more("without them: run it as root of the initial user namespace");
		break;
	case -ENOEXEC:
	case -EINVAL:
		complain("can't load %s: not for this kernel, or a wrong option: %s",
			 path ? path : "fuse_ext", strerror(-error));
		complain_more("dmesg says which; see dkms status and /etc/modprobe.d");
		break;
	default:
		complain("can't load %s: %s", path ? path : "fuse_ext",
			 strerror(-error));
		complain_more("dmesg says more; the stock driver stays in charge");
		break;
	}
	free(path);
}

int journal_insert(struct journal *journal)
{
	int ret = ops_module_insert();

	/* a softdep's blacklisting is reported as a positive number */
	if (ret >= 0 && !kernel_loaded()) {
		complain("can't load fuse_ext: it isn't loaded, though no error was reported");
		complain_more("is there an 'install fuse_ext' line in /etc/modprobe.d?");
		return -ENODEV;
	}
	if (ret < 0) {
		explain_insert(ret);
		return ret;
	}
	note(journal, STEP_INSERTED, "fuse_ext");
	return 0;
}

int journal_mkdir(struct journal *journal, const char *path)
{
	char *full = text_format("%s%s", ops_root(), path);
	int ret = mkdir(full, 0755) ? -errno : 0;

	free(full);
	if (ret == -EEXIST)
		return 0;
	if (ret)
		complain("can't make the directory %s: %s", path,
			 strerror(-ret));
	else
		note(journal, STEP_CREATED, path);
	return ret;
}

int journal_mount_silent(struct journal *journal, const char *target)
{
	int ret = ops_mount(CONTROL_TYPE, target, CONTROL_TYPE, CONTROL_FLAGS);

	if (!ret)
		note(journal, STEP_MOUNTED, target);
	return ret;
}

int journal_mount(struct journal *journal, const char *target)
{
	int ret = journal_mount_silent(journal, target);

	if (ret)
		complain("can't mount the control filesystem at %s: %s", target,
			 strerror(-ret));
	return ret;
}

int journal_bind(struct journal *journal, const char *source,
		 const char *target)
{
	int ret = ops_mount(source, target, NULL, MS_BIND);

	if (!ret) {
		note(journal, STEP_MOUNTED, target);
		/*
		 * Before anything is mounted on the source: as its peer, the
		 * copy would get that mount, too.
		 */
		ret = ops_mount(NULL, target, NULL, MS_PRIVATE);
	}
	if (ret)
		complain("can't bind %s to %s: %s", source, target, strerror(-ret));
	return ret;
}

int journal_unmount(struct journal *journal, const char *target)
{
	int ret = ops_unmount(target);

	if (ret) {
		complain("can't unmount %s: %s", target, strerror(-ret));
		if (ret == -EBUSY)
			complain_more("some process uses it: fuser -vm %s",
				      target);
	} else {
		note(journal, STEP_UNMOUNTED, target);
	}
	return ret;
}

static bool undo(const struct step *step)
{
	const char *failed;
	char *full;
	int ret;

	switch (step->kind) {
	case STEP_MOUNTED:
		ret = ops_unmount(step->path);
		failed = "unmount";
		break;
	case STEP_UNMOUNTED:
		ret = ops_mount(CONTROL_TYPE, step->path, CONTROL_TYPE,
				CONTROL_FLAGS);
		failed = "mount the control filesystem at";
		break;
	case STEP_CREATED:
		full = text_format("%s%s", ops_root(), step->path);
		ret = rmdir(full) ? -errno : 0;
		free(full);
		failed = "remove the directory";
		break;
	default:
		ret = ops_module_remove();
		failed = "unload";
		break;
	}
	if (ret)
		complain("while undoing: can't %s %s: %s", failed, step->path,
			 strerror(-ret));
	return !ret;
}

bool journal_undo(struct journal *journal)
{
	bool undone = true;
	size_t i;

	for (i = journal->count; i; i--)
		undone = undo(&journal->step[i - 1]) && undone;
	journal_keep(journal);
	return undone;
}

void journal_keep(struct journal *journal)
{
	size_t i;

	for (i = 0; i < journal->count; i++)
		free(journal->step[i].path);
	free(journal->step);
	memset(journal, 0, sizeof(*journal));
}

int control_lock(void)
{
	char *path = text_format("%s%s", ops_root(), LOCK);
	sigset_t signals;
	int fd, error;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (fd < 0 || flock(fd, LOCK_EX)) {
		error = errno;
		complain("can't lock %s: %s", LOCK, strerror(error));
		if (fd >= 0)
			close(fd);
		return -error;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGQUIT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return fd;
}

int control_mount_own(void)
{
	int ret = ops_mount(CONTROL_TYPE, PLACE_OWN, CONTROL_TYPE,
			    CONTROL_FLAGS);
	int status = control_status(ret);

	if (status == STATUS_FAILURE)
		complain("can't mount the control filesystem at %s: %s",
			 PLACE_OWN, strerror(-ret));
	return status;
}

int control_status(int error)
{
	switch (error) {
	case 0:
		return STATUS_OK;
	case -EPERM:
	case -EACCES:
	case -EROFS:
		return STATUS_NOT_PERMITTED;
	default:
		return STATUS_FAILURE;
	}
}
