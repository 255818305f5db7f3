#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# fusectl's contract with who types it: help, man page and completion name the
# same verbs, toggles, options and columns.  Not for what the verbs do.

load helpers/fusectl

setup_file() { fusectl_build; }
setup() { fusectl_machine; }

MAN=$FUSECTL_SOURCE/fusectl.8
COMPLETION=$FUSECTL_SOURCE/fusectl.bash
TOGGLES=(async_flush sync_release atomic_create syncfs inval_files)

verbs() {
	"$FUSECTL_SOURCE/check-build.d/fusectl" help |
		sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# The man page as it is read, without bold and italics, wide; what was indented
# once is by 7 columns (groff 1.24: 5)
man_text() { MANWIDTH=200 man -l "$MAN" | col -bx | sed -E 's/^ {5}([^ ])/       \1/'; }

# complete_line WORD...: what the last word, perhaps empty, can become, a line
# each, as bash has it; the words are as they are typed
complete_line() {
	# shellcheck disable=SC2016 # the inner shell's
	PATH=$FUSECTL_SOURCE/check-build.d:$PATH \
		bash -c 'source "$1"; shift
			IFS=" "; COMP_WORDS=(fusectl) COMP_LINE="fusectl $*" COMP_POINT=${#COMP_LINE}
			COMP_WORDBREAKS=" "$'"'\\t\\n'"'"$'"'\\042\\047'"'"">=<;|&(:"
			_fusectl; printf "%s\n" "${COMPREPLY[@]}"' - "$COMPLETION" "$@"
}

@test "help, -h and --help print the same, with all verbs" {
	fusectl 0 help
	local help=$output
	fusectl 0 -h
	assert_equal "$output" "$help"
	fusectl 0 --help
	assert_equal "$output" "$help"
	assert_equal "$(verbs | xargs)" "status load unload list show get set inherit apply check top trace monitor abort wait drain doctor help"
}

@test "without a verb: the help on stderr, exit status 2" {
	fusectl 2
	assert_error "Usage: fusectl VERB"
	assert_equal "$output" ""
}

@test "--version is the project's version" {
	fusectl 0 --version
	assert_equal "$output" "fusectl $(<"$FUSECTL_SOURCE/../VERSION")"
	fusectl 0 -V
	assert_equal "$output" "fusectl $(<"$FUSECTL_SOURCE/../VERSION")"
}

@test "help VERB and VERB --help print the same, and nothing is done" {
	local verb help
	for verb in $(verbs); do
		fusectl 0 help "$verb"
		help=$output
		assert_output "Usage: fusectl "
		[[ $verb == help ]] || assert_output "Usage: fusectl $verb"
		fusectl 0 "$verb" --help
		assert_equal "$output" "$help"
		fusectl 0 "$verb" -h
		assert_equal "$output" "$help"
	done
	assert_no_change
}

@test "a wrong verb suggests the nearest one, exit status 2" {
	local wrong
	while read -r wrong right; do
		fusectl 2 "$wrong"
		assert_error "did you mean '$right'?"
		fusectl 2 help "$wrong"
		assert_error "did you mean '$right'?"
	done <<-'END'
		lst list
		staus status
		laod load
		unlod unload
		inhert inherit
		ste set
		GET get
	END
	fusectl 2 frobnicate
	assert_error "the verbs are: status, load, unload, list, show, get, set, inherit, apply, check, top, trace, monitor, abort, wait, drain, doctor, help"
	refute_error "did you mean"
	fusectl 2 $'l\e[31mist'
	refute_error $'\e'
	fusectl 2 "$(printf 'x%.0s' {1..100000})"
}

@test "wrong options are exit status 2" {
	fusectl 2 --wrong
	fusectl 2 list --wrong
	assert_error "--wrong"
	fusectl 2 list -x
	assert_error "-x"
	fusectl 2 list -nx
	assert_error "-x"
	fusectl 2 list -o
	assert_error "-o wants a LIST"
	fusectl 2 list --json=yes
	fusectl 2 set -j async_flush on
	assert_error "-j"
	fusectl 2 list -j -r
	assert_error "exclude each other"
	fusectl 2 help set get
	fusectl 2 list operand
	assert_no_change
}

@test "a wrong column suggests the nearest one, exit status 2" {
	fusectl 2 list -o TARGTE
	assert_error "did you mean 'TARGET'?"
	assert_error "the columns are: CONN, DRIVER"
	fusectl 2 list -o conn,wating
	assert_error "did you mean 'WAITING'?"
	fusectl 2 list -o ""
	fusectl 2 list -o CONN,
	fusectl 2 get -o VALEU
	assert_error "did you mean 'VALUE'?"
}

@test "man page: no warnings" {
	local warnings
	warnings=$(MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$MAN" 2>&1 >/dev/null)
	assert_equal "$warnings" ""
	warnings=$(groff -man -ww -Tutf8 "$MAN" 2>&1 >/dev/null)
	assert_equal "$warnings" ""
}

@test "man page: its synopsis is what the help of each verb says" {
	local verb usage text
	text=$(man_text | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p')
	for verb in $(verbs | grep -v help); do
		fusectl 0 help "$verb"
		usage=$(sed -n 's/^Usage: //p' <<<"$output")
		grep -qxF "       ${usage% }" <<<"$text" || fail "expected in the synopsis: $usage"
	done
	# one line a verb, and that of --help
	assert_equal "$(grep -c '^       fusectl' <<<"$text")" $(($(verbs | wc -l) + 1))
}

@test "man page and completion: every verb, toggle, option and exit status" {
	local text verb toggle option code
	text=$(man_text)
	for verb in $(verbs); do
		grep -q "^       $verb\b" <<<"$text" || fail "man: no verb $verb"
		grep -qx "$verb" <<<"$(complete_line "")" || fail "completion: no verb $verb"
	done
	for toggle in "${TOGGLES[@]}"; do
		grep -q "^       $toggle\b" <<<"$text" || fail "man: no toggle $toggle"
		for verb in get set inherit; do
			grep -qx "$toggle" <<<"$(complete_line $verb "")" ||
				fail "completion of $verb: no toggle $toggle"
		done
	done
	for code in 0 1 2 3 4 5 6; do
		grep -q "^       $code  *[A-Zf]" <<<"$text" || fail "man: no exit status $code"
	done
	fusectl 0 help list
	for option in $(grep -o '^  -[a-zA-Z], --[a-z-]*' <<<"$output" | tr -d ,); do
		grep -q -- "$option\b" <<<"$text" || fail "man: no option $option"
		grep -qx -- "$option" <<<"$(complete_line list -)" ||
			grep -qx -- "$option" <<<"$(complete_line list --)" ||
			fail "completion: no option $option"
	done
}

@test "help: every toggle and value of set is in its help" {
	local word
	fusectl 0 help set
	for word in "${TOGGLES[@]}" auto on off exit default disable_sync_release; do
		assert_output "$word"
	done
}

@test "completion: words that begin so, and no others" {
	assert_equal "$(complete_line un)" unload
	assert_equal "$(complete_line s | xargs)" "status show set"
	assert_equal "$(complete_line get sy | xargs)" "sync_release syncfs"
	assert_equal "$(complete_line get al)" all
	assert_equal "$(complete_line help in)" inherit
	assert_equal "$(complete_line status stock | xargs)" "stock_connections stock_control"
	assert_equal "$(complete_line load "")" ""
	assert_equal "$(complete_line set - | xargs)" "--dry-run -p --persist -h --help"
	assert_equal "$(complete_line set async_flush on /mnt -- - | xargs)" ""
}

@test "completion: values of the toggle" {
	assert_equal "$(complete_line set async_flush "" | xargs)" "auto on off exit default"
	assert_equal "$(complete_line set syncfs "" | xargs)" "auto on off default"
	assert_equal "$(complete_line set disable_sync_release "" | xargs)" "on off"
	# each of them is one
	local value
	fusectl 0 load
	own_connection 52 /mnt/a fuse.bindfs bindfs
	for value in $(complete_line set async_flush ""); do
		fusectl 0 set async_flush "$value" 52
	done
}

@test "completion: FUSE mount points, with any name" {
	add_mount 84 20 0:84 '/mnt/sp\040ace' fuse 'a\040b'
	add_mount 85 20 0:85 '/mnt/back\134slash\044(reboot)' fuseblk x
	add_mount 86 20 0:86 /mnt/virtio virtiofs x
	assert_equal "$(complete_line get async_flush "")" \
		$'/mnt/stock\n/mnt/sp\\ ace\n/mnt/back\\\\slash\\$\\(reboot\\)'
	assert_equal "$(complete_line set async_flush on /mnt/st)" /mnt/stock
	assert_equal "$(complete_line set async_flush on /mnt/stock '/mnt/sp\ a')" '/mnt/sp\ ace'
	assert_equal "$(complete_line inherit async_flush /mnt/stoc)" /mnt/stock
	assert_equal "$(complete_line get -n -o NAME async_flush /mnt/stoc)" /mnt/stock
}

@test "completion: columns, after a comma and a plus, too" {
	assert_equal "$(complete_line list -o TAR)" TARGET
	assert_equal "$(complete_line list -o CONN,TAR)" CONN,TARGET
	assert_equal "$(complete_line list -o +WAI)" +WAITING
	assert_equal "$(complete_line get --output "" | xargs)" \
		"TARGET CONN NAME VALUE SOURCE SETTING"
}

# least_us COMMAND...: of a hundred runs, because the machine has other work.
least_us() {
	local i begin took least=1000000
	for ((i = 0; i < 100; i++)); do
		begin=${EPOCHREALTIME/./}
		"$@" >/dev/null 2>&1
		took=$((${EPOCHREALTIME/./} - begin))
		[ "$took" -ge "$least" ] || least=$took
	done
	echo "$least"
}

@test "install puts the program, the man page, completions and schemas in place" {
	local to=$BATS_TEST_TMPDIR/install
	cp -r "$FUSECTL_SOURCE" "$BATS_TEST_TMPDIR/fusectl"
	cp -r "$FUSECTL_SOURCE/../VERSION" "$FUSECTL_SOURCE/../docs" "$BATS_TEST_TMPDIR/"
	make -s -C "$BATS_TEST_TMPDIR/fusectl" install DESTDIR="$to"
	assert_equal "$(cd "$to" && find . -type f -printf '%m %p\n' | sort)" \
		"644 ./usr/lib/systemd/system/fusectl-apply.service
644 ./usr/share/bash-completion/completions/fusectl
644 ./usr/share/doc/fusectl/examples/fusectl.conf
644 ./usr/share/doc/fusectl/schema/doctor.json
644 ./usr/share/doc/fusectl/schema/drain.json
644 ./usr/share/doc/fusectl/schema/get.json
644 ./usr/share/doc/fusectl/schema/list.json
644 ./usr/share/doc/fusectl/schema/monitor.json
644 ./usr/share/doc/fusectl/schema/show.json
644 ./usr/share/doc/fusectl/schema/status.json
644 ./usr/share/doc/fusectl/schema/top.json
644 ./usr/share/doc/fusectl/schema/trace.json
644 ./usr/share/fish/vendor_completions.d/fusectl.fish
644 ./usr/share/man/man5/fusectl.conf.5
644 ./usr/share/man/man8/fusectl.8
644 ./usr/share/zsh/vendor-completions/_fusectl
755 ./usr/sbin/fusectl"
	assert_equal "$("$to/usr/sbin/fusectl" --version)" "fusectl $(<"$FUSECTL_SOURCE/../VERSION")"
	# it starts in 5 ms, with all its libraries; what any program takes isn't its
	local least of_true
	least=$(least_us "$to/usr/sbin/fusectl" --version) of_true=$(least_us /bin/true)
	echo "# starts in $least us, $of_true us of them for any program" >&3
	[ $((least - of_true)) -lt 5000 ] || fail "starts in $least us"
	# the seam of the unit tests isn't in it
	! grep -q FUSECTL_ROOT "$to/usr/sbin/fusectl" || fail "the installed program has a test root"
}
