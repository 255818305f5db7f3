/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the hooks in the distro's fs/fuse call, and the state that they embed.
 * Included in front of every file of fs/fuse, so it can't know its types.
 */
#ifndef _FUSE_EXT_HOOKS_H
#define _FUSE_EXT_HOOKS_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/jump_label_ratelimit.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/tracepoint-defs.h>
#include <linux/types.h>
#include <linux/fuse.h>
#include <linux/fuse_ext.h>

struct dentry;
struct fuse_args;
struct fuse_conn;
struct fuse_copy_state;
struct fuse_file;
struct fuse_mount;
struct fs_context;
struct fuse_ext_requests;
struct fuse_req;
struct kobject;
struct mnt_idmap;
struct miscdevice;
struct seq_file;
struct tree_descr;
struct workqueue_struct;

/* Order of the names in every listing; indexes fuse_ext_toggles[]. */
enum fuse_ext_toggle_id {
	FUSE_EXT_TOGGLE_ASYNC_FLUSH,
	FUSE_EXT_TOGGLE_SYNC_RELEASE,
	FUSE_EXT_TOGGLE_ATOMIC_CREATE,
	FUSE_EXT_TOGGLE_SYNCFS,
	FUSE_EXT_TOGGLE_INVAL_FILES,
	FUSE_EXT_NR_TOGGLES
};

/* A file per toggle, ext_state, ext_stats, ext_init and ext_requests. */
#define FUSE_EXT_CTL_NUM_DENTRIES	(FUSE_EXT_NR_TOGGLES + 4)

enum fuse_ext_counter {
	FUSE_EXT_FLUSH_ASYNC,
	FUSE_EXT_FLUSH_ASYNC_ERRORS,
	FUSE_EXT_FLUSH_ASYNC_PENDING,
	FUSE_EXT_FLUSH_KEPT_SYNC,
	FUSE_EXT_RELEASE_SYNC,
	FUSE_EXT_RELEASE_SYNC_INTERRUPTED,
	FUSE_EXT_CREATE_ATOMIC,
	FUSE_EXT_CREATE_ATOMIC_EXISTED,
	FUSE_EXT_CREATE_FALLBACK,
	FUSE_EXT_SYNCFS_SENT,
	FUSE_EXT_FILES_INVALIDATED,
	FUSE_EXT_OPENS_STALE,
	FUSE_EXT_NR_COUNTERS
};

/**
 * struct fuse_ext_init - what INIT has negotiated, for people
 * @is_known:	the rest is valid
 * @major:	of the protocol that the server answered with
 * @minor:	likewise
 * @offered:	flags that the kernel sent, flags2 in the upper half
 * @accepted:	flags of the answer, likewise; nothing that we act on
 * @max_readahead: of the answer, in bytes
 */
struct fuse_ext_init {
	bool is_known;
	u32 major;
	u32 minor;
	u64 offered;
	u64 accepted;
	u32 max_readahead;
};

/**
 * struct fuse_ext_request - our part of struct fuse_req
 * @sent:	when it was handed to the server, ktime_get_ns(); 0: nobody looks, or
 *		it is answered
 */
struct fuse_ext_request {
	u64 sent;
};

/* How many processes that read a device are remembered. */
#define FUSE_EXT_NR_READERS	16

/**
 * struct fuse_ext_conn - our part of struct fuse_conn
 * @settings:	what each toggle is set to: an enum fuse_ext_value, and
 *		FUSE_EXT_SET_BY_MOUNT.  A byte each, written whole, so that
 *		concurrent writers of two toggles don't meet as they would in
 *		the bit-fields of struct fuse_conn.  Zero is `default`.
 * @no_flush:	the server answered ENOSYS to a FLUSH in the background
 * @no_syncfs:	the server answered ENOSYS to FUSE_SYNCFS
 * @no_atomic_create: the server answered ENOSYS to FUSE_ATOMIC_CREATE
 * @is_privileged: mounted by an administrator, for an administrator
 * @want:	feature bits that the server asked for
 * @deferred_puts: work items that are about to put an inode
 * @next_reader: where in @readers the next one goes
 * @readers:	process numbers of who reads the device; 0: none
 * @writes:	writes under way that started in each epoch
 * @write_epoch: the one in which new writes start
 * @write_lock:	keeps a write from being counted in an epoch that is waited for
 * @sync_mutex:	held by who waits for epochs
 * @sequence:	number of the latest answer to OPEN or CREATE, or notification
 * @creations:	struct fuse_ext_creation of each open(2) that may create a file
 * @creation_lock: of that list, and of what is in its elements
 * @inval_workqueue: does what notifications of inval_files leave; NULL: none came
 * @init:	what ext_init shows
 * @requests:	what ext_requests shows; NULL: nobody has it open
 * @counters:	what ext_stats shows
 */
struct fuse_ext_conn {
	u8 settings[FUSE_EXT_NR_TOGGLES];
	u8 no_flush;
	u8 no_syncfs;
	u8 no_atomic_create;
	u8 is_privileged;
	u32 want;
	atomic_t deferred_puts;
	atomic_t next_reader;
	pid_t readers[FUSE_EXT_NR_READERS];
	atomic_t writes[2];
	unsigned int write_epoch;
	spinlock_t write_lock;		/* @write_epoch while a write starts */
	struct mutex sync_mutex;	/* one syncfs(2) at a time changes @write_epoch */
	atomic64_t sequence;
	struct hlist_head creations;
	spinlock_t creation_lock;	/* @creations */
	struct workqueue_struct *inval_workqueue;
	struct fuse_ext_init init;
	struct fuse_ext_requests __rcu *requests;
	atomic64_t counters[FUSE_EXT_NR_COUNTERS];
};

/**
 * struct fuse_ext_write - a write under way, part of struct fuse_writepage_args
 * @fc:		its connection; NULL: not counted
 * @epoch:	in which it is counted
 * @stamp:	number of the sequence when it was begun; see inval.c
 */
struct fuse_ext_write {
	struct fuse_conn *fc;
	unsigned int epoch;
	u64 stamp;
};

/**
 * struct fuse_ext_inode - our part of struct fuse_inode, for regular files
 * @flags:	FUSE_EXT_INODE_* bits
 * @io:		what might leave something in the page cache, and is under way
 * @failed_before: files whose OPEN was answered before this number are failed
 */
struct fuse_ext_inode {
	unsigned long flags;
	atomic_t io;
	atomic64_t failed_before;
};

/* A POSIX lock was sent to the server; it is dropped by FLUSH. */
#define FUSE_EXT_INODE_REMOTE_LOCK	0
/* The page cache has what isn't valid any more, until a work item has dropped it. */
#define FUSE_EXT_INODE_INVAL_BUSY	1
/* Size and times are the server's again, with the writeback cache, too. */
#define FUSE_EXT_INODE_ATTR_LOST	2

/**
 * struct fuse_ext_open - an answer to OPEN
 * @out:	what the server answers
 * @stamp:	number of the answer in the connection's sequence
 */
struct fuse_ext_open {
	struct fuse_open_out out;
	u64 stamp;
};

/**
 * struct fuse_ext_creation - an open(2) that may create a file
 * @entry:	in fuse_ext_conn.creations
 * @nodeid:	of what the server made
 * @stamp:	number of the answer; 0: there is none yet
 * @is_failed:	a notification that came after the answer was about it
 * @out:	second part of the answer
 */
struct fuse_ext_creation {
	struct hlist_node entry;
	u64 nodeid;
	u64 stamp;
	bool is_failed;
	struct fuse_open_out out;
};

struct fuse_ext_release;

/**
 * struct fuse_ext_file - our part of struct fuse_file
 * @release:	the close(2) that waits for RELEASE, until the request has it
 * @closers:	thread numbers of those in close(2): fuse_ext_file_flush()
 * @sync_release: the server set FOPEN_SYNC_RELEASE
 * @open:	the answer to OPEN; of other answers, the number
 * @apart:	list that the file is on in the place of fuse_inode.write_files
 */
struct fuse_ext_file {
	struct fuse_ext_release *release;
	pid_t closers[2];
	bool sync_release;
	struct fuse_ext_open open;
	struct list_head apart;
};

/**
 * struct fuse_ext_mount_options - our part of struct fuse_fs_context
 * @given:	bit N: toggle N was given
 * @settings:	as in struct fuse_ext_conn
 */
struct fuse_ext_mount_options {
	unsigned long given;
	u8 settings[FUSE_EXT_NR_TOGGLES];
};

/* control.c's function that adds a file, whose type differs by kernel */
#ifdef HAVE_CTL_NLINK
typedef struct dentry *fuse_ext_add_dentry_t(struct dentry *parent, struct fuse_conn *fc,
					     const char *name, int mode, int nlink,
					     const struct inode_operations *iop,
					     const struct file_operations *fop);
#else
typedef struct dentry *fuse_ext_add_dentry_t(struct dentry *parent, struct fuse_conn *fc,
					     const char *name, int mode,
					     const struct inode_operations *iop,
					     const struct file_operations *fop);
#endif

/* flush.c */
int fuse_ext_flush(struct file *file, struct fuse_mount *fm, struct fuse_args *args);

/* release.c */
void fuse_ext_note_reader(struct fuse_conn *fc);
void fuse_ext_complete_release(struct fuse_ext_release *release);

/* syncfs.c */
void fuse_ext_write_start(struct fuse_conn *fc, struct fuse_ext_write *write);
void fuse_ext_write_end(struct fuse_ext_write *write);

/* inval.c */
typedef int fuse_ext_copy_t(struct fuse_copy_state *cs, void *to, unsigned int size);
typedef void fuse_ext_finish_copy_t(struct fuse_copy_state *cs);

void fuse_ext_finish_open(struct inode *inode, struct file *file);
void fuse_ext_end_observed_or_open(struct fuse_req *req);
ssize_t fuse_ext_send_create(struct fuse_mount *fm, struct fuse_args *args, struct file *file);
void fuse_ext_page_write_start(struct inode *inode, struct fuse_ext_write *write);
int fuse_ext_send_write(struct fuse_mount *fm, struct fuse_args *args, struct inode *inode,
			const struct fuse_ext_write *write);
int fuse_ext_notify(struct fuse_conn *fc, unsigned int code, unsigned int size,
		    struct fuse_copy_state *cs, fuse_ext_copy_t *copy,
		    fuse_ext_finish_copy_t *finish_copy);

/* observe.c */
extern struct static_key_false_deferred fuse_ext_observed;
DECLARE_TRACEPOINT(fuse_ext_request);
DECLARE_TRACEPOINT(fuse_ext_reply);
void fuse_ext_start_observed(struct fuse_req *req);

/* negotiate.c */
long fuse_ext_ioctl_negotiate(struct file *file, unsigned long arg);
void fuse_ext_init_request(struct fuse_args *args);
void fuse_ext_init_reply(struct fuse_conn *fc, const struct fuse_args *args);

/* interpose.c */
void fuse_ext_init_dir(struct inode *inode);
void fuse_ext_init_file_inode(struct inode *inode);
void fuse_ext_init_super(struct super_block *sb);

/* connection.c */
void fuse_ext_conn_init(struct fuse_conn *fc);
#ifndef HAVE_FUSE_FDINFO
void fuse_ext_show_fdinfo(struct seq_file *m, struct file *file);
#endif
int fuse_ext_ctl_add_conn(struct fuse_conn *fc, struct dentry *parent,
			  fuse_ext_add_dentry_t *add_dentry);

/* init.c: what redirect.h puts in the place of the kernel's functions */
int fuse_ext_init_step(void);
int fuse_ext_register_filesystem(struct file_system_type *type);
int fuse_ext_register_device(struct miscdevice *device);
int fuse_ext_fill_control_super(struct super_block *sb, unsigned long magic,
				const struct tree_descr *files);

/* mount.c, likewise */
typedef int fuse_ext_sb_t(struct super_block *sb, struct fs_context *fsc);
struct super_block *fuse_ext_sget(struct fs_context *fsc, fuse_ext_sb_t *test,
				  fuse_ext_sb_t *set);

/* sysfs.c */
struct kobject *fuse_ext_kobject_create(struct kobject *parent);

/* inode.c of the distro: its module_init() and module_exit() functions */
int fuse_ext_stock_init(void);
void fuse_ext_stock_exit(void);

/* file.c of the distro, made visible by a hook */
#ifdef HAVE_FILE_PUT_ISDIR
void fuse_file_put(struct fuse_file *ff, bool sync, bool isdir);
#else
void fuse_file_put(struct fuse_file *ff, bool sync);
#endif

/* dir.c of the distro, made visible by a hook; 5.10 has nothing of the kind */
#if defined(HAVE_IDMAP)
int get_create_ext(struct mnt_idmap *idmap, struct fuse_args *args, struct inode *dir,
		   struct dentry *dentry, umode_t mode);
#elif defined(HAVE_CREATE_EXT)
int get_create_ext(struct fuse_args *args, struct dentry *dentry, umode_t mode);
#endif

/*
 * The rest is inline, because each request, open(2) and close(2) comes here, and mostly
 * there is nothing to do.
 */

/*
 * When the request is queued for the server, which can't have read it yet: what
 * it consists of stays until then.
 */
static inline void fuse_ext_request_start(struct fuse_req *req)
{
	if (static_branch_unlikely(&fuse_ext_observed.key) ||
	    tracepoint_enabled(fuse_ext_request) || tracepoint_enabled(fuse_ext_reply))
		fuse_ext_start_observed(req);
}

/*
 * Stock FUSE sends no credentials with a request that is both forced and in
 * the background.  A FLUSH, which is so only where it is ours, is on behalf of a
 * caller, though: it is queued in the caller's context, so the stock code can still
 * fill them in.
 */
static inline bool fuse_ext_wants_creds(u32 opcode)
{
	return opcode == FUSE_FLUSH;
}

static inline bool fuse_ext_may_open(u32 opcode)
{
	switch (opcode) {
	case FUSE_OPEN:
	case FUSE_CREATE:
	case FUSE_ATOMIC_CREATE:
		return true;
	default:
		return false;
	}
}

/*
 * First thing of fuse_request_end(): the waiter is woken only after it, and with
 * that what the answer is written to may go.  Where nobody looks, no request has a
 * locked instruction.
 */
static inline void fuse_ext_request_end(struct fuse_req *req, const struct fuse_ext_request *ext,
					u32 opcode)
{
	if (unlikely(READ_ONCE(ext->sent) || fuse_ext_may_open(opcode)))
		fuse_ext_end_observed_or_open(req);
}

/*
 * The answer to OPEN was written to where its number is, too.
 * @err: of the request
 */
static inline int fuse_ext_open_answer(const struct fuse_ext_file *ext, struct fuse_open_out *out,
				       int err)
{
	if (!err)
		*out = ext->open.out;
	return err;
}

/* The answer to RELEASE came, or never will; @release is NULL if nobody waits. */
static inline void fuse_ext_release_end(struct fuse_ext_release *release)
{
	if (unlikely(release))
		fuse_ext_complete_release(release);
}

/*
 * The fuse_file is about to be put, and may be gone right after: hand the
 * waiter over to the request.  Without a request there is nothing to wait for.
 */
static inline void fuse_ext_release_start(const struct fuse_ext_file *ext,
					  struct fuse_ext_release **request)
{
	if (request)
		*request = ext->release;
	else
		fuse_ext_release_end(ext->release);
}

#endif /* _FUSE_EXT_HOOKS_H */
