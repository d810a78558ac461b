# SPDX-License-Identifier: GPL-2.0-only
# Tests in a guest what tests/install/run installed: modprobe loads the modules, a request is timed
# out and retried, and udev sets the owner and the mode of the nodes. /deb is the root of a small system
# with modprobe, udev and the modules.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

for dir in proc sys dev; do
	mount --bind /$dir /deb/$dir
done
inside() { chroot /deb "$@"; }
loaded() { grep -q "^$1 " /proc/modules; }
# node FILE: print the node's mode, owner and group, as numbers.
node() { stat -c '%a %u %g' "/dev/$1"; }
group=$(sed -n 's/^iotimer:x:\([0-9]*\):.*/\1/p' /deb/etc/group)

# example_says TEXT: did the README's driver log this?
example_says() { dmesg | grep -q "example: $1"; }

check "udevd starts" inside /usr/sbin/systemd-udevd --daemon
check "modprobe loads sim_dev with devices=2 timeout=1" quietly inside modprobe sim_dev devices=2 timeout=1
check "modprobe sim_dev loads iotimer as well" loaded iotimer
check "devices=2 makes a second device" [ -c /dev/sim_dev1_ctl ]
check "devices=2 makes no third device" [ ! -e /dev/sim_dev2 ]
check "timeout=1 reaches the device" [ "$(attr timeout 1)" = 1 ]
# In a chroot udevadm does not wait unless SYSTEMD_IGNORE_CHROOT is set.
check "udev settles" env SYSTEMD_IGNORE_CHROOT=1 chroot /deb udevadm settle
for i in 0 1; do
	[ -n "$group" ] || group=none
	if [ -n "${UDEV:-}" ]; then
		check "the data node belongs to the group (sim_dev$i)" [ "$(node sim_dev$i)" = "660 0 $group" ]
	else
		check "the data node belongs to root (sim_dev$i)" [ "$(node sim_dev$i)" = "600 0 0" ]
	fi
	check "the control node belongs to root (sim_dev${i}_ctl)" [ "$(node sim_dev${i}_ctl)" = "600 0 0" ]
done

put "hang" /dev/sim_dev0_ctl
check "a request succeeds although the device hangs once" put hello /dev/sim_dev0
check "the request times out once" [ "$(attr timeouts)" = 1 ]
check "the request is retried once" [ "$(attr retries)" = 1 ]
check "the request completes once" [ "$(attr completed)" = 1 ]
check "modprobe -r unloads sim_dev" quietly inside modprobe -r sim_dev
check "modprobe -r sim_dev unloads iotimer as well" [ ! -e /sys/module/iotimer ]

# The driver of the README, which was built against what is installed.
check "modprobe loads iotimer" quietly inside modprobe iotimer
check "the README's driver loads" insmod /deb/root/example.ko
sleep 7
check "the I/O of the README's driver times out" example_says "timed out, resetting"
check "the reset of the README's driver fails" example_says "reset failed"
check "the README's driver unloads" rmmod example
all_passed
