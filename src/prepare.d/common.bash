# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What src/prepare and src/fuse-ext-source share: messages, which distribution
# this is, the table of series, versions.  Sourced by them, never run.

# fail STATUS LINE...: the first line says what is wrong, the others what to do.
fail() {
	local status=$1

	shift
	printf '%s: %s\n' "$prog" "$1" >&2
	shift
	[ $# -eq 0 ] || printf '  %s\n' "$@" >&2
	exit "$status"
}

usage_error() {
	fail "$EX_USAGE" "$1" "See: $prog --help"
}

note() {
	printf '%s: note: %s\n' "$prog" "$1" >&2
}

say() {
	[ -n "$quiet" ] || printf '%s\n' "$1"
}

need_tool() {
	local tool=$1 package=$2

	command -v "$tool" >/dev/null ||
		fail "$EX_FAILURE" "$tool isn't installed, and is needed to prepare the source" \
			"Install it: $(install_command "$package")"
}

# The distribution, as its package manager goes: debian, ubuntu, fedora, suse.
distribution() {
	local file=$sysroot/etc/os-release id=

	[ ! -r "$file" ] || id=$(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' "$file" | tr -d \"\')
	case " ${id//$'\n'/ } " in
	*ubuntu*) echo ubuntu ;;
	*debian*) echo debian ;;
	*suse*) echo suse ;;
	*fedora* | *rhel* | *centos*) echo fedora ;;
	*) echo unknown ;;
	esac
}

install_command() {
	case $(distribution) in
	debian | ubuntu) echo "apt install $1" ;;
	fedora) echo "dnf install $1" ;;
	suse) echo "zypper install $1" ;;
	*) echo "the package $1 of this distribution" ;;
	esac
}

# NAME-VERSION-RELEASE of the source package that $kernel was built from, on a
# machine with rpm.
source_rpm() {
	local name=

	if command -v rpm >/dev/null; then
		name=$(rpm ${sysroot:+--root "$sysroot"} -qf --qf '%{SOURCERPM}\n' \
			"/lib/modules/$kernel/vmlinuz" 2>/dev/null | sed -n '1s/\.src\.rpm$//p') || name=
	fi
	# As all kernels but those of other flavours are named.
	echo "${name:-kernel-${kernel%.*}}"
}

# The option by which dnf downloads a source package: dnf 5 has another one.
dnf_source_option() {
	case $(readlink -f "$(command -v dnf || :)") in
	*dnf5*) echo --srpm ;;
	*) echo --source ;;
	esac
}

# The package with the source of $kernel, as the client of distribution $1 takes
# it.
source_package() {
	case $1 in
	# Ubuntu's packages are named after the upstream version X.Y.0.
	ubuntu) echo "linux-source-${kernel%%-*}" ;;
	debian) echo "linux-source-$series" ;;
	fedora) source_rpm ;;
	# kernel-source provides the version that uname -r shows.
	suse) echo "kernel-source=${kernel%-*}" ;;
	esac
}

# The release of a Debian backports kernel's packages; nothing for another one.
backports_release() {
	local codename

	[[ $headers_version == *~bpo* ]] || return 0
	codename=$(sed -n 's/^VERSION_CODENAME=//p' "$sysroot/etc/os-release")
	echo "${codename:-CODENAME}-backports"
}

# The command that brings the source of $kernel.
source_command() {
	local is release

	is=$(distribution)
	case $is in
	ubuntu | debian)
		release=$(backports_release)
		echo "apt install ${release:+-t $release }$(source_package "$is")"
		;;
	fedora)
		echo "dnf download $(dnf_source_option) --destdir /usr/src/fuse-ext-sources $(source_package "$is")"
		;;
	suse)
		echo "zypper install $(source_package "$is")"
		;;
	*)
		echo "$prog --source PATH, with PATH the source that $kernel was built from"
		;;
	esac
}

# attempt WHAT COMMAND...: run it; on failure say what it was for, and why.
attempt() {
	local what=$1 err

	shift
	if ! err=$("$@" 2>&1 >/dev/null); then
		write_failed "$what" "$err"
	fi
}

write_failed() {
	local what=$1 err=$2

	if [[ $err == *"No space left"* || $err == *"Disk quota exceeded"* ]]; then
		fail "$EX_FAILURE" "no disk space left to $what" \
			"About 5 MB are needed in $place: free some, then try again." \
			"$(df -h "$place" 2>/dev/null | sed -n '2p')"
	fi
	fail "$EX_FAILURE" "can't $what" "${err##*$'\n'}"
}

# ---- the series table ----------------------------------------------------

# Rows of hooks/series without comments: SERIES NAME [KERNELS]
series_table() {
	[ -r "$hooks_dir/series" ] ||
		fail "$EX_FAILURE" "$hooks_dir/series can't be read" \
			"This installation of fuse-ext isn't complete: install it again."
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$hooks_dir/series"
}

# The series that there are hooks for, each once.
all_series() {
	series_table | awk '!seen[$1]++ { print $1 }'
}

# patch_for KERNEL: the name of its patch, by the first row that it matches;
# nothing where there is none.
patch_for() {
	local kernel=$1 of row_series name kernels

	of=$(series_of "$kernel")
	while read -r row_series name kernels; do
		# shellcheck disable=SC2053 # a pattern
		if [ "$row_series" = "$of" ] && [[ $kernel == ${kernels:-*} ]]; then
			echo "$name"
			return
		fi
	done < <(series_table)
}

# Set patch_name to the name of the patch of $kernel.
find_patch() {
	local known

	patch_name=$(patch_for "$kernel")
	known=$(all_series | awk '{ printf "%s%s", sep, $1; sep = ", " }')
	[ -n "$patch_name" ] ||
		fail "$EX_SERIES" "fuse-ext $(fuse_ext_version)has no hooks for kernel $kernel (series $series)" \
			"It has them for: $known." \
			"The kernel's own FUSE driver stays in charge. A newer fuse-ext may know this kernel."
	[ -r "$hooks_dir/$patch_name.patch" ] ||
		fail "$EX_FAILURE" "$hooks_dir/$patch_name.patch can't be read" \
			"This installation of fuse-ext isn't complete: install it again."
}

fuse_ext_version() {
	[ ! -r "$here/../VERSION" ] || sed -n '1s/$/ /p' "$here/../VERSION"
}

# ---- versions ------------------------------------------------------------

# The version of an installed Debian package; nothing where it isn't one.
dpkg_version() {
	command -v dpkg-query >/dev/null || return 0
	dpkg-query ${sysroot:+--root="$sysroot"} -W \
		-f '${db:Status-Abbrev}${Version}' "$1" 2>/dev/null |
		sed -n 's/^i. *//p' || :
}

# The package that owns a file, as dpkg or rpm know it: NAME VERSION
owner() {
	local path=$1 package

	if command -v dpkg-query >/dev/null; then
		package=$(dpkg-query ${sysroot:+--root="$sysroot"} \
			-S "${path#"$sysroot"}" 2>/dev/null |
			sed -n '1s/[:,].*//p') || package=
		if [ -n "$package" ]; then
			echo "$package $(dpkg_version "$package")"
			return
		fi
	fi
	if [ -z "$sysroot" ] && command -v rpm >/dev/null; then
		rpm -qf --qf '%{NAME} %{VERSION}-%{RELEASE}\n' "$path" 2>/dev/null |
			sed -n 1p || :
	fi
}

# X.Y.Z of a kernel tree by its top Makefile; nothing without one.
makefile_version() {
	[ -r "$1" ] || return 0
	awk '$1 == "VERSION" && $2 == "=" { v = $3 }
	     $1 == "PATCHLEVEL" && $2 == "=" { p = $3 }
	     $1 == "SUBLEVEL" && $2 == "=" { s = $3 }
	     $1 == "EXTRAVERSION" && $2 == "=" { e = $3 }
	     NR > 12 { exit }
	     END { if (v != "" && p != "") print v "." p (s == "" ? "" : "." s) e }' "$1"
}

# X.Y of a version that begins with it.
series_of() {
	sed -n 's/^\([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' <<<"$1"
}

# A path of the machine, in the sysroot: symbolic links stay inside.
resolve() {
	local path=$sysroot$1 link

	while [ -L "$path" ]; do
		link=$(readlink "$path")
		case $link in
		/*) path=$sysroot$link ;;
		*) path=${path%/*}/$link ;;
		esac
	done
	echo "$path"
}

# Set headers and headers_version: what the source's version should be.
find_headers() {
	local has

	if [ -z "$headers" ]; then
		headers=$(resolve "/lib/modules/$kernel/build")
	elif [ ! -d "$headers" ]; then
		usage_error "--headers $headers: no such directory"
	fi
	has=$(makefile_version "$headers/Makefile")
	if [ -n "$has" ] && [ "$(series_of "$has")" != "$series" ]; then
		fail "$EX_BROKEN" "the headers in $headers are those of $has, not of $kernel" \
			"Give the headers of $kernel: --headers /lib/modules/$kernel/build"
	fi
	headers_version=$(dpkg_version "linux-headers-$kernel")
	[ -n "$headers_version" ] || headers_version=$has
}

# Is VERSION, of a source, the one of the kernel that is built for?
same_version() {
	local version=$1

	case $version in
	"") return 1 ;;
	# Debian's package, and its upstream version.
	"$headers_version" | "${headers_version%%-*}") ;;
	# The kernel's own name, without its architecture or flavour.
	"$kernel" | "${kernel%.[a-z]*}" | "${kernel%-*}") ;;
	*) return 1 ;;
	esac
}
