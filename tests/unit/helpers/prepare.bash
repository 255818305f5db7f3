# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For tests of src/prepare: small invented source trees, hooks for them, and a
# machine's root directory to put them in.  Nothing of a real kernel.

bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
# shellcheck disable=SC2034 # for the tests
prepare=$top/src/prepare

# What each test starts with: an empty machine that calls itself Debian, hooks
# for series 6.12, and the kernel 6.12.7-amd64 with headers.
setup_machine() {
	export FUSE_EXT_SYSROOT=$BATS_TEST_TMPDIR/root
	export FUSE_EXT_HOOKS=$BATS_TEST_TMPDIR/hooks
	export FUSE_EXT_PREPARE_CACHE=$BATS_TEST_TMPDIR/cache
	unset FUSE_EXT_SOURCE
	root=$FUSE_EXT_SYSROOT
	kernel=6.12.7-amd64
	out=$BATS_TEST_TMPDIR/work/fs
	mkdir -p "$root/usr/src" "$root/etc" "$root/var/lib/dpkg/info" \
		"$root/lib/modules/$kernel/build" "$BATS_TEST_TMPDIR/work"
	: >"$root/var/lib/dpkg/status"
	make_release debian bookworm
	make_version 6.12.7 >"$root/lib/modules/$kernel/build/Makefile"
	make_tree "$BATS_TEST_TMPDIR/linux-6.12.7" 6.12.7
	make_hooks
}

make_release() {
	printf 'ID=%s\nVERSION_CODENAME=%s\n' "$1" "${2:-none}" >"$root/etc/os-release"
}

make_version() {
	local v

	IFS=. read -ra v <<<"$1"
	printf '# test\nVERSION = %s\nPATCHLEVEL = %s\nSUBLEVEL = %s\nEXTRAVERSION =\n' \
		"${v[0]}" "${v[1]}" "${v[2]}"
}

# make_tree DIR VERSION
make_tree() {
	local dir=$1

	mkdir -p "$dir/fs/fuse" "$dir/fs/other" "$dir/tools"
	make_version "$2" >"$dir/Makefile"
	echo 'not wanted' >"$dir/fs/other/Makefile"
	echo 'not wanted' >"$dir/tools/Makefile"
	# shellcheck disable=SC2016 # for make
	echo 'obj-$(CONFIG_FUSE_FS) += fuse.o' >"$dir/fs/fuse/Makefile"
	echo 'config FUSE_FS' >"$dir/fs/fuse/Kconfig"
	cat >"$dir/fs/fuse/fuse_i.h" <<'EOF'
/* A header of no kernel. */
struct pot {
	int litres;
	int warm;
};

struct cup {
	int colour;
};

int pot_heat(struct pot *pot);
EOF
	cat >"$dir/fs/fuse/inode.c" <<'EOF'
/* A file of no kernel. */
#include "fuse_i.h"

int pot_heat(struct pot *pot)
{
	pot->warm = 1;
	return 0;
}
EOF
	cat >"$dir/fs/fuse/file.c" <<'EOF'
/* A file of no kernel. */
#include "fuse_i.h"

static int tea_pour(struct pot *pot)
{
	int err = pot_heat(pot);

	if (err)
		return err;
	return pot->litres;
}

static int coffee_pour(struct pot *pot)
{
	int cups = 2;

	cups += pot->litres;
	return cups;
}
EOF
}

# Hooks in tea_pour() and struct pot, as a patch for series 6.12.
make_hooks() {
	mkdir -p "$FUSE_EXT_HOOKS"
	printf '# a comment\n6.12\t6.12\n' >"$FUSE_EXT_HOOKS/series"
	cat >"$FUSE_EXT_HOOKS/6.12.patch" <<'EOF'
--- a/fs/fuse/file.c
+++ b/fs/fuse/file.c
@@ -9,2 +9,3 @@ tea_pour
 		return err;
+	fuse_ext_pour(pot);
 	return pot->litres;
--- a/fs/fuse/fuse_i.h
+++ b/fs/fuse/fuse_i.h
@@ -4,2 +4,3 @@ struct:pot
 	int warm;
+	struct fuse_ext_pot ext;
 };
EOF
}

# pack TREE FILE: the tree as a tarball, by the file's ending
pack() {
	tar -caf "$2" -C "${1%/*}" "${1##*/}"
}

# The machine has linux-source-6.12 of VERSION installed.
install_source() {
	local version=$1 tree=$BATS_TEST_TMPDIR/linux-source-6.12

	make_tree "$tree" "${2:-6.12.7}"
	pack "$tree" "$root/usr/src/linux-source-6.12.tar.xz"
	install_package linux-source-6.12 "$version" /usr/src/linux-source-6.12.tar.xz
}

# install_package NAME VERSION [PATH...]: in the package database
install_package() {
	local name=$1 version=$2

	shift 2
	cat >>"$root/var/lib/dpkg/status" <<EOF
Package: $name
Status: install ok installed
Maintainer: nobody <nobody@localhost>
Architecture: all
Version: $version
Description: test

EOF
	printf '%s\n' /. "$@" >"$root/var/lib/dpkg/info/$name.list"
}

# A directory first in PATH, for stand-ins of tools.
stand_in() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/$1"
	chmod +x "$BATS_TEST_TMPDIR/bin/$1"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# shellcheck disable=SC2154 # set by bats
assert_output_has() {
	[[ $output == *"$1"* ]] || {
		printf 'expected in the output: %s\nthe output:\n%s\n' "$1" "$output"
		return 1
	}
}

refute_output_has() {
	[[ $output != *"$1"* ]] || {
		printf 'not expected in the output: %s\nthe output:\n%s\n' "$1" "$output"
		return 1
	}
}

# The output directory isn't there, and nothing is left beside it.
assert_nothing_made() {
	local left

	left=$(find "$BATS_TEST_TMPDIR/work" -mindepth 1)
	[ -z "$left" ] || {
		printf 'left behind:\n%s\n' "$left"
		return 1
	}
}

# A complete output, and nothing beside it.
assert_prepared() {
	[ -e "$out/file.c" ] && [ -e "$out/fuse_i.h" ] && [ -e "$out/Makefile" ]
	grep -q fuse_ext_pour "$out/file.c"
	grep -q "FUSE_EXT_SOURCE_PROVIDER \"$1\"" "$out/provenance.h" || {
		cat "$out/provenance.h"
		return 1
	}
	grep -q "FUSE_EXT_SOURCE_VERSION \"$2\"" "$out/provenance.h" || {
		cat "$out/provenance.h"
		return 1
	}
	[ "$(ls -A "${out%/*}")" = fs ]
}

# has_row LINE: a line of the output, with single spaces
has_row() {
	tr -s ' ' <<<"$output" | grep -qxF -e "$1" || {
		printf 'no row: %s\nthe output:\n%s\n' "$1" "$output"
		return 1
	}
}

# make_srpm NAME VERSION-RELEASE FILE...: a real source package of these files,
# in the machine's /usr/src/fuse-ext-sources
make_srpm() {
	local name=$1 version=${2%-*} release=${2##*-} build=$BATS_TEST_TMPDIR/rpmbuild file n=0

	shift 2
	rm -rf "$build"
	mkdir -p "$build/SOURCES" "$root/usr/src/fuse-ext-sources"
	{
		printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: test\nLicense: none\n' \
			"$name" "$version" "$release"
		for file; do
			cp "$file" "$build/SOURCES/"
			printf 'Source%s: %s\n' $((n++)) "${file##*/}"
		done
		printf '%%description\ntest\n'
	} >"$build/$name.spec"
	HOME=$BATS_TEST_TMPDIR rpmbuild --define "_topdir $build" \
		--quiet -bs "$build/$name.spec"
	mv "$build/SRPMS/"*.src.rpm "$root/usr/src/fuse-ext-sources/"
}
