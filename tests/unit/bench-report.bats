#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# bench/report judges what a benchmark has recorded, bench/page makes a page of it, and
# bench/run lists the benchmarks.  Nothing is measured here.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

setup() {
	OUT=$BATS_TEST_TMPDIR
	touch "$OUT"/{cases,samples,delays,figures-of,figures,series,points}
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
bench_report() { "$TOP/bench/report" name cell 6.1.0 "${clock:-instructions, 1 a ns}" "$OUT"; }

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

@test "bench/report: by the clock of the host there are no targets" {
	printf 'first\t191\tsome title\n' >"$OUT/cases"
	three_rounds first
	clock='of the host' reports 0
	is '.cases[0].met' null
}

@test "bench/report: what is needed at least is the time of the requests that a case names" {
	printf 'first\t-\tsome title\n' >"$OUT/cases"
	printf 'first\t0.5\tCREATE=1 WRITE=1.5\n' >"$OUT/delays"
	three_rounds first
	reports 0
	is '.cases[0].ideal' '{"requests_per_operation":{"CREATE":1,"WRITE":1.5},"ns_per_operation":1250000}'
	is '.cases[0].stock.ns_per_operation' 2000
	[[ $output == *"some title "*" 1.250 ms "* ]] || fail "$output"
	printf 'first\t0\tCREATE=1\n' >"$OUT/delays"
	reports 0
	is '.cases[0].ideal' null
}

@test "bench/report: figures, with a target that is met, and one that isn't" {
	printf '%s\t%s\tbytes\t%s\n' inode 102 'an inode' file - 'a file' >"$OUT/figures-of"
	printf '%s\t%s\t%s\n' inode stock 1000 inode stock 1010 inode stock 5000 \
		inode fuse_ext 1020 inode fuse_ext 1030 inode fuse_ext 1 \
		file stock 100 file fuse_ext 200 >"$OUT/figures"
	reports 0
	is '.figures[0].fuse_ext' 1020
	is '.figures[0].rounds.stock' '[1000,1010,5000]'
	is '.figures[1].met' null
	sed -i 's/102/100/' "$OUT/figures-of"
	reports 1
	[[ $output == *"MISSED: an inode: 1.01 x stock, at most 1 x wanted"* ]] || fail "$output"
}

@test "bench/report: the exponent of what grows as the number, its square, and not at all" {
	local number
	printf '%s\tfiles\t%s\n' line 'a line' square 'a square' flat 'nothing' >"$OUT/series"
	for number in 1 10 100 1000; do
		printf '%s\tfuse_ext\t%s\t%s\n' line $number $((number * 7)) \
			square $number $((number * number)) flat $number 5 >>"$OUT/points"
	done
	reports 0
	is '[.series[].fuse_ext.exponent * 1000 | round]' '[1000,2000,0]'
	printf 'flat\tfuse_ext\t10\t%s\n' 4 9 >>"$OUT/points"
	reports 0
	is '.series[2].fuse_ext.points[1]' '{"x":10,"ns":5,"min":4,"max":9}'
}

@test "bench/repeated: the rows of two runs that differ; it fails where a ratio does" {
	local first=$OUT/first.json row stock differ
	for row in same same-too other; do
		printf '%s\t-\ttitle of %s\n' $row $row >>"$OUT/cases"
		pair $row 1 100000 100000
	done
	reports 0
	cp "$OUT/result.json" "$first"
	# stock's and ours slower than before, or ours alone
	for stock in 102000 100000; do
		differ='2 %, 2 %, 0 %'
		[ $stock = 102000 ] || differ='0 %, 2 %, 1.96 %'
		: >"$OUT/samples"
		pair same 1 100000 100000
		pair same-too 1 100000 100000
		pair other 1 $stock 102000
		reports 0
		run "$TOP/bench/repeated" "$first" "$OUT/result.json"
		[[ $output == *"- title of other: $differ"* ]] || fail "$output"
		[[ $output != *"title of same"* ]] || fail "$output"
		[ "$status" -eq $((stock == 100000)) ] || fail "exit status $status: $output"
	done
	[[ $output == *"their ratios by 0 % (met) and 1.96 % (missed)."* ]] || fail "$output"
}

@test "bench/page: what was measured is there, and what wasn't is said not to be" {
	local results=$OUT/results docs=$OUT/docs
	run "$TOP/bench/page" "$results" "$docs"
	[ "$status" -eq 1 ] || fail "no results: $output"
	[[ $output == *"no result in"* ]] || fail "$output"
	printf 'now-1\t99\tsome title; 1 thread\n' >"$OUT/cases"
	three_rounds now-1
	reports 0
	mkdir -p "$results/cost/cell"
	cp "$OUT/result.json" "$results/cost/cell/"
	run "$TOP/bench/page" "$results" "$docs"
	[ "$status" -eq 0 ] || fail "$output"
	grep -qF '| some title; 1 thread | 2000 | 0.526 (0.500–0.667) |' "$docs/benchmarks.md" ||
		fail "$(<"$docs/benchmarks.md")"
	grep -qF 'has it' "$docs/benchmarks.md" || grep -qF 'have it' "$docs/benchmarks.md"
	[ "$(grep -c '^Not run.$' "$docs/benchmarks.md")" -eq 5 ]
	grep -q '<svg' "$docs/benchmarks/cost.svg"
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
