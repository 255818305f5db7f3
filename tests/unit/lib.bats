#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# libfuse-ext against a device made by hand (helpers/lib-device.c): what the
# server is asked, and every byte that goes back; and what is installed.  Not
# for the kernel's side.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
LIB=$TOP/lib
MAN=$LIB/libfuse-ext.3

setup_file() { make -s -C "$LIB" check-build; }

setup() {
	export LC_ALL=C.UTF-8
	export ASAN_OPTIONS=exitcode=99:detect_leaks=1 LSAN_OPTIONS=exitcode=99
	export UBSAN_OPTIONS=print_stacktrace=1:exitcode=99
}

fail() {
	echo "$1"
	return 1
}

# under LOOP... -- CASE...: all cases under all loops
under() {
	local loops=() loop name
	while [ "$1" != -- ]; do
		loops+=("$1")
		shift
	done
	shift
	for loop in "${loops[@]}"; do
		for name; do
			echo "lib-device $loop $name"
			run timeout 60 "$LIB/check-build.d/lib-device" "$loop" "$name"
			# libfuse 3.10 and 3.18 can't, and the library says why
			if [ "$status" -eq 77 ] && [[ $loop == libfuse* && $output == *own_loop* ]]; then
				continue
			fi
			[ "$status" -eq 0 ] || fail "exit status $status: $output"
		done
	done
}

everywhere() { under own own-mt libfuse libfuse-mt -- "$@"; }

functions() { sed -n 's/^\t\(fuse_ext_[a-z_]*\);$/\1/p' "$LIB/libfuse-ext.map"; }

@test "atomic_create: what doesn't exist is looked up, then created with O_EXCL, and said so" {
	everywhere created created-later
}

@test "atomic_create: what exists is looked up, and nothing else, whatever it is" {
	everywhere existed existed-later
}

@test "atomic_create: O_EXCL and exists is EEXIST, and the server forgets the lookup" {
	everywhere exclusive exclusive-later
}

@test "atomic_create: errors of lookup and create are the caller's; a wrong reply is EIO" {
	everywhere errors errors-later
}

@test "atomic_create: a file that appears in between is looked up again, not for ever" {
	everywhere race race-later
}

@test "atomic_create: a server's own callback, in one step" {
	everywhere atomic atomic-later
}

@test "atomic_create: more at a time than the library has sessions for" {
	everywhere many many-later
}

@test "atomic_create: INTERRUPT gets to the callback, and not to the next one" {
	everywhere interrupt
}

@test "atomic_create: if the reply is lost, the server's file is closed and forgotten" {
	everywhere lost
}

@test "atomic_create: the session is destroyed while a reply is to come" {
	everywhere destroyed
}

@test "requests that libfuse knows go through as they are" {
	everywhere stock
}

@test "syncfs: it is asked, and its result goes back" {
	everywhere syncfs
}

@test "malformed requests are EINVAL, never read past, and turn nothing off" {
	everywhere malformed short
}

@test "replies to open and create: FOPEN_SYNC_RELEASE once it was negotiated" {
	everywhere sync-release not-negotiated
}

@test "negotiate: what is missing is left out, and the reason told" {
	under own libfuse -- negotiate foreign
}

@test "notify_inval_files: the bytes" {
	under own -- notify
}

@test "sixteen sessions, each with its own operations, and no seventeenth" {
	under own -- sessions
}

@test "the library exports what the header declares, with a version, and nothing else" {
	local out=$BATS_TEST_TMPDIR/out
	make -s -C "$LIB" OUT="$out"
	[ "$(nm -D --defined-only "$out/libfuse-ext.so.0" | sed -n 's/.* T //p' | sort)" = \
		"$(functions | sed 's/$/@@FUSE_EXT_0.1/' | sort)" ]
	[ "$(grep -o 'fuse_ext_[a-z_]*(' "$LIB/fuse_ext.h" | tr -d '(' | sort -u)" = \
		"$(functions | sort)" ]
	[ "$(sed -n 's/^ \(fuse_ext_[a-z_]*\)@.*/\1/p' "$TOP/debian/libfuse-ext0.symbols" | sort)" = \
		"$(functions | sort)" ]
	readelf -d "$out/libfuse-ext.so.0" | grep -q 'soname: \[libfuse-ext.so.0\]'
	! readelf -lW "$out/libfuse-ext.so.0" | grep -q 'GNU_STACK.*RWE' || fail "executable stack"
}

@test "the header stands alone, in C and in C++" {
	local flags
	read -ra flags <<<"$(pkg-config --cflags fuse3)"
	# -xc++ -: nothing to install but the compiler
	echo '#include <fuse_ext.h>' |
		gcc -xc -std=gnu11 -Wall -Wextra -Werror -DFUSE_USE_VERSION=35 -D_FILE_OFFSET_BITS=64 \
			-I"$LIB" -I"$TOP/include" "${flags[@]}" -fsyntax-only -
	echo '#include <fuse_ext.h>' |
		g++ -xc++ -Wall -Wextra -Werror -DFUSE_USE_VERSION=35 -D_FILE_OFFSET_BITS=64 \
			-I"$LIB" -I"$TOP/include" "${flags[@]}" -fsyntax-only -
}

@test "install puts library, headers, pkg-config file and pages in place; the example builds with them" {
	local to=$BATS_TEST_TMPDIR/install out=$BATS_TEST_TMPDIR/out
	make -s -C "$LIB" OUT="$out" install PREFIX="$to"
	(cd "$to" && find . -type f -printf '%m %p\n' | sort) >"$BATS_TEST_TMPDIR/files"
	{
		echo "644 ./include/fuse-ext/fuse_ext.h"
		echo "644 ./include/linux/fuse_ext.h"
		echo "644 ./lib/libfuse-ext.so.0"
		echo "644 ./lib/pkgconfig/fuse-ext.pc"
		echo "644 ./share/man/man3/libfuse-ext.3"
		functions | sed 's|.*|644 ./share/man/man3/&.3|'
	} | sort | diff - "$BATS_TEST_TMPDIR/files"
	[ "$(readlink "$to/lib/libfuse-ext.so")" = libfuse-ext.so.0 ]
	export PKG_CONFIG_PATH=$to/lib/pkgconfig
	[ "$(pkg-config --modversion fuse-ext)" = "$(<"$TOP/VERSION")" ]
	make -s -C "$TOP/examples" INSTALLED=1 OUT="$BATS_TEST_TMPDIR" CFLAGS="-O2 -I$to/include"
	LD_LIBRARY_PATH=$to/lib "$BATS_TEST_TMPDIR/passthrough_ext" --help | grep -q '^Usage: '
	readelf -d "$BATS_TEST_TMPDIR/passthrough_ext" | grep -q 'NEEDED.*libfuse-ext.so.0'
}

@test "passthrough_ext: each kind of request, and nothing is left when all is forgotten" {
	local source options
	make -s -C "$TOP/examples" OUT="$BATS_TEST_TMPDIR" \
		CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
	for options in "" "--library-create" "--threads 1" "--writeback --flock"; do
		echo "passthrough_ext $options"
		source=$(mktemp -d -p "$BATS_TEST_TMPDIR")
		# shellcheck disable=SC2086 # it is several words
		run -0 timeout 120 "$LIB/check-build.d/lib-passthrough" \
			"$BATS_TEST_TMPDIR/passthrough_ext" "$source" $options
	done
}

@test "passthrough_ext: a wrong option, or a directory that isn't there" {
	make -s -C "$TOP/examples" OUT="$BATS_TEST_TMPDIR"
	run -2 "$BATS_TEST_TMPDIR/passthrough_ext" --wrong
	run -2 "$BATS_TEST_TMPDIR/passthrough_ext" /
	run -2 "$BATS_TEST_TMPDIR/passthrough_ext" --threads 0 / /
	run -1 "$BATS_TEST_TMPDIR/passthrough_ext" /nowhere /
	[[ $output == *"/nowhere: No such file"* ]]
}

@test "libfuse-ext(3): no warnings" {
	local warnings
	warnings=$(MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$MAN" 2>&1 >/dev/null)
	[ -z "$warnings" ] || fail "$warnings"
	warnings=$(groff -man -ww -Tutf8 "$MAN" 2>&1 >/dev/null)
	[ -z "$warnings" ] || fail "$warnings"
}

@test "libfuse-ext(3): every function with its prototype, every field, every error" {
	local text name
	text=$(MANWIDTH=200 man --nj -l "$MAN" | col -bx)
	for name in $(functions) atomic_create syncfs own_loop \
		$(grep -o '^ \*  -E[A-Z]*' "$LIB/fuse_ext.h" | grep -o 'E[A-Z]*' | sort -u) \
		FOPEN_SYNC_RELEASE FOPEN_FILE_CREATED; do
		grep -qw -- "$name" <<<"$text" || fail "not in the page: $name"
	done
	# the synopsis says what the header says
	man --nj -l "$MAN" | col -bx | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | tr -s '\n ' ' ' |
		grep -o 'fuse_ext_[a-z_]*([^()]*);' | tr -d ' ' | sort >"$BATS_TEST_TMPDIR/page"
	tr -s '\n\t ' ' ' <"$LIB/fuse_ext.h" | sed 's|/\*[^/]*\*/||g' |
		grep -o 'fuse_ext_[a-z_]*([^()]*);' | tr -d ' ' | sort >"$BATS_TEST_TMPDIR/header"
	diff "$BATS_TEST_TMPDIR/header" "$BATS_TEST_TMPDIR/page"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/page")" -eq "$(functions | wc -l)" ]
}

@test "libfuse-ext(3): its example compiles" {
	local program=$BATS_TEST_TMPDIR/example flags
	read -ra flags <<<"$(pkg-config --cflags --libs fuse3)"
	sed -n '/^\.SH EXAMPLES/,/^\.EE/p' "$MAN" | sed -e '1,/^\.EX/d' -e '/^\.EE/d' \
		-e 's/\\-/-/g' -e 's/\\e/\\/g' >"$program.c"
	grep -q 'int main' "$program.c" || fail "no example"
	make -s -C "$TOP/lib" OUT="$BATS_TEST_TMPDIR/out"
	gcc -std=gnu11 -Wall -Wextra -Werror -D_FILE_OFFSET_BITS=64 -I"$LIB" -I"$TOP/include" \
		-o "$program" "$program.c" -L"$BATS_TEST_TMPDIR/out" -lfuse-ext "${flags[@]}"
}
