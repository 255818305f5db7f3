#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Real daemons of the distribution, unchanged, on stock, on ours, and on ours
# with all that an administrator can force on a server which doesn't know it:
# applications see the same.

load helpers/all
load helpers/nodes
load helpers/daemons

FORCED="async_flush sync_release atomic_create syncfs inval_files"
COUNTED="flush_async release_sync create_fallback syncfs"

setup_file() {
	isolate_file
	module_file
	module_want unloaded
}

teardown_file() {
	module_file_end
}

in_git() {
	run_ 0 git -C "$FX/a/work" -c user.name=tester -c user.email=tester@localhost \
		-c gc.auto=0 "$@"
}

# Programs that say themselves whether it is right: they send many requests, so
# on stock and by default only in the long form.
programs() {
	in_git init -q
	in_git add file two many/0 many/2
	in_git commit -q -m "what was used"
	run_ 0 sqlite3 "$FX/a/base" "create table numbers (n); begin;
		insert into numbers values (1), (2), (3); commit; begin;
		insert into numbers values (4); rollback;"
}
# After another mount, so that nothing is from the page cache.
programs_left() {
	in_git fsck --strict
	in_git status --porcelain --untracked-files=no
	is "$output" "" "what git takes for changed"
	run_ 0 sqlite3 "$FX/a/base" "select sum(n) from numbers; pragma integrity_check"
	is "$output" $'6\nok' "what sqlite3 says"
}

# use [plain]: what applications do in $FX/a; what they saw goes to $FX/seen.
use() {
	mkdir -p "$FX/a/work"
	run_ 0 fxclient use "$FX/a/work" "$FX/seen" "$@"
	[ "$with_programs" = 0 ] || programs
}
use_plain() {
	use plain
}
use_read_only() {
	run_ 0 fxclient use "$FX/a" "$FX/seen" read-only
	run_ 0 sync -f "$FX/a"
}
read_only_left() {
	run_ 0 diff -r --no-dereference "$FX/tree" "$FX/a"
}

# drops_requests NAME: the daemon doesn't answer requests that it doesn't know, so
# that open(2) would wait until an abort: fuse_ext(4) warns of that.  It is go-fuse
# that finds no handler for the opcode, and ends its reader as after a failed read(2).
drops_requests() {
	[ "$1" = gocryptfs ] || return 1
	dpkg --compare-versions "$(dpkg-query -W -f '${Version}' gocryptfs)" ge 2.6
}

# three_ways NAME [USE LEFT]
three_ways() {
	local use=${2:-use} left=${3:-programs_left} name with_programs
	local FORCED=$FORCED COUNTED=$COUNTED
	if drops_requests "$1"; then
		log_line "atomic_create isn't forced on $1, which drops what it doesn't know"
		FORCED=${FORCED/atomic_create /} COUNTED=${COUNTED/create_fallback /}
	fi
	with_programs=$(long_or 1 0)
	daemon_has "$1" begin
	once fuse "$1" "$use"
	mv "$FX/seen" "$FX/seen.stock"
	module_load
	once fuse_ext "$1" "$use"
	same "by default"
	for name in $COUNTED; do
		is "$(stats "$name")" 0 "$name by default"
	done
	for name in $FORCED; do
		module_set "$name" on
	done
	with_programs=1
	once fuse_ext "$1" "$use"
	same "forced"
	for name in $COUNTED; do
		at_least "$(stats "$name")" 1 "$name, forced"
	done
	is "$(stats create_atomic)" 0 "files created by a server that doesn't know ATOMIC_CREATE"
	"$1_mount"
	"$left"
	unmount_daemon "$1"
	module_unload
	daemon_has "$1" end
}

@test "bindfs (libfuse 3): forced on it, nothing changes" {
	three_ways bindfs
}

@test "sshfs (libfuse 3): forced on it, nothing changes" {
	three_ways sftp
}

@test "ntfs-3g (its own libfuse, fuseblk): forced on it, nothing changes" {
	three_ways ntfs
}

@test "fuse-overlayfs (libfuse 3, low-level): forced on it, nothing changes" {
	three_ways overlayfs
}

@test "mergerfs (its own libfuse): forced on it, nothing changes" {
	three_ways mergerfs
}

@test "gocryptfs (Go): forced on it, nothing changes" {
	three_ways gocryptfs
}

@test "rclone (Go): forced on it, nothing changes" {
	three_ways rclone use_plain
}

@test "squashfuse (read-only): forced on it, nothing changes" {
	three_ways squashfuse use_read_only read_only_left
}
