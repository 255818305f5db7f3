# shellcheck shell=bash
# A machine as after the boot of a usual one, for the suites of `fusectl load`
# and `unload`: fuse_ext isn't loaded, the stock control filesystem is mounted at
# the standard place.  Loaded after helpers/all.

STANDARD=/sys/fs/fuse/connections

# control_file: for setup_file, after isolate_file.
control_file() {
	module_file
	module_want unloaded
	FX_MOUNTED=no
	if ! mountpoint -q "$STANDARD"; then
		mount -i -t fusectl none "$STANDARD"
		FX_MOUNTED=yes
	fi
	export FX_MOUNTED
}

# control_file_end: for teardown_file.
control_file_end() {
	if [ "$FX_MOUNTED" = yes ]; then
		umount "$STANDARD"
	fi
	module_file_end
}

# control_mounts: every fusectl mount, to see that nothing is left or lost.
control_mounts() {
	awk '{ for (i = 7; $i != "-"; i++) ; if ($(i + 1) == "fusectl") print $3, $5 }' \
		/proc/self/mountinfo | sort
}
