# SPDX-License-Identifier: GPL-2.0
# result.json from the records of bench/guest.bash: cases, samples and requests,
# a line each, with tabs.  For bench/report, which prints what comes of it.

def rows: split("\n") | map(select(. != "") | split("\t"));

def median:
	sort |
	if length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# "LOOKUP=100 CREATE=100"
def tally: split(" ") | map(split("=") | { (.[0]): (.[1] | tonumber) }) | add;

def as_sample: {
	case: .[0],
	round: (.[1] | tonumber),
	driver: .[2],
	server: .[3],
	operations: (.[4] | tonumber),
	ns: (.[5] | tonumber),
	requests: (.[6] | tally)
} | .per_second = .operations * 1e9 / .ns;

def as_request: { driver: .[0], server: .[1], ns: (.[2] | tonumber) };

($samples | rows | map(as_sample)) as $samples |
($requests | rows | map(as_request)) as $requests |

def of($name; $driver): $samples | map(select(.case == $name and .driver == $driver));

def per_operation:
	(map(.operations) | add) as $operations |
	map(.requests | to_entries) | add | group_by(.key) |
	map({ (.[0].key): ((map(.value) | add) / $operations) }) | add;

def request_ns($driver; $server):
	$requests | map(select(.driver == $driver and .server == $server).ns) | first;

def side($name; $driver): of($name; $driver) | {
	per_second: (map(.per_second) | median),
	request_ns: request_ns($driver; .[0].server),
	requests_per_operation: per_operation
};

# Of the two of a round; a round that has only one is an error.
def ratios($name):
	of($name; "stock") | map(. as $stock |
		(of($name; "fuse_ext") | map(select(.round == $stock.round))[0].per_second) /
		$stock.per_second * 1e6 | round / 1e6);

def as_case: .[0] as $name | {
	case: $name,
	title: .[2],
	least: (if .[1] == "-" then null else (.[1] | tonumber) / 100 end),
	stock: side($name; "stock"),
	fuse_ext: side($name; "fuse_ext"),
	ratios: ratios($name)
} |
	.ratio = { median: (.ratios | median), min: (.ratios | min), max: (.ratios | max) } |
	.met = (if .least then .ratio.median >= .least else null end);

$about + { clock: "instructions, 1 a ns", cases: ($cases | rows | map(as_case)), samples: $samples }
