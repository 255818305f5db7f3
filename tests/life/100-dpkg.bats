#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The life of fuse-ext-dkms on a disk: what apt, dpkg and DKMS leave there.  Real
# ones; the module is compiled once (make-once), and no kernel runs it (910-life).

load helpers/life

setup_file() {
	bats_require_minimum_version 1.5.0
	life_file
}

setup() {
	bats_require_minimum_version 1.5.0
}

@test "install: the module of this version is there for the kernel" {
	have "$NEW"
	is "$(registered)" "$NEW" "what DKMS has"
}

@test "remove and purge: every file and folder is what it was before" {
	have "$NEW"
	purged
	as_before
}

@test "upgrade: the earlier module is there until it is replaced, then DKMS doesn't know it" {
	have "$OLD"
	apt_ ok install "$(package "$NEW")"
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(registered)" "$NEW" "what DKMS has"
	[ ! -e /var/lib/fuse-ext ]
}

@test "the build of an upgrade fails: the earlier module stays, and it is said" {
	have "$OLD"
	apt_ fails install "$(package "$BAD")"
	says "the earlier one, $OLD, stays installed and in use"
	is "$(module "$KERNEL")" "$OLD" "the module"
	# what dpkg says again and again until it is mended
	run -1 dpkg --configure -a
	is "$(module "$KERNEL")" "$OLD" "the module"
}

@test "from there: the next version that builds mends it" {
	run -1 has "$OLD"
	apt_ ok install --allow-downgrades "$(package "$NEW")"
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(registered)" "$NEW" "what DKMS has"
}

@test "downgrade: the older module is installed" {
	have "$NEW"
	apt_ ok install --allow-downgrades "$(package "$OLD")"
	is "$(module "$KERNEL")" "$OLD" "the module"
	is "$(registered)" "$OLD" "what DKMS has"
}

@test "a kernel is installed: it gets the module; an upgrade reaches all kernels" {
	have "$OLD"
	kernel_add "$SECOND"
	is "$(module "$SECOND")" "$OLD" "the module of the second kernel"
	apt_ ok install "$(package "$NEW")"
	is "$(module "$SECOND")" "$NEW" "the module of the second kernel"
	is "$(module "$KERNEL")" "$NEW" "the module of the first one"
}

@test "a kernel is removed: nothing of the module is left for it, the other keeps its own" {
	have "$NEW"
	[ -d "/lib/modules/$SECOND" ] || kernel_add "$SECOND"
	kernel_remove "$SECOND"
	[ ! -e "/lib/modules/$SECOND" ]
	run -1 grep -F "$SECOND" <(dkms status -m fuse-ext)
	is "$(module "$KERNEL")" "$NEW" "the module of the other kernel"
}

@test "apt is killed while it compiles: the earlier module is there, dpkg --configure -a mends" {
	have "$OLD"
	killed_at make install "$(package "$NEW")"
	is "$(module "$KERNEL")" "$OLD" "the module"
	mended
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(registered)" "$NEW" "what DKMS has"
}

@test "apt is killed between the module and depmod: dpkg --configure -a mends" {
	have "$OLD"
	killed_at depmod install "$(package "$NEW")"
	mended
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(registered)" "$NEW" "what DKMS has"
}

@test "apt is killed in a first installation, at each of these: purge leaves nothing" {
	purged
	killed_at make install "$(package "$NEW")"
	mended
	purged
	killed_at depmod install "$(package "$NEW")"
	mended
	purged
	as_before
}

@test "apt is killed while it removes: dpkg --configure -a, and removing it again" {
	have "$NEW"
	killed_at depmod remove fuse-ext-dkms
	# what is being removed isn't configured by it, but apt wants it to be asked
	run timeout 900 dpkg --configure -a
	is "$status" 0 "dpkg --configure -a: $output"
	apt_ ok remove fuse-ext-dkms
	purged
	as_before
}

@test "the disk is full: the earlier module stays, and it is said; with space it goes on" {
	have "$OLD"
	cp -a /var/lib/dkms "$LIFE/dkms"
	mount -t tmpfs -o "mode=755,size=$(($(du -sk "$LIFE/dkms" | cut -f 1) + 4096))k" none /var/lib/dkms
	cp -a "$LIFE/dkms/." /var/lib/dkms/
	: >"$LIFE/compile"
	apt_ fails install "$(package "$NEW")"
	says "MB left, and a build takes up to"
	rm "$LIFE/compile"
	is "$(module "$KERNEL")" "$OLD" "the module"
	mount -o remount,size=100% /var/lib/dkms
	mended
	is "$(module "$KERNEL")" "$NEW" "the module"
	rm -rf "$LIFE/dkms"
	cp -a /var/lib/dkms "$LIFE/dkms"
	umount /var/lib/dkms
	rm -rf /var/lib/dkms
	mv "$LIFE/dkms" /var/lib/dkms
}

@test "/usr is read-only: nothing is changed; writable again, the same command goes on" {
	have "$OLD"
	mount --bind /usr /usr
	mount -o remount,bind,ro /usr
	apt_ fails install "$(package "$NEW")"
	is "$(module "$KERNEL")" "$OLD" "the module"
	umount --lazy /usr
	apt_ ok install "$(package "$NEW")"
	is "$(module "$KERNEL")" "$NEW" "the module"
}

# what the doctor names where there is a newer source, or the module isn't signed
@test "fuse-ext-source fetch --rebuild: another module takes the place of the one that is there" {
	have "$NEW"
	: >"$LIFE/mark"
	run -0 fuse-ext-source fetch "$KERNEL"
	run -0 newer_modules
	is "$output" "" "modules that are new after a fetch without --rebuild"
	run -0 fuse-ext-source fetch --rebuild "$KERNEL"
	run -0 newer_modules
	[ -n "$output" ]
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(dkms status -m fuse-ext -k "$KERNEL" | grep -c installed)" 1 "what DKMS has installed"
}
newer_modules() {
	find "/lib/modules/$KERNEL/updates" -name 'fuse_ext.ko*' -newer "$LIFE/mark"
}

@test "fetch --rebuild that doesn't build: the module that is there stays, and it is said" {
	have "$NEW"
	: >"$LIFE/mark"
	sed -i '1i #error broken' "/usr/src/fuse-ext-$NEW/src/redirect.h"
	run -4 fuse-ext-source fetch --rebuild "$KERNEL"
	sed -i 1d "/usr/src/fuse-ext-$NEW/src/redirect.h"
	says "the module that there is stays installed"
	run -0 newer_modules
	is "$output" "" "modules that are new"
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(dkms status -m fuse-ext -k "$KERNEL" | grep -c installed)" 1 "what DKMS has installed"
}

@test "remove, then install again; reinstall" {
	have "$NEW"
	apt_ ok remove fuse-ext-dkms
	is "$(module "$KERNEL" || echo none)" none "the module after the removal"
	apt_ ok install "$(package "$NEW")"
	apt_ ok install --reinstall "$(package "$NEW")"
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(registered)" "$NEW" "what DKMS has"
}

@test "the packages for servers: purge leaves every file and folder as it was before" {
	purged
	apt_ ok install "$DEBS"/libfuse-ext0_*.deb "$DEBS"/libfuse-ext-dev_*.deb
	apt_ ok purge libfuse-ext0 libfuse-ext-dev
	as_before
}

@test "after all of that, purge leaves every file and folder as it was before" {
	purged
	as_before
}
