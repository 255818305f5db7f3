#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# dnf upgrade in a running machine, while mounts of both drivers are used.  After
# dnf-install, which has installed the earlier version.

load helpers/all
load helpers/dnf
load helpers/life

setup_file() {
	isolate_file
	dnf_file
	module_file
}

teardown_file() {
	module_file_end
}

@test "dnf upgrade: DKMS builds; what is mounted is served on, the next mounts by the new module" {
	need_dnf
	server stock
	used stock
	run_ 0 fusectl load
	mount -i -t fusectl none "$FX_OURS"
	server own
	used own
	is "$(driver_of "$FX/stock")" fuse "driver of the earlier mount"
	is "$(driver_of "$FX/own")" fuse_ext "driver of the later mount"
	run_ 0 dnf -y upgrade
	like "$output" "The earlier fuse_ext stays loaded.*goes on serving what is mounted" "what dnf shows"
	still_used stock
	still_used own
	is "$(loaded_version)" "$FX_OLD" "the module in memory"
	is "$(on_disk)" "$FX_NEW" "the module on the disk"
	is "$(registered)" "$FX_NEW" "what DKMS has"
	used_no_more own
	umount "$FX_OURS"
	run_ 0 fusectl unload
	run_ 0 fusectl load
	is "$(loaded_version)" "$FX_NEW" "the module in memory"
	used_no_more stock
	run_ 0 fusectl unload
}

@test "dnf again: there is nothing to do, and nothing is built" {
	need_dnf
	run_ 0 dnf -y upgrade
	like "$output" "Nothing to do" "what dnf shows"
	is "$(on_disk)" "$FX_NEW" "the module on the disk"
}
