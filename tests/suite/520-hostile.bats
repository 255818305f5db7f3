#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# A server that does all wrong that a server can do (tests/fuzz/protocol), with
# clients at work: nothing may happen to the kernel, and all of them can be ended.
# Run on the debug kernel this looks into every corner (make fuzz); here it is
# short.  What a wrong answer does to the client is other suites' matter.

load helpers/all
load helpers/nodes

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# fuzz STATUS OPTION...: with what FUSE_EXT_FUZZ says at the end.
fuzz() {
	local more control=$FX_OURS
	[ -d /sys/module/fuse_ext ] || control=$FX_STOCK
	read -r -a more <<<"${FUSE_EXT_FUZZ:-}"
	FX_LIMIT=$limit run_ "$1" fxfuzz --control "$control" "${@:2}" "${more[@]}" "$FX/a"
}
limit=$(long_or 20000 200)

nothing_wrong() {
	fuzz 0 --wrong none --replies 1500 --trace "$FX/trace"
	[ "$(field refused)" = 0 ] ||
		fail "$(field refused) refused: $(grep -B 1 '^[a-z]* unique=.*: [A-Z]' "$FX/trace" | tail -n 20)"
	at_least "$(field calls)" 500 "system calls"
}

@test "nothing wrong: none of the answers is refused, on stock" {
	module_unload
	nothing_wrong
	module_load
}

@test "nothing wrong: none of the answers is refused" {
	nothing_wrong
}

@test "a client that doesn't end in time is a finding (the next test can fail)" {
	fuzz 1 --patience 0 --rounds 20
	has_line "$FX/output" 'FINDING: seed [0-9]*: process' || fail "no finding"
}

@test "everything wrong, on stock: what is found there is stock's" {
	module_unload
	fuzz 0 --replies "$(long_or 50000 3000)"
	module_load
}

@test "everything wrong: all clients end, and the kernel says nothing" {
	fuzz 0 --replies "$(long_or 1000000 5000)"
	figure hostile_replies "$(field replies)" 1
	is_not "$(field refused)" 0 "refused answers"
	is_not "$(field notifications)" 0 "notifications"
}
