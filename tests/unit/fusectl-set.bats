#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fusectl get, set and inherit: values, targets, and all or nothing.  Against a
# machine made of files, not a kernel.

load helpers/fusectl

setup_file() { fusectl_build; }
setup() { fusectl_loaded_machine; }

TOGGLES=(async_flush sync_release atomic_create syncfs inval_files)

json() { jq -e "$@" <<<"$output"; }
module_wide() { cat "$FUSECTL_ROOT/sys/module/fuse_ext/parameters/$1"; }

# --- get

@test "get: all toggles module-wide, without operands and with all" {
	fusectl 0 get
	assert_equal "$(xargs -n3 <<<"$output")" "NAME VALUE SOURCE
async_flush auto module
sync_release auto module
atomic_create auto module
syncfs auto module
inval_files auto module"
	local without=$output
	fusectl 0 get all
	assert_equal "$output" "$without"
}

@test "get: one toggle module-wide" {
	echo exit >"$FUSECTL_ROOT/sys/module/fuse_ext/parameters/async_flush"
	fusectl 0 get -nr async_flush
	assert_equal "$output" "async_flush exit module"
}

@test "get: of a target: value in force, source, setting" {
	fusectl 0 get -nr async_flush /mnt/a
	assert_equal "$output" "async_flush auto module"
	fusectl 0 set async_flush on /mnt/a
	fusectl 0 get -nro NAME,VALUE,SOURCE,SETTING,CONN,TARGET async_flush /mnt/a
	assert_equal "$output" "async_flush on connection on 52 /mnt/a"
	fusectl 0 get -nro NAME,SETTING syncfs /mnt/a
	assert_equal "$output" "syncfs default"
	fusectl 0 get -nr all /mnt/a
	assert_equal "${#lines[@]}" 5
}

@test "get: of several targets, each line tells its target" {
	fusectl 0 get async_flush /mnt/a 53
	assert_equal "$(xargs -n4 <<<"$output")" "TARGET NAME VALUE SOURCE
/mnt/a async_flush auto module
53 async_flush auto module"
	fusectl 0 get -no VALUE async_flush /mnt/a /mnt/b
	assert_equal "$output" $'auto\nauto'
}

@test "get: JSON" {
	fusectl 0 get -j all /mnt/a /mnt/b
	json '.toggles | length == 10'
	json '.toggles[5] == {"target": "/mnt/b", "name": "async_flush", "value": "auto",
		"source": "module"}'
	fusectl 0 get -jo CONN,NAME
	json '.toggles[0] == {"conn": null, "name": "async_flush"}'
}

@test "get: from a server that asked" {
	sed -i 's/^sync_release .*/sync_release auto server/' "$FUSECTL_ROOT/own/52/ext_state"
	fusectl 0 get -nr sync_release 52
	assert_equal "$output" "sync_release auto server"
}

@test "get: a toggle that the loaded module doesn't know is exit status 1" {
	sed -i /syncfs/d "$FUSECTL_ROOT/own/52/ext_state"
	fusectl 1 get syncfs 52
	assert_error "doesn't know the toggle syncfs"
	rm "$FUSECTL_ROOT/sys/module/fuse_ext/parameters/syncfs"
	fusectl 1 get syncfs
	assert_error "can't read /sys/module/fuse_ext/parameters/syncfs"
	assert_equal "$output" ""
}

@test "get: another user's connection is exit status 5" {
	chmod -R a+rX "$BATS_RUN_TMPDIR"
	chmod 0 "$FUSECTL_ROOT/own/52"
	run --separate-stderr -5 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$FUSECTL_SOURCE/check-build.d/fusectl" get async_flush 52
	assert_error "not permitted"
}

# --- targets

@test "target: a mount point, a path below, a number are the same connection" {
	local target
	for target in /mnt/a /mnt/a/ //mnt/./a /mnt/a/deep/down/file /mnt/b/../a 52 \
		/mnt/b/../../mnt/a/x; do
		fusectl 0 set async_flush on "$target"
		assert_equal "$(setting 52)" on
		fusectl 0 inherit async_flush "$target"
		assert_equal "$(setting 52)" default
	done
	assert_equal "$(setting 53)" default
}

@test "target: nothing below a FUSE mount point is looked at, the server may be dead" {
	# there is nothing at /mnt/a or below in this machine: a look would fail
	[[ ! -e $FUSECTL_ROOT/mnt/a ]]
	fusectl 0 get async_flush /mnt/a/no/such/file
	command -v strace || skip "no strace on this machine"
	# the leak check can't run under strace
	ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=file,getdents64 -o "$BATS_TEST_TMPDIR/trace" \
		"$FUSECTL_SOURCE/check-build.d/fusectl" get async_flush /mnt/a/file
	! grep "root/mnt/a" "$BATS_TEST_TMPDIR/trace" || fail "the server would have been asked"
}

@test "target: links that lead to a FUSE mount point" {
	ln -s /mnt/a/below "$FUSECTL_ROOT/home/user/absolute"
	ln -s ../../mnt/a "$FUSECTL_ROOT/home/user/relative"
	ln -s absolute "$FUSECTL_ROOT/home/user/link"
	local name
	for name in absolute relative link link/more relative/../b/../a; do
		fusectl 0 get -nro CONN async_flush "/home/user/$name"
		assert_equal "$output" 52
	done
	ln -s loop "$FUSECTL_ROOT/home/user/loop"
	fusectl 4 get async_flush /home/user/loop
	assert_error "symbolic links"
}

@test "target: relative paths" {
	cd "$FUSECTL_ROOT/home/user"
	fusectl 0 get -nro CONN async_flush ../../mnt/a/x
	assert_equal "$output" 52
	mkdir 52
	fusectl 4 get async_flush ./52
	fusectl 0 get -nro CONN async_flush 52
}

@test "target: the topmost mount counts, and hidden ones don't" {
	# on top of /mnt/a; then a tmpfs that hides /mnt with all below
	add_mount 300 252 0:53 /mnt/a fuse server
	fusectl 0 get -nro CONN async_flush /mnt/a/x
	assert_equal "$output" 53
	add_mount 301 20 0:99 /mnt tmpfs tmpfs
	fusectl 4 get async_flush /mnt/b
	fusectl 0 get -nro CONN async_flush 53
	# below the tmpfs there is another /mnt/b
	add_mount 302 301 0:52 /mnt/b fuse.bindfs bindfs
	fusectl 0 get -nro CONN async_flush /mnt/b
	assert_equal "$output" 52
}

@test "target: a filesystem that isn't FUSE, mounted below one that is" {
	add_mount 303 252 8:2 /mnt/a/disk ext4 /dev/sda2
	mkdir -p "$FUSECTL_ROOT/mnt/a/disk"
	fusectl 4 get async_flush /mnt/a/disk
	assert_error "but on ext4, mounted at /mnt/a/disk"
	fusectl 0 get async_flush /mnt/a/other
}

@test "target: in a chroot, where / has no line" {
	sed -i '/ \/ \/ /d' "$FUSECTL_ROOT/proc/self/mountinfo"
	fusectl 0 get -nro CONN async_flush /mnt/a/x
	assert_equal "$output" 52
	fusectl 4 get async_flush /home/user
}

@test "target: mount points with any name" {
	own_connection 70 '/mnt/new\012line\134and\040space' fuse x
	"$FUSECTL_ROOT/fusectl-ops" refresh
	fusectl 0 get -nro CONN,TARGET async_flush $'/mnt/new\nline\\and space/below'
	assert_equal "$output" '70 /mnt/new\x0aline\x5cand\x20space/below'
	fusectl 4 get async_flush $'/home/\e[31mred\n'
	refute_error $'\e'
	assert_error '\x1b[31mred\x0a'
}

@test "target: what is none is exit status 4, and says what is" {
	local target
	for target in 99 4294967348 99999999999999999999 / /home/user /no/such "" 5x; do
		fusectl 4 get async_flush "$target"
		fusectl 4 set async_flush on "$target"
	done
	assert_no_change
	fusectl 4 get async_flush /home/user
	assert_error "not on a FUSE filesystem, but on ext4, mounted at /"
}

@test "target: the stock driver's is exit status 6, and says how to hand it over" {
	local target verb
	for target in 51 /mnt/stock /mnt/stock/file; do
		for verb in "get async_flush" "set async_flush on" "inherit async_flush"; do
			# shellcheck disable=SC2086 # words
			fusectl 6 $verb "$target"
			assert_error "served by the stock driver"
			assert_error "unmount and mount it again to hand it over to fuse_ext"
		done
	done
	assert_error "mounted at /mnt/stock"
	assert_no_change
	stock_connection 61
	fusectl 6 get async_flush 61
}

# --- set, inherit

@test "set: module-wide, each toggle and value" {
	echo "${TOGGLES[*]}" >"$FUSECTL_ROOT/sys/fs/fuse_ext/supported"
	local toggle value
	for toggle in "${TOGGLES[@]}"; do
		for value in on off auto; do
			fusectl 0 set "$toggle" $value
			assert_quiet
			assert_equal "$(module_wide "$toggle")" $value
		done
	done
	fusectl 0 set async_flush exit
	assert_equal "$(module_wide async_flush)" exit
	fusectl 2 set async_flush default
	assert_error "'default' is for a connection; name a TARGET"
	assert_equal "$(module_wide async_flush)" exit
}

@test "set: on several targets, one given twice is written once" {
	fusectl 0 set async_flush exit /mnt/a 52 /mnt/disk/x
	assert_quiet
	assert_equal "$(setting 52) $(setting 53) $(setting 7340032)" "exit default exit"
	assert_equal "$(grep -c ^write "$FUSECTL_ROOT/log")" 2
}

@test "set: one wrong target or value, and nothing is written" {
	fusectl 4 set async_flush on /mnt/a 99
	fusectl 6 set async_flush on /mnt/a /mnt/b /mnt/stock
	fusectl 2 set async_flush onn /mnt/a
	fusectl 2 set async_flsh on /mnt/a
	assert_no_change
	assert_equal "$(setting 52)" default
}

@test "set: each wrong target is told, the first decides the exit status" {
	fusectl 6 set async_flush on /mnt/stock 99
	assert_error "/mnt/stock: connection 51"
	assert_error "no FUSE connection 99"
}

@test "set: a write that fails midway sets the others back, and says so" {
	fusectl 0 set async_flush off 52
	echo "write */7340032/* 5" >"$FUSECTL_ROOT/fail"
	fusectl 1 set async_flush on 52 53 7340032
	assert_error "7340032: can't set async_flush to on"
	assert_error "52: async_flush is back on off"
	assert_error "53: async_flush is back on default"
	assert_equal "$(setting 52) $(setting 53) $(setting 7340032)" "off default default"
}

@test "set: a set-back that fails is said" {
	cp "$FUSECTL_ROOT/fusectl-ops" "$FUSECTL_ROOT/original"
	cat >"$FUSECTL_ROOT/fusectl-ops" <<-'END'
		#!/bin/bash
		[[ "$1 $2" != *53* ]] || exit 5
		[[ $3 != default ]] || exit 5
		exec "$FUSECTL_ROOT/original" "$@"
	END
	fusectl 1 set async_flush on 52 53
	assert_error "52: can't set async_flush back to default"
	assert_equal "$(setting 52)" on
}

@test "set: a connection that goes meanwhile is exit status 4, the others are set back" {
	echo "write */53/* 2" >"$FUSECTL_ROOT/fail"
	fusectl 4 set async_flush on 52 53
	assert_error "53: gone"
	assert_equal "$(setting 52)" default
}

@test "set: not permitted is exit status 5, module-wide and on a target" {
	local error
	for error in 1 13; do
		echo "write * $error" >"$FUSECTL_ROOT/fail"
		fusectl 5 set async_flush on
		assert_error "CAP_SYS_ADMIN"
		fusectl 5 set async_flush on 52
		fusectl 5 inherit async_flush 52
	done
	assert_equal "$(setting 52)" default
}

@test "set --dry-run: not permitted is exit status 5, by the file, the capability, the namespace" {
	chmod -R a+rX "$BATS_RUN_TMPDIR"
	chown -R 65534 "$FUSECTL_ROOT/own/52"
	local fusectl=(setpriv --reuid=65534 --regid=65534 --clear-groups
		"$FUSECTL_SOURCE/check-build.d/fusectl" set --dry-run)
	run -5 "${fusectl[@]}" async_flush on
	run -5 "${fusectl[@]}" async_flush on 53
	run -0 "${fusectl[@]}" async_flush on 52
	printf 'Name:\tx\nCapEff:\t%016x\n' $((~(1 << 21))) >"$FUSECTL_ROOT/proc/self/status"
	fusectl 5 set --dry-run async_flush on 52
	fusectl 0 set --dry-run async_flush on
	printf 'Name:\tx\nCapEff:\t%016x\n' $((1 << 21)) >"$FUSECTL_ROOT/proc/self/status"
	fusectl 0 set --dry-run async_flush on 52
	ln -s 'user:[4026531837]' "$FUSECTL_ROOT/proc/self/ns/user"
	fusectl 0 set --dry-run async_flush on 52
	ln -sf 'user:[4026532000]' "$FUSECTL_ROOT/proc/self/ns/user"
	fusectl 5 set --dry-run async_flush on 52
	assert_equal "$(setting 52)" default
}

@test "set: a feature that this build doesn't have is exit status 1, and says what it has" {
	local has="it has: async_flush sync_release atomic_create syncfs"
	fusectl 1 set inval_files on 52
	assert_error "this build of fuse_ext has no inval_files yet ($has)"
	fusectl 1 set inval_files on
	assert_error "this build of fuse_ext has no inval_files yet ($has)"
	fusectl 0 set inval_files off
	fusectl 0 set inval_files auto
}

@test "set: a word that the module refuses is exit status 1" {
	echo "write * 22" >"$FUSECTL_ROOT/fail"
	fusectl 1 set async_flush exit
	assert_error "doesn't take 'exit'"
}

@test "inherit: a connection follows the module-wide value again" {
	fusectl 0 set async_flush off /mnt/a
	fusectl 0 set async_flush on
	fusectl 0 get -nr async_flush /mnt/a
	assert_equal "$output" "async_flush off connection"
	fusectl 0 inherit async_flush /mnt/a
	assert_quiet
	fusectl 0 get -nr async_flush /mnt/a
	assert_equal "$output" "async_flush on module"
	fusectl 0 set async_flush off /mnt/a /mnt/b
	fusectl 0 inherit async_flush /mnt/a /mnt/b
	assert_equal "$(setting 52) $(setting 53)" "default default"
}

@test "set: disable_sync_release is sync_release" {
	fusectl 0 set disable_sync_release on /mnt/a
	assert_equal "$(setting 52 sync_release)" off
	fusectl 0 set disable_sync_release off /mnt/a
	assert_equal "$(setting 52 sync_release)" default
	fusectl 0 set disable_sync_release on
	assert_equal "$(module_wide sync_release)" off
	fusectl 0 set disable_sync_release off
	assert_equal "$(module_wide sync_release)" auto
	: >"$FUSECTL_ROOT/log"
	fusectl 2 set disable_sync_release auto /mnt/a
	assert_error "the values are: on, off"
	assert_no_change
}

# --- usage

@test "wrong toggles and values suggest the nearest one, exit status 2" {
	fusectl 2 get asyncflush
	assert_error "did you mean 'async_flush'?"
	assert_error "the toggles are: async_flush, sync_release, atomic_create, syncfs, inval_files, or all"
	fusectl 2 set snycfs on
	assert_error "did you mean 'syncfs'?"
	fusectl 2 inherit sync-release 52
	assert_error "did you mean 'sync_release'?"
	fusectl 2 set async_flush atuo
	assert_error "did you mean 'auto'?"
	assert_error "the values are: auto, on, off, exit"
	fusectl 2 set async_flush defualt 52
	assert_error "did you mean 'default'?"
	fusectl 2 set syncfs exit 52
	assert_error "'exit' is a value of async_flush only"
	assert_error "the values are: auto, on, off, default"
	fusectl 2 set zzzzzzzzz on
	refute_error "did you mean"
	fusectl 2 set async_flush ON
	assert_error "did you mean 'on'?"
	fusectl 2 set all on
	assert_no_change
}

@test "too few operands are exit status 2" {
	fusectl 2 set
	fusectl 2 set async_flush
	assert_error "usage: fusectl set [OPTION...] TOGGLE VALUE [TARGET...]"
	fusectl 2 inherit
	fusectl 2 inherit async_flush
	assert_no_change
}

@test "not loaded is exit status 3, after the words were checked, and says how to load it" {
	fusectl_unloaded
	local call
	for call in "get" "get async_flush 51" "set async_flush on" "set async_flush on 51" \
		"inherit async_flush 51"; do
		# shellcheck disable=SC2086 # words
		fusectl 3 $call
		assert_error "fusectl load"
	done
	fusectl 2 set async_flush wrong
	fusectl 2 get wrong
	assert_no_change
}

@test "an unprivileged user is told to load where nothing can be told" {
	fusectl_own_unmounted
	chmod -R a+rX "$BATS_RUN_TMPDIR"
	run --separate-stderr -5 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$FUSECTL_SOURCE/check-build.d/fusectl" get async_flush /mnt/a
	assert_error "as root: fusectl load"
}
