#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fuse_ext(4): it is clean, and names what the module has.  The names are read
# from the source, so that none is forgotten.  Not for fusectl(8), see
# fusectl-usage.bats.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
MAN=$TOP/docs/fuse_ext.4

setup() { export LC_ALL=C.UTF-8; }

fail() {
	echo "$1"
	return 1
}

# As it is read, without bold and italics, and with single spaces between words.
man_text() { MANWIDTH=200 man --nj -l "$MAN" | col -bx; }

# section HEADING: what stands below it, up to the next one of its kind
section() {
	man_text | awk -v heading="$1" '
		{ level = /^[^ ]/ ? 1 : /^   [^ ]/ ? 2 : 0 }
		on && level && level <= on { exit }
		{ text = $0; sub(/^ +/, "", text) }
		on { print }
		level && text == heading { on = level }'
}

# strings FILE TABLE: the strings in an initializer of a table
strings() {
	sed -n "/ $2\[.*= {\$/,/^};/p" "$TOP/src/$1" | grep -o '"[a-z_]*"' | tr -d '"'
}

# has TEXT NAMES WHAT: each name is a word of the text, and there is one at all
has() {
	local name
	[ -n "$2" ] || fail "the source has no $3"
	for name in $2; do
		grep -qE "(^|[^A-Za-z_])$name([^A-Za-z_]|\$)" <<<"$1" || fail "no $3 $name"
	done
}

@test "fuse_ext(4): no warnings" {
	local warnings
	warnings=$(MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$MAN" 2>&1 >/dev/null)
	[ -z "$warnings" ] || fail "$warnings"
	warnings=$(groff -man -ww -Tutf8 "$MAN" 2>&1 >/dev/null)
	[ -z "$warnings" ] || fail "$warnings"
}

@test "fuse_ext(4): every toggle, value and source" {
	local text
	text=$(section TOGGLES)
	has "$text" "$(strings toggle.c fuse_ext_toggles)" toggle
	has "$text" "$(strings toggle.c value_names)" value
	has "$text" disable_sync_release "mount option"
	has "$(section ext_state)" "connection mount module server" source
}

@test "fuse_ext(4): every counter, and none that isn't there" {
	local text listed counters
	text=$(section ext_stats)
	counters=$(strings connection.c counter_names)
	has "$text" "$counters" counter
	# the tags of the paragraphs in the page's source
	listed=$(sed -n '/^\.SS ext_stats/,/^\.SH/p' "$MAN" |
		sed -n '/^\.TP/{n;s/^\.I //p;}' | sort)
	[ "$listed" = "$(sort <<<"$counters")" ] || fail "listed: ${listed//$'\n'/ }"
}

@test "fuse_ext(4): every name and size of the private ABI" {
	local text names
	text=$(man_text)
	names=$(sed -n 's/^#define \(F[A-Z_]*\)[[:space:]].*/\1/p' "$TOP/include/linux/fuse_ext.h")
	has "$text" "$names" "name of <linux/fuse_ext.h>"
	has "$(section FUSE_EXT_IOC_NEGOTIATE)" "ENOTTY ENOTCONN EINVAL EFAULT 0xC020E5F0" "word"
}

@test "fuse_ext(4): its example compiles, and the ioctl's number is right" {
	local program=$BATS_TEST_TMPDIR/example
	{
		section Example | sed -n '/#include/,/^ *ask(/p' | sed '$d'
		cat <<-'END'
			_Static_assert(FUSE_EXT_IOC_NEGOTIATE == 0xC020E5F0, "number");
			_Static_assert(sizeof(struct fuse_ext_ioc) == 32, "size");
			int main(void) { return ask(-1, FUSE_EXT_SYNCFS) != -1; }
		END
	} >"$program.c"
	grep -q 'static long long ask' "$program.c" || fail "no example"
	gcc -std=gnu11 -Wall -Wextra -Werror -I"$TOP/include" -o "$program" "$program.c"
	"$program"
}

@test "fuse_ext(4): it is in the package of the module" {
	grep -qxF "${MAN#"$TOP"/}" "$TOP/debian/fuse-ext-dkms.manpages"
}
