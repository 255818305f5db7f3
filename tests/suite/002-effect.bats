#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The way of an administrator from a slow close(2) to a fast one, with fusectl.
# Everything about the toggle itself is in the 3xx suites.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

@test "fusectl set async_flush on makes close(2) fast on a mount that is there" {
	local slow fast
	server a --delay flush=300
	run_ 0 fxclient close "$FX/a/file"
	slow=$(field close_us)
	at_least "$slow" 300000 "close(2) in microseconds, before"
	run_ 0 fusectl set async_flush on "$FX/a"
	run_ 0 fxclient close "$FX/a/file"
	fast=$(field close_us)
	below "$fast" 50000 "close(2) in microseconds, with async_flush on"
	is "$(field error)" OK "close(2)"
	figure close_with_flush_300ms_default "$slow" us
	figure close_with_flush_300ms_on "$fast" us
	run_ 0 fusectl inherit async_flush "$FX/a"
	run_ 0 fxclient close "$FX/a/file"
	at_least "$(field close_us)" 300000 "close(2) in microseconds, after fusectl inherit"
	server_stop a
}

@test "a stock mount beside it stays slow, and fusectl says why" {
	umount "$FX_OURS"
	rmmod fuse_ext
	server a --delay flush=300
	module_load
	run_ 6 fusectl set async_flush on "$FX/a"
	run_ 0 fxclient close "$FX/a/file"
	at_least "$(field close_us)" 300000 "close(2) on stock in microseconds"
	figure close_with_flush_300ms_stock "$(field close_us)" us
	server_stop a
}
