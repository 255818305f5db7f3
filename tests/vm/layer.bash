# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A throw-away layer over a cell's root, to build and install in on the host.
# Sourced after lib.bash by what builds or installs; boots nothing.

# layer_alone SCRIPT ARGUMENT...: goes on in mount and network namespaces of its
# own: whatever ends the script, no mount is left behind, and nothing in a layer
# can reach a network.
layer_alone() {
	[ "$(id -u)" = 0 ] || die "must run as root: it uses chroot and mounts"
	if [ "${FUSE_EXT_ALONE:-}" != "$BASHPID" ]; then
		export FUSE_EXT_ALONE=$BASHPID
		exec unshare --mount --net --propagation private "$@"
	fi
}

# layer_open ROOT: sets $layer, a writable view of ROOT that is removed when the
# script ends.
layer_open() {
	local work=$FUSE_EXT_CACHE/layers old
	mkdir -p "$work"
	# What a script that was killed left behind.
	for old in "$work"/*; do
		if [ -d "$old" ] && [ ! -d "/proc/${old##*/}" ]; then
			rm -rf --one-file-system "$old"
		fi
	done
	layer_work=$work/$BASHPID
	mkdir "$layer_work" "$layer_work"/{upper,work,merged}
	trap layer_close EXIT
	layer=$layer_work/merged
	# Over another overlayfs (in many containers) it can't be mounted.
	mount -t overlay -o "lowerdir=$1,upperdir=$layer_work/upper,workdir=$layer_work/work" \
		overlay "$layer" 2>/dev/null || cp -a --reflink=auto "$1/." "$layer"
	mount -t proc -o nosuid,nodev,noexec proc "$layer/proc"
	# Not the host's /dev: nothing in a layer has business with its devices.
	mount -t tmpfs -o mode=755 tmpfs "$layer/dev"
	mkdir "$layer/dev/shm" "$layer/dev/pts"
	mknod -m 666 "$layer/dev/null" c 1 3
	mknod -m 666 "$layer/dev/zero" c 1 5
	mknod -m 666 "$layer/dev/full" c 1 7
	mknod -m 666 "$layer/dev/random" c 1 8
	mknod -m 666 "$layer/dev/urandom" c 1 9
	mknod -m 666 "$layer/dev/tty" c 5 0
	ln -s /proc/self/fd "$layer/dev/fd"
	mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts "$layer/dev/pts"
	ln -s pts/ptmx "$layer/dev/ptmx"
}

layer_close() {
	umount --recursive "$layer" 2>/dev/null
	rm -rf --one-file-system "$layer_work"
}

# layer_settle: leaves the layer ready to be exported to a machine.
layer_settle() { umount "$layer/dev/pts" "$layer/dev" "$layer/proc"; }

# layer_run COMMAND...: runs it in the layer.  Without CAP_SYS_MODULE: where the
# host runs the same kernel as the cell, a maintainer script mustn't load the
# module into it.  In a pid namespace: what a script leaves running ends with it.
layer_run() {
	unshare --pid --fork --kill-child \
		setpriv --bounding-set -sys_module chroot "$layer" /usr/bin/env -i \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# tree_copy DIR: the files of the tree (those that git would add, where there is
# git), without build products, to DIR.
tree_copy() {
	mkdir -p "$1"
	(
		cd "$FUSE_EXT_SRC" || exit
		if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
			git ls-files -z --cached --others --exclude-standard
		else
			find . -path ./build -prune -o -path ./dist -prune -o ! -type d -print0
		fi | while IFS= read -r -d '' file; do
			# A file that is deleted, but not in git yet.
			[ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\0' "$file"
		done | tar --null --files-from=- --create
	) | tar --extract --directory "$1"
}

# layer_install CELL KERNEL: the .deb files of dist/CELL; DKMS builds the module.
layer_install() {
	mkdir -p "$layer/var/tmp/deb"
	cp "$FUSE_EXT_SRC/dist/$1"/*.deb "$layer/var/tmp/deb/"
	if layer_run sh -c 'apt-get install -y --no-install-recommends /var/tmp/deb/*.deb' &&
		find "$layer/lib/modules/$2/updates" -name 'fuse_ext.ko*' | grep .; then
		return
	fi
	find "$layer/var/lib/dkms" -name make.log -exec cat {} +
	echo "DKMS installed no fuse_ext.ko for $2"
	return 1
}

# layer_servers DIR: the test servers and their client, into DIR of the layer.
layer_servers() {
	tree_copy "$layer/build/tree"
	layer_run make -C /build/tree/tests/servers "OUT=$1"
}

# builder_of CELL: the cell whose root has the compilers for CELL.
builder_of() {
	awk -v cell="$1" '
		/^#/ || !NF { next }
		{ row[$1] = $2 " " $3 " " $5; where[$1] = $7; order[++n] = $1 }
		END {
			if (where[cell] != "guest") {
				print cell
				exit
			}
			for (i = 1; i <= n; i++)
				if (row[order[i]] == row[cell] && where[order[i]] == "chroot") {
					print order[i]
					exit
				}
		}' "$FUSE_EXT_SRC/tests/matrix"
}
