#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# fusectl against the live module: every verb, every exit status, and the
# choreography of the control filesystems.  Help and wrong usage, which need no
# module, are fusectl's unit tests.

load helpers/all
load helpers/control

setup_file() {
	isolate_file
	control_file
}

teardown_file() {
	control_file_end
}

# property NAME: of fusectl status.
property() {
	fusectl status -n -r -o VALUE "$1"
}

# value_source TOGGLE [TARGET]: as fusectl get tells.
value_source() {
	fusectl get -n -r -o VALUE,SOURCE "$@"
}

@test "not loaded: status and the toggles' verbs exit with 3, list works" {
	server a
	run_ 3 fusectl status
	like "$output" "not loaded" "fusectl status"
	run_ 3 fusectl get async_flush
	run_ 3 fusectl get async_flush "$FX/a"
	run_ 3 fusectl set async_flush on
	like "$output" "fusectl load" "the message says what to do"
	run_ 3 fusectl set async_flush on "$FX/a"
	run_ 3 fusectl inherit async_flush "$FX/a"
	run_ 0 fusectl list -n -r -o CONN,DRIVER,TARGET
	like "$output" "$(connection_of "$FX/a") stock $FX/a" "fusectl list"
	run_ 0 fusectl unload
	server_stop a
}

@test "load and unload: both drivers stay reachable, and all is as before" {
	local before stock ours
	before=$(control_mounts)
	server old
	stock=$(connection_of "$FX/old")
	run_ 0 fusectl load
	[ -d /sys/module/fuse_ext ] || fail "fuse_ext isn't loaded"
	server new
	ours=$(connection_of "$FX/new")
	[ -e "$STANDARD/$ours/async_flush" ] || fail "ours isn't at $STANDARD"
	[ -e "/sys/fs/fuse_ext/connections/$ours/async_flush" ] ||
		fail "ours isn't at /sys/fs/fuse_ext/connections"
	[ -e "/run/fuse-ext/stock-connections/$stock/abort" ] ||
		fail "stock isn't at /run/fuse-ext/stock-connections"
	[ ! -e "/run/fuse-ext/stock-connections/$ours" ] || fail "ours is among stock's"
	run_ 0 fusectl list -n -r -o CONN,DRIVER,TARGET
	like "$output" "$stock stock $FX/old" "fusectl list"
	like "$output" "$ours fuse_ext $FX/new" "fusectl list"
	run_ 0 fusectl load
	server_stop new
	run_ 0 fusectl unload
	[ ! -d /sys/module/fuse_ext ] || fail "fuse_ext is still loaded"
	is "$(control_mounts)" "$before" "control filesystems that are mounted"
	[ -e "$STANDARD/$stock/abort" ] || fail "the stock mount isn't at $STANDARD again"
	run_ 0 fxclient close "$FX/old/file"
	is "$(field error)" OK "close(2)"
	server_stop old
}

@test "the abort of everybody's runbook works for both drivers after fusectl load" {
	local stock ours
	server old
	stock=$(connection_of "$FX/old")
	run_ 0 fusectl load
	server new
	ours=$(connection_of "$FX/new")
	echo 1 >"$STANDARD/$ours/abort"
	run_ 1 fxclient close "$FX/new/file"
	run_ 0 fxclient close "$FX/old/file"
	echo 1 >"/run/fuse-ext/stock-connections/$stock/abort"
	run_ 1 fxclient close "$FX/old/file"
	server_end new
	server_end old
	run_ 0 fusectl unload
}

@test "unload with a mount of ours is refused, names it, and touches nothing" {
	local before
	run_ 0 fusectl load
	server a
	before=$(control_mounts)
	run_ 1 fusectl unload
	like "$output" "$FX/a" "the message names what is in use"
	[ -d /sys/module/fuse_ext ] || fail "fuse_ext is gone"
	is "$(control_mounts)" "$before" "control filesystems that are mounted"
	run_ 0 fusectl set async_flush on "$FX/a"
	server_stop a
	run_ 0 fusectl unload
}

@test "status tells what is loaded, what it was built from, and who serves" {
	local version
	read -r version <"$FUSE_EXT_SRC/VERSION"
	run_ 0 fusectl load
	server a
	run_ 0 fusectl status
	is "$(property module)" loaded "module"
	is "$(property driver)" fuse_ext "driver"
	is "$(property version)" "$version" "version"
	is "$(fusectl status -n -o VALUE source)" "$(</sys/fs/fuse_ext/source)" "source"
	is "$(fusectl status -n -o VALUE supported)" "$(</sys/fs/fuse_ext/supported)" "supported"
	is "$(property kernel)" "$(uname -r)" "kernel"
	is "$(property installed)" same "installed"
	is "$(property connections)" 1 "connections"
	server_stop a
	is "$(property connections)" 0 "connections after the unmount"
	run_ 0 fusectl unload
	run_ 3 fusectl status driver
	like "$output" stock "driver after the unload"
}

@test "get, set and inherit: by mount point, by a path below, by number, module-wide" {
	local number
	run_ 0 fusectl load
	server a
	number=$(connection_of "$FX/a")
	is "$(value_source async_flush)" "auto module" "module-wide"
	is "$(value_source async_flush "$FX/a")" "auto module" "of the mount point"
	run_ 0 fusectl set async_flush on "$FX/a"
	is "$(value_source async_flush "$FX/a")" "on connection" "set by mount point"
	run_ 0 mkdir -p "$FX/a/deep/er"
	run_ 0 fusectl set async_flush exit "$FX/a/deep/er"
	is "$(value_source async_flush "$number")" "exit connection" "set by a path below"
	run_ 0 fusectl set async_flush off "$number"
	is "$(value_source async_flush "$FX/a")" "off connection" "set by number"
	run_ 0 fusectl set async_flush on
	is "$(value_source async_flush)" "on module" "module-wide, set"
	is "$(value_source async_flush "$FX/a")" "off connection" "the connection keeps its own"
	run_ 0 fusectl inherit async_flush "$FX/a"
	is "$(value_source async_flush "$FX/a")" "on module" "inherited"
	run_ 0 fusectl set async_flush auto
	is "$(value_source async_flush "$FX/a")" "auto module" "inherited"
	is "$(fusectl get -n -r -o NAME all "$FX/a" | sort | tr '\n' ' ')" \
		"$(tr ' ' '\n' <<<"$FX_TOGGLES" | sort | tr '\n' ' ')" "get all"
	server_stop a
	run_ 0 fusectl unload
}

@test "exit statuses: 2 usage, 4 no target, 5 not permitted, 6 stock; nothing is changed" {
	local user=nobody toggle option as_user
	! getent passwd tester >/dev/null || user=tester
	as_user=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
	server old
	# root of a user namespace: the machine's, and a user's
	run_ 5 unshare -Ur "$(type -P fusectl)" load
	run_ 5 "${as_user[@]}" unshare -Ur "$(type -P fusectl)" load
	run_ 3 fusectl set async_flush on
	run_ 0 fusectl load
	server new
	run_ 2 fusectl set async_flish on
	like "$output" "async_flush" "the nearest name is suggested"
	run_ 2 fusectl set async_flush yes
	run_ 2 fusectl inherit async_flush
	run_ 2 fusectl no-such-verb
	run_ 4 fusectl set async_flush on /no/such/path
	run_ 4 fusectl set async_flush on 987654
	run_ 4 fusectl set async_flush on /proc
	run_ 5 "${as_user[@]}" "$(type -P fusectl)" set async_flush on
	run_ 5 "${as_user[@]}" "$(type -P fusectl)" set async_flush on "$FX/new"
	for option in '' --dry-run; do
		run_ 5 "${as_user[@]}" unshare -Ur "$(type -P fusectl)" set $option async_flush on
		run_ 5 unshare -Ur "$(type -P fusectl)" set $option async_flush on "$FX/new"
	done
	run_ 6 fusectl set async_flush on "$FX/old"
	like "$output" "stock" "the message says who serves it"
	like "$output" "mount" "and what hands it over"
	run_ 6 fusectl get async_flush "$FX/old"
	run_ 6 fusectl set async_flush on "$FX/new" "$FX/old"
	is "$(value_source async_flush)" "auto module" "the module's setting after all this"
	is "$(value_source async_flush "$FX/new")" "auto module" "the connection's setting"
	for toggle in $FX_TOGGLES; do
		# a feature that this build hasn't got
		if [[ " $(</sys/fs/fuse_ext/supported) " != *" $toggle "* ]]; then
			run_ 1 fusectl set "$toggle" on "$FX/new"
			like "$output" "$toggle" "the message names the toggle"
		fi
	done
	server_stop new
	server_stop old
	run_ 0 fusectl unload
}

@test "a dead server doesn't hang fusectl" {
	run_ 0 fusectl load
	server a --hold getattr --hold lookup --hold statfs --timeout 0
	FX_LIMIT=20 run_ 0 fusectl list
	like "$output" "$FX/a" "fusectl list"
	FX_LIMIT=20 run_ 0 fusectl set async_flush on "$FX/a"
	FX_LIMIT=20 run_ 0 fusectl get all "$FX/a/below"
	is "$(requests a GETATTR) $(requests a LOOKUP) $(requests a STATFS)" "0 0 0" \
		"requests that fusectl caused"
	# umount(8) itself asks for STATFS
	tell a release statfs
	tell a release getattr
	tell a release lookup
	server_stop a
	run_ 0 fusectl unload
}

@test "JSON is JSON, and columns are those that were asked for" {
	run_ 0 fusectl load
	server a
	run_ 0 fusectl list -j
	# Debian 12's python3-minimal has no json; fusectl's unit tests do this too
	if python3 -c 'import json' 2>>"$FX_LOG"; then
		cp "$FX/output" "$FX/list.json"
		run_ 0 python3 -m json.tool "$FX/list.json"
	fi
	run_ 0 fusectl get -j async_flush "$FX/a"
	like "${output//[[:space:]]/}" '"value":"auto"' "JSON of get"
	is "$(fusectl get -n -r -o NAME,VALUE async_flush)" "async_flush auto" "two columns"
	server_stop a
	run_ 0 fusectl unload
}

@test "loaded at boot without fusectl: load does what is missing, unload undoes" {
	local before
	umount "$STANDARD"
	timeout 60 modprobe fuse_ext
	mount -i -t fusectl none "$STANDARD"
	server a
	run_ 0 fusectl load
	run_ 0 fusectl set async_flush on "$FX/a"
	is "$(value_source async_flush "$FX/a")" "on connection" "set"
	server_stop a
	run_ 0 fusectl unload
	[ ! -d /sys/module/fuse_ext ] || fail "fuse_ext is still loaded"
	before=$(control_mounts)
	mountpoint -q "$STANDARD" || mount -i -t fusectl none "$STANDARD"
	like "$before" "$STANDARD" "the stock control filesystem is at the standard place"
}
