#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# src/prepare: the sources of Fedora, RHEL and SUSE, as their packages have them,
# in real source packages that hold an invented tree.

load helpers/prepare

setup() {
	command -v rpmbuild >/dev/null || skip "rpmbuild isn't installed"
	setup_machine
	make_release rhel
	kernel=6.12.7-55.el10.x86_64
	tree=$BATS_TEST_TMPDIR/linux-6.12.7
	parts=$BATS_TEST_TMPDIR/parts
	mkdir -p "$parts" "$root/lib/modules/$kernel/build"
	# kernel-devel's says the package's release.
	make_version 6.12.7 | sed 's/^EXTRAVERSION =.*/EXTRAVERSION = -55.el10.x86_64/' \
		>"$root/lib/modules/$kernel/build/Makefile"
}

# The distribution's change to fs/fuse and to another folder, as one patch.
make_redhat_patch() {
	cat >"$parts/patch-6.12-redhat.patch" <<'END'
 fs/fuse/file.c | 2 +-
diff --git a/fs/other/Makefile b/fs/other/Makefile
--- a/fs/other/Makefile
+++ b/fs/other/Makefile
@@ -1 +1 @@
-not there at all
+whatever
diff --git a/fs/fuse/file.c b/fs/fuse/file.c
--- a/fs/fuse/file.c
+++ b/fs/fuse/file.c
@@ -14,3 +14,3 @@ static int coffee_pour(struct pot *pot)
 {
-	int cups = 2;
+	int cups = 3;
 
diff --git a/tools/Makefile b/tools/Makefile
--- a/tools/Makefile
+++ b/tools/Makefile
@@ -1 +1 @@
-not there either
+whatever
END
}

@test "rpm: RHEL's source package: a tree with all patches, and empty ones" {
	pack "$tree" "$parts/linux-6.12.7-55.el10.tar.xz"
	: >"$parts/patch-6.12-redhat.patch"
	make_srpm kernel 6.12.7-55.el10 "$parts"/*
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_prepared kernel.src.rpm 6.12.7-55.el10
	refute_output_has note:
	refute_output_has applying
}

@test "rpm: Fedora's source package: its patch is applied, in fs/fuse only" {
	kernel=6.12.7-301.fc41.x86_64
	pack "$tree" "$parts/linux-6.12.7.tar.xz"
	make_redhat_patch
	make_srpm kernel 6.12.7-301.fc41 "$parts"/*
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_prepared kernel.src.rpm 6.12.7-301.fc41
	assert_output_has "applying patch-6.12-redhat.patch"
	grep -q 'int cups = 3;' "$out/file.c"
	rm -rf "$out"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "using the cached"
	grep -q 'int cups = 3;' "$out/file.c"
}

@test "rpm: a patch of the package that doesn't apply is a failure" {
	sed -i 's/int cups = 2/int cups = 9/' "$tree/fs/fuse/file.c"
	pack "$tree" "$parts/linux-6.12.7.tar.xz"
	make_redhat_patch
	make_srpm kernel 6.12.7-55.el10 "$parts"/*
	run -5 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "patch-6.12-redhat.patch"
	assert_output_has "doesn't apply"
	assert_nothing_made
}

@test "rpm: another flavour's source package" {
	pack "$tree" "$parts/linux-6.12.7-55.rt1.el10.tar.xz"
	make_srpm kernel-rt 6.12.7-55.rt1.el10 "$parts"/*
	run -0 "$prepare" --kernel 6.12.7-55.rt1.el10.x86_64+rt --output "$out"
	assert_prepared kernel-rt.src.rpm 6.12.7-55.rt1.el10
	refute_output_has note:
}

@test "rpm: of two releases of one upstream version, the kernel's; another one with a note" {
	pack "$tree" "$parts/linux-6.12.7-55.el10.tar.xz"
	make_srpm kernel 6.12.7-99.el10 "$parts"/*
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_prepared kernel.src.rpm 6.12.7-99.el10
	assert_output_has "note: the source is 6.12.7-99.el10"
	make_srpm kernel 6.12.7-55.el10 "$parts"/*
	rm -rf "$out"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_prepared kernel.src.rpm 6.12.7-55.el10
	refute_output_has note:
}

@test "rpm: a damaged source package, and one without a kernel" {
	pack "$tree" "$parts/linux-6.12.7-55.el10.tar.xz"
	make_srpm kernel 6.12.7-55.el10 "$parts"/*
	file=$root/usr/src/fuse-ext-sources/kernel-6.12.7-55.el10.src.rpm
	truncate -s $(($(stat -c %s "$file") / 2)) "$file"
	run -5 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "$file"
	assert_output_has "dnf download"
	rm "$parts"/*
	echo other >"$parts/other"
	make_srpm kernel 6.12.7-55.el10 "$parts"/*
	run -5 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "holds no linux-*.tar"
	assert_nothing_made
}

@test "rpm: SUSE's source package is refused, since its patches aren't applied" {
	pack "$tree" "$parts/linux-6.12.tar.xz"
	tar -cjf "$parts/patches.suse.tar.bz2" -C "$parts" linux-6.12.tar.xz
	make_srpm kernel-source 6.12.7-1 "$parts"/*
	run -5 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "zypper install kernel-source"
	assert_nothing_made
}

@test "rpm: kernel-debuginfo-common has what was compiled, and no Makefile" {
	mkdir -p "$root/usr/src/debug/kernel-6.12.7"
	rm "$tree/Makefile" "$tree/fs/fuse/Makefile" "$tree/fs/fuse/Kconfig"
	touch "$tree/fs/fuse/"{cuse,virtio_fs}.c
	mv "$tree" "$root/usr/src/debug/kernel-6.12.7/linux-$kernel"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_prepared kernel-debuginfo-common "$kernel"
	refute_output_has note:
	[ "$(make -s -f - <<<"include $out/Makefile"$'\nall:; @echo $(fuse-y)')" = "file.o inode.o" ]
}

@test "rpm: of SUSE's kernel-source, another release of the same version has a note" {
	make_release opensuse-leap
	kernel=6.12.7-160000.5-default
	mkdir -p "$root/lib/modules/$kernel/build"
	make_version 6.12.7 >"$root/lib/modules/$kernel/build/Makefile"
	cp -r "$tree" "$root/usr/src/linux-6.12.7-160000.9"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_output_has "note: the source is 6.12.7-160000.9"
	cp -r "$tree" "$root/usr/src/linux-6.12.7-160000.5"
	rm -rf "$out"
	run -0 "$prepare" --kernel "$kernel" --output "$out"
	assert_prepared kernel-source 6.12.7-160000.5
	refute_output_has note:
}
