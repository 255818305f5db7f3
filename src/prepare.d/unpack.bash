# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The distribution's fs/fuse out of its source, and the cache of those that were
# unpacked.  Sourced by src/prepare, never run; knows nothing of hooks.

# Remove what a killed run left beside the output: its lock is free.
remove_leftovers() {
	local dir

	for dir in "$1"/.prepare-*; do
		[ -e "$dir/lock" ] || continue
		if flock -n "$dir/lock" true; then
			rm -rf "$dir"
		fi
	done
}

make_workdir() {
	local parent=$1 err

	place=$parent
	if ! err=$(mkdir -p "$parent" 2>&1) ||
		! err=$(mktemp -d "$parent/.preparing-XXXXXX" 2>&1); then
		write_failed "make a directory in $parent" "$err"
	fi
	workdir=$err
	# It gets the name that remove_leftovers() looks for once it is locked.
	if ! { exec 9>"$workdir/lock"; } 2>/dev/null || ! flock -n 9 ||
		! mv -T "$workdir" "$parent/.prepare-${workdir##*-}"; then
		fail "$EX_FAILURE" "can't lock $workdir/lock" \
			"Is the file system of $parent full, or read-only?"
	fi
	workdir=$parent/.prepare-${workdir##*-}
	remove_leftovers "$parent"
}

clean_up() {
	[ -z "$workdir" ] || rm -rf "$workdir"
}

# The hash of a tree: its files by name and content, nothing else of them.
tree_hash() {
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum) |
		cut -d ' ' -f 1
}

# Set decompressor to the command that a file of this name needs.
choose_decompressor() {
	case $1 in
	*.xz) decompressor=(xz -dc -T0) package=xz-utils ;;
	*.bz2) decompressor=(bzip2 -dc) package=bzip2 ;;
	*.gz | *.tgz) decompressor=(gzip -dc) package=gzip ;;
	*.zst) decompressor=(zstd -dcq) package=zstd ;;
	*) decompressor=(cat) package=coreutils ;;
	esac
	need_tool "${decompressor[0]}" "$package"
}

# The tar in the source, on standard output.
read_tar() {
	if [ "$src_kind" = srpm ]; then
		rpm2cpio "$src_path" | cpio -i --quiet --to-stdout "$inner" |
			"${decompressor[@]}"
	else
		"${decompressor[@]}" <"$src_path"
	fi
}

# Unpack the source's fs/fuse and top Makefile into DIR/TOP.  All of the
# tarball is read, so that a truncated one is found out.
unpack() {
	local dir=$1 inner='' names package decompressor err status first dot=

	need_tool tar tar
	if [ "$src_kind" = srpm ]; then
		need_tool rpm2cpio rpm2cpio
		need_tool cpio cpio
		names=$(rpm2cpio "$src_path" 2>/dev/null | cpio -t --quiet 2>/dev/null) || :
		! grep -q '^\(\./\)\{0,1\}patches\.suse\.tar' <<<"$names" ||
			fail "$EX_BROKEN" "$src_path holds SUSE's patches, which $prog doesn't apply" \
				"Install the patched source: zypper install kernel-source"
		inner=$(grep -E '^(\./)?linux-[^/]*\.tar(\.(xz|bz2|gz|zst))?$' <<<"$names" | head -n 1) || inner=
		[ -n "$inner" ] ||
			fail "$EX_BROKEN" "$src_path is damaged, or holds no linux-*.tar" \
				"Get it again: $(reinstall_command)"
	fi
	choose_decompressor "${inner:-$src_path}"
	say "unpacking fs/fuse of $src_path"
	first=$(read_tar 2>/dev/null | tar -t 2>/dev/null | head -n 1) || :
	[[ $first != ./* ]] || dot=./
	err=$(
		set +e
		{
			read_tar | tar -x -f - -C "$dir" --no-same-owner \
				--no-same-permissions --wildcards --anchored \
				--no-wildcards-match-slash \
				"$dot*/Makefile" "$dot*/fs/fuse"
			printf 'status %s\n' "${PIPESTATUS[*]}"
		} 2>&1
	)
	status=${err##*status }
	err=${err%status *}
	case $err in
	*"No space left"* | *"Disk quota exceeded"*)
		write_failed "unpack $src_path" "$err"
		;;
	*"Cannot open: "* | *"Cannot mkdir: "*)
		fail "$EX_FAILURE" "can't unpack $src_path into $dir" "${err%%$'\n'*}"
		;;
	esac
	case $status in
	"0 0") return ;;
	"0 2")
		[[ $err != *"Not found in archive"* ]] ||
			fail "$EX_BROKEN" "$src_path holds no fs/fuse: it isn't a kernel source" \
				"Get it again: $(reinstall_command)"
		;;
	esac
	fail "$EX_BROKEN" "$src_path is damaged or not complete" \
		"${err%%$'\n'*}" \
		"Get it again: $(reinstall_command)"
}

# Put into the unpacked tree DIR what the patches of Fedora's source package,
# patch-X.Y-redhat.patch, change in fs/fuse; RHEL's are empty.
apply_redhat_patches() {
	local dir=$1 names name out

	names=$(rpm2cpio "$src_path" 2>/dev/null | cpio -t --quiet 2>/dev/null |
		grep -E '^(\./)?patch-[^/]*-redhat\.patch$' | sort) || return 0
	need_tool patch patch
	for name in $names; do
		rpm2cpio "$src_path" | cpio -i --quiet --to-stdout "$name" |
			awk '/^diff --git / { on = $3 ~ /^a\/fs\/fuse\// } on' >"$workdir/redhat.patch"
		[ -s "$workdir/redhat.patch" ] || continue
		say "applying ${name#./}"
		out=$(TMPDIR=$workdir patch --batch --forward --fuzz=0 -p1 --reject-file=- \
			--no-backup-if-mismatch -d "$dir" -i "$workdir/redhat.patch" 2>&1) ||
			fail "$EX_BROKEN" "$name of $src_path doesn't apply to its linux-*.tar" \
				"${out##*$'\n'}" "Get it again: $(reinstall_command)"
	done
}

reinstall_command() {
	if [ -n "$source" ]; then
		echo "from where --source $source came"
		return
	fi
	case $(distribution) in
	debian | ubuntu) echo "apt install --reinstall $src_provider" ;;
	suse) echo "zypper install --force kernel-source" ;;
	*) source_command ;;
	esac
}

# copy_sources FROM TO: what belongs to the source, and no objects of a build.
copy_sources() {
	local from=$1 to=$2 file files=()

	for file in "$from"/*.[ch] "$from/Makefile" "$from/Kconfig"; do
		case ${file##*/} in
		*.mod.c | provenance.h) ;;
		*) [ ! -f "$file" ] || files+=("$file") ;;
		esac
	done
	mkdir -p "$to" && cp -- "${files[@]}" "$to"
}

# ---- the cache -----------------------------------------------------------
#
# tree/HASH is the pristine fs/fuse with that hash, index/KEY says which hash a
# tarball has.  The key is made of the tarball's path, size and times, because
# hashing 150 MB would cost as much as unpacking them; the hash of the tree is
# always checked.

cache_key() {
	stat -c '%n %s %Y %Z %i' "$1" | sha256sum | cut -d ' ' -f 1
}

# Copy the tree of the source out of the cache into DIR; false if it isn't there.
cache_get() {
	local dir=$1 index entry hash version

	index=$cache/index/$(cache_key "$src_path")
	[ -r "$index" ] || return 1
	entry=$(cat "$index")
	read -r hash version <<<"$entry"
	if [[ $hash =~ ^[0-9a-f]{64}$ ]] && is_fuse_dir "$cache/tree/$hash" &&
		copy_sources "$cache/tree/$hash" "$dir" 2>/dev/null &&
		[ "$(tree_hash "$dir")" = "$hash" ]; then
		tree_version=$version
		src_hash=$hash
		return 0
	fi
	note "$index in the cache is damaged; the source is unpacked again"
	rm -rf "$dir"
	# Where it can't be removed, cache_put() says that it isn't writable.
	rm -rf "$index" "$cache/tree/${hash:-none}" 2>/dev/null || return 1
	return 1
}

cache_put() {
	local dir=$1 temp err

	if ! err=$(mkdir -p "$cache/index" "$cache/tree" 2>&1) ||
		! err=$(mktemp -d "$cache/.new-XXXXXX" 2>&1); then
		note "the unpacked source isn't kept: ${err##*: }: $cache"
		return 0
	fi
	temp=$err
	if ! err=$(cache_fill "$dir" "$temp" 2>&1); then
		note "the unpacked source isn't kept in $cache: ${err##*: }"
	fi
	rm -rf "$temp"
}

cache_fill() {
	local dir=$1 temp=$2

	copy_sources "$dir" "$temp/tree" || return
	chmod 755 "$temp/tree" || return
	# Another run may have put the same tree there: it is as good.
	if [ ! -d "$cache/tree/$src_hash" ]; then
		mv -T "$temp/tree" "$cache/tree/$src_hash" ||
			[ -d "$cache/tree/$src_hash" ] || return
	fi
	printf '%s %s\n' "$src_hash" "$tree_version" >"$temp/index" || return
	mv -T "$temp/index" "$cache/index/$(cache_key "$src_path")"
}

# ---- the pristine tree ---------------------------------------------------

# A debuginfo tree has what was compiled, and so no Makefile: write one that
# compiles just that, but for the drivers that are modules of their own.
complete_debuginfo() {
	local dir=$1 file objects=

	[ ! -e "$dir/Makefile" ] || return 0
	for file in "$dir"/*.c; do
		file=${file##*/}
		case $file in
		cuse.c | virtio_fs.c) ;;
		*) objects+=" ${file%.c}.o" ;;
		esac
	done
	attempt "write $dir/Makefile" tee "$dir/Makefile" \
		<<<"# Made by src/prepare.${objects:+$'\n'fuse-y :=$objects}"
}

# Is the source, of the same series, of the upstream release of the kernel?  A
# rpm's release says more: RHEL's are all of one upstream release.
same_upstream() {
	case $src_provider in
	*.src.rpm | kernel-source | kernel-debuginfo-common) false ;;
	*) same_version "$tree_version" ;;
	esac
}

# Put the source's fs/fuse into DIR; set src_hash and tree_version.
get_pristine() {
	local dir=$1 top

	tree_version=
	src_hash=
	case $src_kind in
	tree | fuse)
		top=$src_path
		[ "$src_kind" = fuse ] || top=$src_path/fs/fuse
		attempt "copy $top" copy_sources "$top" "$dir"
		tree_version=$src_version
		[ "$src_kind" = fuse ] || tree_version=$(makefile_version "$src_path/Makefile")
		if [ "$src_provider" = kernel-debuginfo-common ]; then
			[ -n "$tree_version" ] || tree_version=$src_version
			complete_debuginfo "$dir"
		fi
		;;
	*)
		if cache_get "$dir"; then
			say "using the cached fs/fuse of $src_path"
		else
			attempt "make a directory" mkdir "$workdir/unpacked"
			unpack "$workdir/unpacked"
			for top in "$workdir"/unpacked/*/; do
				is_fuse_dir "${top}fs/fuse" ||
					fail "$EX_BROKEN" "$src_path holds no fs/fuse: it isn't a kernel source" \
						"Get it again: $(reinstall_command)"
				[ "$src_kind" != srpm ] || apply_redhat_patches "$top"
				attempt "copy fs/fuse" copy_sources "${top}fs/fuse" "$dir"
				tree_version=$(makefile_version "${top}Makefile")
				break
			done
			src_hash=$(tree_hash "$dir")
			cache_put "$dir"
		fi
		;;
	esac
	[ -n "$src_hash" ] || src_hash=$(tree_hash "$dir")
	if [ -n "$tree_version" ] && [ "$(series_of "$tree_version")" != "$series" ]; then
		fail "$EX_BROKEN" "$src_path is the source of $tree_version, and can't be used for $kernel" \
			"Install the right one: $(source_command)" \
			"or give it: --source PATH, or FUSE_EXT_SOURCE=PATH"
	fi
	# A file's name says no more than the series.
	if [ -z "$src_version" ] || [ "$src_version" = "$series" ]; then
		src_version=${tree_version:-unknown}
	fi
	if [ -z "$tree_version" ]; then
		note "$src_path doesn't say which kernel it is of; only the hooks tell if it fits $kernel"
	elif ! same_version "$src_version" && ! same_upstream; then
		note "the source is $src_version, the kernel $kernel is ${headers_version:-of another build}: same series, another point release"
	fi
}
