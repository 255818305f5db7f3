#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What every other suite needs; nothing of the module's behaviour.

load helpers/all

setup_file() {
	isolate_file
}

teardown_file() {
	isolate_file_end
}

@test "the tests run as root on a machine with FUSE and cgroup2" {
	is "$(id -u)" 0 "user"
	grep -qw fuse /proc/filesystems || modprobe fuse
	like "$(types_served)" "fuse=1 .*fusectl=1" "filesystem types of the stock driver"
	[ -c /dev/fuse ] || fail "/dev/fuse isn't a character device"
}

@test "the module is installed for the running kernel, and not loaded" {
	run_ 0 modinfo -n fuse_ext
	[ ! -d /sys/module/fuse_ext ] || fail "it is loaded; unload it: fusectl unload"
}

@test "modinfo says the version and the source that the module was built from" {
	local version
	read -r version <"$FUSE_EXT_SRC/VERSION"
	run_ 0 modinfo -F version fuse_ext
	is "$output" "$version" "version"
	run_ 0 modinfo -F fuse_source_provider fuse_ext
	like "$output" '^[^ ]+$' "fuse_source_provider"
	run_ 0 modinfo -F fuse_source_version fuse_ext
	like "$output" '^[0-9]+\.[0-9]+' "fuse_source_version"
	run_ 0 modinfo -F fuse_source_hash fuse_ext
	like "$output" '^[0-9a-f]{64}$' "fuse_source_hash"
	run_ 0 modinfo -F fuse_series fuse_ext
	is "$output" "${FUSE_EXT_SERIES:-$output}" "fuse_series"
	like "$(uname -r)" "^${output//./\\.}(\\.|-)" "the running kernel and fuse_series"
	# the aliases would make get_fs_type() wait for our own init
	run_ 0 modinfo -F alias fuse_ext
	is "$output" "" "aliases"
}

@test "the test servers, their client and fusectl run" {
	run_ 0 fxserver --help
	run_ 0 rawserver --help
	run_ 0 fxclient --help
	run_ 2 fxclient no-such-verb
	run_ 0 fusectl --help
}

@test "a test server on the stock driver serves, and its log tells of it" {
	server a
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	soon 5 has_requests a RELEASE 1 || fail "no RELEASE in the server's log"
	is "$(requests a FLUSH)" 1 "FLUSH requests"
	is "$(release_before_flush a)" "" "order"
	server_stop a
}

@test "a delayed, a failed and a held operation are seen by the client" {
	server a --delay flush=200
	run_ 0 fxclient close "$FX/a/file"
	at_least "$(field close_us)" 200000 "close(2) with FLUSH delayed by 200 ms"
	tell a delay flush=0
	tell a fail flush=EIO:1
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" EIO "close(2) with FLUSH failed"
	tell a hold flush
	start "$FX/held" fxclient close "$FX/a/file"
	! ends "$started" 1 || fail "close(2) came back while FLUSH was held"
	tell a release flush
	ends "$started" 10 || fail "close(2) didn't come back after FLUSH was let go"
	is "$(field error "$(<"$FX/held")")" OK "close(2)"
}
