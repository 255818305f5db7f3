#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# sync_release and I/O in flight: RELEASE comes after the last request of that
# file, whoever drops the last reference sends it, and only close(2) waits.

load helpers/all
load helpers/nodes

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# The reads that were started, but not answered, when RELEASE came.
release_before_read() { # NAME
	awk '
		$2 == "recv" && $3 == "READ" { open++ }
		$2 == "reply" && $3 == "READ" { open-- }
		$2 == "recv" && $3 == "RELEASE" && open { print "RELEASE with " open " READs open" }
		' "$FX/$1.log"
}

@test "read-ahead in flight: RELEASE and close(2) wait for the answer to READ" {
	nodes a --want 2 --hold read
	told "$FX/a/sync" 16384
	soon 5 has_requests a READ 1 || fail "no READ"
	close_it
	! ends "$started" 1 || fail "close(2) came back while READ was held"
	is "$(requests a RELEASE)" 0 "RELEASE requests while READ is held"
	tell a release read
	ends "$started" 10 || fail "close(2) didn't come back after the answer to READ"
	is "$(replies a RELEASE)" 1 "answers to RELEASE when close(2) came back"
	is "$(release_before_read a)" "" "order"
	is "$(counter "$FX/a" release_sync)" 1 "release_sync"
	server_stop a
}

@test "read-ahead in flight, off: close(2) comes back, RELEASE comes after READ" {
	nodes a --want 2 --hold read
	connection_set "$FX/a" sync_release off
	told "$FX/a/sync" 16384
	soon 5 has_requests a READ 1 || fail "no READ"
	close_it
	ends "$started" 5 || fail "close(2) waits with off"
	is "$(requests a RELEASE)" 0 "RELEASE requests while READ is held"
	tell a release read
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
	is "$(release_before_read a)" "" "order"
	server_stop a
}

@test "SIGKILL while read-ahead is in flight: close(2) ends, RELEASE arrives after READ" {
	nodes a --want 2 --hold read
	told "$FX/a/sync" 16384
	soon 5 has_requests a READ 1 || fail "no READ"
	close_it
	! ends "$started" 1 || fail "close(2) came back while READ was held"
	kill -KILL "$started"
	ends "$started" 1 || fail "$(where_is "$started"): still there a second after SIGKILL"
	is "$(requests a RELEASE)" 0 "RELEASE requests while READ is held"
	tell a release read
	soon 5 has_replies a RELEASE 1 || fail "no RELEASE after the death of who closed"
	is "$(release_before_read a)" "" "order"
	is "$(counter "$FX/a" release_sync_interrupted)" 1 "release_sync_interrupted"
	server_stop a
}

@test "writeback cache: what was written arrives, then RELEASE, then close(2) ends" {
	server a --writeback --delay write=200 --delay release=200
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close "$FX/a/file" 40000
	is "$(field error)" OK "close(2)"
	closes_after close_us 400
	is "$(awk '
		$2 == "recv" && $3 == "RELEASE" { released = 1 }
		$3 == "WRITE" && released { print }' "$FX/a.log")" "" "WRITEs after RELEASE"
	server_stop a
}

# async_server: it has one thread, and says at once that it has no FLUSH, which
# nobody could answer while that thread holds a READ.
async_server() {
	nodes a --want 2 --single --fail flush=ENOSYS
	run_ 0 fxclient close-kind read "$FX/a/plain"
	tell a hold read
}

# async_close HOW: the file is closed with a read in flight; the last reference
# is dropped by whoever ends the read: the server's only thread, perhaps.
async_close() {
	: >"$FX/async"
	start "$FX/async" fxclient async-close "$1" "$FX/a/sync"
	soon 10 has_line "$FX/async" '(close|uring)' || fail "close(2) hangs with a read in flight"
	if has_line "$FX/async" uring=ENOSYS; then
		ends "$started" 5 || fail "the client doesn't end"
		server_stop a
		skip "this kernel has no io_uring"
	fi
	soon 5 has_requests a READ 1 || fail "no READ"
	is "$(requests a RELEASE)" 1 "RELEASE requests while READ is held, the first file's"
	tell a release read
	ends "$started" 10 || fail "$(where_is "$started"): the read doesn't end"
	is "$status" 0 "exit status"
	soon 10 has_replies a RELEASE 2 || fail "no RELEASE, or no answer: the server is stuck"
	is "$(release_before_read a)" "" "order"
}

@test "AIO in flight: close(2) doesn't wait, and its end doesn't block the only thread" {
	async_server
	async_close aio
	is "$(counter "$FX/a" release_sync)" 0 "release_sync"
	server_stop a
}

@test "io_uring read in flight: close(2) doesn't wait, and the only thread isn't blocked" {
	async_server
	async_close uring
	server_stop a
}

@test "the same on stock: close(2) comes back, RELEASE comes after READ" {
	module_unload
	nodes a --single --fail flush=ENOSYS
	run_ 0 fxclient close-kind read "$FX/a/plain"
	tell a hold read
	told "$FX/a/sync" 16384
	soon 5 has_requests a READ 1 || fail "no READ"
	close_it
	ends "$started" 5 || fail "close(2) waits on stock"
	is "$(requests a RELEASE)" 1 "RELEASE requests while READ is held, the first file's"
	tell a release read
	soon 5 has_requests a RELEASE 2 || fail "no RELEASE"
	is "$(release_before_read a)" "" "order"
	server_stop a
	module_load
}
