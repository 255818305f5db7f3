#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# tests/vm/dmesg-check: what it finds in a kernel's log, and what it lets pass.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	LOG=$BATS_TEST_TMPDIR/log
}

check() { run "$TOP/tests/vm/dmesg-check" "$LOG"; }

@test "dmesg-check: a log that can't be read isn't clean" {
	mkdir "$LOG"
	check
	[ "$status" -eq 2 ]
}

# report PROGRAM: of a memory cgroup.
report() {
	echo "[   10.1] $1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
	echo "[   10.2] Call Trace:"
	echo "[   10.3]  dump_stack_lvl+0x44/0x5c"
	echo "[   10.4] Memory cgroup out of memory: Killed process 3298 ($1) total-vm:142920kB"
}

@test "dmesg-check: a log without bad lines passes, an empty one doesn't" {
	echo "[    1.0] all is well" >"$LOG"
	check
	[ "$status" -eq 0 ]
	: >"$LOG"
	check
	[ "$status" -eq 2 ]
}

@test "dmesg-check: a call trace is found" {
	printf '[    1.0] %s\n' "WARNING: CPU: 1" "Call Trace:" >"$LOG"
	check
	[ "$status" -eq 1 ]
	[[ $output == *":1:"*WARNING*":2:"*"Call Trace:"* ]]
}

@test "dmesg-check: that of an OOM kill that a test wanted isn't" {
	report fxclient >"$LOG"
	check
	[ "$status" -eq 0 ]
	# a console's
	report fxclient | sed 's/$/\r/' >"$LOG"
	check
	[ "$status" -eq 0 ]
}

# cache NAME: a slab cache for which there is no memory.
cache() {
	echo "[   10.1] __kmem_cache_create_args($1) failed with error -12"
	echo "[   10.2] Call Trace:"
	echo "[   10.3]  <TASK>"
	echo "[   10.4]  ? lockdep_hardirqs_on_prepare+0x3e0/0x3e0"
	echo "[   10.5]  </TASK>"
}

@test "dmesg-check: that of a slab cache of ours isn't, that of another one is" {
	cache fuse_ext_fuse_inode >"$LOG"
	check
	[ "$status" -eq 0 ]
	cache other >"$LOG"
	check
	[ "$status" -eq 1 ]
	cache fuse_ext_fuse_inode | sed '3i[   10.2] WARNING: at kernel/x.c:1 f+0x1/0x2' >"$LOG"
	check
	[ "$status" -eq 1 ]
	[[ $output == *":3:"*WARNING* ]] && [[ $output != *"Call Trace"* ]]
}

@test "dmesg-check: that of any other OOM kill is, and what comes beside a wanted one" {
	report bash >"$LOG"
	check
	[ "$status" -eq 1 ]
	{
		report fxclient
		echo "[   11.0] Call Trace:"
	} >"$LOG"
	check
	[ "$status" -eq 1 ]
	[[ $output == *":5:"*"Call Trace:"* ]] && [[ $output != *":2:"* ]]
	report fxclient | sed '2i[   10.1] BUG: KASAN: use-after-free' >"$LOG"
	check
	[ "$status" -eq 1 ]
	[[ $output == *":2:"*KASAN* ]] && [[ $output != *":3:"* ]]
	# a report that is cut off
	report fxclient | head -n 3 >"$LOG"
	check
	[ "$status" -eq 1 ]
}

# leak FUNCTION CALLER: a record of kmemleak.
leak() {
	echo "unreferenced object 0xffff888107463180 (size 32):"
	echo "  backtrace (crc 74fb52ff):"
	echo "    kstrdup+0x31/0x60"
	echo "    $1+0xc3/0x120"
	echo "    $2+0x198/0x200"
	echo "    0xffffffffa008518d"
}

@test "dmesg-check: what the kernel itself loses passes, and is counted; anything beside it is found" {
	echo "[ 10.1] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)" >"$LOG"
	check
	[ "$status" -eq 1 ]
	{
		leak kobject_init_and_add sysfs_slab_add
		leak kobject_init_and_add sysfs_slab_add
	} >"$BATS_TEST_TMPDIR/kmemleak.log"
	check
	[ "$status" -eq 0 ]
	[[ $output == *" 2 leaks, all lost by the kernel itself: "* ]]
	leak kobject_init_and_add fuse_ext_kobject_create >>"$BATS_TEST_TMPDIR/kmemleak.log"
	check
	[ "$status" -eq 1 ]
	[[ $output == *":1:"*kmemleak* ]]
	leak fuse_dev_alloc sysfs_slab_add >"$BATS_TEST_TMPDIR/kmemleak.log"
	check
	[ "$status" -eq 1 ]
}
