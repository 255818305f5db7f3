# shellcheck shell=bash
# Test servers of a test: starting and stopping them, and asking their logs.
# shellcheck disable=SC2154  # bats and isolate.bash set what isn't set here

# server NAME OPTION...: fxserver at $FX/NAME; it serves when this returns.
server() {
	local name=$1
	shift
	mkdir -p "$FX/$name"
	run_ 0 fxserver --log "$FX/$name.log" --control "$FX/$name.control" \
		--pidfile "$FX/$name.pid" "$@" "$FX/$name"
}

# raw_server NAME OPTION...: the same with rawserver.
raw_server() {
	local name=$1
	shift
	mkdir -p "$FX/$name"
	run_ 0 rawserver --log "$FX/$name.log" --control "$FX/$name.control" \
		--pidfile "$FX/$name.pid" "$@" "$FX/$name"
}

server_gone() {
	! kill -0 "$(<"$FX/$1.pid")" 2>/dev/null
}

# server_stop NAME: unmounts it; the server ends by itself.
server_stop() {
	run_ 0 umount "$FX/$1"
	soon 20 server_gone "$1" || fail "the server of $1 didn't end after its unmount"
}

# tell NAME COMMAND...: to the server's control socket.
tell() {
	local name=$1
	shift
	run_ 0 fxclient control "$FX/$name.control" "$@"
}

# requests NAME OPCODE [PATTERN]: how many of them arrived.
requests() {
	awk -v opcode="$2" -v pattern="${3:-}" \
		'$2 == "recv" && $3 == opcode && (pattern == "" || $0 ~ pattern) { n++ }
		END { print n + 0 }' "$FX/$1.log"
}

# replies NAME OPCODE [PATTERN]
replies() {
	awk -v opcode="$2" -v pattern="${3:-}" \
		'$2 == "reply" && $3 == opcode && (pattern == "" || $0 ~ pattern) { n++ }
		END { print n + 0 }' "$FX/$1.log"
}

# has_requests NAME OPCODE NUMBER: for `soon`.
has_requests() {
	[ "$(requests "$1" "$2")" -ge "$3" ]
}
has_replies() {
	[ "$(replies "$1" "$2")" -ge "$3" ]
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
