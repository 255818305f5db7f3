#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What suite 520 has found, on the stock driver of a machine that has had no other:
# for tests/fuzz/protocol/stock-too, with the options of the finding.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want unloaded
	loop_driver
}

teardown_file() {
	module_file_end
}

read -r -a options <<<"${FUSE_EXT_FUZZ:-}"

@test "the rounds of a finding, on stock: what is found there is stock's" {
	FX_LIMIT=3600 run_ 0 fxfuzz --control "$FX_STOCK" --save "$FUSE_EXT_OUT/520-hostile.seeds" "${options[@]}" "$FX/a"
}
