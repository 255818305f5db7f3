#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The first principle: with every toggle on its default and a server that asks
# for nothing, the requests are byte for byte those of the stock driver, but
# for the FUSE_EXT_INIT bit and the features behind it.

load helpers/all

setup_file() {
	isolate_file
	module_file
	module_want unloaded
}

teardown_file() {
	module_file_end
}

# record NAME OPTION...: the script's requests, in three files: NAME.init,
# NAME.requests in their order, and NAME.forgets sorted (the kernel sends those
# when it likes, alone or in a batch), and what its calls returned in
# NAME.results.  unique, pid and lock owners are "xx".  SETATTR of nothing but
# mtime and ctime (valid is 0x420 or 0x460; writeback cache only) is left out:
# whether it is sent depends on the clock having ticked between two writes.  Of
# WRITEs from the writeback cache (write_flags has FUSE_WRITE_CACHE) there is
# NAME.pages instead: how many go together is up to the kernel's flusher.
record() {
	local name=$1
	shift
	server "$name" --dump "$FX/$name.dump" --mask --threads single "$@"
	run_ 0 fxclient script "$FX/$name" "$FX/$name.results"
	tell "$name" mark end
	server_stop "$name"
	sed -i '/^MARK end/,$d' "$FX/$name.dump"
	awk '$1 == "INIT" { print $2 }' "$FX/$name.dump" >"$FX/$name.init"
	awk '$1 ~ /^(INIT|FORGET|BATCH_FORGET)$/ { next }
		$1 == "SETATTR" && substr($2, 81, 8) ~ /^[26]0040000$/ { next }
		$1 == "WRITE" && substr($2, 121, 8) == "01000000" { next }
		{ print }' "$FX/$name.dump" >"$FX/$name.requests"
	# nodeid, and the number of each page
	awk -v digits=0123456789abcdef '
		function number(hex, i, n) { # little endian
			for (i = length(hex) - 1; i > 0; i -= 2)
				n = n * 256 + 16 * (index(digits, substr(hex, i, 1)) - 1) +
					index(digits, substr(hex, i + 1, 1)) - 1
			return n
		}
		$1 == "WRITE" && substr($2, 121, 8) == "01000000" {
			first = int(number(substr($2, 97, 16)) / 4096)
			last = int((number(substr($2, 97, 16)) + number(substr($2, 113, 8)) - 1) / 4096)
			for (page = first; page <= last; page++)
				print substr($2, 33, 16), page
		}' "$FX/$name.dump" | sort -u >"$FX/$name.pages"
	# header 40 bytes; FORGET: nlookup; BATCH_FORGET: count, dummy, then pairs
	awk '$1 == "FORGET" { print substr($2, 33, 16) substr($2, 81, 16) }
		$1 == "BATCH_FORGET" {
			for (at = 97; at < length($2); at += 32)
				print substr($2, at, 32)
		}' "$FX/$name.dump" | sort >"$FX/$name.forgets"
}

# init_without_ext NAME: INIT in the 64-byte form and without what is ours.
# Header of 40 bytes; then major, minor, max_readahead, flags, flags2, unused;
# the kernel that has no 64-byte form (5.10) sends 16 bytes.
init_without_ext() {
	local hex bytes flags flags2
	hex=$(<"$FX/$1.init")
	bytes=${hex:80}
	flags=$((16#${bytes:30:2}${bytes:28:2}${bytes:26:2}${bytes:24:2}))
	flags2=0
	if [ ${#bytes} -gt 32 ]; then
		flags2=$((16#${bytes:38:2}${bytes:36:2}${bytes:34:2}${bytes:32:2}))
	fi
	# 1<<30 in flags says that flags2 is there; ours needs it on 5.10
	printf 'major,minor,readahead=%s flags=%x flags2=%x rest=%s\n' "${bytes:0:24}" \
		$((flags & ~(1 << 30))) $((flags2 & ~(1 << 30))) \
		"$(tr -d 0 <<<"${bytes:40:80}")"
}

compare() { # WHAT
	is "$(<"$FX/ours.results")" "$(<"$FX/stock.results")" "$1: results of the calls"
	cmp "$FX/stock.requests" "$FX/ours.requests" || {
		diff "$FX/stock.requests" "$FX/ours.requests" | cut -c1-300 | head -n 20
		fail "$1: the requests differ"
	}
	cmp "$FX/stock.pages" "$FX/ours.pages" || fail "$1: the pages written back differ"
	cmp "$FX/stock.forgets" "$FX/ours.forgets" || fail "$1: the FORGETs differ"
	is "$(init_without_ext ours)" "$(init_without_ext stock)" "$1: INIT but for our bit"
}

same_on_both() { # OPTION...
	record stock "$@"
	module_load
	record ours "$@"
	module_unload
	compare "fxserver $*"
}

@test "the script is more than 40 operations, and the same at each run on stock" {
	record stock --timeout 3600 --locks
	at_least "$(grep -c . "$FX/stock.results")" 41 "steps"
	at_least "$(cut -d' ' -f1 "$FX/stock.requests" | sort -u | wc -l)" 25 "different opcodes"
	at_least "$(grep -c . "$FX/stock.requests")" 100 "requests"
	figure wire_identity_requests "$(grep -c . "$FX/stock.requests")" requests
	record ours --timeout 3600 --locks
	compare "stock and stock"
	record stock --timeout 3600 --locks --writeback
	record ours --timeout 3600 --locks --writeback
	compare "stock and stock with the writeback cache"
}

@test "another server option shows in the record (the comparison can fail)" {
	record stock --timeout 3600
	record ours --timeout 0
	! cmp -s "$FX/stock.requests" "$FX/ours.requests" || fail "the records are the same"
}

@test "ours sends what stock sends: names and attributes cached" {
	same_on_both --timeout 3600 --locks
}

@test "ours sends what stock sends: nothing cached" {
	same_on_both --timeout 0 --locks
}

@test "ours sends what stock sends: direct I/O, local locks, kernel's permissions" {
	same_on_both --timeout 3600 --direct-io --default-permissions
}

@test "ours sends what stock sends: writeback cache" {
	same_on_both --timeout 3600 --writeback --locks
}

@test "FUSE_EXT_INIT and the features behind it are in our INIT, not in stock's" {
	local init
	record stock
	init=$(<"$FX/stock.init")
	if [ ${#init} -eq 208 ]; then
		is "${init:200:8}" 00000000 "last 4 bytes of stock's INIT"
	fi
	module_load
	record ours
	module_unload
	init=$(<"$FX/ours.init")
	is "${#init}" 208 "hexadecimal digits of our INIT (40 + 64 bytes)"
	# byte 19 of the arguments: the highest of flags2
	is $((16#${init:118:2} & 0x40)) 64 "bit 30 of flags2"
	is $((16#${init:200:2} & 1)) 1 "FUSE_EXT_ASYNC_FLUSH in the last 4 bytes"
}

@test "a server of an old protocol gets the same requests" {
	local minor name
	for minor in 8 12 22 31; do
		for name in stock ours; do
			[ $name = stock ] || module_load
			raw_server $name --dump "$FX/$name.dump" --mask --minor $minor
			run_ 0 fxclient close "$FX/$name/file1"
			run_ 0 fxclient fsync-error "$FX/$name/file2" 0
			run_ 0 stat -f "$FX/$name"
			run_ 1 cat "$FX/$name/missing"
			run_ 0 cp "$FX/$name/file3" "$FX/copy"
			tell $name mark end
			server_stop $name
			[ $name = stock ] || module_unload
			sed -i '/^MARK end/,$d; /^INIT/d; /FORGET/d' "$FX/$name.dump"
		done
		at_least "$(grep -c . "$FX/stock.dump")" 10 "requests with minor $minor"
		cmp "$FX/stock.dump" "$FX/ours.dump" || fail "minor $minor: the requests differ"
	done
}
