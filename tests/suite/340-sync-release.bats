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

close_kind() { # KIND PATH
	run_ 0 fxclient close-kind "$1" "$2"
	is "$(field open)" OK "open(2)"
}

@test "close(2) with a RELEASE of 300 ms: on waits, auto and off don't" {
	local value
	server a --delay release=300
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	closes_after close_us 300 "with on"
	for value in auto off default; do
		connection_set "$FX/a" sync_release $value
		run_ 0 fxclient close "$FX/a/file"
		closes_in close_us 150 "with $value"
	done
	server_stop a
}

@test "close(2) of a stock mount doesn't wait, whatever the module-wide setting" {
	module_unload
	server a --delay release=300
	module_load
	module_set sync_release on
	run_ 0 fxclient close "$FX/a/file"
	closes_in close_us 150 "on stock"
	# a mount of ours does, by the same setting
	server b --delay release=300
	run_ 0 fxclient close "$FX/b/file"
	closes_after close_us 300 "on ours"
	module_set sync_release auto
	server_stop a
	server_stop b
}

@test "auto: close(2) waits for files with FOPEN_SYNC_RELEASE, not for others" {
	nodes a --want 2 --delay release=300
	is "$(in_force "$FX/a" sync_release)" "auto server" "sync_release in force"
	close_kind read "$FX/a/sync"
	closes_after close_us 300 "of a file with the flag"
	close_kind read "$FX/a/plain"
	closes_in close_us 150 "of a file without it"
	is "$(counter "$FX/a" release_sync)" 1 "release_sync"
	server_stop a
}

@test "on: also files without FOPEN_SYNC_RELEASE; off: not even those with it" {
	nodes a --want 2 --delay release=300
	connection_set "$FX/a" sync_release on
	close_kind read "$FX/a/plain"
	closes_after close_us 300 "of a file without the flag, with on"
	connection_set "$FX/a" sync_release off
	close_kind read "$FX/a/sync"
	closes_in close_us 150 "of a file with the flag, with off"
	is "$(in_force "$FX/a" sync_release)" "off connection" "sync_release in force"
	server_stop a
}

@test "FOPEN_SYNC_RELEASE of a server that didn't negotiate means nothing" {
	nodes a --delay release=300
	is "$(in_force "$FX/a" sync_release)" "auto module" "sync_release in force"
	close_kind read "$FX/a/sync"
	closes_in close_us 150 "of a file with the flag"
	# though an administrator can still ask for it
	connection_set "$FX/a" sync_release on
	close_kind read "$FX/a/sync"
	closes_after close_us 300 "with on"
	server_stop a
}

@test "FOPEN_SYNC_RELEASE on stock means nothing, and harms nothing" {
	module_unload
	nodes a --delay release=300
	close_kind read "$FX/a/sync"
	closes_in close_us 150 "of a file with the flag, on stock"
	server_stop a
	module_load
}

@test "dup: only the last close(2) waits; dup2 over the last one waits" {
	server a --delay release=300
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-shared dup "$FX/a/file"
	closes_in first_us 150 "of two descriptors"
	closes_after last_us 300 "of two descriptors"
	run_ 0 fxclient close-shared dup2 "$FX/a/file"
	closes_after dup2_us 300
	connection_set "$FX/a" sync_release off
	run_ 0 fxclient close-shared dup "$FX/a/file"
	closes_in last_us 150 "of two descriptors, with off"
	server_stop a
}

@test "fork: only the last of parent and child waits, whichever it is" {
	server a --delay release=300
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-shared fork "$FX/a/file"
	closes_in parent_us 150 "which closed first"
	closes_after child_us 300 "which closed last"
	run_ 0 fxclient close-shared fork-child-first "$FX/a/file"
	closes_in child_us 150 "which closed first"
	closes_after parent_us 300 "which closed last"
	connection_set "$FX/a" sync_release off
	run_ 0 fxclient close-shared fork "$FX/a/file"
	closes_in child_us 150 "which closed last, with off"
	server_stop a
}

@test "a descriptor that another process got over a socket: its close(2) waits" {
	nodes a --delay release=300
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient pass-on "$FX/a/file"
	closes_in first_us 150 "of the sender"
	closes_after last_us 300 "of the receiver"
	connection_set "$FX/a" sync_release off
	run_ 0 fxclient pass-on "$FX/a/file"
	closes_in last_us 150 "of the receiver, with off"
	server_stop a
}

@test "O_PATH and directories never wait, a file opened for writing does" {
	nodes a --want 2 --delay release=300 --delay releasedir=300
	connection_set "$FX/a" sync_release on
	close_kind path "$FX/a/sync"
	closes_in close_us 150 "of an O_PATH descriptor"
	close_kind directory "$FX/a"
	closes_in close_us 150 "of a directory"
	is "$(requests a RELEASE)" 0 "RELEASE requests so far"
	close_kind write "$FX/a/sync"
	closes_after close_us 300 "of a file"
	soon 5 has_requests a RELEASEDIR 1 || fail "no RELEASEDIR"
	is "$(counter "$FX/a" release_sync)" 1 "release_sync"
	server_stop a
}

@test "O_TMPFILE: close(2) waits as for any file, where the kernel has it" {
	nodes a --want 2 --delay release=300
	run_ 0 fxclient close-kind tmpfile "$FX/a"
	if [ "$(field open)" = EOPNOTSUPP ]; then
		server_stop a
		skip "FUSE of this kernel has no O_TMPFILE (it came with 6.2)"
	fi
	is "$(field open)" OK "open(2)"
	closes_after close_us 300 "of a file with the flag"
	connection_set "$FX/a" sync_release off
	close_kind tmpfile "$FX/a"
	closes_in close_us 150 "with off"
	server_stop a
}

@test "munmap(2) never waits for RELEASE, though it drops the last reference" {
	nodes a --want 2 --delay release=300
	run_ 0 fxclient map-close "$FX/a/sync"
	closes_in close_us 150 "while the file is mapped"
	closes_in munmap_us 150
	soon 5 has_replies a RELEASE 1 || fail "no RELEASE"
	server_stop a
}

@test "a server without OPEN has no RELEASE: close(2) has nothing to wait for" {
	nodes a --fail open=ENOSYS --delay release=300
	connection_set "$FX/a" sync_release on
	close_kind read "$FX/a/one"
	closes_in close_us 150 "of the first file"
	close_kind read "$FX/a/two"
	closes_in close_us 150 "of the second file"
	is "$(requests a OPEN) $(requests a RELEASE)" "1 0" "OPEN and RELEASE requests"
	server_stop a
}

@test "a server that fails RELEASE: close(2) still succeeds, and has waited" {
	server a --fail release=EIO --delay release=300
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	closes_after close_us 300
	server_stop a
}

@test "toggling at run time acts on files that are open already" {
	server a --delay release=300
	run_ 0 fxclient close "$FX/a/file"
	told "$FX/a/file"
	connection_set "$FX/a" sync_release on
	close_it
	ends "$started" 10 || fail "close(2) hangs"
	output=$(<"$FX/told")
	closes_after close_us 300 "of a file opened before on"
	told "$FX/a/file"
	connection_set "$FX/a" sync_release off
	close_it
	ends "$started" 10 || fail "close(2) hangs"
	output=$(<"$FX/told")
	closes_in close_us 150 "of a file opened before off"
	server_stop a
}

@test "turning it off while close(2) waits: it waits to the end; no hang, no harm" {
	server a --hold release
	connection_set "$FX/a" sync_release on
	start "$FX/close" fxclient close "$FX/a/file"
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
	connection_set "$FX/a" sync_release off
	! ends "$started" 1 || fail "close(2) came back before the answer"
	tell a release release
	ends "$started" 5 || fail "close(2) didn't come back"
	server_stop a
}

@test "toggling while files are closed loses no RELEASE" {
	local i
	server a --delay release=2
	start "$FX/closing" fxclient close-many "$FX/a" 100 4
	for ((i = 0; i < 60; i++)); do
		printf 'on\n' >"$(control_of "$FX/a")/sync_release"
		printf 'off\n' >"$(control_of "$FX/a")/sync_release"
	done
	ends "$started" 60 || fail "close(2) hangs"
	output=$(<"$FX/closing")
	is "$(field errors)" 0 "errors of close(2)"
	soon 10 has_requests a RELEASE 100 || fail "$(requests a RELEASE) RELEASE requests"
	is "$(requests a RELEASE)" 100 "RELEASE requests"
	server_stop a
}

@test "both toggles on: FLUSH in the background, then RELEASE; close(2) waits for both" {
	server a --delay flush=200 --delay release=200
	connection_set "$FX/a" async_flush on
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close "$FX/a/file"
	closes_after close_us 400 "with both on"
	is "$(release_before_flush a)" "" "order"
	is "$(counter "$FX/a" flush_async) $(counter "$FX/a" release_sync)" "1 1" "counters"
	connection_set "$FX/a" sync_release off
	run_ 0 fxclient close "$FX/a/file"
	closes_in close_us 150 "with async_flush alone"
	connection_set "$FX/a" sync_release on
	connection_set "$FX/a" async_flush off
	run_ 0 fxclient close "$FX/a/file"
	closes_after close_us 400 "with sync_release alone"
	server_stop a
}

@test "ext_stats counts close(2)s that waited, and nothing else" {
	server a
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-many "$FX/a" 12 3
	is "$(counter "$FX/a" release_sync)" 12 "release_sync with on"
	connection_set "$FX/a" sync_release off
	run_ 0 fxclient close-many "$FX/a" 12 3
	is "$(counter "$FX/a" release_sync)" 12 "release_sync after 12 more with off"
	is "$(counter "$FX/a" release_sync_interrupted)" 0 "release_sync_interrupted"
	server_stop a
}
