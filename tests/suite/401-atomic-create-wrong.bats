#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# atomic_create with a server that answers wrongly, or not at all: EIO, no crash,
# and whatever the answer gave is given back.

load helpers/all
load helpers/tree

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# wrong KIND FORGETS RELEASES: the answer is EIO; so many of both for its node.
wrong() {
	local node
	tell a atomic "$1"
	creates EIO creat,rdwr 0644 "a/$1"
	is "$(asked a "$1")" ATOMIC_CREATE "requests with $1"
	soon 10 given_back a "$1" || fail "$1 isn't given back: $output"
	node=$(state a node "$1")
	events a forget "node=$node" 'count=1$'
	is "$count" "$2" "FORGETs with $1"
	is "$(requests a RELEASE " node=$node ")" "$3" "RELEASEs with $1"
}

@test "wrong answers: EIO, and FORGET and RELEASE for what they gave" {
	tree a
	connection_set "$FX/a" atomic_create on
	wrong node-0 0 0
	wrong node-root 0 0
	wrong directory 1 1
	wrong no-type 1 1
	wrong huge 1 1
	wrong unsaid 1 1
	wrong partial 1 0
	wrong entry-0 0 0
	wrong entry-root 0 0
	wrong entry-no-type 1 0
	events a forget node=1
	is "$count" 0 "FORGETs of the root"
	is "$(counter "$FX/a" create_atomic) $(counter "$FX/a" create_atomic_existed)" "0 0" \
		"create_atomic and create_atomic_existed"
	tell a atomic well
	creates OK creat,rdwr 0644 a/after
	is "$(state a lookups after)" 1 "lookups of a file that isn't wrong"
	run_ 0 ls "$FX/a"
	forget_all a
	server_stop a
}

@test "answers of a wrong size: EIO, and the server's write(2) is EINVAL" {
	local kind
	tree a
	connection_set "$FX/a" atomic_create on
	for kind in short long; do
		wrong $kind 0 0
		events a lost ATOMIC_CREATE error=EINVAL
		is "$count" 1 "answers that the kernel refused"
		: >"$FX/a.log"
	done
	server_stop a
}

@test "the kernel's error header: as with any request" {
	raw_server a --hostile atomic_create=positive
	connection_set "$FX/a" atomic_create on
	start "$FX/client" fxclient create creat,rdwr 0644 "$FX/a/file"
	soon 10 has_requests a ATOMIC_CREATE 1 || fail "no ATOMIC_CREATE"
	pause_ms 300
	is "$(<"$FX/client")" "" "what the client printed before an answer that counts"
	abort_ "$FX/a"
	soon 10 grep -q '^error=E' "$FX/client" || fail "the client doesn't end"
	server_end a
}

@test "a server that dies, or is aborted, with the request in its hands" {
	local how
	for how in die abort; do
		tree a --hold atomic_create
		connection_set "$FX/a" atomic_create on
		start "$FX/client" fxclient create creat,rdwr 0644 "$FX/a/file"
		soon 10 has_requests a ATOMIC_CREATE 1 || fail "no ATOMIC_CREATE"
		is "$(<"$FX/client")" "" "what the client printed while it waits"
		# the server of an aborted mount ends by itself
		if [ $how = die ]; then
			kill -KILL "$(<"$FX/a.pid")"
		else
			abort_ "$FX/a"
		fi
		soon 10 grep -qE '^error=(ENOTCONN|ECONNABORTED) ' "$FX/client" ||
			fail "the client says '$(<"$FX/client")'"
		server_end a
	done
}

@test "the answer names the directory itself: as an entry ELOOP, as a file one of its own" {
	local node kind
	for kind in entry-parent parent; do
		tree a --atomic $kind
		run_ 0 mkdir "$FX/a/directory"
		connection_set "$FX/a" atomic_create on
		create creat,rdwr 0644 a/directory/file
		if [ $kind = parent ]; then
			# as with CREATE: the number has another type now, so the old
			# inode is bad, and by its attributes the new one is too
			is "$(counter "$FX/a" create_atomic)" 1 "create_atomic"
			is "$(field error) $(field written)" "EIO -1" "fstat(2) and write(2)"
		else
			is "$(field error)" ELOOP "open(2)"
		fi
		forget_all a
		server_stop a
	done
}

# stopped PID: all of its threads are, and read nothing any more.
stopped() {
	local task line
	for task in /proc/"$1"/task/*; do
		read -r line <"$task/stat"
		[[ ${line##*) } == T* ]] || return 1
	done
}

@test "SIGKILL while the request waits to be read: the file isn't made" {
	local pid
	tree a
	connection_set "$FX/a" atomic_create on
	pid=$(<"$FX/a.pid")
	kill -STOP "$pid"
	soon 10 stopped "$pid" || fail "the server isn't stopped"
	start "$FX/client" fxclient create creat,rdwr 0644 "$FX/a/file"
	pause_ms 500
	kill -KILL "$started"
	ends "$started" 10 || fail "the client survives SIGKILL"
	kill -CONT "$pid"
	creates OK creat,rdwr 0644 a/other
	is "$(state a exists file)" 0 "files made for the dead"
	forget_all a
	server_stop a
}
