#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# inval_files and the order of what the server writes: a file whose OPEN was
# answered before the notification fails, also if open(2) hasn't returned; one that
# was answered afterwards works.  In both orders, forced and hammered, by write(2) and
# by io_uring.

load helpers/all
load helpers/tree
load helpers/nodes
load helpers/inval

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# older PATH [creat]: it was answered before the notification; newer: after it.
# The server has the CPU that the client is bound to until it has written both.
older() {
	local stale
	stale=$(counter "$FX/a" open_stale)
	run_ 0 fxclient inval-open "$FX/a/$1" "${@:2}"
	is "$output" open=EIO "a file that was older than the notification"
	is "$(counter "$FX/a" open_stale)" $((stale + 1)) "open_stale"
	soon 10 closed_again "$1" || fail "no RELEASE of $1: $output"
}
newer() {
	local stale
	stale=$(counter "$FX/a" open_stale)
	run_ 0 fxclient inval-open "$FX/a/$1" "${@:2}"
	like "$output" "^open=OK read=OK data=.* close=OK$" "a file that is newer"
	is "$(counter "$FX/a" open_stale)" "$stale" "open_stale"
	soon 10 closed_again "$1" || fail "no RELEASE of $1: $output"
}
closed_again() { # PATH
	[ "$(state a opens "$1")" = 0 ]
}

# notified NUMBER: so many notifications were written, and all were honoured.
notified() {
	local count
	events a notify INVAL_FILES error=OK
	is "$count" "$1" "notifications that were honoured"
	is "$(counter "$FX/a" inval_files)" "$1" "inval_files"
}

@test "OPEN: older than the notification, and newer; by either descriptor" {
	local descriptor
	inval_tree a --clone
	content a file
	for descriptor in "" other; do
		tell a order reply-first "$descriptor"
		older file
		tell a order inval-first "$descriptor"
		newer file
	done
	newer file
	notified 4
	forget_all a
	server_stop a
}

# The kernel says WARNING where an inode goes that is dirty; O_TRUNC makes it so.
@test "OPEN with O_TRUNC and a writeback cache: a file that fails leaves nothing dirty" {
	inval_tree a --init-flags 10008 --timeout 3600
	content a file
	tell a order reply-first
	older file trunc
	notified 1
	server_stop a
}

@test "OPEN while a notification is being read: it fails, or loses nothing" {
	local node notifier
	inval_tree a --init-flags 10000
	content a file
	node=$(state a node file)
	tree b
	# shellcheck disable=SC2059 # made of a number
	printf "$(printf '\\x%02x' "$node")"'\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >"$FX/b/body"
	uncache b body
	tell b hold read
	start "$FX/notifier" fxclient control "$FX/a.control" inval-mapped "$FX/b/body"
	notifier=$started
	soon 10 has_requests b READ 1 || fail "nobody reads the notification"
	start "$FX/flight" fxclient inval-flight write "$FX/a/file"
	flier=$started
	soon 10 grep -q done=OK "$FX/flight" || fail "$(where_is "$flier"): it doesn't write"
	tell b release read
	ends "$notifier" 20 || fail "$(where_is "$notifier"): the notification doesn't end"
	is "$(<"$FX/notifier")" inval=OK "the write(2) of the notification"
	landed
	if [ "$(field again) $(field close)" != "EIO EIO" ]; then
		is "$(field again) $(field close)" "OK OK" "read(2) and close(2) of the file"
		uncache a file
		is "$(head -c 4 "$FX/a/file")" ffff "what the server has, which the file has written"
	fi
	server_stop a
	server_stop b
}

@test "OPEN, off: it lives, older or newer (the test above can fail)" {
	tree a --want "$FX_WANT_INVAL"
	connection_set "$FX/a" inval_files off
	content a file
	tell a order reply-first
	newer file
	tell a order inval-first
	newer file
	notified 0
	server_stop a
}

# A name of file that the kernel doesn't know, and the server says that there is
# none: so it is created, and the kernel has its inode already.
alias_of_file() { # NAME
	ln "$FX/b/file" "$FX/b/$1"
	tell a fail lookup=ENOENT:1
}

@test "CREATE of what the kernel has: older than the notification, and newer" {
	local descriptor
	two_trees --want "$FX_WANT_INVAL" --timeout 3600 --clone
	echo content >"$FX/b/file"
	newer file
	for descriptor in "" other; do
		alias_of_file "older$descriptor"
		tell a order reply-first "$descriptor"
		older "older$descriptor" creat
		alias_of_file "newer$descriptor"
		tell a order inval-first "$descriptor"
		newer "newer$descriptor" creat
	done
	is "$(requests a CREATE 'name=(older|newer)')" 4 "CREATE requests"
	notified 4
	forget_all a
	two_trees_stop
}

@test "CREATE of a new file: older than the notification" {
	inval_tree a --clone
	tell a order reply-first
	older new creat
	tell a order reply-first other
	older another creat
	is "$(requests a CREATE)" 2 "CREATE requests"
	# they are there, and open as ever
	newer new creat
	newer another
	forget_all a
	server_stop a
}

@test "ATOMIC_CREATE: older than the notification, and newer" {
	two_trees --want 0x14 --timeout 3600 --clone --atomic claim
	echo content >"$FX/b/file"
	newer file
	ln "$FX/b/file" "$FX/b/older"
	tell a order reply-first other
	older older creat
	ln "$FX/b/file" "$FX/b/newer"
	tell a order inval-first other
	newer newer creat
	tell a order reply-first
	older new creat
	is "$(requests a ATOMIC_CREATE 'name=(older|newer|new)$')" 3 "ATOMIC_CREATE requests"
	forget_all a
	two_trees_stop
}

# hammer SECONDS OPTION...: as many rounds as that time has.
hammer() {
	FX_LIMIT=180 run_ 0 fxinval --rounds 100000 --seconds "$1" "${@:2}" "$FX/a"
	at_least "$(field rounds)" 20 "rounds"
}
# hammer_long SECONDS OPTION...: 100,000 rounds in the long form.
hammer_long() {
	if [ "$(long_or 1 0)" = 1 ]; then
		FX_LIMIT=3700 run_ 0 fxinval --rounds 100000 --seconds 3600 "${@:2}" "$FX/a"
		at_least "$(field rounds)" 100000 "rounds"
	else
		hammer "$@"
	fi
}

@test "hammered over two cloned descriptors: no verdict is wrong" {
	hammer_long 10
	is "$(field wrong)" 0 "wrong verdicts"
	is "$(field refused)" 0 "notifications that were refused"
	at_least "$(field died)" 10 "files that had to fail"
	at_least "$(field lived)" 10 "files that had to work"
	figure inval_hammer_rounds "$(field rounds)" rounds
	figure inval_hammer_died "$(field died)" files
	figure inval_hammer_lived "$(field lived)" files
	figure inval_hammer_open_eio "$(field open_eio)" files
}

@test "hammered where answers come by io_uring: no verdict is wrong" {
	local switch=/sys/module/fuse_ext/parameters/enable_uring
	[ -e $switch ] || skip "this kernel's FUSE has no io_uring (it came with 6.14)"
	echo 1 >$switch
	hammer_long 5 --uring
	echo 0 >$switch
	is "$(field by_uring)" "$(field rounds)" "answers by io_uring"
	is "$(field wrong) $(field refused)" "0 0" "wrong verdicts, and notifications that were refused"
	at_least "$(field died)" 10 "files that had to fail"
	at_least "$(field lived)" 10 "files that had to work"
}

@test "the judges find files that live though they had to fail (off), or fail though they had to live" {
	module_set inval_files off
	hammer 2 --judge refused
	at_least "$(field wrong_alive)" 1 "files that lived, and had to fail"
	at_least "$(field stale)" 1 "files with old data"
	is "$(field wrong_dead) $(field refusal)" "0 ENOSYS" "with off"
	hammer 2
	is "$(field wrong) $(field died)" "0 0" "with off, judged rightly"
	module_set inval_files auto
	hammer 2 --judge none
	at_least "$(field wrong_dead)" 1 "files that failed, judged as if there were no notification"
}
