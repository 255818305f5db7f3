# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where the distributions put their kernels' sources, and which one is taken for
# a kernel.  Sourced, never run; reads nothing of what is in the sources.

is_fuse_dir() {
	[ -r "$1/inode.c" ] && [ -r "$1/fuse_i.h" ]
}

# Each provider calls candidate KIND PATH PROVIDER VERSION: kind is tree (a
# kernel tree), fuse (fs/fuse itself), tar or srpm.
candidates=()
candidate() {
	local real

	# A link beside Ubuntu's folder names the same tarball once more.
	real=$(readlink -f "$2")
	case "${candidates[*]+"${candidates[*]}"}" in
	*"|$real|"*) return ;;
	esac
	candidates+=("$1|$real|$3|$4")
}

# The kind of PATH given by the user; fails on what it can't be.
given_source() {
	local path=$1 own file found=()

	[ -e "$path" ] || fail "$EX_NO_SOURCE" "--source $path: no such file or directory" \
		"Give a kernel tree, a fs/fuse directory, a linux tarball or a kernel .src.rpm."
	path=$(readlink -f "$path")
	if [ -d "$path" ]; then
		if is_fuse_dir "$path/fs/fuse"; then
			candidate tree "$path" "tree:${path##*/}" \
				"$(makefile_version "$path/Makefile")"
			return
		fi
		if is_fuse_dir "$path"; then
			candidate fuse "$path" "directory:${path##*/}" \
				"$(makefile_version "$path/../../Makefile")"
			return
		fi
		for file in "$path"/linux*.tar*; do
			[ ! -f "$file" ] || found+=("$file")
		done
		[ ${#found[@]} -eq 1 ] ||
			fail "$EX_BROKEN" "--source $path: there is no fs/fuse in it" \
				"Give a kernel tree, a fs/fuse directory, a linux tarball or a kernel .src.rpm."
		path=${found[0]}
	fi
	case $path in
	*.tar | *.tar.xz | *.tar.bz2 | *.tar.gz | *.tgz | *.tar.zst)
		own=$(owner "$path")
		if [ -n "$own" ]; then
			candidate tar "$path" "${own% *}" "${own#* }"
		else
			candidate tar "$path" "tarball:${path##*/}" ""
		fi
		;;
	*.src.rpm)
		srpm_candidate "$path"
		;;
	*)
		fail "$EX_BROKEN" "--source $path: a file of no kind that is known" \
			"It has to end in .tar, .tar.xz, .tar.bz2, .tar.gz, .tar.zst or .src.rpm."
		;;
	esac
}

srpm_candidate() {
	local name=${1##*/}

	name=${name%.src.rpm}
	candidate srpm "$1" "${name%-*-*}.src.rpm" "${name#"${name%-*-*}"-}"
}

find_debian() {
	local file own name version

	for file in "$sysroot"/usr/src/linux-source-*.tar.* \
		"$sysroot"/usr/src/linux-source-*/linux-source-*.tar.*; do
		[ -f "$file" ] || continue
		name=${file##*/}
		name=${name%.tar.*}
		version=${name#linux-source-}
		own=$(owner "$(readlink -f "$file")")
		[ -z "$own" ] || name=${own% *} version=${own#* }
		candidate tar "$file" "$name" "$version"
	done
	for file in "$sysroot"/usr/src/linux-source-*/fs/fuse \
		"$sysroot"/usr/src/linux-source-*/linux-source-*/fs/fuse; do
		is_fuse_dir "$file" || continue
		file=${file%/fs/fuse}
		candidate tree "$file" "${file##*/}" "$(makefile_version "$file/Makefile")"
	done
}

find_suse() {
	local file version

	for file in "$sysroot"/usr/src/linux-*/fs/fuse; do
		is_fuse_dir "$file" || continue
		file=${file%/fs/fuse}
		case ${file##*/} in
		linux-source-* | linux-headers-*) continue ;;
		esac
		version=${file##*/linux-}
		candidate tree "$file" kernel-source "$version"
	done
}

find_redhat() {
	local file

	for file in "$sysroot"/usr/src/debug/kernel-*/linux-*/fs/fuse; do
		is_fuse_dir "$file" || continue
		file=${file%/fs/fuse}
		candidate tree "$file" kernel-debuginfo-common "${file##*/linux-}"
	done
	for file in "$sysroot"/usr/src/fuse-ext-sources/kernel*.src.rpm; do
		[ ! -f "$file" ] || srpm_candidate "$file"
	done
}

# Set best to the candidate that fits $kernel best, and others to the paths of
# those of other series; false where none fits.
pick_source() {
	local row path version

	best='' others=()
	candidates=()
	if [ -n "$source" ]; then
		given_source "$source"
	else
		find_debian
		find_suse
		find_redhat
	fi
	for row in ${candidates[@]+"${candidates[@]}"}; do
		IFS='|' read -r _ path _ version <<<"$row"
		if [ -z "$source" ] && [ "$(series_of "$version")" != "$series" ]; then
			others+=("$path")
			continue
		fi
		if same_version "$version"; then
			best=$row
			break
		fi
		# Of several point releases, the newest.
		if [ -z "$best" ] || [ "$(printf '%s\n%s\n' "${best##*|}" "$version" |
			sort -V | tail -n 1)" != "${best##*|}" ]; then
			best=$row
		fi
	done
	[ -n "$best" ]
}

# Set src_kind, src_path, src_provider, src_version: the best candidate.
choose_source() {
	local best others

	if ! pick_source; then
		[ ${#others[@]} -eq 0 ] ||
			fail "$EX_NO_SOURCE" "there is no source for kernel $kernel (series $series) on this machine" \
				"Sources of other series aren't used: ${others[*]}" \
				"Install it: $(source_command)" \
				"or have it fetched, and built from: fuse-ext-source fetch $kernel" \
				"or give it: --source PATH, or FUSE_EXT_SOURCE=PATH"
		fail "$EX_NO_SOURCE" "there is no source for kernel $kernel (series $series) on this machine" \
			"Looked for linux-source in /usr/src, kernel-source in /usr/src/linux-*," \
			"kernel-debuginfo-common in /usr/src/debug, kernel*.src.rpm in /usr/src/fuse-ext-sources." \
			"Install it: $(source_command)" \
			"or have it fetched, and built from: fuse-ext-source fetch $kernel" \
			"or give it: --source PATH, or FUSE_EXT_SOURCE=PATH"
	fi
	IFS='|' read -r src_kind src_path src_provider src_version <<<"$best"
}
