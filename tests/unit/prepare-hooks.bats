#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# src/prepare: a hook that doesn't fit, or that lands in the wrong function,
# fails the build and is named.

load helpers/prepare

setup() {
	setup_machine
	tree=$BATS_TEST_TMPDIR/linux-6.12.7
	fuse=$tree/fs/fuse
}

prepare_it() {
	"$prepare" --kernel "$kernel" --output "$out" --source "$tree"
}

@test "hooks: lines that moved within their function are found" {
	sed -i '1a /* one\n * two\n * three\n */' "$fuse/file.c"
	run -0 prepare_it
	assert_prepared tree:linux-6.12.7 6.12.7
}

@test "hooks: one that doesn't fit is named with its file and function" {
	sed -i 's/return pot->litres;/return pot->litres * 2;/' "$fuse/file.c"
	run -4 prepare_it
	assert_output_has "file.c, function tea_pour, hook fuse_ext_pour"
	assert_output_has "linux-6.12.7"
	assert_output_has "--check"
	refute_output_has "struct:pot"
	assert_nothing_made
}

@test "hooks: context that is only alike doesn't do (no fuzz)" {
	sed -i 's/^\t\treturn err;/\t\treturn -err;/' "$fuse/file.c"
	run -4 prepare_it
	assert_output_has "file.c, function tea_pour, hook fuse_ext_pour"
	assert_nothing_made
}

@test "hooks: one that lands in the wrong function is refused" {
	# Now only coffee_pour() has the lines that the hunk asks for.
	sed -i -e '/^static int tea_pour/,/^}/s/return pot->litres;/return 0;/' \
		-e '/^static int coffee_pour/,/^}/{s/cups += pot->litres;/if (err)\n\t\treturn err;/;s/return cups;/return pot->litres;/}' \
		"$fuse/file.c"
	run -4 prepare_it
	assert_output_has "file.c, function tea_pour, hook fuse_ext_pour: it landed in coffee_pour"
	assert_nothing_made
}

@test "hooks: one that lands in the wrong struct is refused" {
	sed -i -e '/^struct pot/,/^}/s/warm/hot/' -e '/^struct cup/,/^}/s/colour/warm/' "$fuse/fuse_i.h"
	run -4 prepare_it
	assert_output_has "fuse_i.h, function struct:pot, hook fuse_ext_pot: it landed in struct:cup"
	assert_nothing_made
}

@test "hooks: a hunk for another function than it says is refused" {
	sed -i 's/@@ tea_pour$/@@ coffee_pour/' "$FUSE_EXT_HOOKS/6.12.patch"
	run -4 prepare_it
	assert_output_has "file.c, function coffee_pour, hook fuse_ext_pour: it landed in tea_pour"
	assert_nothing_made
}

@test "hooks: a file that isn't in the source is named" {
	rm "$fuse/file.c"
	run -4 prepare_it
	assert_output_has "file.c isn't in it"
	assert_nothing_made
}

@test "hooks: a source that has them already is refused" {
	prepare_it
	run -5 "$prepare" --kernel "$kernel" --output "${out%/*}/again" --source "$out"
	assert_output_has "already"
	[ ! -e "${out%/*}/again" ]
}

@test "hooks: a hunk that doesn't say its function is a failure, not a pass" {
	sed -i 's/@@ tea_pour$/@@/' "$FUSE_EXT_HOOKS/6.12.patch"
	run -1 prepare_it
	assert_output_has "hunk 1 of file.c says nothing behind its second @@"
	assert_output_has "--make-patch"
	assert_nothing_made
}

@test "hooks: two series may share a patch" {
	printf '6.12 6.12\n6.13 6.12\n' >"$FUSE_EXT_HOOKS/series"
	make_tree "$tree" 6.13.1
	run -0 "$prepare" --kernel 6.13.1-amd64 --output "$out" --source "$tree"
	grep -q 'FUSE_EXT_SERIES "6.13"' "$out/provenance.h"
}

@test "hooks: kernels of one series may have patches of their own, by their names" {
	printf '6.12 6.12-el10 *.el10*\n6.12 6.12\n' >"$FUSE_EXT_HOOKS/series"
	sed 's/fuse_ext_pour/fuse_ext_pour_red/' "$FUSE_EXT_HOOKS/6.12.patch" \
		>"$FUSE_EXT_HOOKS/6.12-el10.patch"
	run -0 "$prepare" --kernel 6.12.0-55.el10.x86_64 --output "$out" --source "$tree"
	grep -q fuse_ext_pour_red "$out/file.c"
	run -0 prepare_it
	grep -q 'fuse_ext_pour(' "$out/file.c"
	printf '6.12 6.12-el10 *.el10*\n' >"$FUSE_EXT_HOOKS/series"
	run -6 prepare_it
}

@test "check: says of each hook whether it fits, and of each series how many do" {
	printf '6.12 6.12\n6.13 6.13\n' >"$FUSE_EXT_HOOKS/series"
	sed 's/return err;/return -err;/' "$FUSE_EXT_HOOKS/6.12.patch" >"$FUSE_EXT_HOOKS/6.13.patch"
	run -0 "$prepare" --check "$fuse"
	has_row "$fuse, of kernel 6.12.7"
	has_row "6.12: 2 of 2 places fit"
	has_row "6.13: 1 of 2 places fit"
	has_row "file.c tea_pour fuse_ext_pour fits"
	has_row "fuse_i.h struct:pot fuse_ext_pot fits"
	has_row "The hooks of 6.12 fit."
	run -4 "$prepare" --check "$tree" --series 6.13
	has_row "file.c tea_pour fuse_ext_pour missing: the lines at that place are others"
	refute_output_has "6.12:"
	run -2 "$prepare" --check "$tree" --series 6.14
	assert_output_has "6.12 6.13"
}

@test "check: a series that fits is told even where more places of another one do" {
	printf '6.12 6.12\n6.13 6.13\n' >"$FUSE_EXT_HOOKS/series"
	sed 's/^+\tfuse_ext_pour(pot);/+\tfuse_ext_pour(fuse_ext_a(fuse_ext_b(pot)));/
		s/int warm;/long warm;/' "$FUSE_EXT_HOOKS/6.12.patch" >"$FUSE_EXT_HOOKS/6.13.patch"
	run -0 "$prepare" --check "$fuse"
	has_row "6.12: 2 of 2 places fit"
	has_row "6.13: 3 of 4 places fit"
	has_row "fuse_i.h struct:pot fuse_ext_pot fits"
	has_row "The hooks of 6.12 fit."
}

@test "check: says why one doesn't fit" {
	sed -i 's/return pot->litres;/return 0;/' "$fuse/file.c"
	run -4 "$prepare" --check "$tree"
	has_row "file.c tea_pour fuse_ext_pour missing: the lines at that place are others"
	has_row "fuse_i.h struct:pot fuse_ext_pot fits"
	has_row "No hooks fit; the nearest are those of 6.12."
	sed -i 's/tea_pour/tea_serve/' "$fuse/file.c"
	run -4 "$prepare" --check "$tree"
	has_row "file.c tea_pour fuse_ext_pour missing: there is no tea_pour"
	printf 'int tea_pour(void)\n{\n\treturn 0;\n}\n' >"$fuse/tea.c"
	run -4 "$prepare" --check "$tree"
	has_row "file.c tea_pour fuse_ext_pour missing: tea_pour is in tea.c"
	rm "$fuse/file.c"
	run -4 "$prepare" --check "$tree"
	has_row "file.c tea_pour fuse_ext_pour missing: there is no file.c; tea_pour is in tea.c"
}

@test "check: a hook that lands in the wrong function, or in none, doesn't fit" {
	sed -i -e '/^static int tea_pour/,/^}/s/return pot->litres;/return 0;/' \
		-e '/^static int coffee_pour/,/^}/{s/cups += pot->litres;/if (err)\n\t\treturn err;/;s/return cups;/return pot->litres;/}' \
		"$fuse/file.c"
	run -4 "$prepare" --check "$tree"
	has_row "file.c tea_pour fuse_ext_pour wrong function: it landed in coffee_pour"
	has_row "6.12: 1 of 2 places fit"
}

@test "check: hunks without a hook are places as well" {
	cat >>"$FUSE_EXT_HOOKS/6.12.patch" <<'EOF'
--- a/fs/fuse/inode.c
+++ b/fs/fuse/inode.c
@@ -5,3 +5,3 @@
 {
-	pot->warm = 1;
+	pot->warm = 2;
 	return 0;
EOF
	run -0 "$prepare" --check "$tree"
	has_row "inode.c - (hunk 1, no call) fits"
	sed -i 's/warm = 1/warm = 3/' "$fuse/inode.c"
	run -4 "$prepare" --check "$tree"
	has_row "inode.c - (hunk 1, no call) missing: the lines at that place are others"
}

@test "check: what is no fs/fuse, or has hooks, is refused" {
	run -5 "$prepare" --check "$root"
	assert_output_has "is no fs/fuse"
	prepare_it
	run -5 "$prepare" --check "$out"
	assert_output_has "already"
}

@test "make-patch: makes the patch of which the tree was made" {
	prepare_it
	run -0 --separate-stderr "$prepare" --make-patch "$tree" "$out"
	diff - "$FUSE_EXT_HOOKS/6.12.patch" <<<"$output"
	[ -z "$stderr" ]
}

@test "make-patch: refuses hooks of two functions in a hunk, no hook, and a file too many" {
	prepare_it
	sed -i -e '/^static int tea_pour/,/^}/s/return pot->litres;/fuse_ext_a();/' \
		-e 's/^static int coffee_pour.*/&\n{\n\tfuse_ext_b();/' \
		-e '/^static int coffee_pour/,/^}/{/^{/d}' "$out/file.c"
	printf 'int a(void)\n{\n\tfuse_ext_a();\n}\nint b(void)\n{\n\tfuse_ext_b();\n}\n' >"$out/inode.c"
	run -4 "$prepare" --make-patch "$tree" "$out"
	assert_output_has "inode.c, line 7: a, b"
	run -5 "$prepare" --make-patch "$tree" "$tree"
	assert_output_has "there is no hook"
	echo 'int own;' >"$out/own.c"
	run -5 "$prepare" --make-patch "$tree" "$out"
	assert_output_has "there is no own.c"
}

@test "check: changes nothing in the tree" {
	cp -a "$fuse" "$BATS_TEST_TMPDIR/before"
	"$prepare" --check "$fuse"
	diff -r "$BATS_TEST_TMPDIR/before" "$fuse"
}

@test "list-hooks: knows functions, structs, initialisers and macros as the kernel writes them" {
	mkdir "$BATS_TEST_TMPDIR/style"
	cat >"$BATS_TEST_TMPDIR/style/a.c" <<'EOF'
#include "fuse_ext_header.h"
/* fuse_ext_comment(); */
int fuse_ext_prototype(struct fuse_ext_argument *a);
EXPORT_SYMBOL_GPL(fuse_ext_exported);
#define LONG(x) do { \
	fuse_ext_in_macro(x); \
} while (0)
static const struct operations table = {
	.flush = fuse_ext_flush,
	.open = other,
};
static const char * const names[] = { "fuse_ext_string", fuse_ext_name };
static int one(int a,
	       int b)
{
	if (a) {
		fuse_ext_one();	// fuse_ext_comment
	}
#ifdef X
	if (b) {
#else
	if (a) {
#endif
		fuse_ext_one();
	}
	return 0;
}

static void two(struct a *a)
__releases(a->lock)
{
	fuse_ext_two('"', "\"fuse_ext_string");
}

static __always_inline
int three(void) { return fuse_ext_three(); }
struct outer {
	struct {
		struct fuse_ext_state state;
	} inner;
};
enum kind {
	fuse_ext_kind,
};
DEFINE_FREE(x, int *, if (_T) free(_T))

static int four(void)
{
	not_fuse_ext_four();
	return sizeof(struct fuse_ext_header) + fuse_ext_size(1) + fuse_ext_four;
}
EOF
	for awk in awk mawk gawk; do
		command -v $awk >/dev/null || continue
		mkdir -p "$BATS_TEST_TMPDIR/$awk"
		ln -sf "$(command -v $awk)" "$BATS_TEST_TMPDIR/$awk/awk"
		PATH=$BATS_TEST_TMPDIR/$awk:$PATH run -0 "$prepare" --list-hooks "$BATS_TEST_TMPDIR/style"
		diff - <(echo "$output") <<'EOF'
a.c - fuse_ext_prototype
a.c - fuse_ext_argument
a.c - fuse_ext_exported
a.c macro:LONG fuse_ext_in_macro
a.c object:table fuse_ext_flush
a.c object:names fuse_ext_name
a.c one fuse_ext_one
a.c one fuse_ext_one
a.c two fuse_ext_two
a.c three fuse_ext_three
a.c struct:outer fuse_ext_state
a.c enum:kind fuse_ext_kind
a.c four fuse_ext_four
EOF
	done
}
