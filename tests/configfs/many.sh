# SPDX-License-Identifier: GPL-2.0-only
# 256 devices from several processes, by the program tests/configfs/devices.c.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh
insmod /root/iotimer.ko && insmod /root/sim_dev.ko && load_configfs || exit
dmesg -n 4	# a console is slow
printf '    %s\n' "KTAP version 1" "# Subtest: devices"
/root/devices >/tmp/devices
status=$?
sed 's/^/    /' /tmp/devices
check "devices" [ $status -eq 0 ]
dmesg -n 8
check "no directory is left" [ "$(find /sys/kernel/config/sim_dev -mindepth 1 | wc -l)" = 0 ]
check "no node is left" [ "$(find /dev -name 'sim_dev*' | wc -l)" = 2 ]
check "no interrupt is left" [ "$(grep -c 'sim_dev\.' /proc/interrupts)" = 1 ]
check "no device is left" [ "$(find $sysfs -name 'sim_dev.*' | wc -l)" = 1 ]
check "all unload" rmmod sim_dev_configfs sim_dev iotimer
all_passed
