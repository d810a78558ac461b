# SPDX-License-Identifier: GPL-2.0-only
# What scripts/test-install installed, in a guest: modprobe loads it, a request
# is timed out and retried, udev gives the nodes to whom they belong. /deb is the
# root of a small system with modprobe, udev and the modules.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

for dir in proc sys dev; do
	mount --bind /$dir /deb/$dir
done
inside() { chroot /deb "$@"; }
quietly() { "$@" >/tmp/out 2>&1; }
loaded() { grep -q "^$1 " /proc/modules; }
# node FILE: its mode, owner and group, by their names in /deb.
node() { stat -c '%a %u %g' "/dev/$1"; }
group=$(sed -n 's/^iotimer:x:\([0-9]*\):.*/\1/p' /deb/etc/group)

put() { echo "$1" >"$2"; }

# Has the routine that counts the I/O down come to an end?
example_says() { dmesg | grep -q "example: $1"; }

check "udevd starts" inside /usr/sbin/systemd-udevd --daemon
check "modprobe sim_dev devices=2 timeout=1" quietly inside modprobe sim_dev devices=2 timeout=1
check "loaded iotimer as well" loaded iotimer
check "devices=2" [ -c /dev/sim_dev1_ctl ]
check "not 3" [ ! -e /dev/sim_dev2 ]
check "timeout=1" [ "$(attr timeout 1)" = 1 ]
# In a chroot it would not wait unless told.
check "udev is done" env SYSTEMD_IGNORE_CHROOT=1 chroot /deb udevadm settle
for i in 0 1; do
	[ -n "$group" ] || group=none
	if [ -n "${UDEV:-}" ]; then
		check "sim_dev$i is the group's" [ "$(node sim_dev$i)" = "660 0 $group" ]
	else
		check "sim_dev$i is root's" [ "$(node sim_dev$i)" = "600 0 0" ]
	fi
	check "sim_dev${i}_ctl is root's" [ "$(node sim_dev${i}_ctl)" = "600 0 0" ]
done

put "hang" /dev/sim_dev0_ctl
check "a request" put hello /dev/sim_dev0
check "was timed out" [ "$(attr timeouts)" = 1 ]
check "retried" [ "$(attr retries)" = 1 ]
check "and completed" [ "$(attr completed)" = 1 ]
check "modprobe -r" quietly inside modprobe -r sim_dev
check "unloaded iotimer as well" [ ! -e /sys/module/iotimer ]

# The driver of the README, which was built against what is installed.
check "modprobe iotimer" quietly inside modprobe iotimer
check "README's driver loads" insmod /deb/root/example.ko
sleep 7
check "its I/O times out" example_says "timed out, resetting"
check "its reset fails" example_says "reset failed"
check "it unloads" rmmod example
all_passed
