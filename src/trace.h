/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events: the requests of our connections, as fusectl-trace shows them.
 * The distro's own (fuse_request_send and _end, 6.12 and later) know neither the
 * node nor the name.  Read more than once; see <trace/define_trace.h>.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM fuse_ext

#if !defined(_FUSE_EXT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _FUSE_EXT_TRACE_H

#include <linux/tracepoint.h>

#ifndef FUSE_EXT_TRACE_NAME_SIZE
/* 80 bytes, "..." and the NUL */
#define FUSE_EXT_TRACE_NAME_SIZE	84

/**
 * struct fuse_ext_sent - a request that is handed to the server
 * @connection:	number of its folder in the control filesystem
 * @unique:	number of the request
 * @nodeid:	of the inode that it is about
 * @offset:	of READ, WRITE and READDIR, in bytes; else 0
 * @opcode:	enum fuse_opcode
 * @pid:	who caused it, as the server sees the number; 0: nobody
 * @size:	of READ, WRITE and READDIR, in bytes; else 0
 * @background:	nobody waits for it in the place of the request
 * @name:	the first name that it carries, blanks, backslashes and control
 *		characters as \xNN, cut after 80 bytes; empty: none
 */
struct fuse_ext_sent {
	u32 connection;
	u64 unique;
	u64 nodeid;
	u64 offset;
	u32 opcode;
	u32 pid;
	u32 size;
	bool background;
	char name[FUSE_EXT_TRACE_NAME_SIZE];
};

/**
 * struct fuse_ext_answered - a request that is answered, or aborted
 * @connection:	number of its folder in the control filesystem
 * @unique:	number of the request
 * @wait_ns:	nanoseconds since it was handed to the server
 * @opcode:	enum fuse_opcode
 * @size:	of the answer, in bytes, its header included
 * @error:	negative errno, or 0
 */
struct fuse_ext_answered {
	u32 connection;
	u64 unique;
	u64 wait_ns;
	u32 opcode;
	u32 size;
	int error;
};
#endif

TRACE_EVENT(fuse_ext_request,
	    TP_PROTO(const struct fuse_ext_sent *sent),
	    TP_ARGS(sent),
	    TP_STRUCT__entry(__field(u32, connection)
			     __field(u64, unique)
			     __field(u64, nodeid)
			     __field(u64, offset)
			     __field(u32, opcode)
			     __field(u32, pid)
			     __field(u32, size)
			     __field(u32, background)
			     __array(char, name, FUSE_EXT_TRACE_NAME_SIZE)),
	    TP_fast_assign(__entry->connection = sent->connection;
			   __entry->unique = sent->unique;
			   __entry->nodeid = sent->nodeid;
			   __entry->offset = sent->offset;
			   __entry->opcode = sent->opcode;
			   __entry->pid = sent->pid;
			   __entry->size = sent->size;
			   __entry->background = sent->background;
			   memcpy(__entry->name, sent->name, FUSE_EXT_TRACE_NAME_SIZE);),
	    TP_printk("connection=%u unique=%llu opcode=%u nodeid=%llu pid=%u background=%u size=%u offset=%llu name=%s",
		      __entry->connection, __entry->unique, __entry->opcode,
		      __entry->nodeid, __entry->pid, __entry->background,
		      __entry->size, __entry->offset, __entry->name));

TRACE_EVENT(fuse_ext_reply,
	    TP_PROTO(const struct fuse_ext_answered *answered),
	    TP_ARGS(answered),
	    TP_STRUCT__entry(__field(u32, connection)
			     __field(u64, unique)
			     __field(u64, wait_ns)
			     __field(u32, opcode)
			     __field(u32, size)
			     __field(s32, error)),
	    TP_fast_assign(__entry->connection = answered->connection;
			   __entry->unique = answered->unique;
			   __entry->wait_ns = answered->wait_ns;
			   __entry->opcode = answered->opcode;
			   __entry->size = answered->size;
			   __entry->error = answered->error;),
	    TP_printk("connection=%u unique=%llu opcode=%u error=%d size=%u wait_ns=%llu",
		      __entry->connection, __entry->unique, __entry->opcode,
		      __entry->error, __entry->size, __entry->wait_ns));

#endif /* _FUSE_EXT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
