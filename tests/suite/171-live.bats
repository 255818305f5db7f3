#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# fusectl top, trace and monitor against the live module: their figures are those
# of the server's own log, and tracing is afterwards as it was.  What they make of
# odd lines is fusectl's unit tests.

load helpers/all

TRACING=/sys/kernel/tracing

setup_file() {
	isolate_file
	module_file
	module_want loaded
	FX_TRACEFS=no
	if ! grep -q " $TRACING tracefs " /proc/self/mounts; then
		mount -t tracefs tracefs $TRACING
		FX_TRACEFS=yes
	fi
	export FX_TRACEFS
}

teardown_file() {
	if [ "$FX_TRACEFS" = yes ]; then
		umount $TRACING
	fi
	module_file_end
}

has_stock_events() { [ -d $TRACING/events/fuse/fuse_request_send ]; }
# 6.12 traces a request of the stock driver before it has a number.
numbers_requests() { [[ $(uname -r) != 6.12.* ]]; }
instances() { ls $TRACING/instances; }

# counts PID: it holds the file open that makes the kernel count.
counts() {
	local file
	for file in /proc/"$1"/fd/*; do
		[[ $(readlink "$file") != */ext_requests ]] || return 0
	done
	return 1
}
# traces PID: its events are enabled.
traces() { grep -qs 1 $TRACING/instances/fusectl-"$1"/events/fuse*/fuse*request*/enable; }
# watches PID: it sleeps in poll(2).
watches() { [ -e "/proc/$1/fd/5" ] && [[ $(<"/proc/$1/stat") == *") S "* ]]; }

# changed_times TIMES: how often monitor has told of sync_release
changed_times() {
	[ "$(grep -c "change module sync_release auto -> on" "$FX/monitor")" = "$1" ]
}

# look_up NAME TIMES: that isn't there.
look_up() {
	local i
	for ((i = 0; i < $2; i++)); do
		[ ! -e "$FX/$1/no such file" ] || fail "it is there"
	done
}

# ends_by PID SIGNAL
ends_by() {
	kill "-$2" "$1"
	ends "$1" 20 || fail "it doesn't end by SIG$2"
}

# has_lines FILE NUMBER: for `soon`.
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# json_has FILE FILTER: jq says so, of the lines that are whole; for `soon`.
json_has() { grep '}$' "$1" | jq -se "length > 0 and ($2)" >>"$FX_LOG" 2>&1; }

# json_is FILE FILTER: it has.
json_is() {
	json_has "$@" || fail "not so: $2: $(<"$1")"
}

@test "top: requests, errors and waits are those that the server had" {
	local before
	server a --timeout 0 --delay flush=100
	start "$FX/top" fusectl top -j -d 1 "$FX/a"
	soon 20 counts "$started" || fail "the counting doesn't begin: $(<"$FX/top")"
	before=$(requests a LOOKUP)
	look_up a 200
	# in an interval of their own
	soon 20 json_has "$FX/top" 'map(.kinds.lookup.requests) | add >= 200' ||
		fail "no interval with the lookups: $(<"$FX/top")"
	for _ in 1 2 3; do
		run_ 0 fxclient close "$FX/a/file"
	done
	soon 20 json_has "$FX/top" 'map(.kinds.release.requests) | add == 3' ||
		fail "3 files were closed: $(<"$FX/top")"
	soon 20 json_has "$FX/top" '.[-1].requests == 0' || fail "idle isn't 0: $(<"$FX/top")"
	ends_by "$started" TERM
	is "$status" 0 "exit status"
	json_is "$FX/top" 'all(.source == "counters" and .driver == "fuse_ext")'
	json_is "$FX/top" "map(.kinds.lookup.requests) | add == $(($(requests a LOOKUP) - before))"
	json_is "$FX/top" 'map(.kinds.lookup.errors) | add >= 200'
	json_is "$FX/top" "(map(.kinds.flush.requests) | add == $(requests a FLUSH)) and
		(map(.kinds.write.requests) | add == $(requests a WRITE))"
	# of a few requests with a slow one among them, and of many quick ones
	json_is "$FX/top" 'map(select(.flush_wait)) | all(.flush_wait >= 0.1 and .flush_wait < 1)'
	json_is "$FX/top" 'map(select(.flush_wait and .requests < 50)) | all(.p99_wait >= 0.1)'
	json_is "$FX/top" 'map(select(.requests > 0 and .kinds.flush.requests == 0)) |
		length > 0 and all(.p99_wait < 0.1)'
	json_is "$FX/top" '.[-1].p99_wait == null'
	server_stop a
}

@test "top: a mount that has the number of one that is gone" {
	local number
	server a
	number=$(connection_of "$FX/a")
	start "$FX/top" fusectl top -j -d 3 "$FX/a"
	soon 20 has_lines "$FX/top" 1 || fail "no interval: $(<"$FX/top")"
	server_stop a
	server a
	is "$(connection_of "$FX/a")" "$number" "its number"
	soon 20 has_lines "$FX/top" 2 || fail "no interval: $(<"$FX/top")"
	look_up a 50
	soon 20 json_has "$FX/top" 'any(.kinds.lookup.requests >= 50)' ||
		fail "50 names were looked up: $(<"$FX/top")"
	ends_by "$started" TERM
	server_stop a
}

@test "top: the 99 % don't hide a slow hundredth" {
	server a --timeout 0 --delay flush=300
	start "$FX/top" fusectl top -j -d 4 -n 1 "$FX/a"
	soon 20 counts "$started" || fail "the counting doesn't begin"
	run_ 0 fxclient close "$FX/a/file"
	ends "$started" 30 || fail "it doesn't end"
	json_is "$FX/top" '.[0] | .requests < 50 and .p99_wait >= 0.3 and .p99_wait < 1 and
		.mean_wait < .flush_wait'
	server_stop a
}

@test "top: the stock driver's connection: tracepoints from 6.12 on, else waiting" {
	module_unload
	server a --timeout 0
	module_load
	is "$(driver_of "$FX/a")" fuse "driver"
	if ! has_stock_events; then
		run_ 0 fusectl top -j -d 0.1 -n 1 "$FX/a"
		json_is "$FX/output" '.[0] | .source == "waiting" and .waiting == 0 and .requests == null'
		server_stop a
		return
	fi
	start "$FX/top" fusectl top -j -d 1 "$FX/a"
	soon 20 traces "$started" || fail "the counting doesn't begin"
	look_up a 100
	soon 20 json_has "$FX/top" 'map(.kinds.lookup.requests) | add >= 100' ||
		fail "100 names were looked up: $(<"$FX/top")"
	ends_by "$started" TERM
	json_is "$FX/top" 'all(.source == "tracepoints" and .background == null)'
	if numbers_requests; then
		json_is "$FX/top" '(map(.kinds.lookup.errors) | add >= 100) and any(.p99_wait > 0)'
	else
		json_is "$FX/top" 'any(.errors == null) and all(.p99_wait == null)'
	fi
	is "$(instances)" "" "instances of tracefs"
	server_stop a
}

@test "trace: just the requests that were made, with names, errors and waits" {
	local before
	before=$(cat $TRACING/{tracing_on,current_tracer,trace_clock,set_event})
	server a --timeout 0 --delay flush=100
	server b --timeout 0
	start "$FX/trace" fusectl trace "$FX/a"
	soon 20 traces "$started" || fail "tracing doesn't begin: $(<"$FX/trace")"
	[ ! -e "$FX/a/no such"$'\n'"file" ] || fail "it is there"
	look_up b 3
	run_ 0 fxclient close "$FX/a/file"
	soon 10 grep -q ' release(' "$FX/trace" || fail "no release: $(<"$FX/trace")"
	ends_by "$started" INT
	is "$status" 0 "exit status"
	output=$(<"$FX/trace")
	log_line "$output"
	like "$output" ' lookup\(1, "no such\\x0afile"\) = ENOENT <0\.0[0-9]+>' "a lookup"
	like "$output" ' create\(1, "file".*\) = OK <0' "a create"
	like "$output" ' write\([0-9]+, 1@0\) = OK <0' "a write"
	like "$output" ' flush\([0-9]+\) = OK <0\.[1-9]' "a flush"
	is "$(grep -c ' flush(' "$FX/trace")" "$(requests a FLUSH)" "flushes"
	is "$(grep -c ' lookup(' "$FX/trace")" "$(requests a LOOKUP)" "lookups"
	is "$(grep -c 'no such file' "$FX/trace")" 0 "requests of another connection"
	is "$(instances)" "" "instances of tracefs"
	is "$(cat $TRACING/{tracing_on,current_tracer,trace_clock,set_event})" "$before" "other tracing"
	server_stop a
	server_stop b
}

@test "trace: -e, -n and JSON; it ends with the connection" {
	server a --timeout 0
	start "$FX/trace" fusectl trace -e flush,release "$FX/a"
	soon 20 traces "$started" || fail "tracing doesn't begin"
	run_ 0 fxclient close "$FX/a/file"
	server_stop a
	ends "$started" 10 || fail "it doesn't end with its connection"
	is "$status" 0 "exit status"
	is "$(sed 's/.* \([a-z]*\)(.*/\1/' "$FX/trace" | xargs)" "flush release" "requests"
	is "$(instances)" "" "instances of tracefs"

	server a --timeout 0
	start "$FX/trace" fusectl trace -j -n 3 -e lookup "$FX/a"
	soon 20 traces "$started" || fail "tracing doesn't begin"
	look_up a 5
	ends "$started" 10 || fail "it doesn't end after 3 requests"
	json_is "$FX/trace" 'length == 3 and all(.opcode == "lookup" and .name == "no such file" and
		.error == "ENOENT" and .nodeid == 1 and .pid > 1 and .wait > 0 and .wait < 1)'
	server_stop a
}

@test "trace: what the server doesn't answer is printed at the end" {
	local tracer
	server a --timeout 0 --hold getattr
	start "$FX/trace" fusectl trace -e getattr "$FX/a"
	tracer=$started
	soon 20 traces "$tracer" || fail "tracing doesn't begin"
	start "$FX/stat" stat "$FX/a"
	soon 10 has_requests a GETATTR 1 || fail "no GETATTR"
	ends_by "$tracer" TERM
	grep -q '= ? <unfinished>' "$FX/trace" || fail "nothing unfinished: $(<"$FX/trace")"
	tell a release getattr
	server_stop a
}

@test "trace: killed, it leaves an instance, which the next start removes" {
	local killed
	server a --timeout 0
	start "$FX/trace" fusectl trace "$FX/a"
	killed=$started
	soon 20 traces "$killed" || fail "tracing doesn't begin"
	kill -KILL "$killed"
	soon 10 process_ended "$killed"
	like "$(instances)" "fusectl-$killed" "instances of tracefs"
	start "$FX/trace" fusectl trace -n 1 -e lookup "$FX/a"
	soon 20 traces "$started" || fail "tracing doesn't begin"
	is "$(instances)" "fusectl-$started" "instances of tracefs"
	look_up a 1
	ends "$started" 10 || fail "it doesn't end"
	is "$(instances)" "" "instances of tracefs"
	server_stop a
}

@test "trace: the stock driver's connection: less from 6.12 on, else a sentence" {
	module_unload
	server a --timeout 0
	module_load
	if ! has_stock_events; then
		run_ 6 fusectl trace "$FX/a"
		like "$output" "no trace events" "the message"
	else
		start "$FX/trace" fusectl trace -n 2 -e lookup "$FX/a"
		soon 20 traces "$started" || fail "tracing doesn't begin"
		look_up a 2
		ends "$started" 10 || fail "it doesn't end after 2 requests"
		if numbers_requests; then
			like "$(<"$FX/trace")" ' - lookup\([0-9]+ bytes\) = ENOENT <0\.' "a lookup"
		else
			like "$(<"$FX/trace")" ' - lookup\([0-9]+ bytes\)' "a lookup"
		fi
	fi
	is "$(instances)" "" "instances of tracefs"
	server_stop a
}

@test "monitor: mount, set, inherit, module-wide, remount, unmount, unload and load" {
	local number
	start "$FX/monitor" fusectl monitor
	soon 20 watches "$started" || fail "it doesn't wait"
	pause_ms 500
	server a --timeout 0
	number=$(connection_of "$FX/a")
	soon 10 grep -q " mount $number fuse_ext .* $FX/a\$" "$FX/monitor" || fail "no mount"
	run_ 0 fusectl set async_flush on "$FX/a"
	soon 10 grep -qF "change $number $FX/a async_flush auto (module) -> on (connection)" \
		"$FX/monitor" || fail "no set: $(<"$FX/monitor")"
	run_ 0 fusectl inherit async_flush "$FX/a"
	soon 10 grep -qF "async_flush on (connection) -> auto (module)" "$FX/monitor" ||
		fail "no inherit: $(<"$FX/monitor")"
	module_set sync_release on
	soon 10 grep -q 'change module sync_release auto -> on$' "$FX/monitor" ||
		fail "no module-wide change: $(<"$FX/monitor")"
	module_set sync_release auto
	soon 10 grep -q 'change module sync_release on -> auto$' "$FX/monitor" || fail "not back"
	run_ 0 fxclient remount "$FX/a" async_flush=off
	soon 10 grep -qF "async_flush auto (module) -> off (mount)" "$FX/monitor" ||
		fail "no remount: $(<"$FX/monitor")"
	server_stop a
	soon 10 grep -q " unmount $number fuse_ext .* $FX/a\$" "$FX/monitor" || fail "no unmount"
	# it is in nobody's way
	module_unload
	soon 10 grep -q " unload [0-9]" "$FX/monitor" || fail "no unload: $(<"$FX/monitor")"
	module_load
	soon 10 grep -q " load [0-9]" "$FX/monitor" || fail "no load: $(<"$FX/monitor")"
	module_set sync_release on
	soon 10 changed_times 2 ||
		fail "no change after the load: $(<"$FX/monitor")"
	module_set sync_release auto
	ends_by "$started" TERM
	is "$status" 0 "exit status"
}
