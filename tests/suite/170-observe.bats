#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What can be seen of a connection: ext_init, ext_requests, trace events, fdinfo and
# the number of changes.  What fusectl makes of it is in 171 and 172.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# Opcodes, of linux/fuse.h.
GETATTR=3 MKDIR=9 WRITE=16 FLUSH=25

# count_of MOUNTPOINT OPCODE [FIELD]: of its ext_requests: answered (2), in the
# background (3), errors (4) or nanoseconds (5); the caller has it open.
count_of() {
	awk -v opcode="$2" -v field="${3:-2}" \
		'$1 == opcode { n = $field } END { print n + 0 }' "$(control_of "$1")/ext_requests"
}

# trace_begin: events of all connections, in an instance of its own.
trace_begin() {
	TRACE=/sys/kernel/tracing
	mountpoint -q $TRACE || mount -t tracefs none $TRACE 2>>"$FX_LOG" ||
		skip "this kernel has no tracefs"
	TRACE+=/instances/fuse-ext-test
	mkdir "$TRACE"
	echo 1 >"$TRACE/events/fuse_ext/fuse_ext_request/enable"
	echo 1 >"$TRACE/events/fuse_ext/fuse_ext_reply/enable"
}
trace_end() {
	echo 0 >"$TRACE/events/enable"
	rmdir "$TRACE"
}

@test "ext_init: empty before INIT is answered, then what was negotiated" {
	local file
	raw_server a --negotiate unmounted
	file=$(control_of "$FX/a")/ext_init
	is "$(stat -c '%a %u' "$file")" "400 0" "mode and owner"
	run_ 0 cat "$file"
	like "$output" "^protocol 7\.[0-9]+" "first line"
	like "$output" "offered 0x[4567cdef][0-9a-f]{15}" "bit 62 is offered"
	like "$output" "accepted 0x" "flags of the answer"
	like "$output" "max_readahead [0-9]+.max_write [1-9][0-9]*.features -" "the rest"
	tell a negotiate 32:1:3
	run_ 0 cat "$file"
	like "$output" "features async_flush sync_release$" "what it asked for since"
	server_stop a
}

@test "ext_requests: what is answered is counted while somebody has it open, and only then" {
	local file now fd before
	server a --timeout 0
	file=$(control_of "$FX/a")/ext_requests
	run_ 0 stat "$FX/a"
	is "$(<"$file")" "" "before anybody looked"
	exec {fd}<"$file"
	now=$(count_of "$FX/a" $GETATTR)
	run_ 0 fxclient close "$FX/a/file"
	is "$(count_of "$FX/a" $FLUSH)" 1 "FLUSHes of one close(2)"
	is "$(count_of "$FX/a" $FLUSH 4)" 0 "with an error"
	before=$(requests a FLUSH)
	run_ 0 fxclient close "$FX/a/file"
	run_ 0 fxclient close "$FX/a/file"
	is "$(count_of "$FX/a" $FLUSH)" 3 "FLUSHes of three"
	is "$(($(requests a FLUSH) - before))" 2 "that the server has seen since"
	is "$now" 0 "GETATTRs before"
	exec {fd}<&-
	is "$(<"$file")" "" "for the next who looks"
	server_stop a
}

@test "ext_requests: how long, in the background or not, and with which end" {
	local file fd waited
	server a --delay flush=50 --fail mkdir=EACCES
	file=$(control_of "$FX/a")/ext_requests
	exec {fd}<"$file"
	run_ 0 fxclient close "$FX/a/file"
	waited=$(count_of "$FX/a" $FLUSH 5)
	at_least "$waited" 50000000 "nanoseconds of a FLUSH that takes 50 ms"
	at_least 20000000000 "$waited" "and no nonsense"
	is "$(count_of "$FX/a" $FLUSH 3)" 0 "in the background"
	like "$(<"$file")" 'wait [0-9]{8,} 1' "its bucket"
	# at least as long as said, and a quarter longer at most
	# shellcheck disable=SC2016  # for awk
	run_ 0 awk -v waited="$waited" '$1 == "wait" && $2 > waited { found = $2; exit }
		END { exit !(found <= waited * 1.26) }' "$file"
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close "$FX/a/file"
	soon 20 flushed_in_background || fail "no FLUSH in the background: $(<"$file")"
	run_ 1 mkdir "$FX/a/new"
	is "$(count_of "$FX/a" $MKDIR 4)" 1 "MKDIRs with an error"
	exec {fd}<&-
	server_stop a
}
flushed_in_background() {
	[ "$(count_of "$FX/a" $FLUSH 3)" = 1 ]
}

@test "ext_requests: a write of the page cache is one in the background" {
	local file fd
	server a --writeback
	file=$(control_of "$FX/a")/ext_requests
	exec {fd}<"$file"
	run_ 0 dd if=/dev/zero of="$FX/a/file" bs=4096 count=4 conv=notrunc,fsync
	at_least "$(count_of "$FX/a" $WRITE 3)" 1 "WRITEs in the background"
	is "$(count_of "$FX/a" $WRITE 3)" "$(count_of "$FX/a" $WRITE)" "of all"
	exec {fd}<&-
	server_stop a
}

@test "ext_requests: held open twice, across an abort and the unmount, and the module goes after it" {
	local file first second
	server a
	file=$(control_of "$FX/a")/ext_requests
	exec {first}<"$file"
	run_ 0 fxclient close "$FX/a/file"
	exec {second}<"$file"
	is "$(count_of "$FX/a" $FLUSH)" 1 "counted from the first on"
	exec {first}<&-
	is "$(count_of "$FX/a" $FLUSH)" 1 "the second keeps it"
	abort_ "$FX/a"
	server_end a
	[ ! -e "$file" ] || fail "the connection is still there"
	like "$(cat <&"$second")" "^[0-9]+ [0-9]+ " "what was counted"
	run_ 32 umount "$FX_OURS"
	exec {second}<&-
	module_unload
	module_want loaded
}

@test "ext_requests and ext_init are for the mounter and root only" {
	server a
	run_ 1 setpriv --reuid=tester --regid=tester --clear-groups cat "$(control_of "$FX/a")/ext_requests"
	run_ 1 setpriv --reuid=tester --regid=tester --clear-groups cat "$(control_of "$FX/a")/ext_init"
	server_stop a
}

@test "trace events: request and answer, with node, name, size and time" {
	local connection unique
	server a --delay flush=30
	connection=$(connection_of "$FX/a")
	trace_begin
	run_ 1 stat "$FX/a/a name\\with"$'\n'"a newline"
	run_ 1 stat "$FX/a/$(printf 'x%.0s' {1..200})"
	run_ 0 dd if=/dev/zero of="$FX/a/file" bs=4096 count=1 seek=2 conv=notrunc
	run_ 0 fxclient close "$FX/a/file"
	cp "$TRACE/trace" "$FX/trace"
	trace_end
	log_line "$(<"$FX/trace")"
	like "$(<"$FX/trace")" "fuse_ext_request: connection=$connection unique=[0-9]+ opcode=1 nodeid=1 pid=[0-9]+ background=0 size=0 offset=0 name=a.x20name.x5cwith.x0aa.x20newline" \
		"a LOOKUP whose name has everything"
	like "$(<"$FX/trace")" "name=x{80}\.\.\." "a long name"
	like "$(<"$FX/trace")" "opcode=16 nodeid=[0-9]+ pid=[0-9]+ background=[01] size=4096 offset=8192 name=" "a WRITE"
	unique=$(sed -n 's/.*fuse_ext_request: .* unique=\([0-9]*\) opcode=25 .*/\1/p' "$FX/trace" | tail -n 1)
	like "$(<"$FX/trace")" "fuse_ext_reply: connection=$connection unique=$unique opcode=25 error=0 size=16 wait_ns=[0-9]{8,}" \
		"the answer to FLUSH, after 30 ms"
	like "$(<"$FX/trace")" "fuse_ext_reply: connection=$connection unique=[0-9]+ opcode=1 error=-2 " "no such file"
	server_stop a
}

@test "trace events: a filter by connection shows just that one" {
	local connection
	server a --timeout 0
	server b --timeout 0
	connection=$(connection_of "$FX/a")
	trace_begin
	echo "connection == $connection" >"$TRACE/events/fuse_ext/filter"
	run_ 0 stat "$FX/a" "$FX/b"
	cp "$TRACE/trace" "$FX/trace"
	trace_end
	like "$(<"$FX/trace")" "connection=$connection " "its own"
	is "$(grep 'connection=' "$FX/trace" | grep -vc "connection=$connection ")" 0 "of others"
	server_stop a
	server_stop b
}

@test "fdinfo of a mounted /dev/fuse says which connection it is" {
	local fd found=
	server a
	for fd in /proc/"$(<"$FX/a.pid")"/fd/*; do
		[ "$(readlink "$fd")" = /dev/fuse ] || continue
		found=$(sed -n 's/^fuse_connection:\t//p' "/proc/$(<"$FX/a.pid")/fdinfo/${fd##*/}")
		break
	done
	is "$found" "$(connection_of "$FX/a")" "fuse_connection"
	exec {fd}<>/dev/fuse
	is "$(grep -c fuse_connection "/proc/$BASHPID/fdinfo/$fd")" 0 "of one that isn't mounted"
	exec {fd}>&-
	server_stop a
}

@test "changes: each change of a setting wakes who polls, and nothing else does" {
	local number
	server a
	number=$(</sys/fs/fuse_ext/changes)
	start "$FX/polled" fxclient poll /sys/fs/fuse_ext/changes 3 20000
	soon 10 grep -q ready "$FX/polled" || fail "it doesn't get ready"
	module_set syncfs off
	soon 10 grep -q 'woken 1' "$FX/polled" || fail "a module-wide value doesn't wake"
	connection_set "$FX/a" async_flush on
	soon 10 grep -q 'woken 2' "$FX/polled" || fail "one of a connection doesn't wake"
	run_ 0 fxclient remount "$FX/a" sync_release=on
	ends "$started" 20 || fail "a remount doesn't wake"
	is "$status" 0 "exit status: $(<"$FX/polled")"
	is "$(</sys/fs/fuse_ext/changes)" $((number + 3)) "changes"
	module_set syncfs auto
	run_ 0 fxclient close "$FX/a/file"
	run_ 1 fxclient poll /sys/fs/fuse_ext/changes 1 300
	server_stop a
}
