#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The policy's files: what fusectl check says of them, what apply puts in
# force, and the watcher.  Against a machine made of files, not a kernel.

load helpers/fusectl

setup_file() { fusectl_build; }
setup() {
	fusectl_loaded_machine
	mkdir -p "$FUSECTL_ROOT/etc/fusectl.d"
	CONF=$FUSECTL_ROOT/etc/fusectl.conf
}
teardown() { [[ -z ${WATCHER-} ]] || kill "$WATCHER" 2>/dev/null || true; }

module_wide() { cat "$FUSECTL_ROOT/sys/module/fuse_ext/parameters/$1"; }

# wrong LINE:COLUMN WORDS <POLICY: check tells just this error, and apply
# changes nothing
wrong() {
	cat >"$CONF"
	fusectl 1 check
	assert_error "/etc/fusectl.conf:$1: "
	assert_error "$2"
	assert_equal "$(wc -l <<<"$stderr")" 1
	fusectl 1 apply
	assert_error "/etc/fusectl.conf:$1: "
	assert_error "nothing was changed"
	assert_no_change
}

# soon COMMAND...: it is so within 5 s
soon() {
	local i
	for ((i = 0; i < 100; i++)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.05
	done
	fail "not within 5 s: $*"
}

has_setting() { [[ $(setting "$1" "$2") == "$3" ]]; }

watch() {
	"$FUSECTL_SOURCE/check-build.d/fusectl" apply --watch "$@" >"$BATS_TEST_TMPDIR/watch" 2>&1 &
	WATCHER=$!
}

# --- check

@test "check: no policy, and a good one, are quiet" {
	fusectl 0 check
	assert_quiet
	printf '\xef\xbb\xbf# comment\r\n; another\r\n\r\n[module]\r\nasync_flush = exit ; said why\r\n' >"$CONF"
	cat >"$FUSECTL_ROOT/etc/fusectl.d/10-a.conf" <<-'END'
		[mount]
		   type = fuse.*
		   user : root
		disable_sync_release = on
		syncfs = default
	END
	fusectl 0 check
	assert_quiet
	cd "$FUSECTL_ROOT/etc"
	fusectl 0 check fusectl.conf /etc/fusectl.conf
}

@test "check: each kind of error, with line and column" {
	wrong 2:2 "did you mean 'module'?" <<<$'\n[modul]\nx = y'
	wrong 1:1 "without its ']'" <<<'[mount'
	wrong 1:10 "more after" <<<'[module] x'
	wrong 1:1 "before any section" <<<'async_flush = on'
	wrong 2:3 "did you mean 'async_flush'?" <<<$'[module]\n  asyncflush = on'
	wrong 2:1 "[module] has no key 'type'" <<<$'[module]\ntype = fuse'
	wrong 2:15 "did you mean 'auto'?" <<<$'[module]\nasync_flush = atuo'
	wrong 2:10 "for a [mount] only" <<<$'[module]\nsyncfs = default'
	wrong 2:10 "no value 'exit'" <<<$'[module]\nsyncfs = exit'
	wrong 2:24 "the values are: on, off" <<<$'[module]\ndisable_sync_release = auto'
	wrong 2:1 "neither a [section] nor NAME = VALUE" <<<$'[module]\nasync_flush on'
	wrong 2:11 "without its ']'" <<<$'[mount]\ntarget = /[a\nsyncfs = on'
	wrong 2:11 "at the end of a pattern" <<<$'[mount]\ntarget = x\\\nsyncfs = on'
	wrong 2:8 "no user 'no-such-user'" <<<$'[mount]\nuser = no-such-user\nsyncfs = on'
	wrong 2:8 "no number 99999999999" <<<$'[mount]\nuser = 99999999999\nsyncfs = on'
	wrong 4:1 "first in line 3" <<<$'[mount]\ntype = fuse\nsyncfs = on\nsyncfs = on'
	wrong 4:1 "first in line 3" <<<$'[mount]\ntype = fuse\nsync_release = on\ndisable_sync_release = on'
	wrong 3:1 "first in line 2" <<<$'[mount]\ntype = fuse\ntype = fuse\nsyncfs = on'
	wrong 1:1 "without type, source, target or user" <<<$'[mount]\nsyncfs = on'
	wrong 1:1 "sets no toggle" <<<$'[mount]\ntype = fuse'
	wrong 2:7 "type without a value" <<<$'[mount]\ntype =\nsyncfs = on'
	wrong 2:3 'not UTF-8: the byte \xff' <<<$'[module]\n# \xff'
	wrong 2:3 'control character, \x01' <<<$'[module]\n# \x01'
	wrong 2:2 'control character, \x00' < <(printf '[module]\n#\0\n')
}

@test "check: a line that is as long as can be is read whole, one more byte is an error" {
	local long
	long=$(printf 'x%.0s' {1..189})
	printf '[mount]\ntarget = %s\nsyncfs = off\n' "$long" >"$CONF"
	fusectl 0 check
	own_connection 60 "$long" fuse x
	fusectl 0 apply
	assert_equal "$(setting 60 syncfs)" off
	printf '[mount]\ntype = a\ntarget = %sx\nsyncfs = off\n' "$long" >"$CONF"
	fusectl 1 check
	assert_error "fusectl.conf:3:199: the line is too long: at most 198 bytes"
}

@test "check: every error is told, of every file" {
	printf '[module]\nx = 1\nasync_flush\nsyncfs = maybe' >"$CONF"
	echo '[mount]' >"$FUSECTL_ROOT/etc/fusectl.d/20.conf"
	echo 'not read' >"$FUSECTL_ROOT/etc/fusectl.d/20.conf.orig"
	mkfifo "$FUSECTL_ROOT/etc/fusectl.d/30.conf"
	fusectl 1 check
	assert_equal "$(grep -o '[^ ]*conf[^ ]*: ' <<<"$stderr")" "/etc/fusectl.conf:2:1: 
/etc/fusectl.conf:3:1: 
/etc/fusectl.conf:4:10: 
/etc/fusectl.d/20.conf:1:1: 
/etc/fusectl.d/20.conf:1:1: 
/etc/fusectl.d/30.conf: "
	fusectl 1 check /no/such
	assert_error "/no/such: can't read it: No such file"
	fusectl 2 check --wrong
}

# --- apply

@test "apply: module-wide and by each key of a rule; the rest stays" {
	add_mount 261 20 0:61 /mnt/mine fuse.sshfs me@host:/dir
	own_connection 61
	sed -i '/ 0:61 /s/ rw$/ rw,user_id=65534,group_id=0/' "$FUSECTL_ROOT/proc/self/mountinfo"
	cat >"$CONF" <<-'END'
		[module]
		async_flush = exit
		[mount]
		type = fuse.bind*
		sync_release = off
		[mount]
		source = me@*
		atomic_create = on
		[mount]
		target = /mnt/*
		user = 65534
		syncfs = off
		[mount]
		type = fuse
		target = /elsewhere
		syncfs = off
	END
	fusectl 0 apply
	assert_quiet
	assert_equal "$(module_wide async_flush)" exit
	assert_equal "$(module_wide syncfs)" auto
	assert_equal "$(setting 52 sync_release) $(setting 52 syncfs)" "off default"
	assert_equal "$(setting 61 atomic_create) $(setting 61 syncfs)" "on off"
	assert_equal "$(setting 53 syncfs) $(setting 53 atomic_create)" "default default"
	assert_equal "$(wc -l <"$FUSECTL_ROOT/log")" 4
	# a second time there is nothing to do
	: >"$FUSECTL_ROOT/log"
	fusectl 0 apply --verbose
	assert_quiet
	assert_no_change
}

@test "apply: the last rule that matches wins, for each toggle, over files in order" {
	printf '[mount]\ntarget=/mnt/a\nasync_flush=on\nsyncfs=on\n' >"$CONF"
	printf '[mount]\ntarget=/mnt/[ab]\nasync_flush=off\n' >"$FUSECTL_ROOT/etc/fusectl.d/b.conf"
	printf '[mount]\ntarget=/mnt/a\nasync_flush=exit\n' >"$FUSECTL_ROOT/etc/fusectl.d/B.conf"
	fusectl 0 apply --verbose
	assert_equal "$(sort <<<"$output")" "/mnt/a (connection 52): async_flush: default -> off
/mnt/a (connection 52): syncfs: default -> on
/mnt/b (connection 53): async_flush: default -> off"
}

@test "apply --dry-run: what would be written, and nothing is" {
	printf '[module]\nsyncfs=on\n[mount]\ntarget=/mnt/a\nasync_flush=on\n' >"$CONF"
	fusectl 0 apply --dry-run
	assert_equal "$output" "module-wide: syncfs: auto -> on
/mnt/a (connection 52): async_flush: default -> on"
	assert_no_change
	printf '[module]\ninval_files=on\n' >"$CONF"
	fusectl 1 apply --dry-run
	assert_error "has no inval_files yet"
	local said=$stderr
	fusectl 1 apply
	assert_equal "$stderr" "$said"
}

@test "apply: not loaded is exit status 3, after the files were read" {
	fusectl_unloaded
	fusectl 3 apply
	assert_error "fusectl load"
	echo wrong >"$CONF"
	fusectl 1 apply
}

@test "apply: one connection that fails is told, and the others get theirs" {
	printf '[mount]\ntarget=/mnt/*\nasync_flush=on\n' >"$CONF"
	echo 'write *52/async_flush 13' >"$FUSECTL_ROOT/fail"
	fusectl 5 apply
	assert_error "/mnt/a: not permitted"
	assert_equal "$(setting 53)" on
	: >"$FUSECTL_ROOT/fail"
	# one that is gone meanwhile is no failure
	echo 'write *52/async_flush 2' >"$FUSECTL_ROOT/fail"
	fusectl 0 apply
	assert_quiet
}

# --- set --persist, inherit --persist

OWN() { cat "$FUSECTL_ROOT/etc/fusectl.d/90-fusectl-set.conf"; }

@test "set --persist: kernel and file; again in the same place; inherit takes it away" {
	rmdir "$FUSECTL_ROOT/etc/fusectl.d"
	fusectl 0 set --persist async_flush on /mnt/a
	assert_quiet
	fusectl 0 set --persist syncfs off /mnt/a /mnt/b
	fusectl 0 set -p async_flush exit
	fusectl 0 set --persist async_flush off 52
	assert_equal "$(OWN | grep -v '^#')" "
[mount]
type = fuse.bindfs
target = /mnt/a
async_flush = off
syncfs = off

[mount]
type = fuse
target = /mnt/b
syncfs = off

[module]
async_flush = exit"
	assert_equal "$(stat -c %a "$FUSECTL_ROOT/etc/fusectl.d/90-fusectl-set.conf")" 644
	assert_equal "$(setting 52) $(setting 53 syncfs) $(module_wide async_flush)" "off off exit"
	fusectl 0 check
	: >"$FUSECTL_ROOT/log"
	fusectl 0 apply
	assert_no_change
	fusectl 0 inherit --persist syncfs /mnt/a /mnt/b
	assert_equal "$(OWN | grep -v '^#')" "
[mount]
type = fuse.bindfs
target = /mnt/a
async_flush = off

[module]
async_flush = exit"
	assert_equal "$(setting 53 syncfs)" default
	assert_equal "$(find "$FUSECTL_ROOT/etc/fusectl.d" -type f | wc -l)" 1
}

@test "set --persist: what an admin wrote into the file stays" {
	cat >"$FUSECTL_ROOT/etc/fusectl.d/90-fusectl-set.conf" <<-'END'
		# mine
		[mount]
		target = /mnt/a
		type = fuse.bindfs
		# why
		  disable_sync_release = on ; because
		[mount]
		source = x
		syncfs = on
	END
	fusectl 0 set --persist sync_release auto /mnt/a
	assert_equal "$(OWN)" "# mine
[mount]
target = /mnt/a
type = fuse.bindfs
# why
  sync_release = auto ; because
[mount]
source = x
syncfs = on"
	fusectl 0 inherit --persist sync_release /mnt/a
	assert_equal "$(OWN)" "# mine
# why
[mount]
source = x
syncfs = on"
}

@test "set --persist: a mount point with any name matches itself and no other" {
	own_connection 70 '/mnt/*[x]\134y\040;z#' fuse x
	own_connection 71 '/mnt/Q[x]\134y\040;z#' fuse x
	own_connection 72 '/mnt/new\012line\040' fuse x
	fusectl 0 set --persist async_flush on 70 72
	fusectl 0 inherit async_flush 70 71 72
	fusectl 0 apply
	assert_equal "$(setting 70) $(setting 71) $(setting 72)" "on default on"
}

@test "set --persist: a broken file, an own one or another, is refused before anything is changed" {
	local file
	for file in fusectl.conf fusectl.d/90-fusectl-set.conf fusectl.d/99.conf; do
		echo broken >"$FUSECTL_ROOT/etc/$file"
		fusectl 1 set --persist async_flush on /mnt/a
		assert_error "/etc/$file:1:1: "
		fusectl 1 set --persist async_flush on
		fusectl 1 inherit --persist async_flush /mnt/a
		assert_equal "$(<"$FUSECTL_ROOT/etc/$file")" broken
		rm "$FUSECTL_ROOT/etc/$file"
	done
	# a mount point that no line can hold
	own_connection 73 "/$(printf 'x%.0s' {1..200})" fuse x
	fusectl 1 set --persist async_flush on 73
	assert_error "too long"
	assert_no_change
}

@test "set --persist: a file of its own with a NUL byte is refused, and stays as it is" {
	local own=$FUSECTL_ROOT/etc/fusectl.d/90-fusectl-set.conf
	printf '[module]\nasync_flush = on\n\0\n[mount]\nuser = root\nsyncfs = off\n' >"$own"
	cp "$own" "$BATS_TEST_TMPDIR/before"
	fusectl 1 set --persist sync_release on
	assert_error "a NUL byte"
	fusectl 1 inherit --persist async_flush 52
	cmp "$own" "$BATS_TEST_TMPDIR/before"
	assert_no_change
}

@test "set --persist: all or nothing between kernel and file" {
	# the kernel refuses: no file
	echo 'write *53/async_flush 1' >"$FUSECTL_ROOT/fail"
	fusectl 5 set --persist async_flush on /mnt/a /mnt/b
	assert_equal "$(setting 52)" default
	assert_equal "$(ls -A "$FUSECTL_ROOT/etc/fusectl.d")" ""
	: >"$FUSECTL_ROOT/fail"
	# the file can't be written: the kernel is left alone
	rmdir "$FUSECTL_ROOT/etc/fusectl.d"
	ln -s "$FUSECTL_ROOT/no/such" "$FUSECTL_ROOT/etc/fusectl.d"
	fusectl 1 set --persist async_flush on /mnt/a
	assert_equal "$(setting 52)" default
	fusectl 1 set --persist async_flush on
	assert_equal "$(module_wide async_flush)" auto
	assert_no_change_but_tried
}

# what 53 refused above, and 52 being set back, is all that was written
assert_no_change_but_tried() {
	assert_equal "$(grep -c '^write' "$FUSECTL_ROOT/log")" 3
}

@test "set --persist: a file that can't be renamed into its place: the kernel is set back" {
	command -v strace || skip "no strace on this machine"
	local call
	for call in "set --persist async_flush on /mnt/a" "set --persist async_flush on"; do
		: >"$FUSECTL_ROOT/log"
		# shellcheck disable=SC2086 # words
		ASAN_OPTIONS=detect_leaks=0 run -1 strace -o /dev/null -e inject=rename:error=EIO \
			"$FUSECTL_SOURCE/check-build.d/fusectl" $call
		[[ $output == *"can't write /etc/fusectl.d/90-fusectl-set.conf"* ]] || fail "$output"
		assert_equal "$(grep -c '^write' "$FUSECTL_ROOT/log")" 2
		assert_equal "$(setting 52) $(module_wide async_flush)" "default auto"
		assert_equal "$(ls -A "$FUSECTL_ROOT/etc/fusectl.d")" ""
	done
}

@test "set, inherit --dry-run: what would be written where, the same exit statuses" {
	fusectl 0 set --dry-run --persist async_flush on /mnt/a
	assert_equal "$output" "/sys/fs/fuse_ext/connections/52/async_flush (/mnt/a): default -> on
/etc/fusectl.d/90-fusectl-set.conf: +# What fusectl set --persist and fusectl inherit --persist wrote.
/etc/fusectl.d/90-fusectl-set.conf: +# It may be edited, see fusectl.conf(5); comments stay.
/etc/fusectl.d/90-fusectl-set.conf: +
/etc/fusectl.d/90-fusectl-set.conf: +[mount]
/etc/fusectl.d/90-fusectl-set.conf: +type = fuse.bindfs
/etc/fusectl.d/90-fusectl-set.conf: +target = /mnt/a
/etc/fusectl.d/90-fusectl-set.conf: +async_flush = on"
	fusectl 0 set --dry-run async_flush exit
	assert_equal "$output" "/sys/module/fuse_ext/parameters/async_flush: auto -> exit"
	fusectl 0 inherit --dry-run async_flush 53
	fusectl 1 set --dry-run inval_files on 52
	fusectl 6 set --dry-run async_flush on 51
	fusectl 4 set --dry-run async_flush on 99
	fusectl 2 set --dry-run async_flush wrong
	assert_no_change
	assert_equal "$(ls -A "$FUSECTL_ROOT/etc/fusectl.d")" ""
}

@test "set --persist: another rule that has the last word is told" {
	printf '[mount]\ntype=fuse.*\nasync_flush=off\n' >"$FUSECTL_ROOT/etc/fusectl.d/99.conf"
	fusectl 0 set --persist async_flush on /mnt/a
	assert_error "note: the policy sets async_flush to off in /etc/fusectl.d/99.conf, line 3"
}

# --- apply --watch

@test "apply --watch: a changed policy comes in force, a broken one doesn't, SIGHUP, SIGTERM" {
	printf '[mount]\ntarget=/mnt/a\nasync_flush=on\n' >"$CONF"
	watch --verbose
	soon has_setting 52 async_flush on
	printf '[mount]\ntarget=/mnt/b\nasync_flush=exit\n' >"$FUSECTL_ROOT/etc/fusectl.d/x.conf"
	soon has_setting 53 async_flush exit
	echo '[mount' >"$CONF"
	soon grep -q "fusectl.conf:1:1: .*without its" "$BATS_TEST_TMPDIR/watch"
	soon grep -q "policy in force stays" "$BATS_TEST_TMPDIR/watch"
	# by hand something else: SIGHUP with a broken file changes nothing
	fusectl 0 set async_flush off /mnt/b
	kill -HUP "$WATCHER"
	sleep 0.3
	assert_equal "$(setting 53)" off
	rm "$CONF"
	soon has_setting 53 async_flush exit
	kill -TERM "$WATCHER"
	wait "$WATCHER"
	WATCHER=
	refute_sanitizer
}

refute_sanitizer() {
	! grep -E 'Sanitizer|runtime error' "$BATS_TEST_TMPDIR/watch" || fail "a sanitizer's finding"
}

@test "apply --watch: starts with a broken policy and without fuse_ext, and waits" {
	fusectl_unloaded
	rmdir "$FUSECTL_ROOT/etc/fusectl.d"
	echo broken >"$CONF"
	watch
	soon grep -q "fusectl.conf:1:1: " "$BATS_TEST_TMPDIR/watch"
	fusectl 0 load
	mkdir "$FUSECTL_ROOT/etc/fusectl.d"
	printf '[module]\nasync_flush=exit\n' >"$FUSECTL_ROOT/etc/fusectl.d/1.conf"
	echo >"$CONF"
	is_exit() { [[ $(module_wide async_flush) == exit ]]; }
	soon is_exit
	kill -TERM "$WATCHER"
	wait "$WATCHER"
	WATCHER=
	refute_sanitizer
}

@test "apply --watch: usage" {
	fusectl 2 apply --watch --dry-run
	fusectl 2 apply operand
}

@test "the unit's file is one that systemd takes" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze on this machine"
	local unit=$BATS_TEST_TMPDIR/fusectl-apply.service
	sed 's|/usr/sbin/fusectl|/bin/true|' "$FUSECTL_SOURCE/fusectl-apply.service" >"$unit"
	run -0 systemd-analyze verify --man=no "$unit"
	assert_equal "$output" ""
	# a rule's user may be known only then
	grep -q '^After=.*\bnss-user-lookup\.target\b' "$unit"
	echo NoSuchSetting=yes >>"$unit"
	run systemd-analyze verify --man=no "$unit"
	assert_output NoSuchSetting
}

@test "conf man page: no warnings; the example is a good policy" {
	local warnings
	warnings=$(groff -man -ww -Tutf8 "$FUSECTL_SOURCE/fusectl.conf.5" 2>&1 >/dev/null)
	assert_equal "$warnings" ""
	cd "$FUSECTL_SOURCE"
	fusectl 0 check fusectl.conf.example
	assert_quiet
}
