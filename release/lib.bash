# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the scripts in release/ share: messages, versions, and the places where a
# version stands.  Sourced; builds and changes nothing.

FUSE_EXT_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export FUSE_EXT_SRC

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
	say "$*"
	exit 1
}

usage_error() {
	say "$*"
	say "Run '$0 --help' for the synopsis."
	exit 2
}

# print_help FILE: the comment block at the top of a script is its help.
print_help() { sed -n '/^# Usage:/,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$1"; }

is_version() { [[ $1 =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; }

tree_version() { head -n 1 "$FUSE_EXT_SRC/VERSION"; }

# places: where the version stands a second time, as "FILE VERSION", since the
# tools that read these files can't read VERSION.
places() {
	printf 'dkms.conf %s\n' \
		"$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$FUSE_EXT_SRC/dkms.conf")"
	printf 'debian/changelog %s\n' \
		"$(sed -n '1s/^fuse-ext (\(.*\)) .*/\1/p' "$FUSE_EXT_SRC/debian/changelog")"
	printf 'rpm/fuse-ext.spec %s\n' \
		"$(sed -n 's/^Version: *\(.*\)$/\1/p' "$FUSE_EXT_SRC/rpm/fuse-ext.spec")"
	printf 'rpm/fuse-ext.spec(%%changelog) %s\n' \
		"$(sed -n '/^%changelog/,$s/^\* .*> - \(.*\)-[0-9]*$/\1/p' "$FUSE_EXT_SRC/rpm/fuse-ext.spec" | head -n 1)"
	printf 'CHANGELOG %s\n' \
		"$(sed -n 's/^\([0-9][0-9.]*\) (.*)$/\1/p' "$FUSE_EXT_SRC/CHANGELOG" | head -n 1)"
}

# changelog_date: that of the newest entry of CHANGELOG, or "not released".
changelog_date() {
	sed -n 's/^[0-9][0-9.]* (\(.*\))$/\1/p' "$FUSE_EXT_SRC/CHANGELOG" | head -n 1
}

# changelog_entry VERSION: its text, without the heading.
changelog_entry() {
	awk -v version="$1" '
		/^[0-9][0-9.]* \(/ { on = $1 == version; next }
		on' "$FUSE_EXT_SRC/CHANGELOG"
}

# release_date: the moment that is in all that is built: of debian/changelog.
release_date() {
	local date
	date=$(sed -n 's/^ -- .*>  \(.*\)$/\1/p' "$FUSE_EXT_SRC/debian/changelog" | head -n 1)
	[ -n "$date" ] || die "debian/changelog has no date in its first entry"
	date --date "$date" +%s
}
