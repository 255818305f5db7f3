# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For the unit tests of fusectl: a machine made of files, and a wrapper that
# runs fusectl in it.  Not for tests in a booted kernel.

bats_require_minimum_version 1.5.0

FUSECTL_SOURCE=$(cd "$BATS_TEST_DIRNAME/../../fusectl" && pwd)
HELPERS=$BATS_TEST_DIRNAME/helpers

# fusectl_build: once a file; make does nothing where nothing changed
fusectl_build() {
	make -s -C "$FUSECTL_SOURCE" check-build
}

# fusectl_machine: a machine with the stock driver, the module installed but
# not loaded, and these mounts (the connection's number is the device's minor):
#   51 /mnt/stock (fuse.sshfs); the stock control filesystem
fusectl_machine() {
	export FUSECTL_ROOT=$BATS_TEST_TMPDIR/root
	export LC_ALL=C.UTF-8
	# a finding of a sanitizer is no exit status of fusectl's
	export ASAN_OPTIONS=exitcode=99:detect_leaks=1 LSAN_OPTIONS=exitcode=99
	export UBSAN_OPTIONS=print_stacktrace=1:exitcode=99
	local toggle

	mkdir -p "$FUSECTL_ROOT"/{proc/self/ns,sys/module,sys/fs/fuse/connections,run,own,stock} \
		"$FUSECTL_ROOT"/{mnt,module/parameters,sysfs/connections,modinfo,home/user}
	cp "$HELPERS/fusectl-ops" "$FUSECTL_ROOT/"
	: >"$FUSECTL_ROOT/log"
	: >"$FUSECTL_ROOT/fail"
	ln -s 'mnt:[1]' "$FUSECTL_ROOT/proc/self/ns/mnt"
	cat >"$FUSECTL_ROOT/proc/self/mountinfo" <<-'END'
		20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
		21 20 0:20 / /proc rw,nosuid - proc proc rw
		22 20 0:21 / /sys rw,nosuid shared:2 - sysfs sysfs rw
		23 20 0:22 / /run rw,nosuid shared:3 - tmpfs tmpfs rw
	END
	add_mount 30 22 0:40 /sys/fs/fuse/connections fusectl fusectl
	stock_connection 51 /mnt/stock fuse.sshfs host:/dir

	echo live >"$FUSECTL_ROOT/module/initstate"
	echo 0 >"$FUSECTL_ROOT/module/refcnt"
	echo 0123456789ABCDEF >"$FUSECTL_ROOT/module/srcversion"
	for toggle in async_flush sync_release atomic_create syncfs inval_files; do
		echo auto >"$FUSECTL_ROOT/module/parameters/$toggle"
	done
	echo 0.1.0 >"$FUSECTL_ROOT/sysfs/version"
	echo linux-source-6.12 6.12.117-1 abcdef >"$FUSECTL_ROOT/sysfs/source"
	echo async_flush sync_release atomic_create syncfs >"$FUSECTL_ROOT/sysfs/supported"
	echo none >"$FUSECTL_ROOT/sysfs/control_dev"

	echo /lib/modules/x/updates/dkms/fuse_ext.ko >"$FUSECTL_ROOT/modinfo/filename"
	echo 0.1.0 >"$FUSECTL_ROOT/modinfo/version"
	echo 0123456789ABCDEF >"$FUSECTL_ROOT/modinfo/srcversion"
	echo linux-source-6.12 >"$FUSECTL_ROOT/modinfo/fuse_source_provider"
	echo 6.12.117-1 >"$FUSECTL_ROOT/modinfo/fuse_source_version"
	echo abcdef >"$FUSECTL_ROOT/modinfo/fuse_source_hash"
}

# fusectl_loaded_machine: fuse_ext loaded by fusectl, and more mounts:
#   52 /mnt/a (fuse.bindfs)  53 /mnt/b (fuse)  7340032 /mnt/disk (fuseblk)
fusectl_loaded_machine() {
	fusectl_machine
	fusectl 0 load
	own_connection 52 /mnt/a fuse.bindfs bindfs
	own_connection 53 /mnt/b fuse server
	own_connection 7340032 /mnt/disk fuseblk /dev/loop0 7:0
	"$FUSECTL_ROOT/fusectl-ops" refresh
	: >"$FUSECTL_ROOT/log"
}

# fusectl_unloaded: the machine after the mounts of ours went and it was unloaded
fusectl_unloaded() {
	rm -r "$FUSECTL_ROOT"/own/*
	sed -i '/ 0:52 \| 0:53 \| 7:0 /d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh
	fusectl 0 unload
	: >"$FUSECTL_ROOT/log"
}

# fusectl_own_unmounted: fuse_ext's control filesystem is mounted nowhere
fusectl_own_unmounted() {
	sed -i '/ 0:41 /d' "$FUSECTL_ROOT/proc/self/mountinfo"
	"$FUSECTL_ROOT/fusectl-ops" refresh /sys/fs/fuse/connections
	"$FUSECTL_ROOT/fusectl-ops" refresh /sys/fs/fuse_ext/connections
}

# add_mount ID PARENT DEVICE TARGET TYPE SOURCE: a line of mountinfo
add_mount() {
	printf '%s %s %s / %s rw,nosuid - %s %s rw\n' "$1" "$2" "$3" "$4" "$5" "$6" \
		>>"$FUSECTL_ROOT/proc/self/mountinfo"
	case $3 in
	0:4[01]) "$FUSECTL_ROOT/fusectl-ops" refresh "$4" ;;
	esac
}

# process NUMBER NAMESPACE [MOUNTINFO]: another process, its mount namespace
process() {
	mkdir -p "$FUSECTL_ROOT/proc/$1/ns"
	ln -s "mnt:[$2]" "$FUSECTL_ROOT/proc/$1/ns/mnt"
	printf '%s\n' "${3-}" >"$FUSECTL_ROOT/proc/$1/mountinfo"
}

# device NUMBER: a process that has /dev/fuse open, for nobody knows what
device() {
	local folder=$FUSECTL_ROOT/proc/$1

	mkdir -p "$folder"/{fd,fdinfo}
	ln -s /dev/fuse "$folder/fd/3"
	ln -s "/usr/bin/server$1" "$folder/exe"
	printf 'pos:\t0\nflags:\t02\n' >"$folder/fdinfo/3"
	printf 'Name:\tserver\nUid:\t0\t0\t0\t0\n' >"$folder/status"
}

# server NUMBER CONNECTION: the same for that connection
server() {
	device "$1"
	printf 'fuse_connection:\t%s\n' "$2" >>"$FUSECTL_ROOT/proc/$1/fdinfo/3"
}

# command_says NAME STATUS [OUTPUT]: what that command does in this machine
command_says() {
	mkdir -p "$FUSECTL_ROOT/commands"
	printf '#!/bin/sh\nprintf "%%s\\n" "%s"\nexit %s\n' "${3-}" "$2" \
		>"$FUSECTL_ROOT/commands/$1"
	chmod +x "$FUSECTL_ROOT/commands/$1"
}

# stock_connection NUMBER TARGET TYPE SOURCE
stock_connection() {
	mkdir -p "$FUSECTL_ROOT/stock/$1"
	echo 0 >"$FUSECTL_ROOT/stock/$1/waiting"
	[[ -z ${2-} ]] || add_mount "1$1" 20 "0:$1" "$2" "$3" "$4"
}

# own_connection NUMBER [TARGET TYPE SOURCE [DEVICE]]
own_connection() {
	local folder=$FUSECTL_ROOT/own/$1 toggle

	mkdir -p "$folder"
	echo 3 >"$folder/waiting"
	for toggle in async_flush sync_release atomic_create syncfs inval_files; do
		echo default >"$folder/$toggle"
		echo "$toggle auto module"
	done >"$folder/ext_state"
	[[ -z ${2-} ]] || add_mount "2$1" 20 "${5-0:$1}" "$2" "$3" "$4"
}

# fusectl STATUS ARGUMENT...: run it, expect that exit status; $output, $stderr
fusectl() {
	local expected=$1

	shift
	run --separate-stderr timeout -k 5 60 "$FUSECTL_SOURCE/check-build.d/fusectl" "$@"
	# shellcheck disable=SC2154 # bats sets it
	printf '$ fusectl %s\n%s\n%s\n[%d]\n' "$*" "$output" "$stderr" "$status"
	[[ $status == "$expected" ]] || fail "exit status $status, expected $expected"
	# an error tells what is wrong; success says nothing there
	[[ $status == 0 || $status == 3 || -n $stderr ]] || fail "no message"
}

fail() {
	printf '%s\n' "$*" >&2
	return 1
}

# The asserts say what was expected of what.
assert_equal() { [[ $1 == "$2" ]] || fail "expected: $2"$'\n'"got: $1"; }
assert_output() { [[ $output == *"$1"* ]] || fail "expected on stdout: $1"; }
assert_error() { [[ $stderr == *"$1"* ]] || fail "expected on stderr: $1"; }
refute_output() { [[ $output != *"$1"* ]] || fail "not expected on stdout: $1"; }
refute_error() { [[ $stderr != *"$1"* ]] || fail "not expected on stderr: $1"; }
assert_quiet() { [[ -z $output && -z $stderr ]] || fail "expected no output"; }
assert_no_change() {
	[[ ! -s $FUSECTL_ROOT/log ]] || fail "expected no change, but: $(<"$FUSECTL_ROOT/log")"
}

setting() { cat "$FUSECTL_ROOT/own/$1/${2-async_flush}"; }
mountinfo() { cat "$FUSECTL_ROOT/proc/self/mountinfo"; }
