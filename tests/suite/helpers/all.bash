# shellcheck shell=bash
# What every suite loads; a suite says itself what it does in setup_file.
load helpers/run
load helpers/isolate
load helpers/module
load helpers/server
load helpers/toggle

setup() {
	module_as_wanted
	isolate_begin
}

teardown() {
	isolate_end
}
