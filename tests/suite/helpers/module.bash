# shellcheck shell=bash
# Loading and unloading the module, and which driver serves what.  By modprobe
# and rmmod; fusectl has a suite of its own.

# module_file: for setup_file: the stock driver is there, ours is not, and the
# stock control filesystem is at $FX_STOCK.
module_file() {
	if [ -d /sys/module/fuse_ext ]; then
		echo "fuse_ext is loaded; the tests load it themselves: fusectl unload" >&2
		return 1
	fi
	grep -qw fuse /proc/filesystems || modprobe fuse
	mkdir -p "$FX_STOCK" "$FX_OURS"
	mount -i -t fusectl none "$FX_STOCK"
}

# loop_driver: for a mount of type fuseblk; it may be built in.
loop_driver() {
	grep -qw loop /proc/devices || modprobe loop
}

# module_file_end: for teardown_file; whatever the tests left of it.
module_file_end() {
	local path
	while read -r path; do
		umount "$path"
	done < <(mounts_below /run/fuse-ext-test)
	[ ! -d /sys/module/fuse_ext ] || module_remove
	rmdir "$FX_STOCK" "$FX_OURS" /run/fuse-ext-test
	isolate_file_end
}

module_load() {
	timeout 60 modprobe fuse_ext
	mount -i -t fusectl none "$FX_OURS"
}

module_unload() {
	umount "$FX_OURS"
	timeout 60 rmmod fuse_ext
}

# module_want loaded|unloaded: for setup_file: how each test finds it; a test
# that fails between unloading and loading doesn't take the next ones with it.
module_want() {
	export FX_WANT=$1
	module_as_wanted
}
module_as_wanted() {
	if [ "${FX_WANT:-}" = loaded ] && [ ! -d /sys/module/fuse_ext ]; then
		module_load
	elif [ "${FX_WANT:-}" = unloaded ] && [ -d /sys/module/fuse_ext ]; then
		! mountpoint -q "$FX_OURS" || umount "$FX_OURS"
		module_remove
	fi
}

# module_remove: by fusectl where a failed test left what `fusectl load` mounted.
module_remove() {
	timeout 60 rmmod fuse_ext || timeout 60 fusectl unload
}

# connection_of MOUNTPOINT: the number of its connection.
connection_of() {
	local device path number=
	while read -r _ _ device _ path _; do
		if [ "$path" = "$1" ]; then
			number=$((${device%:*} << 20 | ${device#*:}))
		fi
	done </proc/self/mountinfo
	[ -n "$number" ] || {
		echo "nothing is mounted at $1" >&2
		return 1
	}
	echo "$number"
}

# driver_of MOUNTPOINT: fuse or fuse_ext.
driver_of() {
	local number
	number=$(connection_of "$1") || return 1
	if [ -d "$FX_OURS/$number" ]; then
		echo fuse_ext
	elif [ -d "$FX_STOCK/$number" ]; then
		echo fuse
	else
		echo "no control filesystem has connection $number ($1)" >&2
		return 1
	fi
}

# control_of MOUNTPOINT: its folder in the control filesystem.
control_of() {
	local number
	number=$(connection_of "$1") || return 1
	if [ -d "$FX_OURS/$number" ]; then
		echo "$FX_OURS/$number"
	else
		echo "$FX_STOCK/$number"
	fi
}

# abort_ MOUNTPOINT: what an administrator does.
abort_() {
	log_line "abort of $1"
	echo 1 >"$(control_of "$1")/abort"
}

# mount_field MOUNTPOINT NUMBER: of its line in /proc/mounts.
mount_field() {
	local fields result=
	while read -r -a fields; do
		[ "${fields[1]}" != "$1" ] || result=${fields[$2 - 1]}
	done </proc/mounts
	echo "$result"
}

# types_served: how often each filesystem type is in /proc/filesystems.
types_served() {
	awk '$NF ~ /^fuse(blk|ctl)?$/ { n[$NF]++ }
		END { print "fuse=" n["fuse"] " fuseblk=" n["fuseblk"] " fusectl=" n["fusectl"] }' \
		/proc/filesystems
}
