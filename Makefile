# SPDX-License-Identifier: GPL-2.0
# The targets for people and packages.  How a thing is done stands in the script
# or the Makefile of its folder, not here; `make help` lists the targets.

KERNEL ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KERNEL)/build
FUSE_EXT_DEBUG ?=
CELL ?=
CELLS ?=
SUITES ?=
BENCH ?=

all: fusectl $(if $(shell pkg-config --atleast-version=3.10 fuse3 2>/dev/null && echo yes),lib) $(if $(wildcard $(KDIR)/include),module,no-module)

help:
	@sed -n 's/^#: //p' Makefile

#: Building
#:   make                   fusectl; libfuse-ext if libfuse3-dev is installed; and the
#:                          module for the running kernel if its headers and source
#:                          are
#:   make fusectl           fusectl/fusectl
#:   make lib               lib/libfuse-ext.so.0, for FUSE servers
#:   make examples          examples/passthrough_ext, a server that uses it
#:   make module            src/fuse_ext.ko for the running kernel, or KDIR=DIR
#:                          (KERNEL=VERSION, FUSE_EXT_DEBUG=1)
#:   make deb               all packages of this machine's distribution, in dist/
#:   make deb CELL=CELL     the same in the cell's own root, in dist/CELL/
#:   make rpm               source and binary rpms for Fedora, RHEL and SUSE, in
#:                          dist/, and rpmlint's word on them
#:   make install           fusectl, its man page and completion (DESTDIR=DIR)
#:   make install-lib       libfuse-ext, its headers and man pages (DESTDIR=DIR)
#:   make clean             remove what was built, but not the cached roots
#:
#: Testing, as root on a Debian machine; what is needed gets installed
#:   make demo              a stock Debian 13 in an emulated machine: close(2) with
#:                          a slow FLUSH, before and after `fusectl set`
#:   make check             unit tests, lint, and on each stock kernel the suites that
#:                          tests/selection gives it: an hour
#:   make check-all         all suites on all of them, three hours; before a release
#:   make check CELLS=CELL  all suites on these cells only, names from tests/matrix
#:   make check-debug       all suites on a debug kernel: KASAN, lockdep, kmemleak,
#:                          fault injection (make check runs some of them on it)
#:   make faults            on the debug kernel, every allocation made to fail; each wait
#:                          with the server stopped, killed, unmounted, out of memory,
#:                          frozen; that on CELL=CELL as well
#:   make check-here        the suites on this machine itself (SUITES=001)
#:   make lint              shellcheck and checkpatch
#:   make fuzz              a server that does everything wrong, on the debug kernel, for
#:                          a million answers (FUZZ='--seed 7 --rounds 20': only these;
#:                          FUZZ='--seed 1000 --seconds 1800': half an hour of others);
#:                          what it finds is tried on the stock driver, too
#:                          (build/CELL/findings); seeds of earlier runs: build/fuzz;
#:                          tests/fuzz/protocol/minimise: the least of a finding
#:   make soak MINUTES=30   all features under load, toggles flipped, mounts that come and
#:                          go, on Debian 13 or CELL=CELL: nothing is lost or left
#:   make fuzz-fusectl      fusectl's parsers by libFuzzer, each for MINUTES=10
#:
#: Releasing, see docs/releasing.md
#:   make dist              the source tarball, in dist/
#:   make release           checks, tarball, packages, checksums, and the tag
#:   make check-release     what of that would be in the way now
#:
#: Measuring, on the same machines
#:   make screens          docs/screens, what fusectl shows on a terminal
#:   make bench             all benchmarks, stock and fuse_ext in one boot each, and
#:                          docs/benchmarks.md of what comes of them: two hours
#:   make bench BENCH=NAME  one of them, on Debian 13 or CELL=CELL; bench/run --help
#:                          has a list, and more

fusectl:
	$(MAKE) -C fusectl

lib:
	$(MAKE) -C lib

examples:
	$(MAKE) -C examples

# The release that KDIR is for: it isn't always the running one.
module:
	@test -e $(KDIR)/include/config/kernel.release || { \
		echo "make: no kernel headers in $(KDIR); install linux-headers-$(KERNEL) or give KDIR=DIR" >&2; \
		exit 1; }
	src/prepare --kernel $$(cat $(KDIR)/include/config/kernel.release) --headers $(KDIR) --output src/fs
	$(MAKE) -C $(KDIR) M=$(CURDIR)/src FUSE_EXT_DEBUG=$(FUSE_EXT_DEBUG) modules

no-module:
	@echo "make: no kernel headers in $(KDIR): the module isn't built here (see make help)"

deb:
	tests/vm/setup $(if $(CELL),,packages)
	tests/vm/deb $(CELL)

rpm:
	tests/vm/setup rpm
	tests/vm/rpm

install:
	$(MAKE) -C fusectl install

install-lib:
	$(MAKE) -C lib install

demo:
	tests/vm/setup
	tests/vm/demo

check:
	tests/vm/setup
	tests/vm/check $(CELLS)

check-all:
	tests/vm/setup
	tests/vm/check --all

check-debug:
	tests/vm/setup
	tests/vm/cell debug-6.12 ''

faults:
	tests/vm/setup
	tests/vm/cell debug-6.12 000 342 362
	FUSE_EXT_LONG=1 tests/vm/cell debug-6.12 000 8
	$(if $(CELL),tests/vm/cell $(CELL) 000 810 820)

check-here:
	tests/vm/check-here $(SUITES)

lint:
	tests/vm/setup
	tests/vm/lint

fuzz:
	tests/vm/setup
	FUSE_EXT_LONG=1 FUSE_EXT_THREADS=$(or $(FUSE_EXT_THREADS),2) FUSE_EXT_FUZZ="$(FUZZ)" \
		tests/vm/cell $(or $(CELL),debug-6.12) 000 520 || \
		{ tests/fuzz/protocol/stock-too $(or $(CELL),debug-6.12); exit 1; }

soak:
	tests/vm/setup
	FUSE_EXT_SOAK=$(or $(MINUTES),30) tests/vm/cell $(or $(CELL),debian-13) soak

fuzz-fusectl:
	tests/vm/setup fuzz
	$(MAKE) -C tests/fuzz/fusectl fuzz MINUTES=$(or $(MINUTES),10)

dist:
	release/dist

check-release:
	release/check --release

release:
	tests/vm/setup packages
	release/release

screens:
	tests/vm/setup
	tests/vm/screens

bench:
	tests/vm/setup
	$(if $(BENCH),bench/run $(BENCH) $(or $(CELL),debian-13),bench/all)

clean:
	$(MAKE) -C fusectl clean
	$(MAKE) -C lib clean
	$(MAKE) -C examples clean
	$(MAKE) -C tests/servers clean
	rm -rf build dist src/fs
	find src -name '*.o' -delete -o -name '*.ko' -delete -o -name '.*.cmd' -delete \
		-o -name '*.mod' -delete -o -name '*.mod.c' -delete -o -name '.*.d' -delete
	rm -f src/modules.order src/Module.symvers

.PHONY: all help fusectl lib examples module no-module deb rpm install install-lib demo check check-all check-debug faults check-here lint fuzz soak fuzz-fusectl dist check-release release screens bench clean
