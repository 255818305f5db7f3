#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# release/*: the version in all places, what a release wants, the tarball.  On a
# copy of the tree in a git repository of its own; make and dpkg-source are
# stand-ins, since what they build is tested elsewhere.

setup() {
	bats_require_minimum_version 1.5.0
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/debian" "$tree/rpm" "$tree/tests" "$tree/build" "$BATS_TEST_TMPDIR/bin"
	cp -r "$top/release" "$tree/"
	cp "$top"/{VERSION,CHANGELOG,dkms.conf,Makefile} "$tree/"
	cp "$top/debian/changelog" "$tree/debian/"
	cp "$top/rpm/fuse-ext.spec" "$tree/rpm/"
	cp "$top/tests/matrix" "$tree/tests/"
	printf '%s\n' /build/ /dist/ >"$tree/.gitignore"
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	export GIT_AUTHOR_NAME=Tester GIT_AUTHOR_EMAIL=tester@localhost
	export GIT_COMMITTER_NAME=Tester GIT_COMMITTER_EMAIL=tester@localhost
	cd "$tree" || return
	git init -q .
	committed
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# Everything is committed, and was tested.
committed() {
	git add -A
	git commit -q --allow-empty -m "tests: a state"
	git rev-parse HEAD >build/checked
}

stand_in() {
	printf '#!/bin/sh\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
	chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

# A version that could be released.
ready() {
	release/set-version --today 7.8.9
	sed -i '/^7\.8\.9 /a \\n  * Something changed.' CHANGELOG
	committed
}

says() {
	[[ $output == *"$1"* ]] || {
		printf 'expected: %s\nsaid:\n%s\n' "$1" "$output"
		return 1
	}
}

@test "this tree has one version, and CHANGELOG tells of it" {
	run -0 "$top/release/check"
}

@test "set-version: all places have it, and the earlier entries stay" {
	before=$(cat VERSION)
	run -0 release/set-version 7.8.9
	[ "$(cat VERSION)" = 7.8.9 ]
	grep -qx 'PACKAGE_VERSION="7.8.9"' dkms.conf
	[ "$(dpkg-parsechangelog -S Version)" = 7.8.9 ]
	[ "$(dpkg-parsechangelog --offset 1 --count 1 -S Version)" = "$before" ]
	grep -qx 'Version:  *7.8.9' rpm/fuse-ext.spec
	grep -qx '\* .* - 7.8.9-1' rpm/fuse-ext.spec
	grep -qx "\* .* - $before-1" rpm/fuse-ext.spec
	grep -qx '7.8.9 (not released)' CHANGELOG
	grep -q "^$before (" CHANGELOG
	# once more: no second entry
	run -0 release/set-version 7.8.9
	[ "$(grep -c '^7\.8\.9 (' CHANGELOG)" = 1 ]
	[ "$(grep -c '^fuse-ext (7\.8\.9)' debian/changelog)" = 1 ]
	[ "$(grep -c '^\* .* - 7\.8\.9-' rpm/fuse-ext.spec)" = 1 ]
}

@test "set-version: who makes the release stands in debian/changelog" {
	DEBFULLNAME="A Person" DEBEMAIL=person@localhost run -0 release/set-version 7.8.9
	[ "$(dpkg-parsechangelog -S Maintainer)" = "A Person <person@localhost>" ]
}

@test "set-version: refuses what isn't a version, and an older one" {
	run -2 release/set-version
	run -2 release/set-version 1.2
	run -2 release/set-version v7.8.9
	run -1 release/set-version 0.0.1
	says "packages must never go back"
	[ -z "$(git status --porcelain)" ]
}

@test "check: names the file that has another version" {
	echo 7.8.9 >VERSION
	run -1 release/check
	says "dkms.conf has version"
	says "debian/changelog has version"
	says "rpm/fuse-ext.spec has version"
	says "CHANGELOG has version"
	says "release/set-version 7.8.9"
}

@test "check: an entry of CHANGELOG that says nothing" {
	release/set-version 7.8.9
	run -1 release/check
	says "CHANGELOG says nothing about 7.8.9"
	sed -i '/^7\.8\.9 /a \\n  * Something changed.' CHANGELOG
	run -0 release/check
}

@test "check --release: each of what it wants" {
	ready
	run -0 release/check --release
	git tag v7.8.9
	run -1 release/check --release
	says "there is a tag v7.8.9 already"
	git tag -d v7.8.9
	echo other >build/checked
	run -1 release/check --release
	says "make check-all hasn't passed on this commit (build/checked: other)"
	rm build/checked
	run -1 release/check --release
	says "build/checked: none"
	git rev-parse HEAD >build/checked
	: >new-file
	run -1 release/check --release
	says "not everything is committed: ?? new-file"
	rm new-file
	sed -i 's/^7\.8\.9 (.*)/7.8.9 (not released)/' CHANGELOG
	committed
	run -1 release/check --release
	says "release/set-version --today 7.8.9"
}

@test "dist: the same tree gives the same tarball, whatever its times and modes are" {
	run -0 --separate-stderr release/dist "$BATS_TEST_TMPDIR/one"
	[ "$output" = "$BATS_TEST_TMPDIR/one/fuse-ext-$(cat VERSION).tar.xz" ]
	find . -path ./.git -prune -o -exec touch -h -d 2031-02-03 {} +
	chmod g+w CHANGELOG
	(umask 077 && TZ='<+14>-14' release/dist "$BATS_TEST_TMPDIR/two")
	cmp "$BATS_TEST_TMPDIR"/{one,two}/*.tar.xz
}

@test "dist: an unpacked tarball, in which things were built, gives the same again" {
	release/dist "$BATS_TEST_TMPDIR/one"
	mkdir "$BATS_TEST_TMPDIR/unpacked"
	tar -xf "$BATS_TEST_TMPDIR"/one/*.tar.xz -C "$BATS_TEST_TMPDIR/unpacked"
	cd "$BATS_TEST_TMPDIR"/unpacked/*
	mkdir src build
	: >src/built.o
	: >build/log
	release/dist "$BATS_TEST_TMPDIR/two"
	cmp "$BATS_TEST_TMPDIR"/{one,two}/*.tar.xz
}

@test "dist: what is ignored isn't in it; what isn't as in git is said" {
	mkdir dist
	: >dist/old.deb
	: >new-file
	run -0 release/dist "$BATS_TEST_TMPDIR/one"
	says "the tree isn't as in git"
	run -0 tar -tf "$BATS_TEST_TMPDIR"/one/*.tar.xz
	says /new-file
	[[ $output != *old.deb* && $output != */.git/* ]]
}

# `make deb CELL=CELL` leaves one package; `make rpm` isn't there.
# shellcheck disable=SC2016  # the stand-ins' own variables
build_stand_ins() {
	stand_in make 'tree=$2 cell=${4#CELL=}
		echo "$cell" >>"$BATS_TEST_TMPDIR/cells"
		mkdir -p "$tree/dist/$cell" && echo "$cell" >"$tree/dist/$cell/package.deb"'
	stand_in dpkg-source 'name=${2#fuse-ext-}
		: >"fuse-ext_$name.dsc"; : >"fuse-ext_$name.tar.xz"'
	sed -i '/^rpm:/d' Makefile
}

@test "release: tarball, packages of each suite, checksums, and a tag with what changed" {
	build_stand_ins
	ready
	run -0 release/release
	out=dist/release-7.8.9
	[ -e $out/fuse-ext-7.8.9.tar.xz ]
	[ -e $out/fuse-ext_7.8.9.dsc ]
	[ "$(paste -sd ' ' "$BATS_TEST_TMPDIR/cells")" = "debian-11 debian-12 debian-13 debian-sid" ]
	[ -e $out/debian-12/package.deb ]
	(cd $out && sha256sum --check --quiet SHA256SUMS)
	[ "$(wc -l <$out/SHA256SUMS)" -eq "$(($(find $out -type f | wc -l) - 1))" ]
	[ "$(git cat-file -t v7.8.9)" = tag ]
	run -0 git tag --list --format '%(contents)' v7.8.9
	says "Something changed."
	[ "$(git rev-parse 'v7.8.9^{commit}')" = "$(git rev-parse HEAD)" ]
}

@test "release: packages that don't build leave no tag" {
	build_stand_ins
	stand_in make 'echo "cc: no such thing" >&2; exit 2'
	ready
	run -1 release/release
	says "cc: no such thing"
	says "don't build from the tarball"
	[ -z "$(git tag)" ]
}

@test "release: without what it wants nothing is built; --dry-run builds, and doesn't tag" {
	build_stand_ins
	ready
	rm build/checked
	run -1 release/release
	says "not released, nothing was built or tagged"
	[ ! -e dist/release-7.8.9 ]
	run -0 release/release --dry-run
	says "a real release would have ended here"
	[ -e dist/release-7.8.9/SHA256SUMS ]
	[ -z "$(git tag)" ]
}

@test "wrong usage gets 2; --help prints the synopsis" {
	for script in check set-version dist release; do
		run -2 "release/$script" --frobnicate
		run -0 "release/$script" --help
		says "Usage: $script"
	done
}
