#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Takeover and giving back, with mounts and descriptors that live through both.
# What the control filesystem shows is in 130-control.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want unloaded
}

teardown_file() {
	module_file_end
}

@test "loading takes new mounts over, unloading gives them back" {
	server before
	is "$(driver_of "$FX/before")" fuse "driver of a mount before the load"
	module_load
	server during
	is "$(driver_of "$FX/during")" fuse_ext "driver of a mount after the load"
	is "$(driver_of "$FX/before")" fuse "driver of the older mount after the load"
	run_ 0 fxclient close "$FX/during/file"
	is "$(field error)" OK "close(2) on ours"
	run_ 0 fxclient close "$FX/before/file"
	is "$(field error)" OK "close(2) on stock, while ours is loaded"
	server_stop during
	module_unload
	server after
	is "$(driver_of "$FX/after")" fuse "driver of a mount after the unload"
	run_ 0 fxclient close "$FX/before/file"
	is "$(field error)" OK "close(2) on the oldest mount"
	run_ 0 fxclient close "$FX/after/file"
	is "$(field error)" OK "close(2) on the newest mount"
	server_stop before
	server_stop after
}

@test "I/O through a stock mount goes on over load and unload" {
	local pid
	server a
	start "$FX/io" fxclient io "$FX/a" "$FX/stop"
	pid=$started
	pause_ms 300
	module_load
	pause_ms 300
	module_unload
	pause_ms 300
	touch "$FX/stop"
	ends "$pid" 20 || fail "the I/O didn't end"
	output=$(<"$FX/io")
	log_line "$output"
	at_least "$(field rounds)" 5 "rounds of I/O"
	is "$(field errors)" 0 "errors of I/O"
	server_stop a
}

@test "I/O through a mount that is aborted shows errors (the test above can fail)" {
	local pid
	server a
	start "$FX/io" fxclient io "$FX/a" "$FX/stop"
	pid=$started
	pause_ms 300
	abort_ "$FX/a"
	pause_ms 100
	touch "$FX/stop"
	ends "$pid" 20 || fail "the I/O didn't end"
	output=$(<"$FX/io")
	log_line "$output"
	at_least "$(field errors)" 1 "errors of I/O"
}

@test "unloading is refused while a mount of ours lives, and changes nothing" {
	module_load
	server a
	run_ 1 rmmod fuse_ext
	like "$output" "in use|Resource temporarily unavailable|busy" "what rmmod says"
	[ -d /sys/module/fuse_ext ] || fail "the module is gone"
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2) after the refusal"
	server b
	is "$(driver_of "$FX/b")" fuse_ext "driver of a mount after the refusal"
	server_stop b
	server_stop a
	module_unload
}

@test "unloading isn't refused because of a stock mount" {
	server a
	module_load
	module_unload
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2) after the unload"
	server_stop a
}

@test "the node /dev/fuse stays what it is" {
	local before
	before=$(stat -c '%i %t:%T %a %u %g' /dev/fuse)
	is "$(stat -c %t:%T /dev/fuse)" a:e5 "numbers"
	module_load
	is "$(stat -c '%i %t:%T %a %u %g' /dev/fuse)" "$before" "/dev/fuse after the load"
	is "$(cat /sys/class/misc/fuse/dev)" 10:229 "the class device after the load"
	module_unload
	is "$(stat -c '%i %t:%T %a %u %g' /dev/fuse)" "$before" "/dev/fuse after the unload"
	is "$(cat /sys/class/misc/fuse/dev)" 10:229 "the class device after the unload"
}

@test "a descriptor of /dev/fuse stays with the driver that it was opened on" {
	local device options
	exec {device}<>/dev/fuse
	options=fd=$device,rootmode=40000,user_id=0,group_id=0
	module_load
	run_ any mount -i -t fuse -o "$options" old-descriptor "$FX/a"
	is_not "$status" 0 "exit status of a mount of ours with a stock descriptor"
	module_unload
	# ... and is good for a stock mount still
	run_ 0 mount -i -t fuse -o "$options" old-descriptor "$FX/a"
	exec {device}>&-
	run_ 0 umount "$FX/a"
}

@test "each filesystem type is served once, before, during and after" {
	local all="fuse=1 fuseblk=1 fusectl=1"
	is "$(types_served)" "$all" "types before the load"
	module_load
	is "$(types_served)" "$all" "types after the load"
	module_unload
	is "$(types_served)" "$all" "types after the unload"
}

@test "/sys/fs/fuse_ext says version, source and features, and goes with the module" {
	local version
	read -r version <"$FUSE_EXT_SRC/VERSION"
	[ ! -e /sys/fs/fuse_ext ] || fail "/sys/fs/fuse_ext is there before the load"
	module_load
	is "$(</sys/fs/fuse_ext/version)" "$version" "version"
	like "$(</sys/fs/fuse_ext/source)" '^[^ ]+ [^ ]+ [0-9a-f]{64}$' "source"
	like " $(</sys/fs/fuse_ext/supported) " ' async_flush ' "supported"
	is "$(</sys/fs/fuse_ext/control_dev)" \
		"$(awk -v path="$FX_OURS" '$5 == path { print $3 }' /proc/self/mountinfo)" \
		"control_dev and the device of the mounted control filesystem"
	umount "$FX_OURS"
	is "$(</sys/fs/fuse_ext/control_dev)" none "control_dev without a mount"
	rmmod fuse_ext
	[ ! -e /sys/fs/fuse_ext ] || fail "/sys/fs/fuse_ext is there after the unload"
}
