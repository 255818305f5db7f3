#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# dkms-versions on a directory that is taken for /.  dkms is a stand-in that
# does to its tree what the real one does; that one is tested by tests/life.

setup() {
	bats_require_minimum_version 1.5.0
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export FUSE_EXT_SYSROOT=$BATS_TEST_TMPDIR/root
	root=$FUSE_EXT_SYSROOT
	tree=$root/var/lib/dkms/fuse-ext
	kernel=6.12.7-amd64
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$root/etc/dkms"
	cat >"$BATS_TEST_TMPDIR/bin/dkms" <<-'END'
		#!/bin/bash
		tree=$FUSE_EXT_SYSROOT/var/lib/dkms/fuse-ext
		verb=$1 version=$5
		[ "$verb" != install ] || kernel=$7
		echo "$*" >>"$FUSE_EXT_SYSROOT/../calls"
		case $verb in
		status)
			for folder in "$tree/$version"/[0-9]*; do
				[ -d "$folder" ] || continue
				state=built
				[ "$(readlink "$tree/kernel-${folder##*/}-x86_64")" != "$version/${folder##*/}/x86_64" ] ||
					state=installed
				printf "${DKMS_STATUS:-%s/%s, %s, %s: %s}\n" fuse-ext "$version" "${folder##*/}" x86_64 "$state"
			done
			;;
		install)
			[ "$kernel" != "$DKMS_FAILS_FOR" ] || exit 10
			built=$tree/$version/$kernel/x86_64
			mkdir -p "$built/module" "$FUSE_EXT_SYSROOT/lib/modules/$kernel/updates/dkms"
			echo "$version" >"$built/module/fuse_ext.ko"
			cp "$built/module/fuse_ext.ko" "$FUSE_EXT_SYSROOT/lib/modules/$kernel/updates/dkms/"
			ln -sfn "$version/$kernel/x86_64" "$tree/kernel-$kernel-x86_64"
			;;
		remove)
			# refused, as the real one does
			[ -d "$FUSE_EXT_SYSROOT$(readlink "$tree/$version/source")" ] || exit 4
			for folder in "$tree/$version"/[0-9]*; do
				link=$tree/kernel-${folder##*/}-x86_64
				[ "$(readlink "$link")" = "$version/${folder##*/}/x86_64" ] || continue
				rm "$link" "$FUSE_EXT_SYSROOT/lib/modules/${folder##*/}/updates/dkms/fuse_ext.ko"
			done
			rm -r "$tree/$version"
			;;
		esac
	END
	printf '#!/bin/sh\necho "depmod $*" >>%s\n' "$BATS_TEST_TMPDIR/calls" >"$BATS_TEST_TMPDIR/bin/depmod"
	chmod +x "$BATS_TEST_TMPDIR/bin"/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	: >"$BATS_TEST_TMPDIR/calls"
}

versions() {
	"$top/dkms/versions" "$@"
}

# added VERSION: its source is there, and DKMS has it.
added() {
	mkdir -p "$root/usr/src/fuse-ext-$1/src" "$tree/$1/build"
	echo "$1" >"$root/usr/src/fuse-ext-$1/VERSION"
	ln -s "/usr/src/fuse-ext-$1" "$tree/$1/source"
}

# installed VERSION KERNEL...
installed() {
	local kernel
	added "$1"
	for kernel in "${@:2}"; do
		dkms install -m fuse-ext -v "$1" -k "$kernel"
	done
}

module() {
	cat "$root/lib/modules/$1/updates/dkms/fuse_ext.ko"
}

# An upgrade up to DKMS's part: the earlier source is kept, then removed by dpkg.
upgraded() {
	versions keep "$1"
	rm -r "$root/usr/src/fuse-ext-$1"
}

source_of() {
	cat "$root$(readlink "$tree/$1/source")/VERSION"
}

@test "an upgrade: the earlier module stays until the next is built, then it is forgotten" {
	installed 0.1.0 "$kernel"
	upgraded 0.1.0
	[ "$(module "$kernel")" = 0.1.0 ]
	[ "$(source_of 0.1.0)" = 0.1.0 ]
	installed 0.2.0 "$kernel"
	run -0 versions replace 0.2.0
	[ "$(module "$kernel")" = 0.2.0 ]
	[ ! -e "$tree/0.1.0" ]
	[ ! -e "$root/var/lib/fuse-ext" ]
}

@test "a build that fails: the earlier one is as it was, for DKMS too" {
	installed 0.1.0 "$kernel"
	upgraded 0.1.0
	added 0.2.0
	[ "$(module "$kernel")" = 0.1.0 ]
	[ "$(versions installed 0.1.0)" = "$kernel" ]
	[ "$(versions earlier 0.2.0)" = 0.1.0 ]
	[ -z "$(versions earlier 0.1.0)" ]
	# the next attempt
	run -0 versions mend
	[ "$(source_of 0.1.0)" = 0.1.0 ]
}

@test "an upgrade builds for every kernel that had the module" {
	installed 0.1.0 "$kernel" 6.1.0-9-amd64
	upgraded 0.1.0
	installed 0.2.0 "$kernel"
	run -0 versions replace 0.2.0
	[ "$(module 6.1.0-9-amd64)" = 0.2.0 ]
	[ ! -e "$tree/0.1.0" ]
}

@test "a kernel for which the next can't be built keeps the earlier one, and it is said" {
	installed 0.1.0 "$kernel" 6.1.0-9-amd64
	upgraded 0.1.0
	installed 0.2.0 "$kernel"
	DKMS_FAILS_FOR=6.1.0-9-amd64 run -0 versions replace 0.2.0
	[[ $output == *"can't be built for the kernel 6.1.0-9-amd64: 0.1.0 stays for it"* ]]
	[ "$(module 6.1.0-9-amd64)" = 0.1.0 ]
	[ "$(source_of 0.1.0)" = 0.1.0 ]
	[ "$(module "$kernel")" = 0.2.0 ]
}

@test "an upgrade that is given up: the source is that in /usr/src again" {
	installed 0.1.0 "$kernel"
	versions keep 0.1.0
	run -0 versions unkeep 0.1.0
	[ "$(readlink "$tree/0.1.0/source")" = /usr/src/fuse-ext-0.1.0 ]
	[ ! -e "$root/var/lib/fuse-ext" ]
}

@test "a version that was never built isn't kept" {
	added 0.1.0
	run -0 versions keep 0.1.0
	[ ! -e "$tree/0.1.0" ]
	[ ! -e "$root/var/lib/fuse-ext" ]
}

@test "where automatic installation is forbidden, the earlier module stays" {
	installed 0.1.0 "$kernel"
	upgraded 0.1.0
	: >"$root/etc/dkms/no-autoinstall"
	run -0 versions replace 0.2.0
	[ "$(module "$kernel")" = 0.1.0 ]
	[ "$(source_of 0.1.0)" = 0.1.0 ]
}

@test "what dkms 2.8 says of a version is understood, too" {
	installed 0.1.0 "$kernel"
	DKMS_STATUS='%s, %s, %s, %s: %s' run -0 versions installed 0.1.0
	[ "$output" = "$kernel" ]
	DKMS_STATUS='%s/%s, %s, %s: %s (Differences between built and installed modules)' \
		run -0 versions installed 0.1.0
	[ "$output" = "$kernel" ]
}

@test "killed: a version that was being added goes, with which DKMS can do nothing" {
	mkdir -p "$tree/0.2.0/build"
	installed 0.1.0 "$kernel"
	run -0 versions mend
	[ ! -e "$tree/0.2.0" ]
	[ "$(module "$kernel")" = 0.1.0 ]
}

@test "killed: a module that DKMS doesn't know of goes, before it takes it for the kernel's" {
	installed 0.1.0 "$kernel"
	rm "$tree/kernel-$kernel-x86_64"
	: >"$root/lib/modules/$kernel/modules.dep"
	: >"$BATS_TEST_TMPDIR/calls"
	run -0 versions mend
	[ ! -e "$root/lib/modules/$kernel/updates" ]
	[ "$(cat "$BATS_TEST_TMPDIR/calls")" = "depmod $kernel" ]
}

@test "killed: a module that is removed, and still in modules.dep, leaves there, too" {
	installed 0.1.0 "$kernel"
	echo 'updates/dkms/fuse_ext.ko.xz: kernel/fs/fuse/fuse.ko' >"$root/lib/modules/$kernel/modules.dep"
	: >"$root/lib/modules/$kernel/updates/dkms/fuse_ext.ko.xz"
	: >"$BATS_TEST_TMPDIR/calls"
	run -0 versions mend
	[ ! -s "$BATS_TEST_TMPDIR/calls" ]
	rm "$root/lib/modules/$kernel/updates/dkms"/fuse_ext.ko*
	run -0 versions mend
	[ "$(cat "$BATS_TEST_TMPDIR/calls")" = "depmod $kernel" ]
}

@test "killed: a copy of a source that no version uses goes" {
	installed 0.1.0 "$kernel"
	mkdir -p "$root/var/lib/fuse-ext/fuse-ext-0.1.0" "$root/var/lib/fuse-ext/fuse-ext-0.0.9.new"
	run -0 versions mend
	[ ! -e "$root/var/lib/fuse-ext" ]
	[ "$(readlink "$tree/0.1.0/source")" = /usr/src/fuse-ext-0.1.0 ]
}

@test "a module of which half is written is written again" {
	installed 0.1.0 "$kernel"
	printf 0. >"$root/lib/modules/$kernel/updates/dkms/fuse_ext.ko"
	run -0 versions restore
	[ "$(module "$kernel")" = 0.1.0 ]
}

@test "removal: all versions go, with what was kept, even one whose source is gone" {
	installed 0.1.0 "$kernel" 6.1.0-9-amd64
	upgraded 0.1.0
	installed 0.2.0 "$kernel"
	run -0 versions forget
	[ ! -e "$tree" ]
	[ ! -e "$root/var/lib/fuse-ext" ]
	[ -z "$(find "$root/lib/modules" -name '*.ko')" ]
	installed 0.3.0 "$kernel"
	rm -r "$root/usr/src/fuse-ext-0.3.0"
	run -0 versions forget
	[ -z "$(find "$root/lib/modules" "$root/var/lib" -name '*fuse[-_]ext*')" ]
}

@test "wrong usage gets 2 and the synopsis" {
	run -2 versions
	[[ $output == *"Usage: dkms-versions keep VERSION"* ]]
	run -2 versions keep
	run -2 versions forget 0.1.0
	run -2 versions sh
}
