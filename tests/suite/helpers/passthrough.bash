# shellcheck shell=bash
# passthrough_ext, which shows $FX/below at $FX/a, and what it has in force.
# Loaded by the 50x suites, after helpers/all.

# passthrough OPTION...: it serves when this returns; what it says of the
# negotiation is in $FX/said.
passthrough() {
	[ -d "$FX/below" ] || mkdir "$FX/below"
	start "$FX/said" passthrough_ext --foreground "$@" "$FX/below" "$FX/a"
	soon 20 passthrough_serves || fail "passthrough_ext doesn't serve: $(<"$FX/said")"
}

# passthrough_as USER OPTION...: the same, served by this user.
passthrough_as() {
	local user=$1
	shift
	start "$FX/said" setpriv --reuid "$user" --clear-groups \
		passthrough_ext --foreground "$@" "$FX/below" "$FX/a"
	soon 20 passthrough_serves || fail "passthrough_ext doesn't serve: $(<"$FX/said")"
}
passthrough_serves() {
	connection_of "$FX/a" >/dev/null 2>&1 && [ -s "$FX/said" ]
}

# passthrough_stop: unmounts it; the server ends by itself, without an error.
passthrough_stop() {
	run_ 0 umount "$FX/a"
	ends "$started" 20 || fail "passthrough_ext didn't end after its unmount"
	is "$status" 0 "exit status of passthrough_ext ($(<"$FX/said"))"
}
