// SPDX-License-Identifier: GPL-2.0
/*
 * The names of the flags of INIT: those of <linux/fuse.h> without FUSE_, in
 * lower case.  Not for what was negotiated, see kernel_parse.c.
 */
#include <stdlib.h>

#include "fusectl.h"
#include "init_flags.h"
#include "text.h"

static const char *const names[64] = {
	[0] = "async_read",
	[1] = "posix_locks",
	[2] = "file_ops",
	[3] = "atomic_o_trunc",
	[4] = "export_support",
	[5] = "big_writes",
	[6] = "dont_mask",
	[7] = "splice_write",
	[8] = "splice_move",
	[9] = "splice_read",
	[10] = "flock_locks",
	[11] = "has_ioctl_dir",
	[12] = "auto_inval_data",
	[13] = "do_readdirplus",
	[14] = "readdirplus_auto",
	[15] = "async_dio",
	[16] = "writeback_cache",
	[17] = "no_open_support",
	[18] = "parallel_dirops",
	[19] = "handle_killpriv",
	[20] = "posix_acl",
	[21] = "abort_error",
	[22] = "max_pages",
	[23] = "cache_symlinks",
	[24] = "no_opendir_support",
	[25] = "explicit_inval_data",
	[26] = "map_alignment",
	[27] = "submounts",
	[28] = "handle_killpriv_v2",
	[29] = "setxattr_ext",
	[30] = "init_ext",
	[31] = "init_reserved",
	[32] = "security_ctx",
	[33] = "has_inode_dax",
	[34] = "create_supp_group",
	[35] = "has_expire_only",
	[36] = "direct_io_allow_mmap",
	[37] = "passthrough",
	[38] = "no_export_support",
	[39] = "has_resend",
	[40] = "allow_idmap",
	[41] = "over_io_uring",
	[42] = "request_timeout",
	/* FUSE_EXT_INIT of <linux/fuse_ext.h> */
	[62] = "ext",
};

char *init_flags_text(unsigned long long flags)
{
	char *text = text_copy(""), *longer;
	unsigned int bit;

	for (bit = 0; bit < ARRAY_SIZE(names); bit++) {
		if (!(flags & 1ULL << bit))
			continue;
		if (names[bit])
			longer = text_format("%s%s%s", text, *text ? " " : "",
					     names[bit]);
		else
			longer = text_format("%s%sbit_%u", text,
					     *text ? " " : "", bit);
		free(text);
		text = longer;
	}
	return text;
}
