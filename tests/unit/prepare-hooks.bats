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

@test "hooks: a hook too many or too few in the patch is refused" {
	echo 'file.c coffee_pour fuse_ext_sugar' >>"$FUSE_EXT_HOOKS/6.12.hooks"
	run -4 prepare_it
	assert_output_has "file.c, function coffee_pour, hook fuse_ext_sugar: it is nowhere in that file"
	printf 'file.c tea_pour fuse_ext_pour\n' >"$FUSE_EXT_HOOKS/6.12.hooks"
	run -4 prepare_it
	assert_output_has "fuse_i.h, function struct:pot, hook fuse_ext_pot: it isn't expected there"
	printf 'file.c tea_pour fuse_ext_pour\nfile.c tea_pour fuse_ext_pour\nfuse_i.h struct:pot fuse_ext_pot\n' \
		>"$FUSE_EXT_HOOKS/6.12.hooks"
	run -4 prepare_it
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

@test "hooks: a missing list is a failure, not a pass" {
	rm "$FUSE_EXT_HOOKS/6.12.hooks"
	run -1 prepare_it
	assert_output_has "6.12.hooks can't be read"
	assert_nothing_made
}

@test "hooks: two series may share a patch" {
	printf '6.12 6.12\n6.13 6.12\n' >"$FUSE_EXT_HOOKS/series"
	make_tree "$tree" 6.13.1
	run -0 "$prepare" --kernel 6.13.1-amd64 --output "$out" --source "$tree"
	grep -q 'FUSE_EXT_SERIES "6.13"' "$out/provenance.h"
}

@test "check: says of each hunk whether it fits, and of each series" {
	run -0 "$prepare" --check "$fuse"
	grep -qP '^6\.12\tfile\.c\thunk 1\t.*\tfuse_ext_pour\tfits$' <<<"$output"
	grep -qP '^6\.12\tfits$' <<<"$output"
	sed -i 's/return pot->litres;/return 0;/' "$fuse/file.c"
	run -4 "$prepare" --check "$tree"
	grep -qP "^6\.12\tfile\.c\thunk 1\t.*\tdoesn't fit$" <<<"$output"
	grep -qP '^6\.12\tfuse_i\.h\thunk 1\t.*\tfits$' <<<"$output"
	grep -qP "^6\.12\tdoesn't fit$" <<<"$output"
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
