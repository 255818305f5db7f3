# shellcheck shell=bash
# Test servers of a test: starting and stopping them, and asking their logs.

# server NAME OPTION...: fxserver at $FX/NAME; it serves when this returns.
server() {
	local name=$1
	shift
	[ -d "$FX/$name" ] || mkdir "$FX/$name"
	run_ 0 fxserver --log "$FX/$name.log" --control "$FX/$name.control" \
		--pidfile "$FX/$name.pid" "$@" "$FX/$name"
}

# raw_server NAME OPTION...: the same with rawserver.
raw_server() {
	local name=$1
	shift
	[ -d "$FX/$name" ] || mkdir "$FX/$name"
	run_ 0 rawserver --log "$FX/$name.log" --control "$FX/$name.control" \
		--pidfile "$FX/$name.pid" "$@" "$FX/$name"
}

server_gone() {
	process_ended "$(<"$FX/$1.pid")"
}

# server_stop NAME: unmounts it; the server ends by itself.
server_stop() {
	run_ any umount "$FX/$1"
	[ "$status" -eq 0 ] || fail "umount of $1: status $status ($(server_state "$1"))"
	soon 20 server_gone "$1" ||
		fail "the server of $1 didn't end after its unmount ($(server_state "$1"))"
}
# server_state NAME: who has its mount open, and where its server is.
server_state() {
	grep -F " $FX/$1 " /proc/self/mountinfo || echo "not mounted"
	find /proc/[0-9]*/{cwd,root,fd/*} -prune -lname "$FX/$1*" 2>/dev/null
	where_is "$(<"$FX/$1.pid")"
	tail -n 3 "$FX/$1.log"
}

# server_end NAME: after an abort: the server may have ended and unmounted it.
server_end() {
	soon 20 unmounted "$1" || fail "$FX/$1 can't be unmounted"
	soon 20 server_gone "$1" || fail "the server of $1 didn't end"
}
unmounted() {
	! connection_of "$FX/$1" >/dev/null 2>&1 || umount "$FX/$1" 2>>"$FX_LOG"
}

# tell NAME COMMAND...: to the server's control socket.
tell() {
	local name=$1
	shift
	run_ 0 fxclient control "$FX/$name.control" "$@"
}

# events NAME KIND OPCODE [PATTERN]: how many lines of the log, in $count.
events() {
	local line lines
	count=0
	mapfile -t lines <"$FX/$1.log"
	for line in "${lines[@]}"; do
		if [[ $line == *" $2 $3 "* && $line =~ ${4:-} ]]; then
			count=$((count + 1))
		fi
	done
}

# requests NAME OPCODE [PATTERN]: how many of them arrived.
requests() {
	local count
	events "$1" recv "$2" "${3:-}"
	echo "$count"
}

# replies NAME OPCODE [PATTERN]
replies() {
	local count
	events "$1" reply "$2" "${3:-}"
	echo "$count"
}

# has_requests NAME OPCODE NUMBER: for `soon`.
has_requests() {
	local count
	events "$1" recv "$2"
	[ "$count" -ge "$3" ]
}
has_replies() {
	local count
	events "$1" reply "$2"
	[ "$count" -ge "$3" ]
}

# The files whose RELEASE came before the answer to their FLUSH, one line each.
release_before_flush() {
	awk '
		function value(name, i) {
			for (i = 4; i <= NF; i++)
				if (index($i, name "=") == 1)
					return substr($i, length(name) + 2)
		}
		$2 == "reply" && $3 == "FLUSH" { answered[value("fh")] = 1 }
		$2 == "recv" && $3 == "RELEASE" && !(value("fh") in answered) {
			print "RELEASE of fh " value("fh") " before the answer to its FLUSH"
		}' "$FX/$1.log"
}

# lost NAME [OPCODE]: answers that the kernel refused.  An unmount has always
# cut off a RELEASE that was on its way.
lost() {
	awk -v opcode="${2:-}" '$2 == "lost" && (!opcode || $3 == opcode)' "$FX/$1.log"
}
