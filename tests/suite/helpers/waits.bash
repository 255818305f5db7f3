# shellcheck shell=bash
# Clients in each of the waits for a server that docs/waits.md lists, and what lets
# them go.  Loaded by 81x and 82x, after helpers/all, tree, nodes and inval.

# wait_begin WAIT [COMMAND...]: two clients in it; `umount` with COMMAND in place of
# umount.  Sets
#	$waiters	their processes, the last one is the one in this very wait
#	$names		their servers
#	$controls	the folders of those in the control filesystem
#	$held		what the servers don't answer
#	$states		of the clients, as in /proc/PID/stat
#	$place		in the kernel, what is in the stack of each: a function of the wait
#	$left		the number of the client that isn't the last one
#	$others		processes that are there for the clients to wait for
#	$lingering	the client that SIGKILL didn't end, if any
wait_begin() {
	local wait=$1
	shift
	waiters=() names=(a) controls=() states=D place=fuse others=() lingering='' left=1
	"begin_$wait" "$@"
	for_all in_wait || fail "not all clients wait: $(for_all where_is)"
}

# in_wait PID: a wait that SIGKILL may end, and no other signal, is D.  One that is still
# being executed is D as well, for its file.
in_wait() {
	soon 10 in_state "$1"
}
in_state() {
	local line stack=
	{ read -r line <"/proc/$1/stat" && read -r -d '' stack <"/proc/$1/stack"; } 2>/dev/null ||
		[ -n "$stack" ] || return 1
	# shellcheck disable=SC2053  # a pattern
	[[ ${line##*) } == ${states:?}* && $stack =~ ${place:?} ]]
}

# for_all COMMAND...: with the process of each client.
for_all() {
	local pid
	for pid in "${waiters[@]}"; do
		"$@" "$pid" || return 1
	done
}

# client NUMBER COMMAND...: its output in $FX/client-NUMBER; in the cgroup $FX_APART,
# if there is one.
client() {
	FX_GROUP=${FX_APART:-$FX_GROUP} start "$FX/client-$1" "${@:2}"
	waiters+=("$started")
}

# asked_for OPCODE NUMBER: so many requests have come.
asked_for() {
	soon 10 has_requests a "$1" "$2" || fail "$(requests a "$1") $1, not $2"
}

begin_release() {
	held="release" place=release_as_set
	server a --hold release
	controls=("$(control_of "$FX/a")")
	connection_set "$FX/a" sync_release on
	client 1 fxclient close "$FX/a/file1"
	client 2 fxclient close "$FX/a/file2"
	asked_for RELEASE 2
}

# without_flush NAME: what a client that is killed would wait for when it exits, as on
# stock.
without_flush() {
	tell "$1" fail flush=ENOSYS
	run_ 0 fxclient close-kind read "$FX/$1/file0"
}

begin_answer() {
	held="syncfs" place=fuse_ext_sync_fs
	raw_server a --hold syncfs
	without_flush a
	controls=("$(control_of "$FX/a")")
	connection_set "$FX/a" syncfs on
	client 1 fxclient syncfs "$FX/a/file1"
	client 2 fxclient syncfs "$FX/a/file2"
	asked_for SYNCFS 2
}

# A WRITE for which no task waits, and two syncfs(2), the second for its turn.
writes_held() {
	held="write"
	raw_server a --init-flags 0x10000 # FUSE_WRITEBACK_CACHE
	without_flush a
	tell a hold write
	controls=("$(control_of "$FX/a")")
	connection_set "$FX/a" syncfs on
	start "$FX/keep" fxclient keep "$FX/a/file9" 5000
	others=("$started")
	asked_for WRITE 1
	place=wait_for_epoch
	is_ours epoch || place=sync_filesystem
	client 1 fxclient syncfs "$FX/a/file1"
	in_wait "${waiters[0]}" || fail "$(where_is "${waiters[0]}"): syncfs(2) doesn't wait"
	is_ours turn || {
		client 2 fxclient syncfs "$FX/a/file2"
		return
	}
	place=fuse_ext_sync_fs
	client 2 fxclient syncfs "$FX/a/file2"
	in_wait "${waiters[1]}" || fail "$(where_is "${waiters[1]}"): syncfs(2) doesn't wait"
	[[ $(<"/proc/${waiters[1]}/stack") != *wait_for_epoch* ]] || fail "it doesn't wait for its turn"
}
begin_turn() {
	writes_held
}
begin_epoch() {
	writes_held
	waiters=("${waiters[1]}" "${waiters[0]}") left=2
}

# umount(2) waits for FLUSHes under way.  Two mounts: one each can be unmounted.
begin_umount() {
	local name command=("$@")
	[ $# -gt 0 ] || command=(umount)
	held="flush" names=(a b) place=fuse_ext_flush_wait
	for name in a b; do
		server $name --hold flush
		controls+=("$(control_of "$FX/$name")")
		connection_set "$FX/$name" async_flush on
		run_ 0 fxclient close "$FX/$name/file"
		soon 10 has_requests $name FLUSH 1 || fail "no FLUSH"
	done
	client 1 "${command[@]}" "$FX/a"
	client 2 "${command[@]}" "$FX/b"
}

begin_open() {
	held="read" place=fuse_ext_opened_again
	inval_tree a --open-flags 2
	controls=("$(control_of "$FX/a")")
	content a file
	flight a read file READ
	others=("$flier")
	inval OK a file
	client 1 fxclient create read 0 "$FX/a/file"
	client 2 fxclient create read 0 "$FX/a/file"
}

# From here on: waits that are stock's, in the place of which ours stand.  For an answer
# that is S, and D once a signal has come.

# What the server has again after an invalidation, since nothing is kept with a
# writeback cache.
begin_getattr() {
	local asked
	held="getattr" place=fuse_ext_refresh_lost states='[DS]'
	inval_tree a --open-flags 2 --init-flags 10000 # FUSE_WRITEBACK_CACHE
	controls=("$(control_of "$FX/a")")
	content a file
	inval OK a file
	asked=$(requests a GETATTR)
	tell a hold getattr
	client 1 fxclient create read 0 "$FX/a/file"
	client 2 fxclient create read 0 "$FX/a/file"
	asked_for GETATTR $((asked + 2))
}

# creators NAME: two clients in folders of their own, as each locks its own.
creators() {
	client 1 fxclient create creat,read 0644 "$FX/a/1/$1"
	client 2 fxclient create creat,read 0644 "$FX/a/2/$1"
}
creating_tree() { # OPTION...
	tree a "$@"
	controls=("$(control_of "$FX/a")")
	connection_set "$FX/a" atomic_create on
	run_ 0 mkdir "$FX/a/1" "$FX/a/2"
}
begin_create() {
	held="atomic_create" place=fuse_ext_send_create states='[DS]'
	creating_tree --hold atomic_create
	creators file
	asked_for ATOMIC_CREATE 2
}

# An open file that can't be used is given back.
begin_refused() {
	held="release" place=fuse_ext_atomic_open states='[DS]'
	creating_tree --atomic unsaid --hold release
	creators file
	asked_for RELEASE 2
}

# A server that says of a file, of which a page is being read, that it has just made it.
begin_pages() {
	held="read" place='invalidate_inode_pages2.*fuse_ext_atomic_open'
	creating_tree --atomic claim --init-flags 10000 # FUSE_WRITEBACK_CACHE
	content a file
	run_ 0 ln "$FX/a/file" "$FX/a/1/link"
	run_ 0 ln "$FX/a/file" "$FX/a/2/link"
	# names that the kernel knows aren't created
	echo 2 >/proc/sys/vm/drop_caches
	flight a read file READ
	others=("$flier")
	creators link
}

# flush_held [VALUE]: with async_flush so.
flush_held() {
	held="flush" place=fuse_flush states='[DS]'
	server a --hold flush
	controls=("$(control_of "$FX/a")")
	[ $# -eq 0 ] || connection_set "$FX/a" async_flush "$1"
	client 1 fxclient close "$FX/a/file1"
	client 2 fxclient close "$FX/a/file2"
	asked_for FLUSH 2
}
begin_stock_flush() {
	flush_held
}
begin_flush() {
	flush_held exit
}

# says ERROR NUMBER: that client of its call; a pattern.
says() {
	like "$(<"$FX/client-$2")" "^([^ ]*_us=[0-9]+ )?error=($1)( .*)?$" "client $2"
}

# wait_go: the answers.
wait_go() {
	local name
	for name in "${names[@]}"; do
		tell "$name" release "$held"
	done
}

# wait_over: nobody waits any more, so all of it can end.
wait_over() {
	local name pid
	for pid in "${others[@]}"; do
		kill -USR1 "$pid" 2>>"$FX_LOG" || log_line "$pid has ended"
	done
	for pid in "${others[@]}"; do
		ends "$pid" 10 || fail "$(where_is "$pid"): it doesn't end"
	done
	for name in "${names[@]}"; do
		server_end "$name"
	done
}

# What isn't ours: what stock waits for; and from 7.0 on the VFS waits for what is
# written, which SIGKILL doesn't end.
is_ours() { # WAIT
	case $FUSE_EXT_SERIES:$1 in
	7.*:epoch | 7.*:turn) return 1 ;;
	*:getattr | *:create | *:refused | *:pages | *:flush | *:stock_flush) return 1 ;;
	esac
}

# killed WAIT: SIGKILL ends the last one, and only that.  Where the wait isn't ours it
# ends with the answer.
killed() {
	local last=${waiters[-1]}
	kill -KILL "$last"
	if is_ours "$1"; then
		ends "$last" 2 || fail "$(where_is "$last"): still there after SIGKILL"
		is "$status" 137 "exit status after SIGKILL"
		unset 'waiters[-1]'
	else
		lingering=$last
		! ends "$last" 1 || fail "SIGKILL ends a wait that isn't ours"
	fi
	for_all in_wait || fail "it ended, too: $(for_all where_is)"
}

forget_killed() {
	[ -z "$lingering" ] || unset 'waiters[-1]'
}

# The mount is gone all the same, and its server learns of it.
killed_umount() {
	soon 10 server_gone b || fail "the server whose umount(2) was killed doesn't end"
	names=(a) controls=("${controls[0]}")
}
