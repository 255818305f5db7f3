# shellcheck shell=bash
# A machine whose packages come by dnf.  Loaded after helpers/all, with
# helpers/life.

FX_DNF=/opt/fuse-ext/dnf

# dnf_file: for setup_file.
dnf_file() {
	export BATS_TEST_TIMEOUT=1200 FX_LIMIT=1000 FX_NEW
	read -r FX_NEW <"$FUSE_EXT_SRC/VERSION"
}

# Not on a machine that somebody uses.
need_dnf() {
	[ -d "$FX_DNF" ] || skip "this installs and removes packages by dnf: only in the machine for it"
}

# what_is_there: the package's files, and what it made, by name.
what_is_there() {
	find /lib/modules /usr/src /usr/share/fuse-ext /usr/sbin /var/lib/dkms /var/lib/fuse-ext \
		/etc/modprobe.d /etc/modules-load.d /usr/lib/modprobe.d /usr/lib/modules-load.d \
		/var/cache/fuse-ext /run/fuse-ext \
		\( -name '*fuse[-_]ext*' -o -name 'fusectl*' \) -prune -print 2>>"$FX_LOG" | sort
}

# pattern VERSION: that matches just this one.
pattern() {
	local words=${1//./[.]}
	echo "${words//+/[+]}"
}

# registered: the versions that DKMS has.
registered() {
	dkms status -m fuse-ext | sed 's/^fuse-ext[,/] *\([^,:]*\).*/\1/' | sort -u | paste -sd ' '
}

# forget_keys: of those that rpm trusts, all.
forget_keys() {
	local key
	while read -r key; do
		run_ 0 rpmkeys --delete "${key%%:*}"
	done < <(rpmkeys --list)
}

# compile_once: from now on make(1) gives the module that was compiled on the host,
# in the version that is asked for: emulated, it takes minutes.  With FUSE_EXT_LONG=1
# it is compiled here, once.
compile_once() {
	mkdir -p /var/tmp/compiled
	[ "$(long_or 1 0)" = 1 ] || cp "$FX_DNF/fuse_ext.ko" /var/tmp/compiled/
	mv /usr/bin/make /usr/bin/make.real
	printf '#!/bin/sh\nexec %s /var/tmp/compiled "$@"\n' "$FUSE_EXT_SRC/tests/life/make-once" >/usr/bin/make
	chmod 755 /usr/bin/make
}
compile_again() {
	mv /usr/bin/make.real /usr/bin/make
	rm -r /var/tmp/compiled
}
