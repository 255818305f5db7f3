#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# async_flush where nothing goes wrong: time of close(2), order of requests,
# whose credentials FLUSH carries, executing what was just written.  Errors are
# in 310, death in 320, locks in 330.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

close_time() { # NAME
	run_ 0 fxclient close "$FX/$1/file"
	is "$(field error)" OK "close(2)"
	us=$(field close_us)
}

@test "close(2) with a FLUSH of 300 ms: auto, exit and off wait, on doesn't" {
	local value us
	server a --delay flush=300
	for value in auto exit off; do
		connection_set "$FX/a" async_flush $value
		close_time a
		at_least "$us" 300000 "microseconds with $value"
	done
	connection_set "$FX/a" async_flush on
	close_time a
	below "$us" 50000 "microseconds with on"
	figure close_on_best_of_one "$us" us
	server_stop a
}

@test "close(2) of a stock mount waits, whatever the module-wide setting" {
	local us
	module_unload
	server a --delay flush=300
	module_load
	module_set async_flush on
	close_time a
	at_least "$us" 300000 "microseconds on stock"
	server_stop a
	module_set async_flush auto
}

@test "a server that asks for async_flush gets it, and off takes it back" {
	local us
	server a --delay flush=300 --async-flush
	is "$(in_force "$FX/a" async_flush)" "on server" "async_flush in force"
	close_time a
	below "$us" 50000 "microseconds as the server asked"
	connection_set "$FX/a" async_flush off
	close_time a
	at_least "$us" 300000 "microseconds with off"
	server_stop a
}

@test "RELEASE is sent after the answer to FLUSH only" {
	server a --hold flush
	connection_set "$FX/a" async_flush on
	FX_LIMIT=10 run_ 0 fxclient close-many "$FX/a" 8 4
	is "$(field errors)" 0 "errors of close(2)"
	soon 5 has_requests a FLUSH 8 || fail "$(requests a FLUSH) FLUSH requests arrived, expected 8"
	pause_ms 300
	is "$(requests a RELEASE)" 0 "RELEASE requests while FLUSH is held"
	tell a release flush
	soon 10 has_requests a RELEASE 8 || fail "$(requests a RELEASE) RELEASE requests, expected 8"
	is "$(release_before_flush a)" "" "order"
	is "$(counter "$FX/a" flush_async)" 8 "flush_async"
	server_stop a
}

@test "with off, close(2) waits for a held FLUSH (the test above can fail)" {
	server a --hold flush
	connection_set "$FX/a" async_flush off
	start "$FX/close" fxclient close-many "$FX/a" 8 4
	! ends "$started" 2 || fail "close(2) came back while FLUSH was held"
	is "$(requests a FLUSH)" 4 "FLUSH requests, one for each thread"
	tell a release flush
	ends "$started" 20 || fail "close(2) didn't come back"
	soon 10 has_requests a RELEASE 8 || fail "$(requests a RELEASE) RELEASE requests, expected 8"
	is "$(counter "$FX/a" flush_async)" 0 "flush_async"
	server_stop a
}

@test "many files closed in parallel: every FLUSH before its RELEASE, none lost" {
	server a --delay flush=20
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close-many "$FX/a" 64 8
	is "$(field closed) $(field errors)" "64 0" "closed files, errors"
	soon 30 has_requests a RELEASE 64 || fail "$(requests a RELEASE) RELEASE requests, expected 64"
	is "$(requests a FLUSH)" 64 "FLUSH requests"
	is "$(release_before_flush a)" "" "order"
	server_stop a
}

@test "umount right after close(2) loses no FLUSH, as on stock" {
	local driver
	for driver in ours stock; do
		[ $driver = ours ] || module_unload
		server a --delay flush=500
		[ $driver = stock ] || connection_set "$FX/a" async_flush on
		run_ 0 fxclient close "$FX/a/file"
		server_stop a
		is "$(requests a FLUSH)" 1 "FLUSH requests on $driver"
		is "$(replies a FLUSH error=OK)" 1 "answers to FLUSH on $driver"
		is "$(lost a FLUSH)" "" "answers that came too late on $driver"
	done
	module_load
}

# credentials NAME OPCODE: "uid gid same-pid-as-the-CREATE" of the newest one.
credentials() {
	awk -v opcode="$2" '
		$2 != "recv" { next }
		{ for (i = 4; i <= NF; i++) { split($i, part, "="); value[part[1]] = part[2] } }
		$3 == "CREATE" { pid = value["pid"] }
		$3 == opcode {
			found = value["uid"] " " value["gid"] " " (value["pid"] == pid ? "caller" : value["pid"])
		}
		END { print found }' "$FX/$1.log"
}

@test "FLUSH carries uid, gid and pid of the caller, with on and with off" {
	local value
	for value in off on; do
		server a --allow-other
		connection_set "$FX/a" async_flush $value
		run_ 0 setpriv --reuid 12345 --regid 54321 --clear-groups \
			"$(type -P fxclient)" close "$FX/a/file"
		is "$(field error)" OK "close(2)"
		soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
		is "$(credentials a FLUSH)" "12345 54321 caller" "credentials of FLUSH with $value"
		server_stop a
	done
}

@test "FLUSH of a killed process carries its uid, gid and pid, with exit" {
	server a --allow-other
	connection_set "$FX/a" async_flush exit
	run_ 0 setpriv --reuid 12345 --regid 54321 --clear-groups \
		"$(type -P fxclient)" die "$FX/a/file"
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
	is "$(credentials a FLUSH)" "12345 54321 caller" "credentials of FLUSH"
	is "$(counter "$FX/a" flush_async)" 1 "flush_async"
	server_stop a
}

@test "write, close, execute: never ETXTBSY, while FLUSH is slow" {
	server a --delay flush=150
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient write-exec "$FX/a" 20
	is "$(field etxtbsy) $(field other)" "0 0" "ETXTBSY, other errors"
	is "$(counter "$FX/a" flush_async)" 20 "flush_async"
	server_stop a
}

@test "write, keep open, execute: ETXTBSY (the test above can fail)" {
	server a
	run_ 0 fxclient write-exec "$FX/a" 3 keep-open
	is "$(field etxtbsy)" 3 "ETXTBSY"
	server_stop a
}

@test "ENOSYS is asked once, with on as with off" {
	local value
	for value in off on; do
		server a --fail flush=ENOSYS
		connection_set "$FX/a" async_flush $value
		run_ 0 fxclient close "$FX/a/one"
		is "$(field error)" OK "the first close(2) with $value"
		soon 5 has_replies a FLUSH 1 || fail "no answer to the first FLUSH"
		soon 5 has_requests a RELEASE 1 || fail "no RELEASE of the first file"
		run_ 0 fxclient close "$FX/a/two"
		run_ 0 fxclient close "$FX/a/three"
		is "$(field error)" OK "the last close(2) with $value"
		soon 5 has_requests a RELEASE 3 || fail "$(requests a RELEASE) RELEASE requests"
		is "$(requests a FLUSH)" 1 "FLUSH requests with $value"
		is "$(counter "$FX/a" flush_async_errors)" 0 "flush_async_errors with $value"
		server_stop a
	done
	# and three of them where the server answers
	server a
	connection_set "$FX/a" async_flush on
	for value in one two three; do
		run_ 0 fxclient close "$FX/a/$value"
	done
	soon 5 has_requests a RELEASE 3 || fail "$(requests a RELEASE) RELEASE requests"
	is "$(requests a FLUSH)" 3 "FLUSH requests of a server that has FLUSH"
	server_stop a
}

@test "a file that was only read is flushed as well, and dup'd descriptors each" {
	server a
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient script "$FX/a"
	soon 5 released a || fail "FLUSH and RELEASE don't match"
	is "$(release_before_flush a)" "" "order"
	at_least "$(requests a FLUSH)" $(($(requests a RELEASE) + 1)) "FLUSH requests (one was dup'd)"
	server_stop a
}

released() { # NAME: every file that was opened is released
	local opened
	opened=$(($(replies "$1" OPEN error=OK) + $(replies "$1" CREATE error=OK)))
	[ "$(requests "$1" RELEASE)" -eq "$opened" ]
}
