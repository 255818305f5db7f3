#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# How a server asks for features: FUSE_EXT_IOC_NEGOTIATE and INIT.  What the
# administrator says against it is in 150-toggles.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

@test "the ioctl: ENOTCONN before the mount, then it works, before and after INIT" {
	raw_server a --negotiate unmounted --negotiate mounted --negotiate initialized=32:1:1
	is "$(line unmounted)" "negotiate unmounted ENOTCONN" "before the mount"
	like "$(line mounted)" "^negotiate mounted OK supported=[0-9a-f]+ enabled=0$" "before INIT"
	like "$(line initialized)" "^negotiate initialized OK supported=[0-9a-f]+ enabled=1$" \
		"after INIT"
	is "$(in_force "$FX/a" async_flush)" "on server" "async_flush in force"
	server_stop a
}

# line WHEN: of $output, as far as it tells something.
line() {
	sed -n "s/^\(negotiate $1 ENOTCONN\).*/\1/; /^negotiate $1 /p" <<<"$output"
}

@test "the ioctl before INIT asks for good" {
	raw_server a --negotiate mounted=32:1:1
	is "$(in_force "$FX/a" async_flush)" "on server" "async_flush in force after INIT"
	server_stop a
}

@test "the ioctl: wrong size, ABI or bits are EINVAL, and supported is filled in" {
	local how supported
	raw_server a
	supported=0
	tell a negotiate
	supported=$(field supported)
	is $((16#$supported & 1)) 1 "FUSE_EXT_ASYNC_FLUSH in supported"
	for how in 0:1:0 31:1:0 33:1:0 64:1:0 4294967295:1:0 32:0:0 32:2:0 \
		32:1:10000000000 32:1:8000000000000000 32:1:100; do
		tell a negotiate $how
		like "$output" "negotiate control EINVAL supported=$supported " "with $how"
	done
	is "$(in_force "$FX/a" async_flush)" "auto module" "async_flush in force after all this"
	# the features that this build hasn't got are bits that it doesn't support
	tell a negotiate "32:1:$(printf %x $((~16#$supported & 31)))"
	if [ "$supported" != 1f ]; then
		like "$output" EINVAL "the features that aren't supported"
	fi
	server_stop a
}

@test "the ioctl: want replaces the earlier want" {
	raw_server a
	tell a negotiate 32:1:1
	like "$output" "OK .*enabled=1" "want 1"
	is "$(in_force "$FX/a" async_flush)" "on server" "async_flush in force"
	tell a negotiate 32:1:0
	like "$output" "OK .*enabled=0" "want 0"
	is "$(in_force "$FX/a" async_flush)" "auto module" "async_flush in force"
	tell a negotiate 32:1:1
	tell a negotiate 31:1:0
	is "$(in_force "$FX/a" async_flush)" "on server" "async_flush after a wrong call"
	server_stop a
}

@test "the ioctl: enabled is what is in force after the administrator's word" {
	raw_server a
	connection_set "$FX/a" async_flush off
	tell a negotiate 32:1:1
	like "$output" "OK .*enabled=0" "with off"
	connection_set "$FX/a" async_flush on
	tell a negotiate 32:1:1
	like "$output" "OK .*enabled=1" "with on"
	server_stop a
}

@test "the ioctl: ENOTCONN after the unmount" {
	raw_server a --negotiate gone=32:1:1
	server_stop a
	like "$(<"$FX/a.log")" "negotiate gone ENOTCONN" "the server's log"
}

@test "the ioctl is ENOTTY on stock, and libfuse's servers find out" {
	module_unload
	run_ 0 fxserver --async-flush --log "$FX/a.log" --pidfile "$FX/a.pid" "$FX/a"
	like "$output" "negotiate ENOTTY" "what the server printed"
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	server_stop a
	module_load
	server a --async-flush
	like "$output" "negotiate OK supported=[0-9a-f]*[13579bdf] enabled=1" \
		"what the server printed on ours"
	server_stop a
}

@test "INIT: a server that answers with the bit gets what it wants" {
	local want
	for want in 1 0x1f 0xffffffff; do
		raw_server a --init-ext --init-want $want
		is "$(in_force "$FX/a" async_flush)" "on server" "async_flush with want $want"
		run_ 0 fxclient close "$FX/a/file0"
		is "$(field error)" OK "close(2) with want $want"
		server_stop a
	done
	raw_server a --init-ext --init-want 0
	is "$(in_force "$FX/a" async_flush)" "auto module" "async_flush with want 0"
	server_stop a
}

@test "INIT: without the bit, or in a short answer, the last bytes mean nothing" {
	raw_server a --init-want 1
	is "$(in_force "$FX/a" async_flush)" "auto module" "async_flush without the bit"
	server_stop a
	for size in 8 24 60 63; do
		raw_server a --init-ext --init-want 1 --init-size $size
		is "$(in_force "$FX/a" async_flush)" "auto module" "async_flush with $size bytes"
		run_ 0 cat "$FX/a/file0"
		server_stop a
	done
}

@test "INIT: a server with an old minor works, and asks for nothing" {
	local minor
	for minor in 8 12 22; do
		raw_server a --minor $minor
		is "$(in_force "$FX/a" async_flush)" "auto module" "async_flush with minor $minor"
		run_ 0 fxclient close "$FX/a/file0"
		is "$(field error)" OK "close(2) with minor $minor"
		server_stop a
	done
}

@test "INIT: the answer with the bit does no harm on stock" {
	module_unload
	raw_server a --init-ext --init-want 0xffffffff
	run_ 0 fxclient close "$FX/a/file0"
	is "$(field error)" OK "close(2)"
	server_stop a
	module_load
}
