#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fusectl list and status: what they show, in each format, and of mount points
# with any name.  Against a machine made of files, not a kernel.

load helpers/fusectl

setup_file() { fusectl_build; }
setup() { fusectl_loaded_machine; }

PLACE=/sys/fs/fuse_ext/connections

json() { jq -e "$@" <<<"$output"; }

@test "list: connections of both drivers, and what serves them" {
	fusectl 0 list
	assert_output "CONN DRIVER"
	fusectl 0 list -nr
	assert_output "51 stock fuse.sshfs host:/dir /mnt/stock -"
	assert_output "52 fuse_ext fuse.bindfs bindfs /mnt/a auto"
	assert_output "7340032 fuse_ext fuseblk /dev/loop0 /mnt/disk auto"
	assert_equal "${#lines[@]}" 4
}

@test "list: virtiofs, fusectl and other types aren't in it" {
	add_mount 80 20 0:80 /mnt/virtio virtiofs tag
	mkdir "$FUSECTL_ROOT/stock/80"
	add_mount 81 20 0:81 /mnt/fused fused x
	fusectl 0 list -nro CONN
	assert_equal "$output" $'51\n52\n53\n7340032'
}

@test "list: connections of both drivers that have no mount point here" {
	own_connection 60
	stock_connection 61
	fusectl 0 list -nro CONN,DRIVER,TARGET
	assert_output "60 fuse_ext -"
	assert_output "61 stock -"
	fusectl 0 list -jo CONN,TARGET
	json '.connections[] | select(.conn == 60) | .target == null'
}

@test "list: each mount point of a connection has a line" {
	add_mount 83 20 0:52 /mnt/again fuse.bindfs bindfs
	fusectl 0 list -nro CONN,TARGET
	assert_output "52 /mnt/a"
	assert_output "52 /mnt/again"
}

@test "list: the value in force, and the requests that wait" {
	fusectl 0 set async_flush exit /mnt/b
	fusectl 0 list -nro TARGET,ASYNC_FLUSH,WAITING,SYNCFS
	assert_output "/mnt/b exit 3 auto"
	assert_output "/mnt/a auto 3 auto"
	assert_output "/mnt/stock - 0 -"
}

@test "list: JSON is valid, with numbers as numbers and null for what is missing" {
	fusectl 0 list -j
	json '.connections | length == 4'
	json '.connections[0] == {"conn": 51, "driver": "stock", "fstype": "fuse.sshfs",
		"source": "host:/dir", "target": "/mnt/stock", "async_flush": null}'
	fusectl 0 list -jO
	json '.connections[1].waiting == 3 and .connections[1].inval_files == "auto"'
}

@test "list: JSON is valid with no connection at all" {
	sed -i '/fuse[ .b]/d' "$FUSECTL_ROOT/proc/self/mountinfo"
	rm -r "$FUSECTL_ROOT"/{own,stock}/*
	fusectl 0 list -j
	json '.connections == []'
	fusectl 0 list
	refute_output /
}

@test "list: works where fuse_ext isn't loaded" {
	fusectl_unloaded
	fusectl 0 list -nr
	assert_equal "$output" "51 stock fuse.sshfs host:/dir /mnt/stock -"
}

@test "list: -o in any letter case, + adds, a column twice counts once" {
	fusectl 0 list -o target,Conn,CONN
	assert_equal "${lines[0]// /}" TARGETCONN
	fusectl 0 list -n -r -o +waiting
	assert_output "52 fuse_ext fuse.bindfs bindfs /mnt/a auto 3"
}

@test "list: every column of --help can be asked for, and --output-all has them all" {
	fusectl 0 list --help
	local column columns
	columns=$(sed -n '/^Columns/,$s/^  \([A-Z_]*\) .*/\1/p' <<<"$output")
	[[ $(wc -l <<<"$columns") -ge 11 ]] || fail "expected at least 11 columns: $columns"
	for column in $columns; do
		fusectl 0 list -o "$column"
		[[ ${lines[0]} =~ ^\ *$column\ *$ ]] || fail "expected the heading $column"
	done
	fusectl 0 list -rO
	assert_equal "${lines[0]}" "$(xargs <<<"$columns")"
}

@test "list: mount points with spaces, quotes, backslashes and newlines, in each format" {
	add_mount 84 20 0:84 '/mnt/sp\040ace\011tab' fuse 'a\040b'
	add_mount 85 20 0:85 '/mnt/new\012line\134back"quote' fuse x
	printf '86 20 0:86 / /mnt/\033[31mred\177\302\233x rw - fuse x rw\n' \
		>>"$FUSECTL_ROOT/proc/self/mountinfo"
	printf '87 20 0:87 / /mnt/\377\376 rw - fuse x rw\n' >>"$FUSECTL_ROOT/proc/self/mountinfo"

	fusectl 0 list -nro TARGET,SOURCE
	assert_equal "${#lines[@]}" 8
	assert_output '/mnt/sp\x20ace\x09tab a\x20b'
	assert_output 'new\x0aline\x5cback"quote x'
	local line
	for line in "${lines[@]}"; do
		[[ $line =~ ^[^\ ]+\ [^\ ]+$ ]] || fail "expected two words: $line"
	done

	fusectl 0 list
	assert_output 'new\x0aline'
	assert_equal "${#lines[@]}" 9
	! grep -q $'[\x01-\x08\x0b-\x1f\x7f]\|\xc2\x9b' <<<"$output" || fail "a control character"

	fusectl 0 list -j
	json '[.connections[].target] | index("/mnt/sp ace\ttab") != null'
	json '[.connections[].target] | index("/mnt/new\nline\\back\"quote") != null'
	json '[.connections[].target] | index("/mnt/\\xff\\xfe") != null'
	python3 -m json.tool <<<"$output" >/dev/null
	! grep -q $'[\x01-\x08\x0b-\x1f\x7f]\|\xc2\x9b' <<<"$output" || fail "a control character"
}

@test "list: the same in the C locale" {
	export LC_ALL=C
	add_mount 85 20 0:85 '/mnt/new\012line' fuse x
	printf '87 20 0:87 / /mnt/\303\244\377 rw - fuse x rw\n' >>"$FUSECTL_ROOT/proc/self/mountinfo"
	fusectl 0 list
	assert_output 'new\x0aline'
	fusectl 0 list -j
	python3 -m json.tool <<<"$output" >/dev/null
}

@test "list: a very long mount point and 2000 mounts" {
	local long i
	long=$(printf '/%.0sverylongnameverylongname' {1..160})
	add_mount 88 20 0:88 "$long" fuse x
	for i in {1..2000}; do
		echo "$((i + 5000)) 20 0:$((i + 5000)) / /mnt/many/$i rw - fuse x rw"
	done >>"$FUSECTL_ROOT/proc/self/mountinfo"
	fusectl 0 list -nro TARGET
	assert_output "$long"
	assert_equal "${#lines[@]}" 2005
}

@test "list: lines that are no mountinfo are passed over" {
	printf 'garbage\n\n99 1\n' >>"$FUSECTL_ROOT/proc/self/mountinfo"
	fusectl 0 list -nro CONN
	assert_output 7340032
}

@test "list: no mountinfo is exit status 1" {
	rm "$FUSECTL_ROOT/proc/self/mountinfo"
	fusectl 1 list
	assert_error "is /proc mounted?"
}

@test "list: mounts the control filesystem of fuse_ext if it is mounted nowhere" {
	fusectl_own_unmounted
	fusectl 0 list -nr
	assert_output "52 fuse_ext fuse.bindfs bindfs /mnt/a auto"
	assert_equal "$(<"$FUSECTL_ROOT/log")" \
		"mount fusectl /sys/fs/fuse_ext/connections fusectl 2097166"
}

@test "list: an unprivileged user sees what serves what; not knowing isn't guessed" {
	chmod -R a+rX "$BATS_RUN_TMPDIR"
	chmod 0 "$FUSECTL_ROOT/own/52"
	local fusectl=("$FUSECTL_SOURCE/check-build.d/fusectl" list -nr)
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups "${fusectl[@]}"
	assert_output "52 fuse_ext fuse.bindfs bindfs /mnt/a -"
	fusectl_own_unmounted
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups "${fusectl[@]}"
	assert_output "52 unknown fuse.bindfs bindfs /mnt/a -"
}

@test "list: root who may not mount, in a container, sees what a user sees" {
	local error
	fusectl_own_unmounted
	for error in 1 13 30; do
		echo "mount $PLACE $error" >"$FUSECTL_ROOT/fail"
		fusectl 0 list -nr
		assert_output "52 unknown fuse.bindfs bindfs /mnt/a -"
		refute_error fusectl
		fusectl 0 status
		fusectl 0 show /mnt/a
		fusectl 1 drain
		fusectl 5 set async_flush on /mnt/a
		fusectl 5 unload
		fusectl 5 unload --when-idle --timeout 5
	done
	echo "mount $PLACE 12" >"$FUSECTL_ROOT/fail"
	fusectl 1 list
	assert_error "can't mount the control filesystem at $PLACE"
}

@test "list: output that can't be written is exit status 1" {
	run bash -c '"$1" list >/dev/full' - "$FUSECTL_SOURCE/check-build.d/fusectl"
	assert_equal "$status" 1
	[[ $output == *"can't write"* ]] || fail "expected a message: $output"
}

@test "status: of the loaded module" {
	fusectl 0 status
	fusectl 0 status -nr
	assert_output $'module loaded\ndriver fuse_ext\nversion 0.1.0'
	assert_output 'source linux-source-6.12\x206.12.117-1\x20abcdef'
	assert_output 'supported async_flush\x20sync_release\x20atomic_create\x20syncfs'
	assert_output "kernel $(uname -r)"
	assert_output "installed same"
	assert_output $'connections 3\nstock_connections 1'
	fusectl 0 status -j
	json '[.status[] | {(.name): .value}] | add | .control ==
		"/sys/fs/fuse_ext/connections, /sys/fs/fuse/connections" and
		.stock_control == "/run/fuse-ext/stock-connections"'
}

@test "status: single properties, for scripts" {
	fusectl 0 status -nro VALUE driver version
	assert_equal "$output" $'fuse_ext\n0.1.0'
	fusectl 2 status drivre
	assert_error "did you mean 'driver'?"
}

@test "status: every property of --help is one" {
	fusectl 0 status --help
	local property properties
	properties=$(sed -n 's/^  \([a-z_][a-z_]*\)  .*/\1/p' <<<"$output")
	assert_equal "$(wc -l <<<"$properties")" 11
	for property in $properties; do
		fusectl 0 status -no NAME "$property"
		assert_equal "$output" "$property"
	done
}

@test "status: not loaded is exit status 3, and tells what is installed" {
	fusectl_unloaded
	fusectl 3 status -nr
	assert_output 'module not\x20loaded'
	assert_output "driver stock"
	assert_output "stock_connections 1"
	assert_output 'installed version\x200.1.0'
	rm -r "$FUSECTL_ROOT/modinfo"
	fusectl 3 status -nro VALUE installed
	assert_equal "$output" none
}

@test "status: tells when the installed module isn't the loaded one" {
	local field
	for field in version srcversion fuse_source_hash; do
		cp -r "$FUSECTL_ROOT/modinfo" "$FUSECTL_ROOT/modinfo.same"
		echo other >"$FUSECTL_ROOT/modinfo/$field"
		fusectl 0 status -nro VALUE installed
		assert_output 'differs:'
		rm -r "$FUSECTL_ROOT/modinfo"
		mv "$FUSECTL_ROOT/modinfo.same" "$FUSECTL_ROOT/modinfo"
	done
	fusectl 0 status -nro VALUE installed
	assert_equal "$output" same
	rm -r "$FUSECTL_ROOT/modinfo"
	fusectl 0 status -nro VALUE installed
	assert_equal "$output" none
}
