#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# sync_release by kind of mount: mount options, fuseblk, files that are passed
# through.  What the toggle then does is in 340.

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

options_of() { # NAME: as /proc/mounts shows them, with a comma at both ends
	echo ",$(mount_field "$FX/$1" 4),"
}

@test "disable_sync_release: in force, shown, and stronger than the server" {
	nodes a --want 2 --delay release=400 --mount-data disable_sync_release
	like "$(options_of a)" ",disable_sync_release," "options"
	is "$(in_force "$FX/a" sync_release)" "off mount" "sync_release in force"
	at_once a fxclient close-kind read "$FX/a/sync"
	# the same server without the option
	nodes b --want 2 --delay release=400
	run_ 1 grep "$FX/b .*sync_release" /proc/mounts
	run_ 0 fxclient close-kind read "$FX/b/sync"
	closes_after close_us 400 "of a file with the flag, without the option"
	server_stop a
	server_stop b
}

@test "remount: disable_sync_release is set, and unset again" {
	nodes a --want 2 --delay release=400
	run_ 0 fxclient close-kind read "$FX/a/sync"
	closes_after close_us 400 "before a remount"
	run_ 0 fxclient remount "$FX/a" disable_sync_release
	like "$(options_of a)" ",disable_sync_release," "options"
	at_once a fxclient close-kind read "$FX/a/sync"
	run_ 0 fxclient remount "$FX/a" sync_release=auto
	like "$(options_of a)" ",sync_release=auto," "options"
	is "$(in_force "$FX/a" sync_release)" "auto server" "sync_release in force"
	tell a release release
	run_ 0 fxclient close-kind read "$FX/a/sync"
	closes_after close_us 400 "after a remount with sync_release=auto"
	server_stop a
}

@test "sync_release=on as a mount option: every file, unless the connection says off" {
	nodes a --delay release=400 --mount-data sync_release=on
	like "$(options_of a)" ",sync_release=on," "options"
	run_ 0 fxclient close-kind read "$FX/a/plain"
	closes_after close_us 400 "with the mount option"
	connection_set "$FX/a" sync_release off
	at_once a fxclient close-kind read "$FX/a/plain"
	server_stop a
}

# A loop device of a megabyte, in $loop; dropped by teardown below.
loop_device() {
	loop_driver
	truncate -s 1M "$FX/image"
	run_ 0 losetup --find --show "$FX/image"
	loop=$output
}
teardown() {
	local result=0
	isolate_end || result=1
	[ -z "${loop:-}" ] || losetup --detach "$loop" || result=1
	return $result
}

@test "fuseblk: on waits, off doesn't" {
	loop_device
	nodes a --type fuseblk --device "$loop" --mount-data blksize=512 --delay release=400
	is "$(driver_of "$FX/a")" fuse_ext "driver"
	is "$(mount_field "$FX/a" 3)" fuseblk "type"
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close-kind read "$FX/a/file"
	closes_after close_us 400 "with on"
	connection_set "$FX/a" sync_release off
	at_once a fxclient close-kind read "$FX/a/file"
	server_stop a
}

# The kernel passes files through from 6.9 on; the server prints whether it does.
passed_through() { # OPTION...
	printf 'passed through' >"$FX/backing"
	truncate -s 65536 "$FX/backing"
	nodes a --passthrough "$FX/backing" "$@"
	if [ "$(field passthrough)" != 1 ]; then
		server_stop a
		skip "this kernel doesn't pass files through (it came with 6.9)"
	fi
}

@test "passthrough: a file with FOPEN_SYNC_RELEASE waits, one without doesn't" {
	passed_through --want 2 --delay release=400
	run_ 0 fxclient close-kind read "$FX/a/sync"
	closes_after close_us 400 "of a file with the flag"
	at_once a fxclient close-kind read "$FX/a/plain"
	connection_set "$FX/a" sync_release off
	at_once a head -c 14 "$FX/a/sync"
	is "$output" "passed through" "what is read"
	is "$(requests a READ)" 0 "READ requests"
	server_stop a
}

@test "fuseblk and passthrough on stock: no wait, and the flag is refused where it was" {
	local open
	: >"$FX/backing"
	nodes a --passthrough "$FX/backing"
	run_ 0 fxclient close-kind read "$FX/a/sync"
	open=$(field open)
	server_stop a
	module_unload
	loop_device
	nodes a --type fuseblk --device "$loop" --mount-data blksize=512 --delay release=400
	at_once a fxclient close-kind read "$FX/a/file"
	server_stop a
	nodes a --passthrough "$FX/backing"
	run_ 0 fxclient close-kind read "$FX/a/sync"
	is "$(field open)" "$open" "open(2) with the flag, passed through, not negotiated"
	server_stop a
	module_load
}
