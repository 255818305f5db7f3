# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the scripts in tests/vm share: messages, the table of cells, the kernel
# of a root.  Sourced by them, never run; nothing here starts a machine.

FUSE_EXT_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
FUSE_EXT_CACHE=${FUSE_EXT_CACHE:-/var/cache/fuse-ext}
export FUSE_EXT_SRC FUSE_EXT_CACHE

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die MESSAGE: what is wrong, what it was tried on, what to do.
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

# The cells, one a line, in the order of the table.
cells() { awk '!/^#/ && NF { print $1 }' "$FUSE_EXT_SRC/tests/matrix"; }

# cell_read CELL: sets suite, extra, security, series, source, install.
cell_read() {
	local row
	row=$(awk -v cell="$1" '!/^#/ && $1 == cell' "$FUSE_EXT_SRC/tests/matrix")
	[ -n "$row" ] ||
		die "no cell '$1' in tests/matrix; it has: $(cells | tr '\n' ' ')"
	# shellcheck disable=SC2034  # used by the scripts that source this
	read -r _ suite extra security series source install <<<"$row"
}

# selected CELL: the suites that `make check` runs on it, one a line.
selected() {
	local stock=
	cell_read "$1"
	[ "$install" != chroot ] || stock=stock
	awk -v cell="$1" -v stock="$stock" '!/^#/ && NF {
		for (i = 2; i <= NF; i++)
			if ($i == cell || $i == stock) { print $1; next }
	}' "$FUSE_EXT_SRC/tests/selection"
}

# root_kernel ROOT: the version of the newest kernel image in a root.
root_kernel() {
	local image
	image=$(find "$1/boot" -maxdepth 1 -name 'vmlinuz-*' | sort -V | tail -n 1)
	[ -n "$image" ] || die "no kernel image in $1/boot; make the root anew with tests/vm/root"
	printf '%s\n' "${image##*/vmlinuz-}"
}

# on_debian: are this machine's packages Debian's?  There may be rpm as well.
on_debian() { [ -e /etc/debian_version ]; }

# need COMMAND...: every one of them is there, or tell how to get it.
need() {
	local command missing='' how='run tests/vm/setup as root'
	on_debian || how="install the packages of this distribution that have them"
	for command; do
		type -P "$command" >/dev/null || missing+=" $command"
	done
	[ -z "$missing" ] || die "missing on this machine:$missing; $how"
}

# root_hold ROOT: keeps tests/vm/root from removing it while this process, or
# one that inherits its descriptors, lives.
root_hold() {
	local hold
	[ -e "$1.lock" ] || return 0	# made by hand, not by tests/vm/root
	exec {hold}<"$1.lock"
	flock --shared "$hold"
}
