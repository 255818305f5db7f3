# shellcheck shell=bash
# What makes tests independent: a folder and a cgroup for each, an orderly end,
# and a check that nothing is left.  Where the orderly end fails, the test
# fails, and everything of it is aborted, killed and unmounted, so that the next
# one starts clean.

# Where the tests mount the control filesystems; one file of tests after the
# other, so the names can be fixed.
FX_STOCK=/run/fuse-ext-test/stock
FX_OURS=/run/fuse-ext-test/ours

# mounts_below DIRECTORY: mount points, the newest first.
mounts_below() {
	local path list=()
	while read -r _ _ _ _ path _; do
		if [[ $path == "$1"/* ]]; then
			list=("$path" "${list[@]}")
		fi
	done </proc/self/mountinfo
	[ ${#list[@]} -eq 0 ] || printf '%b\n' "${list[@]}"
}

cgroup_root() {
	local path type _
	while read -r _ path type _; do
		if [ "$type" = cgroup2 ]; then
			root=$path
			return
		fi
	done </proc/mounts
	echo "no cgroup2 filesystem is mounted; mount -t cgroup2 none /sys/fs/cgroup" >&2
	return 1
}

# How many users the module has, in $users.
module_users() {
	users=none
	if [ -e /sys/module/fuse_ext/refcnt ]; then
		read -r users </sys/module/fuse_ext/refcnt
	fi
}

# isolate_file: for setup_file, first of all.
isolate_file() {
	local name=${BATS_TEST_FILENAME##*/}
	export FX_LOG=${FUSE_EXT_OUT:?must name a folder for logs}/${name%.bats}.log
	export FX_NEVER=$BATS_FILE_TMPDIR/never FX_BAD=$BATS_FILE_TMPDIR/bad
	PATH=${FUSE_EXT_SERVERS:?must name the folder of the test servers}:$PATH
	: >"$FX_LOG"
	mkfifo "$FX_NEVER"
	grep -vE '^(#|$)' "$FUSE_EXT_SRC/tests/vm/dmesg-bad" >"$FX_BAD"
}

# Few processes here and in isolate_end: each takes a tenth of a second in an
# emulated machine, and every test pays.
isolate_begin() {
	local root users
	cgroup_root
	FX=/tmp/fuse-ext.$$.$BATS_TEST_NUMBER
	FX_GROUP=$root/${FX##*/}
	mkdir -m 755 "$FX" "$FX_GROUP"
	FX_MARK="mark of the tests, ${FX##*/} $EPOCHREALTIME"
	echo "$FX_MARK" >/dev/kmsg
	module_users
	FX_USERS=$users
	log_line "== $BATS_TEST_DESCRIPTION"
	log_line "(again: tests/vm/cell ${FUSE_EXT_CELL:-CELL} ${BATS_TEST_FILENAME##*/})"
}

group_empty() {
	local processes
	processes=$(<"$FX_GROUP/cgroup.procs")
	[ -z "$processes" ]
}

users_back() {
	local users
	module_users
	[ "$users" = "$FX_USERS" ]
}

# Abort, kill, unmount: whatever is left of the test.
isolate_force() {
	local path device major minor control pid
	while read -r _ _ device _ path _; do
		[[ $path == "$FX"/* ]] || continue
		IFS=: read -r major minor <<<"$device"
		for control in "$FX_STOCK" "$FX_OURS"; do
			if [ -e "$control/$((major << 20 | minor))/abort" ]; then
				echo 1 >"$control/$((major << 20 | minor))/abort"
			fi
		done
	done </proc/self/mountinfo
	while read -r pid; do
		log_line "left over: $(where_is "$pid")"
		kill -KILL "$pid" 2>/dev/null || log_line "$pid ended just now"
	done <"$FX_GROUP/cgroup.procs"
	while read -r path; do
		umount -l "$path"
	done < <(mounts_below "$FX")
	soon 10 group_empty || log_line "processes that can't be killed are left"
}

isolate_end() {
	local result=0 path
	while read -r path; do
		soon 5 umount "$path" 2>>"$FX_LOG" || {
			log_line "LEAK: $path can't be unmounted"
			result=1
		}
	done < <(mounts_below "$FX")
	soon 5 group_empty || {
		log_line "LEAK: processes of the test are still there"
		result=1
	}
	[ $result -eq 0 ] || isolate_force
	soon 5 users_back || {
		log_line "LEAK: fuse_ext had $FX_USERS users before the test, now it hasn't: $(lsmod)"
		result=1
	}
	dmesg | sed -n "/$FX_MARK/,\$p" >"$FX/dmesg"
	if grep -qE -f "$FX_BAD" "$FX/dmesg"; then
		"$FUSE_EXT_SRC/tests/vm/dmesg-check" "$FX/dmesg" || {
			log_line "the kernel's log has lines that must not be there"
			result=1
		}
	fi
	rmdir "$FX_GROUP" || result=1
	rm -rf --one-file-system "$FX"
	return $result
}
