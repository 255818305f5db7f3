#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The policy of fusectl.conf(5) on real mounts: apply, and the watcher that does
# it for new ones.  What is wrong in a file, and how set --persist writes one, is
# fusectl's unit tests.

load helpers/all
load helpers/daemons

setup_file() {
	isolate_file
	module_file
	module_want loaded
	if [ -e /etc/fusectl.conf ] || [ -e /etc/fusectl.d ]; then
		echo "this machine has a policy of its own" >&2
		return 1
	fi
}

teardown_file() {
	rm -rf /etc/fusectl.conf /etc/fusectl.d
	module_file_end
}

teardown() {
	watch_stop
	rm -rf /etc/fusectl.conf /etc/fusectl.d
	isolate_end
}

watch_start() {
	fusectl apply --watch --verbose >"$FX/watch" 2>&1 3>&- &
	echo $! >"$FX/watch.pid"
}
watch_stop() {
	[ -e "$FX/watch.pid" ] || return 0
	kill "$(<"$FX/watch.pid")" 2>/dev/null || true
	rm "$FX/watch.pid"
}

setting() { cat "$FX_OURS/$(connection_of "$FX/$1")/$2"; }
has_setting() { [ "$(setting "$1" "$2")" = "$3" ]; }
watch_says() { grep -q "$1" "$FX/watch"; }
module_wide() { [ "$(cat "/sys/module/fuse_ext/parameters/$1")" = "$2" ]; }

rule() {
	mkdir -p /etc/fusectl.d
	printf '[mount]\ntarget = %s\n%s\n' "$1" "$2" >/etc/fusectl.d/10-test.conf
}

@test "apply: a real mount gets what the rule says, another one doesn't" {
	server a
	server b
	rule "$FX/a" 'async_flush = exit'
	run_ 0 fusectl apply
	is "$(setting a async_flush)" exit "async_flush of the mount with a rule"
	is "$(setting b async_flush)" default "async_flush of the one without"
	server_stop a
	server_stop b
}

@test "apply: a rule by type reaches a daemon of the distribution, and only its mount" {
	server b
	once fuse_ext bindfs type_applied
	is "$(setting b sync_release)" default "sync_release of the other mount"
	server_stop b
}
# bindfs has a type of its own, or is just "fuse", by its version
type_applied() {
	is "$(setting a sync_release)" default "sync_release before"
	mkdir -p /etc/fusectl.d
	printf '[mount]\ntype = %s\nsync_release = on\n' "$(mount_field "$FX/a" 3)" \
		>/etc/fusectl.d/10-test.conf
	run_ 0 fusectl apply
	is "$(setting a sync_release)" on "sync_release after apply"
}

@test "set --persist: the next mount at the same place gets it by apply" {
	server a
	run_ 0 fusectl set --persist async_flush on "$FX/a"
	server_stop a
	server a
	is "$(setting a async_flush)" default "async_flush of the new mount"
	run_ 0 fusectl apply
	is "$(setting a async_flush)" on "async_flush after apply"
	run_ 0 fusectl inherit --persist async_flush "$FX/a"
	is "$(setting a async_flush)" default "async_flush after inherit"
	server_stop a
}

@test "without the watcher a new mount stays on default" {
	rule "$FX/*" 'async_flush = exit'
	server a
	sleep 1
	is "$(setting a async_flush)" default "async_flush"
	server_stop a
}

# The best of ten: a watcher that polls by the clock would have no good one, and a
# busy host has bad ones.  (One process a mount: each takes a tenth of a second in
# an emulated machine.)
@test "the watcher: a new mount has its values within 100 ms" {
	local i best=1000 ms
	rule "$FX/new" 'async_flush = exit'
	run_ 3 fxclient mount-applied "$FX/new" "$FX_OURS" async_flush exit 1000
	watch_start
	sleep 2
	for ((i = 0; i < 10; i++)); do
		run_ 0 fxclient mount-applied "$FX/new" "$FX_OURS" async_flush exit 1000
		ms=$(field ms)
		[ "$ms" -ge "$best" ] || best=$ms
	done
	figure policy_in_force "$best" ms
	at_least 100 "$best" "ms that it may take"
}

@test "the watcher: what is set by hand isn't taken back by another mount" {
	local i
	rule "$FX/*" 'async_flush = exit'
	watch_start
	sleep 2
	for i in 1 2 3; do
		server a
		soon 20 has_setting a async_flush exit || fail "not in force; $(<"$FX/watch")"
		run_ 0 fusectl set async_flush off "$FX/a"
		server b
		soon 20 has_setting b async_flush exit || fail "b didn't get it"
		is "$(setting a async_flush)" off "async_flush that was set by hand"
		server_stop b
		server_stop a
	done
}

@test "the watcher: a server that hangs doesn't hang it, nor does it keep a mount" {
	rule "$FX/*" 'async_flush = exit'
	watch_start
	sleep 2
	server a
	kill -STOP "$(<"$FX/a.pid")"
	server b
	soon 20 has_setting b async_flush exit || fail "b didn't get it"
	kill -CONT "$(<"$FX/a.pid")"
	server_stop b
	server_stop a
}

@test "the watcher: a broken file doesn't take the policy away" {
	rule "$FX/*" 'async_flush = exit'
	watch_start
	sleep 2
	echo '[mount' >/etc/fusectl.conf
	soon 20 watch_says 'fusectl.conf:1:1: ' || fail "no message: $(<"$FX/watch")"
	server a
	soon 20 has_setting a async_flush exit || fail "the policy isn't in force any more"
	rm /etc/fusectl.conf
	server_stop a
}

@test "the watcher: fuse_ext is loaded after it started" {
	module_unload
	mkdir -p /etc/fusectl.d
	printf '[module]\nasync_flush = exit\n' >/etc/fusectl.d/10-test.conf
	watch_start
	sleep 2
	module_load
	soon 20 module_wide async_flush exit || fail "not in force: $(<"$FX/watch")"
	echo auto >/sys/module/fuse_ext/parameters/async_flush
	watch_stop
}

@test "the watcher: fuse_ext is loaded anew between two of its looks" {
	mkdir -p /etc/fusectl.d
	printf '[module]\nasync_flush = exit\n' >/etc/fusectl.d/10-test.conf
	watch_start
	soon 20 module_wide async_flush exit || fail "not in force: $(<"$FX/watch")"
	umount "$FX_OURS"
	# its look at that; neither rmmod nor modprobe wakes it
	sleep 2
	timeout 60 rmmod fuse_ext
	module_load
	soon 20 module_wide async_flush exit || fail "not in force: $(<"$FX/watch")"
	echo auto >/sys/module/fuse_ext/parameters/async_flush
	watch_stop
}
