#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The scriptlets of the rpm fuse-ext-dkms, and its spec: what they do and say in
# each state of the machine.  The machine is a directory, and dkms, fusectl and
# fuse-ext-source are stand-ins; dkms-versions is the real one.  For those of Debian: packaging-scripts.bats.

# shellcheck disable=SC2016 # what stand-ins expand
setup() {
	bats_require_minimum_version 1.5.0
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	root=$BATS_TEST_TMPDIR/root
	kernel=6.12.7-301.fc41.x86_64
	mkdir -p "$root/lib/modules/$kernel/build/include" "$root/sys/module" "$root/run" \
		"$root/var/lib/dkms/fuse-ext" "$root/var/cache" "$root/usr/src" "$BATS_TEST_TMPDIR/bin"
	for script in post preun postun; do
		sed -e "s#\(/lib/modules\|/sys/module\|/var/lib/dkms\|/var/cache\|/usr/src\|/run/\)#$root\1#g" \
			-e 's/@VERSION@/0.2.0/' -e "s#/usr/share/fuse-ext/dkms-versions#$top/dkms/versions#" \
			"$top/rpm/$script" >"$BATS_TEST_TMPDIR/$script"
	done
	export FUSE_EXT_SYSROOT=$root
	tree=$root/var/lib/dkms/fuse-ext
	log=$BATS_TEST_TMPDIR/log
	: >"$log"
	dkms=$BATS_TEST_TMPDIR/dkms-state
	: >"$dkms"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	stand_in uname "echo $kernel"
	stand_in stat 'echo 1:2'
	stand_in systemd-detect-virt 'exit 1'
	stand_in mountpoint 'exit 1'
	stand_in fusectl "echo \"fusectl \$*\" >>$log"
	stand_in modinfo 'case "$*" in *srcversion*) echo BBBB;; esac'
	source_is here
	stand_in dkms "$(make_dkms)"
}

# A DKMS of which the state is a file with lines VERSION KERNEL STATE.
make_dkms() {
	cat <<END
state=$dkms
verb=\$1
shift
version='' kernel=''
while [ \$# -gt 0 ]; do
	case \$1 in
	-v) version=\$2 && shift ;;
	-k) kernel=\$2 && shift ;;
	esac
	shift
done
[ \$verb = status ] || echo "dkms \$verb \$version\${kernel:+ \$kernel}" >>$log
case \$verb in
status)
	awk -v v="\$version" -v k="\$kernel" '(v == "" || \$1 == v) && (k == "" || \$2 == k || \$2 == "-") {
		print "fuse-ext/" \$1 (\$2 == "-" ? "" : ", " \$2 ", x86_64") ": " \$3 }' \$state
	;;
add)
	echo "\$version - added" >>\$state
	mkdir -p $tree/\$version
	ln -s /usr/src/fuse-ext-\$version $tree/\$version/source
	;;
build)
	[ -e $BATS_TEST_TMPDIR/build-fails ] || exit 0
	mkdir -p $tree/\$version/build
	printf 'log\nprepare: the hooks do not fit\n  file.c\nother\n' >$tree/\$version/build/make.log
	exit 10
	;;
install)
	awk -v k="\$kernel" '\$2 == k { \$3 = "built" } { print }' \$state >\$state.new
	echo "\$version \$kernel installed" >>\$state.new
	mv \$state.new \$state
	;;
remove)
	awk -v v="\$version" -v k="\$kernel" '\$1 == v && (k == "" || \$2 == k) { next } { print }' \$state >\$state.new
	mv \$state.new \$state
	rm -r "$tree/\${version:?}"
	;;
esac
END
}

stand_in() {
	printf '#!/bin/sh\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
	chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

source_is() {
	stand_in fuse-ext-source "[ \"\$1\" = status ] || exit 99
echo KERNEL PACKAGE STATE SOURCE
echo \$2 package $1 -
[ $1 != missing ] || exit 3"
}

# registered VERSION KERNEL...: as DKMS has it, with its source.
registered() {
	local name

	for name in "${@:2}"; do
		echo "$1 $name installed" >>"$dkms"
	done
	mkdir -p "$root/usr/src/fuse-ext-$1" "$tree/$1"
	echo "$1" >"$root/usr/src/fuse-ext-$1/VERSION"
	ln -s "/usr/src/fuse-ext-$1" "$tree/$1/source"
}

# The version that was installed before, for $kernel and others.
earlier() {
	registered 0.1.0 "$kernel" "$@"
}

# The source that DKMS has of VERSION.
source_of() {
	cat "$root$(readlink "$tree/$1/source")/VERSION"
}

loaded() {
	mkdir -p "$root/sys/module/fuse_ext"
	echo "$1" >"$root/sys/module/fuse_ext/srcversion"
}

script() {
	sh "$BATS_TEST_TMPDIR/$1" "${@:2}"
}

assert_says() {
	[[ $output == *"$1"* ]] || {
		printf 'expected: %s\nsaid:\n%s\n' "$1" "$output"
		return 1
	}
}

assert_did() {
	diff "$log" -
}

@test "post: registers, builds, installs, loads" {
	run -0 script post 1
	assert_says "fuse_ext is loaded: new FUSE mounts"
	assert_did <<END
dkms add 0.2.0
dkms build 0.2.0 $kernel
dkms install 0.2.0 $kernel
fusectl load
END
}

@test "post: without the source nothing is built, fetched or broken, and it says what to do" {
	source_is missing
	stand_in modinfo 'exit 1'
	run -0 script post 1
	assert_says "fuse-ext-source fetch $kernel"
	assert_says "DKMS built none for the running kernel"
	assert_did <<<"dkms add 0.2.0"
	source_is no-hooks
	run -0 script post 1
	assert_says "no hooks for this kernel's series"
}

@test "post: a kernel without headers is left alone" {
	rm -r "$root/lib/modules/$kernel/build"
	stand_in modinfo 'exit 1'
	source_is here
	run -0 script post 1
	assert_says "Its headers aren't installed"
	assert_did <<<"dkms add 0.2.0"
}

@test "post: an upgrade exchanges the module, and the earlier version is gone" {
	earlier
	loaded AAAA
	run -0 script post 2
	assert_did <<END
dkms add 0.2.0
dkms build 0.2.0 $kernel
dkms install 0.2.0 $kernel
dkms remove 0.1.0
fusectl unload
fusectl load
END
	run -0 cat "$dkms"
	[[ $output != *0.1.0* ]]
}

@test "post: an upgrade with mounts keeps them served" {
	earlier
	loaded AAAA
	stand_in fusectl "echo \"fusectl \$*\" >>$log; [ \"\$1\" != unload ]"
	run -0 script post 2
	assert_says "goes on serving what is mounted"
	[ "$(grep -c '^fusectl' "$log")" = 1 ]
}

@test "post: a build that fails keeps the earlier version, with its source" {
	earlier
	loaded BBBB
	touch "$BATS_TEST_TMPDIR/build-fails"
	run -0 script post 2
	assert_says $'prepare: the hooks do not fit\n  file.c\n'
	assert_says "0.1.0 stays for the kernel $kernel, for which 0.2.0 isn't built"
	assert_did <<END
dkms add 0.2.0
dkms build 0.2.0 $kernel
END
	rm -r "$root/usr/src/fuse-ext-0.1.0"
	[ "$(source_of 0.1.0)" = 0.1.0 ]
	# again, with the copy
	run -0 script post 2
	[ "$(source_of 0.1.0)" = 0.1.0 ]
}

@test "post: of two kernels, the earlier version stays for the one that can't be built" {
	earlier 6.12.1-100.fc41.x86_64
	run -0 script post 2
	grep -qx "0.1.0 6.12.1-100.fc41.x86_64 installed" "$dkms"
	grep -qx "0.2.0 $kernel installed" "$dkms"
	run ! grep -x "0.1.0 $kernel installed" "$dkms"
	rm -r "$root/usr/src/fuse-ext-0.1.0"
	[ "$(source_of 0.1.0)" = 0.1.0 ]
}

@test "post: a downgrade to the version that was kept builds from the package's own source" {
	registered 0.2.0 "$kernel"
	mkdir -p "$root/var/lib/fuse-ext/fuse-ext-0.2.0"
	ln -sfn /var/lib/fuse-ext/fuse-ext-0.2.0 "$tree/0.2.0/source"
	run -0 script post 2
	[ "$(readlink "$tree/0.2.0/source")" = /usr/src/fuse-ext-0.2.0 ]
	[ ! -e "$root/var/lib/fuse-ext" ]
}

@test "post: the same version again is built anew" {
	printf '0.2.0 %s installed\n' "$kernel" >"$dkms"
	run -0 script post 2
	assert_did <<END
dkms build 0.2.0 $kernel
dkms install 0.2.0 $kernel
fusectl load
END
}

@test "post: in a chroot or a container it doesn't touch the machine" {
	stand_in stat '[ "$1" = -L ] && echo 1:2 || echo 3:4'
	run -0 script post 1
	assert_says "this is a chroot or a container"
	stand_in stat 'echo 1:2'
	stand_in systemd-detect-virt 'exit 0'
	run -0 script post 1
	assert_says "this is a chroot or a container"
	run ! grep fusectl "$log"
}

@test "post: a module that can't be loaded, and a running kernel that isn't installed" {
	stand_in fusectl 'echo "fusectl: no" >&2; exit 1'
	run -0 script post 1
	assert_says "isn't loaded, for the reason above"
	stand_in uname 'echo 6.12.1-other'
	run -0 script post 1
	assert_says "the running kernel, 6.12.1-other, isn't installed here"
}

@test "preun: a removal unloads, and takes all versions out of DKMS" {
	earlier
	registered 0.2.0 "$kernel"
	loaded BBBB
	run -0 script preun 0
	assert_says "fuse_ext is unloaded"
	assert_did <<END
fusectl unload
dkms remove 0.1.0
dkms remove 0.2.0
END
}

@test "preun: a removal with mounts leaves it loaded, says so, and finishes" {
	registered 0.2.0 "$kernel"
	loaded BBBB
	stand_in fusectl 'echo "fusectl: in use" >&2; exit 1'
	run -0 script preun 0
	assert_says "stays loaded, for the reason above"
	assert_did <<<"dkms remove 0.2.0"
}

@test "preun: an upgrade is nothing; a chroot isn't unloaded" {
	registered 0.2.0 "$kernel"
	loaded BBBB
	run -0 script preun 1
	assert_did </dev/null
	stand_in stat '[ "$1" = -L ] && echo 1:2 || echo 3:4'
	run -0 script preun 0
	assert_did <<<"dkms remove 0.2.0"
}

@test "post, preun: without dkms nothing fails, and it says what that means" {
	rm "$BATS_TEST_TMPDIR/bin/dkms"
	loaded BBBB
	PATH=$BATS_TEST_TMPDIR/bin run -0 /bin/sh "$BATS_TEST_TMPDIR/post" 1
	assert_says "dkms isn't installed, so nothing is built"
	PATH=$BATS_TEST_TMPDIR/bin run -0 /bin/sh "$BATS_TEST_TMPDIR/preun" 0
	assert_says "what it has built stays, $root/lib/modules/*/*/fuse_ext.ko*"
	assert_did <<<"fusectl unload"
}

@test "postun: a removal takes the cache, what was fetched and /run; not other people's files" {
	store=$root/usr/src/fuse-ext-sources
	mkdir -p "$root/var/cache/fuse-ext/prepare/tree" "$root/run/fuse-ext/stock-connections" "$store"
	touch "$store/kernel-1.src.rpm" "$store/own.src.rpm" "$root/usr/src/other"
	printf 'kernel-1.src.rpm\n../other\n' >"$store/.fetched"
	run -0 script postun 1
	[ -e "$store/kernel-1.src.rpm" ]
	[ -d "$root/var/cache/fuse-ext/prepare" ]
	run -0 script postun 0
	[ "$(ls -A "$store")" = own.src.rpm ]
	[ -e "$root/usr/src/other" ]
	[ ! -e "$root/var/cache/fuse-ext" ]
	[ ! -e "$root/run/fuse-ext" ]
	rm "$store/own.src.rpm"
	run -0 script postun 0
	[ ! -e "$store" ]
}

@test "postun: what a loaded module still needs stays" {
	loaded BBBB
	mkdir -p "$root/run/fuse-ext/stock-connections"
	run -0 script postun 0
	[ -d "$root/run/fuse-ext/stock-connections" ]
}

@test "spec: has the version of VERSION, and parses for each distribution" {
	command -v rpmspec >/dev/null || skip "rpmspec isn't installed"
	spec=$top/rpm/fuse-ext.spec
	[ "$(sed -n 's/^Version: *//p' "$spec")" = "$(cat "$top/VERSION")" ]
	grep -q "^\* .* - $(cat "$top/VERSION")-" "$spec"
	for define in 'fedora 41' 'rhel 9' 'rhel 10' 'suse_version 1500'; do
		run -0 rpmspec -q --builtrpms --define "$define" --qf '%{NAME}\n' "$spec"
		[ "$output" = $'fuse-ext-dkms\nfusectl\nlibfuse-ext0\nlibfuse-ext-devel' ]
	done
	# its libfuse is too old for the library
	run -0 rpmspec -q --builtrpms --define 'rhel 8' --qf '%{NAME}\n' "$spec"
	[ "$output" = $'fuse-ext-dkms\nfusectl' ]
	run -0 rpmspec --parse --define 'suse_version 1500' "$spec"
	grep -qx 'Recommends: *kernel-source' <<<"$output"
	run -0 rpmspec --parse --define 'fedora 41' "$spec"
	grep -qx 'Recommends: *kernel-devel' <<<"$output"
}
