# shellcheck shell=bash
# The packages in three versions, kernels with headers, a killed apt, and what
# the system was like before.  For a throw-away layer (tests/vm/life) only.

OLD=0.0.9 BAD=99.0.0
DEBS=/var/tmp/deb
LIFE=/var/tmp/life

# need_layer: everything here installs, removes and kills.
need_layer() {
	[ "${FUSE_EXT_LIFE:-}" = layer ] || {
		echo "not in a throw-away layer: run tests/vm/life CELL" >&2
		return 1
	}
}

# life_file: for setup_file; the first file of a layer makes what all of them use.
life_file() {
	need_layer
	export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-1800} DEBIAN_FRONTEND=noninteractive
	local debs=("$DEBS"/fuse-ext-dkms_*_all.deb) builds=(/lib/modules/*/build)
	KERNEL=${builds[-1]%/build}
	KERNEL=${KERNEL##*/}
	NEW=$(cat "$BATS_TEST_DIRNAME/../../VERSION")
	export NEW KERNEL SECOND=$KERNEL-second
	if [ -e "$LIFE/before" ]; then
		return
	fi
	mkdir -p "$LIFE"
	"$BATS_TEST_DIRNAME/other-version" "${debs[0]}" "$OLD" "$DEBS" >>"$LIFE/log"
	"$BATS_TEST_DIRNAME/other-version" "${debs[0]}" "$BAD" "$DEBS" broken >>"$LIFE/log"
	few_modules "/lib/modules/$KERNEL/kernel"
	depmod "$KERNEL"
	local tarball=(/usr/src/linux-source-*.tar.xz)
	"$BATS_TEST_DIRNAME/small-source" "${tarball[0]}" "${tarball[0]}"
	stand_in /usr/bin/make "$BATS_TEST_DIRNAME/make-once" "$LIFE"
	stand_in "$(type -P depmod)"
	apt_ ok install "$DEBS"/fusectl_*.deb
	snapshot >"$LIFE/before"
}

# as_before: every file and folder is what it was before the first test.
as_before() {
	snapshot >"$LIFE/after"
	diff "$LIFE/before" "$LIFE/after"
}

# apt_ STATUS ARGUMENT...: apt-get, output in $output.
apt_() {
	local expected=$1
	shift
	run timeout 900 apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=60 "$@"
	printf '%s\n' "$output" >>"$LIFE/log"
	if [ "$expected" = ok ]; then
		expected=0
	else
		expected=100
	fi
	[ "$status" -eq "$expected" ] || {
		printf 'apt-get %s: exit status %s, expected %s\n%s\n' "$*" "$status" "$expected" "$output"
		return 1
	}
}

package() { # VERSION
	printf '%s/fuse-ext-dkms_%s_all.deb' "$DEBS" "$1"
}

# has VERSION: the package is installed and configured, in this version.
has() {
	[ "$(dpkg-query -W -f '${db:Status-Status} ${Version}' fuse-ext-dkms 2>/dev/null)" = "installed $1" ]
}

# have VERSION: whatever was before.
have() {
	has "$1" || apt_ ok install --allow-downgrades --reinstall "$(package "$1")"
	is "$(module "$KERNEL")" "$1" "the module of $KERNEL"
}

purged() {
	apt_ ok purge fuse-ext-dkms
}

# module KERNEL: the version that modprobe(8) would load.
module() {
	modinfo -k "$1" -F version fuse_ext 2>/dev/null
}

# registered: the versions that DKMS has.
registered() {
	dkms status -m fuse-ext | sed 's/^fuse-ext[,/] *\([^,:]*\).*/\1/' | sort -u | paste -sd ' '
}

is() { # ACTUAL EXPECTED WHAT
	[ "$1" = "$2" ] || {
		printf '%s: it is "%s", expected "%s"\n' "$3" "$1" "$2"
		return 1
	}
}

says() {
	[[ $output == *"$1"* ]] || {
		printf 'expected: %s\nsaid:\n%s\n' "$1" "$output"
		return 1
	}
}

# kernel_add RELEASE: a second kernel, with the headers of the first under its
# own name, and the hook that its package runs.
kernel_add() {
	local headers=/usr/src/linux-headers-$1
	mkdir -p "/lib/modules/$1"
	cp -a "/usr/src/linux-headers-$KERNEL" "$headers"
	ln -s "$headers" "/lib/modules/$1/build"
	cp "/lib/modules/$KERNEL"/modules.{order,builtin} "/lib/modules/$1/"
	grep -rlF "$KERNEL" "$headers/include/config/kernel.release" \
		"$headers/include/generated/utsrelease.h" "$headers/include/generated/autoconf.h" |
		xargs sed -i "s/${KERNEL//./\\.}/$1/g"
	depmod "$1"
	run /etc/kernel/postinst.d/dkms "$1"
	printf '%s\n' "$output" >>"$LIFE/log"
}

# kernel_remove RELEASE
kernel_remove() {
	run /etc/kernel/prerm.d/dkms "$1"
	printf '%s\n' "$output" >>"$LIFE/log"
	rm -rf "/lib/modules/$1" "/usr/src/linux-headers-$1"
}

# stand_in PATH [COMMAND...]: it is what it was, or COMMAND; but where killed_at() says,
# make(1) only where it is to compile, it kills all of the pid namespace.
stand_in() {
	local name=${1##*/} command="-a ${1##*/} $1.real"
	[ $# -eq 1 ] || command="${*:2}"
	mv "$1" "$1.real"
	cat >"$1" <<-END
		#!/bin/bash
		if [ -e $LIFE/kill.$name ] && { [ $name != make ] || [ "\${*: -1}" = modules ]; }; then
			rm $LIFE/kill.$name
			kill -KILL -1
			exit 137
		fi
		exec $command "\$@"
	END
	chmod 755 "$1"
}

# few_modules DIR: of the kernel's modules those of FUSE, since depmod(8) reads all
# that there are each time.  With none at all DKMS takes the kernel for removed.
few_modules() {
	mkdir "$LIFE/modules"
	cp -a "$1/fs/fuse" "$LIFE/modules/"
	mount -t tmpfs none "$1"
	mkdir "$1/fs"
	mv "$LIFE/modules/fuse" "$1/fs/"
	rmdir "$LIFE/modules"
}

# killed_at TOOL ARGUMENT...: apt-get, which is killed with all its children where
# it runs TOOL; all of them are gone then.
killed_at() {
	local tool=$1
	shift
	: >"$LIFE/kill.$tool"
	# shellcheck disable=SC2016  # for that sh, which isn't killed: it is the first process
	if unshare --pid --fork sh -c 'apt-get -q -y --no-install-recommends "$@"; exit' sh "$@" \
		>>"$LIFE/log" 2>&1 </dev/null 3>&- || [ -e "$LIFE/kill.$tool" ]; then
		echo "apt-get $* wasn't killed at $tool; see $LIFE/log"
		return 1
	fi
}

# mended: what everybody is told to do after that.
mended() {
	run timeout 900 dpkg --configure -a
	printf '%s\n' "$output" >>"$LIFE/log"
	is "$status" 0 "dpkg --configure -a: $output"
	is "$(dpkg --audit)" "" "what dpkg finds wrong"
}

# snapshot: all files, by content where that is small or could be ours, else by
# size and time.  Without what apt, dpkg and DKMS keep for themselves: lists and
# caches, and the key that DKMS makes once, for all modules that it signs.
snapshot() {
	local skip=(/proc /sys /dev /run /tmp /build /var/tmp /var/log /var/cache /var/lib/apt
		/var/lib/dpkg /var/lib/dkms/mok.key /var/lib/dkms/mok.pub) path
	local pattern=()
	for path in "${skip[@]}"; do
		pattern+=(-o -path "$path")
	done
	find / -xdev \( "${pattern[@]:1}" \) -prune -o ! -type d -printf '%p %y %m %U:%G %s %l %T@\n' |
		grep -vE '^/(etc|lib/modules|usr/lib/modules|var)/' | sort
	find / -xdev \( "${pattern[@]:1}" \) -prune -o -type d -printf '%p %m %U:%G\n' | sort
	find /etc /lib/modules/*/modules.* /var/lib -xdev \( "${pattern[@]:1}" \) -prune -o \
		-type f -exec sha256sum {} + | sort -k 2
	find /lib/modules/ -xdev -type f ! -name 'modules.*' -printf '%p %s %T@\n' | sort
}
