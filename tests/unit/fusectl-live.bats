#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fusectl top, trace and monitor: what they make of the kernel's figures and
# lines, and that nothing of theirs is left.  Against a machine made of files,
# not a kernel.

load helpers/fusectl

setup_file() { fusectl_build; }
setup() {
	fusectl_loaded_machine
	mkdir -p "$FUSECTL_ROOT/sys/kernel/tracing/instances"
	add_mount 90 22 0:50 /sys/kernel/tracing tracefs tracefs
	: >"$FUSECTL_ROOT/log"
}
teardown() {
	[[ -z ${background-} ]] || kill -KILL "$background" 2>/dev/null || :
	[[ -z ${feeder-} ]] || kill -KILL "$feeder" 2>/dev/null || :
}

FUSECTL=$FUSECTL_SOURCE/check-build.d/fusectl
PREFIX='            comm-77      [001] d..1.'

json() { jq -se "$@" <<<"$output"; }

# schema VERB: its JSON lines are what docs/schema says
schema() {
	"$HELPERS/schema-check" "$FUSECTL_SOURCE/../docs/schema/$1.json" --lines <<<"$output"
}

# counters NUMBER LINE...: of a connection, as the kernel has them now
counters() {
	printf '%s\n' "${@:2}" >"$FUSECTL_ROOT/own/$1/ext_requests"
}

# pipe LINE...: what an instance of tracefs will hold
pipe() { printf '%s\n' "$@" >"$FUSECTL_ROOT/pipe"; }

# endless LINE: an instance of tracefs will hold this line again and again
endless() {
	rm -f "$FUSECTL_ROOT/pipe"
	mkfifo "$FUSECTL_ROOT/pipe"
	yes "$1" >"$FUSECTL_ROOT/pipe" 3>&- &
	feeder=$!
}

# request UNIQUE OPCODE [NAME [FIELDS]] and reply UNIQUE OPCODE ERROR WAIT
request() {
	echo "$PREFIX  100.00000$1: fuse_ext_request: connection=52 unique=$1 opcode=$2" \
		"nodeid=1 pid=77 background=0 ${4-size=0 offset=0} name=${3-}"
}
reply() {
	echo "$PREFIX  100.00010$1: fuse_ext_reply: connection=52 unique=$1 opcode=$2" \
		"error=$3 size=16 wait_ns=$4"
}

# begin FILE ARGUMENT...: fusectl in the background; its number is in $background
begin() {
	"$FUSECTL" "${@:2}" >"$1" 2>"$1.error" 3>&- &
	background=$!
}

# soon COMMAND...: that it succeeds within 10 seconds
soon() {
	local i
	for ((i = 0; i < 200; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	tail -v "$BATS_TEST_TMPDIR"/out*
	fail "not within 10 seconds: $*"
}

# ended STATUS: that the one in the background has ended so
ended() {
	local status=0
	wait "$background" || status=$?
	background=
	assert_equal "$status" "$1"
}

gone() { ! kill -0 "$background" 2>/dev/null; }
no_instance() { [[ -z $(ls "$FUSECTL_ROOT/sys/kernel/tracing/instances") ]]; }

@test "top: the figures of an interval are those that came in it" {
	counters 52 '1 1000 0 900 5000000' 'wait 1000000 1000'
	begin "$BATS_TEST_TMPDIR/out" top -j -d 1 -n 1 /mnt/a
	sleep 0.5
	# in one step, as the kernel has it
	counters 53
	printf '%s\n' '1 1010 0 901 25000000' '16 90 45 0 90000000' '25 1 0 0 7000000' \
		'18 2 2 0 4000000' '2048 1 0 0 1000' 'wait 1000000 1100' \
		'wait 4000000 3' 'wait 8000000 1' >"$FUSECTL_ROOT/new"
	cat "$FUSECTL_ROOT/new" >"$FUSECTL_ROOT/own/52/ext_requests"
	ended 0
	output=$(<"$BATS_TEST_TMPDIR/out")
	echo "$output"
	json 'length == 1'
	json '.[0] | .conn == 52 and .driver == "fuse_ext" and .target == "/mnt/a" and
		.source == "counters" and .waiting == 3 and .requests == 104 and
		.errors == 1 and .background == 47 and .interval > 0.9 and .interval < 5'
	json '.[0] | .rate > 104 / .interval - 1 and .rate < 104 / .interval + 1'
	json '.[0] | .flush_wait == 0.007 and .release_wait == 0.002 and .p99_wait == 0.004'
	json '.[0].kinds | .lookup.requests == 10 and .lookup.errors == 1 and
		.lookup.mean_wait == 0.002 and .write.background == 45 and
		.create.requests == 1 and .read == {"requests": 0, "rate": 0, "errors": 0,
			"background": 0, "mean_wait": null} and length == 15'
}

@test "top: a line for each connection and interval, -n ends it" {
	counters 52 '1 1 0 0 5'
	fusectl 0 top -b -d 0.02 -n 3
	assert_equal "$(grep -c CONN <<<"$output")" 3
	assert_equal "$(grep -c ' counters    /mnt/a' <<<"$output")" 3
	assert_equal "$(grep -c ' waiting     /mnt/b' <<<"$output")" 3
	assert_equal "$(grep -c ' tracepoints /mnt/stock' <<<"$output")" 3
	fusectl 0 top -j -d 0.02 -n 2
	schema top
	json 'length == 8 and ([.[] | select(.conn == 53)] | length == 2 and
		all(.requests == null and .waiting == 3 and .source == "waiting"))'
}

@test "top: what can't be read is null; of others, only what was named" {
	rm "$FUSECTL_ROOT/own/53/waiting"
	fusectl 0 top -j -d 0.02 -n 1 53
	json '.[0].source == null and .[0].waiting == null and length == 1'
	fusectl 4 top -j -n 1 /mnt
	fusectl 4 top -j -n 1 99
	refute_output '{'
}

@test "top: counters that begin anew, and lines that aren't known yet" {
	counters 52 '1 1000 0 0 5000' 'wait 1000 1000'
	begin "$BATS_TEST_TMPDIR/out" top -j -d 0.6 -n 1 52
	sleep 0.3
	counters 52 'new thing' '1 10 0 0 500' 'wait 1000 10'
	ended 0
	output=$(<"$BATS_TEST_TMPDIR/out")
	json '.[0].requests == 10'
}

@test "top: another connection has the number by now" {
	local out=$BATS_TEST_TMPDIR/out
	counters 52 '1 1000 0 0 5000'
	begin "$out" top -j -d 2 52
	soon test -s "$out"
	mv "$FUSECTL_ROOT/own/52" "$BATS_TEST_TMPDIR/"
	own_connection 52
	counters 52 '1 5 0 0 5000'
	soon lines "$out" 2
	counters 52 '1 55 0 0 5000'
	soon lines "$out" 3
	kill -TERM "$background"
	ended 0
	output=$(<"$out")
	json '.[2].requests == 50 and all(.source == "counters")'
}
lines() { [[ $(wc -l <"$1") -ge $2 ]]; }

@test "top: a text that is none of ext_requests counts nothing" {
	local text
	for text in '1' '1 2 3' '1 2 3 4 x' '99999999999 1 1 1 1' '1 99999999999999999999 1 1 1' \
		'wait 5' $'wait 5 1\nwait 5 1'; do
		counters 52 "$text"
		fusectl 0 top -j -d 0.01 -n 1 52
		json '.[0].source == "waiting"'
	done
}

@test "top: the stock driver's tracepoints, in an instance of our own that goes" {
	pipe "$PREFIX  10.000100: fuse_request_send: connection 51 req 4 opcode 3 (FUSE_GETATTR) len 56 " \
		"$PREFIX  10.000200: fuse_request_send: connection 51 req 6 opcode 2 (FUSE_FORGET) len 48 " \
		"$PREFIX  10.001100: fuse_request_end: connection 51 req 4 len 120 error 0" \
		"$PREFIX  10.001100: fuse_request_end: connection 99 req 6 len 120 error -2"
	fusectl 0 top -j -d 0.2 -n 1 /mnt/stock
	json '.[0] | .source == "tracepoints" and .requests == 1 and .background == null and
		.kinds.getattr.mean_wait == 0.001 and .p99_wait >= 0.001 and .p99_wait < 0.00126'
	no_instance
	grep -q 'rmdir.*/instances/fusectl-' "$FUSECTL_ROOT/log"
}

@test "top: tracepoints that don't number the requests (6.12): how many, and no more" {
	pipe "$PREFIX  10.000100: fuse_request_send: connection 51 req 0 opcode 3 (FUSE_GETATTR) len 56 " \
		"$PREFIX  10.000200: fuse_request_send: connection 51 req 0 opcode 25 (FUSE_FLUSH) len 56 " \
		"$PREFIX  10.001100: fuse_request_end: connection 51 req 4 len 120 error -2"
	fusectl 0 top -j -d 0.2 -n 1 /mnt/stock
	json '.[0] | .source == "tracepoints" and .requests == 2 and .errors == null and
		.mean_wait == null and .p99_wait == null and .flush_wait == null and
		.kinds.getattr.requests == 1 and .kinds.getattr.errors == null'
	fusectl 0 trace -n 2 51
	assert_output ' - getattr(56 bytes)'
	refute_output ' = '
	fusectl 0 trace -j -n 1 51
	json '.[0].answered == null and .[0].error == null and .[0].wait == null'
}

@test "top: not loaded: the stock driver's; without tracepoints a sentence and 3" {
	fusectl_unloaded
	fusectl 0 top -j -d 0.02 -n 1
	json '.[0].driver == "stock" and length == 1'
	touch "$FUSECTL_ROOT/no-stock-events"
	fusectl 3 top -j -d 0.02 -n 1
	assert_error "isn't loaded"
	no_instance
	# as an ordinary user
	echo 'mkdir * 13' >"$FUSECTL_ROOT/fail"
	fusectl 3 top -j -d 0.02 -n 1
}

@test "top: wrong words, and no terminal" {
	local word
	for word in 0 -1 x 1,5 1.5.2 . '' 1e3 99999999 nan; do
		fusectl 2 top -b -d "$word" -n 1
	done
	for word in 0 -1 x 1.5 ''; do
		fusectl 2 top -b -n "$word"
	done
	fusectl 1 top -n 1
	assert_error "fusectl top -b"
}

@test "top: SIGINT, SIGTERM and SIGHUP end it, and its instance" {
	local signal
	for signal in INT TERM HUP; do
		# bash has the background ignore SIGINT
		env --default-signal=INT "$FUSECTL" top -b -d 60 >/dev/null 2>&1 3>&- &
		background=$!
		soon has_instance
		kill "-$signal" "$background"
		ended 0
		no_instance
	done
}
has_instance() { ! no_instance; }

# on_screen TERM KEYS: top on a terminal; what it wrote is in $output
on_screen() {
	local terminal=$1 keys=$2
	(sleep 0.7 && printf '%b' "$keys" && sleep 1) |
		TERM=$terminal script -qefc "stty rows 30 columns 110; '$FUSECTL' top -d 0.2; stty -a; echo status \$?" \
			/dev/null >"$BATS_TEST_TMPDIR/screen"
	output=$(<"$BATS_TEST_TMPDIR/screen")
}

@test "top: draws a screen, has keys, and gives the terminal back" {
	counters 52 '1 1 0 0 5'
	on_screen xterm 'h q'
	assert_output "fusectl top"
	assert_output "/mnt/a"
	assert_output "order by requests a second"
	assert_output $'\e[?1049h'
	assert_output $'\e[?1049l'
	# as it was: echo and lines
	assert_output " echo "
	refute_output " -icanon"
	no_instance
}

@test "top: gives the terminal back after SIGTERM, and where the screen is tiny" {
	local pid=$BATS_TEST_TMPDIR/pid
	(soon test -s "$pid" && sleep 0.7 && kill "$(<"$pid")") &
	TERM=xterm timeout 20 script -qefc "stty rows 2 columns 9
		sh -c 'echo \$\$ >$pid; exec $FUSECTL top -d 0.1'; echo status \$?; stty -a" \
		/dev/null </dev/null >"$BATS_TEST_TMPDIR/screen"
	output=$(<"$BATS_TEST_TMPDIR/screen")
	assert_output "status 0"
	assert_output $'\e[?1049l'
	refute_output " -icanon"
}

@test "trace: a line a request, with its name, error, size and wait" {
	pipe "$(request 2 1 'a\x20b\x0ac\x5c"')" "$(reply 2 1 -2 123456)" \
		"$(request 4 15 '' 'size=4096 offset=8192')" "$(reply 4 15 0 2000000000)" \
		"$(request 6 2)" "$(request 8 777 x)" "$(reply 8 777 -999 1000)"
	fusectl 0 trace -n 4 /mnt/a
	echo "$output"
	assert_output ' 77 lookup(1, "a b\x0ac\\\"") = ENOENT <0.000123>'
	assert_output ' 77 read(1, 4096@8192) = OK <2.000000>'
	assert_output ' 77 forget(1)'
	assert_output ' 77 opcode_777(1, "x") = error 999 <0.000001>'
	[[ ${lines[0]} =~ ^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\  ]] || fail "expected a time"
	no_instance
}

@test "trace: JSON lines" {
	pipe "$(request 2 1 'a\x20b\x0ac')" 'CPU:1 [LOST 12 EVENTS]' 'CPU:0 [LOST EVENTS]' \
		"$(reply 2 1 -2 123456)"
	fusectl 0 trace -j -n 1 52
	json '.[2] | .event == "request" and .conn == 52 and .unique == 2 and .opcode == "lookup" and
		.number == 1 and .nodeid == 1 and .pid == 77 and .name == "a b\nc" and .size == 0 and
		.offset == 0 and .background == false and .answered and .error == "ENOENT" and
		.wait == 0.000123456 and .time > 1e9'
	json '.[0] | .event == "lost" and .lost == 12'
	schema trace
	json '.[1].lost == null'
}

@test "trace: -e: the kernel is asked for these only; kinds, names, all others" {
	pipe "$(request 2 1 a)" "$(reply 2 1 0 1)" "$(request 4 25)" "$(reply 4 25 0 1)" \
		"$(request 6 24)" "$(reply 6 24 0 1)"
	fusectl 0 trace -n 2 -e flush,xattr 52
	refute_output lookup
	assert_output flush
	assert_output removexattr
	grep -q 'fuse_ext_request/filter connection == 52 && (opcode == 21 || .*opcode == 25)$' \
		"$FUSECTL_ROOT/log"
	fusectl 0 trace -n 1 -e '!lookup,flush' 52
	assert_output removexattr
	fusectl 2 trace -e fluhs 52
	assert_error "did you mean 'flush'"
	fusectl 2 trace -e '' 52
	fusectl 2 trace 52 53
	fusectl 2 trace
	fusectl 2 trace -n 0 52
	no_instance
}

@test "trace: ends with the connection; then those without an answer are printed" {
	pipe "$(request 2 1 asked)" "$(request 4 3)" "$(reply 4 3 0 1)"
	begin "$BATS_TEST_TMPDIR/out" trace 52
	soon grep -q getattr "$BATS_TEST_TMPDIR/out"
	! grep -q lookup "$BATS_TEST_TMPDIR/out" || fail "printed before the answer"
	sed -i '/ 0:52 /d' "$FUSECTL_ROOT/proc/self/mountinfo"
	rm -r "$FUSECTL_ROOT/own/52"
	ended 0
	grep -q 'lookup(1, "asked") = ? <unfinished>' "$BATS_TEST_TMPDIR/out"
	no_instance
}

@test "trace: each signal, and a reader that goes, leave no instance; the next start clears" {
	local signal
	pipe "$(request 2 1 a)" "$(reply 2 1 0 1)"
	for signal in INT TERM HUP; do
		env --default-signal=INT "$FUSECTL" trace 52 >/dev/null 2>&1 3>&- &
		background=$!
		soon has_instance
		kill "-$signal" "$background"
		ended 0
		no_instance
	done
	# it needn't write for that
	run timeout 10 bash -c "'$FUSECTL' trace 52 | head -n 1"
	assert_equal "$status" 0
	no_instance

	mkdir -p "$FUSECTL_ROOT/sys/kernel/tracing/instances"/{fusectl-4000001,fusectl-55,other-4,fusectl-}
	mkdir -p "$FUSECTL_ROOT/proc/55"
	fusectl 0 trace -n 1 52
	assert_equal "$(ls "$FUSECTL_ROOT/sys/kernel/tracing/instances")" $'fusectl-\nfusectl-55\nother-4'
}

# ends_while_fed VERB...: SIGTERM ends it, though events don't
ends_while_fed() {
	begin "$BATS_TEST_TMPDIR/out" "$@"
	soon has_instance
	sleep 0.5
	kill -TERM "$background"
	soon gone
	ended 0
	no_instance
}

@test "trace and top: end while events come faster than they are taken" {
	endless "$(request 1 1 a)"
	ends_while_fed trace 52
	endless "$PREFIX  10.000100: fuse_request_send: connection 51 req 4 opcode 3 (FUSE_GETATTR) len 56 "
	ends_while_fed top -b -d 30 51
	endless "$PREFIX  10.000100: fuse_request_send: connection 51 req 0 opcode 3 (FUSE_GETATTR) len 56 "
	fusectl 0 top -j -d 0.2 -n 2 51
	json 'length == 2 and .[1].requests > 0'
	no_instance
}

@test "trace: the stock driver's connection, with less; before 6.12 a sentence and 6" {
	pipe "$PREFIX  10.000100: fuse_request_send: connection 51 req 4 opcode 3 (FUSE_GETATTR) len 56 " \
		"$PREFIX  10.001100: fuse_request_end: connection 51 req 4 len 120 error -13"
	fusectl 0 trace -n 1 /mnt/stock
	assert_output ' - getattr(56 bytes) = EACCES <0.001000>'
	assert_error "without process, node and name"
	fusectl 0 trace -j -n 1 51
	schema trace
	json '.[0] | .pid == null and .name == null and .error == "EACCES" and .wait == 0.001'
	touch "$FUSECTL_ROOT/no-stock-events"
	fusectl 6 trace 51
	no_instance
}

@test "trace: tracefs that isn't mounted is, and no longer afterwards; not permitted: 5" {
	sed -i '/tracefs/d' "$FUSECTL_ROOT/proc/self/mountinfo"
	pipe "$(request 2 1 a)" "$(reply 2 1 0 1)"
	fusectl 0 trace -n 1 52
	grep -q '^mount tracefs /sys/kernel/tracing tracefs 0$' "$FUSECTL_ROOT/log"
	grep -q '^unmount /sys/kernel/tracing$' "$FUSECTL_ROOT/log"
	! mountinfo | grep tracefs || fail "tracefs is still mounted"
	echo 'mkdir * 13' >"$FUSECTL_ROOT/fail"
	fusectl 5 trace 52
	! mountinfo | grep tracefs || fail "tracefs is still mounted"
	echo 'mount /sys/kernel/tracing 19' >"$FUSECTL_ROOT/fail"
	fusectl 1 trace 52
}

@test "trace: lines that are no events, and broken ones, are passed over" {
	pipe '' 'x' ': fuse_ext_request: ' "$PREFIX 1.1: fuse_ext_request: connection=52" \
		"$(request 2 1 a | sed s/connection=52/connection=99999999999/)" \
		"$(request 2 1 a | sed 's/opcode=1/opcode=-1/')" \
		"$(request 2 1 "$(printf 'x%.0s' {1..500})")" \
		'a' "fake: fuse-7 [000] 1.0: fuse_ext_reply:  x" \
		"$(request 4 3 fine)" "$(reply 4 3 0 1)"
	fusectl 0 trace -n 1 52
	assert_equal "${#lines[@]}" 1
	assert_output fine
}

@test "monitor: mounts, unmounts, toggles, load and unload, as they happen" {
	local out=$BATS_TEST_TMPDIR/out
	begin "$out" monitor
	sleep 0.5
	[[ ! -s $out ]] || fail "it told of what was before: $(<"$out")"
	fusectl 0 set async_flush exit
	soon grep -q ' change module async_flush auto -> exit$' "$out"
	fusectl 0 set async_flush on /mnt/a
	soon grep -qF ' change 52 /mnt/a async_flush auto (module) -> on (connection)' "$out"
	fusectl 0 inherit async_flush /mnt/a
	soon grep -qF ' change 52 /mnt/a async_flush on (connection) -> exit (module)' "$out"
	own_connection 54 '/mnt/new\040one' fuse.x a
	soon grep -qF ' mount 54 fuse_ext fuse.x a /mnt/new\x20one' "$out"
	rm -r "$FUSECTL_ROOT/own/54"
	sed -i '/ 0:54 /d' "$FUSECTL_ROOT/proc/self/mountinfo"
	soon grep -qF ' unmount 54 fuse_ext fuse.x a /mnt/new\x20one' "$out"
	fusectl_unloaded
	soon grep -q ' unload 0.1.0$' "$out"
	fusectl 0 load
	soon grep -q ' load 0.1.0$' "$out"
	kill -TERM "$background"
	ended 0
}

@test "monitor: JSON lines" {
	local out=$BATS_TEST_TMPDIR/out
	begin "$out" monitor -j
	sleep 0.5
	fusectl 0 set syncfs on
	soon grep -q change "$out"
	fusectl 0 set syncfs off /mnt/a
	soon grep -q '"conn":52' "$out"
	own_connection 54 $'/mnt/x' fuse a
	soon grep -q '"mount"' "$out"
	kill -TERM "$background"
	ended 0
	output=$(<"$out")
	schema monitor
	json '.[0] == {"event": "change", "time": .[0].time, "conn": null, "target": null,
		"toggle": "syncfs", "old": "auto", "old_source": "module", "new": "on",
		"new_source": "module"}'
	json '.[1].conn == 52 and .[1].new_source == "connection" and .[1].target == "/mnt/a"'
	json '.[2] | .event == "mount" and .target == "/mnt/x" and .driver == "fuse_ext" and
		.fstype == "fuse" and .source == "a"'
}
