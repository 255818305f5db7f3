#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Memory that can't be had, allocation by allocation, in each system call that reaches
# our code.  Needs a kernel with fault injection (cell debug-6.12); that nothing leaks
# by it is for kmemleak, at the end of the machine.  Of the allocations of init, each
# fourth one; all with FUSE_EXT_LONG=1, as `make faults` has it.
#
# The system calls that reach our code, by a hook in fs/fuse or by an operation of ours:
#   mount(2), also to remount, umount(2)	mount.c, interpose.c, inval.c, flush.c
#   open(2), also with O_CREAT			inval_io.c, create.c, release.c
#   close(2), exit(2)				flush.c, release.c
#   syncfs(2)					syncfs.c
#   what is done with an open file		inval_io.c, flush.c (see CALL_OF)
#   /dev/fuse: read(2); write(2) of the answer to INIT, and of a notification;
#   the ioctl, also by a clone; /proc/PID/fdinfo	negotiate.c, inval.c, connection.c
#   the control filesystem and its files	connection.c, init.c
#   parameters, /sys/fs/fuse_ext and poll(2) of it	toggle.c, sysfs.c
#   finit_module(2), delete_module(2)		init.c, takeover.c

load helpers/all
load helpers/tree
load helpers/nodes

FAULTS=/sys/kernel/debug

# The calls of `fxclient fail-nth`, by what they are about.
FILE_CALLS="open create close exit syncfs read write fsync truncate stat seek allocate
	advise flock lock poll ioctl copy splice map"
SERVER_CALLS="mount remount umount init read-device notify negotiate clone"
CONTROL_CALLS="show word change list control"
MODULE_CALLS="load unload"

# Which of them comes to an operation that we have put our own in the place of.
# -g: bats reads this file in a function
declare -gA CALL_OF=(
	[open]=open [read_iter]=read [write_iter]=write [splice_read]=splice
	[splice_write]=splice [llseek]=seek [fsync]=fsync [fallocate]=allocate
	[copy_file_range]=copy [unlocked_ioctl]=ioctl [compat_ioctl]=ioctl [poll]=poll
	[flock]=flock [lock]=lock [fadvise]=advise [mmap]=map [fault]=map [map_pages]=map
	[page_mkwrite]=map [setattr]=truncate [getattr]=stat [writepages]=fsync
	[flush]=close [release]=close [atomic_open]=create [sync_fs]=syncfs
	[show_options]=show [put_super]=umount [parse_param]=mount [get_tree]=mount
	[reconfigure]=remount [readahead]=read [read_folio]=read
	# these look at a mark, and that is all; 6.12 has no writepage
	[launder_folio]=none [writepage]=none
)

# How often CALL may leave something wrong: where stock does, about as often, since what
# the kernel allocates isn't each time as much.
declare -gA MAY_BE_WRONG=()

setup_file() {
	local kind
	isolate_file
	module_file
	module_want loaded
	# each allocation may fail, those that may sleep too, and quietly
	for kind in failslab fail_page_alloc; do
		echo N >$FAULTS/$kind/ignore-gfp-wait
		echo 0 >$FAULTS/$kind/verbose
	done
	echo N >$FAULTS/fail_page_alloc/ignore-gfp-highmem
	echo 0 >$FAULTS/fail_page_alloc/min-order
}

teardown_file() {
	module_file_end
}

# fail_nth CALL PATH [ERRORS [ARGUMENT]...]: each allocation of CALL fails in turn: it
# says ENOMEM, or one of ERRORS, or nothing is wrong; in the end it works.
fail_nth() {
	run_ 0 fxclient fail-nth "$1" "$2" 500 "${@:4}"
	case $1 in
	# they have all they need since mount(2)
	init | read-device | negotiate) ;;
	*) at_least "$(field injected)" 1 "allocations of $1 that failed" ;;
	esac
	below "$(field injected)" 500 "allocations of $1 that failed"
	like "$(field seen)" "^(OK|(ENOMEM|${3:-ENOMEM})(,(ENOMEM|${3:-ENOMEM}))*)\$" "errors of $1"
	below "$(field wrong)" $((${MAY_BE_WRONG[$1]:-0} + 1)) "of what $1 leaves, that is wrong"
	is "$(field end)" OK "$1 when none failed"
}

# Each allocation of CALL fails in turn, and every FLUSH and RELEASE arrives.
faults() { # CALL
	local opened
	fail_nth "$1" "$FX/a/file0"
	opened=$(replies a OPEN error=OK)
	soon 10 has_requests a RELEASE "$opened" || fail "RELEASEs of $opened files"
	is "$(requests a RELEASE)" "$opened" "RELEASE requests, a file each"
}

# As `faults`, with one toggle after the other.
faults_with() { # CALL TOGGLE...
	local toggle
	raw_server a --delay flush=2 --delay release=2
	faults "$1"
	for toggle in "${@:2}"; do
		connection_set "$FX/a" "$toggle" on
		faults "$1"
	done
	server_stop a
}

@test "the kernel looks for mistakes: KASAN, lockdep, kmemleak, fault injection" {
	[ -w /proc/self/fail-nth ] || fail "no fault injection"
	[ -e /sys/kernel/debug/kmemleak ] || fail "no kmemleak"
	grep -q ' kasan_report$' /proc/kallsyms || fail "no KASAN"
	# lockdep turns itself off after its first report
	run_ 0 grep debug_locks: /proc/lockdep_stats
	is "${output##* }" 1 "debug_locks"
}

@test "no call is left out, nor an operation of ours" {
	local operation missing=
	run_ 0 fxclient fail-nth names x 0
	is "$(sort <<<"$output" | tr '\n' ' ')" \
		"$(tr -s ' \t\n' '\n' <<<"$FILE_CALLS $SERVER_CALLS $CONTROL_CALLS $MODULE_CALLS" |
			sort | tr '\n' ' ')" \
		"the calls of fxclient"
	while read -r operation; do
		[ -n "${CALL_OF[$operation]:-}" ] || missing+=" $operation"
	done < <(grep -hoE '(operations(->|\.)|copy->own\.|wrapped_ops\.)[a-z_]+ = ' \
		"$FUSE_EXT_SRC"/src/*.c | sed 's/ = //; s/.*[.>]//' | sort -u)
	is "$missing" "" "operations of ours that no call comes to"
}

@test "open(2): each allocation fails in turn" {
	faults_with open async_flush sync_release
}

@test "close(2): each allocation fails in turn, with nothing, async_flush, and sync_release on" {
	faults_with close async_flush sync_release
	is "$(lost a FLUSH)" "" "answers to FLUSH that the kernel refused"
}

@test "exit(2): each allocation fails in turn, with nothing, async_flush, and sync_release on" {
	faults_with exit async_flush sync_release
	is "$(lost a FLUSH)" "" "answers to FLUSH that the kernel refused"
}

@test "open(2) with O_CREAT by one request: each allocation fails in turn, and all is given back" {
	tree a
	connection_set "$FX/a" atomic_create on
	fail_nth create "$FX/a/file"
	at_least "$(requests a ATOMIC_CREATE)" 1 "ATOMIC_CREATE requests"
	forget_all a
	server_stop a
}

@test "syncfs(2): each allocation fails in turn; it says so or has asked the server" {
	raw_server a
	connection_set "$FX/a" syncfs on
	fail_nth syncfs "$FX/a/file0"
	# one without a fault; each other one either said that it failed, or asked
	is "$(requests a SYNCFS)" $(($(field calls) - $(field errors))) "SYNCFS requests"
	server_stop a
}

@test "all calls of a file, with all toggles on: each allocation fails in turn, all is given back" {
	local call toggle
	# fuse_writepages() takes a page for written that it had no memory for, and says nothing
	module_unload
	tree b --init-flags 0x10402
	echo something >"$FX/b/file"
	for call in fsync map; do
		run_ 0 fxclient fail-nth "$call" "$FX/b/file" 500
		MAY_BE_WRONG[$call]=$((2 * $(field wrong) + 1))
	done
	server_stop b
	module_load
	# the writeback cache, and locks at the server
	tree a --want 4 --init-flags 0x10402
	for toggle in $FX_TOGGLES; do
		connection_set "$FX/a" "$toggle" on
	done
	echo something >"$FX/a/file"
	for call in $FILE_CALLS; do
		case $call in
		lock) fail_nth "$call" "$FX/a/file" ENOLCK ;;
		# for SIGBUS
		map) fail_nth "$call" "$FX/a/file" EFAULT ;;
		*) fail_nth "$call" "$FX/a/file" ;;
		esac
	done
	forget_all a
	server_stop a
}

@test "what a server doesn't keep is missed after write(2) (the test of all calls can fail)" {
	raw_server a
	run_ 0 fxclient fail-nth write "$FX/a/file0" 500
	at_least "$(field wrong)" 1 "of what write leaves, that is wrong"
	server_stop a
}

@test "a server's calls, mount(2) and umount(2): each allocation fails in turn" {
	local call
	for call in $SERVER_CALLS; do
		fail_nth "$call" "$FX/a"
	done
}

# KASAN sees what is read after it is freed: that is how it was found.
@test "a RELEASE that an abort ends while the server reads it: all that it had is gone by then" {
	run_ 0 fxclient abort-copy "$FX/a" "$FX_OURS"
	like "$(field read)" "^(ECONNABORTED|ENODEV)\$" "error of the read(2) that copied it"
}

@test "the control filesystem: each allocation fails in turn, in each of its files" {
	local control file root
	raw_server a
	control=$(control_of "$FX/a")
	for file in $FX_TOGGLES ext_state ext_stats ext_init ext_requests; do
		fail_nth show "$control/$file"
	done
	for file in $FX_TOGGLES; do
		fail_nth word "$control/$file" "" on
		is "$(<"$control/$file")" on "$file after all"
	done
	fail_nth list "$control"
	umount "$FX_OURS"
	fail_nth control "$FX_OURS"
	mount -i -t fusectl none "$FX_OURS"
	# the server ends by it; who has its root open keeps the connection, and so this file
	exec {root}<"$FX/a"
	fail_nth word "$control/abort" "" 1
	exec {root}<&-
	server_end a
}

@test "parameters, /sys/fs/fuse_ext, /proc: each allocation fails in turn" {
	local file devices=0
	raw_server a --mount-data async_flush=on
	for file in $FX_TOGGLES; do
		fail_nth show "$FX_PARAMETERS/$file"
		fail_nth word "$FX_PARAMETERS/$file" "" auto
	done
	for file in version source supported control_dev changes; do
		fail_nth show "/sys/fs/fuse_ext/$file"
	done
	fail_nth change /sys/fs/fuse_ext/changes
	fail_nth show /proc/self/mounts
	for file in "/proc/$(<"$FX/a.pid")/fdinfo"/*; do
		if grep -q fuse_connection "$file"; then
			fail_nth show "$file"
			devices=$((devices + 1))
		fi
	done
	at_least $devices 1 "devices with fdinfo of ours"
	server_stop a
}

# load_range: the allocations of finit_module(2) from right before our init on, to far
# behind it; in $range.  What comes before is the kernel's, and our code isn't there yet.
load_range() {
	local begin
	run_ 0 fxclient fail-nth load "$FX/fuse_ext.ko" count "$FX/a" "$FX_STOCK" fail_init=1
	is "$(field error)" ENOMEM "loading it with the first step of init made to fail"
	begin=$(field allocations)
	# it cleans up, too, and that isn't more than to unload it; twice, since what the kernel
	# allocates isn't each time as much
	run_ 0 fxclient fail-nth unload "$FX/fuse_ext.ko" count "$FX/a" "$FX_STOCK" ""
	is "$(field error)" OK "unloading it"
	begin=$((begin - 2 * $(field allocations)))
	run_ 0 fxclient fail-nth load "$FX/fuse_ext.ko" count "$FX/a" "$FX_STOCK" ""
	is "$(field error)" OK "loading it"
	at_least "$(field allocations)" $((begin + 100)) "allocations, with those of our init"
	range=$begin-$(($(field allocations) + 50))
}

@test "init of the module: each allocation fails in turn; the stock driver is in charge each time" {
	local range
	module_unload
	cp "$FUSE_EXT_DEBUG_MODULE" "$FX/fuse_ext.ko"
	load_range
	FX_LIMIT=900 run_ 0 fxclient fail-nth load "$FX/fuse_ext.ko" "$range$(long_or '' /4)" \
		"$FX/a" "$FX_STOCK" ""
	at_least "$(field injected)" "$(long_or 100 25)" "allocations that failed"
	at_least "$(field errors)" "$(long_or 50 12)" "loads that failed"
	like "$(field seen)" "^ENOMEM\$" "errors of loading it"
	is "$(field wrong)" 0 "times that the stock driver wasn't in charge"
	is "$(field end)" OK "loading it when none failed"
	run_ any fusectl status
	like "$output" "stock" "fusectl status"
	module_load
	server a
	is "$(driver_of "$FX/a")" fuse_ext "driver"
	server_stop a
}

@test "where ours is loaded, the stock driver isn't in charge (the tests of init and exit can fail)" {
	cp "$FUSE_EXT_DEBUG_MODULE" "$FX/fuse_ext.ko"
	run_ 0 fxclient fail-nth load "$FX/fuse_ext.ko" count "$FX/a" "$FX_STOCK" ""
	is "$(field error)" EEXIST "loading it twice"
	is "$(field wrong)" 1 "times that the stock driver wasn't in charge"
}

@test "exit of the module: each allocation fails in turn; the stock driver is in charge each time" {
	module_unload
	cp "$FUSE_EXT_DEBUG_MODULE" "$FX/fuse_ext.ko"
	run_ 0 fxclient fail-nth unload "$FX/fuse_ext.ko" 500 "$FX/a" "$FX_STOCK" ""
	is "$(field errors)" 0 "unloads that failed"
	is "$(field wrong)" 0 "times that the stock driver wasn't in charge"
	is "$(field end)" OK "unloading it when none failed"
	module_load
}
