#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Loading and unloading over and over: nothing may add up.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want unloaded
}

teardown_file() {
	module_file_end
}

# What a load that leaks would leave one more of.
remains() {
	local caches
	caches=$(grep -c fuse_ext /proc/slabinfo) || true # no match is the good case
	printf 'caches=%s links=%s types="%s" devices=%s\n' "$caches" \
		"$(find /sys/fs /sys/class/misc /sys/kernel/slab /proc/sys/fs -maxdepth 2 -name '*fuse_ext*' | wc -l)" \
		"$(types_served)" "$(grep -c . /proc/misc)"
}

@test "a loaded module leaves traces (the next test can fail)" {
	local before
	before=$(remains)
	module_load
	server a
	is_not "$(remains)" "$before" "what is there with the module loaded"
	server_stop a
	module_unload
	is "$(remains)" "$before" "what is there after the unload"
}

@test "100 loads and unloads leave nothing, and a stock mount works throughout" {
	local before start i
	server a
	before=$(remains)
	start=$SECONDS
	for ((i = 1; i <= 100; i++)); do
		timeout 30 modprobe fuse_ext || fail "load $i"
		timeout 30 rmmod fuse_ext || fail "unload $i"
		if [ $((i % 25)) -eq 0 ]; then
			run_ 0 fxclient close "$FX/a/file"
			is "$(field error)" OK "close(2) on the stock mount after load $i"
		fi
	done
	figure hundred_loads_and_unloads $((SECONDS - start)) s
	is "$(remains)" "$before" "what is there after 100 loads"
	server_stop a
}

@test "load, mount, I/O, unmount, unload: ten times" {
	local before i
	before=$(remains)
	for ((i = 1; i <= 10; i++)); do
		module_load
		server a
		is "$(driver_of "$FX/a")" fuse_ext "driver at round $i"
		run_ 0 fxclient close "$FX/a/file"
		is "$(field error)" OK "close(2) at round $i"
		server_stop a
		module_unload
	done
	is "$(remains)" "$before" "what is there after ten rounds"
}
