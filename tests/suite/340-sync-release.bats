#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# sync_release: which close(2) waits for the answer to RELEASE, and which
# doesn't.  I/O in flight is in 341, dying and servers' own closes in 342, what
# it is for in 343, kinds of mounts in 344.

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

@test "close(2) with a RELEASE of 400 ms: on waits, auto, off and stock don't" {
	local value
	module_unload
	nodes b
	module_load
	server a --delay release=400
	module_set sync_release on
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	closes_after close_us 400 "with on"
	is "$(counter "$FX/a" release_sync)" 1 "release_sync"
	log_line "on stock, with the flag, module-wide on"
	at_once b fxclient close-kind read "$FX/b/sync"
	module_set sync_release auto
	for value in auto off; do
		connection_set "$FX/a" sync_release $value
		at_once a fxclient close "$FX/a/file"
	done
	is "$(counter "$FX/a" release_sync) $(counter "$FX/a" release_sync_interrupted)" "1 0" \
		"release_sync, release_sync_interrupted"
	server_stop a
	server_stop b
}

@test "FOPEN_SYNC_RELEASE: such files wait with auto, all with on, none with off" {
	nodes a --want 2 --delay release=400
	is "$(in_force "$FX/a" sync_release)" "auto server" "sync_release in force"
	run_ 0 fxclient close-kind read "$FX/a/sync"
	closes_after close_us 400 "of a file with the flag"
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-kind write "$FX/a/plain"
	closes_after close_us 400 "of a file without the flag, with on"
	connection_set "$FX/a" sync_release auto
	at_once a fxclient close-kind read "$FX/a/plain"
	connection_set "$FX/a" sync_release off
	at_once a fxclient close-kind read "$FX/a/sync"
	soon 5 has_requests a RELEASE 4 || fail "$(requests a RELEASE) RELEASE requests"
	is "$(counter "$FX/a" release_sync)" 2 "release_sync"
	server_stop a
}

@test "FOPEN_SYNC_RELEASE of a server that didn't negotiate means nothing" {
	nodes a --delay release=400
	is "$(in_force "$FX/a" sync_release)" "auto module" "sync_release in force"
	# though an administrator can still ask for it
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-kind read "$FX/a/sync"
	closes_after close_us 400 "with on"
	connection_set "$FX/a" sync_release auto
	at_once a fxclient close-kind read "$FX/a/sync"
	server_stop a
}

# The first close(2) can't wait without waiting for ever: there is no RELEASE
# before the last one.
@test "dup and dup2: only the last close waits" {
	server a --delay release=400
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-shared dup "$FX/a/file"
	closes_after last_us 400 "of two descriptors"
	run_ 0 fxclient close-shared dup2 "$FX/a/file"
	closes_after dup2_us 400
	is "$(counter "$FX/a" release_sync)" 2 "release_sync"
	connection_set "$FX/a" sync_release off
	at_once a fxclient close-shared dup "$FX/a/file"
	server_stop a
}

@test "fork and SCM_RIGHTS: only the last close(2) waits, whosever it is" {
	server a --delay release=400
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-shared fork "$FX/a/file"
	closes_after child_us 400 "which closed last"
	run_ 0 fxclient close-shared fork-child-first "$FX/a/file"
	closes_after parent_us 400 "which closed last"
	run_ 0 fxclient pass-on "$FX/a/file"
	closes_after last_us 400 "of who received a descriptor"
	is "$(counter "$FX/a" release_sync)" 3 "release_sync"
	connection_set "$FX/a" sync_release off
	at_once a fxclient close-shared fork "$FX/a/file"
	server_stop a
}

@test "O_PATH and directories never wait" {
	nodes a --want 2 --hold releasedir
	connection_set "$FX/a" sync_release on
	at_once a fxclient close-kind path "$FX/a/sync"
	at_once a fxclient close-kind directory "$FX/a"
	soon 5 has_requests a RELEASEDIR 1 || fail "no RELEASEDIR"
	is "$(requests a RELEASE)" 0 "RELEASE requests"
	is "$(counter "$FX/a" release_sync)" 0 "release_sync"
	server_stop a
}

@test "O_TMPFILE: close(2) waits as for any file, where the kernel has it" {
	nodes a --want 2 --delay release=400
	run_ 0 fxclient close-kind tmpfile "$FX/a"
	if [ "$(field open)" = EOPNOTSUPP ]; then
		server_stop a
		skip "FUSE of this kernel has no O_TMPFILE (it came with 6.2)"
	fi
	is "$(field open)" OK "open(2)"
	closes_after close_us 400 "of a file with the flag"
	connection_set "$FX/a" sync_release off
	at_once a fxclient close-kind tmpfile "$FX/a"
	server_stop a
}

@test "munmap(2) never waits for RELEASE, though it drops the last reference" {
	nodes a --want 2
	at_once a fxclient map-close "$FX/a/sync"
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
	is "$(counter "$FX/a" release_sync)" 0 "release_sync"
	server_stop a
}

@test "a server without OPEN has no RELEASE: close(2) has nothing to wait for" {
	nodes a --fail open=ENOSYS
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-kind read "$FX/a/one"
	at_once a fxclient close-kind read "$FX/a/two"
	is "$(requests a OPEN) $(requests a RELEASE)" "1 0" "OPEN and RELEASE requests"
	server_stop a
}

@test "toggling at run time acts on files that are open already" {
	server a --delay release=400 --fail release=EIO
	run_ 0 fxclient close "$FX/a/file"
	told "$FX/a/file"
	connection_set "$FX/a" sync_release on
	close_it
	ends "$started" 10 || fail "close(2) hangs"
	output=$(<"$FX/told")
	closes_after close_us 400 "of a file opened before on, from a server that fails RELEASE"
	told "$FX/a/file"
	tell a hold release
	connection_set "$FX/a" sync_release off
	close_it
	ends "$started" 10 || fail "close(2) of a file opened before off waits"
	server_stop a
}

@test "toggling while files are closed loses no RELEASE" {
	local i
	server a --delay release=2
	start "$FX/closing" fxclient close-many "$FX/a" 60 4
	for ((i = 0; i < 40; i++)); do
		printf 'on\n' >"$(control_of "$FX/a")/sync_release"
		printf 'off\n' >"$(control_of "$FX/a")/sync_release"
	done
	ends "$started" 60 || fail "close(2) hangs"
	output=$(<"$FX/closing")
	is "$(field errors)" 0 "errors of close(2)"
	soon 10 has_requests a RELEASE 60 || fail "$(requests a RELEASE) RELEASE requests"
	server_stop a
}

@test "both toggles on: FLUSH in the background, then RELEASE; close(2) waits for both" {
	server a --delay flush=300 --delay release=300
	connection_set "$FX/a" async_flush on
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close "$FX/a/file"
	closes_after close_us 600 "with both on"
	is "$(release_before_flush a)" "" "order"
	is "$(counter "$FX/a" flush_async) $(counter "$FX/a" release_sync)" "1 1" "counters"
	connection_set "$FX/a" sync_release off
	tell a hold flush
	at_once a fxclient close "$FX/a/file"
	# umount(2) waits for a FLUSH in the background
	tell a release all
	server_stop a
}
