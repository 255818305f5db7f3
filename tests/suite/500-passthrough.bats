#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# passthrough_ext, a server with libfuse-ext that asks for all five features:
# each is seen at work, on the machine's own libfuse, in all ways to read
# requests; and on stock all of it still works.  Programs on it are in 501.

load helpers/all
load helpers/passthrough

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# said FEATURE: what the server knows of it.
said() {
	sed -n "s/^$1: //p" "$FX/said"
}

# How the server may read its requests, and create; a line each.
WAYS=(
	""
	"--threads 1 --library-create"
	"--writeback --no-readdirplus --flock"
	"--libfuse-loop"
	"--libfuse-loop --threads 1 --library-create"
)

@test "all five are on, and the server is the source of each" {
	local toggle
	passthrough
	for toggle in async_flush inval_files syncfs atomic_create; do
		is "$(in_force "$FX/a" $toggle)" "on server" "$toggle in force"
		is "$(said $toggle)" on "what the server says of $toggle"
	done
	# each file says for itself
	is "$(in_force "$FX/a" sync_release)" "auto server" "sync_release in force"
	is "$(said sync_release)" on "what the server says of sync_release"
	passthrough_stop
}

@test "what isn't wanted, or is off, isn't on, and the server is told" {
	local toggle
	passthrough --no-ext
	for toggle in $FX_TOGGLES; do
		is "$(in_force "$FX/a" "$toggle")" "auto module" "$toggle in force"
	done
	run_ 0 fxclient close-kind write "$FX/a/file"
	run_ 0 sync -f "$FX/a"
	is "$(counters)" "0 0 0 0" "counters"
	passthrough_stop
	module_set atomic_create off
	passthrough --no-syncfs
	module_set atomic_create auto
	like "$(said atomic_create)" "turned off by the administrator" "what it says"
	is "$(said syncfs)" "not wanted" "what it says of syncfs"
	is "$(said async_flush)" on "what it says of async_flush"
	passthrough_stop
}

# The counters of what has happened so far.
counters() {
	local name all=()
	for name in create_atomic release_sync flush_async syncfs; do
		all+=("$(counter "$FX/a" $name)")
	done
	echo "${all[*]}"
}

# calls OPTION...: one of each: the application gets what it asks for.
calls() {
	passthrough "$@"
	run_ 0 fxclient create creat,excl,rdwr 0640 "$FX/a/new"
	is "$(field error) $(field written)" "OK 1" "creating a file"
	is "$(stat -c '%a %s' "$FX/below/new")" "640 1" "what the host has"
	run_ 0 fxclient create creat,excl,rdwr 0640 "$FX/a/new"
	is "$(field error)" EEXIST "creating it again"
	run_ 0 fxclient close-kind read "$FX/a/new"
	is "$(field open)" OK "opening it for reading"
	run_ 0 sync -f "$FX/a"
}

@test "each of four is at work, however the server reads requests and creates" {
	local way why
	for way in "${WAYS[@]}"; do
		# shellcheck disable=SC2086 # it is several words
		calls $way
		why=$(said atomic_create)
		if [[ $way == *--libfuse-loop* && $why == *own_loop* ]]; then
			# as libfuse-ext(3) says
			log_line "this libfuse can't: $why"
			is "$(said syncfs)" "$why" "what it says of syncfs"
			is "$(counters)" "0 1 2 0" "counters with '$way'"
		else
			is "$why $(said syncfs)" "on on" "what it says of atomic_create and syncfs"
			is "$(counters)" "1 1 2 1" "counters with '$way'"
		fi
		passthrough_stop
		rm "$FX/below/new"
	done
}

@test "on stock: the server says so, and everything gets done" {
	local way
	module_unload
	for way in "" "--libfuse-loop --library-create" "--threads 1 --writeback"; do
		# shellcheck disable=SC2086 # it is several words
		calls $way
		is "$(driver_of "$FX/a")" fuse "driver"
		is "$(<"$FX/said")" "fuse_ext: not loaded, or mounted before it was" \
			"what the server says"
		passthrough_stop
		rm "$FX/below/new"
	done
	module_load
}

@test "the administrator's on gets to a server with a loop of the library's that asked for nothing" {
	passthrough --no-ext
	connection_set "$FX/a" atomic_create on
	connection_set "$FX/a" syncfs on
	connection_set "$FX/a" sync_release on
	run_ 0 fxclient create creat,excl,rdwr 0640 "$FX/a/new"
	is "$(field error)" OK "creating a file"
	run_ 0 sync -f "$FX/a"
	is "$(counters)" "1 1 0 1" "counters"
	passthrough_stop
}

# libfuse knows neither request.
@test "to a server with libfuse's loop it doesn't, and both go on as on stock" {
	passthrough --no-ext --libfuse-loop
	connection_set "$FX/a" atomic_create on
	connection_set "$FX/a" syncfs on
	run_ 0 fxclient create creat,excl,rdwr 0640 "$FX/a/new"
	is "$(field error)" OK "creating a file"
	run_ 0 sync -f "$FX/a"
	is "$(counter "$FX/a" create_atomic) $(counter "$FX/a" create_fallback)" "0 1" \
		"create_atomic and create_fallback"
	passthrough_stop
}

@test "a mount by an ordinary user: all but syncfs" {
	chown tester "$FX/a"
	mkdir -m 777 "$FX/below"
	passthrough_as tester
	is "$(in_force "$FX/a" syncfs)" "auto module" "syncfs in force"
	like "$(said syncfs)" "^not in this module, or turned off" "what the server says of it"
	is "$(in_force "$FX/a" atomic_create)" "on server" "atomic_create in force"
	run_ 0 setpriv --reuid tester --clear-groups fxclient create creat,rdwr 0640 "$FX/a/new"
	is "$(field error)" OK "creating a file"
	is "$(stat -c %U "$FX/below/new")" tester "its owner"
	run_ 0 setpriv --reuid tester --clear-groups sync -f "$FX/a"
	is "$(counters)" "1 1 1 0" "counters"
	passthrough_stop
}

# invalidate FILE: as its administrator; what the server says of it is in $told.
invalidate() {
	told=$(grep -c '^inval' "$FX/said") || log_line "the first invalidation"
	printf 'inval %s\n' "$1" >"$FX/control"
	soon 10 has_told $((told + 1)) || fail "no answer to inval $1: $(<"$FX/said")"
	told=$(tail -n 1 "$FX/said")
}
has_told() {
	[ "$(grep -c '^inval' "$FX/said")" -ge "$1" ]
}

# reads EXPECTED: of the file that is open as descriptor 7.
reads() {
	local result=ok
	read -r -n 1 -u 7 _ 2>"$FX/error" || result=$(<"$FX/error")
	like "$result" "$1" "what read(2) says"
}

# open_and_invalidate: descriptor 7 is a file of 10 bytes.
open_and_invalidate() {
	printf 'a\nb\nc\nd\ne\n' >"$FX/below/file"
	printf 'other\n' >"$FX/below/other"
	exec 7<"$FX/a/file"
	reads ok
	invalidate file
}

@test "inval_files: an open file fails, another one opened after it works" {
	passthrough --control "$FX/control"
	open_and_invalidate
	is "$told" "inval file: done" "what the server says"
	reads "Input/output error"
	exec 7<&-
	is "$(counter "$FX/a" inval_files)" 1 "inval_files"
	exec 7<"$FX/a/file"
	reads ok
	exec 7<&-
	echo more >>"$FX/a/file"
	run_ 0 cmp "$FX/a/file" "$FX/below/file"
	run_ 0 mkdir "$FX/a/directory"
	invalidate directory
	is "$told" "inval directory: Invalid argument" "what it says of a directory"
	# nobody has looked it up
	printf 'x\n' >"$FX/below/unknown"
	invalidate unknown
	is "$told" "inval unknown: No such file or directory" "what it says of an unknown file"
	passthrough_stop
}

@test "inval_files: without it, and on stock, the server is told, and nothing fails" {
	passthrough --no-inval-files --control "$FX/control"
	open_and_invalidate
	is "$told" "inval file: Function not implemented" "what the server says"
	reads ok
	exec 7<&-
	passthrough_stop
	module_unload
	passthrough --control "$FX/control"
	open_and_invalidate
	is "$told" "inval file: Invalid argument" "what the server says on stock"
	reads ok
	exec 7<&-
	passthrough_stop
	module_load
}

# what_script_sees DIR: more than 40 different calls, and their results, in $FX/seen;
# without the steps in which filesystems differ: a tmpfs has O_DIRECT since 6.6.
what_script_sees() {
	run_ 0 fxclient script "$1" "$FX/results"
	sed -E -e 's/^[0-9]+ //' -e '/^(ioctl|tmpfile|close-tmpfile|(open|read|close)-direct) /d' \
		"$FX/results" >"$FX/seen"
	fxclient tree-list "$1" no-times >>"$FX/seen"
}

@test "more than 40 different calls: the same results as on the host's filesystem" {
	local way
	mkdir "$FX/host"
	what_script_sees "$FX/host"
	mv "$FX/seen" "$FX/expected"
	at_least "$(wc -l <"$FX/expected")" 80 "lines of results"
	for way in "${WAYS[@]}"; do
		# shellcheck disable=SC2086 # it is several words
		passthrough $way
		what_script_sees "$FX/a"
		run_ 0 diff "$FX/expected" "$FX/seen"
		passthrough_stop
		rm -rf "$FX/below"
	done
}
