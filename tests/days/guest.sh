# SPDX-License-Identifier: GPL-2.0-only
# P2: timers run for days of virtual time, in iotimer_days with $OPTIONS.
# Loads the module, and prints its log lines and results.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

# relay: print what the module has logged since the last call, as results and notes.
relay() {
	dmesg -c | sed -n 's/.*iotimer_days: //p' >/tmp/said
	cat /tmp/said >>/tmp/all
	results /tmp/said
}

check "iotimer.ko loads" insmod /root/iotimer.ko
check "budget_us is the 200 that iotimer_days relies on" \
	[ "$(cat /sys/module/iotimer/parameters/budget_us)" = 200 ]
dmesg -c >/dev/null
# shellcheck disable=SC2086 # several options
(insmod /root/iotimer_days.ko $OPTIONS; echo $? >/tmp/status) &
while [ ! -e /tmp/status ]; do
	sleep 10800
	relay
done
relay
check "iotimer_days runs to its end" [ "$(cat /tmp/status)" = 0 ]
check "iotimer_days makes all its checks" [ "$(grep -cE '^(ok|FAILED) ' /tmp/all)" -eq 24 ]
check "iotimer_days.ko unloads" rmmod iotimer_days
check "iotimer.ko unloads" rmmod iotimer
all_passed
