# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Completion of fusectl's command line in bash: asks fusectl itself, and quotes
# the answer.  Not for what there is to offer, see complete.c.

_fusectl() {
	local kind='' quote='' record value
	local line=${COMP_LINE:0:COMP_POINT}

	COMPREPLY=()
	while IFS= read -r -d '' record; do
		value=${record%$'\t'*}
		if [[ -z $kind ]]; then
			kind=$value quote=${record##*$'\t'}
			continue
		fi
		case $quote in
		\') COMPREPLY+=("${value//\'/\'\\\'\'}") ;;
		\") COMPREPLY+=("$(printf %s. "$value" | sed 's/["$`\\]/\\&/g')") ;;
		*) COMPREPLY+=("$(printf %q. "$value")") ;;
		esac
		[[ $quote == \' ]] || COMPREPLY[-1]=${COMPREPLY[-1]%.}
	done < <(PATH=$PATH:/usr/sbin:/sbin
		type -P "${COMP_WORDS[0]}" >/dev/null || COMP_WORDS[0]=fusectl
		"${COMP_WORDS[0]}" complete line "$line" "$COMP_WORDBREAKS" 2>/dev/null)
	case $kind in
	# a comma outside of braces means nothing to bash
	:list)
		COMPREPLY=("${COMPREPLY[@]//\\,/,}")
		compopt -o nospace 2>/dev/null
		;;
	:files) compopt -o default 2>/dev/null ;;
	esac
}

complete -F _fusectl fusectl
