#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# tests/fuzz/protocol/minimise with a command that finds what it is told to find.
# With fxfuzz itself it is suite 520's.

MINIMISE=$BATS_TEST_DIRNAME/../fuzz/protocol/minimise

# finder: takes fxfuzz's options, and finds something where the kinds of wrong in
# $needs, $clients_least and $round_least are given; each run is a line of runs.
setup() {
	cat >"$BATS_TEST_TMPDIR/finder" <<-'END'
		#!/bin/bash
		wrong=all clients=6 round=5000 seed=1
		echo "$*" >>"$BATS_TEST_TMPDIR/runs"
		while [ $# -gt 1 ]; do
			case $1 in
			--wrong | --clients | --round | --seed) printf -v "${1#--}" '%s' "$2" ;;
			esac
			shift
		done
		[ $wrong != all ] || wrong=error,short,long,bytes,init
		what="process $RANDOM is there"
		for word in $needs; do
			[[ ,$wrong, = *,$word,* ]] || what=$otherwise
		done
		[ "$clients" -ge "$clients_least" ] && [ "$round" -ge "$round_least" ] || what=$otherwise
		[ -n "$what" ] || exit 0
		echo "FINDING: seed $seed: $what"
		echo "again: make fuzz FUZZ='--seed $seed --rounds 1 --round $round --clients $clients --wrong $wrong'"
		exit 1
	END
	chmod 755 "$BATS_TEST_TMPDIR/finder"
	export needs='long init' clients_least=2 round_least=100 otherwise=''
}

@test "what the finding needs is left, and nothing else" {
	run "$MINIMISE" --tries 1 "$BATS_TEST_TMPDIR/finder" --seed 7 --wrong error,long,late,init
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "--jobs 1 --seed 7 --rounds 1 --wrong long,init --clients 2 --round 156" ]
}

@test "a finding that needs nothing wrong, and one client" {
	needs='' clients_least=1 round_least=1
	run "$MINIMISE" --tries 1 "$BATS_TEST_TMPDIR/finder" --wrong error,long
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "--jobs 1 --seed 1 --rounds 1 --wrong none --clients 1 --round 9" ]
}

@test "another finding doesn't count" {
	otherwise='the kernel says: BUG'
	run "$MINIMISE" --tries 1 "$BATS_TEST_TMPDIR/finder" --wrong error,long,init
	[ "$status" -eq 0 ]
	[[ "${lines[-1]}" = *" --wrong long,init --clients 2 "* ]]
}

@test "what isn't found is tried as often as was said, and has status 1" {
	run "$MINIMISE" --tries 4 "$BATS_TEST_TMPDIR/finder" --wrong error
	[ "$status" -eq 1 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/runs")" -eq 4 ]
}

@test "no command: usage" {
	run "$MINIMISE"
	[ "$status" -eq 2 ]
}
