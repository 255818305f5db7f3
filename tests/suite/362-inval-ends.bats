#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# inval_files when something ends meanwhile: the one that waits, the mount, the
# connection, the server, the module; and with thousands of open files.

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

# blocked_tree: a page is locked until the server answers READ, the notification
# was honoured, and an open(2) waits.
blocked_tree() {
	inval_tree a --open-flags 2
	content a file
	flight a read file READ
	inval OK a file
	opener a/file
	! ends "$opener" 1 || fail "open(2) came back while the page is locked"
}

@test "SIGKILL ends an open(2) that waits" {
	blocked_tree
	kill -KILL "$opener"
	ends "$opener" 1 || fail "$(where_is "$opener"): still there a second after SIGKILL"
	tell a release read
	landed
	opener a/file
	opened
	forget_all a
	server_stop a
}

@test "SIGTERM, which nobody catches, ends it, too" {
	blocked_tree
	kill -TERM "$opener"
	ends "$opener" 1 || fail "$(where_is "$opener"): still there a second after SIGTERM"
	tell a release read
	landed
	forget_all a
	server_stop a
}

@test "abort ends all that waits" {
	blocked_tree
	abort_ "$FX/a"
	# it may be good, as its OPEN was answered
	ends "$opener" 5 || fail "$(where_is "$opener"): open(2) waits after the abort"
	landed
	like "$output" "done=E" "the read in flight"
	server_end a
}

@test "the server's death ends all that waits" {
	blocked_tree
	kill -KILL "$(<"$FX/a.pid")"
	ends "$opener" 5 || fail "$(where_is "$opener"): open(2) waits for a dead server"
	landed
	like "$output" "done=E" "the read in flight"
	server_end a
}

@test "umount while pages are still being dropped" {
	inval_tree a --open-flags 2 --init-flags 1 # FUSE_ASYNC_READ
	content a file
	tell a hold read
	told "$FX/a/file" 16384
	soon 10 has_requests a READ 1 || fail "no READ"
	close_it
	ends "$started" 10 || fail "close(2) doesn't come back"
	inval OK a file
	# it ends the connection, and with that the READ that nobody answers
	start "$FX/umount" umount "$FX/a"
	ends "$started" 20 || fail "$(where_is "$started"): umount(8) doesn't end"
	is "$status" 0 "exit status of umount(8): $(<"$FX/umount")"
	soon 20 server_gone a || fail "the server didn't end"
}

@test "notifications all the time while it is unmounted" {
	local round
	for round in 1 2; do
		inval_tree a --clone --timeout 3600
		content a file
		start "$FX/storm" fxclient control "$FX/a.control" \
			inval-many file 4 "$(long_or 200000 30000)"
		storm=$started
		soon 10 storm_began || fail "no notification"
		run_ 0 umount "$FX/a"
		ends "$storm" 60 || fail "$(where_is "$storm"): the notifications don't end"
		log_line "round $round: $(<"$FX/storm")"
		soon 20 server_gone a || fail "the server didn't end"
	done
}
storm_began() {
	[ "$(counter "$FX/a" inval_files)" -gt 0 ]
}

@test "notifications all the time while it is aborted, and while the server dies" {
	local how
	for how in abort die; do
		inval_tree a --clone
		content a file
		start "$FX/storm" fxclient control "$FX/a.control" inval-many file 4 1000000
		storm=$started
		start "$FX/clients" fxclient inval-many "$FX/a/file" 50 "$FX/a.control" "mark never"
		soon 10 storm_began || fail "no notification"
		if [ $how = abort ]; then
			abort_ "$FX/a"
		else
			kill -KILL "$(<"$FX/a.pid")"
		fi
		ends "$storm" 20 || fail "$(where_is "$storm"): the notifications don't end"
		ends "$started" 20 || fail "$(where_is "$started"): the client doesn't end"
		server_end a
	done
}

@test "thousands of open files of one inode" {
	local files
	files=$(long_or 10000 1000)
	inval_tree a
	content a file
	FX_LIMIT=200 run_ 0 fxclient inval-many "$FX/a/file" "$files" "$FX/a.control" "inval file"
	is "$(field dead) $(field closed_eio)" "$files $files" "files that fail, at read(2) and close(2)"
	figure inval_files_us "$(field us)" "us for $files open files"
	soon 60 has_many a recv RELEASE "$files" || fail "RELEASEs are missing"
	forget_all a
	server_stop a
}

@test "unloaded at once after the last notification" {
	local round
	for round in 1 2; do
		inval_tree a
		content a file
		run_ 0 fxclient inval-many "$FX/a/file" 20 "$FX/a.control" "inval file"
		run_ 0 umount "$FX/a"
		module_unload
		soon 20 server_gone a || fail "the server of round $round didn't end"
		module_load
	done
}
