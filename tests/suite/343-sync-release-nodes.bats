#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# sync_release: what it is for, and what it costs.  Two nodes of a filesystem
# with a lock per open file take a file over from each other; two clients that
# close many files each wait side by side, not one behind the other.
#
# FUSE_EXT_LONG=1 makes it 10,000 rounds and 10,000 files, some minutes each;
# without it, 300 of both.

load helpers/all
load helpers/nodes

setup_file() {
	isolate_file
	module_file
	module_want loaded
	if [ "${FUSE_EXT_LONG:-0}" = 1 ]; then
		export BATS_TEST_TIMEOUT=3600 FX_LIMIT=3000
	fi
}

teardown_file() {
	module_file_end
}

# take_turns FILE ROUNDS: two processes, one at each node, open and close FILE
# in turns; the one that begins has it half of the rounds.
take_turns() {
	run_ 0 fxclient take-turns "$FX/a/$1" "$FX/b/$1" $(($2 / 2))
	is "$(field turns)" $(($2 / 2 * 2)) "rounds"
}

@test "two nodes on stock: a file that was closed is still locked at once after" {
	module_unload
	two_nodes --exclusive --delay release=20
	take_turns file 50
	at_least "$(field conflicts)" 25 "rounds of 50 that met the other node's lock"
	two_nodes_stop
	module_load
}

@test "two nodes with off: as on stock" {
	two_nodes --exclusive --delay release=20 --want 2
	connection_set "$FX/a" sync_release off
	connection_set "$FX/b" sync_release off
	take_turns sync 50
	at_least "$(field conflicts)" 25 "rounds of 50 that met the other node's lock"
	two_nodes_stop
}

@test "two nodes with on: never locked, 300 rounds (10,000 with FUSE_EXT_LONG=1)" {
	local rounds
	rounds=$(long_or 10000 300)
	two_nodes --exclusive --delay release=2
	connection_set "$FX/a" sync_release on
	connection_set "$FX/b" sync_release on
	take_turns file "$rounds"
	is "$(field conflicts)" 0 "rounds of $rounds that met the other node's lock"
	tell a conflicts
	is "$output" 0 "OPENs that met the other node's lock, as the server counted"
	two_nodes_stop
}

@test "two nodes with FOPEN_SYNC_RELEASE: never locked, 300 rounds (10,000 with FUSE_EXT_LONG=1)" {
	local rounds
	rounds=$(long_or 10000 300)
	two_nodes --exclusive --delay release=2 --want 2
	take_turns sync "$rounds"
	is "$(field conflicts)" 0 "rounds of $rounds that met the other node's lock"
	# the same server's files without the flag are locked
	tell a delay release=20
	take_turns plain 50
	at_least "$(field conflicts)" 25 "rounds of 50 on a file without the flag"
	two_nodes_stop
}

# two_to_one NAME FILES: how many percent longer two clients take than one.
two_to_one() {
	local one
	run_ 0 fxclient close-batch "$FX/$1" "$2" 1
	one=$(field all_us)
	run_ 0 fxclient close-batch "$FX/$1" "$2" 2
	percent=$(($(field all_us) * 100 / one))
	log_line "two clients took $percent % of the time of one"
}
# overlaps NAME: the RELEASEs that came while another one wasn't answered.  Unlike the
# times, it is the same on a host that has no CPU for the second client.
overlaps() {
	awk '$3 == "RELEASE" && $2 == "recv" { count += held > 0; held++ }
		$3 == "RELEASE" && $2 == "reply" { held-- }
		END { print count + 0 }' "$FX/$1.log"
}

@test "two clients close 100 files each in parallel (10,000 with FUSE_EXT_LONG=1)" {
	local files percent
	files=$(long_or 10000 100)
	server a --delay release=50 --fail flush=ENOSYS --timeout 1800
	connection_set "$FX/a" sync_release on
	two_to_one a "$files"
	figure close_two_clients_percent "$percent" "%"
	at_least "$(overlaps a)" $((files / 2)) "RELEASEs of $((2 * files)) at the same time as another"
	soon 10 has_many a recv RELEASE $((3 * files)) || fail "$(requests a RELEASE) RELEASE requests"
	is "$(counter "$FX/a" release_sync)" $((3 * files)) "release_sync"
	server_stop a
}

@test "with a server that answers one after another they don't (the test above can fail)" {
	local percent
	# longer than what the CPUs need, whatever else they do
	server a --delay release=300 --fail flush=ENOSYS --threads single
	connection_set "$FX/a" sync_release on
	two_to_one a 6
	at_least "$percent" 151 "percent of the time of one client"
	is "$(overlaps a)" 0 "RELEASEs at the same time as another"
	server_stop a
}
