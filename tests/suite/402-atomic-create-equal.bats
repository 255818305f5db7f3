#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# atomic_create changes no result: a table of 1,260 combinations (what is there,
# flags, mode, who asks) gives the same errors and leaves the same files on stock,
# on ours with off, and on ours with on.  Which requests are sent is in 400.

load helpers/all
load helpers/tree

setup_file() {
	isolate_file
	module_file
	module_want unloaded
	export FX_LIMIT=200
}

teardown_file() {
	module_file_end
}

# table RESULTS VALUE OPTION...: of ours with that value, or of `stock`.
table() {
	local results=$1 value=$2
	shift 2
	[ "$value" = stock ] || module_load
	two_trees "$@"
	[ "$value" = stock ] || connection_set "$FX/a" atomic_create "$value"
	run_ 0 fxclient create-table "$FX/a" "$FX/b" "$FX/$results"
	at_least "$(field rows)" 500 "rows"
	is "$(grep -c . "$FX/$results")" "$(field rows)" "rows that were written"
	atomic=$(many_requests a ATOMIC_CREATE)
	two_trees_stop
	[ "$value" = stock ] || module_unload
}

same() { # RESULTS WHAT
	cmp "$FX/stock" "$FX/$1" || {
		log_line "$(diff "$FX/stock" "$FX/$1" | head -n 20)"
		fail "$2: $(diff "$FX/stock" "$FX/$1" | grep -c '^>') rows differ from stock's"
	}
}

equal() { # MOUNT-OPTIONS OPTION...
	table stock stock --mount-data "$@"
	is "$atomic" 0 "ATOMIC_CREATE requests on stock"
	table off off --mount-data "$@"
	is "$atomic" 0 "ATOMIC_CREATE requests with off"
	same off "off, $*"
	table on on --mount-data "$@"
	at_least "$atomic" 500 "ATOMIC_CREATE requests with on"
	figure create_table_atomic_requests "$atomic" requests
	same on "on, $*"
}

@test "the server checks permissions, and here it doesn't: the same as on stock" {
	equal allow_other
}

@test "default_permissions: the same as on stock" {
	equal allow_other,default_permissions
}

@test "default_permissions and names that stay cached: the same as on stock" {
	equal allow_other,default_permissions --timeout 3600
}

@test "a server that claims to have created what existed shows in the table (it can differ)" {
	table stock stock --mount-data allow_other,default_permissions
	table claim on --mount-data allow_other,default_permissions --atomic claim
	! cmp -s "$FX/stock" "$FX/claim" || fail "the tables are the same"
}
