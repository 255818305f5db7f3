# SPDX-License-Identifier: GPL-2.0
# result.json from the records of bench/guest.bash: cases, samples, requests, delays,
# figures-of, figures, series and points, a line each, with tabs.  For bench/report,
# which prints what comes of it.

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
($delays | rows | map({ (.[0]): { ms: (.[1] | tonumber), needed: (.[2] | tally) } }) | add // {}) as $delays |
($figures | rows) as $figures |
($points | rows) as $points |

def of($name; $driver): $samples | map(select(.case == $name and .driver == $driver));

def per_operation:
	(map(.operations) | add) as $operations |
	map(.requests | to_entries) | add | group_by(.key) |
	map({ (.[0].key): ((map(.value) | add) / $operations) }) | add;

def request_ns($driver; $server):
	$requests | map(select(.driver == $driver and .server == $server).ns) | first;

# What the server needs at least for an operation.
def ideal($delay): {
	requests_per_operation: $delay.needed,
	ns_per_operation: ($delay.needed | add * $delay.ms * 1e6)
};

def side($name; $driver): of($name; $driver) | {
	per_second: (map(.per_second) | median),
	ns_per_operation: (map(.ns / .operations) | median),
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
	least: (if .[1] == "-" or ($about.clock | startswith("instructions") | not) then null else (.[1] | tonumber) / 100 end),
	stock: side($name; "stock"),
	fuse_ext: side($name; "fuse_ext"),
	ratios: ratios($name)
} |
	.ratio = { median: (.ratios | median), min: (.ratios | min), max: (.ratios | max) } |
	.met = (if .least then .ratio.median >= .least else null end) |
	($delays[$name]) as $delay |
	if $delay == null then . else .delay_ms = $delay.ms end |
	if ($delay.ms // 0) > 0 then .ideal = ideal($delay) else . end;

def of_figure($name; $driver):
	$figures | map(select(.[0] == $name and .[1] == $driver) | .[2] | tonumber);

def as_figure: .[0] as $name | {
	figure: $name,
	title: .[3],
	unit: .[2],
	most: (if .[1] == "-" then null else (.[1] | tonumber) / 100 end)
} |
	.rounds = { stock: of_figure($name; "stock"), fuse_ext: of_figure($name; "fuse_ext") } |
	.stock = (.rounds.stock | median) |
	.fuse_ext = (.rounds.fuse_ext | median) |
	.ratio = .fuse_ext / .stock |
	.met = (if .most then .ratio <= .most else null end);

# The slope of the line through the logarithms: the time grows as the number to its power.
# What doesn't grow hides it in small numbers.
def exponent:
	map(select(.x >= 10) | { x: (.x | log), y: (.ns | log) }) |
	if length < 2 then null else
		length as $n | (map(.x) | add / $n) as $x | (map(.y) | add / $n) as $y |
		(map((.x - $x) * (.y - $y)) | add) / (map((.x - $x) * (.x - $x)) | add)
	end;

def as_series: .[0] as $name | { series: $name, title: .[2], things: .[1] } +
	($points | map(select(.[0] == $name)) | group_by(.[1]) | map({
		(.[0][1]): (group_by(.[2] | tonumber) |
			map({ x: (.[0][2] | tonumber) } + (map(.[3] | tonumber) |
				{ ns: median, min: min, max: max })) |
			{ points: ., exponent: exponent })
	}) | add);

$about + {
	cases: ($cases | rows | map(as_case)),
	figures: ($figures_of | rows | map(as_figure)),
	series: ($series | rows | map(as_series)),
	samples: $samples
}
