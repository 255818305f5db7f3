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
		[ "$pid" = "$lingering" ] || is "$status" 0 "exit status ${*:2}"
	done
}

# well WAIT NUMBER: what that client says after the answer.
well() {
	case $1 in
	umount) is "$(<"$FX/client-$2")" "" "what umount(8) says" ;;
	refused) says EIO "$2" ;;
	*) says OK "$2" ;;
	esac
}

# badly WAIT NUMBER: what it says where there will be none.  close(2) says what FLUSH has
# said, to which there was an answer.
badly() {
	case $1 in
	umount | release | refused) well "$@" ;;
	turn | epoch) says "ENOTCONN|ECONNABORTED|EIO" "$2" ;;
	*) says "ENOTCONN|ECONNABORTED" "$2" ;;
	esac
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
	all_end 10 "after the answer"
	well "$1" "$left"
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
	badly "$1" "$left"
	wait_over
}

aborted() { # WAIT
	wait_begin "$1"
	abort_all
	all_end 5 "after the abort"
	badly "$1" 1
	badly "$1" 2
	wait_over
}

died() { # WAIT
	wait_begin "$1"
	for_servers KILL
	all_end 5 "after the server's death"
	badly "$1" 1
	badly "$1" 2
	wait_over
}

# The waits, and what comes between.
@test "close(2) for RELEASE: stopped server, SIGKILL, answer" { stopped release; }
@test "close(2) for RELEASE: umount -l, SIGKILL, abort" { lazily release; }
@test "close(2) for RELEASE: an abort" { aborted release; }
@test "close(2) for RELEASE: the server's death" { died release; }

@test "syncfs(2) for writes: stopped server, SIGKILL, answer" { stopped epoch; }
@test "syncfs(2) for writes: umount -l, SIGKILL, abort" { lazily epoch; }
@test "syncfs(2) for writes: an abort" { aborted epoch; }
@test "syncfs(2) for writes: the server's death" { died epoch; }

@test "syncfs(2) for its turn: stopped server, SIGKILL, answer" { stopped turn; }
@test "syncfs(2) for its turn: umount -l, SIGKILL, abort" { lazily turn; }
@test "syncfs(2) for its turn: an abort" { aborted turn; }
@test "syncfs(2) for its turn: the server's death" { died turn; }

@test "syncfs(2) for SYNCFS: stopped server, SIGKILL, answer" { stopped answer; }
@test "syncfs(2) for SYNCFS: umount -l, SIGKILL, abort" { lazily answer; }
@test "syncfs(2) for SYNCFS: an abort" { aborted answer; }
@test "syncfs(2) for SYNCFS: the server's death" { died answer; }

@test "umount(2) for FLUSH: stopped server, SIGKILL, answer" { stopped umount; }
@test "umount(2) for FLUSH: umount -l waits, too; SIGKILL, abort" { lazily umount; }
@test "umount(2) for FLUSH: an abort" { aborted umount; }
@test "umount(2) for FLUSH: the server's death" { died umount; }

@test "open(2) for an invalidation: stopped server, SIGKILL, answer" { stopped open; }
@test "open(2) for an invalidation: umount -l, SIGKILL, abort" { lazily open; }
@test "open(2) for an invalidation: an abort" { aborted open; }
@test "open(2) for an invalidation: the server's death" { died open; }

# Those that are stock's: SIGKILL doesn't end them.
@test "open(2) for GETATTR: stopped server, SIGKILL, answer" { stopped getattr; }
@test "open(2) for GETATTR: umount -l, SIGKILL, abort" { lazily getattr; }
@test "open(2) for GETATTR: an abort" { aborted getattr; }
@test "open(2) for GETATTR: the server's death" { died getattr; }

@test "open(2) for ATOMIC_CREATE: stopped server, SIGKILL, answer" { stopped create; }
@test "open(2) for ATOMIC_CREATE: umount -l, SIGKILL, abort" { lazily create; }
@test "open(2) for ATOMIC_CREATE: an abort" { aborted create; }
@test "open(2) for ATOMIC_CREATE: the server's death" { died create; }

@test "open(2) for RELEASE: stopped server, SIGKILL, answer" { stopped refused; }
@test "open(2) for RELEASE: umount -l, SIGKILL, abort" { lazily refused; }
@test "open(2) for RELEASE: an abort" { aborted refused; }
@test "open(2) for RELEASE: the server's death" { died refused; }

@test "open(2) for pages: stopped server, SIGKILL, answer" { stopped pages; }
@test "open(2) for pages: umount -l, SIGKILL, abort" { lazily pages; }
@test "open(2) for pages: an abort" { aborted pages; }
@test "open(2) for pages: the server's death" { died pages; }

@test "close(2) for FLUSH: stopped server, SIGKILL, answer" { stopped flush; }
@test "close(2) for FLUSH: umount -l, SIGKILL, abort" { lazily flush; }
@test "close(2) for FLUSH: an abort" { aborted flush; }
@test "close(2) for FLUSH: the server's death" { died flush; }
