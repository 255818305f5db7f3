#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# debian/tests, as autopkgtest runs them on a machine with the packages.

load helpers/all

setup_file() {
	isolate_file
	module_file
}

teardown_file() {
	module_file_end
}

# autopkgtest NAME: that test of the source package, in a folder of its own.
autopkgtest() {
	dpkg -s fuse-ext-dkms >/dev/null 2>&1 ||
		skip "fuse-ext-dkms isn't installed as a package of Debian"
	mkdir "$FX/tmp"
	FX_LIMIT=200 run_ 0 env AUTOPKGTEST_TMP="$FX/tmp" "$FUSE_EXT_SRC/debian/tests/$1"
}

@test "load: a mount before and one after, used through loading and unloading" {
	autopkgtest load
	like "$output" 'load: ok$' "its last line"
	is "$(types_served)" "fuse=1 fuseblk=1 fusectl=1" "types"
}

@test "load fails where the mount that was made after isn't served by ours" {
	mkdir "$FX/bin"
	# shellcheck disable=SC2016  # for that sh
	printf '#!/bin/sh\ncase $1 in load | status) ;; *) exec %s "$@" ;; esac\n' "$(type -P fusectl)" \
		>"$FX/bin/fusectl"
	chmod 755 "$FX/bin/fusectl"
	mkdir "$FX/tmp"
	run_ 1 env AUTOPKGTEST_TMP="$FX/tmp" "PATH=$FX/bin:$PATH" "$FUSE_EXT_SRC/debian/tests/load"
	like "$output" "isn't served by fuse_ext" "what it says"
}

@test "fusectl without the module" {
	autopkgtest fusectl
}

@test "library: the example compiles with what libfuse-ext-dev has" {
	autopkgtest library
}
