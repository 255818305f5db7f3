#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fusectl doctor: each finding, with and without its cause.  Against a machine
# made of files, not a kernel.

load helpers/fusectl

setup_file() { fusectl_build; }

# A machine without any problem: nothing waits, DKMS has built it.
setup() {
	fusectl_loaded_machine
	local waiting

	for waiting in "$FUSECTL_ROOT"/own/*/waiting; do
		echo 0 >"$waiting"
	done
	command_says dkms 0 "fuse-ext/0.1.0, $(uname -r), x86_64: installed"
	command_says dpkg-query 0 6.12.117-1
	command_says dpkg 1
}

# findings: SEVERITY CHECK of each, from the last run
findings() { jq -r '.findings[] | .severity + " " + .check' <<<"$output"; }

# problem CHECK WORDS [OPTION...]: this one problem, and no other
problem() {
	fusectl 1 doctor -j "${@:3}"
	assert_equal "$(findings | grep -v ^info)" "problem $1"
	assert_output "$2"
}
healthy() {
	fusectl 0 doctor -j "$@"
	assert_equal "$(findings | grep -v ^info)" ""
}

@test "doctor: a healthy machine has no problem; stock mounts are worth knowing" {
	healthy
	assert_equal "$(findings)" "info stock"
	fusectl 0 doctor
	assert_output "no problem found"
	assert_output "/mnt/stock (connection 51, fuse.sshfs) is served by the stock driver"
	assert_no_change
	fusectl 2 doctor x
	fusectl 2 doctor --wait x
	fusectl 2 doctor --wait 0
	fusectl 2 doctor --wait 4294967296
}

@test "doctor: not loaded, and not installed" {
	rm -r "$FUSECTL_ROOT"/own/*
	sed -i '/ 0:52 \| 0:53 \| 7:0 /d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh
	fusectl 0 unload
	problem loaded "fusectl load"
	rm -r "$FUSECTL_ROOT/modinfo"
	problem loaded "isn't installed for the running kernel"
}

@test "doctor: the installed module is another one" {
	echo other >"$FUSECTL_ROOT/modinfo/srcversion"
	problem installed "fusectl unload --when-idle"
	echo 0123456789ABCDEF >"$FUSECTL_ROOT/modinfo/srcversion"
	healthy
}

@test "doctor: the installed module is of our same files, but another source" {
	echo fedcba >"$FUSECTL_ROOT/modinfo/fuse_source_hash"
	problem installed "0.1.0, linux-source-6.12 6.12.117-1 fedcba"
	fusectl 0 status -nro VALUE installed
	assert_output "differs"
	echo abcdef >"$FUSECTL_ROOT/modinfo/fuse_source_hash"
	healthy
	fusectl 0 status -nro VALUE installed
	assert_output "same"
}

@test "doctor: errors in the policy's files, each with its place" {
	local file=$FUSECTL_ROOT/etc/fusectl.conf
	mkdir -p "${file%/*}"
	printf '[module]\nasync_flush = on\n' >"$file"
	healthy
	printf '[module]\nasync_flush = on\nsyncfs = perhaps\n' >"$file"
	problem policy "/etc/fusectl.conf:3:10: "
	assert_output "editor /etc/fusectl.conf"
	assert_no_change
}

@test "doctor: a control filesystem that isn't mounted; doctor doesn't mount it" {
	sed -i '/ 0:41 .*fuse_ext/d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh /sys/fs/fuse_ext/connections
	problem control "isn't mounted at /sys/fs/fuse_ext/connections"
	assert_no_change
}

@test "doctor: a newer source than the module was built from" {
	command_says dpkg-query 0 6.12.118-1
	command_says dpkg 0
	problem source "built from linux-source-6.12 6.12.117-1, but 6.12.118-1 is installed"
}

@test "doctor: the newest kernel has no module: headers, source, build" {
	local modules=$FUSECTL_ROOT/lib/modules/99.9.0-x
	mkdir -p "$modules" "$FUSECTL_ROOT/usr/bin" "$FUSECTL_ROOT/boot" "$FUSECTL_ROOT/usr/src"
	touch "$FUSECTL_ROOT/usr/bin/dpkg" "$FUSECTL_ROOT/boot/vmlinuz-99.9.0-x"
	problem next-boot "apt install linux-headers-99.9.0-x"
	mkdir -p "$modules/build/include"
	problem next-boot "fuse-ext-source fetch"
	touch "$FUSECTL_ROOT/usr/src/linux-source-99.9.tar.xz"
	problem next-boot "dkms autoinstall -k 99.9.0-x"
	mkdir -p "$modules/updates/dkms"
	touch "$modules/updates/dkms/fuse_ext.ko.xz"
	healthy
}

@test "doctor: DKMS hasn't built it, with the error of its log" {
	local log version
	version=$(<"$FUSECTL_SOURCE/../VERSION")
	log=$FUSECTL_ROOT/var/lib/dkms/fuse-ext/$version/build
	mkdir -p "$log"
	printf 'CC x\nprepare: no source for 6.12\nmake: end\n' >"$log/make.log"
	command_says dkms 0 "fuse-ext/0.1.0, $(uname -r), x86_64: added"
	problem dkms "prepare: no source for 6.12"
	rm "$FUSECTL_ROOT/commands/dkms"
	fusectl 0 doctor -j
	assert_equal "$(findings | grep -v ^info)" "unchecked dkms"
}

@test "doctor: where DKMS has noted it as installed, dkms isn't run" {
	local dkms version
	version=$(<"$FUSECTL_SOURCE/../VERSION")
	dkms=$FUSECTL_ROOT/var/lib/dkms/fuse-ext
	rm "$FUSECTL_ROOT/commands/dkms"
	mkdir -p "$dkms/$version"
	ln -s "$version/$(uname -r)/x86_64" "$dkms/kernel-$(uname -r)-x86_64"
	healthy
	# of another version, or for another kernel
	ln -sf "0.0/$(uname -r)/x86_64" "$dkms/kernel-$(uname -r)-x86_64"
	fusectl 0 doctor -j
	assert_equal "$(findings | grep -v ^info)" "unchecked dkms"
	mv "$dkms/kernel-$(uname -r)-x86_64" "$dkms/kernel-9-x86_64"
	fusectl 0 doctor -j
	assert_equal "$(findings | grep -v ^info)" "unchecked dkms"
}

@test "doctor: signatures are asked for, and the key isn't enrolled" {
	rm -r "$FUSECTL_ROOT"/own/*
	sed -i '/ 0:52 \| 0:53 \| 7:0 /d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh
	fusectl 0 unload
	local efi=$FUSECTL_ROOT/sys/firmware/efi/efivars
	mkdir -p "$efi"
	printf '\006\000\000\000\001' >"$efi/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	fusectl 1 doctor -j
	assert_output "fuse_ext.ko isn't signed"
	echo DKMS key >"$FUSECTL_ROOT/modinfo/signer"
	command_says mokutil 1 "/var/lib/dkms/mok.pub is not enrolled"
	fusectl 1 doctor -j
	assert_output "mokutil --import /var/lib/dkms/mok.pub"
	command_says mokutil 0 "/var/lib/dkms/mok.pub is already enrolled"
	fusectl 1 doctor -j
	assert_equal "$(findings)" "problem loaded"
	printf '\006\000\000\000\000' >"$efi/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	rm "$FUSECTL_ROOT/modinfo/signer"
	fusectl 1 doctor -j
	assert_equal "$(findings)" "problem loaded"
}

@test "doctor: modprobe.d has what it doesn't know, blacklist, install" {
	local file=$FUSECTL_ROOT/etc/modprobe.d/x.conf
	mkdir -p "${file%/*}"
	echo 'options fuse_ext async_flush=exit' >"$file"
	fusectl 0 doctor -j
	assert_equal "$(findings | grep modprobe)" "info modprobe.d"
	echo 'options fuse_ext async_flush=auto' >"$file"
	healthy
	# the stock driver's
	echo 'options fuse_ext max_user_bgreq=1024' >"$file"
	touch "$FUSECTL_ROOT/sys/module/fuse_ext/parameters/max_user_bgreq"
	healthy
	echo 'options fuse-ext asink=on' >"$file"
	problem modprobe.d "asink=on, which fuse_ext doesn't know"
	echo 'options fuse_ext syncfs=exit' >"$file"
	problem modprobe.d "syncfs=exit"
	echo 'blacklist fuse_ext' >"$file"
	problem modprobe.d "has 'blacklist fuse_ext'"
	echo 'install fuse_ext /bin/true' >"$file"
	problem modprobe.d "has 'install fuse_ext'"
	echo '# blacklist fuse_ext' >"$file"
	healthy
}

@test "doctor: modprobe.d has the stock driver's options, before fuse_ext is loaded" {
	mkdir -p "$FUSECTL_ROOT/etc/modprobe.d"
	echo 'options fuse_ext max_user_bgreq=1024 max_user_congthresh=9' \
		>"$FUSECTL_ROOT/etc/modprobe.d/x.conf"
	fusectl_unloaded
	fusectl 1 doctor -j
	refute_output "modprobe.d"
}

@test "doctor: a stopped server with requests that wait; progress isn't stuck" {
	server 900 52
	echo '900 (ser)ver) T 1 1' >"$FUSECTL_ROOT/proc/900/stat"
	echo 2 >"$FUSECTL_ROOT/own/52/waiting"
	echo '15 4 0 0 100' >"$FUSECTL_ROOT/own/52/ext_requests"
	problem stuck "connection 52 (/mnt/a): 2 requests wait" --wait 1
	assert_output "process 900 (/usr/bin/server900), which is stopped (T)"
	assert_output "kill -CONT 900"
	(sleep 1 && echo '15 5 0 0 100' >"$FUSECTL_ROOT/own/52/ext_requests") 3>&- &
	healthy --wait 4
}

@test "doctor: where in the kernel the server waits: its stack, or wait channel" {
	server 900 52
	echo '900 (server) S 1 1' >"$FUSECTL_ROOT/proc/900/stat"
	echo 2 >"$FUSECTL_ROOT/own/52/waiting"
	echo >"$FUSECTL_ROOT/own/52/ext_requests"
	printf 'futex_wait_queue' >"$FUSECTL_ROOT/proc/900/wchan"
	problem stuck "(/usr/bin/server900), in futex_wait_queue" --wait 1
	printf '[<0>] nfs_wait+0x1/0x2 [nfs]\n[<0>] top+0x0/0x1\n' >"$FUSECTL_ROOT/proc/900/stack"
	problem stuck "(/usr/bin/server900), in nfs_wait" --wait 1
	: >"$FUSECTL_ROOT/proc/900/stack"
	echo 0 >"$FUSECTL_ROOT/proc/900/wchan"
	problem stuck '(/usr/bin/server900)"' --wait 1
}

@test "doctor: a stock connection may be stuck, where nobody tells of its server" {
	echo 1 >"$FUSECTL_ROOT/stock/51/waiting"
	fusectl 0 doctor -j --wait 1
	assert_equal "$(findings | grep -v ^info)" "possible stuck"
	assert_output "perhaps without an answer for 1 s: whose process isn't known"
	assert_output "fusectl abort 51"
	(sleep 1 && echo 0 >"$FUSECTL_ROOT/stock/51/waiting") 3>&- &
	healthy --wait 4
}

# switches NUMBER: of its only thread
switches() {
	printf 'Name:\tx\nvoluntary_ctxt_switches:\t%s\nnonvoluntary_ctxt_switches:\t3\n' "$1" \
		>"$FUSECTL_ROOT/proc/900/task/900/status"
}

@test "doctor: a stock connection is stuck, where its server does nothing" {
	server 900 51
	mkdir -p "$FUSECTL_ROOT/proc/900/task/900"
	switches 7
	echo 1 >"$FUSECTL_ROOT/stock/51/waiting"
	problem stuck "1 requests wait, no answer in 1 s: process 900" --wait 1
	(sleep 0.5 && switches 8) 3>&- &
	fusectl 0 doctor -j --wait 2
	assert_equal "$(findings | grep -v ^info)" "possible stuck"
}

@test "doctor: a server that is ready for more may have to wait, as for a lock" {
	local folder
	server 900 52
	echo '900 (server) S 1 1' >"$FUSECTL_ROOT/proc/900/stat"
	mkdir -p "$FUSECTL_ROOT"/proc/900/task/{900,901}
	printf futex_wait_queue >"$FUSECTL_ROOT/proc/900/task/900/wchan"
	printf '[<0>] fuse_dev_do_read.isra.0+0x1/0x2 [fuse_ext]\n[<0>] fuse_dev_read+0x1/0x2\n' \
		>"$FUSECTL_ROOT/proc/900/task/901/stack"
	server 901 51
	cp -r "$FUSECTL_ROOT"/proc/900/{stat,task} "$FUSECTL_ROOT/proc/901/"
	echo >"$FUSECTL_ROOT/own/52/ext_requests"
	for folder in own/52 stock/51; do
		echo 1 >"$FUSECTL_ROOT/$folder/waiting"
		fusectl 0 doctor -j --wait 1
		assert_equal "$(findings | grep -v ^info)" "possible stuck"
		assert_output "connection ${folder#*/} (/mnt/"
		assert_output "1 requests wait, no answer in 1 s"
		assert_output "who waits for a lock is right to wait"
		assert_output "if it isn't a lock: fusectl abort ${folder#*/}"
		echo 0 >"$FUSECTL_ROOT/$folder/waiting"
	done
	# one that is stopped isn't
	echo 1 >"$FUSECTL_ROOT/own/52/waiting"
	echo '900 (server) T 1 1' >"$FUSECTL_ROOT/proc/900/stat"
	problem stuck "which is stopped (T)" --wait 1
}

@test "doctor: what waits and can't be read is told as unchecked" {
	local fusectl=("$FUSECTL_SOURCE/check-build.d/fusectl" doctor -j)

	chmod -R a+rX "$BATS_RUN_TMPDIR"
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups "${fusectl[@]}"
	assert_equal "$(findings)" "info stock"
	chmod 0400 "$FUSECTL_ROOT"/own/{52,53}/waiting
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups "${fusectl[@]}"
	assert_equal "$(findings | grep stuck)" "unchecked stuck"
	assert_output "of 2 connections can't be read"
	assert_output "as root: fusectl doctor"
	sed -i '/ 0:40 .*stock-connections/d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh /run/fuse-ext/stock-connections
	fusectl 0 doctor -j
	assert_equal "$(findings | grep stuck)" "unchecked stuck"
	assert_output "of 1 connection can't be read"
	assert_output '"fusectl load"'
}
