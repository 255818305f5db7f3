# shellcheck shell=bash
# nodeserver, and clients that wait in close(2).  Loaded by the suites of
# sync_release, after helpers/all.

# nodes NAME OPTION...: nodeserver at $FX/NAME, as `server` starts fxserver.
nodes() {
	local name=$1
	shift
	[ -d "$FX/$name" ] || mkdir "$FX/$name"
	run_ 0 nodeserver --log "$FX/$name.log" --control "$FX/$name.control" \
		--pidfile "$FX/$name.pid" "$@" "$FX/$name"
}

# two_nodes OPTION...: one server, mounted at $FX/a and $FX/b.
two_nodes() {
	mkdir "$FX/b"
	run_ 0 nodeserver --log "$FX/a.log" --control "$FX/a.control" \
		--pidfile "$FX/a.pid" "$@" "$FX/a" "$FX/b"
}

two_nodes_stop() {
	run_ 0 umount "$FX/a" "$FX/b"
	soon 20 server_gone a || fail "the server of a and b didn't end"
}

# closes_after FIELD MS WHAT...: the last command's close(2) took at least that.
closes_after() {
	at_least "$(field "$1")" $(($2 * 1000)) "microseconds of $1" "${@:3}"
}

# at_once NAME COMMAND...: it ends while NAME's server holds RELEASE (from now
# on), so that none of its close(2)s has waited.  No time is measured: the clock
# of an emulated machine jumps.
at_once() {
	tell "$1" hold release
	FX_LIMIT=20 run_ 0 "${@:2}"
	[[ $output != *open=E* ]] || fail "open(2) failed"
}

# told FILE [BYTES]: a client that has FILE open and closes it when `close_it`
# says so; its process is in $started, its output in $FX/told.
told() {
	: >"$FX/told"
	start "$FX/told" fxclient close-told "$@"
	soon 10 has_line "$FX/told" open || fail "the client didn't open $1"
}
close_it() {
	kill -USR1 "$started"
}

# has_line FILE PATTERN: for `soon`, without a process.
has_line() {
	[[ $(<"$1") =~ $2 ]]
}

# has_many NAME KIND OPCODE NUMBER: for `soon`, on logs of thousands of lines,
# which bash reads slowly.
has_many() {
	[ "$(grep -c " $2 $3 " "$FX/$1.log")" -ge "$4" ]
}

# long_or NUMBER SHORT: the issue's number with FUSE_EXT_LONG=1.
long_or() {
	if [ "${FUSE_EXT_LONG:-0}" = 1 ]; then
		echo "$1"
	else
		echo "$2"
	fi
}
