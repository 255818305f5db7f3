#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Removing the package on a machine that runs: what is mounted is served on, and
# in the end nothing of it is left.  The last suite: there is no module after it.

load helpers/all
load helpers/life

setup_file() {
	isolate_file
	module_file
	export BATS_TEST_TIMEOUT=600 FX_LIMIT=500
}

teardown_file() {
	[ -d /opt/fuse-ext/dnf ] || all_modules
	module_file_end
}

# Not on a machine that somebody uses.
need_test_machine() {
	[ -n "${FUSE_EXT_CELL:-}" ] || skip "this removes the package: only in the test machines"
	[ ! -d /opt/fuse-ext/dnf ] || skip "fuse-ext-dkms came by dnf: suite dnf-remove removes it"
}

# what_is_there: the package's files, and what it made, by name.
what_is_there() {
	find /lib/modules /usr/src /var/lib/dkms /etc/modprobe.d /etc/modules-load.d \
		/usr/lib/modprobe.d /usr/lib/modules-load.d /var/cache/fuse-ext /run/fuse-ext \
		-name '*fuse[-_]ext*' -prune 2>>"$FX_LOG" | sort
}

@test "apt remove while a mount of ours lives: it finishes, says so, and the mount is served on" {
	need_test_machine
	like "$(what_is_there)" 'fuse_ext\.ko' "what is there before"
	run_ 0 fusectl load
	server a
	few_modules
	run_ 0 env DEBIAN_FRONTEND=noninteractive apt-get remove -y fuse-ext-dkms
	like "$output" "fuse_ext stays loaded.*goes on serving what is mounted" "what apt shows"
	[ -d /sys/module/fuse_ext ] || fail "the module is gone"
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2) after the removal"
	run_ 0 fusectl set async_flush on "$FX/a"
	server b
	run_ 0 fxclient close "$FX/b/file"
	is "$(field error)" OK "close(2) on a mount that was made after the removal"
	server_stop b
	server_stop a
	run_ 0 fusectl unload
}

@test "after that nothing can load it, and the stock driver serves" {
	need_test_machine
	run_ 1 modprobe fuse_ext
	is "$(types_served)" "fuse=1 fuseblk=1 fusectl=1" "types"
	server a
	is "$(driver_of "$FX/a")" fuse "driver"
	server_stop a
}

@test "after apt purge nothing of it is left" {
	need_test_machine
	run_ 0 env DEBIAN_FRONTEND=noninteractive apt-get purge -y fuse-ext-dkms
	is "$(what_is_there)" "" "what is left"
}
