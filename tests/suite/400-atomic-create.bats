#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# atomic_create: which requests open(2) with O_CREAT sends, what they carry, and
# what comes of it.  Answers that are wrong are in 401, equality with stock in
# all combinations in 402.

load helpers/all
load helpers/tree

WANT=0x10	# FUSE_EXT_ATOMIC_CREATE
BOTH="ATOMIC_CREATE LOOKUP CREATE"

setup_file() {
	isolate_file
	module_file
	module_want loaded
}

teardown_file() {
	module_file_end
}

# counts NAME: created by one request, found by one request, fallen back
counts() {
	echo "$(counter "$FX/$1" create_atomic) $(counter "$FX/$1" create_atomic_existed)" \
		"$(counter "$FX/$1" create_fallback)"
}

@test "a new file: two requests on stock, with auto and with off" {
	module_unload
	tree a
	creates OK creat,rdwr 0644 a/new
	is "$(asked a new)" "LOOKUP CREATE" "requests on stock"
	server_stop a
	module_load
	tree a
	creates OK creat,rdwr 0644 a/auto
	is "$(asked a auto)" "LOOKUP CREATE" "requests with auto"
	connection_set "$FX/a" atomic_create off
	creates OK creat,rdwr 0644 a/off
	is "$(asked a off)" "LOOKUP CREATE" "requests with off"
	is "$(counts a)" "0 0 0" "counters"
	server_stop a
}

@test "a new file: one request with on, and it can be written" {
	tree a
	connection_set "$FX/a" atomic_create on
	creates OK creat,rdwr 0644 a/new
	is "$output" "error=OK mode=100644 size=0 written=1" "what the client got"
	is "$(asked a new)" ATOMIC_CREATE "requests"
	is "$(requests a OPEN)" 0 "OPEN requests"
	is "$(state a size new)" 1 "bytes that arrived"
	soon 10 has_requests a RELEASE 1 || fail "no RELEASE"
	is "$(counts a)" "1 0 0" "counters"
	server_stop a
}

@test "auto: one request for a server that asked, two when the administrator says off" {
	tree a --want $WANT
	is "$(field enabled)" 10 "features in force, for the server"
	is "$(in_force "$FX/a" atomic_create)" "on server" "atomic_create in force"
	creates OK creat,write 0644 a/new
	is "$(asked a new)" ATOMIC_CREATE "requests"
	connection_set "$FX/a" atomic_create off
	creates OK creat,write 0644 a/other
	is "$(asked a other)" "LOOKUP CREATE" "requests with off"
	server_stop a
}

@test "without O_CREAT nothing changes, nor for what isn't open(2)" {
	two_trees
	connection_set "$FX/a" atomic_create on
	echo content >"$FX/b/file"
	creates OK read 0 a/file
	is "$(requests a LOOKUP 'name=file$') $(requests a ATOMIC_CREATE)" "2 0" \
		"LOOKUP and ATOMIC_CREATE requests"
	creates ENOENT read 0 a/missing
	run_ 0 mkdir "$FX/a/directory"
	run_ 0 ln -s file "$FX/a/link"
	run_ 0 mkfifo "$FX/a/fifo"
	is "$(requests a ATOMIC_CREATE)" 0 "ATOMIC_CREATE requests"
	two_trees_stop
}

@test "a file that exists is looked up by the request, and opened as ever" {
	two_trees
	connection_set "$FX/a" atomic_create on
	echo content >"$FX/b/file"
	: >"$FX/a.log"
	creates OK creat,rdwr 0600 a/file
	is "$output" "error=OK mode=100644 size=8 written=1" "what the client got"
	is "$(requests a ATOMIC_CREATE)" 1 "ATOMIC_CREATE requests"
	is "$(state a size file)" 8 "bytes of the file, the first written over"
	is "$(counts a)" "0 1 0" "counters"
	is "$(asked a file) $(requests a OPEN)" "ATOMIC_CREATE 1" "requests"
	connection_set "$FX/a" atomic_create off
	echo content >"$FX/b/other"
	: >"$FX/a.log"
	creates OK creat,rdwr 0600 a/other
	is "$output" "error=OK mode=100644 size=8 written=1" "what the client got with off"
	is "$(asked a other) $(requests a OPEN)" "LOOKUP 1" "requests with off"
	two_trees_stop
}

@test "O_EXCL and existed: EEXIST, whether the server says so or the kernel" {
	local kind
	two_trees
	connection_set "$FX/a" atomic_create on
	for kind in well eexist; do
		tell a atomic $kind
		echo content >"$FX/b/$kind"
		creates EEXIST creat,excl,rdwr,trunc 0600 a/$kind
		is "$(state a size $kind)" 8 "bytes of the file"
		is "$(requests a OPEN "node=$(state a node $kind) ")" 0 "OPEN requests"
	done
	is "$(requests a ATOMIC_CREATE)" 2 "ATOMIC_CREATE requests"
	creates OK creat,excl,rdwr 0600 a/new
	two_trees_stop
	# on stock the same
	module_unload
	two_trees
	echo content >"$FX/b/file"
	creates EEXIST creat,excl,rdwr,trunc 0600 a/file
	two_trees_stop
	module_load
}

@test "O_TRUNC: not in the request; what existed is truncated by the VFS" {
	local init flags carried
	for init in 0 8; do # FUSE_ATOMIC_O_TRUNC
		two_trees --init-flags $init
		connection_set "$FX/a" atomic_create on
		echo content >"$FX/b/file"
		creates OK creat,trunc,rdwr 0644 a/file
		is "$output" "error=OK mode=100644 size=0 written=1" "what the client got"
		is "$(state a size file)" 1 "bytes of the file with init flags $init"
		creates OK creat,trunc,rdwr 0644 a/new
		carried a ATOMIC_CREATE
		is $((flags & 0x200)) 0 "O_TRUNC in the request"
		is $((flags & 0x40)) 64 "O_CREAT in the request"
		is "$(requests a SETATTR "node=$(state a node new) ")" 0 "SETATTRs of the new file"
		connection_set "$FX/a" atomic_create off
		creates OK creat,trunc,rdwr 0644 a/other
		carried a CREATE
		is $((flags & 0x200)) 512 "O_TRUNC in CREATE"
		two_trees_stop
	done
}

@test "a file of mode 0400 can be created for writing, but not opened again" {
	two_trees --mount-data allow_other,default_permissions
	run_ 0 chmod 1777 "$FX/b"
	connection_set "$FX/a" atomic_create on
	creates OK creat,rdwr 0400 a/new 1000
	is "$(field written)" 1 "bytes written"
	is "$(state a mode new) $(state a uid new)" "100400 1000" "mode and owner"
	creates EACCES creat,rdwr 0400 a/new 1000
	two_trees_stop
}

# exists MAKE ERROR FLAGS: MAKE makes it; opened as user 1000.
exists() {
	(cd "$FX/b" && eval "$1") || fail "can't make it: $1"
	creates "$2" "creat,$3" 0644 a/it 1000
	is "$(requests a ATOMIC_CREATE 'name=it$')" 1 "ATOMIC_CREATE requests"
	rm -rf "$FX/b/it"
	: >"$FX/a.log"
}

@test "what exists is of any type: EISDIR, followed, not followed, FIFO, socket, device" {
	two_trees --mount-data allow_other,default_permissions
	connection_set "$FX/a" atomic_create on
	run_ 0 chmod 1777 "$FX/b"
	exists "mkdir it" EISDIR read
	exists "mkdir it" EISDIR rdwr,trunc
	exists "mkdir it" EEXIST read,excl
	echo target >"$FX/b/target"
	exists "ln -s target it" OK read
	like "$output" "size=7 " "the target that was opened"
	exists "ln -s target it" EEXIST read,excl
	exists "ln -s it it" ELOOP read
	exists "ln -s target it" ELOOP read,nofollow
	exists "mkfifo -m 666 it" OK read,nonblock
	exists "mkfifo -m 666 it" ENXIO write,nonblock
	exists "mknod -m 666 it b 7 0" EACCES rdwr
	exists "mknod -m 666 it c 1 3" EACCES rdwr	# nodev
	run_ 0 mount -i -o remount,bind,nosuid,dev "$FX/a"
	exists "mknod -m 666 it c 1 3" OK rdwr,trunc	# /dev/null
	like "$output" " mode=20666 size=0 written=1$" "the device that was opened"
	two_trees_stop
}

@test "a directory that another client has moved: EISDIR, and the kernel follows the move" {
	two_trees
	connection_set "$FX/a" atomic_create on
	mkdir "$FX/b/old"
	: >"$FX/b/old/file"
	# it has a dentry here, which the answer has to find
	pushd "$FX/a/old"
	mv "$FX/b/old" "$FX/b/new"
	: >"$FX/a.log"
	creates EISDIR creat,rdwr 0644 a/new
	is "$(asked a new)" ATOMIC_CREATE "requests"
	is "$(readlink /proc/self/cwd)" "$FX/a/new" "the same directory, with its new name"
	popd
	run_ 0 ls "$FX/a/new/file"
	two_trees_stop
}

@test "a dangling symbolic link: the file is created where it points" {
	two_trees
	connection_set "$FX/a" atomic_create on
	run_ 0 ln -s target "$FX/b/link"
	: >"$FX/a.log"
	creates OK creat,write 0644 a/link
	is "$(asked a link) $(asked a target)" "ATOMIC_CREATE ATOMIC_CREATE" "requests"
	is "$(state a mode target)" 100644 "what the link points at"
	# with O_EXCL, or O_NOFOLLOW, nothing is
	run_ 0 ln -s target2 "$FX/b/link2"
	creates EEXIST creat,excl,write 0644 a/link2
	creates ELOOP creat,nofollow,write 0644 a/link2
	is "$(state a exists target2)" 0 "what the link points at"
	connection_set "$FX/a" atomic_create off
	run_ 0 ln -s target3 "$FX/b/link3"
	: >"$FX/a.log"
	creates OK creat,write 0644 a/link3
	is "$(asked a link3) $(asked a target3)" "LOOKUP LOOKUP CREATE" "requests with off"
	is "$(state a mode target3)" 100644 "what the link points at with off"
	two_trees_stop
}

@test "default_permissions: a foreign file is EACCES, and not truncated" {
	two_trees --mount-data allow_other,default_permissions
	connection_set "$FX/a" atomic_create on
	run_ 0 chmod 1777 "$FX/b"
	echo secret >"$FX/b/foreign"
	run_ 0 chmod 600 "$FX/b/foreign"
	creates EACCES creat,rdwr,trunc 0644 a/foreign 1000
	is "$(requests a ATOMIC_CREATE)" 1 "ATOMIC_CREATE requests"
	is "$(state a size foreign)" 7 "bytes of the foreign file"
	two_trees_stop
}

@test "taken for created, the foreign file is opened, and its content lost (the test above can fail)" {
	two_trees --mount-data allow_other,default_permissions --atomic claim
	connection_set "$FX/a" atomic_create on
	run_ 0 chmod 1777 "$FX/b"
	echo secret >"$FX/b/foreign"
	run_ 0 chmod 600 "$FX/b/foreign"
	creates OK creat,rdwr,trunc 0644 a/foreign 1000
	is "$(field written)" 1 "bytes written to the foreign file"
	is "$(state a size foreign) $(state a uid foreign)" "1 0" "its size and owner"
	two_trees_stop
}

@test "default_permissions, or mounted read-only: who may not create there asks as on stock" {
	two_trees --mount-data allow_other,default_permissions
	connection_set "$FX/a" atomic_create on
	: >"$FX/b/there"
	run_ 0 chmod 666 "$FX/b/there"
	: >"$FX/a.log"
	creates EACCES creat,rdwr 0644 a/missing 1000
	creates OK creat,rdwr 0644 a/there 1000
	is "$(asked a missing) $(asked a there)" "LOOKUP LOOKUP" "requests"
	run_ 0 mount -i -o remount,bind,ro "$FX/a"
	: >"$FX/a.log"
	creates EROFS creat,rdwr 0644 a/new
	creates EROFS creat,rdwr 0644 a/there
	creates OK creat,read 0644 a/there
	is "$(asked a new) $(requests a ATOMIC_CREATE)" "LOOKUP 0" "requests, read-only"
	two_trees_stop
}

@test "sticky directory: protected_regular forbids what exists, also by one request" {
	local old
	old=$(</proc/sys/fs/protected_regular)
	two_trees --mount-data allow_other,default_permissions
	connection_set "$FX/a" atomic_create on
	run_ 0 chmod 1777 "$FX/b"
	: >"$FX/b/foreign"
	run_ 0 chown 1001 "$FX/b/foreign"
	run_ 0 chmod 666 "$FX/b/foreign"
	echo 1 >/proc/sys/fs/protected_regular
	create creat,rdwr 0644 a/foreign 1000
	echo 0 >/proc/sys/fs/protected_regular
	is "$(field error)" EACCES "open(2) with protected_regular"
	echo 2 >/proc/sys/vm/drop_caches
	create creat,rdwr 0644 a/foreign 1000
	echo "$old" >/proc/sys/fs/protected_regular
	is "$(field error)" OK "open(2) without it"
	at_least "$(requests a ATOMIC_CREATE)" 1 "ATOMIC_CREATE requests"
	two_trees_stop
}

# carried NAME OPCODE: what the last such request carried: flags in $flags, all
# else in $carried: uid and gid, length of the extensions, and what is behind the
# flags: mode, umask, padding, name, extensions.
carried() {
	local hex
	hex=$(awk -v opcode="$2" '$1 == opcode { hex = $2 } END { print hex }' "$FX/$1.dump")
	flags=$((16#${hex:86:2}${hex:84:2}${hex:82:2}${hex:80:2}))
	carried="${hex:48:16} ${hex:72:4} ${hex:88}"
}

# carries_the_same NAME PATH FLAGS [WHO]: CREATE with off, ATOMIC_CREATE with on;
# it is left in $carried, and the length of the extensions in $extensions.
carries_the_same() {
	local create create_flags flags
	connection_set "$FX/$1" atomic_create off
	creates OK "$3" 0666 "$2" "${@:4}"
	carried "$1" CREATE
	create=$carried create_flags=$flags
	rm "$FX/$1/${2#*/}"
	connection_set "$FX/$1" atomic_create on
	creates OK "$3" 0666 "$2" "${@:4}"
	carried "$1" ATOMIC_CREATE
	rm "$FX/$1/${2#*/}"
	is "$carried" "$create" "what ATOMIC_CREATE carries"
	is "$flags" $((create_flags & ~0x200)) "its flags"
	extensions=${carried:17:4}
	log_line "carried: $carried"
}

@test "it carries what CREATE carries: umask" {
	local mask
	tree a
	for mask in 000 027 777; do
		(umask $mask && carries_the_same a a/file creat,rdwr,trunc 1000)
	done
	(umask 022 && carries_the_same a a/file creat,excl,write)
	server_stop a
	tree a --init-flags 40 # FUSE_DONT_MASK
	(umask 027 && carries_the_same a a/file creat,rdwr)
	server_stop a
}

@test "it carries what CREATE carries: mode and umask for a server with default ACLs" {
	local flags
	for flags in 100000 100040; do # FUSE_POSIX_ACL; and FUSE_DONT_MASK
		tree a --init-flags $flags
		(umask 077 && carries_the_same a a/file creat,rdwr)
		server_stop a
	done
}

@test "it carries what CREATE carries: security label" {
	local name
	tree a --init-flags 100000000 # FUSE_SECURITY_CTX
	carries_the_same a a/file creat,rdwr
	server_stop a
	if [ "$extensions" = 0000 ]; then
		skip "this kernel sends no security context (it came with 5.17)"
	fi
	if grep -qw selinuxfs /proc/filesystems; then
		name=$(printf security.selinux | od -An -v -tx1 | tr -d ' \n')
		like "$carried" "01000000.{16}${name}00" "one label, and its name"
	else
		like "$carried" "0800000000000000$" "a header of 8 bytes that announces no label"
	fi
}

@test "it carries what CREATE carries: supplementary group" {
	tree a --init-flags 400000000 # FUSE_CREATE_SUPP_GROUP
	run_ 0 chgrp 1234 "$FX/a"
	carries_the_same a a/file creat,rdwr 1000,1234
	is_not "$extensions" "" "length of the extensions"
	if [ "$extensions" = 0000 ]; then
		server_stop a
		skip "this kernel sends no supplementary group (it came with 6.3)"
	fi
	# who hasn't got that group sends none
	carries_the_same a a/file creat,rdwr 1000
	is "$extensions" 0000 "length of the extensions without the group"
	server_stop a
}

# is_since VERSION OTHER: OTHER isn't older.
is_since() {
	[ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

@test "it carries what CREATE carries: id-mapped mount" {
	local version
	version=$(mount --version)
	version=${version#*util-linux }
	is_since 6.12 "$(uname -r)" && is_since 2.39 "${version%% *}" ||
		skip "no id-mapped mounts of FUSE here: they came with 6.12, and with util-linux 2.39"
	tree a --init-flags 10000000000 --mount-data allow_other,default_permissions
	run_ 0 chmod 777 "$FX/a"
	mkdir "$FX/c"
	run_ 0 mount --bind -o X-mount.idmap=b:0:100000:10 "$FX/a" "$FX/c"
	carries_the_same a c/file creat,rdwr 100003
	like "$carried" "^0300000003000000 " "uid and gid of the creator"
	creates OK creat,rdwr 0644 c/mapped 100003
	is "$(state a uid mapped) $(state a gid mapped)" "3 3" "owner, for the server"
	is "$(stat -c %u:%g "$FX/c/mapped")" 100003:100003 "owner, on the id-mapped mount"
	is "$(requests a ATOMIC_CREATE 'name=mapped$')" 1 "ATOMIC_CREATE requests"
	# who isn't in the map can't be an owner
	creates EOVERFLOW creat,rdwr 0644 c/nobody 5
	run_ 0 umount "$FX/c"
	# not mapped: as they are
	carries_the_same a a/file creat,rdwr 100003
	like "$carried" "^a3860100a3860100 " "uid and gid of the creator"
	server_stop a
}

@test "names that are cached cost what they cost: negative CREATE, positive OPEN" {
	two_trees --timeout 3600
	connection_set "$FX/a" atomic_create on
	creates ENOENT read 0 a/new
	creates OK creat,rdwr 0644 a/new
	is "$(asked a new)" "LOOKUP CREATE" "requests for a name that wasn't there"
	creates OK creat,rdwr 0644 a/new
	is "$(asked a new)" "LOOKUP CREATE" "requests for a name that is there"
	# a name that the request found, or made, is cached too
	: >"$FX/b/found"
	: >"$FX/a.log"
	for name in found made; do
		creates OK creat,rdwr 0644 a/$name
		creates OK creat,rdwr 0644 a/$name
		is "$(asked a $name)" "ATOMIC_CREATE" "requests for $name"
	done
	two_trees_stop
}

@test "a long name goes the long way" {
	local name
	name=$(printf '%0255d' 7)
	tree a
	connection_set "$FX/a" atomic_create on
	creates OK creat,rdwr 0644 "a/$name"
	is "$(asked a "$name")" ATOMIC_CREATE "requests for 255 bytes"
	creates OK creat,rdwr 0644 "a/${name}8"
	is "$(asked a "${name}8")" "LOOKUP CREATE" "requests for 256 bytes"
	server_stop a
}

@test "the directory changes, for stat(2) and inotify(7), only when a file is created" {
	local before requests
	two_trees --timeout 3600
	connection_set "$FX/a" atomic_create on
	: >"$FX/b/there"
	before=$(stat -c %y "$FX/a")
	requests=$(requests a GETATTR ' node=1 ')
	run_ 0 fxclient create-watch "$FX/a" creat,write "$FX/a/there"
	is "$(field error) $(field created)" "OK 0" "a file that existed"
	is "$(stat -c %y "$FX/a")" "$before" "mtime of the directory"
	is "$(requests a GETATTR ' node=1 ')" "$requests" "GETATTRs of the directory"
	run_ 0 fxclient create-watch "$FX/a" creat,write "$FX/a/new"
	is "$(field error) $(field created)" "OK 1" "a file that was created"
	is_not "$(stat -c %y "$FX/a")" "$before" "mtime of the directory"
	is "$(requests a ATOMIC_CREATE)" 2 "ATOMIC_CREATE requests"
	two_trees_stop
}

# create_files NAME VALUE ROUND: 10 files, with that value; the least microseconds
# that a round took are in $least.
create_files() {
	connection_set "$FX/$1" atomic_create "$2"
	run_ 0 mkdir "$FX/$1/$2$3"
	run_ 0 fxclient create-files "$FX/$1/$2$3" 10
	if [ "$(field all_us)" -lt "${least[$2]:-1000000000}" ]; then
		least[$2]=$(field all_us)
	fi
}

@test "with 40 ms a request, creating and closing files takes half of the time" {
	local -A least
	local round
	tree a --timeout 3600 --delay lookup=40 --delay create=40 --delay atomic_create=40 \
		--fail flush=ENOSYS
	# in turns, and the best of three: what a busy host adds is left out
	for round in 1 2 3; do
		create_files a off $round
		create_files a on $round
	done
	at_least "${least[off]}" $((10 * 80 * 1000)) "microseconds for 10 files with off"
	figure create_close_40ms_percent $((least[off] * 100 / least[on])) "% of the files per second with off"
	below $((least[on] * 100)) $((least[off] * 70)) "on: microseconds * 100, against 70 % of off's"
	is "$(requests a CREATE) $(requests a ATOMIC_CREATE)" "30 30" "requests"
	server_stop a
}

@test "16 threads, 500 names: each is created once, and all others find it" {
	tree a --timeout 3600
	connection_set "$FX/a" atomic_create on
	run_ 0 fxclient create-race "$FX/a" 16 500
	is "$output" "created_once=500 found=7500 failed=0" "what the threads got"
	is "$(many_requests a ATOMIC_CREATE) $(many_requests a CREATE)" "500 0" "requests that create"
	forget_all a
	server_stop a
}

@test "16 threads, 50 names, nothing cached: the same" {
	tree a
	connection_set "$FX/a" atomic_create on
	run_ 0 fxclient create-race "$FX/a" 16 50
	is "$output" "created_once=50 found=750 failed=0" "what the threads got"
	run_ 0 fxclient create-race "$FX/a" 16 50 creat,rdwr
	is "$output" "created_once=0 found=0 failed=0" "what threads without O_EXCL got"
	forget_all a
	server_stop a
}

@test "16 threads, names that another client has created: nobody does (and it would show)" {
	local kind
	for kind in well claim; do
		two_trees --atomic $kind
		connection_set "$FX/a" atomic_create on
		: | tee "$FX/b/"name{0..9}
		run_ 0 fxclient create-race "$FX/a" 16 10
		if [ $kind = well ]; then
			is "$output" "created_once=0 found=160 failed=0" "what the threads got"
		else
			is_not "$(field created_once)" 0 "names created with a server that claims it"
		fi
		forget_all a
		two_trees_stop
	done
}

@test "creating, unlinking and renaming the same names: no odd error, all is given back" {
	local timeout
	for timeout in 0 3600; do
		tree a --timeout $timeout
		connection_set "$FX/a" atomic_create on
		run_ 0 fxclient create-churn "$FX/a" 8 250
		is "$output" "odd=0" "errors other than ENOENT and EEXIST with timeout $timeout"
		at_least "$(counter "$FX/a" create_atomic)" 1 "create_atomic"
		forget_all a
		server_stop a
	done
}

@test "ENOSYS: LOOKUP and CREATE, and never asked again" {
	tree a --atomic unknown
	connection_set "$FX/a" atomic_create on
	creates OK creat,rdwr 0644 a/first
	is "$(asked a first)" "$BOTH" "requests of the first file"
	creates OK creat,excl,rdwr,trunc 0644 a/second
	is "$(asked a second)" "LOOKUP CREATE" "requests of the second"
	is "$(counts a)" "0 0 2" "counters"
	creates EEXIST creat,excl,rdwr 0644 a/second
	forget_all a
	server_stop a
	# it was this connection's
	tree a
	connection_set "$FX/a" atomic_create on
	creates OK creat,rdwr 0644 a/third
	is "$(asked a third)" ATOMIC_CREATE "requests on another connection"
	server_stop a
}

@test "on with a libfuse server: it doesn't know the request, and all works" {
	server a
	connection_set "$FX/a" atomic_create on
	run_ 0 fxclient close "$FX/a/one"
	run_ 0 fxclient close "$FX/a/two"
	run_ 0 fxclient script "$FX/a" "$FX/results"
	is "$(requests a ATOMIC_CREATE)" 1 "ATOMIC_CREATE requests"
	at_least "$(requests a CREATE)" 2 "CREATE requests"
	server_stop a
}

@test "an error of the server is open(2)'s, and nothing else is tried" {
	local error
	tree a
	connection_set "$FX/a" atomic_create on
	for error in EACCES ENOSPC EDQUOT EROFS EIO ENOENT EOPNOTSUPP; do
		tell a fail atomic_create=$error:1
		creates $error creat,rdwr 0644 a/$error
		is "$(asked a $error)" ATOMIC_CREATE "requests"
		is "$(state a exists $error)" 0 "files made"
	done
	is "$(counts a)" "0 0 0" "counters"
	creates OK creat,rdwr 0644 a/after
	forget_all a
	server_stop a
}

@test "module-wide on, and the mount option" {
	module_set atomic_create on
	tree a
	creates OK creat,rdwr 0644 a/new
	module_set atomic_create auto
	is "$(asked a new)" ATOMIC_CREATE "requests with the module on on"
	creates OK creat,rdwr 0644 a/other
	is "$(asked a other)" "LOOKUP CREATE" "requests with the module on auto"
	server_stop a
	tree a --mount-data allow_other,atomic_create=on
	like ",$(mount_field "$FX/a" 4)," ",atomic_create=on," "options"
	creates OK creat,rdwr 0644 a/new
	is "$(asked a new)" ATOMIC_CREATE "requests with the mount option"
	server_stop a
}
