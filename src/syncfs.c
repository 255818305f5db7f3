// SPDX-License-Identifier: GPL-2.0
/*
 * syncfs: syncfs(2) and sync(2) ask the server, as virtiofs does (upstream
 * commit 2d82ab251ef0, "virtiofs: propagate sync() to file server").
 *
 * For the application: dirty pages are written, every WRITE of the page cache
 * that was under way is answered, FUSE_SYNCFS is sent, and syncfs(2) returns what
 * the server says.  As everywhere it promises nothing about a write(2) that
 * hasn't returned when syncfs(2) begins.
 * For the server: FUSE_SYNCFS comes after the answers to all those writes, and
 * after the answers to FLUSHes that nobody waits for (async_flush).
 * For the administrator: sync(2) of the machine waits for this server too.  So
 * only an administrator turns it on, or a server that an administrator mounted;
 * never in a user namespace.
 *
 * Our wait, and that for FUSE_SYNCFS, ends by SIGKILL or by an abort.  What comes
 * before is the VFS's part and ends by an abort: to send what is dirty (WRITE, and
 * SETATTR for times) and, where FUSE has no temporary pages any more (7.2, 7.3),
 * to wait for the answers.
 */
#include <linux/completion.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "internal.h"

/**
 * struct syncfs_request - a FUSE_SYNCFS, and who waits for it
 * @done:	it has ended
 * @count:	the waiter, and the request
 * @error:	how it ended
 */
struct syncfs_request {
	struct fuse_args args;
	struct fuse_syncfs_in inarg;
	struct completion done;
	refcount_t count;
	int error;
};

/*
 * Writes under way are counted in two epochs.  New ones go to the current one;
 * syncfs waits for the other, makes it current, and waits for what was current:
 * that counts nothing new, so a stream of new writes can't hold syncfs up.
 */
void fuse_ext_write_start(struct fuse_conn *fc, struct fuse_ext_write *write)
{
	spin_lock(&fc->ext.write_lock);
	write->fc = fc;
	write->epoch = fc->ext.write_epoch;
	atomic_inc(&fc->ext.writes[write->epoch]);
	spin_unlock(&fc->ext.write_lock);
}

/* @write: may never have been started */
void fuse_ext_write_end(struct fuse_ext_write *write)
{
	atomic_t *writes;

	if (!write->fc)
		return;
	writes = &write->fc->ext.writes[write->epoch];
	if (atomic_dec_and_test(writes))
		wake_up_var(writes);
}

static int wait_for_epoch(struct fuse_conn *fc, unsigned int epoch)
{
	atomic_t *writes = &fc->ext.writes[epoch];

	return wait_var_event_killable(writes, !atomic_read(writes)) ? -EINTR : 0;
}

static int wait_for_writes(struct fuse_conn *fc)
{
	unsigned int epoch;
	int err;

	/* One at a time changes the epoch; the next one waits for newer writes. */
	if (mutex_lock_killable(&fc->ext.sync_mutex))
		return -EINTR;
	epoch = fc->ext.write_epoch;
	/* Something is left there if the one before was killed. */
	err = wait_for_epoch(fc, !epoch);
	if (!err) {
		spin_lock(&fc->ext.write_lock);
		fc->ext.write_epoch = !epoch;
		spin_unlock(&fc->ext.write_lock);
		err = wait_for_epoch(fc, epoch);
	}
	mutex_unlock(&fc->ext.sync_mutex);
	return err;
}

static void put_request(struct syncfs_request *request)
{
	if (refcount_dec_and_test(&request->count))
		kfree(request);
}

static FUSE_EXT_END(syncfs_end)
{
	struct syncfs_request *request = container_of(args, struct syncfs_request, args);

	request->error = error;
	complete(&request->done);
	put_request(request);
}

/*
 * In the background, since stock FUSE's wait for a request that the server has
 * read can't be killed.
 */
static int send_syncfs(struct fuse_mount *fm, u64 nodeid)
{
	struct syncfs_request *request = kzalloc(sizeof(*request), GFP_KERNEL);
	int err;

	if (!request)
		return -ENOMEM;
	init_completion(&request->done);
	refcount_set(&request->count, 2);
	request->args.opcode = FUSE_SYNCFS;
	request->args.nodeid = nodeid;
	request->args.in_numargs = 1;
	request->args.in_args[0].size = sizeof(request->inarg);
	request->args.in_args[0].value = &request->inarg;
	request->args.end = syncfs_end;

	err = fuse_simple_background(fm, &request->args, GFP_KERNEL);
	if (err) {
		kfree(request);
		return err;
	}
	fuse_ext_count(fm->fc, FUSE_EXT_SYNCFS_SENT);
	/* The VFS holds s_umount, for reading. */
	if (fuse_ext_wait_killable(&request->done, true))
		err = -EINTR;
	else
		err = request->error;
	put_request(request);
	return err;
}

/**
 * fuse_ext_sync_fs - interposed .sync_fs
 * @sb:		the superblock
 * @wait:	as the VFS has it; 0 is only a hint, which servers have no use for
 * @stock_sync_fs: what it stands before; NULL before 5.14
 */
int fuse_ext_sync_fs(struct super_block *sb, int wait,
		     int (*stock_sync_fs)(struct super_block *sb, int wait))
{
	struct fuse_mount *fm = get_fuse_mount_super(sb);
	struct fuse_conn *fc = fm->fc;
	int err;

	switch (fuse_ext_value(fc, FUSE_EXT_TOGGLE_SYNCFS)) {
	case FUSE_EXT_ON:
		break;
	case FUSE_EXT_AUTO:
		return stock_sync_fs ? stock_sync_fs(sb, wait) : 0;
	default:
		return 0;
	}
	if (!wait || !sb->s_root)
		return 0;
	/*
	 * The server must not wait for itself, be it that it calls sync(2) for
	 * what it has on a disk; and neither an exiting task nor a kernel thread
	 * can be killed.
	 */
	if (fuse_ext_is_reader(fc) || (current->flags & (PF_EXITING | PF_KTHREAD)))
		return 0;

	err = wait_for_writes(fc);
	if (err || READ_ONCE(fc->ext.no_syncfs))
		return err;
	err = send_syncfs(fm, get_node_id(d_inode(sb->s_root)));
	if (err == -ENOSYS) {
		WRITE_ONCE(fc->ext.no_syncfs, 1);
		err = 0;
	}
	return err;
}

#ifdef SB_I_NO_DATA_INTEGRITY
static DEFINE_MUTEX(iflags_mutex);

/*
 * 7.2 and later don't even write dirty pages for sync where the filesystem
 * can't promise anything: with a server that is asked, it can.  Called whenever
 * the value in force may have changed.
 */
void fuse_ext_syncfs_update(struct fuse_conn *fc)
{
	bool is_on = fuse_ext_value(fc, FUSE_EXT_TOGGLE_SYNCFS) == FUSE_EXT_ON;
	struct fuse_mount *fm;

	/*
	 * Not down_read(): whoever stores into the page cache holds it while it
	 * waits for the server, and our callers hold the lock that an abort
	 * needs.  A writer is the end of the mount, which needs no flag.
	 */
	if (!down_read_trylock(&fc->killsb))
		return;
	mutex_lock(&iflags_mutex);
	list_for_each_entry(fm, &fc->mounts, fc_entry) {
		if (!fm->sb)
			continue;
		/* Others write other flags of it without a lock: as seldom as can be. */
		if (is_on == !(fm->sb->s_iflags & SB_I_NO_DATA_INTEGRITY))
			continue;
		fm->sb->s_iflags ^= SB_I_NO_DATA_INTEGRITY;
	}
	mutex_unlock(&iflags_mutex);
	up_read(&fc->killsb);
}

void fuse_ext_syncfs_update_all(void)
{
	struct fuse_conn *fc;

	/* Parameters of modprobe are set before init has made the list. */
	if (!fuse_conn_list.next)
		return;
	mutex_lock(&fuse_mutex);
	list_for_each_entry(fc, &fuse_conn_list, entry)
		fuse_ext_syncfs_update(fc);
	mutex_unlock(&fuse_mutex);
}
#else
void fuse_ext_syncfs_update(struct fuse_conn *fc)
{
}

void fuse_ext_syncfs_update_all(void)
{
}
#endif
