#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What each file says of its licence is what debian/copyright and the rpm's spec say
# of it, and the texts of the licences are there.

setup() {
	bats_require_minimum_version 1.5.0
	cd "$BATS_TEST_DIRNAME/../.." || return
}

# files: those of the tree, with and without git.
files() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files
	else
		cat .files
	fi
}

# licence_of FILE: by debian/copyright.
licence_of() {
	case $1 in
	include/linux/fuse_ext.h) echo "((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause)" ;;
	lib/*) echo LGPL-2.1 ;;
	*) echo GPL-2.0 ;;
	esac
}

@test "each file's SPDX line names the licence that debian/copyright has for it" {
	local file found wrong=
	while read -r file; do
		[ -f "$file" ] || continue
		found=$(sed -n '1,4s/^.*SPDX-License-Identifier: *\([^*]*[^* ]\).*$/\1/p' "$file" | head -n 1)
		[ -z "$found" ] || [ "$found" = "$(licence_of "$file")" ] || wrong+="$file: $found"$'\n'
	done < <(files)
	printf '%s' "$wrong"
	[ -z "$wrong" ]
}

@test "each source and script has such a line" {
	local file wrong=
	while read -r file; do
		[ -f "$file" ] || continue
		case $file in
		*.c | *.h | *.bats | *.postinst | *.postrm | *.prerm | */Makefile | Makefile) ;;
		*) head -c 2 "$file" | grep -q '^#!' || continue ;;
		esac
		head -n 4 "$file" | grep -q 'SPDX-License-Identifier: ' || wrong+="$file"$'\n'
	done < <(files)
	printf '%s' "$wrong"
	[ -z "$wrong" ]
}

# by_copyright LICENCE: its paragraph, as text.
by_copyright() {
	awk -v licence="License: $1" '!$0 { on = 0 } on { sub(/^ \.?/, ""); print } $0 == licence { on = 1 }' \
		debian/copyright
}

@test "the texts in LICENSES are those in debian/copyright, and the rpms have them" {
	diff <(by_copyright BSD-2-Clause) <(tail -n +3 LICENSES/BSD-2-Clause)
	diff <(by_copyright GPL-2.0-Linux-syscall-note | tail -n +3) <(tail -n +4 LICENSES/Linux-syscall-note)
	if [ -d /usr/share/common-licenses ]; then
		cmp LICENSES/GPL-2.0 /usr/share/common-licenses/GPL-2
		cmp LICENSES/LGPL-2.1 /usr/share/common-licenses/LGPL-2.1
	fi
	for licence in LICENSES/*; do
		grep -q "^%license.*$licence" rpm/fuse-ext.spec
	done
}

@test "debian/copyright has these files and licences, and their texts are here" {
	grep -qx 'Files: lib/\*' debian/copyright
	grep -qx 'Files: include/linux/fuse_ext.h' debian/copyright
	grep -qx 'License: GPL-2.0-Linux-syscall-note or BSD-2-Clause' debian/copyright
	for licence in GPL-2.0 LGPL-2.1; do
		grep -qx "License: $licence" debian/copyright
		[ -s "LICENSES/$licence" ]
	done
	# every licence that is named has a paragraph
	while read -r licence; do
		[ "$(grep -cx "License: $licence" debian/copyright)" -ge 1 ]
	done < <(sed -n 's/^License: //p' debian/copyright | sed 's/ or /\n/g' | sort -u)
}
