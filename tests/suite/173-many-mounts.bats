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

@test "list: 1,000 mounts in 200 ms of CPU time and 20 MB of memory" {
	local cpu
	mkdir "$FX/many"
	start "$FX/said" fxclient mount-many "$FX/many" 1000 "$FX/stop"
	many=$started
	soon 60 grep -q mounted=1000 "$FX/said" || fail "not mounted: $(<"$FX/said")"
	run_ 0 fxclient measure "$FX/list" 5 fusectl list -n -r
	is "$(grep -c " fuse_ext .* $FX/many/" "$FX/list")" 1000 "lines"
	# of a machine that does a thousand million instructions a second: an
	# emulated one is slower, the more so the more its host has to do
	cpu=$(($(field cpu_us) * 100000 / $(field work_us)))
	figure fusectl-list-1000-cpu "$cpu" us
	figure fusectl-list-1000-memory "$(field maxrss_kb)" kB
	below "$cpu" 200001 "microseconds of CPU time"
	below "$(field maxrss_kb)" 20481 "kB of memory"
	: >"$FX/stop"
	ends "$many" 60 || fail "the mounts don't go"
	is "$status" 0 "exit status of mount-many"
	run_ 0 fusectl list -n -r
	is "$output" "" "what is left"
}
