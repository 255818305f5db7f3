#compdef fusectl
# SPDX-License-Identifier: GPL-2.0
#
# Completion of fusectl's command line in zsh: asks fusectl itself.  Not for
# what there is to offer, see complete.c.

local -a records values lines
local kind record value text
local command=${(Q)words[1]}
local -x PATH=$PATH:/usr/sbin:/sbin

(( $+commands[$command] )) || [[ -x $command ]] || command=fusectl
records=("${(@0)$("$command" complete words \
	"${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
kind=${records[1]%%$'\t'*}
for record in "${(@)records[2,-1]}"; do
	[[ -n $record ]] || continue
	value=${record%$'\t'*}
	text=${record##*$'\t'}
	values+=("$value")
	lines+=("${(V)value}${text:+  -- $text}")
done
case $kind in
:files) _files ;;
:list) compadd -S '' -l -d lines -a -- values ;;
*) compadd -l -d lines -a -- values ;;
esac
