#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fusectl load and unload: the order of the steps, and that a step that fails
# undoes those before.  Against a machine made of files, not a kernel.

load helpers/fusectl

setup_file() { fusectl_build; }
setup() { fusectl_machine; }

STANDARD=/sys/fs/fuse/connections
OWN=/sys/fs/fuse_ext/connections
STOCK=/run/fuse-ext/stock-connections

on_top() { awk -v path="$1" '$5 == path { device = $3 } END { print device }' "$FUSECTL_ROOT/proc/self/mountinfo"; }

@test "load: the stock control filesystem is kept first, then the module, then ours" {
	fusectl 0 load
	assert_quiet
	assert_equal "$(<"$FUSECTL_ROOT/log")" "mount fusectl $STOCK fusectl 2097166
insert
mount fusectl $OWN fusectl 2097166
mount fusectl $STANDARD fusectl 2097166"
	assert_equal "$(on_top $STANDARD)" 0:41
	assert_equal "$(on_top $OWN)" 0:41
	assert_equal "$(on_top $STOCK)" 0:40
}

@test "load: where the stock control filesystem isn't mounted, it is mounted before the module is loaded" {
	sed -i '/fusectl/d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh $STANDARD
	local before
	before=$(mountinfo)
	fusectl 0 load
	assert_equal "$(on_top $STOCK)" 0:40
	assert_equal "$(on_top $STANDARD)" 0:41
	fusectl 0 unload
	assert_equal "$(mountinfo)" "$before"
}

@test "load: where there is no stock driver yet, only ours is mounted" {
	sed -i '/fusectl/d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh $STANDARD
	touch "$FUSECTL_ROOT/no-stock"
	fusectl 0 load
	assert_quiet
	assert_equal "$(on_top $STANDARD)" 0:41
	[[ ! -e $FUSECTL_ROOT/run/fuse-ext ]] || fail "expected no $STOCK"
}

@test "load: a second time does nothing" {
	fusectl 0 load
	local before
	before=$(mountinfo)
	: >"$FUSECTL_ROOT/log"
	fusectl 0 load
	assert_quiet
	assert_no_change
	assert_equal "$(mountinfo)" "$before"
}

@test "load: loaded by modprobe with the stock one at the standard place, both become reachable" {
	local before
	before=$(mountinfo)
	"$FUSECTL_ROOT/fusectl-ops" insert
	: >"$FUSECTL_ROOT/log"
	fusectl 0 load
	# private before ours is mounted over it, or ours would appear there, too
	# and in a directory that doesn't propagate it to other namespaces
	assert_equal "$(<"$FUSECTL_ROOT/log")" "mount /run/fuse-ext /run/fuse-ext none 4096
mount none /run/fuse-ext none 262144
mount $STANDARD $STOCK none 4096
mount none $STOCK none 262144
mount fusectl $OWN fusectl 2097166
mount fusectl $STANDARD fusectl 2097166"
	assert_equal "$(on_top $STOCK)" 0:40
	assert_equal "$(on_top $STANDARD)" 0:41
	fusectl 0 unload
	assert_equal "$(mountinfo)" "$before"
	assert_equal "$(ls -A "$FUSECTL_ROOT/run")" fuse-ext.lock
}

@test "load: a step of the repair that fails undoes those before" {
	"$FUSECTL_ROOT/fusectl-ops" insert
	local before call
	before=$(mountinfo)
	for call in "mount /run/fuse-ext" "mount $STOCK" "mount $OWN" "mount $STANDARD"; do
		echo "$call 5" >"$FUSECTL_ROOT/fail"
		fusectl 1 load
		assert_error "as it was before; fuse_ext is loaded"
		assert_equal "$(mountinfo)" "$before"
		[[ ! -e $FUSECTL_ROOT/run/fuse-ext ]] || fail "$call: /run/fuse-ext is left"
	done
}

@test "load: repairs a missing bind below ours, and ours stays on top" {
	fusectl 0 load
	"$FUSECTL_ROOT/fusectl-ops" unmount $STOCK
	fusectl 0 load
	assert_equal "$(on_top $STOCK)" 0:40
	assert_equal "$(on_top $STANDARD)" 0:41
	fusectl 0 unload
	assert_equal "$(on_top $STANDARD)" 0:40
	assert_equal "$(on_top $STOCK)" ""
}

@test "load: loaded at boot, only ours is mounted; unload mounts the stock one" {
	sed -i '/fusectl/d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh $STANDARD
	"$FUSECTL_ROOT/fusectl-ops" insert
	"$FUSECTL_ROOT/fusectl-ops" mount fusectl $STANDARD fusectl 14
	fusectl 0 load
	assert_equal "$(on_top $OWN)" 0:41
	assert_equal "$(on_top $STOCK)" ""
	fusectl 0 unload
	assert_equal "$(on_top $STANDARD)" 0:40
}

@test "unload: the mount table is what it was before load" {
	local before
	before=$(mountinfo)
	fusectl 0 load
	: >"$FUSECTL_ROOT/log"
	fusectl 0 unload
	assert_quiet
	assert_equal "$(<"$FUSECTL_ROOT/log")" "unmount $STANDARD
unmount $OWN
remove
unmount $STOCK"
	assert_equal "$(mountinfo)" "$before"
	[[ ! -e $FUSECTL_ROOT/run/fuse-ext ]] || fail "expected /run/fuse-ext to be gone"
	[[ ! -e $FUSECTL_ROOT/sys/module/fuse_ext ]] || fail "expected it to be unloaded"
}

@test "load and unload, ten times, leave nothing behind" {
	local before round
	before=$(mountinfo)
	for ((round = 0; round < 10; round++)); do
		fusectl 0 load
		fusectl 0 unload
	done
	assert_equal "$(mountinfo)" "$before"
	assert_equal "$(ls -A "$FUSECTL_ROOT/run")" fuse-ext.lock
}

@test "unload: where nothing is loaded there is nothing to do" {
	fusectl 0 unload
	assert_error "isn't loaded"
	assert_no_change
}

@test "unload: refused before anything is touched while mounts of ours live, and lists them" {
	fusectl_loaded_machine_here
	local before
	before=$(mountinfo)
	fusectl 1 unload
	assert_error "in use"
	assert_error "/mnt/a (connection 52, fuse.bindfs)"
	assert_error "/mnt/disk (connection 7340032, fuseblk)"
	refute_error /mnt/stock
	assert_no_change
	assert_equal "$(mountinfo)" "$before"
}

fusectl_loaded_machine_here() {
	fusectl 0 load
	own_connection 52 /mnt/a fuse.bindfs bindfs
	own_connection 7340032 /mnt/disk fuseblk /dev/loop0 7:0
	"$FUSECTL_ROOT/fusectl-ops" refresh
	: >"$FUSECTL_ROOT/log"
}

@test "unload: refused for a connection without a mount point here, says where it is" {
	fusectl 0 load
	own_connection 60
	own_connection 61
	process 4711 2 "500 20 0:60 / /mnt/el\040sewhere rw - fuse x rw"
	process 4712 2 "500 20 0:60 / /mnt/el\040sewhere rw - fuse x rw"
	process 4713 1 "500 20 0:60 / /mnt/same rw - fuse x rw"
	"$FUSECTL_ROOT/fusectl-ops" refresh
	: >"$FUSECTL_ROOT/log"
	fusectl 1 unload
	assert_error "unmount connection 60 at /mnt/el sewhere in the mount namespace of process 4711"
	refute_error 4712
	refute_error 4713
	assert_error "connection 61 was unmounted lazily"
	assert_no_change
}

@test "unload: refused for its control filesystem at another place" {
	fusectl 0 load
	mkdir -p "$FUSECTL_ROOT/mnt/control"
	add_mount 90 20 0:41 /mnt/control fusectl fusectl
	: >"$FUSECTL_ROOT/log"
	fusectl 1 unload
	assert_error "unmount /mnt/control"
	assert_no_change
}

@test "unload: refused while the module count says that /dev/fuse is open" {
	fusectl 0 load
	echo 1 >"$FUSECTL_ROOT/held"
	"$FUSECTL_ROOT/fusectl-ops" refresh
	: >"$FUSECTL_ROOT/log"
	fusectl 1 unload
	assert_error "fuser -v /dev/fuse"
	assert_no_change
}

@test "unload: if the removal fails, everything of ours is mounted again" {
	fusectl 0 load
	local before
	before=$(mountinfo | cut -d' ' -f3-)
	touch "$FUSECTL_ROOT/hidden"
	process 4711 2 "500 20 0:41 / /container/control rw - fusectl fusectl rw"
	fusectl 1 unload
	assert_error "mounted at /container/control in the mount namespace of process 4711"
	assert_error "as it was before"
	assert_equal "$(mountinfo | cut -d' ' -f3- | sort)" "$(sort <<<"$before")"
	fusectl 0 list
}

@test "unload: if the removal fails, says what may hold the module" {
	fusectl 0 load
	touch "$FUSECTL_ROOT/hidden"
	fusectl 1 unload
	assert_error "busy"
	assert_error "its control filesystem was unmounted lazily"
	rm "$FUSECTL_ROOT/hidden"
	echo "remove * 16" >"$FUSECTL_ROOT/fail"
	fusectl 1 unload
	assert_error "fuser -v /dev/fuse"
	echo "remove * 1" >"$FUSECTL_ROOT/fail"
	fusectl 1 unload
	assert_error "Operation not permitted"
}

@test "unload: if ours at the standard place can't be unmounted, nothing is" {
	fusectl 0 load
	local before
	before=$(mountinfo)
	echo "unmount $STANDARD 16" >"$FUSECTL_ROOT/fail"
	fusectl 1 unload
	assert_error "fuser -vm $STANDARD"
	assert_equal "$(mountinfo)" "$before"
}

@test "unload: if the second one can't be unmounted, the first is mounted again" {
	fusectl 0 load
	echo "unmount $OWN 16" >"$FUSECTL_ROOT/fail"
	fusectl 1 unload
	assert_equal "$(on_top $STANDARD)" 0:41
	assert_equal "$(on_top $OWN)" 0:41
}

@test "unload: a failure after the removal is reported as one" {
	fusectl 0 load
	echo "unmount $STOCK 16" >"$FUSECTL_ROOT/fail"
	fusectl 1 unload
	assert_error "is unloaded, but"
}

@test "load: each step that fails undoes the steps before, and says so" {
	local before call
	before=$(mountinfo)
	for call in "mount $STOCK" "insert *" "mount $OWN" "mount $STANDARD"; do
		echo "$call 5" >"$FUSECTL_ROOT/fail"
		fusectl 1 load
		assert_error "fuse_ext is not loaded"
		assert_equal "$(mountinfo)" "$before"
		[[ ! -e $FUSECTL_ROOT/sys/module/fuse_ext ]] || fail "$call: still loaded"
		[[ ! -e $FUSECTL_ROOT/run/fuse-ext ]] || fail "$call: /run/fuse-ext is left"
	done
}

@test "load: an undo that fails is said, and nothing is claimed to be as before" {
	printf '%s\n' "mount $OWN 5" "remove * 16" >"$FUSECTL_ROOT/fail"
	fusectl 1 load
	assert_error "while undoing: can't unload fuse_ext"
	refute_error "as it was"
}

@test "load: says why the module can't be loaded, and what to do" {
	local error words
	while read -r error words; do
		echo "insert * $error" >"$FUSECTL_ROOT/fail"
		fusectl 1 load
		assert_error "$words"
	done <<-'END'
		2 lacks
		129 Secure Boot
		126 mokutil
		1 Secure Boot
		8 dkms status
		22 /etc/modprobe.d
		12 dmesg
	END
	rm "$FUSECTL_ROOT/modinfo/filename"
	echo "insert * 2" >"$FUSECTL_ROOT/fail"
	fusectl 1 load
	assert_error "isn't installed for the running kernel"
	assert_error "dkms status"
}

@test "load and unload: not permitted to another user, exit status 5" {
	chmod -R a+rX "$BATS_RUN_TMPDIR"
	local verb
	for verb in load unload; do
		run -5 setpriv --reuid=65534 --regid=65534 --clear-groups \
			"$FUSECTL_SOURCE/check-build.d/fusectl" $verb
		[[ $output == *"run it as root"* ]] || fail "expected what to do: $output"
	done
	assert_no_change
}

@test "load: not permitted to root who may not mount, exit status 5" {
	local call error
	for call in "mount $STOCK" "mount $OWN" "mount $STANDARD"; do
		for error in 1 13 30; do
			echo "$call $error" >"$FUSECTL_ROOT/fail"
			fusectl 5 load
			assert_error "fuse_ext is not loaded"
		done
	done
}

@test "load and unload take no operand" {
	fusectl 2 load now
	fusectl 2 unload now
	assert_no_change
}

@test "unload: waits a moment for a server that is about to close /dev/fuse" {
	fusectl 0 load
	echo 1 >"$FUSECTL_ROOT/held"
	"$FUSECTL_ROOT/fusectl-ops" refresh
	(
		sleep 0.5
		rm "$FUSECTL_ROOT/held"
		"$FUSECTL_ROOT/fusectl-ops" refresh
	) 3>&- &
	fusectl 0 unload
	assert_quiet
}
