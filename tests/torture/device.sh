# SPDX-License-Identifier: GPL-2.0-only
# Tortures the device: sim_dev_torture for MINUTES or SECONDS, with SEED, while its
# trace events go on and off; then everything must unload.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

load() {
	insmod /root/iotimer.ko &&
		insmod /root/sim_dev.ko devices=6 queue_depth=8 timeout=1 reset_timeout=1 \
			max_retries=1 latency_ms=1
}

check "loads" load
while :; do
	echo 1 >$tracefs/events/sim_dev/enable
	usleep 300000
	echo 0 >$tracefs/events/sim_dev/enable
	usleep 300000
done &
switcher=$!
check "each request is accounted for exactly once" /root/sim_dev_torture
kill "$switcher"
check "and was traced" grep -q sim_dev_complete $tracefs/trace
check "sim_dev unloads" rmmod sim_dev
check "iotimer unloads" rmmod iotimer
check "no node stayed behind" [ -z "$(find /dev -name 'sim_dev*')" ]
check "no interrupt stayed behind" [ "$(grep -c sim_dev /proc/interrupts)" -eq 0 ]
all_passed
