#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# syncfs: what it is for.  A server that is killed at random times, and what its
# journal has then of what had been written before a successful syncfs(2) began.
# How a single syncfs(2) goes is in 350.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# crash ROUNDS OPTION...: each on a filesystem of its own at $FX/a; rounds in
# which no syncfs(2) succeeded would say nothing.  (Stock kernels do nine a round,
# the debug kernel hardly one.)
crash() {
	FX_LIMIT=400 run_ 0 fxcrash --rounds "$@" "$FX/a"
	is "$(field rounds)" "$1" "rounds"
	at_least "$(field synced)" $(($1 / 4)) "successful syncfs(2)s"
}

@test "on: nothing written before a successful syncfs(2) is missing after a crash, 200 rounds" {
	crash 200 --mount-data syncfs=on
	figure syncfs_crash_lost "$(field lost)" "of 200 rounds"
	is "$(field lost)" 0 "rounds that lost data"
}

# lost_unacknowledged OPTION...: the race that stock loses, where there is time
# for it: the debug kernel writes hardly more than it is asked to store.
lost_unacknowledged() {
	[ ! -e /proc/lockdep ] || return 0
	crash 20 --journal write "$@"
	figure syncfs_crash_twin_lost "$(field lost)" "of 20 rounds"
	at_least "$(field lost)" 1 "rounds of 20 that lost what wasn't acknowledged"
}

@test "stock loses some, even where the journal has all that was acknowledged" {
	module_unload
	crash 20
	at_least "$(field lost)" 1 "rounds of 20 that lost what no SYNCFS had moved to the journal"
	lost_unacknowledged
	module_load
}

@test "off loses some, as stock" {
	crash 20 --mount-data syncfs=off
	at_least "$(field lost)" 1 "rounds of 20 that lost what no SYNCFS had moved to the journal"
	lost_unacknowledged --mount-data syncfs=off
}
