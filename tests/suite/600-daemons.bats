#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Real daemons of the distribution, unchanged, on stock and on ours: mount,
# write, read back, list, unmount.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want unloaded
}

teardown_file() {
	module_file_end
}

# use MOUNTPOINT: what an application does; what it saw goes to $FX/seen.
use() {
	local path=$1
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

# both FUNCTION: with the stock driver, then with ours; the same must be seen.
both() {
	"$1" fuse
	mv "$FX/seen" "$FX/seen.stock"
	module_load
	"$1" fuse_ext
	module_unload
	is "$(<"$FX/seen")" "$(<"$FX/seen.stock")" "what was seen on ours and on stock"
}

bindfs_on() { # DRIVER
	mkdir -p "$FX/below"
	run_ 0 bindfs "$FX/below" "$FX/a"
	is "$(driver_of "$FX/a")" "$1" "driver"
	use "$FX/a"
	run_ 0 umount "$FX/a"
}

@test "bindfs works the same on ours as on stock" {
	both bindfs_on
}

sshfs_on() { # DRIVER
	mkdir -p "$FX/remote"
	run_ 0 sshfs "root@127.0.0.1:$FX/remote" "$FX/a" -p 2222 -o "IdentityFile=$FX/key" \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
	is "$(driver_of "$FX/a")" "$1" "driver"
	use "$FX/a"
	run_ 0 umount "$FX/a"
}

@test "sshfs works the same on ours as on stock" {
	local sshd
	mkdir -p /run/sshd
	run_ 0 ssh-keygen -q -t ed25519 -N '' -f "$FX/key"
	run_ 0 ssh-keygen -q -t ed25519 -N '' -f "$FX/host"
	cat >"$FX/sshd_config" <<-END
		Port 2222
		ListenAddress 127.0.0.1
		HostKey $FX/host
		AuthorizedKeysFile $FX/key.pub
		StrictModes no
		UsePAM no
		PidFile none
		Subsystem sftp internal-sftp
	END
	start "$FX/sshd" /usr/sbin/sshd -D -e -f "$FX/sshd_config"
	sshd=$started
	soon 20 grep -q listening "$FX/sshd" || fail "sshd doesn't listen: $(<"$FX/sshd")"
	both sshfs_on
	kill "$sshd"
	ends "$sshd" 10 || fail "sshd doesn't end"
}

ntfs_on() { # DRIVER
	local device
	run_ 0 truncate -s 16M "$FX/image"
	run_ 0 losetup --find --show "$FX/image"
	device=$output
	run_ 0 mkntfs --quick --force "$device"
	run_ 0 ntfs-3g "$device" "$FX/a"
	is "$(mount_field "$FX/a" 3)" fuseblk "type"
	is "$(driver_of "$FX/a")" "$1" "driver"
	use "$FX/a"
	run_ 0 umount "$FX/a"
	run_ 0 losetup --detach "$device"
}

@test "ntfs-3g (fuseblk, on a loop device) works the same on ours as on stock" {
	modprobe loop
	both ntfs_on
}

@test "ntfs-3g with async_flush on: what was written is there after the unmount" {
	local device
	modprobe loop
	module_load
	run_ 0 truncate -s 16M "$FX/image"
	run_ 0 losetup --find --show "$FX/image"
	device=$output
	run_ 0 mkntfs --quick --force "$device"
	run_ 0 ntfs-3g "$device" "$FX/a"
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close-many "$FX/a" 20 2
	run_ 0 umount "$FX/a"
	run_ 0 ntfs-3g "$device" "$FX/a"
	is "$(find "$FX/a" -name 'many-*' -size 10c | wc -l)" 20 "files of 10 bytes"
	run_ 0 umount "$FX/a"
	run_ 0 losetup --detach "$device"
	module_unload
}
