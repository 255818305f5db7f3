#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The maintainer scripts of fuse-ext-dkms: what they do and say in each state
# of the machine.  The machine is a directory, and fusectl and the other tools
# are stand-ins; the real ones are tested in a booted kernel.

setup() {
	bats_require_minimum_version 1.5.0
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	root=$BATS_TEST_TMPDIR/root
	kernel=6.12.7-amd64
	mkdir -p "$root/lib/modules/$kernel/build/include" "$root/sys/module" "$root/run" \
		"$root/sys/kernel/security" "$root/usr/src/fuse-ext-0.1.0/src/hooks" \
		"$root/etc/dkms" "$root/var/lib/dkms" \
		"$root/var/cache" "$BATS_TEST_TMPDIR/bin"
	cp "$top/src/hooks/series" "$root/usr/src/fuse-ext-0.1.0/src/hooks"
	echo 0.1.0 >"$root/usr/src/fuse-ext-0.1.0/VERSION"
	for script in postinst prerm postrm; do
		# dh_dkms puts its part in the place of the token.
		sed -e "s#\(/lib/modules\|/sys/\|/usr/src\|/etc/dkms\|/var/lib/\|/var/cache\|/run/\)#$root\1#g" \
			-e 's/^#DEBHELPER#$/dkms_part/' -e 's/#FUSE_EXT_VERSION#/0.1.0/' \
			-e "s#/usr/lib/fuse-ext/dkms-versions#dkms_versions#" \
			"$top/debian/fuse-ext-dkms.$script" >"$BATS_TEST_TMPDIR/$script"
	done
	log=$BATS_TEST_TMPDIR/log
	: >"$log"
	versions=$BATS_TEST_TMPDIR/versions
	: >"$versions"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	stand_in uname "echo $kernel"
	stand_in ischroot 'exit 1'
	stand_in dkms_part 'exit 0'
	stand_in mountpoint 'exit 1'
	stand_in fusectl "echo \"\$*\" >>$log"
	stand_in dkms_versions "echo \"\$*\" >>$versions"
	stand_in modinfo 'case "$*" in *srcversion*) echo BBBB;; *signer*) echo "DKMS key";; *version*) echo 0.1.0;; esac'
}

stand_in() {
	printf '#!/bin/sh\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
	chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

script() {
	sh "$BATS_TEST_TMPDIR/$1" "${@:2}"
}

loaded() {
	mkdir -p "$root/sys/module/fuse_ext"
	echo "$1" >"$root/sys/module/fuse_ext/srcversion"
}

assert_says() {
	[[ $output == *"$1"* ]] || {
		printf 'expected: %s\nsaid:\n%s\n' "$1" "$output"
		return 1
	}
}

# What fusectl was called with, in order.
assert_fusectl() {
	[ "$(paste -sd ' ' "$log")" = "$1" ] || {
		cat "$log"
		return 1
	}
}

# What dkms-versions was called with, in order.
assert_versions() {
	[ "$(paste -sd ' ' "$versions")" = "$1" ] || {
		cat "$versions"
		return 1
	}
}

@test "postinst: loads the module" {
	run -0 script postinst configure
	assert_says "fuse_ext is loaded: new FUSE mounts"
	assert_fusectl load
}

@test "postinst: what a killed run left goes before DKMS's part, earlier versions after it" {
	stand_in dkms_part "echo dkms >>$versions"
	run -0 script postinst configure 0.0.9
	assert_versions "mend dkms replace 0.1.0"
}

@test "postinst: after an upgrade that was given up, DKMS has the source in /usr/src again" {
	run -0 script postinst abort-upgrade 0.1.1
	[ -z "$output" ]
	assert_fusectl ""
	assert_versions "unkeep 0.1.0"
}

@test "postinst: a module that can't be loaded leaves the package configured" {
	stand_in fusectl 'echo "fusectl: no" >&2; exit 1'
	run -0 script postinst configure
	assert_says "fusectl: no"
	assert_says "isn't loaded, for the reason above"
	assert_says "fusectl load"
}

@test "postinst: a module that can't be built fails, and what prepare said is shown" {
	stand_in dkms_part 'exit 10'
	stand_in modinfo 'exit 1'
	mkdir -p "$root/var/lib/dkms/fuse-ext/0.1.0/build"
	printf 'DKMS log\n# command: src/prepare\nprepare: there is no source\n  Install it: apt install x\n\n# exit code: 3\n' \
		>"$root/var/lib/dkms/fuse-ext/0.1.0/build/make.log"
	run -10 script postinst configure
	assert_says $'prepare: there is no source\n  Install it: apt install x\nfuse-ext-dkms:'
	assert_says "the kernel's own FUSE driver stays in charge"
	[[ $output != *"exit code"* ]]
	assert_fusectl ""
}

@test "postinst: a module that can't be built leaves the earlier one, and it is checked" {
	stand_in dkms_part 'exit 10'
	stand_in dkms_versions "echo \"\$*\" >>$versions; [ \"\$1\" != earlier ] || echo 0.0.9"
	run -10 script postinst configure 0.0.9
	assert_says "the earlier one, 0.0.9, stays installed and in use"
	assert_versions "mend restore earlier 0.1.0"
	assert_fusectl ""
}

@test "postinst: a disk that is full is said to be" {
	stand_in dkms_part 'exit 10'
	stand_in modinfo 'exit 1'
	stand_in df 'echo Avail; echo 2048'
	mkdir -p "$root/var/lib/dkms/fuse-ext/0.1.0/build"
	printf '%s\n' 'as: src/init.o: No space left on device' \
		>"$root/var/lib/dkms/fuse-ext/0.1.0/build/make.log"
	run -10 script postinst configure
	assert_says "No space left on device"
	assert_says "has 2 MB left, and a build takes up to 40 MB"
}

@test "postinst: with Secure Boot it says which key to enrol, and how" {
	stand_in fusectl 'echo "fusectl: no key" >&2; exit 1'
	echo '[none] integrity confidentiality' >"$root/sys/kernel/security/lockdown"
	run -0 script postinst configure
	[[ $output != *mokutil* ]]
	assert_says "fusectl load"
	echo 'none [integrity] confidentiality' >"$root/sys/kernel/security/lockdown"
	run -0 script postinst configure
	assert_says "mokutil --import $root/var/lib/dkms/mok.pub"
	echo 'mok_certificate=/etc/keys/own.der' >"$root/etc/dkms/framework.conf"
	run -0 script postinst configure
	assert_says "mokutil --import /etc/keys/own.der"
}

@test "postinst: a module without a signature, where one is wanted" {
	stand_in fusectl 'exit 1'
	stand_in modinfo 'case "$*" in *srcversion*) echo BBBB;; esac'
	mkdir -p "$root/sys/module/module/parameters"
	echo N >"$root/sys/module/module/parameters/sig_enforce"
	run -0 script postinst configure
	[[ $output != *"isn't signed"* ]]
	echo Y >"$root/sys/module/module/parameters/sig_enforce"
	run -0 script postinst configure
	assert_says "isn't signed"
	[[ $output != *mokutil* ]]
}

@test "postinst: in a chroot it doesn't touch the machine" {
	stand_in ischroot 'exit 0'
	run -0 script postinst configure
	assert_says "this is a chroot or a container"
	assert_fusectl ""
}

@test "postinst: says that the running kernel isn't installed" {
	rm -r "$root/lib/modules/$kernel"
	run -0 script postinst configure
	assert_says "the running kernel, $kernel, isn't installed here"
	assert_fusectl ""
}

@test "postinst: says why there is no module for the running kernel" {
	stand_in modinfo 'exit 1'
	run -0 script postinst configure
	assert_says "DKMS built none for the running kernel, $kernel"
	assert_says "dkms autoinstall -k $kernel"
	rmdir "$root/lib/modules/$kernel/build/include"
	run -0 script postinst configure
	assert_says "apt install linux-headers-$kernel"
	touch "$root/etc/dkms/no-autoinstall"
	run -0 script postinst configure
	assert_says "dkms install -m fuse-ext -v 0.1.0 -k $kernel"
	stand_in uname 'echo 6.5.0-9-generic'
	mkdir "$root/lib/modules/6.5.0-9-generic"
	run -0 script postinst configure
	assert_says "no hooks for the kernel series 6.5"
	assert_fusectl ""
}

@test "postinst: the same build that is loaded stays" {
	loaded BBBB
	run -0 script postinst configure 0.1.0
	assert_says "is loaded already"
	assert_fusectl ""
}

@test "postinst: an upgrade without mounts exchanges the module" {
	loaded AAAA
	run -0 script postinst configure 0.1.0
	assert_fusectl "unload load"
}

@test "postinst: an upgrade with mounts keeps them served, and says when the new one is used" {
	loaded AAAA
	stand_in fusectl "echo \"\$*\" >>$log; [ \"\$1\" != unload ]"
	run -0 script postinst configure 0.1.0
	assert_says "goes on serving what is mounted"
	assert_says "after a reboot"
	assert_fusectl unload
}

@test "prerm: remove unloads" {
	loaded BBBB
	run -0 script prerm remove
	assert_says "fuse_ext is unloaded"
	assert_fusectl unload
}

@test "prerm: remove with mounts leaves it loaded, says so, and finishes" {
	loaded BBBB
	stand_in fusectl 'echo "fusectl: in use" >&2; exit 1'
	run -0 script prerm remove
	assert_says "fusectl: in use"
	assert_says "stays loaded, for the reason above"
}

@test "prerm: an upgrade, a chroot and a module that isn't loaded: nothing to unload" {
	run -0 script prerm remove
	loaded BBBB
	run -0 script prerm upgrade 0.1.1
	stand_in ischroot 'exit 0'
	run -0 script prerm remove
	[ -z "$output" ]
	assert_fusectl ""
}

@test "prerm: an upgrade keeps the module, where DKMS's part would remove it" {
	stand_in dkms_part "echo dkms >>$versions"
	run -0 script prerm upgrade 0.1.1
	assert_versions "keep 0.1.0"
}

@test "prerm: remove forgets all versions, after DKMS's part" {
	stand_in dkms_part "echo dkms >>$versions"
	run -0 script prerm remove
	assert_versions "dkms forget"
}

@test "postrm: purge removes the cache and what fusectl keeps in /run" {
	mkdir -p "$root/var/cache/fuse-ext/prepare/tree" "$root/run/fuse-ext/stock-connections" \
		"$root/var/lib/fuse-ext/fuse-ext-0.1.0"
	run -0 script postrm remove
	[ -d "$root/var/cache/fuse-ext/prepare" ]
	run -0 script postrm purge
	[ ! -e "$root/var/cache/fuse-ext" ]
	[ ! -e "$root/var/lib/fuse-ext" ]
	[ ! -e "$root/run/fuse-ext" ]
}

@test "postrm: purge leaves what a loaded module still needs, and other people's files" {
	loaded BBBB
	mkdir -p "$root/var/cache/fuse-ext/prepare" "$root/run/fuse-ext/stock-connections"
	touch "$root/var/cache/fuse-ext/other"
	run -0 script postrm purge
	[ -d "$root/run/fuse-ext/stock-connections" ]
	[ -e "$root/var/cache/fuse-ext/other" ]
	[ ! -e "$root/var/cache/fuse-ext/prepare" ]
}
