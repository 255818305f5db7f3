#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Ways to mount: by an unprivileged user, with our options, by remount.  Real
# daemons are in 600-daemons.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

setup() {
	module_as_wanted
	isolate_begin
	user=nobody
	! getent passwd tester >/dev/null || user=tester
}

unprivileged_mount() { # NAME
	chown "$user" "$FX/$1"
	chmod 666 /dev/fuse
	run_ 0 setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		"$(type -P fxserver)" "$FX/$1"
}

mount_options() { # NAME: as /proc/mounts shows them
	mount_field "$FX/$1" 4
}

@test "an unprivileged user mounts by fusermount3, and it is ours" {
	unprivileged_mount a
	is "$(driver_of "$FX/a")" fuse_ext "driver"
	like "$(mount_options a)" "user_id=$(id -u "$user")" "options"
	run_ 0 setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		"$(type -P fxclient)" close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	# and nobody else may look, as always
	run_ 2 setpriv --reuid 4711 --regid 4711 --clear-groups ls "$FX/a"
	run_ 0 setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		fusermount3 -u "$FX/a"
}

@test "an unprivileged mount on the stock driver does the same" {
	module_unload
	unprivileged_mount a
	is "$(driver_of "$FX/a")" fuse "driver"
	run_ 0 setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		"$(type -P fxclient)" close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	run_ 2 setpriv --reuid 4711 --regid 4711 --clear-groups ls "$FX/a"
	run_ 0 setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		fusermount3 -u "$FX/a"
	module_load
}

@test "without options of ours, /proc/mounts shows what stock shows" {
	local ours
	server a
	ours=$(mount_options a)
	server_stop a
	module_unload
	server a
	is "$ours" "$(mount_options a)" "options"
	server_stop a
	module_load
}

@test "async_flush= as a mount option is in force and shown" {
	local value
	for value in on exit off auto; do
		server a --mount-data "async_flush=$value"
		like ",$(mount_options a)," ",async_flush=$value," "options"
		if [ $value != auto ]; then
			is "$(in_force "$FX/a" async_flush)" "$value mount" "async_flush in force"
		fi
		server_stop a
	done
}

@test "every toggle is a mount option with the values auto and off" {
	local toggle options
	for toggle in $FX_TOGGLES; do
		server a --mount-data "$toggle=off"
		like ",$(mount_options a)," ",$toggle=off," "options"
		is "$(in_force "$FX/a" "$toggle")" "off mount" "$toggle in force"
		server_stop a
	done
	server a --mount-data disable_sync_release
	is "$(in_force "$FX/a" sync_release)" "off mount" "sync_release with disable_sync_release"
	options=$(mount_options a)
	like ",$options," ',(disable_sync_release|sync_release=off),' "options"
	server_stop a
}

@test "a mount option with a wrong value fails, and nothing is mounted" {
	local wrong
	for wrong in async_flush=yes async_flush= async_flush sync_release=exit syncfs=-1; do
		run_ 1 fxserver --mount-data "$wrong" "$FX/a"
		like "$output" "mount .*$wrong" "the message for $wrong"
		! connection_of "$FX/a" || fail "it is mounted with $wrong"
	done
}

@test "the stock driver refuses our options (a mount with one can fail)" {
	module_unload
	run_ 1 fxserver --mount-data async_flush=on "$FX/a"
	module_load
}

@test "remount changes an option, and a wrong value changes nothing" {
	server a --mount-data async_flush=off
	run_ 0 fxclient remount "$FX/a" async_flush=on
	is "$(in_force "$FX/a" async_flush)" "on mount" "after a remount with async_flush=on"
	like ",$(mount_options a)," ",async_flush=on," "options"
	run_ 1 fxclient remount "$FX/a" async_flush=perhaps
	is "$(field remount)" EINVAL "a remount with a wrong value"
	is "$(in_force "$FX/a" async_flush)" "on mount" "after the wrong remount"
	run_ 1 fxclient remount "$FX/a" async_flush=off,syncfs=perhaps
	is "$(in_force "$FX/a" async_flush)" "on mount" "after a remount half of which is wrong"
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	server_stop a
}

# Without --options-mode, a mount(8) that uses fsconfig(2) repeats what is in
# /proc/mounts, user_id= and so on, which no FUSE driver takes in a remount.
@test "mount(8) remounts with async_flush=" {
	server a
	run_ 0 mount -i --options-mode ignore -o remount,async_flush=exit "$FX/a"
	is "$(in_force "$FX/a" async_flush)" "exit mount" "after the remount"
	server_stop a
}

@test "remount without options of ours does what stock does" {
	local ours
	server a
	run_ any mount -i -o remount,ro "$FX/a"
	ours=$status
	server_stop a
	module_unload
	server a
	run_ any mount -i -o remount,ro "$FX/a"
	is "$ours" "$status" "exit status of mount -o remount,ro"
	server_stop a
	module_load
}
