#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# docs/waits.md: no wait and no lock of src is left out, each has a test, and the tests
# that it names are there.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
}

# waits_of FOLDER: "FILE FUNCTION" of each wait and each lock that may sleep; what of
# stock's waits for a server, if we call it, is one.
waits_of() {
	local file
	for file in "$1"/*.[ch]; do
		awk -v file="${file##*/}" '
			/^[a-z].*[a-z_0-9]\(/ {
				name = $0
				sub(/\(.*/, "", name)
				sub(/.*[ *]/, "", name)
			}
			/^ \*/ || /^\t*\/?\*/ { next }
			/wait_(var_)?event|wait_for_completion|wait_on_|schedule\(|msleep|synchronize_/ ||
			/fuse_ext_wait_killable|fuse_simple_(idmap_)?request|fuse_sync_release|write_inode_now/ ||
			/invalidate_inode_pages|truncate_(inode_)?page/ ||
			/mutex_lock|down_(read|write)|flush_(work|workqueue)|cancel_(delayed_)?work_sync|drain_workqueue|destroy_workqueue/ {
				print file, name
			}' "$file"
	done | sort -u
}

missing() { # FOLDER
	local file name
	while read -r file name; do
		grep -qF "$file \`$name\`" "$TOP/docs/waits.md" || echo "$file $name"
	done < <(waits_of "$1")
}

@test "waits: every wait and lock of src is in docs/waits.md" {
	[ "$(waits_of "$TOP/src" | wc -l)" -ge 25 ]
	[ "$(missing "$TOP/src")" = "" ]
}

@test "waits: one that isn't would be found" {
	printf 'static void new_one(void)\n{\n\twait_for_completion(&done);\n}\n' >"$BATS_TEST_TMPDIR/new.c"
	[ "$(missing "$BATS_TEST_TMPDIR")" = "new.c new_one" ]
	printf 'int ask(void)\n{\n\treturn fuse_simple_request(fm, &args);\n}\n' >"$BATS_TEST_TMPDIR/new.c"
	[ "$(missing "$BATS_TEST_TMPDIR")" = "new.c ask" ]
}

# section NAME FILE
section() {
	awk -v name="## $1" '/^## / { inside = $0 == name } inside' "$2"
}

# rows NAME FILE: of its table.
rows() {
	section "$1" "$2" | grep '^|' | tail -n +3
}

# untested FILE: the rows that don't say what ends the wait, or on which debug run lockdep
# has seen the lock.
untested() {
	local name suite
	for name in "Waits for the server" "Waits at the end of a mount"; do
		rows "$name" "$1" | grep -vE '[|] ([0-9]{3} "[^"|]*"|the same) [|]$'
	done
	while read -r suite; do
		[ "$suite" != none: ] || continue
		grep -qE "^$suite-.* debug-6.12( |$)" "$TOP/tests/selection" || echo "suite $suite"
	done < <(rows Locks "$1" | sed -E 's/.*[|] ([^ ]*)( [^|]*)? [|]$/\1/')
}

@test "waits: each has a test, and each lock a debug run" {
	[ "$(rows Locks "$TOP/docs/waits.md" | wc -l)" -ge 10 ]
	[ "$(untested "$TOP/docs/waits.md")" = "" ]
}

@test "waits: one without would be found, and a lock without" {
	sed -e 's/ [|] 362 "SIGKILL ends an open(2) that waits" [|]$/ | 362 |/' \
		-e 's/ [|] 361 [|]$/ | 341 |/' "$TOP/docs/waits.md" >"$BATS_TEST_TMPDIR/waits.md"
	run untested "$BATS_TEST_TMPDIR/waits.md"
	[ ${#lines[@]} -eq 2 ]
	[[ ${lines[0]} == *wait_until_idle* ]]
	[ "${lines[1]}" = "suite 341" ]
}

# incomplete FILE: the waits for the server of which "What comes between" doesn't name what
# ends them with the server stopped, after umount -l, and in the freezers.  The first two
# are the same call's, in 810, and no other row's.
incomplete() {
	local where
	# shellcheck disable=SC2016  # a code span's
	rows "Waits for the server" "$1" | sed -n 's/^| \([a-z].*`\) |.*/\1/p' | sort -u | cut -d'|' -f1 |
		sed 's/ *$//' | while read -r where; do
			rows "What comes between" "$1" | awk -F ' *[|] *' -v where="$where" '
				{
					call = $3
					sub(/: .*/, ": ", call)
					if (call ~ /^810 "/)
						calls[call]++
				}
				$2 == where && $3 ~ /^(810 "|the same)/ && index($4, call) == 1 &&
					$5 ~ /^(820 "|the same)/ { own = call; found = 1 }
				END { exit !found || calls[own] > 1 }' || echo "$where"
		done
}

@test "waits: each wait for the server has a row in what comes between" {
	[ "$(section "Waits for the server" "$TOP/docs/waits.md" | grep -c '^| [a-z_]*\.[ch] `')" -ge 13 ]
	[ "$(incomplete "$TOP/docs/waits.md")" = "" ]
}

@test "waits: one without would be found" {
	# shellcheck disable=SC2016  # as above
	sed '/^## What comes between/,/^## / { /`send_syncfs`/d }' "$TOP/docs/waits.md" \
		>"$BATS_TEST_TMPDIR/waits.md"
	[ "$(incomplete "$BATS_TEST_TMPDIR/waits.md")" = "syncfs.c \`send_syncfs\`" ]
}

@test "waits: every test that is named is there" {
	local suite name count=0
	while IFS='|' read -r suite name; do
		grep -qF "@test \"$name\" {" "$TOP/tests/suite/$suite"-*.bats || {
			echo "no test \"$name\" in suite $suite"
			return 1
		}
		count=$((count + 1))
	done < <(tr '\n' ' ' <"$TOP/docs/waits.md" | grep -oE '[0-9]{3} "[^"]*"' | sed 's/ "/|/; s/"$//')
	[ $count -ge 60 ]
}
