#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# sync_release where the wait must end, or must not begin: SIGKILL, exit, abort,
# a dead server, a server that drops the last reference on a file of its own.

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

@test "SIGKILL in close(2): it ends within a second, RELEASE is answered later" {
	server a --hold release
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient killed-close "$FX/a/file" 500 1000
	at_least 1000 "$(field ended_ms)" "milliseconds from SIGKILL to the end, limit"
	is "$(requests a RELEASE) $(replies a RELEASE)" "1 0" "RELEASE requests and answers"
	tell a release release
	soon 5 has_replies a RELEASE 1 || fail "RELEASE isn't answered"
	is "$(lost a)" "" "answers that the kernel refused"
	is "$(counter "$FX/a" release_sync_interrupted)" 1 "release_sync_interrupted"
	is "$(counter "$FX/a" release_sync)" 0 "release_sync"
	server_stop a
}

# A stop takes effect when each thread has noticed.
server_stopped() { # NAME
	local task line
	for task in "/proc/$(<"$FX/$1.pid")/task"/*; do
		line=$(<"$task/stat")
		[[ $line == *") T "* ]] || return 1
	done
}

@test "SIGKILL before the server has read RELEASE: it arrives all the same" {
	local waited killed before
	nodes a --want 2 --fail flush=ENOSYS
	# the server says that it has no FLUSH
	run_ 0 fxclient close-kind read "$FX/a/plain"
	told "$FX/a/sync"
	kill -STOP "$(<"$FX/a.pid")"
	soon 5 server_stopped a || log_line "the server doesn't stop"
	close_it
	waited=yes killed=yes
	! ends "$started" 1 || waited=no
	kill -KILL "$started"
	ends "$started" 1 || killed=no
	before=$(requests a RELEASE)
	# before anything can fail: nobody unmounts what a stopped server serves
	kill -CONT "$(<"$FX/a.pid")"
	is "$waited" yes "close(2) waits for a stopped server"
	is "$killed" yes "close(2) ends within a second of SIGKILL"
	is "$before" 1 "RELEASE requests, the first file's"
	soon 5 has_replies a RELEASE 2 || fail "RELEASE was lost"
	is "$(lost a)" "" "answers that the kernel refused"
	server_stop a
}

@test "exit(2) with 1,000 open files: it ends while RELEASE is held" {
	server a --hold release --fail flush=ENOSYS
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient exit-open "$FX/a" 1000
	# as many as the kernel sends before it has an answer (max_background)
	soon 20 has_requests a RELEASE 12 || fail "$(requests a RELEASE) RELEASE requests"
	is "$(replies a RELEASE)" 0 "answers to RELEASE"
	tell a release release
	soon 20 has_many a reply RELEASE 1000 || fail "$(replies a RELEASE) answers to RELEASE"
	is "$(counter "$FX/a" release_sync) $(counter "$FX/a" release_sync_interrupted)" "0 0" \
		"release_sync, release_sync_interrupted"
	server_stop a
}

@test "close(2) of the same files waits (the test above can fail)" {
	server a --hold release --fail flush=ENOSYS
	connection_set "$FX/a" sync_release on
	start "$FX/close" fxclient close-many "$FX/a" 8 4
	soon 5 has_requests a RELEASE 4 || fail "no RELEASE"
	! ends "$started" 1 || fail "close(2) came back while RELEASE was held"
	is "$(requests a RELEASE)" 4 "RELEASE requests, one for each thread"
	tell a release release
	ends "$started" 10 || fail "close(2) didn't come back"
	is "$(counter "$FX/a" release_sync)" 8 "release_sync"
	server_stop a
}

# eight_wait NAME: eight threads are in close(2), for good.
eight_wait() {
	server "$1" --hold release --fail flush=ENOSYS
	connection_set "$FX/$1" sync_release on
	start "$FX/close" fxclient close-many "$FX/$1" 8 8
	soon 10 has_requests "$1" RELEASE 8 || fail "$(requests "$1" RELEASE) RELEASE requests"
	! ends "$started" 1 || fail "close(2) came back while RELEASE was held"
}

@test "abort frees all that wait in close(2)" {
	eight_wait a
	abort_ "$FX/a"
	ends "$started" 5 || fail "$(where_is "$started"): still there after the abort"
	output=$(<"$FX/close")
	is "$(field closed)" 8 "closed files"
	server_end a
}

@test "the server's death frees all that wait in close(2)" {
	eight_wait a
	kill -KILL "$(<"$FX/a.pid")"
	ends "$started" 5 || fail "$(where_is "$started"): still there after the server's death"
	output=$(<"$FX/close")
	is "$(field closed)" 8 "closed files"
	server_end a
}

@test "a server that closes a file of its own mount doesn't wait for itself" {
	nodes a --want 2 --hold release
	FX_LIMIT=20 tell a visit sync
	like "$output" "^close_us=" "what the server says"
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
	is "$(counter "$FX/a" release_sync)" 0 "release_sync"
	# another process does
	start "$FX/close" fxclient close-kind read "$FX/a/sync"
	soon 5 has_requests a RELEASE 2 || fail "no RELEASE of the other process"
	! ends "$started" 1 || fail "close(2) of another process didn't wait"
	tell a release release
	ends "$started" 10 || fail "close(2) of another process didn't come back"
	server_stop a
}

# pass_to_server OPTION: the only thread of the server gets its client's last
# reference, and drops it.
pass_to_server() {
	nodes a --want 2 --single --fail flush=ENOSYS --delay release=100 "$1" "$FX/a.take"
	# the server says that it has no FLUSH, which it can't answer to itself
	run_ 0 fxclient close-kind read "$FX/a/plain"
	FX_LIMIT=10 run_ 0 fxclient pass "$FX/a/sync" "$FX/a.take" "$FX/a"
	soon 5 has_replies a RELEASE 2 || fail "the server is stuck in its own close(2)"
	like "$(<"$FX/a.log")" " dropped" "the server's log"
	is "$(counter "$FX/a" release_sync)" 0 "release_sync"
	server_stop a
}

@test "SCM_RIGHTS: a single-threaded server closes its client's last descriptor" {
	pass_to_server --take
}

@test "SCM_RIGHTS: a single-threaded server drops a descriptor that it never received" {
	pass_to_server --discard
}
