# shellcheck shell=bash
# What minimise and stock-too take for the same finding.

# the_finding TEXT: without its numbers, of which those of processes are others
# each time.
the_finding() {
	sed -n 's/^FINDING: seed [0-9]*: //p' <<<"$1" | head -n 1 |
		sed -E 's/0x[0-9a-f]+|[0-9]+/N/g; s/N( N)+/N/g'
}
