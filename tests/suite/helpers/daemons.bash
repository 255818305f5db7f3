# shellcheck shell=bash
# Daemons of the distribution, what is done in their filesystems, and what that
# showed.  Loaded by the suites of real daemons, after helpers/all.
#
# A daemon is NAME_mount, which mounts it at $FX/a; where there is more to it,
# NAME_begin, once a test; NAME_fresh, before each mount of an empty filesystem;
# NAME_unmounted, after each unmount; and NAME_end.

# daemon_has NAME WHAT: calls NAME_WHAT, if there is such a function.
daemon_has() {
	if declare -F "$1_$2" >/dev/null; then
		"$1_$2"
	fi
}

mounted() {
	connection_of "$FX/a" >/dev/null 2>&1
}

unmount_daemon() { # NAME
	run_ 0 umount "$FX/a"
	daemon_has "$1" unmounted
}

# once DRIVER NAME USE: an empty filesystem is mounted, used and unmounted.
once() {
	daemon_has "$2" fresh
	"$2_mount"
	is "$(driver_of "$FX/a")" "$1" "driver"
	"$3"
	[ "$1" = fuse ] || cp "$(control_of "$FX/a")/ext_stats" "$FX/stats"
	unmount_daemon "$2"
}

# same WHAT: $FX/seen shows what stock's did.
same() {
	cmp -s "$FX/seen" "$FX/seen.stock" || {
		log_line "$(diff "$FX/seen.stock" "$FX/seen")"
		fail "$1: what was seen isn't what was seen on stock"
	}
}

# stats NAME: of the mount that `once` has unmounted.
stats() {
	local name value
	while read -r name value; do
		[ "$name" != "$1" ] || echo "$value"
	done <"$FX/stats"
}

bindfs_fresh() {
	rm -rf "$FX/below"
	mkdir "$FX/below"
}
bindfs_mount() {
	run_ 0 bindfs "$FX/below" "$FX/a"
}

sshfs_begin() {
	mkdir -p /run/sshd
	run_ 0 ssh-keygen -q -t ed25519 -N '' -f "$FX/key"
	cat >"$FX/sshd_config" <<-END
		Port 2222
		ListenAddress 127.0.0.1
		HostKey $FX/key
		AuthorizedKeysFile $FX/key.pub
		StrictModes no
		UsePAM no
		PidFile none
		Subsystem sftp internal-sftp
	END
	: >"$FX/sshd"
	start "$FX/sshd" /usr/sbin/sshd -D -e -f "$FX/sshd_config"
	sshd=$started
	soon 20 has_line "$FX/sshd" listening || fail "sshd doesn't listen: $(<"$FX/sshd")"
}
sshfs_fresh() {
	rm -rf "$FX/remote"
	mkdir "$FX/remote"
}
sshfs_mount() {
	run_ 0 sshfs "root@127.0.0.1:$FX/remote" "$FX/a" -p 2222 -o "IdentityFile=$FX/key" \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
}
sshfs_end() {
	kill "$sshd"
	ends "$sshd" 10 || fail "sshd doesn't end"
}

# sshfs without ssh, whose ciphers take most of the time in an emulated machine.
sftp_begin() {
	printf '%s\n' '#!/bin/sh' 'exec /usr/lib/openssh/sftp-server' >"$FX/ssh"
	chmod 755 "$FX/ssh"
}
sftp_fresh() {
	sshfs_fresh
}
sftp_mount() { # OPTION...
	run_ 0 sshfs "root@localhost:$FX/remote" "$FX/a" -o "ssh_command=$FX/ssh" "$@"
}

ntfs_begin() {
	loop_driver
	run_ 0 truncate -s 16M "$FX/image"
	run_ 0 losetup --find --show "$FX/image"
	device=$output
}
ntfs_fresh() {
	run_ 0 mkntfs --quick --force "$device"
}
ntfs_mount() {
	run_ 0 ntfs-3g "$device" "$FX/a"
	is "$(mount_field "$FX/a" 3)" fuseblk "type"
}
ntfs_end() {
	run_ 0 losetup --detach "$device"
}

# Some of what is used is in the lower layer, and has to be copied up.
overlayfs_begin() {
	mkdir -p "$FX/lower/work/directory"
	echo lower >"$FX/lower/work/file"
	ln -s file "$FX/lower/work/link"
}
overlayfs_fresh() {
	rm -rf "$FX/upper" "$FX/scratch"
	mkdir "$FX/upper" "$FX/scratch"
}
overlayfs_mount() {
	run_ 0 fuse-overlayfs -o "lowerdir=$FX/lower,upperdir=$FX/upper,workdir=$FX/scratch" "$FX/a"
}

squashfuse_begin() {
	mkdir -p "$FX/tree/directory"
	echo content >"$FX/tree/file"
	ln -s file "$FX/tree/link"
	ln -s pointed-at "$FX/tree/dangling"
	run_ 0 mksquashfs "$FX/tree" "$FX/packed" -quiet -no-progress
}
squashfuse_mount() {
	run_ 0 squashfuse "$FX/packed" "$FX/a"
}

mergerfs_fresh() {
	rm -rf "$FX/one" "$FX/two"
	mkdir "$FX/one" "$FX/two"
}
mergerfs_mount() {
	# it takes a folder of less than 4 GB for a full one
	run_ 0 mergerfs -o minfreespace=0 "$FX/one:$FX/two" "$FX/a"
}

# After one unmount in eight, 2.40.2 waits for its own threads without end, on stock,
# too (it has said `exiting main loop`), and has /dev/fuse open until it is killed.
mergerfs_unmounted() {
	local pid
	soon 5 group_empty && return
	while read -r pid; do
		log_line "doesn't end by itself: $(where_is "$pid")"
		kill -KILL "$pid" 2>/dev/null || log_line "$pid ended just now"
	done <"$FX_GROUP/cgroup.procs"
	soon 5 group_empty || fail "mergerfs can't be killed"
}

gocryptfs_fresh() {
	rm -rf "$FX/cipher"
	mkdir "$FX/cipher"
	run_ 0 gocryptfs -init -q -scryptn 10 -extpass "echo secret" "$FX/cipher"
}
gocryptfs_mount() {
	# in the foreground: what it says isn't the output of the next command
	start "$FX/gocryptfs" gocryptfs -fg -q -nosyslog -extpass "echo secret" "$FX/cipher" "$FX/a"
	daemon=$started
	soon 60 mounted || fail "gocryptfs doesn't mount: $(<"$FX/gocryptfs")"
}
gocryptfs_unmounted() {
	ends "$daemon" 20 || fail "gocryptfs doesn't end"
}

# What was written is uploaded a minute after its close(2), or from the next
# mount: an upload under way changes what rclone says of a file.
rclone_fresh() {
	rm -rf "$FX/remote" "$FX/cache"
	mkdir "$FX/remote"
}
rclone_mount() {
	start "$FX/rclone" rclone mount --vfs-cache-mode writes --vfs-write-back 1m \
		--cache-dir "$FX/cache" "$FX/remote" "$FX/a"
	daemon=$started
	soon 60 mounted || fail "rclone doesn't mount: $(<"$FX/rclone")"
}
rclone_unmounted() {
	ends "$daemon" 20 || fail "rclone doesn't end"
}
