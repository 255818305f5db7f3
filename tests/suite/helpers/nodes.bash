# shellcheck shell=bash
# nodeserver, and clients that wait in close(2).  Loaded by the suites of
# sync_release, after helpers/all.

# nodes NAME OPTION...: nodeserver at $FX/NAME, as `server` starts fxserver.
nodes() {
	local name=$1
	shift
	mkdir -p "$FX/$name"
	run_ 0 nodeserver --log "$FX/$name.log" --control "$FX/$name.control" \
		--pidfile "$FX/$name.pid" "$@" "$FX/$name"
}

# two_nodes OPTION...: one server, mounted at $FX/a and $FX/b.
two_nodes() {
	mkdir -p "$FX/a" "$FX/b"
	run_ 0 nodeserver --log "$FX/a.log" --control "$FX/a.control" \
		--pidfile "$FX/a.pid" "$@" "$FX/a" "$FX/b"
}

two_nodes_stop() {
	run_ 0 umount "$FX/a" "$FX/b"
	soon 20 server_gone a || fail "the server of a and b didn't end"
}

# closes_in FIELD LIMIT-MS WHAT...: the time of the last command's close(2) was
# below LIMIT-MS; closes_after: it was at least that.
closes_in() {
	below "$(field "$1")" $(($2 * 1000)) "microseconds of $1" "${@:3}"
}
closes_after() {
	at_least "$(field "$1")" $(($2 * 1000)) "microseconds of $1" "${@:3}"
}

# told FILE [BYTES]: a client that has FILE open and closes it when `close_it`
# says so; its process is in $started, its output in $FX/told.
told() {
	start "$FX/told" fxclient close-told "$@"
	soon 10 grep -q open "$FX/told" || fail "the client didn't open $1"
}
close_it() {
	kill -USR1 "$started"
}

# long_or NUMBER SHORT: the issue's number with FUSE_EXT_LONG=1.
long_or() {
	if [ "${FUSE_EXT_LONG:-0}" = 1 ]; then
		echo "$1"
	else
		echo "$2"
	fi
}
