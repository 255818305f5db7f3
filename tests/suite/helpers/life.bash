# shellcheck shell=bash
# Installing and removing the package in the machine, while mounts of both drivers
# are used.  apt, dpkg and DKMS are real; make(1) gives a module that was compiled
# on the host (tests/life/machine-files).  Loaded after helpers/all.

FX_LIFE=/opt/fuse-ext/tests/life
FX_OLD=0.0.9 FX_NEXT=9.9.9 FX_BROKEN=99.0.0

# life_file: for setup_file, after module_file.
life_file() {
	local deb
	export DEBIAN_FRONTEND=noninteractive
	if [ -z "${FUSE_EXT_CELL:-}" ] || [ ! -d "$FX_LIFE" ]; then
		return
	fi
	for deb in "$FX_LIFE"/fuse-ext-dkms_*_all.deb; do
		FX_NEW=${deb##*/fuse-ext-dkms_}
		FX_NEW=${FX_NEW%_all.deb}
		[[ $FX_NEW == "$FX_OLD" || $FX_NEW == "$FX_NEXT" || $FX_NEW == "$FX_BROKEN" ]] || break
	done
	export FX_NEW
	few_modules
	# nor all of the kernel's source be unpacked
	local tarball=(/usr/src/linux-source-*.tar.xz)
	mount --bind "$FX_LIFE/source.tar.xz" "${tarball[0]}"
	mv /usr/bin/make /usr/bin/make.real
	cat >/usr/bin/make <<-'END'
		#!/bin/bash
		# what DKMS asks for: make -C HEADERS M=/var/lib/dkms/fuse-ext/VERSION/build/src modules
		for word; do
			[[ $word != M=/var/lib/dkms/fuse-ext/*/build/src ]] || M=${word#M=}
		done
		[ -n "${M:-}" ] || exec make.real "$@"
		[ "${*: -1}" = modules ] || exit 0
		version=${M#/var/lib/dkms/fuse-ext/}
		version=${version%/build/src}
		[ -e "$M/fs/provenance.h" ] || exit 2
		[ ! -e /run/life.stop ] || { : >/run/life.reached; sleep 600; }
		[ -e "/opt/fuse-ext/tests/life/$version.ko" ] || { echo "#error this version is broken" >&2; exit 2; }
		cp "/opt/fuse-ext/tests/life/$version.ko" "$M/fuse_ext.ko"
	END
	chmod 755 /usr/bin/make
}

life_file_end() {
	local tarball=(/usr/src/linux-source-*.tar.xz)
	# what the dnf suites have hidden is theirs
	[ -d "$FX_LIFE" ] || return 0
	if mountpoint -q "${tarball[0]}"; then
		umount "${tarball[0]}"
	fi
	if [ -e /usr/bin/make.real ]; then
		mv /usr/bin/make.real /usr/bin/make
	fi
	all_modules
}

# few_modules: depmod(8) would read thousands of them, minutes in an emulated
# machine; with none at all DKMS takes the kernel for removed, and its modules.dep
# away.  What fuseblk is tried on stays, too.
few_modules() {
	local modules
	modules=/lib/modules/$(uname -r)
	[ -d "$modules/kernel" ] || return 0
	mkdir /run/life.modules
	cp -a "$modules/kernel/fs/fuse" "$modules"/modules.* "$modules"/kernel/drivers/block/loop.* \
		/run/life.modules/
	mount -t tmpfs none "$modules/kernel"
	mkdir -p "$modules/kernel/fs" "$modules/kernel/drivers/block"
	mv /run/life.modules/fuse "$modules/kernel/fs/"
	mv /run/life.modules/loop.* "$modules/kernel/drivers/block/"
}
all_modules() {
	local modules
	modules=/lib/modules/$(uname -r)
	mountpoint -q "$modules/kernel" || return 0
	umount "$modules/kernel"
	mv /run/life.modules/modules.* "$modules/"
	rmdir /run/life.modules
}

# Not on a machine that somebody uses.
need_life() {
	[ -n "${FUSE_EXT_CELL:-}" ] || skip "this installs and removes the package: only in the test machines"
	[ -d "$FX_LIFE" ] || skip "the cell's root has no compiler that could make the other versions"
}

# apt_ STATUS ARGUMENT...
apt_() {
	local status=$1
	shift
	FX_LIMIT=400 run_ "$status" apt-get -q -y --no-install-recommends "$@"
}

package() { # VERSION
	echo "$FX_LIFE/fuse-ext-dkms_${1}_all.deb"
}

# loaded_version: of the module in memory; on_disk: of the one that would be loaded.
loaded_version() {
	cat /sys/module/fuse_ext/version
}
on_disk() {
	modinfo -F version fuse_ext
}

# used NAME: from now on something is written, read and compared there.
used() {
	start "$FX/$1.io" fxclient io "$FX/$1" "$FX/$1.stop" 100
	printf '%s\n' "$started" >"$FX/$1.user"
}

# still_used NAME: it was, without an error, up to now; and again from now on.
still_used() {
	: >"$FX/$1.stop"
	ends "$(<"$FX/$1.user")" 30 || fail "$1: $(where_is "$(<"$FX/$1.user")")"
	is "$status" 0 "exit status of the one who uses $1"
	is "$(field errors "$(<"$FX/$1.io")")" 0 "errors on $1"
	at_least "$(field rounds "$(<"$FX/$1.io")")" 1 "rounds on $1"
	rm "$FX/$1.stop"
	used "$1"
}

# used_no_more NAME: and unmounted.
used_no_more() {
	still_used "$1"
	: >"$FX/$1.stop"
	ends "$(<"$FX/$1.user")" 30 || fail "$1: $(where_is "$(<"$FX/$1.user")")"
	server_stop "$1"
}
