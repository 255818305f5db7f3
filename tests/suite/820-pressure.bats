#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Processes under pressure: a memory limit, the OOM killer, a storm of signals, and
# the freezers, of cgroups and of suspend, while they wait for a server.  What ends
# the waits otherwise is in 810.

load helpers/all
load helpers/tree
load helpers/nodes
load helpers/inval
load helpers/waits

setup_file() {
	local root
	isolate_file
	module_file
	module_want loaded
	cgroup_root
	export FX_MEMORY=there
	if ! grep -qw memory "$root/cgroup.subtree_control"; then
		FX_MEMORY=ours
		echo +memory >"$root/cgroup.subtree_control"
	fi
}

teardown_file() {
	local root
	module_file_end
	cgroup_root
	[ "$FX_MEMORY" = there ] || echo -memory >"$root/cgroup.subtree_control"
}

# apart: a cgroup for clients only; what `client` starts is in it.
apart() {
	FX_APART=$FX_GROUP.apart
	mkdir "$FX_APART"
}
apart_empty() {
	local processes
	processes=$(<"$FX_APART/cgroup.procs")
	[ -z "$processes" ]
}

# However the test ended: nobody stays frozen, or in a cgroup that the others don't know.
teardown() {
	local processes result=0
	if [ -n "${FX_FROZEN:-}" ]; then
		echo THAWED >"$FX_FROZEN/freezer.state"
		mapfile -t processes <"$FX_FROZEN/cgroup.procs"
		[ ${#processes[@]} -eq 0 ] || kill -KILL "${processes[@]}"
	fi
	if [ -n "${FX_APART:-}" ]; then
		echo 0 >"$FX_APART/cgroup.freeze"
		mapfile -t processes <"$FX_APART/cgroup.procs"
		[ ${#processes[@]} -eq 0 ] || kill -KILL "${processes[@]}"
	fi
	[ -z "${BATS_TEST_COMPLETED:-}" ] || [ -z "${FX_APART:-}" ] || soon 5 apart_empty || {
		log_line "LEAK: processes are still there"
		result=1
	}
	isolate_end || result=1
	[ -z "${FX_APART:-}" ] || soon 5 rmdir "$FX_APART" 2>>"$FX_LOG" || result=1
	[ -z "${FX_FROZEN:-}" ] || soon 5 rmdir "$FX_FROZEN" 2>>"$FX_LOG" || result=1
	return $result
}

# event NAME: of memory.events.
event() {
	local name value
	while read -r name value; do
		[ "$name" != "$1" ] || echo "$value"
	done <"$FX_APART/memory.events"
}

# ended_well PID WHAT: a client of `client` ends, and well.
ended_well() {
	ends "$1" 60 || fail "$(where_is "$1"): $2 doesn't end"
	is "$status" 0 "exit status of $2"
}

@test "a memory limit: no hang, no FLUSH, RELEASE or SYNCFS is lost" {
	local files=50 i
	apart
	echo 6M >"$FX_APART/memory.max"
	tree a
	connection_set "$FX/a" atomic_create on
	raw_server b --init-flags 0x10000 # FUSE_WRITEBACK_CACHE
	connection_set "$FX/b" syncfs on
	for i in a b; do
		connection_set "$FX/$i" async_flush on
		connection_set "$FX/$i" sync_release on
	done
	waiters=()
	client 1 fxclient create-files "$FX/a" $files
	client 2 dd if=/dev/zero of="$FX/b/file1" bs=64k count=64 conv=notrunc status=none
	client 3 fxclient syncfs "$FX/b/file2" 1000000
	client 4 dd if=/dev/zero of="$FX/b/file3" bs=64k count=32 conv=notrunc,fsync status=none
	for i in 1 2 3 4; do
		ended_well "${waiters[i - 1]}" "client $i"
	done
	log_line "$(cat "$FX_APART/memory.events")"
	at_least "$(event max)" 1 "times that the limit was met"
	is "$(event oom_kill)" 0 "processes that were killed"
	soon 10 has_requests a RELEASE $files || fail "$(requests a RELEASE) RELEASEs"
	is "$(requests a ATOMIC_CREATE) $(requests a FLUSH) $(requests a RELEASE)" \
		"$files $files $files" "ATOMIC_CREATE, FLUSH and RELEASE requests"
	is "$(counter "$FX/a" release_sync) $(counter "$FX/a" release_sync_interrupted)" \
		"$files 0" "release_sync, release_sync_interrupted"
	soon 10 has_requests b RELEASE 3 || fail "$(requests b RELEASE) RELEASEs"
	# dd(1) closes a second descriptor of what it writes
	is "$(many_requests b OPEN) $(many_requests b FLUSH) $(many_requests b RELEASE)" "3 5 3" \
		"OPEN, FLUSH and RELEASE requests"
	is "$(many_requests b SYNCFS)" 1 "SYNCFS requests"
	forget_all a
	server_stop a
	server_stop b
}

# eater WHAT FILE: one thread waits; $started.
eater() {
	apart
	FX_GROUP=$FX_APART start "$FX/eater" fxclient eat "$1" "$2" 64
}

# The other one uses up the memory that there may be, and the OOM killer comes.
eats() {
	! ends "$started" 1 || fail "it doesn't wait"
	echo 8M >"$FX_APART/memory.max"
	kill -USR1 "$started"
	soon 20 killed_for_memory || fail "nobody was killed: $(<"$FX_APART/memory.events")"
}
killed_for_memory() {
	[ "$(event oom_kill)" -ge 1 ]
}

# dies: it does, though another thread of it is in a wait.
dies() {
	eats
	ends "$started" 5 || fail "$(where_is "$started"): still there after the OOM killer"
	is "$status" 137 "exit status"
	is "$(grep -cE 'returned|eaten' "$FX/eater")" 0 "of the two threads, that went on"
}

@test "the OOM killer ends who waits in close(2) for RELEASE" {
	server a
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient close "$FX/a/file"
	tell a hold release
	eater close "$FX/a/file"
	soon 10 has_requests a RELEASE 2 || fail "no RELEASE"
	dies
	is "$(counter "$FX/a" release_sync_interrupted)" 1 "release_sync_interrupted"
	tell a release release
	soon 5 has_replies a RELEASE 2 || fail "RELEASE isn't answered"
	server_stop a
}

@test "the OOM killer ends who waits in syncfs(2) for SYNCFS" {
	raw_server a --hold syncfs
	without_flush a
	connection_set "$FX/a" syncfs on
	eater syncfs "$FX/a/file1"
	soon 10 has_requests a SYNCFS 1 || fail "no SYNCFS"
	dies
	tell a release syncfs
	server_stop a
}

@test "the OOM killer ends who waits in open(2) for an invalidation" {
	inval_tree a --open-flags 2
	content a file
	flight a read file READ
	inval OK a file
	eater open "$FX/a/file"
	dies
	tell a release read
	landed
	forget_all a
	server_stop a
}

@test "on stock, who waits in close(2) for FLUSH stays after the OOM killer (the tests above can fail)" {
	module_unload
	server a
	run_ 0 fxclient close "$FX/a/file"
	tell a hold flush
	eater close "$FX/a/file"
	soon 10 has_requests a FLUSH 2 || fail "no FLUSH"
	eats
	! ends "$started" 2 || fail "it ended"
	tell a release flush
	ends "$started" 10 || fail "$(where_is "$started"): it stays after the answer"
	server_stop a
	module_load
}

# storm NAME HOW [WHAT]: what the calls under a storm of signals say.
storm() {
	FX_LIMIT=${FX_LIMIT:-60} run_ 0 fxclient storm "$FX/$1" 10 5000 "${@:2}"
	storm_says "$2"
}
storm_says() { # HOW
	case $1 in
	restart) is "$(field probe)" OK "a read(2) that is begun again" ;;
	*) is "$(field probe)" EINTR "a read(2) that a signal interrupts" ;;
	esac
	is "$(field last)" OK "the last error"
	is "$(field open_errors) $(field write_errors) $(field syncfs_errors) $(field close_errors)" \
		"0 0 0 0" "errors of open, write, syncfs and close"
	is "$(field umount_errors)" 0 "errors of umount"
}

@test "a storm of signals: nothing is interrupted, asked twice, or lost" {
	local how
	for how in plain restart; do
		tree a --delay atomic_create=20 --delay flush=20 --delay release=20
		connection_set "$FX/a" atomic_create on
		connection_set "$FX/a" sync_release on
		storm a $how creat
		at_least "$(field open_hit)" 5 "open(2)s that a signal came to"
		at_least "$(field close_hit)" 5 "close(2)s that a signal came to"
		is "$(requests a ATOMIC_CREATE) $(requests a CREATE) $(requests a FLUSH) $(requests a RELEASE)" \
			"10 0 10 10" "ATOMIC_CREATE, CREATE, FLUSH and RELEASE requests"
		is "$(counter "$FX/a" release_sync) $(counter "$FX/a" release_sync_interrupted)" \
			"10 0" "release_sync, release_sync_interrupted"
		server_stop a

		raw_server b --init-flags 0x10000 --delay write=20 --delay syncfs=20 \
			--delay flush=20 # FUSE_WRITEBACK_CACHE
		connection_set "$FX/b" syncfs on
		connection_set "$FX/b" async_flush on
		storm b $how
		at_least "$(field syncfs_hit)" 5 "syncfs(2)s that a signal came to"
		soon 10 has_requests b RELEASE 10 || fail "$(requests b RELEASE) RELEASEs"
		is "$(requests b OPEN) $(requests b SYNCFS) $(requests b FLUSH) $(requests b RELEASE)" \
			"10 10 10 10" "OPEN, SYNCFS, FLUSH and RELEASE requests"
		at_least "$(replies b WRITE)" 10 "answers to WRITE"
		is "$(counter "$FX/b" flush_async) $(counter "$FX/b" syncfs)" "10 10" "flush_async, syncfs"
		server_stop b

		raw_server c --delay flush=200
		connection_set "$FX/c" async_flush on
		storm c $how umount
		is "$(field umount_hit)" 1 "umount(2)s that a signal came to"
		soon 20 server_gone c || fail "the server of c didn't end"
		is "$(replies c FLUSH) $(lost c FLUSH)" "10 " "answers to FLUSH, and those refused"

		inval_tree d --open-flags 2
		content d file0
		flight d read file0 READ
		inval OK d file0
		states=D place=fuse_ext_opened_again
		start "$FX/storm" fxclient storm "$FX/d" 1 5000 $how
		in_wait "$started" || fail "$(where_is "$started"): open(2) doesn't wait"
		pause_ms 300
		tell d release read
		ended_well "$started" "the storm"
		output=$(<"$FX/storm")
		storm_says $how
		is "$(field open_hit)" 1 "open(2)s for an invalidation that a signal came to"
		landed
		server_stop d
	done
}

# The freezer of cgroups (version 2): frozen is who has left the kernel.
frozen_state() {
	local name value
	while read -r name value; do
		[ "$name" != frozen ] || echo "$value"
	done <"$FX_APART/cgroup.events"
}
is_frozen() {
	[ "$(frozen_state)" = 1 ]
}

# The freezer that suspend has, by version 1 of cgroups: a wait may be one in which
# a task counts as frozen.
legacy_freezer() {
	mkdir "$FX/freezer"
	mount -t cgroup -o freezer none "$FX/freezer"
	FX_FROZEN=$FX/freezer/${FX##*/}
	mkdir "$FX_FROZEN"
}
legacy_state() {
	local state
	state=$(<"$FX_FROZEN/freezer.state")
	echo "$state"
}
legacy_frozen() {
	[ "$(legacy_state)" = FROZEN ]
}
# suspendable: whether it would let the machine suspend, within a second.
suspendable() {
	local pid
	for pid in "${waiters[@]}"; do
		echo "$pid" >"$FX_FROZEN/cgroup.procs"
	done
	echo FROZEN >"$FX_FROZEN/freezer.state"
	soon 1 legacy_frozen || log_line "not frozen: $(for_all where_is)"
	suspendable=$(legacy_state)
	echo THAWED >"$FX_FROZEN/freezer.state"
	for pid in "${waiters[@]}"; do
		echo "$pid" >"$FX/freezer/cgroup.procs"
	done
}

# frozen_in WAIT: what the two freezers do with who is in this wait; $frozen,
# $suspendable.  SIGKILL ends it all the same.
frozen_in() {
	local pid
	apart
	legacy_freezer
	wait_begin "$1"
	suspendable
	for_all in_wait || fail "it doesn't wait any more after the thaw"
	echo 1 >"$FX_APART/cgroup.freeze"
	pause_ms 500
	frozen=$(frozen_state)
	for_all in_wait || fail "it doesn't wait any more in the freezer"
	killed "$1"
	[ "$1" != umount ] || killed_umount
}

# What the others do after the answer: they are frozen, and after the thaw they go on.
thawed() {
	local pid
	wait_go
	forget_killed
	soon 10 is_frozen || fail "not frozen after the answer: $(for_all where_is)"
	for pid in "${waiters[@]}"; do
		! process_ended "$pid" || fail "it went on though it is frozen"
	done
	echo 0 >"$FX_APART/cgroup.freeze"
	for pid in "${waiters[@]}"; do
		ended_well "$pid" "a client that was thawed"
	done
	rmdir "$FX_FROZEN"
	FX_FROZEN=
	wait_over
	rmdir "$FX_APART"
	FX_APART=
	run_ 0 umount "$FX/freezer"
	rmdir "$FX/freezer"
}

# as_stock WAIT: neither freezer gets any further with it than with a FLUSH on stock.
as_stock() {
	frozen_in "$1"
	is "$frozen $suspendable" "0 FREEZING" "frozen, and for suspend"
	thawed
}

# From 6.1 on, it is frozen for suspend.
better() {
	local expected=FROZEN
	case $FUSE_EXT_SERIES in
	5.*) expected=FREEZING ;;
	esac
	frozen_in "$1"
	is "$frozen $suspendable" "0 $expected" "frozen, and for suspend"
	thawed
}

@test "freezers: close(2) on stock, for FLUSH, isn't frozen before the answer" {
	module_unload
	as_stock stock_flush
	module_load
}

@test "freezers: close(2) for RELEASE, from 6.1 on not in the way of suspend" { better release; }
@test "freezers: syncfs(2) for SYNCFS, from 6.1 on not in the way of suspend" { better answer; }
@test "freezers: syncfs(2) for writes, as stock's close(2)" { as_stock epoch; }
@test "freezers: umount(2) for FLUSH, as stock's close(2)" { as_stock umount; }
@test "freezers: open(2) for an invalidation, as stock's read(2)" { as_stock open; }
@test "freezers: open(2) for pages, as stock's read(2)" { as_stock pages; }

# freeze_machine: all but this process, for a second; $result.  It begins with sync(2),
# which would wait for the server, as is documented: not here.
freeze_machine() {
	local settings=(/sys/module/suspend/parameters/pm_test_delay
		/sys/power/sync_on_suspend /sys/power/pm_freeze_timeout)
	local before=() i
	for i in 0 1 2; do
		before+=("$(<"${settings[i]}")")
	done
	echo 1 >"${settings[0]}"
	echo 0 >"${settings[1]}"
	echo 5000 >"${settings[2]}"
	echo freezer >/sys/power/pm_test
	result="done"
	echo freeze >/sys/power/state || result="failed"
	echo none >/sys/power/pm_test
	for i in 0 1 2; do
		echo "${before[i]}" >"${settings[i]}"
	done
}

@test "suspend: its freezer doesn't wait for RELEASE and SYNCFS (from 6.1 on)" {
	local result
	[ -e /sys/power/pm_test ] || skip "this kernel has no suspend to try"
	case $FUSE_EXT_SERIES in
	5.*) skip "before 6.1 it waits for them, as for all waits of stock FUSE" ;;
	esac
	server a --hold release
	connection_set "$FX/a" sync_release on
	raw_server b --hold syncfs
	connection_set "$FX/b" syncfs on
	# shellcheck disable=SC2034  # waits.bash reads it
	waiters=() states=D place='release_as_set|fuse_ext_sync_fs'
	client 1 fxclient close "$FX/a/file"
	client 2 fxclient syncfs "$FX/b/file1"
	soon 10 has_requests a RELEASE 1 || fail "no RELEASE"
	soon 10 has_requests b SYNCFS 1 || fail "no SYNCFS"
	freeze_machine
	is "$result" "done" "freezing the machine"
	for_all in_wait || fail "a client doesn't wait any more"
	tell a release release
	tell b release syncfs
	ended_well "${waiters[0]}" "close(2)"
	ended_well "${waiters[1]}" "syncfs(2)"
	server_stop a
	server_stop b
}
