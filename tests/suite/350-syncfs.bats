#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# syncfs(2): when the server is asked, after which writes, what it answers comes
# back, and what ends the wait.  Who may turn it on is here too.

load helpers/all

# FUSE_WRITEBACK_CACHE, so that pages stay dirty.
WRITEBACK=0x10000

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# nanoseconds NAME KIND OPCODE: the time of the last such line of the log.
nanoseconds() {
	awk -v kind="$2" -v opcode="$3" '$2 == kind && $3 == opcode { time = $1 } END { print time }' \
		"$FX/$1.log"
}

# Asked nothing, by nobody.
quiet_syncfs() { # NAME
	raw_server "$1" --init-flags $WRITEBACK
	run_ 0 fxclient syncfs "$FX/$1/file0" 5
	is "$(field error)" OK "syncfs(2)"
	is "$(requests "$1" SYNCFS)" 0 "SYNCFS requests"
}

@test "nobody asked: no SYNCFS on stock, none with auto, none with off" {
	module_unload
	quiet_syncfs a
	server_stop a
	module_load
	quiet_syncfs b
	connection_set "$FX/b" syncfs off
	run_ 0 fxclient syncfs "$FX/b/file0" 5
	is "$(requests b SYNCFS)" 0 "SYNCFS requests with off"
	server_stop b
}

@test "on: every dirty page is written and answered, then SYNCFS is sent, then syncfs(2) returns" {
	raw_server a --init-flags $WRITEBACK --delay write=400 --delay syncfs=300
	connection_set "$FX/a" syncfs on
	run_ 0 fxclient syncfs "$FX/a/file0" 5000
	is "$(field error)" OK "syncfs(2)"
	at_least "$(field syncfs_us)" 700000 "microseconds of syncfs(2)"
	is "$(requests a SYNCFS) $(replies a SYNCFS)" "1 1" "SYNCFS requests and answers"
	at_least "$(requests a WRITE)" 1 "WRITE requests"
	at_least "$(nanoseconds a recv SYNCFS)" "$(nanoseconds a reply WRITE)" \
		"SYNCFS came at, after the last WRITE was answered at"
	at_least "$(field end)" "$(nanoseconds a reply SYNCFS)" \
		"syncfs(2) ended at, after the answer at"
	is "$(counter "$FX/a" syncfs)" 1 "counter syncfs"
	server_stop a
}

@test "a write that began before the toggle was turned on is waited for" {
	raw_server a --init-flags $WRITEBACK --hold write
	start "$FX/first" fxclient syncfs "$FX/a/file0" 5000
	soon 10 has_requests a WRITE 1 || fail "no WRITE"
	connection_set "$FX/a" syncfs on
	start "$FX/second" fxclient syncfs "$FX/a/file1"
	pause_ms 1000
	is "$(requests a SYNCFS)" 0 "SYNCFS requests while the WRITE isn't answered"
	is "$(<"$FX/second")" "" "what the second syncfs(2) printed"
	tell a release write
	soon 10 grep -q error=OK "$FX/second" || fail "the second syncfs(2) doesn't end"
	at_least "$(nanoseconds a recv SYNCFS)" "$(nanoseconds a reply WRITE)" \
		"SYNCFS came at, after the WRITE was answered at"
	soon 10 grep -q error=OK "$FX/first" || fail "the first syncfs(2) doesn't end"
	server_stop a
}

@test "the server's error is syncfs(2)'s; on stock nobody hears of it" {
	raw_server a --fail syncfs=EIO
	connection_set "$FX/a" syncfs on
	run_ 0 fxclient syncfs "$FX/a/file0"
	is "$(field error)" EIO "syncfs(2)"
	server_stop a
	module_unload
	raw_server a --fail syncfs=EIO
	run_ 0 fxclient syncfs "$FX/a/file0"
	is "$(field error)" OK "syncfs(2) on stock"
	server_stop a
	module_load
}

@test "a WRITE that fails in the background is the error of the syncfs(2) that waits for it" {
	raw_server a --init-flags $WRITEBACK --fail write=ENOSPC
	connection_set "$FX/a" syncfs on
	run_ 0 fxclient syncfs "$FX/a/file0" 5000
	like "$(field error)" "ENOSPC|EIO" "syncfs(2)"
	server_stop a
}

@test "ENOSYS: syncfs(2) succeeds, and isn't asked again" {
	server a
	connection_set "$FX/a" syncfs on
	run_ 0 fxclient syncfs "$FX/a/file"
	is "$(field error)" OK "the first syncfs(2)"
	run_ 0 fxclient syncfs "$FX/a/file"
	is "$(field error)" OK "the second syncfs(2)"
	is "$(requests a SYNCFS)" 1 "SYNCFS requests"
	server_stop a
}

@test "each way to turn it on: dirty pages are written, and SYNCFS comes after them" {
	local way options
	for way in module connection mount remount server; do
		options=()
		[ $way != mount ] || options=(--mount-data syncfs=on)
		[ $way != server ] || options=(--negotiate initialized=32:1:8)
		raw_server $way --init-flags $WRITEBACK --delay write=200 "${options[@]}"
		case $way in
		module) module_set syncfs on ;;
		connection) connection_set "$FX/$way" syncfs on ;;
		remount) run_ 0 fxclient remount "$FX/$way" syncfs=on ;;
		esac
		run_ 0 fxclient syncfs "$FX/$way/file0" 5000
		is "$(field error)" OK "syncfs(2), turned on by $way"
		at_least "$(replies $way WRITE)" 1 "WRITEs answered, turned on by $way"
		at_least "$(nanoseconds $way recv SYNCFS)" "$(nanoseconds $way reply WRITE)" \
			"SYNCFS came at, after the last WRITE was answered at"
		module_set syncfs auto
		server_stop $way
	done
}

@test "turned off again: syncfs(2) waits for no WRITE, as on stock" {
	raw_server a --init-flags $WRITEBACK
	connection_set "$FX/a" syncfs on
	run_ 0 fxclient syncfs "$FX/a/file0" 5000
	is "$(requests a SYNCFS)" 1 "SYNCFS requests with on"
	connection_set "$FX/a" syncfs off
	tell a hold write
	start "$FX/sync" fxclient syncfs "$FX/a/file1" 5000
	soon 20 grep -q error=OK "$FX/sync" || fail "syncfs(2) with off waits for held WRITEs"
	is "$(requests a SYNCFS)" 1 "SYNCFS requests after off"
	tell a release write
	ends "$started" 10 || fail "the client doesn't end"
	server_stop a
}

@test "SIGKILL ends the wait for the answer" {
	raw_server a --hold syncfs
	connection_set "$FX/a" syncfs on
	start "$FX/sync" fxclient syncfs "$FX/a/file0"
	soon 10 has_requests a SYNCFS 1 || fail "no SYNCFS"
	! ends "$started" 1 || fail "syncfs(2) came back before the answer"
	kill -KILL "$started"
	ends "$started" 2 || fail "$(where_is "$started"): still there after SIGKILL"
	tell a release syncfs
	server_stop a
}

# From 7.0 on the VFS waits for what is written, which SIGKILL doesn't end, as on
# any other filesystem.
@test "SIGKILL ends the wait for a WRITE, where it is ours (before 7.0); else an abort does" {
	local writer
	raw_server a --init-flags $WRITEBACK --hold write
	connection_set "$FX/a" syncfs on
	start "$FX/first" fxclient syncfs "$FX/a/file0" 5000
	writer=$started
	soon 10 has_requests a WRITE 1 || fail "no WRITE"
	start "$FX/sync" fxclient syncfs "$FX/a/file1"
	! ends "$started" 1 || fail "syncfs(2) came back before the WRITE was answered"
	kill -KILL "$started"
	case $FUSE_EXT_SERIES in
	7.*)
		echo 1 >"$(control_of "$FX/a")/abort"
		ends "$started" 5 || fail "$(where_is "$started"): still there after the abort"
		;;
	*)
		ends "$started" 2 || fail "$(where_is "$started"): still there after SIGKILL"
		is "$(requests a SYNCFS)" 0 "SYNCFS requests"
		tell a release write
		;;
	esac
	ends "$writer" 10 || fail "$(where_is "$writer"): the first syncfs(2) doesn't end"
	server_end a
}

@test "an abort, and the server's death, end the wait for a WRITE and for the answer" {
	local way held
	for held in write syncfs; do
		for way in abort kill; do
			raw_server a --init-flags $WRITEBACK --hold $held
			connection_set "$FX/a" syncfs on
			start "$FX/sync" fxclient syncfs "$FX/a/file0" 5000
			soon 10 has_requests a ${held^^} 1 || fail "no ${held^^}"
			if [ $way = abort ]; then
				echo 1 >"$(control_of "$FX/a")/abort"
			else
				kill -KILL "$(<"$FX/a.pid")"
			fi
			ends "$started" 5 ||
				fail "$(where_is "$started"): still there after the $way"
			like "$(<"$FX/sync")" "error=E(CONNABORTED|NOTCONN|IO)" \
				"syncfs(2) with $held held, after the $way"
			server_end a
			rm -f "$FX/a.log" "$FX/sync"
		done
	done
}

@test "syncfs(2) ends under a stream of new writes, four at a time" {
	local i
	raw_server a --init-flags $WRITEBACK --delay write=20
	connection_set "$FX/a" syncfs on
	start "$FX/dirty" fxclient dirty "$FX/a/file9" 100
	local writer=$started
	pause_ms 500
	for i in 1 2 3 4; do
		start "$FX/sync$i" fxclient syncfs "$FX/a/file$i" 5
	done
	for i in 1 2 3 4; do
		soon 60 grep -q error=OK "$FX/sync$i" || fail "syncfs(2) number $i doesn't end"
	done
	! ends "$writer" 0 || fail "the writer ended before syncfs(2) did"
	is "$(requests a SYNCFS)" 4 "SYNCFS requests"
	kill "$writer"
	ends "$writer" 30 || fail "the writer doesn't end"
	server_stop a
}

@test "FLUSH in the background is answered before SYNCFS is sent" {
	raw_server a --delay flush=500
	connection_set "$FX/a" syncfs on
	connection_set "$FX/a" async_flush on
	run_ 0 fxclient close "$FX/a/file0"
	run_ 0 fxclient syncfs "$FX/a/file1"
	at_least "$(nanoseconds a recv SYNCFS)" "$(awk '$2 == "reply" && $3 == "FLUSH" { print $1; exit }' "$FX/a.log")" \
		"SYNCFS came at, after the first FLUSH was answered at"
	server_stop a
}

@test "sync(2) waits for a server with on, and not for one without" {
	raw_server a --hold syncfs
	run_ 0 sync
	connection_set "$FX/a" syncfs on
	start "$FX/sync" sync
	soon 10 has_requests a SYNCFS 1 || fail "no SYNCFS"
	! ends "$started" 1 || fail "sync(2) came back before the answer"
	tell a release syncfs
	ends "$started" 10 || fail "sync(2) doesn't end"
	connection_set "$FX/a" syncfs off
	run_ 0 sync
	is "$(requests a SYNCFS)" 1 "SYNCFS requests"
	server_stop a
}

@test "auto: an administrator's server that asked is asked, a user's isn't" {
	local user=nobody
	! getent passwd tester >/dev/null || user=tester
	server a --want 8
	is "$(in_force "$FX/a" syncfs)" "on server" "in force for root's server"
	run_ 0 fxclient syncfs "$FX/a/file"
	is "$(requests a SYNCFS)" 1 "SYNCFS requests to root's server"
	server_stop a
	mkdir -p "$FX/b"
	chown "$user" "$FX/b"
	chmod 666 /dev/fuse
	run_ 0 setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		"$(type -P fxserver)" --want 8 "$FX/b"
	is "$(in_force "$FX/b" syncfs)" "auto module" "in force for the user's server"
	connection_set "$FX/b" syncfs on
	is "$(in_force "$FX/b" syncfs)" "on connection" "in force, set by the administrator"
	run_ 0 umount "$FX/b"
}

@test "mount option: syncfs=on for root, EPERM for a mount on behalf of a user" {
	raw_server a --mount-data syncfs=on
	is "$(in_force "$FX/a" syncfs)" "on mount" "in force"
	run_ 0 fxclient syncfs "$FX/a/file0"
	is "$(requests a SYNCFS)" 1 "SYNCFS requests"
	server_stop a
	run_ 1 rawserver --mount-data syncfs=on,user_id=1000 "$FX/a"
	like "$output" "[Nn]ot permitted" "what rawserver says"
}

@test "EPERM on a connection of a user namespace" {
	local number
	mkdir -p "$FX/a"
	start "$FX/ns" unshare --user --map-root-user --mount \
		"$(type -P rawserver)" --control "$FX/a.control" --pidfile "$FX/a.pid" "$FX/a"
	soon 10 test -s "$FX/a.pid" || fail "no server in the user namespace: $(<"$FX/ns")"
	number=$(find "$FX_OURS" -mindepth 1 -maxdepth 1 -printf '%T@ %f\n' | sort -n | tail -n 1)
	number=${number##* }
	run_ 1 fxclient write-word "$FX_OURS/$number/syncfs" on
	like "$output" EPERM "write(2) of on"
	run_ 0 fxclient write-word "$FX_OURS/$number/syncfs" off
	module_set syncfs on
	like "$(grep syncfs "$FX_OURS/$number/ext_state")" "syncfs off connection" "in force"
	run_ 0 fxclient write-word "$FX_OURS/$number/syncfs" default
	like "$(grep syncfs "$FX_OURS/$number/ext_state")" "syncfs auto module" "in force with the machine's on"
	module_set syncfs auto
	echo 1 >"$FX_OURS/$number/abort"
}
