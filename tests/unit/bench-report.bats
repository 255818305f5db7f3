#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# bench/report judges what a benchmark has recorded, and bench/run lists the
# benchmarks.  Nothing is measured here.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

setup() {
	OUT=$BATS_TEST_TMPDIR
	: >"$OUT/cases"
	: >"$OUT/samples"
	printf '%s\t%s\t%s\n' stock 1 1050000 fuse_ext 1 1040000 >"$OUT/requests"
}

fail() {
	echo "$1"
	return 1
}

# pair CASE ROUND STOCK-NS OURS-NS: a round of 100 operations on each driver.
pair() {
	printf '%s\t%s\tstock\t1\t100\t%s\tLOOKUP=100 CREATE=100\n' "$1" "$2" "$3" >>"$OUT/samples"
	printf '%s\t%s\tfuse_ext\t1\t100\t%s\tATOMIC_CREATE=100\n' "$1" "$2" "$4" >>"$OUT/samples"
}

# three_rounds CASE: the ratios are 1.5, 2 and 1.9.
three_rounds() {
	pair "$1" 1 150000 100000
	pair "$1" 2 200000 100000
	pair "$1" 3 380000 200000
}

reports() { # STATUS
	run bench_report
	[ "$status" -eq "$1" ] || fail "exit status $status: $output"
}
bench_report() { "$TOP/bench/report" name cell 6.1.0 "$OUT"; }

is() { # FILTER EXPECTED
	local value
	value=$(jq --compact-output "$1" "$OUT/result.json")
	[ "$value" = "$2" ] || fail "$1 is $value, expected $2"
}

@test "bench/report: the median of the ratios, what they range over, requests" {
	printf 'first\t-\tsome title\n' >"$OUT/cases"
	three_rounds first
	reports 0
	is '.cases[0].ratio' '{"median":1.9,"min":1.5,"max":2}'
	is '.cases[0].stock.per_second' 500000
	is '.cases[0].fuse_ext.request_ns' 1040000
	is '.cases[0].stock.requests_per_operation' '{"CREATE":1,"LOOKUP":1}'
	is '.cases[0].met' null
	is '.samples | length' 6
	[[ $output == *"some title "*" 1.900 (1.500-2.000)"* ]] || fail "$output"
	[[ $output != *met:* && $output != *MISSED:* ]] || fail "a verdict without a target: $output"
}

@test "bench/report: a target that is met, and one that isn't" {
	printf '%s\t%s\t%s\n' first 190 'some title' >"$OUT/cases"
	three_rounds first
	reports 0
	[[ $output == *"met:    some title: 1.9 x stock, at least 1.9 x wanted"* ]] || fail "$output"
	printf '%s\t%s\t%s\n' second 191 'another title' >>"$OUT/cases"
	three_rounds second
	reports 1
	[[ $output == *"met:    some title"*"MISSED: another title: 1.9 x stock"* ]] || fail "$output"
	is '[.cases[].met]' '[true,false]'
}

@test "bench/report: a round without its twin, or no round, is an error" {
	printf 'first\t-\tsome title\n' >"$OUT/cases"
	run bench_report
	[ "$status" -ne 0 ] || fail "no samples: $output"
	three_rounds first
	sed -i '$d' "$OUT/samples"
	run bench_report
	[ "$status" -ne 0 ] || fail "a sample is missing: $output"
	[[ $output != *"some title"* ]] || fail "$output"
}

@test "bench/run: a benchmark that isn't there: a list of those that are" {
	local name
	for name in '' unknown report guest.bash; do
		run "$TOP/bench/run" "$name" debian-13
		[ "$status" -eq 2 ] || fail "exit status $status: $output"
		[[ $output == *"no benchmark '$name'"*"  create "* ]] || fail "$output"
	done
}
