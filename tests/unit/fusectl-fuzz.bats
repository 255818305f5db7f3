#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The fuzz targets of fusectl's parsers on their corpus and on earlier findings,
# with gcc's sanitizers.  Not for new findings: make fuzz-fusectl.

FUZZ=$BATS_TEST_DIRNAME/../fuzz/fusectl

@test "each fuzz target takes its corpus and the earlier findings" {
	export ASAN_OPTIONS=detect_leaks=1
	make -s -C "$FUZZ" check
}

@test "each fuzz target has a corpus" {
	local source
	for source in "$FUZZ"/*.c; do
		source=$(basename "$source" .c)
		[[ $source != fuzz && $source != run ]] || continue
		[[ -n $(ls "$FUZZ/corpus/$source") ]] || return 1
	done
}
