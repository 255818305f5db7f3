#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The life of the package in a running machine, but for what 710 and 900 have:
# mounts of both drivers are used through all of it.  Minutes, so with
# FUSE_EXT_LONG=1 only; after 900, which has purged it.  What it leaves on the disk
# is tests/life's matter.

load helpers/all
load helpers/life
load helpers/nodes

setup_file() {
	isolate_file
	module_file
	export BATS_TEST_TIMEOUT=1800
	[ "$(long_or 1 0)" = 0 ] || life_file
}

teardown_file() {
	[ "$(long_or 1 0)" = 0 ] || life_file_end
	module_file_end
}

# installed_with_mounts VERSION: and a mount of each driver, both in use.
installed_with_mounts() {
	server stock
	used stock
	apt_ 0 install --allow-downgrades "$(package "$1")"
	is "$(loaded_version)" "$1" "the module in memory"
	mountpoint -q "$FX_OURS" || mount -i -t fusectl none "$FX_OURS"
	server own
	used own
	is "$(driver_of "$FX/stock")" fuse "driver of the earlier mount"
	is "$(driver_of "$FX/own")" fuse_ext "driver of the later mount"
}

need_long_life() {
	need_life
	[ "$(long_or 1 0)" = 1 ] || skip "minutes: with FUSE_EXT_LONG=1 only"
}

both_still_used() {
	still_used stock
	still_used own
}

# all_gone: nothing is mounted, the package isn't there.
all_gone() {
	used_no_more own
	used_no_more stock
	umount "$FX_OURS"
	apt_ 0 purge fuse-ext-dkms
	[ ! -d /sys/module/fuse_ext ] || fail "the module is still loaded"
	is "$(types_served)" "fuse=1 fuseblk=1 fusectl=1" "types"
}

@test "an upgrade that can't be built, and one that is killed: all goes on with the earlier module" {
	need_long_life
	installed_with_mounts "$FX_OLD"
	apt_ 100 install "$(package "$FX_BROKEN")"
	like "$output" "the earlier one, $FX_OLD, stays installed and in use" "what apt shows"
	both_still_used
	is "$(on_disk)" "$FX_OLD" "the module on the disk"
	apt_ 0 install --allow-downgrades "$(package "$FX_OLD")"
	: >/run/life.stop
	# sh, since the signal of --kill-child doesn't reach who has changed its user
	# shellcheck disable=SC2016  # for that sh
	start "$FX/apt" unshare --pid --fork --kill-child sh -c 'apt-get -q -y install "$1"; exit' \
		sh "$(package "$FX_NEW")"
	soon 300 test -e /run/life.reached || fail "apt doesn't come to make: $(<"$FX/apt")"
	kill -KILL "$started"
	ends "$started" 20 || fail "apt can't be killed"
	rm /run/life.stop /run/life.reached
	both_still_used
	is "$(on_disk)" "$FX_OLD" "the module on the disk"
	FX_LIMIT=400 run_ 0 dpkg --configure -a
	both_still_used
	is "$(on_disk)" "$FX_NEW" "the module on the disk"
	all_gone
}

@test "downgrade, remove, install again, while both are used" {
	need_long_life
	installed_with_mounts "$FX_NEW"
	apt_ 0 install --allow-downgrades "$(package "$FX_OLD")"
	both_still_used
	is "$(on_disk)" "$FX_OLD" "the module on the disk"
	apt_ 0 remove fuse-ext-dkms
	like "$output" "fuse_ext stays loaded" "what apt shows"
	both_still_used
	run_ 1 modinfo fuse_ext
	apt_ 0 install "$(package "$FX_NEW")"
	both_still_used
	is "$(loaded_version)" "$FX_NEW" "the module in memory"
	all_gone
}

@test "/usr is read-only: nothing changes, and what is mounted is served on" {
	need_long_life
	installed_with_mounts "$FX_OLD"
	mount --bind /usr /usr
	mount -o remount,bind,ro /usr
	apt_ 100 install "$(package "$FX_NEW")"
	umount -l /usr
	both_still_used
	is "$(on_disk)" "$FX_OLD" "the module on the disk"
	apt_ 0 install "$(package "$FX_NEW")"
	all_gone
}
