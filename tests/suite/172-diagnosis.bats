#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# fusectl show, list's columns, abort, wait, drain, unload --when-idle and doctor
# against the live module and the stock driver.  What they make of a machine that
# can't be had here is fusectl's unit tests.

load helpers/all
load helpers/control
load helpers/passthrough

setup_file() {
	isolate_file
	control_file
}

teardown_file() {
	control_file_end
}

# before a command: as an ordinary user
TESTER=(setpriv --reuid=tester --regid=tester --clear-groups)

# waiter NAME: a stat(1) whose GETATTR the server holds, in $started.
waiter() {
	start "$FX/waiter" stat "$FX/$1"
	soon 20 has_requests "$1" GETATTR 1 || fail "no GETATTR arrives"
}
# it_was_aborted: the waiter's end.
it_was_aborted() {
	ends "$started" 20 || fail "the client still waits"
	is "$status" 1 "exit status of the client"
	like "$(<"$FX/waiter")" "connection abort|not connected" "its error"
}

# init_value NAME WORD: of the connection's ext_init.
init_value() {
	awk -v word="$2" '$1 == word { print $2 }' "$STANDARD/$(connection_of "$FX/$1")/ext_init"
}
# shown NAME: its values in the last `fusectl show -n -r`, a line each.
shown() {
	awk -v name="$1" '$1 == name { print $2 }' "$FX/output"
}

# stuck_finding: what the last `fusectl doctor -j` says of connections.
stuck_finding() {
	jq -r '.findings[] | select(.check == "stuck") | .severity + ": " + .finding' "$FX/output"
}

@test "show and list: the server by its descriptor, INIT, user, options" {
	local word bit pid
	run_ 0 fusectl load
	server a --async-flush
	pid=$(<"$FX/a.pid")
	run_ 0 fusectl show -n -r "$FX/a"
	is "$(shown driver) $(shown target) $(shown user)" "fuse_ext $FX/a root" "the mount"
	like "$(shown server)" "^$pid.x20root.x20/.*fxserver$" "server"
	is "$(shown protocol)" "$(init_value a protocol)" "protocol"
	is "$(shown max_write)" "$(init_value a max_write)" "max_write"
	for word in offered accepted; do
		for bit in 0:async_read 5:big_writes 12:auto_inval_data 16:writeback_cache 18:parallel_dirops; do
			if (($(init_value a $word) >> ${bit%:*} & 1)); then
				like "\\x20$(shown $word)\\x20" "x20${bit#*:}.x20" "$word"
			else
				[[ $(shown $word) != *"${bit#*:}"* ]] || fail "$word: ${bit#*:}"
			fi
		done
	done
	is "$(shown features) $(shown async_flush) $(shown async_flush_source)" \
		"async_flush on server" "what it asked for"
	like "$(shown options)" "user_id=0" "options"
	run_ 0 fusectl list -n -r -o TARGET,USER,PID,PROTOCOL,MAX_WRITE,MAX_BACKGROUND,FEATURES
	is "$output" "$FX/a root $pid $(init_value a protocol) $(init_value a max_write) $(
		cat "$STANDARD/$(connection_of "$FX/a")/max_background"
	) async_flush" "list"
	server_stop a
	run_ 0 fusectl unload
}

@test "show: a stock mount; its server, or a candidate where the kernel doesn't tell" {
	local name=server pid
	server a
	pid=$(<"$FX/a.pid")
	# the one that the kernel told of, before fuse_ext could
	grep -qs ^fuse_connection: "/proc/$pid/fdinfo/"* || name=server_candidate
	run_ 0 fusectl load
	run_ 0 fusectl show -n -r "$FX/a"
	is "$(shown driver) $(shown target) $(shown protocol)" "stock $FX/a -" "the mount"
	like "$(shown $name)" "^$pid.x20root.x20/.*fxserver$" "$name"
	is "$(shown waiting) $(shown async_flush)" "0 " "what waits, and no toggle"
	server_stop a
	run_ 0 fusectl unload
}

@test "abort: of both drivers; what waits fails; --dry-run changes nothing" {
	local name
	server old --hold getattr --timeout 0
	run_ 0 fusectl load
	server new --hold getattr --timeout 0
	for name in new old; do
		waiter $name
		run_ 0 fusectl abort --dry-run "$FX/$name"
		like "$output" "would abort connection [0-9]+ \((stock|fuse_ext), $FX/$name\): what waits \([1-9]" \
			"what it would do"
		pause_ms 300
		! process_ended "$started" || fail "the dry run did abort it"
		run_ 0 fusectl abort "$FX/$name"
		it_was_aborted
		server_end $name
	done
	run_ 0 fusectl unload
}

@test "wait --idle: ends when nothing waits or the connection is gone, or by its time-out" {
	local client
	run_ 0 fusectl load
	server a --hold getattr --timeout 0
	run_ 0 fusectl wait --idle --timeout 20 "$FX/a"
	waiter a
	client=$started
	run_ 1 fusectl wait --idle --timeout 1 "$FX/a"
	like "$output" "1 requests still wait after 1 s" "the message"
	start "$FX/wait" fusectl wait --idle "$FX/a"
	pause_ms 500
	! process_ended "$started" || fail "it doesn't wait: $(<"$FX/wait")"
	tell a release getattr
	ends "$started" 20 || fail "it still waits"
	is "$status" 0 "exit status"
	ends "$client" 20 || fail "the client still waits"

	tell a hold getattr
	start "$FX/waiter" stat "$FX/a"
	soon 20 has_requests a GETATTR 2 || fail "no GETATTR arrives"
	start "$FX/wait" fusectl wait --idle "$FX/a"
	pause_ms 500
	! process_ended "$started" || fail "it doesn't wait: $(<"$FX/wait")"
	kill -KILL "$(<"$FX/a.pid")"
	server_end a
	ends "$started" 20 || fail "it still waits"
	is "$status" 0 "exit status"
	run_ 0 fusectl unload
}

@test "drain: mount point, server, a process with a file open, one that is there; then nothing" {
	local number file directory
	run_ 0 fusectl load
	run_ 0 fusectl drain --own
	server a
	number=$(connection_of "$FX/a")
	start "$FX/open" fxclient hold-files "$FX/a" 1
	file=$started
	soon 20 grep -q open "$FX/open" || fail "no file is opened"
	start "$FX/cwd" env -C "$FX/a" fxclient tick "$FX_TICKS"
	directory=$started
	soon 20 is_there "$directory" || fail "it isn't there"
	run_ 1 fusectl drain --own -n -r
	output+=$'\n'
	like "$output" "fuse_ext $number mount - - - $FX/a"$'\n' "mount point"
	like "$output" "fuse_ext $number server $(<"$FX/a.pid") root /[^ ]*fxserver /dev/fuse" "server"
	like "$output" "fuse_ext $number file $file root /[^ ]*fxclient $FX/a/" "a file"
	like "$output" "fuse_ext $number cwd $directory root /[^ ]*fxclient $FX/a"$'\n' "a directory"
	kill "$file" "$directory"
	soon 20 process_ended "$file"
	soon 20 process_ended "$directory"
	server_stop a
	run_ 0 fusectl drain --own -n
	is "$output" "" "what is left"
	run_ 0 fusectl unload
}
is_there() { [ "$(readlink "/proc/$1/cwd")" = "$FX/a" ]; }

@test "unload --when-idle: ends with the last mount; SIGINT leaves all as it was" {
	local before loaded
	before=$(control_mounts)
	run_ 0 fusectl load
	loaded=$(control_mounts)
	server a
	run_ 1 fusectl unload --when-idle --timeout 1
	# in the background bash has it ignored
	start "$FX/unload" env --default-signal=INT fusectl unload --when-idle
	pause_ms 1000
	! process_ended "$started" || fail "it doesn't wait: $(<"$FX/unload")"
	kill -INT "$started"
	ends "$started" 20 || fail "SIGINT doesn't end it"
	is "$status" 130 "exit status after SIGINT"
	is "$(control_mounts)" "$loaded" "control filesystems after SIGINT"
	run_ 0 stat "$FX/a"
	start "$FX/unload" fusectl unload --when-idle
	pause_ms 1000
	! process_ended "$started" || fail "it doesn't wait: $(<"$FX/unload")"
	[ -d /sys/module/fuse_ext ] || fail "it is unloaded"
	server_stop a
	ends "$started" 20 || fail "it still waits"
	is "$status" 0 "exit status ($(<"$FX/unload"))"
	[ ! -d /sys/module/fuse_ext ] || fail "fuse_ext is still loaded"
	is "$(control_mounts)" "$before" "control filesystems"
}

@test "load and unload --dry-run: nothing is loaded, mounted or made" {
	local before
	before=$(control_mounts)
	run_ 0 fusectl load --dry-run
	like "$output" "would load /.*fuse_ext.ko" "load"
	[ ! -d /sys/module/fuse_ext ] || fail "it is loaded"
	[ ! -e /run/fuse-ext ] || fail "/run/fuse-ext was made"
	is "$(control_mounts)" "$before" "control filesystems"
	run_ 0 fusectl load
	umount "$STANDARD"
	umount /sys/fs/fuse_ext/connections
	before=$(control_mounts)
	run_ 0 fusectl unload --dry-run
	like "$output" "would unload fuse_ext" "unload"
	is "$(control_mounts)" "$before" "control filesystems"
	run_ 0 fusectl load
	run_ 0 fusectl unload
}

@test "doctor: a server at work is no problem; one that is stopped is found, and mended as it says" {
	local mend
	run_ 0 fusectl load
	server a --timeout 0
	start "$FX/io" fxclient io "$FX/a" "$FX/stop" 0
	FX_LIMIT=45 run_ 0 fusectl doctor -j --wait 3
	is "$(stuck_finding)" "" "of a server at work"
	is "$(jq '[.findings[] | select(.severity == "problem")] | length' "$FX/output")" 0 "problems"
	: >"$FX/stop"
	ends "$started" 20 || fail "the client doesn't end"
	kill -STOP "$(<"$FX/a.pid")"
	start "$FX/waiter" stat "$FX/a"
	soon 10 grep -qv '^0' "$STANDARD/$(connection_of "$FX/a")/waiting" || fail "nothing waits"
	start "$FX/doctor" fusectl doctor --wait 3
	soon 15 grep -q "process $(<"$FX/a.pid") (/.*fxserver), which is stopped (T)" "$FX/doctor" ||
		fail "it isn't found in 15 s: $(<"$FX/doctor")"
	grep -q "kill -CONT $(<"$FX/a.pid")" "$FX/doctor" || fail "no word of SIGCONT"
	ends "$started" 45 || fail "doctor doesn't end"
	is "$status" 1 "exit status"
	# what it says mends it, does
	mend=$(sed -n 's/^ *to mend it: \(kill -CONT [0-9]*\);.*/\1/p' "$FX/doctor")
	run_ 0 bash -c "$mend"
	FX_LIMIT=45 run_ 0 fusectl doctor -j --wait 3
	is "$(stuck_finding)" "" "after $mend"
	server_stop a
	run_ 0 fusectl unload
}

@test "doctor: who waits for a lock that the server keeps is no problem" {
	local server holder
	run_ 0 fusectl load
	passthrough --flock
	server=$started
	start "$FX/holder" flock --no-fork "$FX/a/lock" sleep 1000
	holder=$started
	soon 20 flock_is_held || fail "the lock isn't had"
	start "$FX/waiter" flock "$FX/a/lock" true
	soon 20 grep -q '^[1-9]' "$STANDARD/$(connection_of "$FX/a")/waiting" || fail "nothing waits"
	FX_LIMIT=45 run_ 0 fusectl doctor -j --wait 2
	like "$(stuck_finding)" "^possible: .*/a\): 1 requests wait, no answer in 2 s" "of the lock"
	kill "$holder"
	ends "$started" 20 || fail "the lock isn't had after its holder's end"
	is "$status" 0 "exit status of flock(1)"
	started=$server
	passthrough_stop
	run_ 0 fusectl unload
}
flock_is_held() { [ -e "$FX/a/lock" ] && ! flock -n "$FX/below/lock" true; }

@test "an ordinary user may list, show and ask the doctor; what isn't his is told as unchecked" {
	run_ 0 fusectl load
	server a
	run_ 0 "${TESTER[@]}" fusectl list -n -r -o TARGET,DRIVER,USER,PROTOCOL
	is "$output" "$FX/a fuse_ext root -" "list"
	run_ 0 "${TESTER[@]}" fusectl show -n -r "$FX/a"
	is "$(shown driver) $(shown waiting) $(shown protocol)" "fuse_ext - -" "show"
	FX_LIMIT=45 run_ 0 "${TESTER[@]}" fusectl doctor -j --wait 1
	like "$(stuck_finding)" "^unchecked: .* 1 connection" "what waits"
	server_stop a
	run_ 0 fusectl unload
}
