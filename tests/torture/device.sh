# SPDX-License-Identifier: GPL-2.0-only
# Tortures the device for $LENGTH seconds, with $SEED, by sim_dev_torture, while its trace events
# are switched on and off; then everything must unload. With $SLOTS slots, if there are more than one
# the devices can abort.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

load() {
	insmod /root/iotimer.ko &&
		insmod /root/sim_dev.ko devices=6 queue_depth=8 timeout=1 reset_timeout=1 \
			max_retries=1 latency_ms=1 slots="$SLOTS" abort_timeout=$((SLOTS > 1))
}

check "both modules load" load
while :; do
	echo 1 >$tracefs/events/sim_dev/enable
	usleep 300000
	echo 0 >$tracefs/events/sim_dev/enable
	usleep 300000
done &
switcher=$!
check "each request is accounted for exactly once" /root/sim_dev_torture
kill "$switcher"
check "the completion of requests was traced" grep -q sim_dev_complete $tracefs/trace
check "sim_dev.ko unloads" rmmod sim_dev
check "iotimer.ko unloads" rmmod iotimer
check "no node is left after sim_dev.ko unloads" [ -z "$(find /dev -name 'sim_dev*')" ]
check "no interrupt is left after sim_dev.ko unloads" [ "$(grep -c sim_dev /proc/interrupts)" -eq 0 ]
all_passed
