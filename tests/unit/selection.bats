#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# tests/selection: no suite is forgotten, and no row means nothing.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	# shellcheck source=tests/vm/lib.bash
	. "$TOP/tests/vm/lib.bash"
}

rows() { awk '!/^#/ && NF { print $1 }' "$TOP/tests/selection"; }

@test "selection: every suite has one row, and each row a suite" {
	diff <(cd "$TOP/tests/suite" && for file in [0-9]*.bats; do echo "${file%.bats}"; done) <(rows)
}

@test "selection: every row names a cell, and only cells that there are" {
	awk '!/^#/ && NF { if (NF == 1) print $1; for (i = 2; i <= NF; i++) print $i }' "$TOP/tests/selection" |
		grep -vxF stock | sort -u >"$BATS_TEST_TMPDIR/named"
	cells | sort >"$BATS_TEST_TMPDIR/cells"
	[ -s "$BATS_TEST_TMPDIR/named" ]
	[ -z "$(comm -23 "$BATS_TEST_TMPDIR/named" "$BATS_TEST_TMPDIR/cells")" ]
}

lacks() { # SUITE FILE
	if grep -qx "$1" "$2"; then
		return 1
	fi
}

@test "selection: a stock kernel has what all have, and others' only where named" {
	selected debian-12 >"$BATS_TEST_TMPDIR/12"
	grep -qx 200-wire "$BATS_TEST_TMPDIR/12"
	grep -qx 120-mounts "$BATS_TEST_TMPDIR/12"
	lacks 800-faults "$BATS_TEST_TMPDIR/12"
	selected debug-6.12 >"$BATS_TEST_TMPDIR/debug"
	grep -qx 800-faults "$BATS_TEST_TMPDIR/debug"
	lacks 200-wire "$BATS_TEST_TMPDIR/debug"
}
