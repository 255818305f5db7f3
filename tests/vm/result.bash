# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What came of a cell, or of the unit tests: counted from the TAP stream, kept
# in a file, printed as one line.  Sourced; runs no test itself.

result_name='' result_out='' result_started='' result_build=-

# result_begin NAME DIR: from here the time counts.
result_begin() {
	result_name=$1 result_out=$2
	result_started=${FUSE_EXT_STARTED:-$(date +%s)}
	rm -f "$result_out/summary"
}

# result_write PASSED FAILED SKIPPED WORDS...: the summary, and the end of the
# script: 0 if all is well.
result_write() {
	local seconds=$(($(date +%s) - result_started))
	printf '%s %s %s %s %s %s\n' "$1" "$2" "$3" "$seconds" "$result_build" "${*:4}" \
		>"$result_out/summary"
	printf '%-20s %4d passed %4d failed %4d skipped %5d s  install %s s  %s\n' \
		"$result_name" "$1" "$2" "$3" "$seconds" "$result_build" "${*:4}"
	if [ "$2" -eq 0 ] && [ "${*:4}" = ok ]; then
		exit 0
	fi
	exit 1
}

# result_end WORDS...: it did not run; that is a failure.
result_end() { result_write 0 1 0 "$@"; }

# result_of TAP STATUS: counts.  A test that is in the plan and has no result
# has failed; so has a run that says that all is well but ends badly.
result_of() {
	local plan passed failed skipped missing
	read -r plan passed failed skipped < <(awk '
		/^1\.\.[0-9]+$/ && !plan { plan = substr($0, 4) }
		/^not ok [0-9]/ { failed++ }
		/^ok [0-9]/ { if (/# skip/) skipped++; else passed++ }
		END { print plan + 0, passed + 0, failed + 0, skipped + 0 }' "$1")
	missing=$((plan - passed - failed - skipped))
	awk '/^(ok|1\.\.)/ { show = 0 } /^(not ok|Bail out!)/ { show = 1 } show' "$1" >&2
	if [ "$plan" -eq 0 ]; then
		tail -n 30 "$1" >&2
		result_end "DID NOT RUN: ended with status $2 before the first test"
	elif [ $missing -ne 0 ]; then
		result_write "$passed" $((failed + missing)) "$skipped" \
			"$missing of $plan tests have no result (status $2)"
	elif [ $((passed + failed)) -eq 0 ]; then
		result_end "DID NOT RUN: all $plan tests were skipped"
	elif [ "$2" -eq 126 ]; then
		result_write "$passed" $((failed + 1)) "$skipped" "FAILED: the kernel's log is not clean"
	elif [ "$2" -ne 0 ] && [ "$failed" -eq 0 ]; then
		result_write "$passed" 1 "$skipped" "FAILED: ended with status $2"
	elif [ "$failed" -ne 0 ]; then
		result_write "$passed" "$failed" "$skipped" FAILED
	fi
	result_write "$passed" "$failed" "$skipped" ok
}
