# shellcheck shell=bash
# treeserver, and what it counts.  Loaded by the suites of atomic_create, after
# helpers/all.

# tree NAME OPTION...: treeserver at $FX/NAME, as `server` starts fxserver.
tree() {
	local name=$1
	shift
	[ -d "$FX/$name" ] || mkdir "$FX/$name"
	run_ 0 treeserver --log "$FX/$name.log" --dump "$FX/$name.dump" \
		--control "$FX/$name.control" --pidfile "$FX/$name.pid" \
		--mount-data allow_other "$@" "$FX/$name"
}

# two_trees OPTION...: one tree at two places.  What is made at $FX/b is new to
# the kernel at $FX/a.
two_trees() {
	mkdir -p "$FX/b"
	run_ 0 treeserver --log "$FX/a.log" --dump "$FX/a.dump" \
		--control "$FX/a.control" --pidfile "$FX/a.pid" \
		--mount-data allow_other "$@" "$FX/a" "$FX/b"
}
two_trees_stop() {
	run_ 0 umount "$FX/a" "$FX/b"
	soon 20 server_gone a || fail "the server of a and b didn't end"
}

# asked NAME FILE: the requests that named FILE, in their order.
asked() {
	awk -v name="name=$2" '
		$2 == "recv" {
			for (i = 4; i <= NF; i++)
				if ($i == name)
					names = names (names ? " " : "") $3
		}
		END { print names }' "$FX/$1.log"
}

# many_requests NAME OPCODE: as `requests`, for logs that are too long for bash.
many_requests() {
	awk -v opcode="$2" '$2 == "recv" && $3 == opcode { n++ } END { print n + 0 }' "$FX/$1.log"
}

# create FLAGS MODE PATH [WHO]: open(2), into $output; PATH is below $FX.
create() {
	run_ 0 fxclient create "$1" "$2" "$FX/$3" "${@:4}"
}

# creates RESULT FLAGS MODE PATH [WHO]: the same, and its error is RESULT.
creates() {
	create "${@:2}"
	is "$(field error)" "$1" "open(2) of $4 with $2"
}

# state NAME FIELD PATH: of what the tree has there.
state() {
	field "$2" "$(fxclient control "$FX/$1.control" state "$3")"
}

# For `soon`: nothing of PATH is held by the first place any more.
given_back() { # NAME PATH
	run_ 0 fxclient control "$FX/$1.control" state "$2"
	[ "$(field lookups) $(field opens)" = "0 0" ]
}
all_given_back() { # NAME
	run_ 0 fxclient control "$FX/$1.control" total
	[ "$(field lookups) $(field opens)" = "0 0" ]
}

# forget_all NAME: the kernel drops what nobody uses, and the numbers balance.
forget_all() {
	echo 2 >/proc/sys/vm/drop_caches
	soon 10 all_given_back "$1" || fail "the server of $1 isn't given back: $output"
}
