# shellcheck shell=bash
# Running commands from a test, and asserting: every command has an expected
# exit status, a time limit and a log.  Knows nothing of FUSE.

# log_line WORDS...: into the log of this file, and into what bats shows of a
# test that failed.
log_line() {
	printf '# %s\n' "$*"
	printf '%s\n' "$*" >>"$FX_LOG"
}

# fail WORDS...: the test ends here.
fail() {
	log_line "FAILED: $*"
	return 1
}

# start FILE COMMAND...: in the background and in this test's cgroup, output to
# FILE; the process is in $started.
start() {
	local file=$1
	shift
	log_line "\$ $* &"
	(
		echo 0 >"$FX_GROUP/cgroup.procs" || exit 125
		# bats waits for the last writer of its descriptors
		exec 3>&- "$@"
	) >"$file" 2>&1 </dev/null &
	# shellcheck disable=SC2034  # the caller reads it
	started=$!
}

# now_ms: into $now.
now_ms() {
	now=${EPOCHREALTIME/[.,]/}
	now=${now%???}
}

# pause_ms MILLISECONDS: sleeps without a process, which are slow to start in an
# emulated machine, by reading the ticks of `fxclient tick`.  Not by `read -t`:
# where the time is up before bash gets to read, that waits for ever.
pause_ms() {
	local now end
	now_ms
	end=$((now + $1))
	while [ "$now" -lt $end ]; do
		read -r -N 1 _ <>"$FX_TICKS"
		now_ms
	done
}

# process_ended PID: it and all of its threads are gone, or wait to be waited
# for.  Not by kill -0, which takes a zombie that bash has missed for alive, nor
# by /proc/PID/exe, which a process in its exit(2) has lost already.
process_ended() {
	local line threads
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	threads=(/proc/"$1"/task/*)
	[[ ${line##*) } == [ZX]* ]] && [ ${#threads[@]} -le 1 ]
}

# ends PID SECONDS: waits for a process that `start` started; 1 if it is still
# there afterwards, else its exit status is in $status.
ends() {
	local pid=$1 now end
	now_ms
	end=$((now + $2 * 1000))
	until process_ended "$pid"; do
		now_ms
		[ "$now" -lt $end ] || return 1
		pause_ms 10
	done
	status=0
	wait "$pid" || status=$?
}

# where_is PID: what it waits for, for the log.
where_is() {
	ps -o pid=,stat=,wchan:30=,args= -p "$1" || echo "$1: gone"
	if [ -r "/proc/$1/stack" ]; then
		cat "/proc/$1/stack"
	fi
}

# run_ STATUS COMMAND...: runs it for at most FX_LIMIT seconds (60), output in
# $output, and asserts that it exits with STATUS ("any": whatever it is).  A
# command that can't be killed is left behind: the teardown aborts what it
# waits for.
run_() {
	local expected=$1 pid
	shift
	log_line "\$ $*"
	(
		echo 0 >"$FX_GROUP/cgroup.procs" || exit 125
		exec 3>&- "$@"
	) >"$FX/output" 2>&1 </dev/null &
	pid=$!
	if ! ends "$pid" "${FX_LIMIT:-60}"; then
		output=$(<"$FX/output")
		log_line "$output"
		log_line "$(where_is "$pid")"
		kill -KILL "$pid" 2>/dev/null || log_line "it ended just now"
		fail "still there after ${FX_LIMIT:-60} s: $*"
		return 1
	fi
	output=$(<"$FX/output")
	log_line "$output"
	log_line "[exit status $status]"
	if [ "$expected" != any ] && [ "$status" -ne "$expected" ]; then
		fail "exit status $status, expected $expected: $*"
	fi
}

# field NAME [TEXT]: the value of NAME=value in TEXT ($output).
field() {
	local text=${2-$output} word
	for word in $text; do
		if [ "${word%%=*}" = "$1" ] && [ "$word" != "$1" ]; then
			printf '%s\n' "${word#*=}"
			return
		fi
	done
	fail "no field '$1' in: $text"
}

# is ACTUAL EXPECTED WHAT...
is() {
	[ "$1" = "$2" ] || fail "${*:3}: it is '$1', expected '$2'"
}

# is_not ACTUAL UNEXPECTED WHAT...
is_not() {
	[ "$1" != "$2" ] || fail "${*:3}: it is '$1', expected anything else"
}

# like ACTUAL REGULAR-EXPRESSION WHAT...
like() {
	[[ $1 =~ $2 ]] || fail "${*:3}: it is '$1', expected a match of '$2'"
}

# at_least ACTUAL LEAST WHAT...; below ACTUAL LIMIT WHAT...
at_least() {
	[ "$1" -ge "$2" ] || fail "${*:3}: it is $1, expected at least $2"
}
below() {
	[ "$1" -lt "$2" ] || fail "${*:3}: it is $1, expected less than $2"
}

# soon SECONDS COMMAND...: tries a command or function until it succeeds.
soon() {
	local now end
	now_ms
	end=$((now + $1 * 1000))
	shift
	until "$@"; do
		now_ms
		[ "$now" -lt $end ] || return 1
		pause_ms 50
	done
}

# figure NAME VALUE UNIT: for the closing report.
figure() {
	printf '%s %s %s %s\n' "${FUSE_EXT_CELL:-here}" "$1" "$2" "$3" >>"$FUSE_EXT_OUT/figures"
	log_line "figure: $1 $2 $3"
}
