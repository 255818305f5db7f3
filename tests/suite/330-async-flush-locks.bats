#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# async_flush and POSIX locks.  FLUSH is also how locks at the server are
# dropped: an inode on which one was sent stays synchronous, unless the server
# itself asked for async_flush.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

lock_and_close() { # KIND NAME
	run_ 0 fxclient lock "$1" "$FX/$2/file"
	is "$(field lock)" OK "the lock"
	is "$(field error)" OK "close(2)"
}

@test "on, lock at the server: close(2) waits, and the lock is free afterwards" {
	server a --locks --delay flush=300
	connection_set "$FX/a" async_flush on
	lock_and_close posix a
	at_least "$(field close_us)" 300000 "microseconds of close(2)"
	is "$(field relock)" OK "the lock from another process right after close(2)"
	is "$(requests a SETLK)" 2 "SETLK requests"
	server_stop a
}

@test "on stock: the same" {
	module_unload
	server a --locks --delay flush=300
	lock_and_close posix a
	at_least "$(field close_us)" 300000 "microseconds of close(2)"
	is "$(field relock)" OK "the lock from another process right after close(2)"
	server_stop a
	module_load
}

@test "on, no lock taken: close(2) doesn't wait, though the server has locks" {
	server a --locks --delay flush=300
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close "$FX/a/file"
	below "$(field close_us)" 50000 "microseconds of close(2)"
	server_stop a
}

@test "on, the lock is on another inode: close(2) doesn't wait" {
	server a --locks --delay flush=300
	connection_set "$FX/a" async_flush on
	lock_and_close posix a
	run_ 0 fxclient close "$FX/a/other"
	below "$(field close_us)" 50000 "microseconds of close(2) of the other file"
	server_stop a
}

@test "on, locks kept by the kernel: close(2) doesn't wait, and the lock is free" {
	server a --delay flush=300
	connection_set "$FX/a" async_flush on
	lock_and_close posix a
	below "$(field close_us)" 50000 "microseconds of close(2)"
	is "$(field relock)" OK "the lock from another process right after close(2)"
	is "$(requests a SETLK)" 0 "SETLK requests"
	server_stop a
}

@test "a server that asked for async_flush itself: close(2) doesn't wait" {
	server a --locks --delay flush=300 --async-flush
	lock_and_close posix a
	below "$(field close_us)" 50000 "microseconds of close(2)"
	server_stop a
}

@test "exit: a process that dies with a lock at the server drops it" {
	server a --locks --delay flush=300
	connection_set "$FX/a" async_flush exit
	run_ 0 fxclient die "$FX/a/file" lock
	soon 5 has_replies a FLUSH 1 || fail "no answer to FLUSH"
	run_ 0 fxclient lock posix "$FX/a/file"
	is "$(field lock)" OK "the lock after the process' death"
	server_stop a
}
