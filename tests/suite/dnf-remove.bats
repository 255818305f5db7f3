#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# dnf remove in a running machine: what is mounted is served on, and in the end
# nothing of it is left.  The last of the dnf suites.

load helpers/all
load helpers/dnf
load helpers/life

setup_file() {
	isolate_file
	dnf_file
	module_file
}

teardown_file() {
	if [ -d "$FX_DNF" ]; then
		compile_again
		all_modules
	fi
	module_file_end
}

@test "dnf remove while a mount of ours is used: it finishes, says so, and the mount is served on" {
	need_dnf
	like "$(what_is_there)" 'fuse_ext\.ko' "what is there before"
	run_ 0 fusectl load
	mount -i -t fusectl none "$FX_OURS"
	server own
	used own
	is "$(driver_of "$FX/own")" fuse_ext "driver"
	run_ 0 dnf -y remove fuse-ext-dkms
	like "$output" "fuse_ext stays loaded.*goes on serving what is mounted" "what dnf shows"
	still_used own
	run_ 1 modinfo fuse_ext
	used_no_more own
	umount "$FX_OURS"
	run_ 0 fusectl unload
	is "$(types_served)" "fuse=1 fuseblk=1 fusectl=1" "types"
}

@test "after that nothing of it is left, neither the sources that were fetched" {
	need_dnf
	run_ 0 dnf -y remove fusectl
	is "$(what_is_there)" "" "what is left"
	is "$(rpm -qa --qf '%{NAME}\n' | grep -v gpg-pubkey | sort | paste -sd ' ')" \
		"host-capabilities kernel-core" "packages"
	run_ 1 modprobe fuse_ext
	server a
	is "$(driver_of "$FX/a")" fuse "driver"
	server_stop a
}
