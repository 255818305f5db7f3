#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The administrator's toggles: what may be written where, by whom, and which
# word wins.  What async_flush then does is in the 3xx suites.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

supported() {
	[[ " $(</sys/fs/fuse_ext/supported) " == *" $1 "* ]]
}

@test "a new connection follows the module, and everything is on auto" {
	local toggle
	server a
	for toggle in $FX_TOGGLES; do
		is "$(module_get "$toggle")" auto "$toggle of the module"
		is "$(connection_get "$FX/a" "$toggle")" default "$toggle of the connection"
		is "$(in_force "$FX/a" "$toggle")" "auto module" "$toggle in force"
	done
	server_stop a
}

@test "a module-wide change acts at once on all that are on default, and only on them" {
	server a --delay flush=200
	server b --delay flush=200
	connection_set "$FX/b" async_flush off
	module_set async_flush on
	is "$(in_force "$FX/a" async_flush)" "on module" "the connection on default"
	is "$(in_force "$FX/b" async_flush)" "off connection" "the connection on off"
	run_ 0 fxclient close "$FX/a/file"
	below "$(field close_us)" 50000 "microseconds of close(2) on default"
	run_ 0 fxclient close "$FX/b/file"
	at_least "$(field close_us)" 200000 "microseconds of close(2) on off"
	module_set async_flush auto
	is "$(in_force "$FX/a" async_flush)" "auto module" "the connection on default"
	run_ 0 fxclient close "$FX/a/file"
	at_least "$(field close_us)" 200000 "microseconds of close(2) on default again"
	connection_set "$FX/b" async_flush default
	is "$(connection_get "$FX/b" async_flush)" default "the setting of the other"
	is "$(in_force "$FX/b" async_flush)" "auto module" "the other, back on default"
	server_stop a
	server_stop b
}

@test "every value is kept, shown and in force" {
	local value
	server a
	for value in on off exit; do
		connection_set "$FX/a" async_flush $value
		is "$(connection_get "$FX/a" async_flush)" $value "the connection's setting"
		is "$(in_force "$FX/a" async_flush)" "$value connection" "in force"
		connection_set "$FX/a" async_flush default
		module_set async_flush $value
		is "$(module_get async_flush)" $value "the module's setting"
		is "$(in_force "$FX/a" async_flush)" "$value module" "in force"
		module_set async_flush auto
	done
	connection_set "$FX/a" async_flush auto
	module_set async_flush on
	is "$(in_force "$FX/a" async_flush)" "auto connection" "auto here, on module-wide"
	module_set async_flush auto
	server_stop a
}

@test "connection before mount before module, and the server where they say auto" {
	server a --async-flush --mount-data async_flush=exit
	is "$(in_force "$FX/a" async_flush)" "exit mount" "mount option and server"
	module_set async_flush off
	is "$(in_force "$FX/a" async_flush)" "exit mount" "mount option and module"
	connection_set "$FX/a" async_flush on
	is "$(in_force "$FX/a" async_flush)" "on connection" "connection and mount option"
	connection_set "$FX/a" async_flush auto
	is "$(in_force "$FX/a" async_flush)" "on server" "auto and a server that asks"
	module_set async_flush auto
	server_stop a

	server a --async-flush
	module_set async_flush off
	is "$(in_force "$FX/a" async_flush)" "off module" "module and server"
	module_set async_flush auto
	is "$(in_force "$FX/a" async_flush)" "on server" "server alone"
	server_stop a
}

@test "a wrong word is EINVAL and changes nothing" {
	local toggle word pairs=() expected=''
	server a
	connection_set "$FX/a" async_flush exit
	module_set async_flush off
	for word in yes ON '' 1 onn 'on off' exit-now "$(printf '%05000d' 0)"; do
		pairs+=("$(control_of "$FX/a")/async_flush" "$word" "$FX_PARAMETERS/async_flush" "$word")
		expected+="EINVAL EINVAL "
	done
	for toggle in $FX_TOGGLES; do
		pairs+=("$(control_of "$FX/a")/$toggle" maybe "$FX_PARAMETERS/$toggle" maybe)
		expected+="EINVAL EINVAL "
	done
	pairs+=("$FX_PARAMETERS/async_flush" default)
	expected+=EINVAL
	write_words "${pairs[@]}"
	is "$output" "$expected" "the errors"
	is "$(connection_get "$FX/a" async_flush)" exit "the connection's setting"
	is "$(module_get async_flush)" off "the module's setting"
	module_set async_flush auto
	server_stop a
}

@test "exit is a value of async_flush only" {
	local toggle pairs=()
	server a
	for toggle in $FX_TOGGLES; do
		[ "$toggle" != async_flush ] || continue
		pairs+=("$(control_of "$FX/a")/$toggle" exit "$FX_PARAMETERS/$toggle" exit)
	done
	write_words "${pairs[@]}"
	is "$output" "EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL" "the errors"
	server_stop a
}

@test "a feature that this build hasn't got is EOPNOTSUPP, but auto, off and default" {
	local toggle control on missing=0
	server a
	control=$(control_of "$FX/a")
	for toggle in $FX_TOGGLES; do
		on=OK
		if ! supported "$toggle"; then
			on=EOPNOTSUPP
			missing=$((missing + 1))
			run_ 1 fxclient remount "$FX/a" "$toggle=on"
			is "$(field remount)" EOPNOTSUPP "$toggle=on by remount"
		fi
		write_words "$control/$toggle" on "$control/$toggle" off "$control/$toggle" auto \
			"$control/$toggle" default "$FX_PARAMETERS/$toggle" on \
			"$FX_PARAMETERS/$toggle" off "$FX_PARAMETERS/$toggle" auto
		is "$output" "$on OK OK OK $on OK OK" \
			"$toggle: on, off, auto, default of the connection, on, off, auto of the module"
	done
	log_line "$missing features are missing in this build"
	server_stop a
}

@test "writing needs CAP_SYS_ADMIN in the first user namespace, whoever owns the file" {
	local control user
	user=nobody
	! getent passwd tester >/dev/null || user=tester
	chown "$user" "$FX/a"
	chmod 666 /dev/fuse
	run_ 0 setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		"$(type -P fxserver)" "$FX/a"
	control=$(control_of "$FX/a")
	# its owner may not
	run_ 1 setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		"$(type -P fxclient)" write-word "$control/async_flush" on
	like "$output" '^(EPERM|open-EACCES|open-EPERM)$' "the unprivileged owner"
	# root in another user namespace may not
	run_ 1 unshare --user --map-root-user \
		"$(type -P fxclient)" write-word "$control/async_flush" on
	like "$output" '^(EPERM|open-EACCES|open-EPERM)$' "root of a user namespace"
	# root without the capability may not
	run_ 1 setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		"$(type -P fxclient)" write-word "$control/async_flush" on
	is "$output" EPERM "root without CAP_SYS_ADMIN"
	is "$(connection_get "$FX/a" async_flush)" default "the setting after all this"
	run_ 0 "$(type -P fxclient)" write-word "$control/async_flush" on
	is "$(connection_get "$FX/a" async_flush)" on "the setting after root wrote it"
	run_ 0 umount "$FX/a"
}

@test "nobody but root writes the module-wide value" {
	run_ 1 setpriv --reuid 4711 --regid 4711 --clear-groups \
		"$(type -P fxclient)" write-word "$FX_PARAMETERS/async_flush" on
	is "$output" open-EACCES "an unprivileged user"
	is "$(module_get async_flush)" auto "the module's setting"
}

@test "parameters at load time: a value is taken, a wrong one fails the load" {
	module_unload
	timeout 60 modprobe fuse_ext async_flush=on
	mount -i -t fusectl none "$FX_OURS"
	is "$(module_get async_flush)" on "the module's setting"
	server a
	is "$(in_force "$FX/a" async_flush)" "on module" "in force"
	server_stop a
	module_unload
	run_ 1 modprobe fuse_ext async_flush=perhaps
	[ ! -d /sys/module/fuse_ext ] || fail "it is loaded"
	server a
	is "$(driver_of "$FX/a")" fuse "driver after the refused load"
	server_stop a
	module_load
}

@test "toggling while files are closed harms nothing" {
	local i
	server a
	start "$FX/closing" fxclient close-many "$FX/a" 60 4
	for ((i = 0; i < 30; i++)); do
		printf 'on\n' >"$(control_of "$FX/a")/async_flush"
		printf 'off\n' >"$(control_of "$FX/a")/async_flush"
	done
	ends "$started" 60 || fail "close(2) hangs"
	output=$(<"$FX/closing")
	is "$(field errors)" 0 "errors of close(2)"
	soon 10 has_requests a RELEASE 60 || fail "$(requests a RELEASE) RELEASE requests"
	is "$(requests a FLUSH)" 60 "FLUSH requests"
	is "$(release_before_flush a)" "" "order"
	server_stop a
}
