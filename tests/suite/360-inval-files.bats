#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# inval_files: which calls of an open file fail after FUSE_NOTIFY_INVAL_FILES and
# which go on, what becomes of its pages, and what the notification's write(2) says.
# The order of it and of OPEN is in 361, how it ends in 362.

load helpers/all
load helpers/tree
load helpers/inval

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# all_fail NAME: after the notification for `file` of that mount.
all_fail() {
	all_calls "$1" "inval file"
	is "$(field inval)" OK "the write(2) of the notification"
	all_are EIO calls
	all_are SIGBUS maps
	all_are EIO close
	is "$(counter "$FX/$1" inval_files)" 1 "inval_files"
}

# none_fails NAME COMMAND: nor does anything change.
none_fails() {
	all_calls "$1" "$2"
	all_are OK calls
	all_are OK maps
	all_are OK close
}

@test "all calls of a file fail, and no other's" {
	inval_tree a
	is "$(in_force "$FX/a" inval_files)" "on server" "inval_files in force"
	all_fail a
	forget_all a
	server_stop a
}

@test "all calls of a file fail, with a writeback cache" {
	inval_tree a --init-flags 10000
	all_fail a
	forget_all a
	server_stop a
}

@test "all calls of a file fail, with pages and attributes that stay cached" {
	inval_tree a --timeout 3600 --open-flags 2 # FOPEN_KEEP_CACHE
	all_fail a
	forget_all a
	server_stop a
}

@test "all calls of a file fail, by another descriptor of the server" {
	inval_tree a --clone
	all_calls a "inval file other"
	all_are EIO calls
	all_are SIGBUS maps
	all_are EIO close
	server_stop a
}

@test "no call fails without the notification" {
	inval_tree a
	none_fails a "mark nothing"
	is "$(counter "$FX/a" inval_files)" 0 "inval_files"
	server_stop a
}

@test "stock: the notification is unknown, and no call fails" {
	module_unload
	tree a
	none_fails a "inval file"
	is "$(field inval)" EINVAL "the write(2) of the notification"
	server_stop a
	module_load
}

@test "off: ENOSYS, and no call fails, though the server negotiated" {
	tree a --want "$FX_WANT_INVAL"
	connection_set "$FX/a" inval_files off
	none_fails a "inval file"
	is "$(field inval)" ENOSYS "the write(2) of the notification"
	is "$(counter "$FX/a" inval_files)" 0 "inval_files"
	server_stop a
}

@test "auto without negotiation: ENOSYS; on: it needs none; the mount option" {
	tree a
	: >"$FX/a/file"
	inval ENOSYS a file
	connection_set "$FX/a" inval_files on
	inval OK a file
	connection_set "$FX/a" inval_files auto
	inval ENOSYS a file
	module_set inval_files on
	connection_set "$FX/a" inval_files default
	inval OK a file
	module_set inval_files auto
	is "$(counter "$FX/a" inval_files)" 2 "inval_files"
	server_stop a
	tree a --mount-data allow_other,inval_files=on
	: >"$FX/a/file"
	inval OK a file
	server_stop a
}

# raw ERROR NODE SIZE [FLAGS PADDING CODE]: a notification of that shape.
raw() {
	tell a inval-raw "$2" "$3" "${4:-0}" "${5:-0}" "${6:-2048}"
	is "$(field inval)" "$1" "the write(2): node $2, $3 bytes, flags ${4:-0}, padding ${5:-0}"
}

@test "wrong notifications have the errors that are documented, and change nothing" {
	local node size
	inval_tree a --timeout 3600
	: >"$FX/a/file"
	mkdir "$FX/a/directory"
	ln -s file "$FX/a/link"
	run_ 0 mkfifo "$FX/a/fifo"
	start "$FX/client" fxclient inval-flight read "$FX/a/file"
	soon 10 grep -q done=OK "$FX/client" || fail "the client doesn't read"
	node=$(state a node file)
	for size in 0 8 12 15 17 24 32; do
		raw EINVAL "$node" "$size"
	done
	raw EINVAL "$node" 16 1
	raw EINVAL "$node" 16 0 1
	raw EINVAL "$node" 16 0 0 2049
	raw EINVAL 0 16
	raw EINVAL 1 16
	for node in directory link fifo; do
		raw EINVAL "$(state a node $node)" 16
	done
	raw ENOENT 999999 16
	raw ENOENT $((1 << 40)) 16
	is "$(counter "$FX/a" inval_files)" 0 "inval_files"
	kill -USR1 "$started"
	ends "$started" 10 || fail "the client doesn't end"
	like "$(<"$FX/client")" "again=OK close=OK" "the client, which has file open"
	# what was known and is forgotten
	node=$(state a node file)
	forget_all a
	raw ENOENT "$node" 16
	server_stop a
}

@test "new opens see what the server has; without the notification what was cached" {
	two_trees --want "$FX_WANT_INVAL" --timeout 3600 --open-flags 2
	echo old >"$FX/b/file"
	run_ 0 fxclient inval-open "$FX/a/file"
	is "$(field data)" old. "what is read"
	echo new >"$FX/b/file"
	run_ 0 fxclient inval-open "$FX/a/file"
	is "$(field data)" old. "what is read without a notification"
	inval OK a file
	run_ 0 fxclient inval-open "$FX/a/file"
	is "$output" "open=OK read=OK data=new. close=OK" "what is read after it"
	two_trees_stop
}

# dirty VALUE SEEN OPTION...: with inval_files so, another open file sees SEEN.
# sent NAME: WRITEs since the last `mark`, $early before the notification and
# $late after it.
sent() {
	read -r early late < <(awk '
		$2 == "mark" { early = late = notified = 0 }
		$2 == "notify" { notified = 1 }
		$2 == "recv" && $3 == "WRITE" { if (notified) late++; else early++ }
		END { print early + 0, late + 0 }' "$FX/$1.log")
}

# dirty VALUE EARLY OPTION...: dirty pages, a notification, and what is seen and
# sent; EARLY WRITEs are right before the notification.  The kernel may take it
# into its head to write pages back by itself: then again.
dirty() {
	local try seen
	for try in 1 2 3 4 5 6; do
		tree a --want "$FX_WANT_INVAL" "${@:3}"
		content a file
		connection_set "$FX/a" inval_files "$1"
		tell a mark dirty
		run_ 0 fxclient inval-dirty "$FX/a/file" "$FX/a.control" "inval file"
		is "$(field fsync)" OK "fsync(2) of another open file"
		seen=$(field seen) closed=$(field close)
		run_ 0 umount "$FX/a"
		soon 20 server_gone a || fail "the server of a didn't end"
		sent a
		if [ "$early" = "$2" ]; then
			saw=$seen
			return
		fi
		log_line "try $try: the kernel had sent $early WRITEs before the notification"
	done
	fail "the kernel never kept its dirty pages until the notification"
}

@test "dirty pages are dropped, and nothing of them reaches the server" {
	dirty on 0 --init-flags 10000
	is "$saw $late $closed" "oooo 0 EIO" "what is there, WRITEs after it, close(2)"
	# those by write(2), to a file without a writeback cache
	dirty on 2
	is "$saw $late $closed" "ooww 0 EIO" "what is there, WRITEs after it, close(2)"
}

@test "closed and opened again at once: no error, and nothing that the kernel warns of" {
	inval_tree a --init-flags 10000
	content a file
	FX_LIMIT=60 run_ 0 fxclient inval-reopen "$FX/a/file" "$FX/a.control" "inval file" 30
	is "$(grep -c inval=OK <<<"$output")" 30 "notifications"
	is "$(field wrong)" 0 "fsync(2) and close(2) of the new file"
	server_stop a
}

@test "stat(2) by whom the mount doesn't allow: refused, and not asked of the server" {
	local file have
	inval_tree a --init-flags 10000 --mount-data default_permissions
	content a file
	exec {file}>>"$FX/a/file"
	echo more >&"$file"
	inval OK a file
	have=$(requests a GETATTR)
	run_ 1 setpriv --reuid 4711 --regid 4711 --clear-groups stat -L "/proc/self/fd/$file"
	like "$output" "Permission denied" "what it says"
	is "$(requests a GETATTR)" "$have" "GETATTRs"
	run_ 0 stat -L "/proc/self/fd/$file"
	at_least "$(requests a GETATTR)" $((have + 1)) "GETATTRs for whom it does allow"
	exec {file}>&-
	server_stop a
}

@test "dirty pages reach the server with off (the test above can fail)" {
	dirty off 0 --init-flags 10000
	is "$saw $closed" "mmww OK" "what is there, and close(2)"
	at_least "$late" 1 "WRITE requests"
	dirty off 2
	is "$saw $closed" "mmww OK" "what is there, and close(2)"
	at_least "$late" 1 "WRITE requests, without a writeback cache"
}

# longer VALUE: as above, with a page behind the end of the file.
longer() {
	local try
	for try in 1 2 3 4 5 6; do
		content a "$1$try"
		connection_set "$FX/a" inval_files "$1"
		tell a mark longer
		run_ 0 fxclient inval-dirty "$FX/a/$1$try" "$FX/a.control" "inval $1$try" longer
		sent a
		if [ "$early" = 0 ]; then
			sizes="$(field size) $(state a size "$1$try")"
			return
		fi
		log_line "try $try: the kernel had sent $early WRITEs before the notification"
	done
	fail "the kernel never kept its dirty pages until the notification"
}

@test "a file that was longer in the cache has the server's size again" {
	local sizes
	inval_tree a --init-flags 10000
	longer on
	is "$sizes" "16384 16384" "size for another open file, and on the server"
	longer off
	is "$sizes" "20480 20480" "size for another open file, and on the server, with off"
	server_stop a
}

@test "a read in flight: the notification doesn't wait for it, new opens do" {
	inval_tree a --open-flags 2
	content a file
	flight a read file READ
	inval OK a file
	opener a/file
	! ends "$opener" 1 || fail "open(2) came back while the page is locked"
	tell a release read
	landed
	# the server has answered it
	like "$output" $'^begun\ndone=(OK|EIO)\nagain=EIO close=EIO$' "the read in flight"
	opened
	forget_all a
	server_stop a
}

# long_read ERROR STATUS CACHED: a read(2) of 4 MiB, and a notification while its first
# READ is under way; how they end, and the pages that the next open(2) finds.
long_read() {
	content a file $((4 << 20))
	tell a hold read
	start "$FX/reader" dd if="$FX/a/file" of=/dev/null bs=4M count=1
	soon 10 has_requests a READ 1 || fail "no READ"
	inval "$1" a file
	tell a release read
	ends "$started" 20 || fail "$(where_is "$started"): it doesn't end"
	is "$status" "$2" "exit status of dd: $(<"$FX/reader")"
	run_ 0 fxclient inval-cached "$FX/a/file"
	is "$output" "pages=1024 cached=$3" "what the next open(2) finds"
}

@test "a long read in flight: it fills the page cache with nothing that is old" {
	inval_tree a --timeout 3600 --open-flags 2
	long_read OK 1 0
	server_stop a
}

@test "a long read in flight, off: its pages stay (the test above can fail)" {
	tree a --timeout 3600 --open-flags 2
	long_read ENOSYS 0 1024
	server_stop a
}

@test "a read in flight, off: nobody waits for it (the test above can fail)" {
	tree a --open-flags 2
	content a file
	flight a read file READ
	inval ENOSYS a file
	opener a/file
	opened
	tell a release read
	landed
	is "$output" $'begun\ndone=OK\nagain=OK close=OK' "the read in flight"
	server_stop a
}

@test "read-ahead and a fault in flight" {
	inval_tree a --open-flags 2 --init-flags 1 # FUSE_ASYNC_READ
	content a file
	flight a readahead file READ
	soon 10 grep -q done=OK "$FX/flight" || fail "readahead(2) waits for the answer"
	inval OK a file
	opener a/file
	! ends "$opener" 1 || fail "open(2) came back while pages are locked"
	tell a release read
	landed
	is "$output" $'begun\ndone=OK\nagain=EIO close=EIO' "the file with read-ahead"
	opened
	uncache a file
	flight a map file READ
	inval OK a file
	tell a release read
	landed
	is "$output" $'begun\ndone=EFAULT\nagain=EIO close=EIO' "the file with a fault"
	forget_all a
	server_stop a
}

@test "writeback in flight: fsync(2) fails, and no page but the one that was sent arrives" {
	inval_tree a --init-flags 10000
	content a file
	flight a fsync file WRITE
	inval OK a file
	opener a/file
	pause_ms 300
	tell a release write
	landed
	is "$output" $'begun\ndone=EIO\nagain=EIO close=EIO' "the file with an fsync(2)"
	opened
	forget_all a
	server_stop a
}

@test "direct I/O in flight: it ends when it is answered, and the file has failed" {
	local what
	inval_tree a
	content a file
	for what in READ WRITE; do
		flight a direct-"${what,,}" file $what
		inval OK a file
		tell a release $what
		landed
		like "$output" "again=EIO close=EIO" "after a direct $what"
		opener a/file
		opened
	done
	forget_all a
	server_stop a
}

@test "files with FOPEN_DIRECT_IO fail, too; with off they don't" {
	local flushes
	inval_tree a --open-flags 1
	content a file
	flushes=$(requests a FLUSH)
	run_ 0 fxclient inval-many "$FX/a/file" 3 "$FX/a.control" "inval file"
	is "$(field dead) $(field closed_eio)" "3 3" "files that fail, at read(2) and at close(2)"
	is "$(requests a FLUSH)" $((flushes + 1)) "FLUSH requests, of the one that was opened afterwards"
	connection_set "$FX/a" inval_files off
	run_ 0 fxclient inval-many "$FX/a/file" 3 "$FX/a.control" "inval file"
	is "$(field dead) $(field closed_eio)" "0 0" "files that fail with off"
	is "$(requests a FLUSH)" $((flushes + 5)) "FLUSH requests, of four more"
	server_stop a
}

@test "locks go with close(2), as ever; no new one is given" {
	local kind
	inval_tree a
	content a file
	for kind in posix ofd flock; do
		run_ 0 fxclient inval-locks "$kind" "$FX/a/file" "$FX/a.control" "inval file"
		is "$(tail -n 1 <<<"$output")" "lock=OK held=EAGAIN again=EIO close=EIO relock=OK" $kind
	done
	connection_set "$FX/a" inval_files off
	for kind in posix ofd flock; do
		run_ 0 fxclient inval-locks "$kind" "$FX/a/file" "$FX/a.control" "inval file"
		is "$(tail -n 1 <<<"$output")" "lock=OK held=EAGAIN again=OK close=OK relock=OK" \
			"$kind with off"
	done
	server_stop a
}

# flush_of_first_lock: how many FLUSHes had the file and the owner of the first SETLK.
flush_of_first_lock() {
	awk '{ delete value; for (i = 4; i <= NF; i++) { split($i, pair, "="); value[pair[1]] = pair[2] } }
		$2 == "recv" && $3 == "SETLK" && !locked { locked = 1; fh = value["fh"]; owner = value["lock_owner"] }
		$2 == "recv" && $3 == "FLUSH" && locked { count += value["fh"] == fh && value["lock_owner"] == owner }
		END { print count + 0 }' "$FX/a.log"
}

@test "a POSIX lock at the server goes with close(2) of a failed file, by FLUSH" {
	inval_tree a --init-flags 2 # FUSE_POSIX_LOCKS
	content a file
	run_ 0 fxclient inval-locks posix "$FX/a/file" "$FX/a.control" "inval file"
	# this server gives it to everybody
	is "$(tail -n 1 <<<"$output")" "lock=OK held=OK again=EIO close=EIO relock=OK" "posix"
	is "$(requests a SETLK)" 3 "SETLK requests: of the failed file, and twice of the other process"
	is "$(flush_of_first_lock)" 1 "FLUSHes of the failed file by the owner of its lock"
	# as with files that haven't failed
	connection_set "$FX/a" inval_files off
	: >"$FX/a.log"
	run_ 0 fxclient inval-locks posix "$FX/a/file" "$FX/a.control" "inval file"
	is "$(flush_of_first_lock)" 1 "FLUSHes with off"
	server_stop a
	# the server knows of no lock: none, but for the two of the other process
	inval_tree a
	content a file
	: >"$FX/a.log"
	run_ 0 fxclient inval-locks posix "$FX/a/file" "$FX/a.control" "inval file"
	is "$(requests a FLUSH)" 2 "FLUSHes without a lock at the server"
	is "$(requests a RELEASE)" 3 "RELEASEs"
	server_stop a
}

@test "hundreds of notifications at once, by two descriptors" {
	inval_tree a --clone
	content a file
	content a other
	start "$FX/io" fxclient inval-flight read "$FX/a/other"
	soon 10 grep -q done=OK "$FX/io" || fail "other isn't read"
	run_ 0 fxclient inval-many "$FX/a/file" 20 "$FX/a.control" "inval-many file 8 50"
	is "$(field OK)" 400 "notifications that were honoured"
	is "$(field dead)" 20 "files that fail"
	is "$(counter "$FX/a" inval_files)" 400 "inval_files"
	run_ 0 fxclient inval-open "$FX/a/file"
	like "$output" "^open=OK read=OK data=oooooooo" "a new open"
	kill -USR1 "$started"
	ends "$started" 10 || fail "the client of other doesn't end"
	like "$(<"$FX/io")" "again=OK close=OK" "another file"
	forget_all a
	server_stop a
}
