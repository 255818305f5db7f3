# shellcheck shell=bash
# passthrough_ext, which shows $FX/below at $FX/a, and what it has in force.
# Loaded by the 50x suites, after helpers/all.

# passthrough OPTION...: it serves when this returns; what it says of the
# negotiation is in $FX/said.
passthrough() {
	[ -d "$FX/below" ] || mkdir "$FX/below"
	log_line "\$ passthrough_ext $*"
	start "$FX/said" passthrough_ext --foreground "$@" "$FX/below" "$FX/a"
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

# both FUNCTION: with the stock driver, then with ours and all that it has.
both() {
	module_unload
	passthrough
	is "$(driver_of "$FX/a")" fuse "driver"
	like "$(<"$FX/said")" "not loaded, or mounted before it was" "what the server says"
	"$1"
	passthrough_stop
	rm -rf "$FX/below"
	module_load
	passthrough
	is "$(driver_of "$FX/a")" fuse_ext "driver"
	"$1"
	passthrough_stop
}
