#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# fusectl-apply.service under systemd as pid 1, as the package installs it.  Run by
# itself, in a machine of its own (tests/vm/cell CELL service); what the watcher
# does with a policy is suite 165's matter.

load helpers/all

UNIT=fusectl-apply.service

setup_file() {
	if [ ! -d /run/systemd/system ] || [ "$(</proc/1/comm)" != systemd ]; then
		echo "pid 1 isn't systemd; run this by tests/vm/cell CELL service" >&2
		return 1
	fi
	isolate_file
	# as the package has it, the machine has loaded it at its boot
	lsmod | grep -qw ^fuse_ext || fail "fuse_ext wasn't loaded by systemd-modules-load.service"
	fusectl unload
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

setup() {
	set +T
	declare -f -t "$BATS_TEST_NAME"
	module_as_wanted
	isolate_begin
	mkdir -p /etc/fusectl.d
	printf '[mount]\ntarget = %s\nasync_flush = exit\n' "$FX/*" >/etc/fusectl.d/10-test.conf
}

teardown() {
	if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		log_line "$(journalctl -q -o cat -u "$UNIT" -n 20)"
		log_line "$(fusectl list 2>&1)"
		log_line "$(what_it_sees 2>&1)"
	fi
	systemctl stop "$UNIT"
	systemctl reset-failed "$UNIT" 2>/dev/null || true
	rm -rf /etc/fusectl.conf /etc/fusectl.d
	isolate_end
}

# The service, and what is mounted where it is and where we are.
what_it_sees() {
	local process places
	process=$(main_process)
	echo "$UNIT: $(property ActiveState), process $process, '$(property StatusText)'"
	for places in "$process" self; do
		echo "mounts of $places in $FX: $(grep "$FX/" "/proc/$places/mountinfo" | cut -d' ' -f3,5 | paste -sd,)"
		echo "control filesystems: $(grep " - fusectl " "/proc/$places/mountinfo" | cut -d' ' -f3,5 | paste -sd,)"
		echo "in $FX_OURS: $(cd "/proc/$places/root$FX_OURS" && echo *)"
	done
}
property() { systemctl show -p "$1" --value "$UNIT"; }
state_is() { [ "$(property ActiveState)" = "$1" ]; }
main_process() { property MainPID; }
said() { journalctl -q -o cat -u "$UNIT" --since "@$begin" | grep -q "$1"; }
new_mount() { # STATUS
	run_ "$1" fxclient mount-applied "$FX/new" "$FX_OURS" async_flush "${2:-exit}" "${3:-2000}"
}

@test "as installed it is off: a policy on the disk changes no mount" {
	is "$(systemctl is-enabled "$UNIT" 2>&1)" disabled "is-enabled"
	state_is inactive || fail "it is $(property ActiveState)"
	new_mount 3
}

@test "started it says when it is ready, and a new mount has its values" {
	local ms best=2000 i
	run_ 0 systemctl start "$UNIT"
	state_is active || fail "it is $(property ActiveState)"
	is "$(property Type)" notify "Type"
	for ((i = 0; i < 5; i++)); do
		new_mount 0
		ms=$(field ms)
		[ "$ms" -ge "$best" ] || best=$ms
	done
	figure policy_in_force_service "$best" ms
}

@test "mounts that are there before it get theirs at its start" {
	server a
	is "$(connection_get "$FX/a" async_flush)" default "async_flush before"
	run_ 0 systemctl start "$UNIT"
	is "$(connection_get "$FX/a" async_flush)" exit "async_flush when it is ready"
	server_stop a
}

@test "it has no more rights than it needs" {
	local process
	run_ 0 systemctl start "$UNIT"
	process=/proc/$(main_process)
	# CAP_SYS_ADMIN and CAP_DAC_OVERRIDE
	is "$(awk '$1 == "CapBnd:" { print $2 }' "$process/status")" 0000000000200002 "CapBnd"
	is "$(awk '$1 == "NoNewPrivs:" { print $2 }' "$process/status")" 1 "NoNewPrivs"
	is "$(awk '$1 == "Seccomp:" { print $2 }' "$process/status")" 2 "Seccomp"
	# the machine's own files are read-only for it, and toggles aren't
	awk '$5 == "/" { print $6 }' "$process/mountinfo" | tail -n 1 | grep -q '^ro' ||
		fail "its / is writable"
	! awk '$5 == "/sys" { print $6 }' "$process/mountinfo" | tail -n 1 | grep -q '^ro' ||
		fail "its /sys is read-only"
}

@test "a mount that it has seen isn't kept: it goes, and the module as well" {
	run_ 0 systemctl start "$UNIT"
	server a
	soon 20 in_force_is exit || fail "a didn't get it"
	server_stop a
	is "$(grep -c "$FX" "/proc/$(main_process)/mountinfo")" 0 "mounts of ours in its namespace"
	module_unload
	[ ! -d /sys/module/fuse_ext ] || fail "fuse_ext is still loaded"
	state_is active || fail "it is $(property ActiveState)"
	module_load
	soon 20 applied_again || fail "after unload and load no mount gets it"
	# the control filesystem that `fusectl load` mounts isn't kept either
	module_unload
	run_ 0 fusectl load
	run_ 0 systemctl restart "$UNIT"
	run_ 0 fusectl unload
	state_is active || fail "it is $(property ActiveState)"
	module_load
}
in_force_is() { [ "$(connection_get "$FX/a" async_flush)" = "$1" ]; }
applied_again() { fxclient mount-applied "$FX/new" "$FX_OURS" async_flush exit 1000; }

@test "reload: a changed file is taken, a broken one changes nothing and is told" {
	local begin
	begin=$(date +%s)
	run_ 0 systemctl start "$UNIT"
	printf '[mount]\ntarget = %s\nasync_flush = on\n' "$FX/*" >/etc/fusectl.d/10-test.conf
	run_ 0 systemctl reload "$UNIT"
	soon 20 new_value_applied || fail "the new value doesn't come in force"
	echo '[mount' >/etc/fusectl.d/20-broken.conf
	run_ 0 systemctl reload "$UNIT"
	soon 20 said '20-broken.conf:1:1: ' || fail "no message: $(journalctl -q -o cat -u "$UNIT")"
	state_is active || fail "it is $(property ActiveState)"
	new_mount 0 on
}
new_value_applied() { fxclient mount-applied "$FX/new" "$FX_OURS" async_flush on 1000; }

@test "killed, it is started again; stopped, it leaves the values that are set" {
	local process
	run_ 0 systemctl start "$UNIT"
	process=$(main_process)
	kill -KILL "$process"
	soon 20 another_process || fail "it isn't started again: $(property ActiveState)"
	server a
	soon 20 in_force_is exit || fail "a didn't get it"
	run_ 0 systemctl stop "$UNIT"
	is "$(property Result)" success "Result"
	is "$(connection_get "$FX/a" async_flush)" exit "async_flush after the stop"
	server_stop a
}
another_process() {
	local now
	now=$(main_process)
	state_is active && [ "$now" != 0 ] && [ "$now" != "$process" ]
}

@test "enabled, it starts with the machine" {
	run_ 0 systemctl enable "$UNIT"
	systemctl list-dependencies --plain multi-user.target | grep -qF "$UNIT" ||
		fail "multi-user.target doesn't want it"
	run_ 0 systemctl disable "$UNIT"
	is "$(systemctl is-enabled "$UNIT" 2>&1)" disabled "is-enabled"
}
