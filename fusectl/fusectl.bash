# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Completion of fusectl's command line in bash.  Not for other shells.  It asks
# no FUSE server: the mount points come from mountinfo.

# _fusectl_words WORD...: those that begin with what stands at the cursor
_fusectl_words() {
	local word

	for word; do
		[[ $word != "$current"* ]] || COMPREPLY+=("$word")
	done
}

# FUSE mount points
_fusectl_targets() {
	local line target type quoted
	local -a field

	while read -r line; do
		read -ra field <<<"$line"
		type=${line##* - }
		case $type in
		fuse\ * | fuse.* | fuseblk\ * | fuseblk.*) ;;
		*) continue ;;
		esac
		# \040 and the like
		printf -v target '%b' "${field[4]//\\/\\0}"
		printf -v quoted '%q' "$target"
		case $target in
		"$current"*) COMPREPLY+=("$quoted") ;;
		*) [[ $quoted != "$current"* ]] || COMPREPLY+=("$quoted") ;;
		esac
	done <"${FUSECTL_MOUNTINFO-/proc/self/mountinfo}"
}

# _fusectl_columns VERB: as its --help lists them, after what stands before a comma
_fusectl_columns() {
	local before='' column _

	[[ $current != *,* ]] || before=${current%,*},
	[[ -n $before || $current != +* ]] || before=+
	while read -r column _; do
		_fusectl_words "$before$column"
	done < <("${COMP_WORDS[0]}" "$1" --help 2>/dev/null | sed '1,/^Columns/d')
	compopt -o nospace 2>/dev/null
}

_fusectl() {
	local current=${COMP_WORDS[COMP_CWORD]} previous='' verb='' i
	local toggles=(async_flush sync_release atomic_create syncfs inval_files)
	local -a operands=()

	COMPREPLY=()
	((COMP_CWORD < 2)) || verb=${COMP_WORDS[1]}
	if [[ -z $verb ]]; then
		_fusectl_words status load unload list get set inherit help --help --version
		return
	fi
	previous=${COMP_WORDS[COMP_CWORD - 1]}
	case $verb:$previous in
	status:-o | list:-o | get:-o | status:--output | list:--output | get:--output)
		_fusectl_columns "$verb"
		return
		;;
	esac
	if [[ $current == -* ]]; then
		case $verb in
		status | list | get)
			_fusectl_words -j --json -n --noheadings -o --output -O --output-all \
				-r --raw
			;;
		esac
		[[ $verb == help ]] || _fusectl_words -h --help
		return
	fi
	# the operands before the cursor, without options and -o's list
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-o | --output) ((i++)) ;;
		-*) ;;
		*) operands+=("${COMP_WORDS[i]}") ;;
		esac
	done
	case $verb:${#operands[@]} in
	help:0)
		_fusectl_words status load unload list get set inherit
		;;
	status:*)
		_fusectl_words module driver version source supported kernel installed \
			connections stock_connections control stock_control
		;;
	get:0)
		_fusectl_words "${toggles[@]}" all
		;;
	set:0)
		_fusectl_words "${toggles[@]}" disable_sync_release
		;;
	inherit:0)
		_fusectl_words "${toggles[@]}"
		;;
	set:1)
		case ${operands[0]} in
		disable_sync_release) _fusectl_words on off ;;
		async_flush) _fusectl_words auto exit on off default ;;
		*) _fusectl_words auto on off default ;;
		esac
		;;
	get:* | set:* | inherit:*)
		_fusectl_targets
		;;
	esac
}

complete -F _fusectl fusectl
