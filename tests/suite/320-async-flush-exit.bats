#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Processes that die with open files: the exit deadlock, SIGKILL in close(2),
# full queues.  No process may stay for ever because it can't be killed.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# A client of several threads that the server asks before it answers FLUSH.
peer_server() { # NAME OPTION...
	local name=$1
	shift
	server "$name" --flush-peer "$FX/$name.peer" "$@"
}
die_by() { # STATUS HOW NAME
	FX_LIMIT=20 run_ "$1" fxclient exit-deadlock "$2" "$FX/$3/file" "$FX/$3.peer" 4000
}

# The client is stuck; abort ends it.  That is all that an administrator can do.
stuck_until_abort() { # NAME
	local pid
	pid=$(field pid)
	log_line "$(where_is "$pid")"
	is "$(replies "$1" FLUSH)" 0 "answers to FLUSH"
	abort_ "$FX/$1"
	soon 10 process_ended "$pid" || fail "process $pid survived the abort"
	server_end "$1"
}

@test "exit deadlock: stock hangs until the abort, by exit(2) and by SIGKILL" {
	local how
	module_unload
	for how in kill exit; do
		peer_server a
		die_by 3 $how a
		stuck_until_abort a
	done
	module_load
}

@test "exit deadlock: ours with off and auto hangs as stock does" {
	local value
	for value in off auto; do
		peer_server a
		connection_set "$FX/a" async_flush $value
		die_by 3 kill a
		stuck_until_abort a
	done
}

@test "exit deadlock: ends with exit and with on, by exit(2) and by SIGKILL" {
	local value how
	for value in exit on; do
		for how in kill exit; do
			peer_server a
			connection_set "$FX/a" async_flush $value
			die_by 0 $how a
			below "$(field ended_ms)" 3000 "milliseconds with $value and $how"
			soon 10 has_requests a RELEASE 1 || fail "no RELEASE with $value and $how"
			like "$(<"$FX/a.log")" "peer gone" "the server's log"
			is "$(release_before_flush a)" "" "order"
			server_stop a
		done
	done
}

@test "exit deadlock: a server that asks for async_flush is free of it" {
	peer_server a --async-flush
	die_by 0 kill a
	server_stop a
}

@test "with exit, a close(2) of a living process waits for the answer" {
	peer_server a --delay flush=300
	connection_set "$FX/a" async_flush exit
	die_by 0 close a
	at_least "$(field close_us)" 300000 "microseconds of close(2)"
	is "$(field error)" OK "close(2)"
	like "$(<"$FX/a.log")" "peer answered" "the server's log"
	is "$(counter "$FX/a" flush_async)" 0 "flush_async"
	server_stop a
}

@test "SIGKILL in close(2): stock stays until the answer, on never enters" {
	local pid
	server a --hold flush
	connection_set "$FX/a" async_flush off
	run_ 3 fxclient killed-close "$FX/a/file" 300 2000
	pid=$(field pid)
	tell a release flush
	soon 10 process_ended "$pid" || fail "the process stays after the answer"
	server_stop a

	server a --hold flush
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient killed-close "$FX/a/file" 300 2000
	tell a release flush
	server_stop a
}

@test "a dying process isn't blocked by a full queue of background requests" {
	local value pid
	for value in exit on; do
		server a --hold flush
		echo 1 >"$(control_of "$FX/a")/max_background"
		echo 1 >"$(control_of "$FX/a")/congestion_threshold"
		connection_set "$FX/a" async_flush $value
		start "$FX/holder" fxclient hold-files "$FX/a" 8
		pid=$started
		soon 5 grep -q open "$FX/holder" || fail "the files aren't open"
		kill -KILL "$pid"
		ends "$pid" 5 || fail "$(where_is "$pid"): still there with $value"
		tell a release flush
		soon 10 has_requests a RELEASE 8 || fail "$(requests a RELEASE) RELEASE requests with $value"
		is "$(release_before_flush a)" "" "order"
		server_stop a
	done
}

@test "with off the same process stays until the answer (the test above can fail)" {
	local pid
	server a --hold flush
	connection_set "$FX/a" async_flush off
	start "$FX/holder" fxclient hold-files "$FX/a" 8
	pid=$started
	soon 5 grep -q open "$FX/holder" || fail "the files aren't open"
	kill -KILL "$pid"
	! ends "$pid" 2 || fail "it ended while FLUSH was held"
	tell a release flush
	ends "$pid" 10 || fail "it didn't end after the answer"
	server_stop a
}

@test "a process that dies while the server is dead ends" {
	local pid
	server a --hold flush
	connection_set "$FX/a" async_flush exit
	start "$FX/holder" fxclient hold-files "$FX/a" 4
	pid=$started
	soon 5 grep -q open "$FX/holder" || fail "the files aren't open"
	kill -KILL "$(<"$FX/a.pid")"
	soon 10 server_gone a || fail "the server didn't end"
	kill -KILL "$pid"
	ends "$pid" 5 || fail "$(where_is "$pid"): still there"
	run_ 0 umount "$FX/a"
}
