# shellcheck shell=bash
# treeserver that says FUSE_NOTIFY_INVAL_FILES.  Loaded by the suites of
# inval_files, after helpers/all and helpers/tree.

FX_WANT_INVAL=0x4	# FUSE_EXT_INVAL_FILES

# inval_tree NAME OPTION...: treeserver that has negotiated it.
inval_tree() {
	tree "$1" --want $FX_WANT_INVAL "${@:2}"
	is "$(field enabled)" 4 "features in force, for the server"
}

# uncache NAME PATH: nothing of it is in the page cache any more.  Not by drop_caches,
# which leaves pages that are still in a CPU's list of new ones.
uncache() {
	run_ 0 dd if="$FX/$1/$2" iflag=nocache count=0 status=none
}

# content NAME PATH [BYTES]: a file full of "o", made through the mount; nothing
# of it is in the page cache.
content() {
	head -c "${3:-16384}" /dev/zero | tr '\0' o >"$FX/$1/$2"
	uncache "$1" "$2"
}

# inval ERROR NAME PATH [other]: a notification, and what its write(2) says.
inval() {
	FX_LIMIT=20 tell "$2" inval "${@:3}"
	is "$(field inval)" "$1" "the write(2) of the notification for $3"
}

# group NAME: a line of `fxclient inval-calls`.
group() {
	local line
	while read -r line; do
		if [[ $line == "$1 "* ]]; then
			echo "${line#"$1" }"
			return
		fi
	done <<<"$output"
	fail "no line '$1' in: $output"
}

# all_are VALUE GROUP: each call of the group ended so.
all_are() {
	local word list other=
	list=$(group "$2")
	for word in $list; do
		[ "${word#*=}" = "$1" ] || other+=" $word"
	done
	is "$other" "" "of '$2', what isn't $1"
}

# all_calls NAME COMMAND: `fxclient inval-calls` on that mount.
all_calls() {
	run_ 0 fxclient inval-calls "$FX/$1/file" "$FX/$1/other" "$FX/$1.control" "$2"
	all_are OK before-calls
	all_are OK others
	all_are OK later
}

# flight NAME WHAT PATH OPCODE: a client that has begun this I/O, the server holds
# it; its process is in $flier, its output in $FX/flight.
flight() {
	local have
	have=$(requests "$1" "$4")
	tell "$1" hold "$4"
	start "$FX/flight" fxclient inval-flight "$2" "$FX/$1/$3"
	flier=$started
	soon 10 has_requests "$1" "$4" $((have + 1)) || fail "no $4"
}

# opener PATH: opens it and closes it, in the background; $opener, $FX/opener.
opener() {
	start "$FX/opener" fxclient close-kind read "$FX/$1"
	opener=$started
}

# landed FIELD...: the client of `flight` has ended its I/O, reads again, and
# closes; what it says is in $output.
landed() {
	soon 20 grep -q done= "$FX/flight" || fail "$(where_is "$flier"): the I/O doesn't end"
	kill -USR1 "$flier"
	ends "$flier" 20 || fail "$(where_is "$flier"): it doesn't end"
	output=$(<"$FX/flight")
	log_line "$output"
}

# opened: the one of `opener` could open it.
opened() {
	ends "$opener" 20 || fail "$(where_is "$opener"): open(2) doesn't come back"
	like "$(<"$FX/opener")" "^open=OK " "the open(2) that waited"
}
