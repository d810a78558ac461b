# SPDX-License-Identifier: GPL-2.0-only
KDIR ?= /lib/modules/$(shell uname -r)/build
export KERNEL

# Each stops with one line. The headers of the running kernel have a package.
comma := ,
install = $(if $(filter file,$(origin KDIR)),: apt-get install linux-headers-$(shell uname -r)$(comma) or give KDIR=folder)
space = $(if $(word 2,$(out)),$(error kbuild cannot build in a folder with a space in its name: give O=folder; make demo can))
locked = $(if $(shell test -e "$(out)" && ! test -w "$(out)" && echo yes),$(error cannot write to $(out): give O=folder))
headers = $(space)$(locked)$(if $(shell test -e "$(KDIR)/Makefile" && echo yes),,$(error \
	no kernel headers in $(KDIR)$(install); make demo needs none))

# O=folder: build there, in a copy of the sources, so that this folder may be read-only. MO=
# would do without a copy, but only since 6.13. kbuild must not see our O=: its own is another.
out := $(CURDIR)
ifeq ($(origin O),command line)
out := $(shell realpath -m "$(O)")
MAKEOVERRIDES := $(filter-out O=%,$(MAKEOVERRIDES))
endif
sources = $(filter-out %.mod.c,$(wildcard $(foreach dir,./ kunit/ bench/ tests/ tests/*/,$(dir)*.[ch] $(dir)Kbuild)))
copy = $(if $(filter-out $(CURDIR),$(out)),$(if $(wildcard $(out)/Makefile),$(error \
	$(out) has a Makefile: give O= a folder of its own))@mkdir -p $(out) && \
	cp -fu --preserve=timestamps --no-preserve=mode --parents $(sources) $(out))

# Debian's headers from 6.12 on would have it, and leave it to others to bring it.
btf = $(if $(shell command -v pahole),,CONFIG_DEBUG_INFO_BTF_MODULES=)

modules:	## build the modules; KDIR= for another kernel, O= into another folder, LLVM=1 with clang
	$(headers)
	$(copy)
	$(MAKE) -C "$(KDIR)" M="$(out)" $(btf) modules

clean:	## remove what `make` built; with the same KDIR=, O=
	$(headers)
	$(copy)
	$(MAKE) -C "$(KDIR)" M="$(out)" clean

# Where `make install` puts what: below DESTDIR, the modules below INSTALL_MOD_PATH.
PREFIX ?= /usr/local
INSTALL_MOD_PATH ?= $(DESTDIR)
INSTALL_MOD_DIR ?= updates

install: modules	## install modules, headers, udev rule, man pages as root; KDIR=, O=, DESTDIR=, PREFIX=
	$(headers)
	@BUILD="$(out)" KDIR="$(KDIR)" PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" INSTALL_MOD_PATH="$(INSTALL_MOD_PATH)" \
		INSTALL_MOD_DIR="$(INSTALL_MOD_DIR)" scripts/install

uninstall:	## remove what `make install` put there; with the same variables
	@KDIR="$(KDIR)" PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" INSTALL_MOD_PATH="$(INSTALL_MOD_PATH)" \
		INSTALL_MOD_DIR="$(INSTALL_MOD_DIR)" scripts/install --remove

deb:	## build the package iotimer-dkms
	@scripts/deb

overlay:	## place the project into a kernel tree as drivers/iotimer; LINUX=folder
	@scripts/overlay $(if $(LINUX),"$(LINUX)")

series:	## write the patches that propose the project to a kernel; LINUX=its git tree, OUT=folder
	@scripts/series $(if $(LINUX),"$(LINUX)") $(if $(OUT),"$(OUT)")

demo:	## watch time-out, reset, retry and failure in a virtual machine; KDIR= and KERNEL= for your own kernel
	@$(if $(filter-out file undefined,$(origin KDIR)),KDIR="$(KDIR)") tests/demo/run

# Runs tests, counts their results, and says where a failure is.
run = @scripts/setup test && tests/run

test:	## all tests in virtual time, setting up whatever they need; T="name ..." for some
	$(run) $(foreach t,$(T),'$(t)')

check:	## checkpatch, kernel-doc, W=1, sparse, coccicheck, clang, other architectures, lintian, spelling, documentation
	$(run) check

docs:	## build Documentation/ as HTML in Documentation/build
	@scripts/docs

model:	## check the Promela models of the scheme and of the engine with spin
	$(run) model

litmus:	## check the engine's memory ordering with herd7 and the kernel's memory model
	$(run) litmus

# The tests of which `make test` runs some, by name; modules, timeline and install are other targets.
names := system trace ported queue mirror edu configfs recipes lockdep suspend power vm um rewrite smp isolated
$(names):
	$(run) $@

torture:	## both modules on SMP kernels with KASAN, KCSAN, PREEMPT_RT; MINUTES= on each
	$(run) torture $(if $(MINUTES),-- --minutes $(MINUTES))

million:	## a million requests for each of 1, 4, 64 and 256 slots under all faults, in virtual time
	$(run) million

days:	## a thousand timers for thirty days of virtual time
	$(run) days

failing:	## fail each allocation of each operation in turn
	$(run) failing

fuzz:	## a million lines, and random system calls, on both nodes
	$(run) fuzz

convert-drivers:	## convert the timers of all drivers of the newest kernel source, build what was converted
	$(run) rewrite -- --all

bench:	## speed, memory and wake-ups, beside what a driver would use instead; QEMU=1 counts instructions
	$(run) bench $(if $(QEMU),-- --qemu)

timeline:	## draw each scene of the demo as it went, from the kernel's trace; see Documentation/timeline
	@scripts/timeline

convert-test:	## drivers of the kernel that are converted to iotimer, with devices of QEMU's
	$(run) convert

coverage:	## which lines and branches the tests reach
	$(run) coverage

test-kernels:	## the tests on twelve kernels, with 1, 2 and 4 CPUs
	$(run) kernels

test-install:	## make install, DKMS and the package in a container root, what they installed in a guest; as root
	$(run) install $(if $(T),-- $(T))

test-overlay:	## kunit.py in the newest kernel's tree, built in and as modules
	$(run) overlay

test-series:	## the patches of `make series`, each built and tested on the newest kernel
	$(run) series

test-all:	## all of these (hours)
	@scripts/setup test; status=0; \
	tests/run -j 1 check model litmus || status=1; \
	tests/run || status=1; \
	tests/run rewrite -- --all || status=1; \
	tests/run -j 1 smp isolated install overlay series days failing fuzz million convert coverage kernels || status=1; \
	tests/run power -- --smp 2 || status=1; \
	tests/run torture -- --minutes $(or $(MINUTES),10) || status=1; \
	tests/run bench -- --quick || status=1; \
	exit $$status

help:	## this list; `tests/run NAME -- OPTION...` runs a test with options, tests/NAME/run --help tells them
	@sed -n 's/^\([a-z-]*\):.*##/  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22
	@echo "  make NAME         one test: $(names)"

# Two targets of one command line take turns; what kbuild does below one uses all of -j.
.NOTPARALLEL:
.PHONY: modules clean install uninstall deb overlay series test-install test-overlay test-series demo timeline test check \
	docs model litmus torture million days failing fuzz coverage convert-drivers convert-test bench \
	test-kernels test-all help $(names)
