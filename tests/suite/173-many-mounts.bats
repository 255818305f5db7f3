#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What fusectl takes of a machine with a thousand mounts.  Not for what it prints
# of them.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

# The mounts go before the check that none is left, also after a failure.
teardown() {
	: >"$FX/stop"
	[ -z "${many:-}" ] || soon 60 process_ended "$many" || log_line "mounts are left"
	isolate_end
}

teardown_file() {
	module_file_end
}

# The fixed work of `fxclient measure` in an emulated machine whose host has
# nothing else to do.
QUIET=20000

# measure COMMAND...: the best of five runs, its CPU time in $cpu, and in $memory
# the most that one had.  Where the machine is slower than QUIET, because the
# host's other work is in its CPU time, in proportion.  Not by run_, whose waiting
# keeps a CPU busy, and one thread of the host emulates both.
measure() {
	local work
	output=$(timeout 60 fxclient measure "$FX/list" 5 "$@" 3>&-)
	cpu=$(field cpu_us) work=$(field work_us) memory=$(field maxrss_kb)
	[ "$work" -le $QUIET ] || cpu=$((cpu * QUIET / work))
	log_line "$output: $cpu us"
}
# 200 ms are wanted; 190 to 260 were seen, as the host is used, and 1,100 with
# the sanitizers of a debug kernel.
LIMIT=$((400000 * ${FX_LIMIT:-60} / 60))
takes_its_time() {
	measure fusectl list -n -r
	[ "$cpu" -le $LIMIT ]
}

@test "list: 1,000 mounts in 400 ms of CPU time and 20 MB of memory" {
	local cpu memory
	mkdir "$FX/many"
	start "$FX/said" fxclient mount-many "$FX/many" 1000 "$FX/stop"
	many=$started
	soon 60 grep -q mounted=1000 "$FX/said" || fail "not mounted: $(<"$FX/said")"
	# the host's other work comes and goes
	soon 20 takes_its_time || fail "microseconds of CPU time: $cpu"
	is "$(grep -c " fuse_ext .* $FX/many/" "$FX/list")" 1000 "lines"
	figure fusectl-list-1000-cpu "$cpu" us
	figure fusectl-list-1000-memory "$memory" kB
	at_least 20480 "$memory" "kB of memory that it may have"
	: >"$FX/stop"
	ends "$many" 60 || fail "the mounts don't go"
	is "$status" 0 "exit status of mount-many"
	run_ 0 fusectl list -n -r
	is "$output" "" "what is left"
}
