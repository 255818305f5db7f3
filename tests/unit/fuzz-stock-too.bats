#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# tests/fuzz/protocol/stock-too with an in-cell that finds what it is told to find.

setup() {
	PROTOCOL=$BATS_TEST_DIRNAME/../fuzz/protocol
	here=$BATS_TEST_TMPDIR/tests/fuzz/protocol
	mkdir -p "$here" "$BATS_TEST_TMPDIR/build/a-cell"
	cp "$PROTOCOL/stock-too" "$PROTOCOL/finding.bash" "$here"
	cat >"$here/in-cell" <<-'END'
		#!/bin/bash
		echo "$*" >>"$BATS_TEST_TMPDIR/runs"
		what=$ours
		[ "$1" = --last ] || what=$stock
		[ -n "$what" ] || exit 0
		echo "FINDING: seed 7: $what"
		echo "again: make fuzz CELL=a-cell FUZZ='--seed 7 --rounds 1'"
		[ -z "$beside" ] || echo "with those beside it: make fuzz CELL=a-cell FUZZ='$beside'"
		exit 1
	END
	chmod 755 "$here/in-cell"
	export ours='process 12 is there' stock='' beside=''
}

# whose EXPECTED: the first line of the file.
whose() {
	run "$here/stock-too" a-cell
	[ "$status" -eq 0 ]
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/build/a-cell/findings")" = "$1" ]
}

@test "what the stock driver has as well, but for the numbers, is said so" {
	stock='process 345 is there'
	whose "stock too"
	[ "$(grep -c '^FINDING' "$BATS_TEST_TMPDIR/build/a-cell/findings")" -eq 2 ]
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/runs")" = "--stock a-cell --seed 7 --rounds 1" ]
}

@test "what it doesn't have, and where it has another, is ours" {
	whose ours
	stock='the kernel says: BUG'
	whose ours
}

@test "a cell that fails proves nothing" {
	stock='the kernel says: the cell failed'
	whose "not known"
}

@test "the rounds beside it are run, too" {
	beside='--seed 6 --rounds 2 --jobs 2'
	whose ours
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/runs")" = "--stock a-cell $beside" ]
}

@test "nothing was found: status 1, and no machine" {
	ours=''
	run "$here/stock-too" a-cell
	[ "$status" -eq 1 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/runs")" -eq 1 ]
}
