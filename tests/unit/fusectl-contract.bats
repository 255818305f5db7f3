#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# What holds of every verb that `fusectl help` names, one that is added later
# included: help, man page, exit statuses, JSON as its schema says, colours,
# and how fast it starts.  Not for what the verbs do.

load helpers/fusectl

setup_file() { fusectl_build; }
setup() { fusectl_machine; }

MAN=$FUSECTL_SOURCE/fusectl.8
SCHEMAS=$FUSECTL_SOURCE/../docs/schema
PROGRAM=$FUSECTL_SOURCE/check-build.d/fusectl

# What is different from the rest.
# without the module: a verb that isn't here ends with 3
# (drain: a stock mount is there; doctor finds just that; trace: a machine without
# tracefs; top and monitor go on for ever)
WITHOUT_MODULE=(status:3 load:0 unload:0 list:0 help:0 show:0 abort:0 wait:0 drain:1 doctor:1
	top:skip trace:1 monitor:skip check:0)
# operands with which a verb can be called; none for the others
declare -gA OPERANDS=([get]=all [set]='async_flush on' [inherit]='async_flush /mnt/stock'
	[show]=/mnt/stock [abort]='--dry-run /mnt/stock' [wait]='--idle /mnt/stock'
	[trace]=/mnt/stock)
declare -gA OPERANDS_JSON=([show]=52)
# any operands are right
ANY_OPERANDS=' help '

verbs() { "$PROGRAM" help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
man_text() { MANWIDTH=200 man -l "$MAN" | col -bx | sed -E 's/^ {5}([^ ])/       \1/'; }

@test "help of each verb: exit status 0, begins with Usage, 80 columns" {
	local verb line
	[[ $(verbs | wc -l) -ge 8 ]] || fail "only these verbs: $(verbs | xargs)"
	for verb in '' $(verbs); do
		# shellcheck disable=SC2086 # no word where there is no verb
		fusectl 0 help $verb
		[[ $output == "Usage: fusectl "* ]] || fail "$verb: doesn't begin with Usage"
		while IFS= read -r line; do
			[[ ${#line} -le 80 ]] || fail "$verb: ${#line} columns: $line"
		done <<<"$output"
		[[ -z $stderr ]] || fail "$verb: something on stderr"
	done
	assert_no_change
}

@test "man page: each verb has a section and stands in the synopsis, with each of its options" {
	local text synopsis verb usage option
	text=$(man_text)
	synopsis=$(sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' <<<"$text")
	for verb in $(verbs); do
		grep -q "^       $verb\b" <<<"$text" || fail "no section of $verb"
		grep -q "^       fusectl $verb\b" <<<"$synopsis" || fail "not in the synopsis: $verb"
		[[ $verb != help ]] || continue
		usage=$("$PROGRAM" help "$verb" | sed -n '1s/^Usage: //p')
		grep -qxF "       ${usage% }" <<<"$synopsis" || fail "expected in the synopsis: $usage"
		for option in $("$PROGRAM" help "$verb" | sed -n '/^Options/,/^$/p' |
			grep -oE -- '^  (-[a-zA-Z0-9],|   ) --[a-z-]+' | tr -d ,); do
			grep -qE -- "(^|[^a-z-])$option([^a-z-]|\$)" <<<"$text" ||
				fail "$verb: not in the man page: $option"
		done
	done
}

@test "wrong options and operands of each verb: exit status 2, and how to call it" {
	local verb line
	for verb in $(verbs); do
		[[ $ANY_OPERANDS != *" $verb "* ]] || continue
		fusectl 2 "$verb" --there-is-no-such-option
		assert_error "see fusectl help $verb"
		# a verb that takes none
		line=$("$PROGRAM" help "$verb" | sed -n '1s/^Usage: fusectl [a-z]* *//; 1s/\[OPTION\.\.\.\] *//p; 1p' |
			head -n 1)
		case $line in
		'') fusectl 2 "$verb" operand ;;
		'['*) continue ;;
		*) fusectl 2 "$verb" ;;
		esac
		assert_error "usage: fusectl $verb"
	done
	assert_no_change
}

@test "without the module: the exit status of the man page, and what to do" {
	local verb expected exception
	for verb in $(verbs); do
		expected=3
		for exception in "${WITHOUT_MODULE[@]}"; do
			[[ ${exception%:*} != "$verb" ]] || expected=${exception#*:}
		done
		[[ $expected != skip && $verb != load ]] || continue
		# shellcheck disable=SC2086 # several operands
		fusectl "$expected" "$verb" ${OPERANDS[$verb]-}
		[[ $expected != 3 || $verb == status ]] || assert_error "fusectl load"
	done
}

@test "man page: which verbs need not have the module" {
	local text exception
	text=$(man_text | sed -n '/^       3  *fuse_ext/,/^       4 /p')
	[[ -n $text ]] || fail "the man page has no exit status 3"
	for exception in "${WITHOUT_MODULE[@]}"; do
		[[ $exception != @(load|help):* ]] || continue
		grep -qw "${exception%:*}" <<<"$text" || fail "not there: $exception: $text"
	done
}

@test "completion of each verb offers each of its options" {
	local verb option all
	for verb in $(verbs); do
		all=$("$PROGRAM" complete words "$verb" - | tr '\0' '\n' | cut -f1)
		for option in $("$PROGRAM" help "$verb" | sed -n '/^Options/,/^$/p' |
			grep -oE -- '--[a-z-]+ ' | sort -u); do
			[[ $verb == help ]] || grep -qx -- "$option" <<<"$all" ||
				grep -q -- "no .*$option" <<<"$all" || fail "$verb: doesn't offer $option"
		done
	done
}

# valid SCHEMA ARGUMENT...: what fusectl prints is what the schema says
valid() {
	local schema=$1 text
	shift
	text=$("$PROGRAM" "$@") || [[ $? == [13] ]] || fail "fusectl $* failed"
	"$HELPERS/schema-check" "$SCHEMAS/$schema.json" <<<"$text" ||
		fail "fusectl $*: not what $schema.json says: $text"
}

@test "JSON is what docs/schema says" {
	valid list list -j
	valid list list -jO
	valid status status -j
	rm -rf "$FUSECTL_ROOT"
	fusectl_loaded_machine
	fusectl 0 set async_flush exit 52
	add_mount 90 20 0:90 '/mnt/\010new\012\134"li\303\251\377ne' fuse x
	valid list list -j
	valid list list -jO
	valid status status -j
	valid get get -j
	valid get get -jO all 52 53
	valid show show -jO 51 52
	valid drain drain -jO
	valid doctor doctor -jO --wait 1
}

@test "JSON lines are what docs/schema says" {
	local verb
	rm -rf "$FUSECTL_ROOT"
	fusectl_loaded_machine
	fusectl 0 top -j -n 2 -d 0.01
	assert_output '"conn"'
	"$HELPERS/schema-check" "$SCHEMAS/top.json" --lines <<<"$output"
	# those of the others, and of all sources, are in fusectl-live.bats
	for verb in top trace monitor; do
		run "$HELPERS/schema-check" "$SCHEMAS/$verb.json" --lines <<<'{"event": "wrong"}'
		[[ $status == 1 ]] || fail "$verb.json takes anything"
	done
}

@test "JSON with a wrong field, or without its list, is not" {
	local name schema json
	rm -rf "$FUSECTL_ROOT"
	fusectl_loaded_machine
	for schema in list:connections status:status get:toggles drain:holders show:connection; do
		name=${schema#*:} schema=${schema%:*}
		# shellcheck disable=SC2086 # no operand for most
		json=$("$PROGRAM" "$schema" -jO ${OPERANDS_JSON[$schema]-}) || [[ $schema == drain ]]
		"$HELPERS/schema-check" "$SCHEMAS/$schema.json" <<<"$json" || fail "$schema"
		for change in ".${name}[0].wrong = 1" ".wrong = 1" "del(.$name)" ".${name}[0] = {}" \
			".$name = null"; do
			run "$HELPERS/schema-check" "$SCHEMAS/$schema.json" <<<"$(jq "$change" <<<"$json")"
			[[ $status == 1 ]] || fail "$schema.json takes: $change"
		done
	done
}

@test "each schema describes each field, and lets no other in" {
	local schema
	for schema in "$SCHEMAS"/*.json; do
		jq -e '[.. | objects | select(has("properties")) | .additionalProperties == false] |
			length > 0 and all' "$schema" >/dev/null || fail "$schema: additionalProperties"
		jq -e '[.. | objects | .properties? // {} | to_entries[] | .value.description | length > 0] |
			all' "$schema" >/dev/null || fail "$schema: a field without a description"
	done
}

# on_terminal ARGUMENT...: what a terminal gets
on_terminal() {
	script -qec "$(printf '%q ' "$PROGRAM" "$@")" "$BATS_TEST_TMPDIR/typescript" >/dev/null
	sed '1d;$d' "$BATS_TEST_TMPDIR/typescript"
}

@test "colours: on a terminal, and nowhere else" {
	local escape=$'\e['
	export TERM=xterm
	unset NO_COLOR
	[[ $(on_terminal list) == *"$escape"*stock* ]] || fail "none on a terminal"
	[[ $(NO_COLOR='' on_terminal list) == *"$escape"* ]] || fail "an empty NO_COLOR means none"
	[[ $(NO_COLOR=1 on_terminal list) != *$'\e'* ]] || fail "in spite of NO_COLOR"
	[[ $(TERM=dumb on_terminal list) != *$'\e'* ]] || fail "on a dumb terminal"
	[[ $(on_terminal list -j) != *$'\e'* ]] || fail "in JSON"
	[[ $(on_terminal list -r) != *$'\e'* ]] || fail "in raw output"
	fusectl 0 list
	refute_output $'\e'
	# the text is the same
	assert_equal "$(on_terminal list | sed 's/\x1b\[[0-9;]*m//g' | tr -d '\r' | grep -c /mnt/stock)" 1
}

@test "fusectl starts quickly" {
	local spent word native=$BATS_TEST_TMPDIR/fusectl
	cp -r "$FUSECTL_SOURCE" "$native"
	cp "$FUSECTL_SOURCE/../VERSION" "$BATS_TEST_TMPDIR/"
	make -s -C "$native"
	for word in --version help; do
		# of the processor: others may be using the machine, too
		spent=$(TIMEFORMAT='%U %S'
			{ time for _ in {1..100}; do "$native/fusectl" $word; done >/dev/null; } 2>&1 |
				awk '{ printf "%d", ($1 + $2) * 10000 }')
		echo "# fusectl $word: $spent us of CPU time, fork and exec included" >&3
		# 5 ms is what it is to be
		[[ $spent -gt 0 && $spent -lt 20000 ]] || fail "20 ms and more"
	done
}
