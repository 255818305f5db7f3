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

@test "SIGKILL before the server has read RELEASE: it arrives all the same" {
	nodes a --want 2 --fail flush=ENOSYS
	# the server says that it has no FLUSH
	run_ 0 fxclient close-kind read "$FX/a/plain"
	told "$FX/a/sync"
	kill -STOP "$(<"$FX/a.pid")"
	close_it
	! ends "$started" 1 || fail "close(2) came back from a stopped server"
	kill -KILL "$started"
	ends "$started" 1 || fail "$(where_is "$started"): still there a second after SIGKILL"
	is "$(requests a RELEASE)" 1 "RELEASE requests, the first file's"
	kill -CONT "$(<"$FX/a.pid")"
	soon 5 has_replies a RELEASE 2 || fail "RELEASE was lost"
	is "$(lost a)" "" "answers that the kernel refused"
	server_stop a
}

@test "other signals don't end the wait" {
	local signal
	server a --hold release
	connection_set "$FX/a" sync_release on
	start "$FX/close" fxclient close "$FX/a/file"
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
	for signal in WINCH CHLD CONT; do
		kill -$signal "$started"
	done
	! ends "$started" 1 || fail "close(2) came back before the answer"
	tell a release release
	ends "$started" 5 || fail "close(2) didn't come back"
	server_stop a
}

# held NAME VALUE FILES: a process with that many open files, RELEASE held; its
# process number is in $started.
held() {
	server "$1" --hold release --fail flush=ENOSYS
	connection_set "$FX/$1" sync_release "$2"
	start "$FX/holder" fxclient hold-files "$FX/$1" "$3"
	soon 120 grep -q open "$FX/holder" || fail "the files aren't open"
}

@test "SIGKILL of a process with 1,000 open files: it ends while RELEASE is held" {
	held a on 1000
	kill -KILL "$started"
	ends "$started" 20 || fail "$(where_is "$started"): still there"
	soon 20 has_requests a RELEASE 1000 || fail "$(requests a RELEASE) RELEASE requests"
	is "$(replies a RELEASE)" 0 "answers to RELEASE"
	tell a release release
	soon 20 has_replies a RELEASE 1000 || fail "$(replies a RELEASE) answers to RELEASE"
	is "$(counter "$FX/a" release_sync) $(counter "$FX/a" release_sync_interrupted)" "0 0" \
		"release_sync, release_sync_interrupted"
	server_stop a
}

@test "exit(2) with 100 open files: it ends while RELEASE is held" {
	server a --hold release --fail flush=ENOSYS
	connection_set "$FX/a" sync_release on
	FX_LIMIT=20 run_ 0 fxclient exit-open "$FX/a" 100
	soon 10 has_requests a RELEASE 100 || fail "$(requests a RELEASE) RELEASE requests"
	tell a release release
	server_stop a
}

@test "close(2) of the same files waits (the two tests above can fail)" {
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
	tell a release release
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

@test "after an abort, close(2) of an open file comes back at once" {
	nodes a --want 2
	told "$FX/a/sync"
	abort_ "$FX/a"
	close_it
	ends "$started" 5 || fail "$(where_is "$started"): close(2) hangs after an abort"
	server_end a
}

@test "umount -l while close(2) waits: it ends by the answer, nothing is lost" {
	server a --hold release
	connection_set "$FX/a" sync_release on
	start "$FX/close" fxclient close "$FX/a/file"
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
	run_ 0 umount -l "$FX/a"
	tell a release release
	ends "$started" 5 || fail "$(where_is "$started"): close(2) didn't come back"
	soon 20 server_gone a || fail "the server didn't end after its unmount"
}

@test "a server that closes a file of its own mount doesn't wait for itself" {
	nodes a --want 2 --delay release=500
	tell a visit sync
	closes_in close_us 300 "in the server"
	soon 5 has_replies a RELEASE 1 || fail "no answer to RELEASE"
	is "$(counter "$FX/a" release_sync)" 0 "release_sync"
	# another process does
	run_ 0 fxclient close-kind read "$FX/a/sync"
	closes_after close_us 500 "in another process"
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

@test "SCM_RIGHTS on stock: the server gets the same requests" {
	module_unload
	nodes a --single --fail flush=ENOSYS --take "$FX/a.take"
	run_ 0 fxclient close-kind read "$FX/a/plain"
	FX_LIMIT=10 run_ 0 fxclient pass "$FX/a/sync" "$FX/a.take" "$FX/a"
	soon 5 has_replies a RELEASE 2 || fail "no RELEASE"
	like "$(<"$FX/a.log")" " taken 1" "the server's log"
	server_stop a
	module_load
}
