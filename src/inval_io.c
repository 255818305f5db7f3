// SPDX-License-Identifier: GPL-2.0
/*
 * inval_files: what the files say that the server has failed: interposed
 * operations of regular files, their inodes, mappings and page cache.  How they
 * came to be failed is in inval.c.
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/static_call.h>
#include <linux/uio.h>

#include "internal.h"

/* What is called so often, or is so quick, that it counts how; flush and release, too. */
DEFINE_STATIC_CALL_NULL(fuse_ext_stock_open, *fuse_ext_stock_file_operations->open);
DEFINE_STATIC_CALL_NULL(fuse_ext_stock_read, *fuse_ext_stock_file_operations->read_iter);
DEFINE_STATIC_CALL_NULL(fuse_ext_stock_write, *fuse_ext_stock_file_operations->write_iter);

/*
 * The VFS doesn't release what wasn't opened, but the server has opened it.  And
 * O_TRUNC has made the inode dirty if there is a writeback cache: release writes
 * it, and later nobody does.  Whoever was killed doesn't wait for that: then pages
 * may be under way that the server keeps.
 */
static noinline int release_unopened(struct inode *inode, struct file *file, int err)
{
	if (err != -EINTR) {
		fuse_ext_stock_file_operations->release(inode, file);
		return err;
	}
	if (get_fuse_conn(inode)->writeback_cache)
		write_inode_now(inode, 0);
	fuse_release_common(file, false);
	return err;
}

static int file_open(struct inode *inode, struct file *file)
{
	int err = static_call(fuse_ext_stock_open)(inode, file);

	if (err)
		return err;
	err = fuse_ext_opened(file);
	return err ? release_unopened(inode, file, err) : 0;
}

/* As long as it is in here, the caller has references, if it is asynchronous, too. */
static ssize_t file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	ssize_t result;

	if (fuse_ext_is_failed_file(file))
		return -EIO;
	result = static_call(fuse_ext_stock_read)(iocb, to);
	return fuse_ext_is_failed_file(file) && result >= 0 ? -EIO : result;
}

/* What it wrote is about to be dropped, if this is one of the files that are failed. */
static noinline ssize_t finish_write(struct inode *inode, struct fuse_file *ff, ssize_t result)
{
	fuse_ext_io_ended(inode);
	return fuse_ext_is_failed(inode, ff) && result >= 0 ? -EIO : result;
}

static ssize_t file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct fuse_file *ff = file->private_data;
	struct inode *inode = file_inode(file);
	ssize_t result;

	/* It leaves nothing in the page cache, and may take as long as the server likes. */
	if (ff->open_flags & FOPEN_DIRECT_IO) {
		if (fuse_ext_is_failed(inode, ff))
			return -EIO;
		return static_call(fuse_ext_stock_write)(iocb, from);
	}
	result = fuse_ext_io_begin(inode, ff);
	if (result)
		return result;
	result = static_call(fuse_ext_stock_write)(iocb, from);
	return fuse_ext_io_uncount(inode) ? finish_write(inode, ff, result) : result;
}

static ssize_t file_splice_read(struct file *file, loff_t *ppos, struct pipe_inode_info *pipe,
				size_t len, unsigned int flags)
{
	if (fuse_ext_is_failed_file(file))
		return -EIO;
	return fuse_ext_stock_file_operations->splice_read(file, ppos, pipe, len, flags);
}

/* Ends in .write_iter, or in the backing file's of passthrough. */
static ssize_t file_splice_write(struct pipe_inode_info *pipe, struct file *file, loff_t *ppos,
				 size_t len, unsigned int flags)
{
	if (fuse_ext_is_failed_file(file))
		return -EIO;
	return fuse_ext_stock_file_operations->splice_write(pipe, file, ppos, len, flags);
}

static loff_t file_llseek(struct file *file, loff_t offset, int whence)
{
	if (fuse_ext_is_failed_file(file))
		return -EIO;
	return fuse_ext_stock_file_operations->llseek(file, offset, whence);
}

static int file_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	int err;

	if (fuse_ext_is_failed_file(file))
		return -EIO;
	err = fuse_ext_stock_file_operations->fsync(file, start, end, datasync);
	/* Then it hasn't written all of what was dirty. */
	return !err && fuse_ext_is_failed_file(file) ? -EIO : err;
}

static long file_fallocate(struct file *file, int mode, loff_t offset, loff_t length)
{
	if (fuse_ext_is_failed_file(file))
		return -EIO;
	return fuse_ext_stock_file_operations->fallocate(file, mode, offset, length);
}

/* @in may be another filesystem's. */
static ssize_t file_copy_file_range(struct file *in, loff_t in_pos, struct file *out,
				    loff_t out_pos, size_t len, unsigned int flags)
{
	if (fuse_ext_is_failed_file(out) ||
	    (in->f_op == out->f_op && fuse_ext_is_failed_file(in)))
		return -EIO;
	return fuse_ext_stock_file_operations->copy_file_range(in, in_pos, out, out_pos, len,
							       flags);
}

static long file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (fuse_ext_is_failed_file(file))
		return -EIO;
	return fuse_ext_stock_file_operations->unlocked_ioctl(file, cmd, arg);
}

static long file_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (fuse_ext_is_failed_file(file))
		return -EIO;
	return fuse_ext_stock_file_operations->compat_ioctl(file, cmd, arg);
}

static __poll_t file_poll(struct file *file, struct poll_table_struct *wait)
{
	if (fuse_ext_is_failed_file(file))
		return DEFAULT_POLLMASK | EPOLLERR;
	return fuse_ext_stock_file_operations->poll(file, wait);
}

/* readahead(2) and madvise(2) come here, too. */
static int file_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	if (fuse_ext_is_failed_file(file))
		return -EIO;
	return generic_fadvise(file, offset, len, advice);
}

static int file_flock(struct file *file, int cmd, struct file_lock *fl)
{
	/* What close(2) drops is dropped whatever has become of the file. */
	if (!fuse_ext_lock_is_unlock(fl) && fuse_ext_is_failed_file(file))
		return -EIO;
	return fuse_ext_stock_file_operations->flock(file, cmd, fl);
}

/**
 * struct mapping_operations - a table of the distro's for mappings, and our copy
 * @stock:	the distro's
 * @own:	what mappings get
 */
struct mapping_operations {
	const struct vm_operations_struct *stock;
	struct vm_operations_struct own;
};

/* That of cached files, and that of private mappings of direct I/O files. */
static struct mapping_operations mapping_operations[2];
static DEFINE_MUTEX(mapping_mutex);

static const struct vm_operations_struct *stock_of(const struct vm_area_struct *vma)
{
	return container_of(vma->vm_ops, struct mapping_operations, own)->stock;
}

/*
 * A page that is locked when the file isn't failed yet is dropped, and unmapped,
 * only after it is unlocked, which is after it is mapped.
 */
static vm_fault_t mapping_fault(struct vm_fault *vmf)
{
	const struct vm_operations_struct *stock = stock_of(vmf->vma);
	struct file *file = vmf->vma->vm_file;
	vm_fault_t result;

	if (fuse_ext_is_failed_file(file))
		return VM_FAULT_SIGBUS;
	result = stock->fault(vmf);
	/* With VM_FAULT_RETRY the mapping may be gone, and there is no page. */
	if ((result & (VM_FAULT_LOCKED | VM_FAULT_RETRY)) != VM_FAULT_LOCKED ||
	    !fuse_ext_is_failed_file(file))
		return result;
	unlock_page(vmf->page);
	put_page(vmf->page);
	vmf->page = NULL;
	return VM_FAULT_SIGBUS;
}

static vm_fault_t mapping_mkwrite(struct vm_fault *vmf)
{
	const struct vm_operations_struct *stock = stock_of(vmf->vma);
	struct file *file = vmf->vma->vm_file;
	vm_fault_t result;

	if (fuse_ext_is_failed_file(file))
		return VM_FAULT_SIGBUS;
	result = stock->page_mkwrite(vmf);
	if (!(result & VM_FAULT_LOCKED) || !fuse_ext_is_failed_file(file))
		return result;
	unlock_page(vmf->page);
	return VM_FAULT_SIGBUS;
}

/* Never sleeps; before pages are dropped, who is in here is waited for. */
static FUSE_EXT_MAP_PAGES_RESULT mapping_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
#ifdef HAVE_MAP_PAGES_RESULT
	vm_fault_t result = 0;
#endif

	rcu_read_lock();
	if (!fuse_ext_is_failed_file(vmf->vma->vm_file)) {
#ifdef HAVE_MAP_PAGES_RESULT
		result = stock_of(vmf->vma)->map_pages(vmf, start, end);
#else
		stock_of(vmf->vma)->map_pages(vmf, start, end);
#endif
	}
	rcu_read_unlock();
#ifdef HAVE_MAP_PAGES_RESULT
	return result;
#endif
}

static const struct vm_operations_struct *copy_of(const struct vm_operations_struct *stock)
{
	const struct vm_operations_struct *own = NULL;
	struct mapping_operations *copy;
	int i;

	mutex_lock(&mapping_mutex);
	for (i = 0; i < ARRAY_SIZE(mapping_operations) && !own; i++) {
		copy = &mapping_operations[i];
		if (!copy->stock) {
			copy->own = *stock;
			copy->own.fault = mapping_fault;
			if (stock->map_pages)
				copy->own.map_pages = mapping_map_pages;
			if (stock->page_mkwrite)
				copy->own.page_mkwrite = mapping_mkwrite;
			copy->stock = stock;
		}
		if (copy->stock == stock)
			own = &copy->own;
	}
	mutex_unlock(&mapping_mutex);
	return own;
}

static int file_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct vm_operations_struct *own;
	struct inode *inode = file_inode(file);
	int err;

	/* It may make this the file that dirty pages are written with. */
	err = fuse_ext_io_begin(inode, file->private_data);
	if (err)
		return err;
	err = fuse_ext_stock_file_operations->mmap(file, vma);
	/* Of passthrough, it is a mapping of the backing file now. */
	if (!err && vma->vm_file == file && vma->vm_ops) {
		own = copy_of(vma->vm_ops);
		if (own)
			vma->vm_ops = own;
		else
			err = -ENODEV;
	}
	fuse_ext_io_end(inode);
	return err;
}

void fuse_ext_inval_file_operations(struct file_operations *operations)
{
	static_call_update(fuse_ext_stock_open, operations->open);
	operations->open = file_open;
	static_call_update(fuse_ext_stock_read, operations->read_iter);
	operations->read_iter = file_read_iter;
	static_call_update(fuse_ext_stock_write, operations->write_iter);
	operations->write_iter = file_write_iter;
	operations->splice_read = file_splice_read;
	operations->splice_write = file_splice_write;
	operations->llseek = file_llseek;
	operations->fsync = file_fsync;
	operations->fallocate = file_fallocate;
	operations->copy_file_range = file_copy_file_range;
	operations->unlocked_ioctl = file_ioctl;
	operations->compat_ioctl = file_compat_ioctl;
	operations->poll = file_poll;
	operations->flock = file_flock;
	if (!operations->fadvise)
		operations->fadvise = file_fadvise;
	operations->mmap = file_mmap;
}

/* ftruncate(2) and futimens(2); what goes by path doesn't come with a file. */
static int inode_setattr(FUSE_EXT_IDMAP_PARAM struct dentry *dentry, struct iattr *attr)
{
	if ((attr->ia_valid & ATTR_FILE) && fuse_ext_is_failed_file(attr->ia_file))
		return -EIO;
	return fuse_ext_stock_inode_operations->setattr(FUSE_EXT_IDMAP_ARG dentry, attr);
}

static int inode_getattr(FUSE_EXT_IDMAP_PARAM const struct path *path, struct kstat *stat,
			 u32 mask, unsigned int flags)
{
	int err = fuse_ext_refresh(d_inode(path->dentry));

	return err ? err : fuse_ext_stock_inode_operations->getattr(FUSE_EXT_IDMAP_ARG path, stat,
								     mask, flags);
}

void fuse_ext_inval_inode_operations(struct inode_operations *operations)
{
	operations->setattr = inode_setattr;
	operations->getattr = inode_getattr;
}

/* What is about to be dropped isn't written, nor gathered with what comes after it. */
static int writepages(struct address_space *mapping, struct writeback_control *wbc)
{
	int err = fuse_ext_writeback_begin(mapping->host);

	if (err)
		return 0;
	err = fuse_ext_stock_aops->writepages(mapping, wbc);
	fuse_ext_io_end(mapping->host);
	return err;
}

#ifdef HAVE_WRITEPAGE
static int writepage(struct page *page, struct writeback_control *wbc)
{
	if (!fuse_ext_is_busy(page->mapping->host))
		return fuse_ext_stock_aops->writepage(page, wbc);
	redirty_page_for_writepage(wbc, page);
	unlock_page(page);
	return 0;
}
#endif

/* An open(2) drops pages before it waits; if the failed files are closed, none can write. */
static int launder_folio(struct folio *folio)
{
	if (fuse_ext_is_busy(folio->mapping->host))
		return -EIO;
	return fuse_ext_stock_aops->launder_folio(folio);
}

/*
 * A read(2) that goes on after pages were dropped must not fill the cache with what
 * its old file has.  The folio is in the cache, and locked: either this sees the mark,
 * or the work item sees the folio, and waits for it.
 */
static void readahead(struct readahead_control *rac)
{
	if (!fuse_ext_is_failed_file(rac->file))
		fuse_ext_stock_aops->readahead(rac);
}

static int read_folio(struct file *file, struct folio *folio)
{
	if (!fuse_ext_is_failed_file(file))
		return fuse_ext_stock_aops->read_folio(file, folio);
	folio_unlock(folio);
	return -EIO;
}

void fuse_ext_inval_aops(struct address_space_operations *operations)
{
	operations->writepages = writepages;
#ifdef HAVE_WRITEPAGE
	operations->writepage = writepage;
#endif
	operations->launder_folio = launder_folio;
	operations->readahead = readahead;
	operations->read_folio = read_folio;
}
