#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# docs/waits.md: no wait and no lock of src is left out, and the tests that it names
# are there.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
}

# waits_of FOLDER: "FILE FUNCTION" of each wait and each lock that may sleep.
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
	[ "$(waits_of "$TOP/src" | wc -l)" -ge 15 ]
	[ "$(missing "$TOP/src")" = "" ]
}

@test "waits: one that isn't would be found" {
	printf 'static void new_one(void)\n{\n\twait_for_completion(&done);\n}\n' >"$BATS_TEST_TMPDIR/new.c"
	[ "$(missing "$BATS_TEST_TMPDIR")" = "new.c new_one" ]
}

# section NAME FILE
section() {
	awk -v name="## $1" '/^## / { inside = $0 == name } inside' "$2"
}

# incomplete FILE: the waits for the server of which "What comes between" doesn't name what
# ends them with the server stopped, after umount -l, and in the freezers.
incomplete() {
	local where
	# shellcheck disable=SC2016  # a code span's
	section "Waits for the server" "$1" | sed -n 's/^| \([a-z].*`\) |.*/\1/p' | sort -u | cut -d'|' -f1 |
		sed 's/ *$//' | while read -r where; do
			section "What comes between" "$1" | awk -F ' *[|] *' -v where="$where" '
				$2 == where && $3 ~ /^(810 "|the same)/ && $4 ~ /^(810 "|the same)/ &&
					$5 ~ /^(820 "|the same)/ { found = 1 }
				END { exit !found }' || echo "$where"
		done
}

@test "waits: each wait for the server has a row in what comes between" {
	[ "$(section "Waits for the server" "$TOP/docs/waits.md" | grep -c '^| [a-z_]*\.c `')" -ge 7 ]
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
	[ $count -ge 20 ]
}
