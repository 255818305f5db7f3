#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# src/prepare: what it makes, and that it leaves nothing half made.  Where it
# finds the source is tested in prepare-providers.bats.

load helpers/prepare

setup() {
	setup_machine
}

teardown() {
	if [ -n "${small:-}" ] && mountpoint -q "$small"; then
		umount "$small"
	fi
}

# A file system of SIZE at $small.
mount_small() {
	[ "$(id -u)" -eq 0 ] || skip "mounting a small file system needs root"
	small=$BATS_TEST_TMPDIR/small
	mkdir -p "$small"
	mount -t tmpfs -o "size=$1" tmpfs "$small"
}

@test "prepare: --help documents every exit status" {
	run -0 "$prepare" --help
	for status in 0 1 2 3 4 5 6; do
		grep -q "^  $status  " <<<"$output"
	done
}

@test "prepare: wrong usage is refused with status 2" {
	run -2 "$prepare"
	assert_output_has "--kernel is missing"
	run -2 "$prepare" --kernel "$kernel"
	assert_output_has "--output is missing"
	run -2 "$prepare" --kernel
	assert_output_has "--kernel needs a value"
	run -2 "$prepare" --kernal "$kernel"
	assert_output_has "--kernal: no such option"
	run -2 "$prepare" --kernel ../../etc --output "$out"
	assert_output_has "not a kernel version"
	run -2 "$prepare" --kernel "$kernel" --output "$out" --headers /nowhere
	assert_output_has "/nowhere: no such directory"
	assert_nothing_made
}

@test "prepare: the output is fs/fuse, flat, with the hooks and provenance.h" {
	install_source 6.12.7-1
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_prepared linux-source-6.12 6.12.7-1
	run -0 ls "$out"
	[ "$output" = "$(printf '%s\n' Kconfig Makefile file.c fuse_i.h inode.c provenance.h)" ]
	grep -q 'FUSE_EXT_SERIES "6.12"' "$out/provenance.h"
}

@test "prepare: --no-hooks leaves the files as they were" {
	install_source 6.12.7-1
	run -0 "$prepare" --kernel="$kernel" --output="$out" --no-hooks
	rm "$out/provenance.h"
	diff -r "$BATS_TEST_TMPDIR/linux-6.12.7/fs/fuse" "$out"
}

@test "prepare: the hash is that of the pristine files, by name and content" {
	install_source 6.12.7-1
	"$prepare" --kernel "$kernel" --output "$out"
	expected=$(cd "$BATS_TEST_TMPDIR/linux-6.12.7/fs/fuse" &&
		find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1)
	grep -q "FUSE_EXT_SOURCE_HASH \"$expected\"" "$out/provenance.h"
}

@test "prepare: objects of a build in the source aren't copied" {
	tree=$BATS_TEST_TMPDIR/linux-6.12.7
	touch "$tree/fs/fuse/fuse.mod.c" "$tree/fs/fuse/inode.o" "$tree/fs/fuse/fuse.ko"
	run -0 "$prepare" --kernel "$kernel" --output "$out" --source "$tree"
	[ ! -e "$out/fuse.mod.c" ] && [ ! -e "$out/inode.o" ] && [ ! -e "$out/fuse.ko" ]
}

@test "prepare: an earlier output is replaced by a complete one" {
	install_source 6.12.7-1
	"$prepare" --kernel "$kernel" --output "$out"
	echo old >"$out/old.c"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	[ ! -e "$out/old.c" ]
	assert_prepared linux-source-6.12 6.12.7-1
}

@test "prepare: a failure leaves the earlier output as it was" {
	install_source 6.12.7-1
	"$prepare" --kernel "$kernel" --output "$out"
	cp -a "$out" "$BATS_TEST_TMPDIR/before"
	sed -i 's/^ \t\treturn err/ \t\treturn -1/' "$FUSE_EXT_HOOKS/6.12.patch"
	run -4 "$prepare" --kernel "$kernel" --output "$out"
	diff -r "$BATS_TEST_TMPDIR/before" "$out"
	[ "$(ls -A "${out%/*}")" = fs ]
}

@test "prepare: with --fresh a failure leaves no earlier output" {
	install_source 6.12.7-1
	"$prepare" --kernel "$kernel" --output "$out"
	rm -rf "$root/usr/src/"*
	run -3 "$prepare" --fresh --kernel "$kernel" --output "$out"
	assert_nothing_made
}

@test "prepare: a directory that it didn't make is never replaced" {
	install_source 6.12.7-1
	mkdir -p "$out"
	echo precious >"$out/thesis"
	for fresh in "" --fresh; do
		# shellcheck disable=SC2086
		run -1 "$prepare" $fresh --kernel "$kernel" --output "$out"
		assert_output_has "isn't empty"
		[ "$(cat "$out/thesis")" = precious ]
	done
}

@test "prepare: killed in the middle, it leaves no half output; the next run cleans up" {
	install_source 6.12.7-1
	# An xz that never comes to its end.
	stand_in xz <<'EOF'
#!/bin/sh
/usr/bin/xz "$@" | head -c 2000
exec sleep 60
EOF
	setsid "$prepare" --kernel "$kernel" --output "$out" 3>&- >"$BATS_TEST_TMPDIR/log" 2>&1 &
	pid=$!
	for _ in $(seq 600); do
		sleep 0.1
		grep -q unpacking "$BATS_TEST_TMPDIR/log" || continue
		[ -z "$(find "${out%/*}" -name 'unpacked')" ] || break
	done
	kill -KILL -- -"$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 137 ]
	[ ! -e "$out" ]
	[ -n "$(ls -A "${out%/*}")" ]

	rm "$BATS_TEST_TMPDIR/bin/xz"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_prepared linux-source-6.12 6.12.7-1
}

@test "prepare: interrupted, it cleans up itself" {
	install_source 6.12.7-1
	stand_in xz <<'EOF'
#!/bin/sh
exec sleep 60
EOF
	setsid "$prepare" --kernel "$kernel" --output "$out" 3>&- >"$BATS_TEST_TMPDIR/log" 2>&1 &
	pid=$!
	for _ in $(seq 600); do
		sleep 0.1
		! grep -q unpacking "$BATS_TEST_TMPDIR/log" || break
	done
	kill -TERM -- -"$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	assert_nothing_made
}

@test "prepare: no space for the output: one message, nothing left" {
	install_source 6.12.7-1
	mount_small 64k
	mkdir "$small/work"
	dd if=/dev/zero of="$small/fill" bs=1k count=52 status=none
	head -c 100000 /dev/urandom | base64 >>"$BATS_TEST_TMPDIR/linux-6.12.7/fs/fuse/file.c"
	run -1 "$prepare" --kernel "$kernel" --output "$small/work/fs" \
		--source "$BATS_TEST_TMPDIR/linux-6.12.7"
	assert_output_has "no disk space left"
	assert_output_has "$small/work"
	[ -z "$(ls -A "$small/work")" ]
}

@test "prepare: no space while unpacking: one message, nothing left" {
	head -c 100000 /dev/urandom | base64 >>"$BATS_TEST_TMPDIR/linux-6.12.7/fs/fuse/file.c"
	pack "$BATS_TEST_TMPDIR/linux-6.12.7" "$root/usr/src/linux-source-6.12.tar.xz"
	mount_small 64k
	mkdir "$small/work"
	run -1 "$prepare" --kernel "$kernel" --output "$small/work/fs"
	assert_output_has "no disk space left"
	[ -z "$(ls -A "$small/work")" ]
}

@test "prepare: a kernel series without hooks is refused with status 6" {
	run -6 "$prepare" --kernel 6.5.0-9-generic --output "$out"
	assert_output_has "no hooks for kernel 6.5.0-9-generic (series 6.5)"
	assert_output_has "6.12"
	assert_nothing_made
}

@test "prepare: headers of another series than the kernel are refused" {
	install_source 6.12.7-1
	make_version 6.1.9 >"$root/lib/modules/$kernel/build/Makefile"
	run -5 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "those of 6.1.9"
	assert_nothing_made
}

@test "prepare: a missing tool is named with the command that installs it" {
	install_source 6.12.7-1
	mkdir "$BATS_TEST_TMPDIR/few"
	for tool in bash sed awk cat ls readlink realpath mktemp mkdir rm mv cp tar xz stat \
		sha256sum sort find xargs cut head tail tr dirname flock dpkg-query diff df grep; do
		ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/few/$tool"
	done
	PATH=$BATS_TEST_TMPDIR/few run -1 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "patch isn't installed"
	assert_output_has "apt install patch"
	assert_nothing_made
	rm "$BATS_TEST_TMPDIR/few/xz"
	ln -s "$(command -v patch)" "$BATS_TEST_TMPDIR/few/patch"
	PATH=$BATS_TEST_TMPDIR/few run -1 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "xz isn't installed"
	assert_output_has "apt install xz-utils"
	assert_nothing_made
}
