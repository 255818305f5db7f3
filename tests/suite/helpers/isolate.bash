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
	# below "" would be every mount of this machine
	[[ $1 == /tmp/fuse-ext.* || $1 == /run/fuse-ext-test ]] || {
		echo "mounts_below '$1': not a folder of the tests" >&2
		return 1
	}
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
	export FX_RUN=$$ FX_TICKS=$BATS_FILE_TMPDIR/ticks FX_BAD=$BATS_FILE_TMPDIR/bad
	PATH=${FUSE_EXT_SERVERS:?must name the folder of the test servers}:$PATH
	: >"$FX_LOG"
	mkfifo "$FX_TICKS"
	fxclient tick "$FX_TICKS" 3>&- </dev/null >>"$FX_LOG" 2>&1 &
	grep -vE '^(#|$)' "$FUSE_EXT_SRC/tests/vm/dmesg-bad" >"$FX_BAD"
}

# isolate_file_end: for teardown_file: the folders and cgroups of all its tests.
isolate_file_end() {
	local root
	cgroup_root
	find "$root" -mindepth 1 -maxdepth 1 -name "fuse-ext.$FX_RUN.*" -exec rmdir {} +
	rm -rf --one-file-system /tmp/fuse-ext."$FX_RUN".* "$FX_TICKS"
}

# Few processes here and in isolate_end: each takes a tenth of a second in an
# emulated machine, and every test pays.
isolate_begin() {
	local root users
	cgroup_root
	FX=/tmp/fuse-ext.$FX_RUN.$BATS_TEST_NUMBER
	FX_GROUP=$root/${FX##*/}
	mkdir -m 755 "$FX" "$FX/a" "$FX_GROUP"
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

# Whether a line since this test's mark looks bad; only these are left in
# $FX/dmesg then, for dmesg-check to judge.
kernel_complained() {
	local lines bad number
	mapfile -t lines <"$FX_BAD"
	printf -v bad '|%s' "${lines[@]}"
	mapfile -t lines <"$FX/dmesg"
	number=${#lines[@]}
	while [ "$number" -gt 0 ]; do
		number=$((number - 1))
		[[ ${lines[number]} != *"$FX_MARK"* ]] || return 1
		if [[ ${lines[number]} =~ ${bad#|} ]]; then
			sed -i "1,/$FX_MARK/d" "$FX/dmesg"
			return 0
		fi
	done
	log_line "the mark of this test isn't in the kernel's log any more"
}

# Abort, kill, unmount: whatever is left of the test.
isolate_force() {
	local path device major minor control pid processes
	[[ $FX == /tmp/fuse-ext.* ]] || return 1
	while read -r _ _ device _ path _; do
		[[ $path == "$FX"/* ]] || continue
		IFS=: read -r major minor <<<"$device"
		for control in "$FX_STOCK" "$FX_OURS" /sys/fs/fuse/connections; do
			if [ -e "$control/$((major << 20 | minor))/abort" ]; then
				echo 1 >"$control/$((major << 20 | minor))/abort"
			fi
		done
	done </proc/self/mountinfo
	# at once: read(1) would seek in a list that gets shorter
	mapfile -t processes <"$FX_GROUP/cgroup.procs"
	for pid in "${processes[@]}"; do
		log_line "left over: $(where_is "$pid")"
		kill -KILL "$pid" 2>/dev/null || log_line "$pid ended just now"
	done
	while read -r path; do
		timeout 20 umount -l "$path" || log_line "LEAK: umount -l $path failed"
	done < <(mounts_below "$FX")
	soon 10 group_empty || log_line "processes that can't be killed are left"
}

isolate_end() {
	local result=0 path
	# a test whose setup failed has nothing; and its folder mustn't be ""
	if [ -z "${FX:-}" ] || [ ! -d "${FX_GROUP:-}" ]; then
		return 1
	fi
	while read -r path; do
		# umount(8) may ask a server that doesn't answer
		soon 5 timeout 5 umount "$path" 2>>"$FX_LOG" || {
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
	dmesg >"$FX/dmesg"
	if kernel_complained; then
		"$FUSE_EXT_SRC/tests/vm/dmesg-check" "$FX/dmesg" || {
			log_line "the kernel's log has lines that must not be there"
			result=1
		}
	fi
	return $result
}
