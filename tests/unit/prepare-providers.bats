#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# src/prepare: where each distribution puts its source, which one is taken, and
# what is said when there is none or a bad one.

load helpers/prepare

setup() {
	setup_machine
	tree=$BATS_TEST_TMPDIR/linux-6.12.7
}

prepared_from() {
	assert_prepared "$@"
}

@test "provider: Debian's linux-source-X.Y.tar.xz, with the package's version" {
	install_source 6.12.7-1
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from linux-source-6.12 6.12.7-1
}

@test "provider: Debian's tarball without a package database" {
	install_source 6.12.7-1
	rm -r "$root/var/lib/dpkg"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from linux-source-6.12 6.12.7
	refute_output_has note:
}

@test "provider: a .tar.bz2 in /usr/src" {
	pack "$tree" "$root/usr/src/linux-source-6.12.tar.bz2"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from linux-source-6.12 6.12.7
	refute_output_has note:
}

@test "provider: Ubuntu's folder, with the link beside it" {
	make_release ubuntu noble
	mkdir "$root/usr/src/linux-source-6.12.0"
	pack "$tree" "$root/usr/src/linux-source-6.12.0/linux-source-6.12.0.tar.bz2"
	ln -s linux-source-6.12.0/linux-source-6.12.0.tar.bz2 \
		"$root/usr/src/linux-source-6.12.0.tar.bz2"
	install_package linux-source-6.12.0 6.12.0-45.45 \
		/usr/src/linux-source-6.12.0/linux-source-6.12.0.tar.bz2
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from linux-source-6.12.0 6.12.0-45.45
}

@test "provider: a linux-source tree unpacked in /usr/src" {
	mv "$tree" "$root/usr/src/linux-source-6.12"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from linux-source-6.12 6.12.7
}

@test "provider: SUSE's kernel-source" {
	make_release opensuse-leap
	kernel=6.12.7-160000.5-default
	mv "$tree" "$root/usr/src/linux-6.12.7-160000.5"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from kernel-source 6.12.7-160000.5
	refute_output_has note:
}

@test "provider: headers in /usr/src are no source" {
	mkdir -p "$root/usr/src/linux-headers-$kernel/fs/fuse"
	touch "$root/usr/src/linux-headers-$kernel/fs/fuse/"{Makefile,Kconfig}
	run -3 "$prepare" --kernel "$kernel" --output "$out"
	assert_nothing_made
}

@test "provider: Fedora's kernel-debuginfo-common" {
	make_release fedora
	kernel=6.12.7-301.fc41.x86_64
	mkdir -p "$root/usr/src/debug/kernel-6.12.7"
	mv "$tree" "$root/usr/src/debug/kernel-6.12.7/linux-$kernel"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from kernel-debuginfo-common "$kernel"
	refute_output_has note:
}

@test "provider: a kernel .src.rpm in /usr/src/fuse-ext-sources" {
	command -v cpio >/dev/null || skip "cpio isn't installed"
	make_release rhel
	kernel=6.12.7-55.el10.x86_64
	# The payload is the real thing; only the rpm header around it isn't.
	stand_in rpm2cpio <<'EOF'
#!/bin/sh
exec cat "$1"
EOF
	mkdir -p "$root/usr/src/fuse-ext-sources" "$BATS_TEST_TMPDIR/rpm"
	pack "$tree" "$BATS_TEST_TMPDIR/rpm/linux-6.12.7-55.el10.tar.xz"
	echo other >"$BATS_TEST_TMPDIR/rpm/kernel.spec"
	(cd "$BATS_TEST_TMPDIR/rpm" && printf '%s\n' ./* | cpio -o --quiet) \
		>"$root/usr/src/fuse-ext-sources/kernel-6.12.7-55.el10.src.rpm"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from kernel.src.rpm 6.12.7-55.el10
	refute_output_has note:

	rm -rf "$out" "$BATS_TEST_TMPDIR/cache"
	truncate -s 300 "$root/usr/src/fuse-ext-sources/kernel-6.12.7-55.el10.src.rpm"
	run -5 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "damaged"
	assert_nothing_made
}

@test "given: a kernel tree, by option and by environment" {
	run -0 "$prepare" --kernel "$kernel" --output "$out" --source "$tree"
	prepared_from tree:linux-6.12.7 6.12.7
	rm -rf "$out"
	FUSE_EXT_SOURCE=$tree run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from tree:linux-6.12.7 6.12.7
}

@test "given: a fs/fuse directory of which the kernel isn't known" {
	mv "$tree/fs/fuse" "$BATS_TEST_TMPDIR/fuse"
	run -0 "$prepare" --kernel "$kernel" --output "$out" --source "$BATS_TEST_TMPDIR/fuse"
	prepared_from directory:fuse unknown
	assert_output_has "doesn't say which kernel it is of"
}

@test "given: tarballs of every kind" {
	for ending in tar tar.xz tar.bz2 tar.gz tgz tar.zst; do
		rm -rf "$out" "$BATS_TEST_TMPDIR/linux.$ending"
		pack "$tree" "$BATS_TEST_TMPDIR/linux.$ending"
		run -0 "$prepare" --kernel "$kernel" --output "$out" \
			--source "$BATS_TEST_TMPDIR/linux.$ending"
		prepared_from "tarball:linux.$ending" 6.12.7
	done
}

@test "given: a tarball whose names begin with ./" {
	tar -caf "$BATS_TEST_TMPDIR/dot.tar.xz" -C "$BATS_TEST_TMPDIR" ./linux-6.12.7
	run -0 "$prepare" --kernel "$kernel" --output "$out" --source "$BATS_TEST_TMPDIR/dot.tar.xz"
	prepared_from tarball:dot.tar.xz 6.12.7
}

@test "given: what is no source is refused" {
	run -3 "$prepare" --kernel "$kernel" --output "$out" --source "$BATS_TEST_TMPDIR/nowhere"
	assert_output_has "no such file or directory"
	run -5 "$prepare" --kernel "$kernel" --output "$out" --source "$root/etc"
	assert_output_has "there is no fs/fuse in it"
	run -5 "$prepare" --kernel "$kernel" --output "$out" --source "$root/etc/os-release"
	assert_output_has "of no kind that is known"
	tar -caf "$BATS_TEST_TMPDIR/etc.tar.xz" -C "$root" etc
	run -5 "$prepare" --kernel "$kernel" --output "$out" --source "$BATS_TEST_TMPDIR/etc.tar.xz"
	assert_output_has "isn't a kernel source"
	assert_nothing_made
}

@test "given: a source of another series is refused, even if the hooks fit" {
	make_tree "$BATS_TEST_TMPDIR/linux-6.1.9" 6.1.9
	run -5 "$prepare" --kernel "$kernel" --output "$out" --source "$BATS_TEST_TMPDIR/linux-6.1.9"
	assert_output_has "the source of 6.1.9"
	assert_output_has "apt install linux-source-6.12"
	assert_nothing_made
}

@test "choice: the source of the headers' version is preferred to a newer one" {
	install_package "linux-headers-$kernel" 6.12.7-1
	install_source 6.12.7-1
	make_tree "$root/usr/src/linux-source-6.12" 6.12.99
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from linux-source-6.12 6.12.7-1
	refute_output_has note:
}

@test "choice: of other point releases the newest is used, with a note" {
	install_package "linux-headers-$kernel" 6.12.7-1
	install_source 6.12.9-1 6.12.9
	make_tree "$root/usr/src/linux-source-6.12" 6.12.10
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from linux-source-6.12 6.12.10
	assert_output_has "note: the source is 6.12.10"
	assert_output_has "6.12.7-1"
}

@test "choice: a file's name that says no more than the series isn't taken for the version" {
	pack "$tree" "$root/usr/src/linux-source-6.12.tar.xz"
	mkdir -p "$root/usr/src/linux-source-6.12"
	make_tree "$root/usr/src/linux-source-6.12" 6.12.10
	make_tree "$tree" 6.12.9
	make_version 6.12.10 >"$root/lib/modules/$kernel/build/Makefile"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	prepared_from linux-source-6.12 6.12.10
	refute_output_has note:
}

@test "choice: a source of another series isn't used; the right one is named" {
	install_source 6.12.7-1
	mv "$root/usr/src/linux-source-6.12.tar.xz" "$root/usr/src/linux-source-6.1.tar.xz"
	run -3 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "linux-source-6.1.tar.xz"
	assert_output_has "apt install linux-source-6.12"
	assert_nothing_made
}

@test "none: each distribution's command is named" {
	run -3 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "apt install linux-source-6.12"
	assert_output_has "--source PATH"

	install_package "linux-headers-$kernel" 6.12.7-1~bpo12+1
	run -3 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "apt install -t bookworm-backports linux-source-6.12"

	make_release ubuntu noble
	run -3 "$prepare" --kernel 6.12.0-45-generic --output "$out"
	assert_output_has "apt install linux-source-6.12.0"

	make_release fedora
	run -3 "$prepare" --kernel 6.12.7-301.fc41.x86_64 --output "$out"
	assert_output_has "dnf download --source --destdir /usr/src/fuse-ext-sources kernel-6.12.7-301.fc41"

	make_release opensuse-leap
	run -3 "$prepare" --kernel 6.12.7-160000.5-default --output "$out"
	assert_output_has "zypper install kernel-source=6.12.7-160000.5"

	make_release plan9
	run -3 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "--source PATH"
	assert_nothing_made
}

@test "damaged: a truncated tarball of every kind is refused, wherever it ends" {
	head -c 300000 /dev/urandom >"$tree/zzz"
	for ending in tar tar.xz tar.bz2 tar.gz tar.zst; do
		file=$BATS_TEST_TMPDIR/linux.$ending
		pack "$tree" "$file"
		size=$(stat -c %s "$file")
		for part in 0 40 9000 $((size - 20000)); do
			rm -rf "$BATS_TEST_TMPDIR/cache"
			head -c "$part" "$file" >"$BATS_TEST_TMPDIR/part.$ending"
			run -5 "$prepare" --kernel "$kernel" --output "$out" \
				--source "$BATS_TEST_TMPDIR/part.$ending"
			assert_output_has "$BATS_TEST_TMPDIR/part.$ending"
			assert_nothing_made
		done
	done
}

@test "damaged: the package to install again is named" {
	install_source 6.12.7-1
	truncate -s 500 "$root/usr/src/linux-source-6.12.tar.xz"
	run -5 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "apt install --reinstall linux-source-6.12"
	assert_nothing_made
}
