#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fusectl show, abort, wait and drain, and the columns of list that come from the
# same places.  Against a machine made of files, not a kernel.

load helpers/fusectl

FUSECTL=$FUSECTL_SOURCE/check-build.d/fusectl

setup_file() { fusectl_build; }
setup() { fusectl_loaded_machine; }

init() {
	cat >"$FUSECTL_ROOT/own/52/ext_init" <<-'END'
		protocol 7.41
		offered 0x4000000040000009
		accepted 0x80000001
		max_readahead 131072
		max_write 1048576
		max_background 12
		congestion_threshold 9
		features async_flush syncfs
	END
	printf 'flush_async 5\nsyncfs 2\n' >"$FUSECTL_ROOT/own/52/ext_stats"
	echo 12 >"$FUSECTL_ROOT/own/52/max_background"
	echo 9 >"$FUSECTL_ROOT/own/52/congestion_threshold"
}

@test "show: what was negotiated, by name, the toggles, queue and counters" {
	init
	fusectl 0 show -nr /mnt/a
	assert_output "connection 52"
	assert_output "driver fuse_ext"
	assert_output "target /mnt/a"
	assert_output "protocol 7.41"
	assert_output 'offered async_read\x20atomic_o_trunc\x20init_ext\x20ext'
	assert_output 'accepted async_read\x20init_reserved'
	assert_output "max_write 1048576"
	assert_output 'features async_flush\x20syncfs'
	assert_output $'async_flush auto\nasync_flush_source module\nasync_flush_setting default'
	assert_output $'waiting 3\nmax_background 12\ncongestion_threshold 9\ncongested no'
	assert_output $'count_flush_async 5\ncount_syncfs 2'
	echo 9 >"$FUSECTL_ROOT/own/52/waiting"
	fusectl 0 show -nr 52
	assert_output "congested possible"
}

@test "show: on a terminal, no word of a long value is broken, and none is lost" {
	local typescript=$BATS_TEST_TMPDIR/typescript columns
	init
	sed -i 's/^offered .*/offered 0xffffffffffffffff/' "$FUSECTL_ROOT/own/52/ext_init"
	"$FUSECTL" show -nr -o VALUE 52 | sed -n 's/\\x20/ /gp' | tr ' ' '\n' | sort >"$BATS_TEST_TMPDIR/words"
	for columns in 60 100 171; do
		script -qec "stty rows 30 cols $columns; '$FUSECTL' show -n -o VALUE 52" "$typescript" >/dev/null
		grep -v '^Script ' "$typescript" | tr -d '\r' | sed 's/\x1b[[][0-9;]*m//g' >"$BATS_TEST_TMPDIR/shown"
		[ "$(wc -L <"$BATS_TEST_TMPDIR/shown")" -le "$columns" ]
		tr -s ' ' '\n' <"$BATS_TEST_TMPDIR/shown" | sort >"$BATS_TEST_TMPDIR/shown-words"
		[ -z "$(comm -23 "$BATS_TEST_TMPDIR/words" "$BATS_TEST_TMPDIR/shown-words")" ]
	done
}

@test "show: on a terminal, a mount point with a line's end is one line, as elsewhere" {
	local typescript=$BATS_TEST_TMPDIR/typescript
	own_connection 85 '/mnt/a\012b' fuse x
	script -qec "stty rows 30 cols 100; '$FUSECTL' show -n -o NAME,VALUE 85" "$typescript" >/dev/null
	grep -q '^target  *.*/mnt/a\\x0ab' "$typescript" || fail "not so: $(<"$typescript")"
	! grep -q '^ *b' "$typescript" || fail "two lines: $(<"$typescript")"
}

@test "show: a flag without a name is bit_N; before INIT nothing is negotiated" {
	init
	sed -i 's/^offered .*/offered 0x2000000000000000/' "$FUSECTL_ROOT/own/52/ext_init"
	fusectl 0 show -nr 52
	assert_output "offered bit_61"
	: >"$FUSECTL_ROOT/own/52/ext_init"
	fusectl 0 show -nr 52
	assert_output "protocol -"
	refute_output offered
}

@test "show: the server by its descriptor, and candidates where that isn't told" {
	server 900 52
	device 901
	fusectl 0 show -nr 52
	assert_output 'server 900\x20root\x20/usr/bin/server900'
	refute_output server_candidate
	fusectl 0 show -nr 53
	assert_output 'server_candidate 901\x20root\x20/usr/bin/server901'
	refute_output 900
}

@test "show: a stock mount, also where fuse_ext isn't loaded; several targets; JSON" {
	fusectl 0 show -nr 51
	assert_output "driver stock"
	assert_output "waiting 0"
	refute_output async_flush
	fusectl 0 show -nr 51 /mnt/a
	assert_output "52 driver fuse_ext"
	fusectl 0 show -j /mnt/a
	jq -e '.connection | map(select(.name == "target"))[0].value == "/mnt/a"' <<<"$output"
	fusectl_unloaded
	fusectl 0 show -nr 51
	assert_output "driver stock"
	fusectl 4 show 99
	fusectl 4 show /mnt
	fusectl 2 show
}

@test "list: the columns from INIT, the mount options and /proc; -J" {
	init
	server 900 52
	sed -i 's|\(/mnt/a .* rw\)$|\1,user_id=0,allow_other|' "$FUSECTL_ROOT/proc/self/mountinfo"
	fusectl 0 list -nro TARGET,USER,PID,PROTOCOL,MAX_WRITE,MAX_BACKGROUND,FEATURES
	assert_output '/mnt/a root 900 7.41 1048576 12 async_flush\x20syncfs'
	assert_output '/mnt/stock - - - - - -'
	fusectl 0 list -nro TARGET,OPTIONS
	assert_output '/mnt/a rw,nosuid,user_id=0,allow_other'
	fusectl 0 list -J
	jq -e '.connections | length == 4' <<<"$output"
}

@test "abort: of both drivers, in the right control filesystem" {
	touch "$FUSECTL_ROOT"/{own/52,stock/51}/abort
	fusectl 0 abort --dry-run 51 /mnt/a
	assert_output "would abort connection 51 (stock, /mnt/stock)"
	assert_output "would abort connection 52 (fuse_ext, /mnt/a): what waits (3) fails"
	assert_no_change
	fusectl 0 abort 51 /mnt/a
	assert_equal "$(<"$FUSECTL_ROOT/log")" \
		$'write /run/fuse-ext/stock-connections/51/abort 1\nwrite /sys/fs/fuse_ext/connections/52/abort 1'
}

@test "abort: --dry-run mounts nothing" {
	fusectl_own_unmounted
	fusectl 5 abort --dry-run 52
	assert_error "fusectl load"
	fusectl 0 abort --dry-run 51
	assert_no_change
}

@test "abort: nothing is aborted if one target is none, or it isn't permitted" {
	touch "$FUSECTL_ROOT"/{own/52,stock/51}/abort
	fusectl 4 abort 51 99
	fusectl 2 abort
	assert_no_change
	echo 'write *52/abort 13' >"$FUSECTL_ROOT/fail"
	fusectl 5 abort 52
	assert_error "not permitted to abort connection 52"
}

@test "wait: idle, time-out, a connection that goes, wrong usage" {
	fusectl 0 wait --idle 51
	fusectl 1 wait --idle --timeout 1 52
	assert_error "3 requests still wait after 1 s"
	(sleep 1 && echo 0 >"$FUSECTL_ROOT/own/52/waiting") 3>&- &
	fusectl 0 wait --idle --timeout 30 52
	(sleep 1 && rm -r "$FUSECTL_ROOT/own/53") 3>&- &
	fusectl 0 wait --idle --timeout 30 53
	fusectl 2 wait 51
	fusectl 2 wait --idle --timeout x 51
	fusectl 4 wait --idle 99
}

@test "drain: mounts, other namespaces, lazily unmounted ones and processes" {
	server 900 52
	mkdir -p "$FUSECTL_ROOT/proc/902/fd"
	ln -s /mnt/a/file "$FUSECTL_ROOT/proc/902/fd/4"
	ln -s /mnt/ab "$FUSECTL_ROOT/proc/902/cwd"
	echo '7f00-7f01 r-xp 00000000 00:34 12 /mnt/a/lib with space.so' >"$FUSECTL_ROOT/proc/902/maps"
	own_connection 60
	own_connection 61
	process 4711 2 '300 1 0:60 / /mnt/far rw - fuse x rw'
	fusectl 1 drain --own -nr
	assert_error "fuse_ext is in use"
	assert_output "fuse_ext 52 mount - - - /mnt/a"
	assert_output "fuse_ext 60 elsewhere 4711 - - /mnt/far"
	assert_output "fuse_ext 61 lazy - - - -"
	assert_output "fuse_ext 52 server 900 root /usr/bin/server900 /dev/fuse"
	assert_output "fuse_ext 52 file 902 - - /mnt/a/file"
	assert_output 'fuse_ext 52 map 902 - - /mnt/a/lib\x20with\x20space.so'
	refute_output cwd
	refute_output stock
	fusectl 1 drain --stock -nr
	assert_equal "$output" "stock 51 mount - - - /mnt/stock"
	fusectl 2 drain --own --stock
}

@test "drain: nothing is exit status 0, and a device of nobody knows what alone" {
	fusectl_unloaded
	fusectl 0 drain --own -nr
	assert_equal "$output" ""
	device 901
	fusectl 0 drain --own -nr
	assert_output "unknown - device 901 root /usr/bin/server901 /dev/fuse"
}

@test "unload --when-idle waits until nothing is in use; --dry-run changes nothing" {
	fusectl 1 unload --when-idle --timeout 1
	assert_error "unmount /mnt/a (connection 52, fuse.bindfs)"
	assert_no_change
	(sleep 1 && rm -r "$FUSECTL_ROOT"/own/* &&
		sed -i '/ 0:52 \| 0:53 \| 7:0 /d' "$FUSECTL_ROOT/proc/self/mountinfo" &&
		"$FUSECTL_ROOT/fusectl-ops" refresh) 3>&- &
	fusectl 0 unload --when-idle --timeout 30
	[[ ! -e $FUSECTL_ROOT/sys/module/fuse_ext ]] || fail "still loaded"
	: >"$FUSECTL_ROOT/log"
	fusectl 0 load --dry-run
	assert_output "would load /lib/modules/x/updates/dkms/fuse_ext.ko"
	assert_no_change
	fusectl 0 load
	: >"$FUSECTL_ROOT/log"
	fusectl 0 unload --dry-run
	assert_output "would unload fuse_ext"
	assert_no_change
	fusectl 2 unload --timeout 1
}

@test "unload --when-idle is interrupted without anything half done" {
	run --separate-stderr timeout -s INT 1 "$FUSECTL_SOURCE/check-build.d/fusectl" unload --when-idle
	assert_equal "$status" 124
	assert_no_change
}

@test "unload --dry-run mounts nothing, also where the control filesystem isn't mounted" {
	fusectl_unloaded
	fusectl 0 load
	fusectl_own_unmounted
	: >"$FUSECTL_ROOT/log"
	fusectl 0 unload --dry-run
	assert_output "would unload fuse_ext"
	assert_no_change
	# one reference, none of which is the control filesystem's
	echo 1 >"$FUSECTL_ROOT/held"
	"$FUSECTL_ROOT/fusectl-ops" refresh
	fusectl 1 unload --dry-run
	assert_error "references: 1"
	assert_no_change
}
