# SPDX-License-Identifier: GPL-2.0-only
# Loads iotimer_days with $OPTIONS, and passes on what it says and finds.
# shellcheck shell=dash source=lib.sh
. /root/lib.sh

# relay: what the module has said since the last time, its results and its notes.
relay() {
	dmesg -c | sed -n 's/.*iotimer_days: //p' >/tmp/said
	cat /tmp/said >>/tmp/all
	results /tmp/said
}

check "iotimer.ko loads" insmod /root/iotimer.ko
check "its budget is the 200 us that the module counts on" \
	[ "$(cat /sys/module/iotimer/parameters/budget_us)" = 200 ]
dmesg -c >/dev/null
# shellcheck disable=SC2086 # several options
(insmod /root/iotimer_days.ko $OPTIONS; echo $? >/tmp/status) &
while [ ! -e /tmp/status ]; do
	sleep 10800
	relay
done
relay
check "iotimer_days ran to its end" [ "$(cat /tmp/status)" = 0 ]
check "all its checks were made" [ "$(grep -cE '^(ok|FAILED) ' /tmp/all)" -eq 24 ]
check "it can be unloaded" rmmod iotimer_days
check "so can iotimer.ko" rmmod iotimer
all_passed
