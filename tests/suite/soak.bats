#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Soak: daemons of the distribution and servers with all features under load for
# FUSE_EXT_SOAK minutes, while toggles flip, mounts come and go in every way, and
# somebody tries to unload; between rounds the module really goes and comes.  No byte
# may be lost, and nothing left.  Run by itself (make soak, tests/vm/cell CELL soak).

load helpers/all
load helpers/nodes
load helpers/control
load helpers/passthrough
load helpers/daemons
load helpers/soak

MINUTES=${FUSE_EXT_SOAK:-2}
ROUND=180	# seconds, at most
WORKERS=2
PATIENCE=$((${FX_LIMIT:-60} * 3))
SLAB_NOISE=150

setup_file() {
	export BATS_TEST_TIMEOUT=$((MINUTES * 60 * 3 + 1200))
	isolate_file
	control_file
	# 7.x watches how memory is used: with time it knows more regions, which are objects
	export DAMON=/sys/module/damon_stat/parameters/enabled
	[ ! -e "$DAMON" ] || echo N >"$DAMON"
}

teardown_file() {
	[ ! -e "$DAMON" ] || echo Y >"$DAMON"
	control_file_end
}

# What the functions below count, and know of each place.
counts_begin() {
	local place seed=${FUSE_EXT_SOAK_SEED:-$RANDOM}
	operations=0 written=0 verified=0 kept=0 rounds=0 mounts=0 refused=0 unloads=0
	flips=0 by_tool=0 calls=0 met=0 failed=0 not_failed=0
	declare -gA loads=() servers=() seeds=() did=()
	log_line "the seed is $seed"
	RANDOM=$seed
	for place in $PLACES; do
		seeds[$place]=$RANDOM
	done
}

# one_of WORD...: in $chosen; not in a subshell, which has a RANDOM of its own.
one_of() {
	chosen=${*:1 + RANDOM % $#:1}
}

# What an administrator does.
use_tool() {
	local toggle value target=()
	# shellcheck disable=SC2086 # they are words
	one_of $FX_TOGGLES
	toggle=$chosen
	one_of auto on off
	value=$chosen
	if [ $((RANDOM % 3)) -ne 0 ]; then
		# shellcheck disable=SC2086 # they are words
		one_of $PLACES
		target=("$FX/$chosen/a")
	fi
	case $((RANDOM % 6)) in
	0)
		# shellcheck disable=SC2086 # they are words
		one_of $PLACES
		run_ 0 fusectl inherit "$toggle" "$FX/$chosen/a"
		;;
	1)
		one_of "list" "status" "get all ${target[*]}" "show ${target[*]:-$FX/tree/a}"
		# shellcheck disable=SC2086 # they are words
		run_ 0 fusectl $chosen
		;;
	*)
		run_ 0 fusectl set "$toggle" "$value" "${target[@]}"
		;;
	esac
	by_tool=$((by_tool + 1))
}

# It is refused, and what is there goes on.
try_unload() {
	one_of "fusectl unload" "rmmod fuse_ext" "modprobe -r fuse_ext"
	# shellcheck disable=SC2086 # they are words
	run_ 1 $chosen
	[ -d /sys/module/fuse_ext ] || fail "fuse_ext is gone"
	run_ 0 fusectl load
	refused=$((refused + 1))
}

# A guest is a filesystem that comes, is used by three processes, and goes in one
# way or another, with the processes still at work in some of them.
guest() {
	local FX=$FX/guest way server='' users=() i user
	mkdir -p "$FX/a"
	one_of tree ext
	"guest_$chosen"
	one_of umount lazy abort kill
	way=$chosen
	log_line "guest $mounts goes by $way"
	for i in 0 1 2; do
		start "$FX/use.$i" fxsoak use "$RANDOM" "$FX/a"
		users+=("$started")
	done
	for user in "${users[@]}"; do
		soon 60 user_is_ready "$user" || fail "$(where_is "$user"): it doesn't begin"
	done
	pause_ms $((RANDOM % 1000))
	[ ! -e "$FX/a.control" ] || guest_invalidate
	"guest_$way"
	users_end
	soon 20 unmounted a || fail "a guest can't be unmounted"
	soon 30 process_ended "$server" || fail "a guest's server doesn't end: $(where_is "$server")"
	rm -f "$FX/a.control"
	mounts=$((mounts + 1))
}
# for `soon`: SIGTERM is what it expects now, or it has ended
user_is_ready() { # PID
	local name mask
	while read -r name mask; do
		[ "$name" != SigCgt: ] || [ $((0x$mask >> 14 & 1)) -eq 0 ] || return 0
	done < <(cat "/proc/$1/status" 2>/dev/null)
	process_ended "$1"
}
guest_tree() {
	local want=$((RANDOM % 32))
	run_ 0 treeserver --pidfile "$FX/a.pid" --control "$FX/a.control" --threads $((1 + RANDOM % 4)) \
		--timeout $((RANDOM % 2)) --want $want "$FX/a"
	server=$(<"$FX/a.pid")
}
guest_ext() {
	one_of "" --writeback --no-syncfs --no-ext --library-create
	# shellcheck disable=SC2086 # none is none
	passthrough $chosen
	server=$started
}
# whatever comes of it: the file may be there or not, and the feature wanted or not
guest_invalidate() {
	local name
	for name in one three four; do
		run_ any fxclient control "$FX/a.control" inval $name
	done
}
guest_umount() {
	users_end
	soon 20 umount "$FX/a" 2>>"$FX_LOG" || fail "a guest can't be unmounted"
}
guest_lazy() {
	run_ 0 umount -l "$FX/a"
	pause_ms $((RANDOM % 300))
}
guest_abort() {
	run_ 0 fusectl abort "$FX/a"
}
guest_kill() {
	kill -KILL "$server"
	pause_ms $((RANDOM % 300))
}
# Only errors that are documented for what happened.
users_end() {
	local pid i=0
	for pid in "${users[@]}"; do
		# by itself, too, if its server is gone
		kill -TERM "$pid" 2>/dev/null || :
		ends "$pid" 60 || fail "$(where_is "$pid"): it doesn't end"
		output=$(<"$FX/use.$i")
		is "$status" 0 "exit status of a guest's user ($output)"
		calls=$((calls + $(field calls)))
		i=$((i + 1))
	done
	users=()
}

served_by_ours() { # PLACE
	is "$(driver_of "$FX/$1/a")" fuse_ext "driver of $1"
}
# place_did PLACE: what its connection counts; apart for servers that ask for nothing.
place_did() {
	local name value kind=asked
	case $1 in bindfs | remote | ntfs) kind=forced ;; esac
	while read -r name value; do
		did[$kind $name]=$((${did[$kind $name]:-0} + value))
	done <"$(control_of "$FX/$1/a")/ext_stats"
}
stored() { # PLACE: from what the server has stored
	case $1 in tree | leased) return ;; esac
	place_mount "$1"
	place_verify "$1"
	place_unmount "$1"
}

# What goes on beside all of it.
other_start() { # VERB ARGUMENT...
	start "$FX/other.$1" fxsoak "$@"
	others+=("$1=$started")
}
others_stop() {
	local other
	for other in "${others[@]}"; do
		# it ends by itself if something is wrong, and says what
		kill -TERM "${other#*=}" 2>/dev/null || :
		ends "${other#*=}" 30 || fail "$(where_is "${other#*=}"): it doesn't end"
		output=$(<"$FX/other.${other%=*}")
		is "$status" 0 "exit status of fxsoak ${other%=*} ($output)"
		log_line "$output"
		case $other in
		flip=*) flips=$((flips + $(field flips))) ;;
		inval=*) failed=$((failed + $(field failed))) not_failed=$((not_failed + $(field off))) ;;
		esac
	done
}

# round SECONDS: from the load of the module to its end.
round() {
	local FX_OURS=$STANDARD others=() now end
	run_ 0 fusectl load
	# what goes on beside them has its turn first
	renice -n 10 -p "$BASHPID" >/dev/null
	places place_mount
	places load_start
	renice -n 0 -p "$BASHPID" >/dev/null
	places served_by_ours
	other_start flip "$RANDOM" 5 "$FX_PARAMETERS" "$STANDARD"
	other_start inval "$RANDOM" 100 "$FX/leased/a.control" "$FX/leased/a"
	now_ms
	end=$((now + $1 * 1000))
	# each of them in each round, whatever chance says
	guest
	use_tool
	try_unload
	while [ "$now" -lt $end ]; do
		one_of guest guest guest use_tool use_tool try_unload
		"$chosen"
		loads_work
		now_ms
	done
	others_stop
	loads_stop
	echo 3 >/proc/sys/vm/drop_caches
	places place_verify
	places place_did
	places place_unmount
	kept=0
	places stored
	run_ 0 fusectl unload
	[ ! -d /sys/module/fuse_ext ] || fail "fuse_ext is still there"
	unloads=$((unloads + 1)) rounds=$((rounds + 1))
	log_line "round $rounds: operations=$operations written=$written verified=$verified mounts=$mounts"
}

# counted NAME VALUE UNIT: a figure that isn't 0, or else the run has shown nothing.
counted() {
	at_least "$2" 1 "$1"
	figure "$@"
}

nothing_is_left() {
	is "$(stuck)" "" "threads in D state"
	is "$(mounts_below "$FX")" "" "what is mounted"
	soon 30 slab_is_back "$FX/slab.begin" ||
		fail "objects are left: $(slab_grown "$FX/slab.begin" "$FX/slab")"
	kernel_is_silent
}

@test "a byte that changes behind the server's back is found (the load can fail)" {
	local file old
	counts_begin
	mkdir -p "$FX/ext/a"
	run_ 0 fusectl load
	place_mount ext
	run_ 0 fxsoak load --state "$FX/ext/state" --operations 300 "$FX/ext/a"
	run_ 0 fxsoak verify --state "$FX/ext/state" "$FX/ext/a"
	file=$(find "$FX/ext/below/worker-1" -type f -size +1 -printf '%s %p\n' | sort -n | tail -n 1)
	file=${file#* }
	old=$(od -An -tu1 -j 700 -N 1 "$file")
	printf '%b' "\\x$(printf %x $((old ^ 16)))" |
		dd of="$file" bs=1 seek=700 conv=notrunc status=none
	run_ 1 fxsoak verify --state "$FX/ext/state" "$FX/ext/a"
	like "$output" "$(printf ': offset 700 of [0-9]*: it is 0x%02x, expected 0x%02x; 1 bytes are wrong' \
		$((old ^ 16)) "$((old))")" "what it says"
	run_ 1 fxsoak load --state "$FX/ext/state" --operations 5 "$FX/ext/a"
	place_unmount ext
	rm "$file"
	place_mount ext
	run_ 1 fxsoak verify --state "$FX/ext/state" "$FX/ext/a"
	like "$output" ": ${file##*/} isn't there" "what it says of a lost file"
	place_unmount ext
	run_ 0 fusectl unload
}

@test "a thread that hangs, and objects that are left, are found (the rest can fail)" {
	local fd fds=() i found
	module_load
	is "$(stuck)" "" "threads in D state at first"
	slab_counts "$FX/slab.begin"
	server a
	for ((i = 0; i < 300; i++)); do
		exec {fd}>"$FX/a/file-$i"
		fds+=("$fd")
	done
	slab_counts "$FX/slab.end"
	like "$(slab_grown "$FX/slab.begin" "$FX/slab.end")" "fuse_ext_fuse_inode=0->[0-9]+" "objects that are left"
	tell a hold lookup
	start "$FX/stat" stat "$FX/a/missing"
	soon 10 has_requests a LOOKUP 301 || fail "no LOOKUP"
	# its request is with the server: it waits for the answer all the same
	kill -KILL "$started"
	soon 10 is_stuck "$started" || fail "it isn't found: $(stuck); $(where_is "$started")"
	abort_ "$FX/a"
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
	server_end a
	module_unload
}
is_stuck() {
	found=$(stuck)
	[ "$found" = "$1" ]
}

@test "the load finds nothing wrong on stock" {
	counts_begin
	places_begin
	places place_mount
	is "$(driver_of "$FX/ntfs/a")" fuse "driver"
	places load_start
	pause_ms 10000
	loads_work
	loads_stop
	places place_verify
	places place_unmount
	places_end
}

@test "for minutes: no byte is lost, nothing hangs, nothing is left" {
	local left=$((MINUTES * 60)) length ability
	counts_begin
	places_begin
	mkdir "$FX/guest"
	# a short one, after which all is there that stays: what the kernel allocates once, and
	# keeps.  An object a mount is less than SLAB_NOISE: on a debug kernel kmemleak finds it.
	round 10
	slab_counts "$FX/slab.begin"
	nothing_is_left
	while [ $left -gt 0 ]; do
		length=$((left < ROUND ? left : ROUND))
		round $length
		nothing_is_left
		left=$((left - length))
	done
	# what ours has written, stock reads
	places stored
	places_end
	figure soak_minutes "$MINUTES" min
	figure soak_rounds $rounds 1
	counted soak_operations $operations 1
	counted soak_written $written bytes
	counted soak_verified $verified bytes
	counted soak_kept $kept bytes
	counted soak_files_failed $failed 1
	counted soak_files_not_failed $not_failed 1
	counted soak_errors_met $met 1
	counted soak_flips $flips 1
	counted soak_tool_calls $by_tool 1
	counted soak_mounts $mounts 1
	counted soak_guest_calls $calls 1
	counted soak_unloads_refused $refused 1
	counted soak_unloads $unloads 1
	for ability in flush_async release_sync create_atomic syncfs inval_files; do
		counted soak_asked_$ability "${did[asked $ability]:-0}" 1
	done
	# what only a toggle turns on there
	for ability in flush_async release_sync; do
		counted soak_forced_$ability "${did[forced $ability]:-0}" 1
	done
	figure soak_objects_begin "$(slab_total "$FX/slab.begin")" 1
	figure soak_objects_end "$(slab_total "$FX/slab")" 1
}
