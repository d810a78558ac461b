# SPDX-License-Identifier: GPL-2.0-only
# Runs iotimer_bench for each line of /root/runs: BUDGET_US and module options.
# Prints its lines "bench ...". Fails if a run fails.
# shellcheck shell=dash
set -e
insmod /root/iotimer.ko
while read -r budget options; do
	echo "$budget" >/sys/module/iotimer/parameters/budget_us
	dmesg -c >/dev/null
	# shellcheck disable=SC2086 # several options
	(insmod /root/iotimer_bench.ko $options && echo 0 >/tmp/status || echo 1 >/tmp/status) &
	while [ ! -e /tmp/status ]; do
		sleep 1
		dmesg -c | sed -n 's/^.*\(bench [a-z]\)/\1/p'
	done
	dmesg -c | sed -n 's/^.*\(bench [a-z]\)/\1/p'
	[ "$(cat /tmp/status)" = 0 ] || { echo "FAILED  iotimer_bench $options"; exit 1; }
	rm /tmp/status
	rmmod iotimer_bench
done </root/runs
