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

close_time() { # NAME FILE
	run_ 0 fxclient close-kind read "$FX/$1/$2"
	is "$(field open)" OK "open(2)"
}

@test "disable_sync_release: in force, shown, and stronger than the server" {
	nodes a --want 2 --delay release=300 --mount-data disable_sync_release
	like "$(options_of a)" ",disable_sync_release," "options"
	is "$(in_force "$FX/a" sync_release)" "off mount" "sync_release in force"
	close_time a sync
	closes_in close_us 150 "of a file with the flag"
	# the same server without the option
	nodes b --want 2 --delay release=300
	run_ 1 grep "$FX/b .*sync_release" /proc/mounts
	close_time b sync
	closes_after close_us 300 "of a file with the flag, without the option"
	server_stop a
	server_stop b
}

@test "remount: disable_sync_release is set, and unset again" {
	nodes a --want 2 --delay release=300
	run_ 0 fxclient remount "$FX/a" disable_sync_release
	like "$(options_of a)" ",disable_sync_release," "options"
	close_time a sync
	closes_in close_us 150 "after a remount with disable_sync_release"
	run_ 0 fxclient remount "$FX/a" sync_release=auto
	is "$(in_force "$FX/a" sync_release)" "auto server" "sync_release in force"
	close_time a sync
	closes_after close_us 300 "after a remount with sync_release=auto"
	run_ 0 fxclient remount "$FX/a" sync_release=on
	close_time a plain
	closes_after close_us 300 "after a remount with sync_release=on"
	server_stop a
}

@test "sync_release=on as a mount option: every file" {
	server a --delay release=300 --mount-data sync_release=on
	like "$(options_of a)" ",sync_release=on," "options"
	run_ 0 fxclient close "$FX/a/file"
	closes_after close_us 300
	# the connection's own setting is stronger
	connection_set "$FX/a" sync_release off
	run_ 0 fxclient close "$FX/a/file"
	closes_in close_us 150 "with off on the connection"
	server_stop a
}

@test "the stock driver refuses disable_sync_release" {
	module_unload
	run_ 1 nodeserver --mount-data disable_sync_release "$FX/a"
	like "$output" "mount .*disable_sync_release" "the message"
	module_load
}

# A loop device of a megabyte, in $loop; dropped by teardown below.
loop_device() {
	grep -qw loop /proc/devices || modprobe loop
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
	nodes a --type fuseblk --device "$loop" --mount-data blksize=512 --delay release=300
	is "$(driver_of "$FX/a")" fuse_ext "driver"
	is "$(mount_field "$FX/a" 3)" fuseblk "type"
	connection_set "$FX/a" sync_release on
	close_time a file
	closes_after close_us 300 "with on"
	connection_set "$FX/a" sync_release off
	close_time a file
	closes_in close_us 150 "with off"
	server_stop a
}

@test "fuseblk on stock doesn't wait" {
	module_unload
	loop_device
	nodes a --type fuseblk --device "$loop" --mount-data blksize=512 --delay release=300
	close_time a file
	closes_in close_us 150 "on stock"
	server_stop a
	module_load
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
	passed_through --want 2 --delay release=300
	close_time a sync
	closes_after close_us 300 "of a file with the flag"
	close_time a plain
	closes_in close_us 150 "of a file without it"
	run_ 0 head -c 14 "$FX/a/sync"
	is "$output" "passed through" "what is read"
	is "$(requests a READ)" 0 "READ requests"
	connection_set "$FX/a" sync_release off
	close_time a sync
	closes_in close_us 150 "with off"
	server_stop a
}

@test "passthrough without negotiation: the flag is refused as on stock" {
	local ours
	passed_through
	run_ 0 fxclient close-kind read "$FX/a/sync"
	ours=$(field open)
	run_ 0 fxclient close-kind read "$FX/a/plain"
	is "$(field open)" OK "open(2) of a file without the flag"
	server_stop a
	module_unload
	passed_through
	run_ 0 fxclient close-kind read "$FX/a/sync"
	is "$ours" "$(field open)" "open(2) of a file with the flag"
	server_stop a
	module_load
}
