#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The files that say which kernels and which version this is say the same.

setup() {
	bats_require_minimum_version 1.5.0
	cd "$BATS_TEST_DIRNAME/../.." || return
	version=$(head -n 1 VERSION)
}

# The variables of dkms.conf as dkms reads them.
dkms_conf() {
	kernelver=6.12.7-amd64 kernel_source_dir=/headers dkms_tree=/tree bash -c \
		". ./dkms.conf; echo \"\${$1}\""
}

@test "series: dkms.conf builds exactly the series of src/hooks/series" {
	series=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' src/hooks/series | awk '{ print $1 }')
	[ "$(dkms_conf BUILD_EXCLUSIVE_KERNEL)" = "^($(paste -sd '|' <<<"${series//./\\.}"))\\." ]
	regex=$(dkms_conf BUILD_EXCLUSIVE_KERNEL)
	for kernel in 5.10.0-46-amd64 6.1.0-56-amd64 6.12.95+deb12-amd64 7.2.13+deb14-amd64 7.3.4; do
		[[ $kernel =~ $regex ]]
	done
	for kernel in 5.1.2 5.100.1 6.11.2 6.13.0-1-amd64 6.120.1 16.1.0 7.30.1 4.19.0; do
		[[ ! $kernel =~ $regex ]]
	done
}

# The patches of src/hooks/series, each once.
patches() {
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' src/hooks/series | awk '{ print $2 }' | sort -u
}

# The hooks that a patch has, each once.
hooks_of() {
	sed -n 's/^+[^+]//p' "src/hooks/$1.patch" | grep -ow 'fuse_ext_[a-z_]*' | sort -u
}

@test "series: each has a patch, and each patch a series" {
	diff <(patches) <(cd src/hooks && printf '%s\n' *.patch | sed 's/\.patch$//' | sort)
}

# 7.0 and later have a .show_fdinfo of their own.
common_hooks_of() {
	hooks_of "$1" | grep -v fuse_ext_show_fdinfo
}

@test "series: all have the same hooks" {
	for name in $(patches); do
		diff <(common_hooks_of 6.12) <(common_hooks_of "$name") ||
			{ echo "$name differs from 6.12"; false; }
	done
	[ "$(grep -l fuse_ext_show_fdinfo src/hooks/*.patch | xargs -n 1 basename -s .patch | paste -sd ' ')" = '5.10 6.1 6.12' ]
	[ "$(hooks_of 6.12 | wc -l)" -gt 20 ]
}

@test "series: each hunk with a hook says which function it is for" {
	for name in $(patches); do
		awk -v name="$name" '
		/^@@/ { scope = $5 }
		/^\+.*fuse_ext_/ && scope == "" { print name ": line " FNR; failed = 1 }
		END { exit failed }' "src/hooks/$name.patch"
	done
}

@test "series: dkms.conf reads the table from where it is itself" {
	cp -r dkms.conf src "$BATS_TEST_TMPDIR"
	echo '6.8 6.12' >>"$BATS_TEST_TMPDIR/src/hooks/series"
	echo '6.12 6.12 *.el10*' >>"$BATS_TEST_TMPDIR/src/hooks/series"
	cd /
	regex=$(bash -c ". '$BATS_TEST_TMPDIR/dkms.conf'; echo \"\$BUILD_EXCLUSIVE_KERNEL\"")
	[[ 6.8.0-45-generic =~ $regex ]]
	[[ 7.3.4 =~ $regex ]]
	[[ ! 6.9.1 =~ $regex ]]
	rm "$BATS_TEST_TMPDIR/src/hooks/series"
	regex=$(bash -c ". '$BATS_TEST_TMPDIR/dkms.conf'; echo \"\$BUILD_EXCLUSIVE_KERNEL\"")
	[[ ! 7.3.4 =~ $regex ]]
}

@test "version: dkms.conf and debian/changelog have that of VERSION" {
	[ "$(dkms_conf PACKAGE_VERSION)" = "$version" ]
	[ "$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)" = "$version" ]
}

@test "dkms.conf: uses only directives that dkms 2.8.4, 3.0.10 and 3.2.2 have and like" {
	run -0 sed -n 's/^\([A-Z_]*\).*=.*/\1/p' dkms.conf
	for directive in $output; do
		case $directive in
		PACKAGE_NAME | PACKAGE_VERSION | BUILD_EXCLUSIVE_KERNEL | BUILT_MODULE_NAME | \
			BUILT_MODULE_LOCATION | DEST_MODULE_LOCATION | PRE_BUILD | MAKE | CLEAN | AUTOINSTALL) ;;
		*)
			echo "$directive isn't known to all of them"
			false
			;;
		esac
	done
	# CLEAN is deprecated where it does something.
	[ "$(dkms_conf CLEAN)" = true ]
	pre_build=$(dkms_conf PRE_BUILD)
	[ -x "${pre_build%% *}" ]
}

@test "scripts of the packages pass shellcheck" {
	command -v shellcheck >/dev/null || skip "shellcheck isn't installed"
	shellcheck -x src/prepare src/fuse-ext-source debian/*.postinst debian/*.prerm debian/*.postrm
	shellcheck -x -s sh rpm/post rpm/preun rpm/postun
	# What these use is set where they are sourced.
	shellcheck -e SC2034,SC2154 src/prepare.d/*.bash
}
