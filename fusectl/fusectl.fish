# SPDX-License-Identifier: GPL-2.0
#
# Completion of fusectl's command line in fish: asks fusectl itself.  Not for
# what there is to offer, see complete.c.

function __fusectl_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l current
    # one in quotes that are still open is read as if they were closed
    for end in '' "'" '"'
        set current (string unescape -- "$token$end" | string collect); and break
    end
    set -l command $words[1]
    set -lx PATH $PATH /usr/sbin /sbin
    type -q $command; or set command fusectl
    set -l records ($command complete words $words[2..-1] "$current" 2>/dev/null | string split0)
    if string match -q ':files*' -- $records[1]
        __fish_complete_path (commandline -ct)
        return
    end
    # a value with a tab in it can't be told from one with a description
    for record in $records[2..-1]
        string match -qr '^[^\t]*\t[^\t]*$' -- $record; and printf '%s\0' $record
    end | string split0
end

complete -c fusectl -f -a '(__fusectl_complete)'
