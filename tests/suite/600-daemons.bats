#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Real daemons of the distribution, unchanged, on stock and on ours: mount,
# write, read back, list, unmount.  More of them, and with toggles that are on,
# in 610.

load helpers/all
load helpers/nodes
load helpers/daemons

setup_file() {
	isolate_file
	module_file
	module_want unloaded
}

teardown_file() {
	module_file_end
}

# use: what is done in a shell; what it saw goes to $FX/seen.
use() {
	local path=$FX/a
	run_ 0 dd if=/dev/urandom of="$FX/random" bs=64k count=5
	run_ 0 cp "$FX/random" "$path/copy"
	run_ 0 cmp "$FX/random" "$path/copy"
	run_ 0 mkdir "$path/folder"
	run_ 0 mv "$path/copy" "$path/folder/moved"
	run_ 0 fxclient close "$path/appended" 10000
	is "$(field error)" OK "close(2)"
	run_ 0 truncate -s 5000 "$path/appended"
	run_ 0 sync -f "$path"
	# read by the server again, not from the page cache
	echo 3 >/proc/sys/vm/drop_caches
	run_ 0 cmp "$FX/random" "$path/folder/moved"
	(cd "$path" && stat -c '%n %s' appended folder folder/moved) |
		sed '/^folder /d' >"$FX/seen"
	run_ 1 cat "$path/missing"
	run_ 0 rm -r "$path/folder" "$path/appended"
	is "$(find "$path" -mindepth 1 -maxdepth 1 ! -name '.*' -printf '%f ')" "" "what is left"
}

# both NAME: with the stock driver, then with ours; the same must be seen.
both() {
	daemon_has "$1" begin
	once fuse "$1" use
	mv "$FX/seen" "$FX/seen.stock"
	module_load
	once fuse_ext "$1" use
	same "ours"
	module_unload
	daemon_has "$1" end
}

@test "bindfs works the same on ours as on stock" {
	both bindfs
}

@test "sshfs works the same on ours as on stock" {
	both sshfs
}

@test "ntfs-3g (fuseblk, on a loop device) works the same on ours as on stock" {
	both ntfs
}

many_files() {
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close-many "$FX/a" 20 2
}

@test "ntfs-3g with async_flush on: what was written is there after the unmount" {
	module_load
	ntfs_begin
	once fuse_ext ntfs many_files
	ntfs_mount
	is "$(find "$FX/a" -name 'many-*' -size 10c | wc -l)" 20 "files of 10 bytes"
	run_ 0 umount "$FX/a"
	ntfs_end
	module_unload
}
