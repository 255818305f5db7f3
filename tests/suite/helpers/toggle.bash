# shellcheck shell=bash
# Toggles by their files: module-wide and per connection.

FX_PARAMETERS=/sys/module/fuse_ext/parameters
# shellcheck disable=SC2034  # the suites read it
FX_TOGGLES="async_flush sync_release atomic_create syncfs inval_files"

# module_set TOGGLE VALUE; module_get TOGGLE
module_set() {
	log_line "module-wide $1 = $2"
	printf '%s\n' "$2" >"$FX_PARAMETERS/$1"
}
module_get() {
	cat "$FX_PARAMETERS/$1"
}

# connection_set MOUNTPOINT TOGGLE VALUE; connection_get MOUNTPOINT TOGGLE
connection_set() {
	log_line "$2 of $1 = $3"
	printf '%s\n' "$3" >"$(control_of "$1")/$2"
}
connection_get() {
	cat "$(control_of "$1")/$2"
}

# in_force MOUNTPOINT TOGGLE: "VALUE SOURCE" from ext_state.
in_force() {
	local name value source
	while read -r name value source; do
		[ "$name" != "$2" ] || echo "$value $source"
	done <"$(control_of "$1")/ext_state"
}

# counter MOUNTPOINT NAME: from ext_stats.
counter() {
	local name value
	while read -r name value; do
		[ "$name" != "$2" ] || echo "$value"
	done <"$(control_of "$1")/ext_stats"
}

# write_words FILE WORD [FILE WORD]...: what write(2) says to each, by name, in
# $output, a word each.
write_words() {
	run_ any fxclient write-word "$@"
	output=${output//$'\n'/ }
}
