#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fuse-ext-source: what it says is needed and there, which commands it runs, and
# when it runs none.  The machine is a directory, the clients are stand-ins.

# shellcheck disable=SC2016 # what stand-ins expand
load helpers/prepare

setup() {
	setup_machine
	tool=$top/src/fuse-ext-source
	log=$BATS_TEST_TMPDIR/log
	: >"$log"
	mkdir -p "$root/lib/modules/$kernel/kernel" "$root/lib/modules/$kernel/build/include"
	install_package "linux-headers-$kernel" 6.12.7-1
	stand_in id <<<$'#!/bin/sh\necho 0'
	log_of dkms 'case $1 in status) cat "$DKMS_STATUS";; esac'
	export DKMS_STATUS=$BATS_TEST_TMPDIR/dkms-status
	: >"$DKMS_STATUS"
	unset DPKG_MAINTSCRIPT_NAME
}

# log_of TOOL COMMANDS: a stand-in that also writes down how it was called
log_of() {
	printf '#!/bin/bash\n[ "$1" = status ] || echo "%s $*" >>%q\n%s\n' "$1" "$log" "${2:-}" | stand_in "$1"
}

assert_ran() {
	diff "$log" - || return
}

red_machine() {
	make_release fedora
	kernel=6.12.7-301.fc41.x86_64
	rm -r "$root/lib/modules"
	mkdir -p "$root/lib/modules/$kernel/kernel" "$root/lib/modules/$kernel/build/include"
	stand_in rpm <<<$'#!/bin/sh\nexit 1'
	log_of dnf 'while [ "$1" != --destdir ]; do shift; done; touch "$2/$3.src.rpm"'
	log_of rpmkeys 'echo "${2##*/}: digests signatures OK"'
}

@test "source: status says what is needed and there, of each installed kernel" {
	mkdir -p "$root/lib/modules/6.5.0-9-generic/kernel" "$root/lib/modules/6.12.1-left/updates"
	run -3 "$tool"
	has_row "$kernel linux-source-6.12 missing -"
	has_row "6.5.0-9-generic - no-hooks -"
	refute_output_has 6.12.1-left
	assert_output_has "fuse-ext-source fetch"
	install_source 6.12.7-1
	run -0 "$tool" status
	has_row "$kernel linux-source-6.12 here linux-source-6.12 6.12.7-1"
	assert_ran </dev/null
}

@test "source: another point release is good enough, and said" {
	install_source 6.12.9-1 6.12.9
	run -0 "$tool" status "$kernel"
	has_row "$kernel linux-source-6.12 other-release linux-source-6.12 6.12.9-1"
}

@test "source: each distribution's package is named" {
	make_release ubuntu noble
	run -3 "$tool" status 6.12.0-45-generic
	has_row "6.12.0-45-generic linux-source-6.12.0 missing -"
	make_release opensuse-leap
	run -3 "$tool" status 6.12.7-160000.5-default
	has_row "6.12.7-160000.5-default kernel-source=6.12.7-160000.5 missing -"
	red_machine
	run -3 "$tool"
	has_row "$kernel kernel-6.12.7-301.fc41 missing -"
	# another flavour: rpm knows
	stand_in rpm <<<$'#!/bin/sh\necho kernel-rt-6.12.7-301.rt9.fc41.src.rpm'
	run -3 "$tool"
	has_row "$kernel kernel-rt-6.12.7-301.rt9.fc41 missing -"
}

@test "source: apt: the headers' own version if there is one, then DKMS" {
	log_of apt-cache 'echo " linux-source-6.12 | 6.12.7-1 | somewhere Sources"'
	log_of apt-get 'cp "$SOURCE" "$FUSE_EXT_SYSROOT/usr/src/linux-source-6.12.tar.xz"'
	pack "$BATS_TEST_TMPDIR/linux-6.12.7" "$BATS_TEST_TMPDIR/source.tar.xz"
	SOURCE=$BATS_TEST_TMPDIR/source.tar.xz run -0 "$tool" fetch
	assert_output_has "fusectl load"
	assert_ran <<END
apt-cache madison linux-source-6.12
apt-get install -y --no-install-recommends linux-source-6.12=6.12.7-1
dkms add -m fuse-ext -v $(cat "$top/VERSION")
dkms build -m fuse-ext -v $(cat "$top/VERSION") -k $kernel
dkms install --force -m fuse-ext -v $(cat "$top/VERSION") -k $kernel
END
}

@test "source: apt: a backports kernel's comes from backports" {
	sed -i 's/^Version: 6.12.7-1$/Version: 6.12.7-1~bpo12+1/' "$root/var/lib/dpkg/status"
	log_of apt-cache
	run -0 "$tool" fetch --dry-run --no-build
	assert_output_has "apt-get install -y --no-install-recommends -t bookworm-backports linux-source-6.12"
}

@test "source: what is there isn't fetched, and what is built isn't built" {
	install_source 6.12.7-1
	log_of apt-get
	echo "fuse-ext/0.1.0, $kernel, x86_64: installed" >"$DKMS_STATUS"
	run -0 "$tool" fetch
	assert_output_has "the source is there"
	assert_output_has "built fuse_ext already"
	assert_ran </dev/null
}

@test "source: --rebuild: what is there goes only after another build has succeeded" {
	local module
	module="-m fuse-ext -v $(cat "$top/VERSION")"
	install_source 6.12.7-1
	echo "fuse-ext/0.1.0, $kernel, x86_64: installed" >"$DKMS_STATUS"
	run -0 "$tool" fetch --rebuild
	sed -i 's|--dkmstree [^ ]*|--dkmstree DIR|' "$log"
	assert_ran <<END
dkms build --dkmstree DIR $module -k $kernel
dkms remove $module -k $kernel
dkms build $module -k $kernel
dkms install --force $module -k $kernel
END
	: >"$log"
	log_of dkms 'case $1 in status) cat "$DKMS_STATUS";; build) exit 1;; esac'
	run -4 "$tool" fetch --rebuild
	assert_output_has "the module that there is stays installed"
	[ "$(cut -d ' ' -f 1,2 "$log")" = "dkms build" ]
	run -2 "$tool" fetch --rebuild --no-build
}

@test "source: what is built only is installed only" {
	install_source 6.12.7-1
	echo "fuse-ext/0.1.0, $kernel, x86_64: built" >"$DKMS_STATUS"
	run -0 "$tool" fetch
	assert_ran <<<"dkms install --force -m fuse-ext -v $(cat "$top/VERSION") -k $kernel"
}

@test "source: --dry-run prints the commands and runs none" {
	log_of apt-get
	stand_in id <<<$'#!/bin/sh\necho 1000'
	run -0 "$tool" fetch --dry-run
	assert_output_has "apt-get install -y --no-install-recommends linux-source-6.12"
	assert_output_has "dkms install --force -m fuse-ext"
	assert_ran </dev/null
	run -1 "$tool" fetch
	assert_output_has "only root"
	assert_ran </dev/null
}

@test "source: a client that fails, or that brings something else, is reported" {
	log_of apt-get 'echo E: no such package; exit 100'
	run -1 "$tool" fetch
	assert_output_has "E: no such package"
	assert_output_has "apt-get couldn't install linux-source-6.12"
	log_of apt-get
	run -3 "$tool" fetch
	assert_output_has "holds no source of the series 6.12"
	assert_ran <<END
apt-get install -y --no-install-recommends linux-source-6.12
apt-get install -y --no-install-recommends linux-source-6.12
END
}

@test "source: dnf: into the store, verified, then DKMS" {
	red_machine
	run -0 "$tool" fetch
	[ -f "$root/usr/src/fuse-ext-sources/kernel-6.12.7-301.fc41.src.rpm" ]
	[ "$(cat "$root/usr/src/fuse-ext-sources/.fetched")" = kernel-6.12.7-301.fc41.src.rpm ]
	[ -z "$(find "$root/usr/src/fuse-ext-sources" -name '.fetching*')" ]
	sed -i 's/\.fetching-[A-Za-z0-9]*/TEMP/' "$log"
	assert_ran <<END
dnf download --source --destdir $root/usr/src/fuse-ext-sources/TEMP kernel-6.12.7-301.fc41
rpmkeys --checksig $root/usr/src/fuse-ext-sources/TEMP/kernel-6.12.7-301.fc41.src.rpm
dkms add -m fuse-ext -v $(cat "$top/VERSION")
dkms build -m fuse-ext -v $(cat "$top/VERSION") -k $kernel
dkms install --force -m fuse-ext -v $(cat "$top/VERSION") -k $kernel
END
	run -0 "$tool" status
	has_row "$kernel kernel-6.12.7-301.fc41 here kernel.src.rpm 6.12.7-301.fc41"
}

@test "source: dnf 5 has another name for the option" {
	red_machine
	mv "$BATS_TEST_TMPDIR/bin/dnf" "$BATS_TEST_TMPDIR/bin/dnf5"
	ln -s dnf5 "$BATS_TEST_TMPDIR/bin/dnf"
	run -0 "$tool" fetch --dry-run
	assert_output_has "dnf download --srpm --destdir"
}

@test "source: dnf: a package with a wrong signature is never taken, an unsigned one only if told" {
	red_machine
	log_of rpmkeys 'echo "${2##*/}: digests SIGNATURES NOT OK"; exit 1'
	run -6 "$tool" fetch --unsigned
	assert_output_has "signature is wrong or of an unknown key"
	[ -z "$(ls -A "$root/usr/src/fuse-ext-sources")" ]
	log_of rpmkeys 'echo "${2##*/}: digests OK"'
	run -6 "$tool" fetch
	assert_output_has "isn't signed"
	[ -z "$(ls -A "$root/usr/src/fuse-ext-sources")" ]
	# The repository chooses a file's name, which says nothing of a signature.
	for package in kernel-pgp-1 'kernel-signatures OK-1'; do
		run -6 "$tool" fetch --package "$package" "$kernel"
		assert_output_has "isn't signed"
	done
	[ -z "$(ls -A "$root/usr/src/fuse-ext-sources")" ]
	run -0 "$tool" fetch --unsigned
	[ -f "$root/usr/src/fuse-ext-sources/kernel-6.12.7-301.fc41.src.rpm" ]
}

@test "source: dnf on another distribution, with the package's name given" {
	red_machine
	make_release debian trixie
	run -0 "$tool" fetch --client dnf --package kernel-6.12.7-1 "$kernel"
	[ -f "$root/usr/src/fuse-ext-sources/kernel-6.12.7-1.src.rpm" ]
	run -2 "$tool" fetch --package a "$kernel" 6.12.8-amd64
}

@test "source: a kernel whose source can't be had any more doesn't stop the others" {
	red_machine
	old=6.12.1-100.fc41.x86_64
	mkdir -p "$root/lib/modules/$old/kernel" "$root/lib/modules/$old/build/include"
	log_of dnf 'case $* in *6.12.1-100*) exit 1;; esac
while [ "$1" != --destdir ]; do shift; done; touch "$2/$3.src.rpm"'
	run -1 "$tool" fetch
	assert_output_has "dnf couldn't download kernel-6.12.1-100.fc41"
	[ "$(ls "$root/usr/src/fuse-ext-sources")" = kernel-6.12.7-301.fc41.src.rpm ]
	[ -z "$(find "$root/usr/src/fuse-ext-sources" -name '.fetching*')" ]
	[ "$(grep '^dkms install' "$log")" = "dkms install --force -m fuse-ext -v $(cat "$top/VERSION") -k $kernel" ]
}

@test "source: zypper" {
	make_release opensuse-leap
	kernel=6.12.7-160000.5-default
	mkdir -p "$root/lib/modules/$kernel/kernel" "$root/lib/modules/$kernel/build/include"
	log_of zypper "mv $BATS_TEST_TMPDIR/linux-6.12.7 $root/usr/src/linux-6.12.7-160000.5"
	run -0 "$tool" fetch --no-build "$kernel"
	assert_ran <<<"zypper --non-interactive install --no-recommends kernel-source=6.12.7-160000.5"
}

@test "source: refused in a transaction of a package manager" {
	log_of apt-get
	DPKG_MAINTSCRIPT_NAME=postinst run -5 "$tool" fetch
	assert_output_has "dpkg is at work"
	for manager in dpkg rpm dnf zypper; do
		printf '#!/bin/bash\n"$@"\nexit $?\n' >"$BATS_TEST_TMPDIR/bin/$manager"
		chmod +x "$BATS_TEST_TMPDIR/bin/$manager"
		run -5 "$manager" "$tool" fetch
		assert_output_has "$manager is at work"
	done
	assert_ran </dev/null
}

@test "source: a build that fails is reported, with what prepare said" {
	install_source 6.12.7-1
	log_of dkms '[ "$1" != build ] || exit 10'
	version=$(cat "$top/VERSION")
	mkdir -p "$root/var/lib/dkms/fuse-ext/$version/build"
	printf 'log\nprepare: the hooks do not fit\n  file.c\nother\n' \
		>"$root/var/lib/dkms/fuse-ext/$version/build/make.log"
	run -4 "$tool" fetch
	assert_output_has $'prepare: the hooks do not fit\n  file.c\nfuse-ext-source: DKMS'
	assert_output_has "the stock driver stays in charge"
}

@test "source: without headers nothing is built, and that is said" {
	install_source 6.12.7-1
	rmdir "$root/lib/modules/$kernel/build/include"
	run -0 "$tool" fetch
	assert_output_has "headers aren't installed"
	assert_ran </dev/null
}

@test "source: usage" {
	run -0 "$tool" --help
	for option in dry-run no-build client package unsigned; do
		assert_output_has "--$option"
		grep -q -- "\\\\-\\\\-${option/-/\\\\-}" "$top/docs/fuse-ext-source.8"
	done
	run -2 "$tool" frobnicate
	run -2 "$tool" fetch status
	run -2 "$tool" --client pacman
	run -2 "$tool" status --dry-run
	make_release plan9
	run -1 "$tool" fetch
	assert_output_has "--client"
}

@test "source: its manual page is clean and has every exit status" {
	warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z \
		"$top/docs/fuse-ext-source.8" 2>&1 >/dev/null)
	[ -z "$warnings" ] || { echo "$warnings"; false; }
	text=$(LC_ALL=C.UTF-8 MANWIDTH=100 man --nj -l "$top/docs/fuse-ext-source.8" | col -bx)
	for number in 0 1 2 3 4 5 6; do
		grep -qE "^ +$number +[A-Za-z]" <<<"$text" || { echo "no status $number"; false; }
	done
}
