#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# An upgrade of the package in a running machine, while mounts of both drivers are
# used: the module in memory is exchanged only when nothing is mounted.  After it,
# the newer version is installed: next comes 900, which removes it.

load helpers/all
load helpers/life

setup_file() {
	isolate_file
	module_file
	export BATS_TEST_TIMEOUT=1800
	life_file
}

teardown_file() {
	life_file_end
	module_file_end
}

@test "apt upgrade: what is mounted is served on, by the module that is loaded; the next by the new one" {
	need_life
	server stock
	used stock
	run_ 0 fusectl load
	mount -i -t fusectl none "$FX_OURS"
	server own
	used own
	is "$(driver_of "$FX/stock")" fuse "driver of the earlier mount"
	is "$(driver_of "$FX/own")" fuse_ext "driver of the later mount"
	apt_ 0 install "$(package "$FX_NEXT")"
	like "$output" "The earlier fuse_ext stays loaded.*goes on serving what is mounted" "what apt shows"
	still_used stock
	still_used own
	is "$(loaded_version)" "$FX_NEW" "the module in memory"
	is "$(on_disk)" "$FX_NEXT" "the module on the disk"
	used_no_more own
	umount "$FX_OURS"
	run_ 0 fusectl unload
	run_ 0 fusectl load
	is "$(loaded_version)" "$FX_NEXT" "the module in memory"
	used_no_more stock
	run_ 0 fusectl unload
}
