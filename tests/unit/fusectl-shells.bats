#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# The completions in real shells on a terminal: what a line with tabs in it
# becomes is what the command gets, whatever is in a mount point's name.  Not for
# what there is to offer, see fusectl-usage.bats.

load helpers/fusectl

setup_file() { fusectl_build; }

# In PATH is a fusectl that notes its arguments; `complete` is the real one's.
setup() {
	fusectl_machine
	bin=$BATS_TEST_TMPDIR/bin
	got=$BATS_TEST_TMPDIR/got
	mkdir "$bin" "$BATS_TEST_TMPDIR/home"
	cat >"$bin/fusectl" <<-END
		#!/bin/bash
		[[ \$1 != complete ]] || exec $FUSECTL_SOURCE/check-build.d/fusectl "\$@"
		printf '<%s>' "\$@" >$got.new
		mv $got.new $got
	END
	chmod +x "$bin/fusectl"
	export PATH=$bin:$PATH HOME=$BATS_TEST_TMPDIR/home TERM=xterm INPUTRC=/dev/null
	unset XDG_CONFIG_HOME XDG_DATA_HOME
	add_mount 84 20 0:84 '/mnt/sp\040ace' fuse 'a\040b'
	add_mount 85 20 0:85 "/mnt/quo'te\"\\134\\044(x)" fuseblk x
	add_mount 86 20 0:86 '/mnt/new\012line' fuse x
	add_mount 87 20 0:87 /mnt/co:lon=x fuse x
}

shell() {
	case $1 in
	bash)
		printf 'PS1="$ "\nsource %s/fusectl.bash\n' "$FUSECTL_SOURCE" >"$HOME/rc"
		command=(bash --noprofile --rcfile "$HOME/rc" -i)
		;;
	zsh)
		cp "$FUSECTL_SOURCE/fusectl.zsh" "$HOME/_fusectl"
		cat >"$HOME/.zshrc" <<-'END'
			PS1='$ '
			fpath=($HOME $fpath)
			autoload -U compinit
			compinit -u -d $HOME/dump
		END
		command=(env ZDOTDIR="$HOME" zsh -o no_global_rcs -i)
		;;
	fish)
		mkdir -p "$HOME/.config/fish/completions"
		cp "$FUSECTL_SOURCE/fusectl.fish" "$HOME/.config/fish/completions/"
		command=(fish -i)
		;;
	esac
}

# becomes TYPED EXPECTED: `|` in TYPED stands for a pause
becomes() {
	rm -f "$got"
	"$HELPERS/fusectl-tab.py" 10 "$got" "$1|"$'\r' "${command[@]}" ||
		fail "nothing came of: $1"
	assert_equal "$(<"$got")" "$2"
}

each_name() {
	shell "$1"
	becomes $'fusectl sta\t|-\t\x15|fusectl inh\t|asy\t|/mnt/sp\t' '<inherit><async_flush></mnt/sp ace>'
	becomes $'fusectl get syncfs /mnt/quo\t|/mnt/ne\t' \
		"<get><syncfs></mnt/quo'te\"\\\$(x)></mnt/new"$'\n'"line>"
	becomes $'fusectl get syncfs /mnt/co\t' '<get><syncfs></mnt/co:lon=x>'
	becomes $'fusectl list --output=CONN,TAR\t' '<list><--output=CONN,TARGET>'
	becomes $'fusectl list -o +WAI\t' '<list><-o><+WAITING>'
}

@test "bash: names of any kind come out as they are" { each_name bash; }
@test "zsh: names of any kind come out as they are" { each_name zsh; }
@test "fish: names of any kind come out as they are" { each_name fish; }

@test "bash: inside quotes that are open, and after a colon" {
	shell bash
	becomes $'fusectl get syncfs \x27/mnt/sp\t' '<get><syncfs></mnt/sp ace>'
	becomes $'fusectl get syncfs "/mnt/quo\t' "<get><syncfs></mnt/quo'te\"\\\$(x)>"
	becomes $'fusectl get syncfs /mnt/co:\t' '<get><syncfs></mnt/co:lon=x>'
}

@test "no shell file has a list of its own" {
	local word
	for word in inherit async_flush TARGET output; do
		! grep -n "$word" "$FUSECTL_SOURCE"/fusectl.{bash,zsh,fish} || fail "a list of its own"
	done
}
