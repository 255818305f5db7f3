#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Each wait for a server in which a task can be (docs/waits.md), and what comes
# between: the server is stopped, killed, aborted, or unmounted lazily, the client is
# killed.  What the waits are for is in the suites of the features.

load helpers/all
load helpers/tree
load helpers/nodes
load helpers/inval
load helpers/waits

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# for_servers SIGNAL: to all of them.
for_servers() {
	local name
	for name in "${names[@]}"; do
		kill "-$1" "$(<"$FX/$name.pid")"
	done
}

# A stop takes effect when each thread has noticed.
servers_stopped() {
	local name task line
	for name in "${names[@]}"; do
		for task in "/proc/$(<"$FX/$name.pid")/task"/*; do
			line=$(<"$task/stat")
			[[ $line == *") T "* ]] || return 1
		done
	done
}

# They wait, and go on waiting: what makes all else here mean something.
wait_on() { # WHEN...
	pause_ms 500
	for_all in_wait || fail "a client doesn't wait any more $*: $(for_all where_is)"
}

abort_all() {
	local control
	for control in "${controls[@]}"; do
		echo 1 >"$control/abort"
	done
}

all_end() { # SECONDS WHEN...
	local pid
	for pid in "${waiters[@]}"; do
		ends "$pid" "$1" || fail "$(where_is "$pid"): still there ${*:2}"
	done
}

stopped() { # WAIT
	wait_begin "$1"
	wait_on "without a fault"
	for_servers STOP
	soon 5 servers_stopped || fail "a server doesn't stop"
	killed "$1"
	wait_on "while the server is stopped"
	for_servers CONT
	[ "$1" != umount ] || killed_umount
	wait_on "after it goes on, but doesn't answer"
	wait_go
	forget_killed
	ends "${waiters[0]}" 10 || fail "$(where_is "${waiters[0]}"): still there after the answer"
	is "$status" 0 "exit status"
	case $1 in
	epoch) good 2 ;;
	umount) is "$(<"$FX/client-1")" "" "what umount(8) says" ;;
	*) good 1 ;;
	esac
	wait_over
}

lazily() { # WAIT
	wait_begin "$1" umount -l
	if [ "$1" != umount ]; then
		run_ 0 umount -l "$FX/a"
	fi
	wait_on "after umount -l"
	! grep -q " $FX/a " /proc/self/mountinfo || fail "$FX/a is still mounted"
	killed "$1"
	[ "$1" != umount ] || killed_umount
	abort_all
	all_end 5 "after the abort"
	wait_over
}

died() { # WAIT
	wait_begin "$1"
	for_servers KILL
	all_end 5 "after the server's death"
	wait_over
}

# The waits, and what comes between.  What isn't here is in the suites of the features:
# abort and the server's death by themselves.
@test "close(2) for RELEASE: stopped server, SIGKILL, answer" { stopped release; }
@test "close(2) for RELEASE: umount -l, SIGKILL, abort" { lazily release; }

@test "syncfs(2) for writes: stopped server, SIGKILL, answer" { stopped epoch; }
@test "syncfs(2) for writes: umount -l, SIGKILL, abort" { lazily epoch; }

@test "syncfs(2) for its turn: stopped server, SIGKILL, answer" { stopped turn; }
@test "syncfs(2) for its turn: umount -l, SIGKILL, abort" { lazily turn; }
@test "syncfs(2) for its turn: the server's death" { died turn; }

@test "syncfs(2) for SYNCFS: stopped server, SIGKILL, answer" { stopped answer; }
@test "syncfs(2) for SYNCFS: umount -l, SIGKILL, abort" { lazily answer; }

@test "umount(2) for FLUSH: stopped server, SIGKILL, answer" { stopped umount; }
@test "umount(2) for FLUSH: umount -l waits, too; SIGKILL, abort" { lazily umount; }
@test "umount(2) for FLUSH: the server's death" { died umount; }

@test "open(2) for an invalidation: stopped server, SIGKILL, answer" { stopped open; }
@test "open(2) for an invalidation: umount -l, SIGKILL, abort" { lazily open; }
