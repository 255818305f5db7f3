#!/usr/bin/env bats
# shellcheck disable=SC2119,SC2120,SC2016  # arguments at will; words for eval
# SPDX-License-Identifier: GPL-2.0
#
# src/prepare: the cache of unpacked sources.  It may make a run faster, and
# must never change what is made.

load helpers/prepare

setup() {
	setup_machine
	install_source 6.12.7-1
	cache=$FUSE_EXT_PREPARE_CACHE
}

teardown() {
	if [ -n "${small:-}" ] && mountpoint -q "$small"; then
		umount "$small"
	fi
}

prepare_it() {
	"$prepare" --kernel "$kernel" --output "$out" "$@"
}

@test "cache: a second run unpacks nothing and makes the same" {
	prepare_it
	mv "$out" "$BATS_TEST_TMPDIR/first"
	stand_in xz <<<'exit 77'
	run -0 prepare_it
	assert_output_has "cached"
	diff -r "$BATS_TEST_TMPDIR/first" "$out"
}

@test "cache: nothing but complete entries is in it" {
	prepare_it
	[ "$(find "$cache" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)" = "$(printf 'index\ntree')" ]
	hash=$(sed -n 's/.*SOURCE_HASH "\(.*\)"/\1/p' "$out/provenance.h")
	diff -r "$BATS_TEST_TMPDIR/linux-6.12.7/fs/fuse" "$cache/tree/$hash"
}

@test "cache: a tarball that was replaced is unpacked" {
	prepare_it
	echo '/* changed */' >>"$BATS_TEST_TMPDIR/linux-source-6.12/fs/fuse/inode.c"
	pack "$BATS_TEST_TMPDIR/linux-source-6.12" "$root/usr/src/linux-source-6.12.tar.xz"
	run -0 prepare_it
	refute_output_has "cached"
	grep -q changed "$out/inode.c"
}

@test "cache: a damaged tree is found out and made again" {
	prepare_it
	mv "$out" "$BATS_TEST_TMPDIR/first"
	for damage in 'echo x >>' 'truncate -s 3' 'rm' 'touch $(dirname $(ls "$cache"/tree/*/file.c))/extra.c; :'; do
		file=$(ls "$cache"/tree/*/file.c)
		eval "$damage \"\$file\""
		run -0 prepare_it
		assert_output_has "is damaged"
		diff -r "$BATS_TEST_TMPDIR/first" "$out"
		run -0 prepare_it
		refute_output_has "is damaged"
		assert_output_has "cached"
	done
}

@test "cache: a damaged index is found out and made again" {
	prepare_it
	mv "$out" "$BATS_TEST_TMPDIR/first"
	for content in '' 'zz' '../../../../etc 6.12.7' "$(printf '%064d' 0) 6.12.7"; do
		file=$(ls "$cache"/index/*)
		echo "$content" >"$file"
		run -0 prepare_it
		assert_output_has "is damaged"
		diff -r "$BATS_TEST_TMPDIR/first" "$out"
	done
}

@test "cache: one that can't be written is done without" {
	: >"$cache"
	run -0 prepare_it
	assert_output_has "note: the unpacked source isn't kept"
	assert_prepared linux-source-6.12 6.12.7-1
}

@test "cache: a full one is done without, and nothing half made stays in it" {
	[ "$(id -u)" -eq 0 ] || skip "mounting a small file system needs root"
	small=$BATS_TEST_TMPDIR/small
	mkdir -p "$small"
	mount -t tmpfs -o size=16k tmpfs "$small"
	FUSE_EXT_PREPARE_CACHE=$small/cache run -0 prepare_it
	assert_output_has "isn't kept"
	assert_prepared linux-source-6.12 6.12.7-1
	[ -z "$(find "$small" -name '.new-*')" ]
	[ -z "$(find "$small" -type f)" ]
}

@test "cache: runs at the same time don't disturb each other" {
	pids=()
	for n in 1 2 3 4 5; do
		"$prepare" --kernel "$kernel" --output "${out%/*}/$n/fs" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	for n in 2 3 4 5; do
		diff -r "${out%/*}/1/fs" "${out%/*}/$n/fs"
	done
	[ -z "$(find "$cache" -name '.new-*')" ]
	[ "$(find "$cache/tree" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
}

@test "cache: runs at the same time into one directory don't disturb each other" {
	pids=()
	for _ in 1 2 3 4 5; do
		"$prepare" --kernel "$kernel" --output "$out" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	assert_prepared linux-source-6.12 6.12.7-1
}
