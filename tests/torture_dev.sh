# SPDX-License-Identifier: GPL-2.0-only
# Tortures the device: sim_dev_torture for MINUTES or SECONDS, with SEED; then
# everything must unload.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

load() {
	insmod /root/iotimer.ko &&
		insmod /root/sim_dev.ko devices=6 queue_depth=8 timeout=1 reset_timeout=1 \
			max_retries=1 latency_ms=1
}

check "loads" load
check "each request is accounted for exactly once" /root/sim_dev_torture
check "sim_dev unloads" rmmod sim_dev
check "iotimer unloads" rmmod iotimer
check "no node stayed behind" [ -z "$(find /dev -name 'sim_dev*')" ]
check "no interrupt stayed behind" [ "$(grep -c sim_dev /proc/interrupts)" -eq 0 ]
summary
