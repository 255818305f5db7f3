#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# A machine whose packages come by dnf: the earlier version is installed, the
# kernel's source fetched, the module built and loaded.  The first of the dnf
# suites, which go on from each other; tests/dnf/machine has made the machine.  With
# FUSE_EXT_LONG=1 the module is compiled here, and never again.

load helpers/all
load helpers/dnf
load helpers/life
load helpers/nodes

setup_file() {
	isolate_file
	dnf_file
	module_file
	if [ -d "$FX_DNF" ]; then
		few_modules
		compile_once
	fi
}

teardown_file() {
	module_file_end
}

@test "dnf refuses where dkms isn't there, and leaves nothing" {
	need_dnf
	run_ 0 rpm -e --nodeps --justdb host-capabilities
	run_ 1 dnf -y install fuse-ext-dkms fusectl
	like "$output" 'nothing provides dkms needed by fuse-ext-dkms' "what dnf says"
	run_ 0 rpm -i --justdb --nosignature "$FX_DNF/host-capabilities-1-1.noarch.rpm"
	is "$(what_is_there)" "" "what is there"
}

@test "dnf install: the kernel's source isn't there: nothing is built, and it is said what to do" {
	need_dnf
	run_ 0 dnf -y install "fuse-ext-dkms-$FX_OLD" "fusectl-$FX_OLD"
	like "$output" "the source of the kernel $(pattern "$(uname -r)") isn't there, so nothing is built for it" "what dnf shows"
	like "$output" "To get it: fuse-ext-source fetch $(pattern "$(uname -r)")" "what dnf shows"
	run_ 1 modinfo fuse_ext
	is "$(find /usr/src/fuse-ext-sources -type f)" "" "sources"
	is "$(types_served)" "fuse=1 fuseblk=1 fusectl=1" "types"
}

@test "fuse-ext-source says which package has it, for each kernel" {
	need_dnf
	run_ 3 fuse-ext-source
	like "$output" "$(pattern "$(uname -r)") +kernel-[^ ]* +missing +-" "what it says"
	run_ 0 fuse-ext-source fetch --dry-run
	like "$output" 'dnf download --source --destdir /usr/src/fuse-ext-sources kernel-' "what it would run"
}

@test "a source package that isn't signed is refused, and not kept" {
	need_dnf
	sed -i 's|/signed$|/unsigned|' /etc/yum.repos.d/fuse-ext.repo
	run_ 6 fuse-ext-source fetch
	like "$output" "isn't signed" "what it says"
	sed -i 's|/unsigned$|/signed|' /etc/yum.repos.d/fuse-ext.repo
	is "$(find /usr/src/fuse-ext-sources -mindepth 1)" "" "sources"
	run_ 1 modinfo fuse_ext
}

@test "so is one whose signature nobody can check" {
	need_dnf
	run_ 0 rpmkeys --list
	forget_keys
	run_ 6 fuse-ext-source fetch
	like "$output" "is damaged, or its signature is wrong or of an unknown key" "what it says"
	is "$(find /usr/src/fuse-ext-sources -mindepth 1)" "" "sources"
	run_ 0 rpmkeys --import "$FX_DNF/key.asc"
}

@test "fuse-ext-source fetch: dnf downloads the source, DKMS builds, and it is installed" {
	need_dnf
	run_ 0 fuse-ext-source fetch
	is "$(modinfo -F version fuse_ext)" "$FX_OLD" "the module on the disk"
	like "$(modinfo -F fuse_source_provider fuse_ext)" '^kernel' "the source that it was built from"
	run_ 0 fuse-ext-source
	like "$output" "$(pattern "$(uname -r)") .* here +kernel[.]src[.]rpm " "what it says then"
}

@test "fusectl load: new mounts are served by it" {
	need_dnf
	run_ 0 fusectl load
	mount -i -t fusectl none "$FX_OURS"
	server a
	is "$(driver_of "$FX/a")" fuse_ext "driver"
	run_ 0 fxclient close "$FX/a/file"
	is "$(field error)" OK "close(2)"
	server_stop a
	umount "$FX_OURS"
	run_ 0 fusectl unload
}
