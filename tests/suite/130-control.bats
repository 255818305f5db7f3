#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The control filesystem: folders per connection, their files and formats, and
# abort on both drivers.  Writing toggles is in 150-toggles, fusectl's
# choreography in 160-fusectl.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want unloaded
}

teardown_file() {
	module_file_end
}

@test "abort through the control filesystem ends each driver's connection, not the other's" {
	server old
	module_load
	server new
	is "$(driver_of "$FX/old") $(driver_of "$FX/new")" "fuse fuse_ext" "drivers"
	abort_ "$FX/new"
	run_ 1 fxclient close "$FX/new/file"
	like "$output" "not connected|aborted" "what an aborted mount of ours says"
	run_ 0 fxclient close "$FX/old/file"
	is "$(field error)" OK "close(2) on stock after the abort of ours"
	server newer
	abort_ "$FX/old"
	run_ 1 fxclient close "$FX/old/file"
	like "$output" "not connected|aborted" "what an aborted stock mount says"
	run_ 0 fxclient close "$FX/newer/file"
	is "$(field error)" OK "close(2) on ours after the abort of stock"
	server_end old
	server_end new
	server_stop newer
	module_unload
}

@test "abort wakes a client that waits for a held request, on both drivers" {
	local name client
	server old --hold getattr --timeout 0
	module_load
	server new --hold getattr --timeout 0
	for name in old new; do
		start "$FX/$name.stat" stat "$FX/$name"
		client=$started
		! ends "$client" 1 || fail "$name: stat came back while GETATTR was held"
		abort_ "$FX/$name"
		ends "$client" 10 || fail "$name: stat didn't come back after the abort"
		is_not "$status" 0 "$name: exit status of stat"
		server_end "$name"
	done
	module_unload
}

@test "each connection has stock's files and ours, and goes with its mount" {
	local control file
	module_load
	server a
	control=$(control_of "$FX/a")
	for file in waiting abort max_background congestion_threshold \
		$FX_TOGGLES ext_state ext_stats; do
		[ -e "$control/$file" ] || fail "$control has no $file"
	done
	is "$(<"$control/waiting")" 0 "waiting"
	like "$(<"$control/max_background")" '^[0-9]+$' "max_background"
	server_stop a
	[ ! -e "$control" ] || fail "$control is still there after the unmount"
	module_unload
}

@test "a stock connection has stock's files only" {
	local control
	server a
	control=$(control_of "$FX/a")
	is "$control" "$FX_STOCK/$(connection_of "$FX/a")" "its folder"
	[ -e "$control/abort" ] || fail "no abort"
	[ ! -e "$control/async_flush" ] || fail "the stock driver has async_flush"
	server_stop a
}

@test "waiting counts the requests under way" {
	local control
	module_load
	server a --hold getattr --timeout 0
	control=$(control_of "$FX/a")
	start "$FX/stat" stat "$FX/a"
	soon 5 has_requests a GETATTR 1 || fail "no GETATTR arrived"
	at_least "$(<"$control/waiting")" 1 "waiting with a held request"
	tell a release getattr
	ends "$started" 10 || fail "stat didn't come back"
	is "$(<"$control/waiting")" 0 "waiting afterwards"
	server_stop a
	module_unload
}

@test "ext_state has a line for each toggle: name, value, source" {
	local control names
	module_load
	server a
	control=$(control_of "$FX/a")
	run_ 0 cat "$control/ext_state"
	names=$(awk 'NF == 3 { print $1 }' "$control/ext_state" | sort | tr '\n' ' ')
	is "$names" "$(tr ' ' '\n' <<<"$FX_TOGGLES" | sort | tr '\n' ' ')" "names"
	is "$(wc -l <"$control/ext_state")" 5 "lines"
	is "$(awk '$2 !~ /^(auto|on|off|exit)$/ || $3 !~ /^(connection|mount|module|server)$/' \
		"$control/ext_state")" "" "lines with a wrong value or source"
	server_stop a
	module_unload
}

@test "ext_stats has lines of a name and a number, and counts" {
	local control
	module_load
	server a
	control=$(control_of "$FX/a")
	run_ 0 cat "$control/ext_stats"
	is "$(awk '!/^[a-z_]+ [0-9]+$/' "$control/ext_stats")" "" "lines of another form"
	is "$(counter "$FX/a" flush_async)" 0 "flush_async before"
	is "$(counter "$FX/a" flush_async_errors)" 0 "flush_async_errors before"
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close "$FX/a/file"
	is "$(counter "$FX/a" flush_async)" 1 "flush_async after one close(2)"
	is "$(counter "$FX/a" flush_async_errors)" 0 "flush_async_errors after one close(2)"
	server_stop a
	module_unload
}

@test "toggle files read as one word, for the owner's and everybody's eyes" {
	local control toggle
	module_load
	server a
	control=$(control_of "$FX/a")
	for toggle in $FX_TOGGLES; do
		is "$(<"$control/$toggle")" default "$toggle of a new connection"
		is "$(wc -l <"$control/$toggle")" 1 "lines of $toggle"
		is "$(<"$FX_PARAMETERS/$toggle")" auto "$toggle of the module"
	done
	server_stop a
	module_unload
}
