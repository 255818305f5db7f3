# shellcheck shell=bash
# Places where filesystems are mounted side by side, workers in them, and what has to
# be as before when all of it is gone.  Loaded by suite soak, after helpers/daemons
# and helpers/passthrough.

# Daemons of the distribution, and servers of ours that ask for all features: of
# passthrough_ext one with a writeback cache; what treeserver has is gone with it, and
# the open files of one of two may fail at any time.
PLACES="bindfs remote ntfs ext cached tree leased"
FX_ALL=0x1f	# FUSE_EXT_ASYNC_FLUSH to FUSE_EXT_ATOMIC_CREATE

# at PLACE COMMAND...: with the place's folder for $FX.
at() {
	local FX=$FX/$1
	"${@:2}"
}

# sshfs without its own cache.  That keeps a file's size where another file is written
# while it is opened with O_TRUNC, and says so for 20 s: this load finds it on stock, too.
remote_begin() {
	sftp_begin
}
remote_fresh() {
	sftp_fresh
}
remote_mount() {
	sftp_mount -o dir_cache=no
}

ext_mount() {
	passthrough --threads 4
	servers[ext]=$started
}
cached_mount() {
	passthrough --threads 4 --writeback
	servers[cached]=$started
}
# our server ends without an error
ext_unmounted() {
	local place=${FX##*/}
	ends "${servers[$place]}" 30 || fail "passthrough_ext of $place didn't end after its unmount"
	is "$status" 0 "exit status of passthrough_ext of $place ($(<"$FX/said"))"
}
cached_unmounted() {
	ext_unmounted
}
tree_mount() {
	local want=()
	[ ! -d /sys/module/fuse_ext ] || want=(--want "$FX_ALL")
	run_ 0 treeserver --pidfile "$FX/a.pid" --control "$FX/a.control" --threads 4 --timeout 1 \
		"${want[@]}" "$FX/a"
}
tree_unmounted() {
	soon 30 server_gone a || fail "treeserver didn't end after its unmount"
	rm -f "$FX"/state.* "$FX/a.control"
}
leased_mount() {
	tree_mount
}
leased_unmounted() {
	tree_unmounted
}

places_begin() {
	local place
	for place in $PLACES; do
		mkdir -p "$FX/$place/a"
		at "$place" daemon_has "$place" begin
		at "$place" daemon_has "$place" fresh
	done
}
places_end() {
	local place
	for place in $PLACES; do
		at "$place" daemon_has "$place" end
	done
}
place_mount() { # PLACE
	at "$1" "$1_mount"
}
place_unmount() { # PLACE
	soon 20 umount "$FX/$1/a" 2>>"$FX_LOG" || fail "$1 can't be unmounted: $(at "$1" users_of)"
	at "$1" daemon_has "$1" unmounted
}
users_of() {
	fusectl drain 2>&1
}
places() { # COMMAND: for each, PLACE behind it
	local place
	for place in $PLACES; do
		"$@" "$place"
	done
}

# load_start PLACE: workers that go on from where they were.
load_start() {
	local expect=()
	[ "$1" != leased ] || expect=(--expect-inval)
	start "$FX/$1.load" fxsoak load --state "$FX/$1/state" --workers "$WORKERS" \
		--seed "${seeds[$1]}" "${expect[@]}" "$FX/$1/a"
	loads[$1]=$started
}
loads_work() {
	local place
	for place in $PLACES; do
		process_ended "${loads[$place]}" || continue
		ends "${loads[$place]}" 1
		load_result "$place"
		fail "the workers of $place have ended by themselves"
	done
}
load_result() { # PLACE
	output=$(<"$FX/$1.load")
	log_line "$1: $output"
	is "$status" 0 "exit status of the workers of $1 ($output)"
	operations=$((operations + $(field operations)))
	written=$((written + $(field written)))
	verified=$((verified + $(field verified)))
	met=$((met + $(field met)))
}
# hangs PLACE: what its workers are at, and where.
hangs() {
	local pid
	kill -USR1 "${loads[$1]}"
	pause_ms 1000
	log_line "$1: $(<"$FX/$1.load")"
	while read -r pid; do
		log_line "$(where_is "$pid")"
	done <"$FX_GROUP/cgroup.procs"
	fail "the workers of $1 don't end"
}
loads_stop() {
	local place
	for place in $PLACES; do
		kill -TERM "${loads[$place]}"
	done
	for place in $PLACES; do
		ends "${loads[$place]}" "$PATIENCE" || hangs "$place"
		load_result "$place"
	done
}

# place_verify PLACE: what its workers left is there.
place_verify() {
	FX_LIMIT=$PATIENCE run_ 0 fxsoak verify --state "$FX/$1/state" --workers "$WORKERS" \
		--seed "${seeds[$1]}" "$FX/$1/a"
	verified=$((verified + $(field verified)))
	kept=$((kept + $(field kept)))
}

# slab_counts FILE: the kernel's objects by cache, with nothing that can be dropped.
slab_counts() {
	local file
	sync
	for _ in 1 2 3; do
		echo 3 >/proc/sys/vm/drop_caches
	done
	for file in /sys/kernel/slab/*/shrink; do
		echo 1 >"$file"
	done 2>/dev/null
	awk 'NR > 2 { print $1, $2 }' /proc/slabinfo | sort >"$1"
}
# slab_grown BEFORE AFTER: the caches that have more objects than they may.
slab_grown() {
	join -a 2 -o 0,1.2,2.2 -e 0 "$1" "$2" | awk -v noise="$SLAB_NOISE" '
		$3 - $2 > noise + $2 / 50 { print $1 "=" $2 "->" $3 }'
}
slab_total() {
	awk '{ n += $2 } END { print n }' "$1"
}
# for `soon`: objects that wait for a grace period of RCU are still counted
slab_is_back() { # BEFORE
	slab_counts "$FX/slab"
	[ -z "$(slab_grown "$1" "$FX/slab")" ]
}

# in_d: threads in D state, by number; stuck: those that stay in it for 2 s.
in_d() {
	local file line
	for file in /proc/[0-9]*/task/[0-9]*/stat; do
		{ read -r line <"$file"; } 2>/dev/null || continue
		[[ ${line##*) } != D* ]] || echo "${line%% *}"
	done | sort
}
stuck() {
	local left
	left=$(in_d)
	for _ in 1 2 3 4; do
		[ -n "$left" ] || return 0
		pause_ms 500
		left=$(comm -12 <(echo "$left") <(in_d))
	done
	echo "$left"
}

# kernel_is_silent: nothing bad in its log since the test began.
kernel_is_silent() {
	dmesg >"$FX/dmesg"
	! kernel_complained || "$FUSE_EXT_SRC/tests/vm/dmesg-check" "$FX/dmesg" ||
		fail "the kernel's log has lines that must not be there"
}
