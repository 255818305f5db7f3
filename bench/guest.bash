# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a benchmark does inside the machine: mounts on both drivers in one boot,
# rounds in turns, and records for bench/report.  Sourced by the benchmarks; it
# judges no figure.

BENCH=/run/bench
PATH=${FUSE_EXT_SERVERS:?must name the folder of the test servers}:$PATH
out=${FUSE_EXT_OUT:?must name a folder for the records}

bench_fail() {
	echo "bench: $*" >&2
	exit 1
}

# bench_begin: before the first server.
bench_begin() {
	[ ! -d /sys/module/fuse_ext ] ||
		bench_fail "fuse_ext is loaded already; the first mounts have to be the stock driver's"
	grep -qw fuse /proc/filesystems || modprobe fuse
	mount -t fusectl none /sys/fs/fuse/connections
	: >"$out/cases"
	: >"$out/samples"
	: >"$out/requests"
}

# bench_load TOGGLE VALUE: what is mounted from now on is fuse_ext's.
bench_load() {
	fusectl load
	fusectl set "$1" "$2"
}

# bench_serve DRIVER NAME OPTION...: treeserver at $BENCH/DRIVER/NAME.
bench_serve() {
	local directory=$BENCH/$1/$2
	mkdir -p "$directory"
	treeserver --control "$directory.control" "${@:3}" "$directory"
}

# bench_served_by: each mount by the driver that its folder is named after.
bench_served_by() {
	local driver target wrong=0 mounts=0
	while read -r driver target; do
		mounts=$((mounts + 1))
		[ "$driver" = fuse_ext ] || driver=stock
		[[ $target == $BENCH/$driver/* ]] || wrong=1
	done < <(fusectl list --raw --noheadings --output DRIVER,TARGET)
	if [ $mounts -eq 0 ] || [ $wrong -ne 0 ]; then
		fusectl list >&2
		bench_fail "a mount is served by the wrong driver (above)"
	fi
}

bench_field() { # NAME TEXT
	local word
	for word in $2; do
		[ "${word%%=*}" != "$1" ] || printf '%s\n' "${word#*=}"
	done
}

# bench_tally DRIVER NAME: the requests since the last time.
bench_tally() { fxclient control "$BENCH/$1/$2.control" tally; }

# bench_case CASE PERCENT|- TITLE: the least operations per second that are
# wanted, in percent of stock's; -: no target.
bench_case() { printf '%s\t%s\t%s\n' "$@" >>"$out/cases"; }

# bench_request_time DRIVER NAME TIMES: what a request takes, as an application
# sees it.
bench_request_time() {
	local output
	output=$(fxclient bench-lookup "$BENCH/$1/$2" "$3")
	printf '%s\t%s\t%s\n' "$1" "$2" $(($(bench_field ns "$output") / $3)) >>"$out/requests"
}

# bench_sample CASE ROUND DRIVER NAME COMMAND...: one measurement; COMMAND prints
# operations= and ns=.  The requests of it are in $tally.
bench_sample() {
	local output
	bench_tally "$3" "$4" >/dev/null
	output=$("${@:5}")
	tally=$(bench_tally "$3" "$4")
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" \
		"$(bench_field operations "$output")" "$(bench_field ns "$output")" "$tally" \
		>>"$out/samples"
}

# bench_turns ROUND: the drivers, in the order of this round.
bench_turns() {
	if [ $(($1 % 2)) -eq 1 ]; then
		echo stock fuse_ext
	else
		echo fuse_ext stock
	fi
}

bench_end() {
	local mount
	for mount in "$BENCH"/*/*/; do
		umount "$mount"
	done
	fusectl unload
}
