#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# atomic_create changes no result: tables of 756 combinations each (what is there,
# flags, mode, who asks) with three kinds of mount give the same errors and leave
# the same files on stock, on ours with off, and on ours with on.  Which requests
# are sent is in 400.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want unloaded
	export FX_LIMIT=200
}

teardown_file() {
	module_file_end
}

# table RESULTS VALUE KNOWN OPTION...: of ours with that value, or of `stock`;
# KNOWN is `known` if names are looked up before, else `new`.  The number of
# names that one request opened is in $atomic.  The server keeps no log, and knows
# no FLUSH: that would be half of the time.
table() {
	local results=$1 value=$2 known=$3
	shift 3
	mkdir -p "$FX/b"
	[ "$value" = stock ] || module_load
	run_ 0 treeserver --pidfile "$FX/a.pid" --fail flush=ENOSYS "$@" "$FX/a" "$FX/b"
	[ "$value" = stock ] || connection_set "$FX/a" atomic_create "$value"
	# shellcheck disable=SC2086  # WHAT may be empty
	run_ 0 fxclient create-table "$FX/a" "$FX/b" "$FX/$results" "$known" ${what:-}
	is "$(grep -c . "$FX/$results")" "$(field rows)" "rows that were written"
	rows=$(field rows)
	atomic=none
	[ "$value" = stock ] ||
		atomic=$(($(counter "$FX/a" create_atomic) + $(counter "$FX/a" create_atomic_existed)))
	run_ 0 umount "$FX/a" "$FX/b"
	soon 20 server_gone a || fail "the server of a and b didn't end"
	[ "$value" = stock ] || module_unload
}

same() { # RESULTS WHAT
	cmp "$FX/stock" "$FX/$1" || {
		log_line "$(diff "$FX/stock" "$FX/$1" | head -n 20)"
		fail "$2: $(diff "$FX/stock" "$FX/$1" | grep -c '^>') rows differ from stock's"
	}
}

equal() { # KNOWN OPTION...
	table stock stock "$@"
	at_least "$rows" 500 "rows"
	table off off "$@"
	is "$atomic" 0 "names that one request opened with off"
	same off "off, $*"
	table on on "$@"
	same on "on, $*"
}

@test "the server checks permissions, and here it doesn't: the same as on stock" {
	equal new --mount-data allow_other
	at_least "$atomic" 500 "names that one request opened with on"
	figure create_table_rows "$rows" rows
	figure create_table_atomic "$atomic" requests
}

@test "default_permissions: the same as on stock" {
	equal new --mount-data allow_other,default_permissions
	at_least "$atomic" 500 "names that one request opened with on"
}

@test "default_permissions and names that are cached, or known to be missing: the same as on stock" {
	equal known --mount-data allow_other,default_permissions --timeout 3600
	# but for what a dangling link points at
	below "$atomic" 200 "names that one request opened with on"
	at_least "$atomic" 1 "names that one request opened with on"
}

@test "a server that claims to have created what existed shows in the table (it can differ)" {
	local what=foreign-file
	table stock stock new --mount-data allow_other,default_permissions
	table claim on new --mount-data allow_other,default_permissions --atomic claim
	! cmp -s "$FX/stock" "$FX/claim" || fail "the tables are the same"
}
