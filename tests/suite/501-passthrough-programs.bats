#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Programs on passthrough_ext with all five features: git, tar, SQLite, make, and
# random I/O against a model; what they leave is compared with the host's
# filesystem.  With FUSE_EXT_LONG=1 in the full sizes, and on stock as well.

load helpers/all
load helpers/nodes
load helpers/passthrough

setup_file() {
	isolate_file
	module_file
	module_want loaded
	export FX_LIMIT
	FX_LIMIT=$(long_or 3000 120)
}

teardown_file() {
	module_file_end
}

# on_each FUNCTION OPTION...: with the server at $FX/a, on ours, and before that
# on stock if there is time.
on_each() {
	local driver drivers
	drivers=$(long_or "fuse fuse_ext" fuse_ext)
	for driver in $drivers; do
		[ "$driver" = fuse_ext ] || module_unload
		passthrough "${@:2}"
		is "$(driver_of "$FX/a")" "$driver" "driver"
		"$1"
		if [ "$driver" = fuse_ext ]; then
			is "$(in_force "$FX/a" atomic_create)" "on server" "atomic_create"
			at_least "$(counter "$FX/a" create_atomic)" 1 "create_atomic"
			at_least "$(counter "$FX/a" flush_async)" 1 "flush_async"
			at_least "$(counter "$FX/a" release_sync)" 1 "release_sync"
			is "$(counter "$FX/a" flush_async_errors)" 0 "flush_async_errors"
		fi
		passthrough_stop
		rm -rf "$FX/below"
		[ "$driver" = fuse_ext ] || module_load
	done
}

# listed FILE DIR: all that is in DIR; without times if $times is no-times.
listed() {
	fxclient tree-list "$2" ${times:+"$times"} >"$1"
	[ -s "$1" ] || fail "nothing is in $2"
}

# trees_equal DIR DIR...
trees_equal() {
	local tree
	listed "$FX/expected" "$1"
	for tree in "${@:2}"; do
		listed "$FX/found" "$tree"
		run_ 0 diff "$FX/expected" "$FX/found"
	done
}

untar() {
	run_ 0 mkdir "$FX/a/tree"
	run_ 0 tar -C "$FX/a/tree" -xpf "$FX/tree.tar"
	trees_equal "$FX/tree" "$FX/a/tree" "$FX/below/tree"
	# by the server again
	echo 3 >/proc/sys/vm/drop_caches
	trees_equal "$FX/tree" "$FX/a/tree"
	run_ 0 tar -C "$FX/a" -cf "$FX/again.tar" tree
	run_ 0 rm -r "$FX/a/tree"
	run_ 0 tar -C "$FX" -df "$FX/again.tar"
	is "$(ls -A "$FX/below")" "" "what is left below"
}

@test "tar: thousands of small files out of an archive, and into one again" {
	mkdir "$FX/tree"
	run_ 0 fxclient tree-make "$FX/tree" "$(long_or 5000 250)" 20
	run_ 0 tar -C "$FX/tree" -cf "$FX/tree.tar" .
	on_each untar
}

# A difference in one byte, mode, name or link is seen.
@test "trees that differ are found to differ (the test above can fail)" {
	local change
	mkdir "$FX/tree"
	run_ 0 fxclient tree-make "$FX/tree" 20 20
	listed "$FX/expected" "$FX/tree"
	for change in "printf x | dd of=file conv=notrunc bs=1 seek=1; touch -d @1000000000 file" \
		"chmod 4755 file" "chmod 0600 file; ln file more" "mv more name" "rm name; ln -s file name" \
		"ln -sf other name"; do
		(cd "$FX/tree/0" && { [ -e file ] || mv 7.* file; } && eval "$change") >>"$FX_LOG" 2>&1
		listed "$FX/found" "$FX/tree"
		run_ 1 cmp -s "$FX/expected" "$FX/found"
		mv "$FX/found" "$FX/expected"
	done
}

git_() { # DIR ARGUMENT...
	run_ 0 env HOME="$FX/home" git -C "$@"
}

clone() {
	git_ "$FX/a" clone -q "file://$FX/origin" clone
	git_ "$FX/a/clone" fsck --strict
	git_ "$FX/a/clone" status --porcelain
	is "$output" "" "git status"
	trees_equal "$FX/origin" "$FX/a/clone" "$FX/below/clone"
	run_ 0 fxclient tree-make "$FX/a/clone" 20 22
	git_ "$FX/a/clone" add -A
	git_ "$FX/a/clone" commit -q -m more
	git_ "$FX/a/clone" gc -q --prune=now
	# the host sees the same repository, and the server has all of it
	git_ "$FX/below/clone" fsck --strict
	git_ "$FX/below/clone" status --porcelain
	is "$output" "" "git status on the host"
	git_ "$FX/a/clone" push -q origin HEAD:pushed
	git_ "$FX/origin" rev-parse pushed
	pushed=$output
	git_ "$FX/a/clone" rev-parse HEAD
	is "$output" "$pushed" "what was pushed"
	git_ "$FX/origin" branch -q -D pushed
}

@test "git: clone, fsck, status, commit, gc and push; the host sees the same repository" {
	local pushed commit times=no-times
	mkdir "$FX/home" "$FX/origin"
	printf '[user]\n\tname = t\n\temail = t@example.org\n[safe]\n\tdirectory = *\n[gc]\n\tauto = 0\n' \
		>"$FX/home/.gitconfig"
	git_ "$FX/origin" init -q
	for commit in 1 2; do
		mkdir "$FX/origin/$commit"
		run_ 0 fxclient tree-make "$FX/origin/$commit" "$(long_or 1000 40)" $commit
		git_ "$FX/origin" add -A
		git_ "$FX/origin" commit -q -m "commit $commit"
	done
	# what a checkout makes of modes and times, links and empty files
	git_ "$FX" clone -q "file://$FX/origin" checkout
	rm -rf "$FX/origin"
	mv "$FX/checkout" "$FX/origin"
	on_each clone
}

transactions() { # WRITER
	local i
	echo ".timeout 60000"
	for ((i = 0; i < $(long_or 500 25); i++)); do
		echo "BEGIN IMMEDIATE;"
		echo "INSERT INTO t VALUES ('$1', $i, hex(randomblob(200)));"
		echo "UPDATE sum SET n = n + 1;"
		echo "COMMIT;"
	done
}

sql() { # DATABASE STATEMENTS
	run_ 0 sqlite3 -batch "$@"
}

writers() {
	local mode writer processes number
	number=$(long_or 500 25)
	for mode in delete wal; do
		sql "$FX/a/$mode" "PRAGMA journal_mode=$mode; CREATE TABLE t (who, i, data);
			CREATE TABLE sum (n); INSERT INTO sum VALUES (0);"
		is "$output" $mode "journal mode"
		processes=()
		for writer in one two; do
			start "$FX/$writer" sqlite3 -batch -bail "$FX/a/$mode" ".read $FX/$writer.sql"
			processes+=("$started")
		done
		for writer in "${processes[@]}"; do
			ends "$writer" "$FX_LIMIT" || fail "sqlite3 doesn't end"
			is "$status $(<"$FX/one")$(<"$FX/two")" "0 " "what sqlite3 says"
		done
		sql "$FX/a/$mode" "PRAGMA integrity_check;
			SELECT count(*), count(DISTINCT who || i), (SELECT n FROM sum) FROM t;"
		is "$output" "ok"$'\n'"$((2 * number))|$((2 * number))|$((2 * number))" "what it has"
		# the host's copy is the same database, byte for byte
		run_ 0 cmp "$FX/a/$mode" "$FX/below/$mode"
		sqlite3 -batch "$FX/a/$mode" .dump >"$FX/dump"
		sqlite3 -batch "$FX/below/$mode" .dump >"$FX/dump.below"
		run_ 0 cmp "$FX/dump" "$FX/dump.below"
	done
}

@test "SQLite: two processes write at the same time, with a rollback journal and with a log" {
	transactions one >"$FX/one.sql"
	transactions two >"$FX/two.sql"
	on_each writers
}

# locked_out OPTIONS: what a second writer says while a first one holds the lock.
locked_out() {
	local name="file:$FX/a/held$1"
	mkfifo "$FX/first"
	: >"$FX/holder"
	# shellcheck disable=SC2016 # the inner shell expands them
	start "$FX/holder" sh -c 'exec sqlite3 -batch "$1" <"$2"' sh "$name" "$FX/first"
	exec 8<>"$FX/first"
	printf 'CREATE TABLE t (a);\nBEGIN EXCLUSIVE;\nINSERT INTO t VALUES (1);\nSELECT 7;\n' >&8
	soon 20 has_line "$FX/holder" 7 || fail "the first writer doesn't get the lock"
	run_ any sqlite3 -batch "$name" "INSERT INTO t VALUES (2);"
	printf 'ROLLBACK;\n' >&8
	exec 8>&-
	ends "$started" 20 || fail "the first writer doesn't end"
	rm "$FX/first"
}

@test "SQLite: its lock keeps a second writer out; without locking it wouldn't" {
	local server
	passthrough
	server=$started
	locked_out ""
	like "$output" "database is locked" "what the second writer says"
	locked_out "?vfs=unix-none"
	[[ $output != *locked* ]] || fail "locked by what? $output"
	started=$server
	passthrough_stop
}

# compiles DIR TARGET...: the test servers, in a copy of their source.
compiles() {
	mkdir "$1/tree" "$1/tree/tests"
	run_ 0 cp -r "$FUSE_EXT_SRC/include" "$1/tree/"
	run_ 0 cp -r "$FUSE_EXT_SRC/tests/servers" "$1/tree/tests/"
	run_ 0 make -s -j2 -C "$1/tree/tests/servers" OUT=out CFLAGS=-O1 "${@:2}"
}

build() {
	compiles "$FX/a" "${targets[@]}"
	trees_equal "$FX/host" "$FX/a" "$FX/below"
	# everything is up to date, also by the times
	run_ 0 make -q -C "$FX/a/tree/tests/servers" OUT=out CFLAGS=-O1 "${targets[@]}"
	run_ 0 touch "$FX/a/tree/tests/servers/fxclient.h"
	run_ 1 make -q -C "$FX/a/tree/tests/servers" OUT=out CFLAGS=-O1 "${targets[@]}"
}

# A compiler takes seconds for each file in an emulated machine.
@test "make -j2 of a C project: the same objects and programs as on the host's filesystem" {
	local times=no-times targets
	read -r -a targets <<<"$(long_or all "out/obj/client-locks.o out/obj/client-syncfs.o")"
	mkdir "$FX/host"
	compiles "$FX/host" "${targets[@]}"
	on_each build
}

# random_io SECONDS NAME: fxclient's, below and at $FX/a.
random_io() {
	run_ 0 fxclient random-io "$FX/a/$2" "$FX/below/$2" "$seed" "$1"
	log_line "seed $seed: $output"
}

short_io() {
	random_io "$(long_or 60 4)" first
}

long_io() {
	FX_LIMIT=1200 random_io "$(long_or 600 6)" first
}

@test "random I/O, and a model in memory" {
	local seed
	seed=${FUSE_EXT_SEED:-$EPOCHSECONDS}
	on_each long_io
}

@test "random I/O with a writeback cache" {
	local seed
	seed=${FUSE_EXT_SEED:-$EPOCHSECONDS}
	on_each short_io --writeback
}

@test "random I/O by one thread, libfuse's loop, and without caching attributes" {
	local seed
	seed=${FUSE_EXT_SEED:-$EPOCHSECONDS}
	passthrough --libfuse-loop --threads 1 --timeout 0
	random_io "$(long_or 60 2)" first
	passthrough_stop
}

@test "random I/O finds one wrong byte (the tests above can fail)" {
	passthrough
	run_ 1 fxclient random-io "$FX/a/file" "$FX/below/file" 1 100 spoil
	like "$output" "WRONG: data in operation 100 \(spoil\)" "what it says"
	passthrough_stop
}
