// SPDX-License-Identifier: GPL-2.0
/*
 * atomic_create: open(2) with O_CREAT sends one request, FUSE_ATOMIC_CREATE, in
 * the place of LOOKUP, and of LOOKUP and CREATE.  Not about names that the
 * kernel has cached: those cost one request or none as it is.
 *
 * For the application: nothing but the time changes.  What exists is opened as
 * ever: the VFS follows symbolic links, checks permissions, truncates, and says
 * EISDIR or EEXIST.  Nobody can come between the look and the creation any more.
 * For the server: FUSE_ATOMIC_CREATE carries what FUSE_CREATE carries, but for
 * O_TRUNC.  If nothing has that name, the server creates a regular file, opens
 * it, and answers with fuse_entry_out and fuse_open_out, in which it sets
 * FOPEN_FILE_CREATED.  If something has it, of whatever type, it looks it up and
 * answers with fuse_entry_out alone: it opens and truncates nothing, and whether
 * the caller could create there doesn't matter.  With O_EXCL it may answer
 * EEXIST instead.  Either entry counts as one lookup.  Any other answer is EIO
 * for the application; a node id in it is given back by FORGET, an open file by
 * RELEASE.
 * For the administrator: `on` tries it with any server.  One that answers ENOSYS
 * gets LOOKUP and CREATE, then and from then on.
 */
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "internal.h"

/**
 * struct creation - a FUSE_ATOMIC_CREATE and its answer
 * @fm:		the mount
 * @ff:		the file, if the server creates one
 * @forget:	for the node id, if it can't be used
 * @flags:	of open(2), as they go to the server
 * @sample:	from before the request
 * @entry:	first part of the answer: what has the name now
 * @open:	second part, if there is one: the file that the server opened
 * @spare:	@open, on kernels that don't keep it in @ff
 */
struct creation {
	struct fuse_mount *fm;
	struct fuse_file *ff;
	struct fuse_forget_link *forget;
	unsigned int flags;
	struct fuse_ext_sample sample;
	struct fuse_entry_out entry;
	struct fuse_open_out *open;
	struct fuse_open_out spare;
};

static int prepare(struct creation *creation)
{
	creation->forget = fuse_alloc_forget();
	if (!creation->forget)
		return -ENOMEM;
	creation->ff = fuse_ext_file_alloc(creation->fm);
	if (!creation->ff) {
		kfree(creation->forget);
		return -ENOMEM;
	}
	creation->open = fuse_ext_open_out(creation->ff, &creation->spare);
	return 0;
}

/* Return: the size of the second part of the answer, or an error */
static ssize_t send(struct creation *creation, struct inode *dir, struct dentry *entry,
		    struct file *file, umode_t mode)
{
	struct fuse_create_in inarg = { .flags = creation->flags, .umask = current_umask() };
	struct fuse_args args = {};
	ssize_t size;

	/* The VFS has applied the umask where there are no default ACLs. */
	if (!creation->fm->fc->dont_mask)
		mode &= ~current_umask();
	inarg.mode = mode;

	args.opcode = FUSE_ATOMIC_CREATE;
	args.nodeid = get_node_id(dir);
	args.in_numargs = 2;
	args.in_args[0].size = sizeof(inarg);
	args.in_args[0].value = &inarg;
	args.in_args[1].size = entry->d_name.len + 1;
	args.in_args[1].value = entry->d_name.name;
	args.out_numargs = 2;
	args.out_args[0].size = sizeof(creation->entry);
	args.out_args[0].value = &creation->entry;
	args.out_args[1].size = sizeof(*creation->open);
	args.out_args[1].value = creation->open;
	/* The second part may be missing.  Then, any size of it comes through. */
	args.out_argvar = true;

	size = fuse_ext_add_create_ext(file, &args, dir, entry, mode);
	if (size)
		return size;
	fuse_ext_take_sample(creation->fm->fc, &creation->sample);
	size = fuse_ext_send_create(creation->fm, &args, file);
	fuse_ext_free_create_ext(&args);
	return size;
}

/* Without the bits that mean something to the server's open only. */
static void release(struct creation *creation, struct inode *inode)
{
	fuse_sync_release(inode ? get_fuse_inode(inode) : NULL, creation->ff,
			  creation->flags & ~(O_CREAT | O_EXCL));
}

/*
 * The answer is of no use: give back what it gave, the file before the node id.
 * Node id 0 is none, and nobody looks up the root.
 */
static void refuse(struct creation *creation, bool is_open)
{
	u64 nodeid = creation->entry.nodeid;

	if (invalid_nodeid(nodeid)) {
		fuse_file_free(creation->ff);
		kfree(creation->forget);
		return;
	}
	if (is_open)
		release(creation, NULL);
	else
		fuse_file_free(creation->ff);
	fuse_ext_queue_forget(creation->fm->fc, creation->forget, nodeid);
}

/* @size: of the second part of the answer */
static bool is_valid(struct creation *creation, size_t size)
{
	struct fuse_entry_out *entry = &creation->entry;

	if (invalid_nodeid(entry->nodeid) || fuse_invalid_attr(&entry->attr))
		return false;
	/* Nothing is opened but what was created, and that is a regular file. */
	return !size || (size == sizeof(*creation->open) && S_ISREG(entry->attr.mode) &&
			 (creation->open->open_flags & FOPEN_FILE_CREATED));
}

/* Something had the name: go on as after a LOOKUP. */
static int finish_existed(struct creation *creation, struct inode *dir, struct dentry *alias,
			  struct file *file)
{
	fuse_file_free(creation->ff);
	/* as stock does when a name is looked up and found */
	set_bit(FUSE_I_ADVISE_RDPLUS, &get_fuse_inode(dir)->state);
	fuse_ext_count(creation->fm->fc, FUSE_EXT_CREATE_ATOMIC_EXISTED);
	return finish_no_open(file, alias);
}

static int finish_created(struct creation *creation, struct inode *dir, struct dentry *entry,
			  struct file *file)
{
	struct inode *inode = d_inode(entry);
	int err;

	fuse_ext_dir_changed(dir);
	fuse_ext_count(creation->fm->fc, FUSE_EXT_CREATE_ATOMIC);
	/*
	 * Not before the server has said so: with it, the VFS checks no
	 * permission to open, since nobody can be denied a file of his own.
	 */
	file->f_mode |= FMODE_CREATED;
	err = fuse_ext_open_created(file, entry, creation->ff);
	if (err)
		release(creation, inode);
	else if (!(creation->ff->open_flags & FOPEN_KEEP_CACHE))
		invalidate_inode_pages2(inode->i_mapping);
	return err;
}

/* @size: of the second part of the answer */
static int finish(struct creation *creation, size_t size, struct inode *dir, struct dentry *entry,
		  struct file *file)
{
	bool is_open = size == sizeof(*creation->open);
	struct fuse_file *ff = creation->ff;
	struct dentry *alias;
	struct inode *inode;
	int err;

	if (is_open) {
		ff->fh = creation->open->fh;
		ff->nodeid = creation->entry.nodeid;
		ff->open_flags = creation->open->open_flags & ~FOPEN_FILE_CREATED;
	}
	if (!is_valid(creation, size)) {
		refuse(creation, is_open);
		return -EIO;
	}
	inode = fuse_ext_iget(dir->i_sb, &creation->entry, &creation->sample, is_open);
	if (!inode) {
		refuse(creation, is_open);
		return -ENOMEM;
	}
	kfree(creation->forget);

	/*
	 * Not d_instantiate(): the dentry is in lookup, which has to end, and a
	 * directory may have another dentry already.
	 */
	alias = d_splice_alias(inode, entry);
	if (IS_ERR(alias)) {
		if (is_open)
			release(creation, NULL);
		else
			fuse_file_free(ff);
		return PTR_ERR(alias);
	}
	fuse_ext_validate_entry(alias ? alias : entry, &creation->entry, &creation->sample);
	if (!is_open)
		return finish_existed(creation, dir, alias, file);
	err = finish_created(creation, dir, alias ? alias : entry, file);
	dput(alias);
	return err;
}

/*
 * Only where stock would send LOOKUP: a dentry that isn't in lookup is negative
 * and trusted, and CREATE is one request.  Without the right to create, the VFS
 * has taken O_CREAT away.  The longest name differs by kernel and server: what
 * is longer than usual is stock's business.
 */
static bool is_wanted(struct fuse_conn *fc, struct inode *dir, struct dentry *entry,
		      unsigned int flags)
{
	return (flags & O_CREAT) &&
	       !fuse_ext_is_untouched(fc, FUSE_EXT_TOGGLE_ATOMIC_CREATE) &&
	       d_in_lookup(entry) && entry->d_name.len <= NAME_MAX &&
	       !fuse_is_bad(dir) &&
	       fuse_ext_value(fc, FUSE_EXT_TOGGLE_ATOMIC_CREATE) == FUSE_EXT_ON;
}

static int create(struct inode *dir, struct dentry *entry, struct file *file,
		  unsigned int flags, umode_t mode, bool *is_unknown)
{
	struct creation creation = {
		.fm = get_fuse_mount(dir),
		.flags = flags & ~(O_NOCTTY | O_TRUNC),
	};
	ssize_t size = prepare(&creation);

	if (size)
		return size;
	size = send(&creation, dir, entry, file, mode);
	if (size < 0) {
		*is_unknown = size == -ENOSYS;
		fuse_file_free(creation.ff);
		kfree(creation.forget);
		return size;
	}
	return finish(&creation, size, dir, entry, file);
}

static int create_or_open(struct inode *dir, struct dentry *entry, struct file *file,
			  unsigned int flags, umode_t mode)
{
	struct fuse_conn *fc = get_fuse_conn(dir);
	bool is_unknown = false;
	int err;

	if (is_wanted(fc, dir, entry, flags)) {
		if (!READ_ONCE(fc->ext.no_atomic_create)) {
			err = create(dir, entry, file, flags, mode, &is_unknown);
			if (!is_unknown)
				return err;
			WRITE_ONCE(fc->ext.no_atomic_create, 1);
		}
		fuse_ext_count(fc, FUSE_EXT_CREATE_FALLBACK);
	}
	return fuse_ext_stock_dir_operations->atomic_open(dir, entry, file, flags, mode);
}

/* Interposed .atomic_open */
int fuse_ext_atomic_open(struct inode *dir, struct dentry *entry, struct file *file,
			 unsigned int flags, umode_t mode)
{
	struct fuse_conn *fc = get_fuse_conn(dir);
	struct fuse_ext_creation creation = {};
	int err;

	if (!(flags & O_CREAT))
		return fuse_ext_stock_dir_operations->atomic_open(dir, entry, file, flags, mode);
	fuse_ext_creation_begin(fc, &creation, file);
	err = create_or_open(dir, entry, file, flags, mode);
	return fuse_ext_creation_end(fc, &creation, file, err);
}
