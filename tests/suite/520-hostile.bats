#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# A server that does all wrong that a server can do (tests/fuzz/protocol), with
# clients and an administrator at work: nothing may happen to the kernel, and all of
# them can be ended.  Run on the debug kernel this looks into every corner (make
# fuzz); here it is short.  What a wrong answer does to the client is other suites'
# matter.

load helpers/all
load helpers/nodes

setup_file() {
	isolate_file
	module_file
	module_want loaded
	loop_driver
}

teardown_file() {
	module_file_end
}

PROTOCOL=$BATS_TEST_DIRNAME/../fuzz/protocol

# fuzz STATUS OPTION...
fuzz() {
	FX_LIMIT=$limit run_ "$1" fxfuzz --control "$control" "${@:2}" "$FX/a"
}
limit=$(long_or 20000 $((3 * ${FX_LIMIT:-60})))
control=$FX_OURS

# What FUSE_EXT_FUZZ says, for the tests that are to find something.
read -r -a more <<<"${FUSE_EXT_FUZZ:-}"

# stock_driver: until module_load.
stock_driver() {
	module_unload
	control=$FX_STOCK
}

# settings: the module-wide ones, a line each.
settings() {
	grep . /sys/module/fuse_ext/parameters/*
}

nothing_wrong() {
	fuzz 0 --wrong none --rounds 1 --round 1500 --trace "$FX/trace"
	[ "$(field refused)" = 0 ] ||
		fail "$(field refused) refused: $(grep -B 1 '^[a-z]* unique=.*: [A-Z]' "$FX/trace" | tail -n 20)"
	at_least "$(field taken)" 1000 "answers that were taken"
	at_least "$(field calls)" 200 "system calls, and some in a row"
}

# codes: the notifications that this kernel has, and ours.
codes() {
	local minor
	minor=$(field minor)
	seq 6
	[ "$minor" -lt 40 ] || echo 7
	[ "$minor" -lt 44 ] || echo 8
	[ "$minor" -lt 45 ] || echo 9
	echo 2048
}

# all_met: none of the kinds of notifications was only refused.
all_met() {
	local code
	for code in $(codes); do
		at_least "$(field "notify_$code")" 1 "notifications of code $code that were taken"
	done
}

@test "nothing wrong: none of the answers is refused, on stock" {
	stock_driver
	nothing_wrong
	module_load
}

@test "nothing wrong: none of the answers is refused" {
	nothing_wrong
}

@test "a client that doesn't end in time is a finding (the tests of it can fail)" {
	fuzz 1 --patience 0 --rounds 20 --round 300
	has_line "$FX/output" 'FINDING: seed [0-9]*: process' || fail "no finding"
}

@test "a wait of fuse_ext that SIGKILL doesn't end is a finding" {
	local name
	for name in async_flush sync_release syncfs; do
		echo on >/sys/module/fuse_ext/parameters/$name
	done
	fuzz 1 --patience 20 --wrong never,notify,finding --rounds 60 --round 200
	for name in async_flush sync_release syncfs; do
		echo auto >/sys/module/fuse_ext/parameters/$name
	done
	has_line "$FX/output" 'FINDING: seed [0-9]*: process [0-9]* waits in fuse_ext' || fail "no finding"
}

@test "a line of the kernel is a finding, with the options that run its round again" {
	: >"$FX/seeds"
	start "$FX/fuzz" fxfuzz --control "$control" --jobs 1 --round 1000 --seed 7 --wrong bytes --save "$FX/seeds" "$FX/a"
	soon 20 has_line "$FX/seeds" '--seed 7 ' || fail "no round began"
	# tests/vm/dmesg-allowed has it
	echo "fxfuzz, try this: BUG: none" >/dev/kmsg
	ends "$started" 120 || fail "it doesn't end"
	output=$(<"$FX/fuzz")
	is "$status" 1 "its status"
	like "$output" "FINDING: seed [0-9]*: the kernel says: fxfuzz, try this" "what it says"
	like "$output" "again: make fuzz.* FUZZ='--seed [0-9]* --rounds 1 --jobs 1 --round 1000 --clients 6 --wrong bytes'" "how to see it again"
	has_line "$FX/seeds" 'FINDING: seed [0-9]*: the kernel says' || fail "it isn't in the file of seeds"
}

@test "an error that isn't defined is a finding" {
	local kind
	for kind in control ioctl options; do
		fuzz 1 --wrong "$kind,finding" --round 1000
		has_line "$FX/output" 'FINDING: seed [0-9]*: .* says' || fail "no finding of $kind"
	done
}

@test "minimise: of a finding that needs two kinds of wrong, these two are left" {
	FX_LIMIT=$limit run_ 0 "$PROTOCOL/minimise" --tries 3 fxfuzz --control "$control" \
		--seed 3 --round 250 --wrong error,long,late,notify,finding "$FX/a"
	like "$output" "minimise: the finding: there was an LSEEK" "the finding"
	like "${output##*$'\n'}" "^--jobs 1 --seed [0-9]* --rounds 1 --wrong long,finding --clients " "what is left"
}

@test "minimise: what isn't found again is said so" {
	run_ 1 "$PROTOCOL/minimise" --tries 2 fxfuzz --control "$control" --rounds 1 \
		--round 50 --wrong late "$FX/a"
	like "$output" "not found with" "what it says"
}

@test "everything wrong: all clients end, errors and values are defined, the kernel says nothing" {
	local before name
	before=$(settings)
	fuzz 0 --round "$(long_or 5000 1500)" --replies "$(long_or 1000000 8000)" --save "$FUSE_EXT_OUT/520-hostile.seeds" "${more[@]}"
	is "$(settings)" "$before" "the parameters, after all that was written to them"
	figure hostile_taken "$(field taken)" 1
	figure hostile_tries "$(field tries)" 1
	[ ${#more[@]} -gt 0 ] || {
		at_least "$(field taken)" "$(long_or 1000000 8000)" "answers that were taken"
		at_least "$(field blocks)" 1 "mounts of type fuseblk"
		is_not "$(field refused)" 0 "refused answers"
		is_not "$(field notifications)" 0 "notifications"
		is_not "$(field tries)" 0 "tries at control files, parameters, options and ioctls"
		for name in create_atomic release_sync syncfs flush_async inval_files; do
			at_least "$(field $name)" 1 "$name of ext_stats, of all connections"
		done
		[ "$(long_or 1 0)" = 0 ] || all_met
	}
}

# With the options of a finding: what is found here as well is stock's.
@test "everything wrong, on stock: what is found there is stock's" {
	stock_driver
	fuzz 0 --round "$(long_or 5000 1500)" "${more[@]}" --replies "$(long_or 50000 3000)"
	module_load
}
