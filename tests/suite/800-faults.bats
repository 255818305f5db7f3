#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Memory that can't be had, allocation by allocation, in the system calls that
# reach our code.  Needs a kernel with fault injection (cell debug-6.12); that
# nothing leaks by it is for kmemleak, at the end of the machine.

load helpers/all
load helpers/tree

FAILSLAB=/sys/kernel/debug/failslab

setup_file() {
	isolate_file
	module_file
	module_want loaded
	# each allocation may fail, those that may sleep too, and quietly
	echo N >$FAILSLAB/ignore-gfp-wait
	echo 0 >$FAILSLAB/verbose
}

teardown_file() {
	module_file_end
}

# Each allocation of CALL fails in turn: whatever CALL says, in the end it works,
# and every FLUSH and RELEASE arrives.
faults() { # CALL
	local opened
	run_ 0 fxclient fail-nth "$1" "$FX/a/file0" 500
	at_least "$(field injected)" 1 "allocations of $1 that failed"
	below "$(field injected)" 500 "allocations of $1 that failed"
	like "$(field last)" "^(OK|ENOMEM)$" "the last error of $1"
	is "$(field end)" OK "$1 when none failed"
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

@test "open(2): each allocation fails in turn" {
	faults_with open async_flush sync_release
}

@test "close(2): each allocation fails in turn, with nothing, async_flush, and sync_release on" {
	faults_with close async_flush sync_release
	is "$(lost a FLUSH)" "" "answers to FLUSH that the kernel refused"
}

@test "open(2) with O_CREAT by one request: each allocation fails in turn, and all is given back" {
	tree a
	connection_set "$FX/a" atomic_create on
	run_ 0 fxclient fail-nth create "$FX/a/file" 500
	at_least "$(field injected)" 1 "allocations that failed"
	is "$(field end)" OK "open(2) when none failed"
	like "$(field last)" "^(OK|ENOMEM)$" "the last error"
	at_least "$(requests a ATOMIC_CREATE)" 1 "ATOMIC_CREATE requests"
	forget_all a
	server_stop a
}

@test "syncfs(2): each allocation fails in turn; it says so or has asked the server" {
	raw_server a
	connection_set "$FX/a" syncfs on
	run_ 0 fxclient fail-nth syncfs "$FX/a/file0" 500
	at_least "$(field injected)" 1 "allocations that failed"
	is "$(field end)" OK "syncfs(2) when none failed"
	# one without a fault; each other one either said that it failed, or asked
	is "$(requests a SYNCFS)" $(($(field calls) - $(field errors))) "SYNCFS requests"
	server_stop a
}

@test "a toggle, ext_state and ext_stats: each allocation of open(2) fails in turn" {
	local file
	raw_server a
	for file in async_flush ext_state ext_stats; do
		run_ 0 fxclient fail-nth open "$(control_of "$FX/a")/$file" 500
		is "$(field end)" OK "open(2) of $file when none failed"
	done
	server_stop a
}
