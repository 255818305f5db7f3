#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Each error path of the module's init gives everything back to the stock
# driver.  Needs a debug build (make ... FUSE_EXT_DEBUG=1), which has fail_init.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want unloaded
}

teardown_file() {
	module_file_end
}

need_debug_build() {
	[ -n "${FUSE_EXT_DEBUG_MODULE:-}" ] || skip "FUSE_EXT_DEBUG_MODULE names no debug build"
	[ -r "$FUSE_EXT_DEBUG_MODULE" ] || fail "$FUSE_EXT_DEBUG_MODULE isn't there"
	steps=$(modinfo -F fail_init_steps "$FUSE_EXT_DEBUG_MODULE")
	at_least "${steps:-0}" 5 "number of steps that modinfo tells"
}

nothing_of_ours() {
	local left
	[ ! -d /sys/module/fuse_ext ] || fail "$1: the module is still there"
	[ ! -e /sys/fs/fuse_ext ] || fail "$1: /sys/fs/fuse_ext is still there"
	is "$(types_served)" "fuse=1 fuseblk=1 fusectl=1" "$1: filesystem types"
	left=$(grep fuse_ext /proc/slabinfo) || true # no match is the good case
	is "$left" "" "$1: slab caches"
}

@test "init that fails after any of its steps leaves the stock driver serving" {
	local step node
	need_debug_build
	node=$(stat -c '%i %t:%T %a' /dev/fuse)
	server before
	for ((step = 1; step <= steps; step++)); do
		run_ 1 insmod "$FUSE_EXT_DEBUG_MODULE" "fail_init=$step"
		nothing_of_ours "step $step"
		is "$(stat -c '%i %t:%T %a' /dev/fuse)" "$node" "step $step: /dev/fuse"
		run_ 0 fxclient close "$FX/before/file"
		is "$(field error)" OK "step $step: close(2) on the mount from before"
		server after
		is "$(driver_of "$FX/after")" fuse "step $step: driver of a new mount"
		run_ 0 fxclient close "$FX/after/file"
		is "$(field error)" OK "step $step: close(2) on a new mount"
		server_stop after
	done
	figure init_steps_proved "$steps" steps
	server_stop before
}

@test "the same build without fail_init loads and takes over" {
	need_debug_build
	run_ 0 insmod "$FUSE_EXT_DEBUG_MODULE"
	mount -i -t fusectl none "$FX_OURS"
	server a
	is "$(driver_of "$FX/a")" fuse_ext "driver of a new mount"
	server_stop a
	module_unload
	nothing_of_ours "after the unload"
}

@test "the module loads after all the failures" {
	module_load
	server a
	is "$(driver_of "$FX/a")" fuse_ext "driver of a new mount"
	server_stop a
	module_unload
}
