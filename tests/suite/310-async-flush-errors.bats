#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# async_flush and errors: of FLUSH in the background, of dirty pages, of hostile
# servers, of a server that dies.

load helpers/all
load helpers/waits

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

@test "an error of a background FLUSH reaches a later fsync, once, and the counter" {
	server a --fail flush=EIO:1
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient fsync-error "$FX/a/file" 500
	is "$(field close)" OK "close(2)"
	is "$(field fsync)" EIO "fsync(2) by the descriptor that was open all the time"
	is "$(field again)" OK "the second fsync(2)"
	is "$(field last)" OK "the last close(2)"
	is "$(counter "$FX/a" flush_async_errors)" 1 "flush_async_errors"
	server_stop a
}

@test "with off the same error is close(2)'s" {
	server a --fail flush=EIO:1
	connection_set "$FX/a" async_flush off
	run_ 0 fxclient fsync-error "$FX/a/file" 500
	is "$(field close)" EIO "close(2)"
	is "$(field fsync)" OK "fsync(2)"
	is "$(counter "$FX/a" flush_async_errors)" 0 "flush_async_errors"
	server_stop a
}

@test "on a stock mount the same error is close(2)'s" {
	module_unload
	server a --fail flush=EIO:1
	run_ 0 fxclient fsync-error "$FX/a/file" 500
	is "$(field close)" EIO "close(2)"
	is "$(field fsync)" OK "fsync(2)"
	server_stop a
	module_load
}

@test "ENOSPC and EDQUOT keep their names on the way to fsync" {
	local error
	for error in ENOSPC EDQUOT; do
		server a --fail flush=$error:1
		connection_set "$FX/a" async_flush on
		run_ 0 fxclient fsync-error "$FX/a/file" 500
		is "$(field close)" OK "close(2)"
		like "$(field fsync)" "^($error|EIO)$" "fsync(2) after FLUSH said $error"
		[ $error != ENOSPC ] || is "$(field fsync)" ENOSPC "fsync(2)"
		server_stop a
	done
}

# What dirty pages do at close(2): the same on all.
dirty_close() { # NAME
	server "$1" --writeback --fail write=EIO
	[ "$(driver_of "$FX/$1")" = fuse ] || connection_set "$FX/$1" async_flush "${2:-auto}"
	run_ 0 fxclient close "$FX/$1/file" 5000
	printf '%s\n' "$output" | sed 's/.*\(error=[A-Z]*\).*/\1/' >"$FX/$1.result"
	soon 5 has_requests "$1" RELEASE 1 || fail "no RELEASE"
	# How many requests the pages go in is up to the flusher threads.
	at_least "$(requests "$1" WRITE)" 1 "WRITE requests"
	echo "flushes=$(requests "$1" FLUSH)" >>"$FX/$1.result"
	server_stop "$1"
}

@test "errors of dirty pages are close(2)'s, with on exactly as on stock" {
	local value
	module_unload
	dirty_close stock
	module_load
	like "$(<"$FX/stock.result")" error=EIO "close(2) on stock"
	for value in auto off exit on; do
		dirty_close $value $value
		is "$(<"$FX/$value.result")" "$(<"$FX/stock.result")" "with $value"
	done
}

@test "dirty pages that can be written leave no error (the test above can fail)" {
	server a --writeback
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close "$FX/a/file" 5000
	is "$(field error)" OK "close(2)"
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE"
	at_least "$(requests a WRITE)" 1 "WRITE requests"
	is "$(write_after_flush a)" "" "WRITE requests after FLUSH"
	server_stop a
}

write_after_flush() { # NAME
	awk '$2 == "recv" && $3 == "FLUSH" { flushed = 1 }
		$2 == "recv" && $3 == "WRITE" && flushed { print }' "$FX/$1.log"
}

@test "hostile answers to a background FLUSH: an error for fsync, no harm" {
	local kind
	for kind in long short positive; do
		raw_server a --hostile flush=$kind
		connection_set "$FX/a" async_flush on
		FX_LIMIT=20 run_ 0 fxclient close "$FX/a/file0"
		is "$(field error)" OK "close(2) with $kind"
		soon 5 has_replies a FLUSH 1 || fail "no answer to FLUSH"
		if [ "$(requests a RELEASE)" -eq 0 ] && ! soon 2 has_requests a RELEASE 1; then
			# the kernel refused the answer and still waits for one
			like "$(<"$FX/a.log")" "lost FLUSH .*error=EINVAL" "the log with $kind"
			abort_ "$FX/a"
		fi
		server_end a
	done
}

@test "hostile answers to FLUSH do on stock what they do with off" {
	local kind result driver
	for kind in long short positive; do
		for driver in ours stock; do
			[ $driver = ours ] || module_unload
			raw_server a --hostile flush=$kind
			start "$FX/close" fxclient close "$FX/a/file0"
			if ends "$started" 3; then
				result=$(field error "$(<"$FX/close")")
			else
				result=stuck
				abort_ "$FX/a"
				ends "$started" 10 || fail "close(2) survived the abort"
			fi
			log_line "$kind on $driver: $result"
			echo "$result" >"$FX/$driver.result"
			server_end a
			[ $driver = ours ] || module_load
		done
		is "$(<"$FX/ours.result")" "$(<"$FX/stock.result")" "close(2) with $kind"
	done
}

@test "abort with background FLUSHes under way: nothing hangs, nothing stays" {
	server a --hold flush
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close-many "$FX/a" 8 4
	soon 5 has_requests a FLUSH 8 || fail "not all FLUSH requests arrived"
	abort_ "$FX/a"
	server_end a
}

@test "a server that is killed with background FLUSHes under way leaves nothing" {
	server a --hold flush
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close-many "$FX/a" 8 4
	soon 5 has_requests a FLUSH 8 || fail "not all FLUSH requests arrived"
	kill -KILL "$(<"$FX/a.pid")"
	soon 10 server_gone a || fail "the server didn't end"
	run_ 1 fxclient close "$FX/a/another"
	run_ 0 umount "$FX/a"
}

# unmount_held: a FLUSH is with the server, which doesn't answer, and the mount is being
# unmounted, by $unmounts; its connection is in $control.
unmount_held() {
	server a --hold flush
	connection_set "$FX/a" async_flush on
	control=$(control_of "$FX/a")
	run_ 0 fxclient close "$FX/a/file"
	soon 5 has_requests a FLUSH 1 || fail "no FLUSH"
	start "$FX/umount" umount "$FX/a"
	unmounts=$started
}

# unmount_waits: and waits; in_state "$unmounts" says whether it still does.
unmount_waits() {
	# shellcheck disable=SC2034  # waits.bash reads them
	states=D place=fuse_ext_flush_wait
	unmount_held
	soon 5 in_state "$unmounts" || fail "$(where_is "$unmounts"): it doesn't wait"
}

@test "unmount with a held FLUSH: ends at the latest with the answer, which does no harm" {
	unmount_held
	if ! ends "$unmounts" 2; then
		tell a release flush
		ends "$unmounts" 10 || fail "umount hangs after the answer"
	fi
	is "$status" 0 "exit status of umount: $(<"$FX/umount")"
	soon 10 server_gone a || fail "the server didn't end"
}

@test "unmount with a held FLUSH: sync(2) of the machine doesn't wait for it" {
	unmount_waits
	start "$FX/sync" sync
	ends "$started" 10 || fail "sync hangs: $(where_is "$started")"
	in_state "$unmounts" || fail "umount doesn't wait any more"
	echo 1 >"$control/abort"
	ends "$unmounts" 10 || fail "umount hangs after the abort"
	soon 10 server_gone a || fail "the server didn't end"
}

# The kernel would wait for the end of that mount, as long as the server likes.
@test "unmount with a held FLUSH: to mount the connection again fails at once" {
	unmount_waits
	mkdir -p "$FX/b"
	start "$FX/again" fxclient mount-again "$(<"$FX/a.pid")" "$FX/b"
	ends "$started" 10 || fail "mount hangs: $(where_is "$started")"
	# 5.10 can't mount any connection twice
	like "$(<"$FX/again")" "^mount=(ENOTCONN|EINVAL)$" "what mount(2) says"
	in_state "$unmounts" || fail "umount doesn't wait any more"
	echo 1 >"$control/abort"
	ends "$unmounts" 10 || fail "umount hangs after the abort"
	soon 10 server_gone a || fail "the server didn't end"
}

@test "unmount with a held FLUSH: abort ends it" {
	unmount_held
	if ! ends "$unmounts" 2; then
		echo 1 >"$control/abort"
		ends "$unmounts" 10 || fail "umount hangs after the abort"
	fi
	soon 10 server_gone a || fail "the server didn't end"
}
