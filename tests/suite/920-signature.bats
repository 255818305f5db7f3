#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# A kernel that loads signed modules only (Secure Boot, module.sig_enforce=1).
# The last suite of a machine: this can be switched on, and never off.  A stock
# kernel can't be told here to trust DKMS's key, that takes EFI; the debug kernel
# is compiled with it.

load helpers/all

FX_SIGNED=/opt/fuse-ext/tests/life/signed
ENFORCE=/sys/module/module/parameters/sig_enforce

setup_file() {
	local kernel
	isolate_file
	module_file
	kernel=$(uname -r)
	export FX_PLACE=/lib/modules/$kernel/updates/fuse_ext.ko
	export FX_KERNEL_MODULES=/lib/modules/$kernel/kernel
	if [ -z "${FUSE_EXT_CELL:-}" ] || [ ! -d $FX_SIGNED ]; then
		return
	fi
	# depmod(8) would read thousands of modules, minutes in an emulated machine
	if [ -d "$FX_KERNEL_MODULES" ]; then
		mount -t tmpfs none "$FX_KERNEL_MODULES"
	fi
	mkdir -p "${FX_PLACE%/*}"
	cp "$FX_SIGNED/none.ko" "$FX_PLACE"
	depmod
}

teardown_file() {
	rm -f "$FX_PLACE"
	if mountpoint -q "$FX_KERNEL_MODULES"; then
		umount "$FX_KERNEL_MODULES"
	fi
	module_file_end
}

need_signed() {
	[ -n "${FUSE_EXT_CELL:-}" ] || skip "after this, no unsigned module can be loaded: only in the test machines"
	[ -d $FX_SIGNED ] || skip "the cell's root has no compiler, and so no signed module"
	[ -e $ENFORCE ] || skip "this kernel knows no signatures"
}

module_is() { # none|good|other|changed
	cp "$FX_SIGNED/$1.ko" "$FX_PLACE"
}

# refused NAME: by the kernel, with a message that says what to do; nothing changes.
refused() {
	module_is "$1"
	run_ 1 fusectl load
	like "$output" "the kernel refuses its signature" "what fusectl load says of $1"
	like "$output" "mokutil --import /var/lib/dkms/mok.pub" "what fusectl load says of $1"
	[ ! -d /sys/module/fuse_ext ] || fail "$1 is loaded"
	is "$(types_served)" "fuse=1 fuseblk=1 fusectl=1" "types"
}

trusts_our_key() {
	[[ $FUSE_EXT_CELL == debug-* ]]
}

@test "where signatures aren't wanted, each of them loads, even the changed one's like" {
	need_signed
	is "$(<$ENFORCE)" N "sig_enforce"
	for name in none other good; do
		module_is $name
		run_ 0 fusectl load
		run_ 0 fusectl unload
	done
}

@test "where they are: no signature is refused, so is another key's, and one of other content" {
	need_signed
	echo 1 >$ENFORCE
	refused none
	refused other
	refused changed
}

@test "DKMS's key: taken by a kernel that trusts it, refused by one that doesn't" {
	need_signed
	echo 1 >$ENFORCE
	if ! trusts_our_key; then
		refused good
		return
	fi
	module_is good
	run_ 0 fusectl load
	mount -i -t fusectl none "$FX_OURS"
	server a
	is "$(driver_of "$FX/a")" fuse_ext "driver"
	run_ 0 fxclient close "$FX/a/file"
	server_stop a
	umount "$FX_OURS"
	run_ 0 fusectl unload
}

@test "under lockdown it is refused as well, and the stock driver serves" {
	need_signed
	[ ! -e /sys/kernel/debug/kmemleak ] || skip "lockdown would hide what kmemleak finds at the end"
	mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security
	[ -e /sys/kernel/security/lockdown ] || skip "this kernel has no lockdown"
	echo integrity >/sys/kernel/security/lockdown
	refused none
	server a
	is "$(driver_of "$FX/a")" fuse "driver"
	server_stop a
}
