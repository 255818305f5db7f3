# shellcheck shell=bash
# What every suite loads; a suite says itself what it does in setup_file.
load helpers/run
load helpers/isolate
load helpers/module
load helpers/server
load helpers/toggle

# bats runs a trap before each command, for the line that it names when a test
# fails, and that costs more than most commands here.  The test itself keeps it.
setup() {
	set +T
	declare -f -t "$BATS_TEST_NAME"
	module_as_wanted
	isolate_begin
}

teardown() {
	isolate_end
}
