# SPDX-License-Identifier: GPL-2.0-only
KDIR ?= /lib/modules/$(shell uname -r)/build
export KERNEL

# Each stops with one line. The headers of the running kernel have a package.
comma := ,
install = $(if $(filter file,$(origin KDIR)),: apt-get install linux-headers-$(shell uname -r)$(comma) or give KDIR=folder)
space = $(if $(word 2,$(CURDIR)),$(error kbuild cannot build in a folder with a space in its name; make demo can))
headers = $(space)$(if $(shell test -e "$(KDIR)/Makefile" && echo yes),,$(error \
	no kernel headers in $(KDIR)$(install); make demo needs none))

modules:	## build iotimer.ko and sim_dev.ko; KDIR=folder for another kernel
	$(headers)
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" modules

clean:	## remove what `make` built; with the same KDIR=
	$(headers)
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" clean

demo:	## watch time-out, reset, retry and failure in a virtual machine; KDIR= and KERNEL= for your own kernel
	@$(if $(filter-out file undefined,$(origin KDIR)),KDIR="$(KDIR)") scripts/demo

test:	## run all tests, setting up whatever they need; T=pattern for some
	@scripts/test $(if $(T),'$(T)')

check:	## checkpatch, sparse, kernel-doc, W=1 builds, shellcheck
	@scripts/check

help:	## this list
	@sed -n 's/^\([a-z-]*\):.*##/  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: modules clean demo test check help
