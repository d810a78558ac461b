#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/install/root.sh WHAT: install, check, remove and check again; tests/install/run runs it in a
# container root, as root.
#
#   make   make install, make uninstall, for each kernel
#   stage  make install and uninstall with DESTDIR and PREFIX
#   dkms   dkms add, build, install, remove
#   deb    the package iotimer-dkms, installed and purged by apt
#
# /root/tree is the project, /root/example the README's driver, /root/*.deb the package. For
# tests/install/guest.sh this script makes /root/guest/WHAT-KERNEL, a root with what was installed.

set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
what=${1:?}
arch=$(uname -m)
mapfile -t kernels < <(basename -a /lib/modules/*)
# shellcheck source=tests/lib.sh
. /root/tree/tests/lib.sh

# quietly COMMAND...: write its output to /tmp/out, and show it if the command fails.
quietly() {
	"$@" >/tmp/out 2>&1 || { tail -n 40 /tmp/out; return 1; }
}

refuses() { ! "$@" >/dev/null 2>&1; }

# snapshot: print each file of the system with its kind, mode and size, the groups, and what the
# kernels have. Leaves out the records of the package tools.
snapshot() {
	find / -xdev \( -path /proc -o -path /root -o -path /tmp -o -path '/var/log' -o -path '/var/cache' \
		-o -path '/var/lib/dpkg' -o -path '/var/lib/apt' -o -path '/var/lib/dkms/mok.*' -o -name '*-' \) -prune -o \
		\( -type d -printf '%p %y %m\n' -o -path '/lib/modules/*/modules.*' -printf '%p %y\n' \
		-o -printf '%p %y %m %s %l\n' \) | grep -v '^/usr/lib/modules/[^/]*/modules\.' | sort
	cat /etc/group
	cat /lib/modules/*/modules.dep /lib/modules/*/modules.symbols
}

# nothing_left: is the system as it was before? Shows the differences.
nothing_left() {
	snapshot >/tmp/after
	diff /tmp/before /tmp/after
}

ko() { find "/lib/modules/$1/updates" -name "$2.ko*" 2>/dev/null; }

is_for() { [[ $(modinfo -F vermagic "$(ko "$1" "$2")") == "$1 "* ]]; }

# has_symbols KERNEL: does Module.symvers have what the engine exports, each with a version, and
# nothing else?
has_symbols() {
	diff <(sed -n 's/^EXPORT_SYMBOL_GPL(\(.*\));/\1/p' /root/tree/iotimer_core.c | sort) \
		<(awk '$1 != "0x00000000" && $3 ~ /iotimer$/ && $4 == "EXPORT_SYMBOL_GPL" { print $2 }' \
			"/usr/src/iotimer/$1/Module.symvers" | sort)
}

has_headers() {
	cmp "/usr/src/iotimer/$1/iotimer.h" /root/tree/iotimer.h &&
		cmp "/usr/src/iotimer/$1/io_timeout.h" /root/tree/io_timeout.h &&
		cmp "/usr/src/iotimer/$1/io_recovery.h" /root/tree/io_recovery.h &&
		cmp "/usr/src/iotimer/$1/sim_client.h" /root/tree/sim_client.h
}

# builds_example KERNEL: does the README's driver build against what is installed, without the tree?
builds_example() {
	rm -rf /root/build
	mkdir /root/build
	cp /root/example/example.c /root/example/Kbuild /root/build/
	mv /root/tree /root/hidden
	quietly make -C "/lib/modules/$1/build" M=/root/build CONFIG_DEBUG_INFO_BTF_MODULES= modules || {
		mv /root/hidden /root/tree
		return 1
	}
	mv /root/hidden /root/tree
	! grep -iw warning /tmp/out
}

# same_versions KERNEL: does the README's driver ask for the symbol versions that iotimer.ko has?
same_versions() {
	local wanted
	wanted=$(modprobe --dump-modversions /root/build/example.ko | grep -P '\t(__)?iotimer_' | sort -k 2)
	[ "$(wc -l <<<"$wanted")" -eq 3 ] &&
		diff -b <(echo "$wanted") <(awk '{ print $1, $2 }' "/usr/src/iotimer/$1/Module.symvers" |
			grep -wE '__iotimer_create|iotimer_(destroy|start)' | sort -k 2)
}

# shows KERNEL [OPTIONS-OF-IOTIMER OPTIONS-OF-SIM_DEV]: would modprobe load iotimer and then sim_dev,
# with these options?
shows() {
	modprobe -S "$1" --show-depends sim_dev >/tmp/out 2>&1 || { cat /tmp/out; return 1; }
	sed -i 's/ *$//' /tmp/out
	tail -n 2 /tmp/out | diff - <(echo "insmod $(ko "$1" iotimer)${2:+ $2}"
		echo "insmod $(ko "$1" sim_dev)${3:+ $3}")
}

# obeys KERNEL EXAMPLE: does modprobe obey the example for modprobe.d when its lines are no comments?
obeys() {
	sed -n 's/^#options/options/p' "$2" >/etc/modprobe.d/sim_dev.conf
	local status=0
	shows "$1" budget_us=200 \
		"devices=1 slots=1 timeout=3 abort_timeout=0 reset_timeout=2 max_retries=3 latency_ms=5 queue_depth=16" || status=1
	rm /etc/modprobe.d/sim_dev.conf
	return $status
}

is_in_group() { getent group iotimer | grep -q '^iotimer:x:[0-9]*:$'; }

# look KERNEL: check all that must be there when the modules are installed for the kernel.
look() {
	local module
	for module in iotimer sim_dev sim_dev_configfs; do
		check "there is one file of the module ($module, $1)" [ "$(ko "$1" $module | wc -l)" -eq 1 ]
		check "the module is built for its kernel ($module, $1)" is_for "$1" $module
	done
	check "no other module is installed ($1)" [ "$(find "/lib/modules/$1/updates" -name '*.ko*' | wc -l)" -eq 3 ]
	check "sim_dev depends on iotimer ($1)" [ "$(modinfo -F depends "$(ko "$1" sim_dev)")" = iotimer ]
	check "modprobe would load both modules ($1)" shows "$1"
	check "modprobe obeys the example for modprobe.d ($1)" obeys "$1" "$example"
	check "Module.symvers has a version for each exported symbol ($1)" has_symbols "$1"
	check "the headers are installed ($1)" has_headers "$1"
	check "the README's driver builds against what is installed ($1)" builds_example "$1"
	check "the README's driver asks for the installed symbol versions ($1)" same_versions "$1"
	check "a guest's root is made of what is installed ($1)" payload "$1"
}

# payload KERNEL: make the guest's root: udev, modprobe and the modules, and nothing else.
payload() {
	local dir=/root/guest/$what-$1 program library
	rm -rf "$dir"
	mkdir -p "$dir"/{proc,sys,dev,run,tmp,etc,root,usr/lib,usr/bin,usr/sbin} "$dir/lib/modules/$1"
	for program in /bin/udevadm /bin/kmod; do
		for library in $(ldd "$program" | grep -o '/[^ ]*'); do
			cp -L --parents "$library" "$dir"
		done
		cp -L "$program" "$dir/usr/bin/"
	done
	ln -s ../bin/udevadm "$dir/usr/sbin/systemd-udevd"
	ln -s ../bin/kmod "$dir/usr/sbin/modprobe"
	cp -a --parents /usr/lib/udev/rules.d "$dir"
	[ ! -e /usr/local/lib/udev/rules.d ] || cp -a --parents /usr/local/lib/udev/rules.d "$dir"
	cp -a /etc/group /etc/passwd /etc/nsswitch.conf "$dir/etc/"
	cp -a "/lib/modules/$1/updates" "/lib/modules/$1"/modules.* "$dir/lib/modules/$1/"
	cp /root/build/example.ko "$dir/root/"
	[ -e "$dir/root/example.ko" ]
}

make_it() { quietly make -C /root/tree "KDIR=/lib/modules/$1/build" CONFIG_DEBUG_INFO_BTF_MODULES= "${@:2}"; }

is_installed() { dkms status -m iotimer -v 1.0.0 -k "$1" | grep -qx "iotimer/1.0.0, $1, $arch: installed"; }

# minimum: does dkms.conf take the kernels from 6.1 on and no others?
minimum() (
	set +u
	# shellcheck source=dkms.conf
	. /root/tree/dkms.conf
	for release in 4.18.0-553.el8.x86_64 5.10.0-30-amd64 5.19.17 6.0.0-6-amd64; do
		[[ ! $release =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "takes $release"; exit 1; }
	done
	for release in 6.1.0-50-amd64 6.4 6.10.1 6.12.95+deb12-amd64 7.2.13 19.0.0-rc1 20.1 100.0; do
		[[ $release =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "refuses $release"; exit 1; }
	done
)

# is_not_for RELEASE FOLDER: does dkms skip the kernel of this release, although its headers are there?
is_not_for() {
	local status=0
	dkms build iotimer/1.0.0 -k "$1" --kernelsourcedir "$2" >/tmp/out 2>&1 || status=$?
	if [ "$status" -ne 77 ] || ! grep -q BUILD_EXCLUSIVE /tmp/out; then cat /tmp/out; return 1; fi
}

mapfile -t mans < <(find /root/tree/Documentation/man -name '*.[1-9]' 2>/dev/null)
# has_mans FOLDER: is each man page there, compressed or not?
has_mans() {
	local page place
	for page in ${mans[@]+"${mans[@]}"}; do
		place=$1/man${page##*.}/$(basename "$page")
		[ -s "$place" ] || [ -s "$place.gz" ] || { echo "$place is missing"; return 1; }
	done
}

# The first depmod after an installation may change files: run it before the snapshot.
for kernel in "${kernels[@]}"; do
	depmod -a "$kernel" 2>/dev/null
done
snapshot >/tmp/before
check "two kernels are installed" [ ${#kernels[@]} -eq 2 ]

case $what in
make)
	example=/usr/local/share/doc/iotimer/examples/sim_dev.conf
	for kernel in "${kernels[@]}"; do
		check "make install succeeds ($kernel)" make_it "$kernel" install
		check "make install makes the group ($kernel)" is_in_group
		check "make install installs the man pages ($kernel, ${#mans[@]} pages)" has_mans /usr/local/share/man
		look "$kernel"
		find / -xdev -newer /tmp/before -path '*sim_dev*' ! -path '/root/*' >/tmp/files
		check "make install installs the udev rule ($kernel)" grep -q rules.d/60-sim_dev.rules /tmp/files
	done
	first=${kernels[0]}
	check "make uninstall succeeds for one of two kernels ($first)" make_it "$first" uninstall
	check "make uninstall removes the modules ($first)" [ -z "$(ko "$first" iotimer)$(ko "$first" sim_dev)" ]
	check "make uninstall keeps the modules of the other kernel" shows "${kernels[1]}"
	check "make uninstall keeps the udev rule for the other kernel" [ -e /usr/local/lib/udev/rules.d/60-sim_dev.rules ]
	check "make uninstall keeps the group for the other kernel" is_in_group
	mv "/lib/modules/${kernels[1]}/build" /root/no-headers
	check "make uninstall succeeds without the kernel's headers (${kernels[1]})" make_it "${kernels[1]}" uninstall
	check "make uninstall fails when nothing is installed" refuses make_it "${kernels[1]}" uninstall
	mv /root/no-headers "/lib/modules/${kernels[1]}/build"
	check "make uninstall leaves nothing for the last kernel" nothing_left ;;
stage)
	kernel=${kernels[0]}
	stage() { make_it "$kernel" "$1" DESTDIR=/root/stage PREFIX=/usr "${@:2}"; }
	rm -rf /root/stage
	mkdir /root/stage
	check "make install succeeds with DESTDIR" stage install
	check "make install with DESTDIR leaves the system alone" nothing_left
	for file in "lib/modules/$kernel/updates/iotimer.ko" "lib/modules/$kernel/updates/sim_dev.ko" \
		"lib/modules/$kernel/updates/sim_dev_configfs.ko" \
		"usr/src/iotimer/$kernel/iotimer.h" "usr/src/iotimer/$kernel/io_timeout.h" \
		"usr/src/iotimer/$kernel/io_recovery.h" "usr/src/iotimer/$kernel/sim_client.h" \
		"usr/src/iotimer/$kernel/Module.symvers" \
		usr/lib/udev/rules.d/60-sim_dev.rules \
		usr/lib/sysusers.d/iotimer.conf usr/share/doc/iotimer/examples/sim_dev.conf; do
		check "DESTDIR has the installed file ($file)" [ -s "/root/stage/$file" ]
	done
	check "DESTDIR has no other file" [ "$(find /root/stage -type f ! -path '*/share/man/*' ! -name 'modules.*' | wc -l)" -eq 11 ]
	check "DESTDIR has the man pages" [ "$(find /root/stage/usr/share/man -type f 2>/dev/null | wc -l)" -eq ${#mans[@]} ]
	check "make uninstall succeeds with DESTDIR" stage uninstall
	check "make uninstall with DESTDIR leaves no file" [ -z "$(find /root/stage -type f)" ]
	check "make install succeeds with INSTALL_MOD_PATH" stage install INSTALL_MOD_PATH=/root/stage/target
	check "INSTALL_MOD_PATH has the modules" [ -s "/root/stage/target/lib/modules/$kernel/updates/iotimer.ko" ]
	check "DESTDIR has no modules when INSTALL_MOD_PATH is given" [ ! -e /root/stage/lib/modules ]
	check "make uninstall succeeds with INSTALL_MOD_PATH" stage uninstall INSTALL_MOD_PATH=/root/stage/target
	check "make uninstall with INSTALL_MOD_PATH leaves no file" [ -z "$(find /root/stage -type f)" ] ;;
dkms)
	example=/usr/src/iotimer-1.0.0/packaging/sim_dev.conf
	check "dkms add succeeds" quietly dkms add /root/tree
	check "dkms.conf takes the kernels from 6.1 on and no others" minimum
	check "dkms skips a kernel before 6.1" is_not_for 5.10.0-30-amd64 "/lib/modules/${kernels[0]}/build"
	mkdir /tmp/no-irq-work
	sed 's/^\(CONFIG_IRQ_WORK\)=y/# \1 is not set/' "/lib/modules/${kernels[0]}/build/.config" >/tmp/no-irq-work/.config
	check "dkms skips a kernel without IRQ_WORK" is_not_for "${kernels[0]}" /tmp/no-irq-work
	for kernel in "${kernels[@]}"; do
		check "dkms build succeeds ($kernel)" quietly dkms build iotimer/1.0.0 -k "$kernel"
		check "dkms install succeeds ($kernel)" quietly dkms install iotimer/1.0.0 -k "$kernel"
		check "dkms status says installed ($kernel)" is_installed "$kernel"
		look "$kernel"
	done
	dkms status
	check "dkms uninstall succeeds (${kernels[0]})" quietly dkms uninstall iotimer/1.0.0 -k "${kernels[0]}"
	check "dkms uninstall removes the headers and symbol versions" [ ! -e "/usr/src/iotimer/${kernels[0]}" ]
	check "dkms uninstall keeps the symbol versions of the other kernel" [ -e "/usr/src/iotimer/${kernels[1]}/Module.symvers" ]
	check "dkms remove succeeds" quietly dkms remove iotimer/1.0.0 --all
	check "dkms status is empty after dkms remove" [ -z "$(dkms status)" ]
	check "dkms remove keeps the source" [ -e /usr/src/iotimer-1.0.0/dkms.conf ]
	rm -rf /usr/src/iotimer-1.0.0
	check "dkms remove leaves nothing but the source" nothing_left ;;
deb)
	example=/usr/share/doc/iotimer-dkms/examples/sim_dev.conf
	check "apt installs the package" quietly apt-get install -y --no-install-recommends /root/iotimer-dkms.deb
	for kernel in "${kernels[@]}"; do
		check "dkms status says installed after apt ($kernel)" is_installed "$kernel"
		look "$kernel"
	done
	dkms status
	check "the package makes the group" is_in_group
	check "the package installs the man pages (${#mans[@]})" has_mans /usr/share/man
	check "dpkg --verify finds no changed file" [ -z "$(dpkg --verify iotimer-dkms)" ]
	check "apt purges the package" quietly apt-get purge -y iotimer-dkms
	check "apt purge leaves nothing" nothing_left ;;
esac
all_passed
