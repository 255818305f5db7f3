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

# bench_begin: before the first server.  Who is woken doesn't take the CPU from who woke
# it: else 7.3 switches once more in some operations and not in others,
# which is a tenth of what they cost.
bench_begin() {
	chrt --batch --pid 0 $$
	[ ! -d /sys/module/fuse_ext ] ||
		bench_fail "fuse_ext is loaded already; the first mounts have to be the stock driver's"
	grep -qw fuse /proc/filesystems || modprobe fuse
	mount -t fusectl none /sys/fs/fuse/connections
	: >"$out/cases"
	: >"$out/samples"
	: >"$out/delays"
	: >"$out/figures-of"
	: >"$out/figures"
	: >"$out/series"
	: >"$out/points"
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

# bench_serve_libfuse DRIVER NAME MS COMMAND...: a server with libfuse at $BENCH/DRIVER/NAME,
# which needs MS for each answer; COMMAND without the mount point.
bench_serve_libfuse() {
	local directory=$BENCH/$1/$2
	mkdir -p "$directory"
	# passthrough_ll has a descriptor for each file that it knows
	ulimit -n 65536
	DELAYED_MS=$3 DELAYED_TALLY=$directory.tally LD_PRELOAD=$FUSE_EXT_SERVERS/delayed.so \
		"${@:4}" "$directory" >/dev/null
}

# bench_keep DRIVER NAME: what is written there stays in the page cache until it is to be
# stored, up to a twentieth of what may be dirty.  FUSE's own share is so small that the
# kernel would write back in the middle of a round, and let the writer sleep.
bench_keep() {
	local bdi
	bdi=/sys/class/bdi/$(mountpoint -d "$BENCH/$1/$2")
	echo 100 >"$bdi/max_ratio"
	echo 5 >"$bdi/min_ratio"
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
bench_tally() {
	if [ -e "$BENCH/$1/$2.tally" ]; then
		fxclient delayed-tally "$BENCH/$1/$2.tally"
	else
		fxclient control "$BENCH/$1/$2.control" tally
	fi
}

# bench_case CASE PERCENT|- TITLE: the least operations per second that are
# wanted, in percent of stock's; -: no target.
bench_case() { printf '%s\t%s\t%s\n' "$@" >>"$out/cases"; }

# bench_delay CASE MS NEEDED: what the server of this case takes for a request, and which
# ones an operation needs at least: CREATE=1 WRITE=1.08
bench_delay() { printf '%s\t%s\t%s\n' "$@" >>"$out/delays"; }

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

# bench_figure_of NAME PERCENT|- UNIT TITLE: the most that fuse_ext may have, in percent
# of stock's.
bench_figure_of() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$out/figures-of"; }

# bench_figure NAME DRIVER VALUE
bench_figure() { printf '%s\t%s\t%s\n' "$@" >>"$out/figures"; }

# bench_series SERIES THINGS TITLE, and bench_point SERIES DRIVER THINGS NS
bench_series() { printf '%s\t%s\t%s\n' "$@" >>"$out/series"; }
bench_point() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$out/points"; }

# bench_says FILE PID WHAT: PID, which was started here, has written to FILE that it is
# ready.
bench_says() {
	until [ -s "$1" ]; do
		kill -0 "$2" 2>/dev/null || bench_fail "$3"
		sleep 0.1
	done
}

# bench_hold DIRECTORY COUNT same|other: so many files are open until bench_let_go.
bench_hold() {
	mkfifo "$BENCH/held"
	fxclient bench-among "$1" "$2" 1 "$3" "$BENCH/held" >"$BENCH/holds" &
	holder=$!
	bench_says "$BENCH/holds" "$holder" "fxclient bench-among doesn't hold $2 files of $1"
}

bench_let_go() {
	echo >"$BENCH/held"
	wait "$holder"
	rm "$BENCH/held" "$BENCH/holds"
}

# bench_mounts DRIVER COUNT: mounts that have no answer to INIT, until bench_mounts_end.
bench_mounts() {
	mkdir -p "$BENCH/$1/many"
	fxclient mount-many "$BENCH/$1/many" "$2" "$BENCH/enough" >"$BENCH/mounted" &
	many=$!
	bench_says "$BENCH/mounted" "$many" "fxclient mount-many doesn't mount $2"
}

bench_mounts_end() {
	touch "$BENCH/enough"
	wait "$many"
	rm "$BENCH/enough" "$BENCH/mounted"
	rmdir "$BENCH/$1/many"
}
