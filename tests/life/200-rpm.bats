#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The scriptlets of the rpm fuse-ext-dkms with this cell's DKMS: rpm's order of files
# and scriptlets, without rpm, which Debian's packages don't go by.  What they say
# is tests/unit/packaging-rpm's matter.

load helpers/life

setup_file() {
	bats_require_minimum_version 1.5.0
	life_file
}

setup() {
	bats_require_minimum_version 1.5.0
}

# scriptlet NAME VERSION COUNT: as rpm runs it, with how many versions there will be.
scriptlet() {
	run sh -c "$(sed "s/@VERSION@/$2/" "$tree/rpm/$1")" "$1" "$3"
	printf '%s\n' "$output" >>"$LIFE/log"
	is "$status" 0 "%$1 of $2: $output"
}

# files VERSION [broken]: those of the package, as rpm/fuse-ext.spec has them.
tree=$BATS_TEST_DIRNAME/../..
files() {
	local source=/usr/src/fuse-ext-$1
	mkdir -p "$source" /usr/share/fuse-ext
	cp -r "$tree"/{dkms.conf,VERSION,include,src} "$source/"
	echo "$1" >"$source/VERSION"
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$1\"/" "$source/dkms.conf"
	[ -z "${2:-}" ] || echo '#error this version is broken' >>"$source/src/redirect.h"
	ln -sfn "../src/fuse-ext-$1/src/fuse-ext-source" /usr/sbin/fuse-ext-source
	cp "$tree/dkms/versions" /usr/share/fuse-ext/dkms-versions
}

installed() { # VERSION
	files "$1"
	scriptlet post "$1" 1
	is "$(module "$KERNEL")" "$1" "the module"
}

upgraded() { # FROM TO [broken]
	local said
	files "$2" "${3:-}"
	scriptlet post "$2" 2
	said=$output
	if [ "$1" != "$2" ]; then
		scriptlet preun "$1" 1
		rm -r "/usr/src/fuse-ext-$1"
		scriptlet postun "$1" 1
	fi
	output=$said
}

removed() { # VERSION
	scriptlet preun "$1" 0
	rm -r "/usr/src/fuse-ext-$1" /usr/share/fuse-ext /usr/sbin/fuse-ext-source
	scriptlet postun "$1" 0
}

@test "rpm: install, install again, remove: every file and folder is what it was before" {
	installed "$NEW"
	is "$(registered)" "$NEW" "what DKMS has"
	upgraded "$NEW" "$NEW"
	is "$(module "$KERNEL")" "$NEW" "the module"
	removed "$NEW"
	as_before
}

@test "rpm: upgrade and downgrade: the module is exchanged, and DKMS doesn't know the other" {
	installed "$OLD"
	upgraded "$OLD" "$NEW"
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(registered)" "$NEW" "what DKMS has"
	[ ! -e /var/lib/fuse-ext ]
	upgraded "$NEW" "$OLD"
	is "$(module "$KERNEL")" "$OLD" "the module"
	is "$(registered)" "$OLD" "what DKMS has"
	removed "$OLD"
	as_before
}

@test "rpm: the build of an upgrade fails: the earlier module stays; the next version mends it" {
	installed "$OLD"
	upgraded "$OLD" "$BAD" broken
	says "$OLD stays for the kernel $KERNEL, for which $BAD isn't built"
	is "$(module "$KERNEL")" "$OLD" "the module"
	# again: the only copy of the source has to stay
	upgraded "$BAD" "$BAD" broken
	is "$(cat "/var/lib/dkms/fuse-ext/$OLD/source/VERSION")" "$OLD" "the source that DKMS has"
	upgraded "$BAD" "$NEW"
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(registered)" "$NEW" "what DKMS has"
	removed "$NEW"
	as_before
}

@test "rpm: of two kernels, the earlier module stays for the one that can't be built for" {
	installed "$OLD"
	kernel_add "$SECOND"
	is "$(module "$SECOND")" "$OLD" "the module of the second kernel"
	mv "/lib/modules/$SECOND/build" "$LIFE/headers"
	upgraded "$OLD" "$NEW"
	is "$(module "$KERNEL")" "$NEW" "the module"
	is "$(module "$SECOND")" "$OLD" "the module of the second kernel"
	mv "$LIFE/headers" "/lib/modules/$SECOND/build"
	upgraded "$NEW" "$NEW"
	is "$(module "$SECOND")" "$NEW" "the module of the second kernel"
	is "$(registered)" "$NEW" "what DKMS has"
	kernel_remove "$SECOND"
	removed "$NEW"
	as_before
}
