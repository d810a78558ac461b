# SPDX-License-Identifier: GPL-2.0-only
# System tests of the modules themselves: parameters, loading, unloading.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

parameters=/sys/module/iotimer/parameters
load() { insmod /root/iotimer.ko && insmod /root/sim_dev.ko "$@"; }
unload() { rmmod sim_dev && rmmod iotimer; }
quietly() { "$@" >/tmp/out 2>&1; }
refuses() { ! quietly "$@"; }
put() { echo "$1" >"$2"; }

check "loads" load
check "budget_us is 200" [ "$(cat $parameters/budget_us)" = 200 ]
for bad in 0 1000001 -1 x ''; do
	check "budget_us refuses '$bad'" refuses put "$bad" $parameters/budget_us
done
check "and stays" [ "$(cat $parameters/budget_us)" = 200 ]
check "budget_us takes 1" put 1 $parameters/budget_us
check "budget_us takes 1000000" put 1000000 $parameters/budget_us
check "and has it" [ "$(cat $parameters/budget_us)" = 1000000 ]

stat() { sed -n "s/^$1: //p" /sys/kernel/debug/iotimer/stats; }
ticks=$(stat ticks)
sleep 10
check "10 ticks in 10 s" [ $(($(stat ticks) - ticks)) -eq 10 ]
check "none missed" [ "$(stat missed_ticks)" -eq 0 ]
check "iotimer cannot go while it is used" refuses rmmod iotimer
put sim_dev.0 $driver/unbind
sleep 2
ticks=$(stat ticks)
sleep 100
check "no device bound: no tick" [ "$(stat ticks)" -eq "$ticks" ]
put sim_dev.0 $driver/bind

exec 3<>/dev/sim_dev0
check "sim_dev cannot go while a node is open" refuses rmmod sim_dev
check "and works on" put x /dev/sim_dev0
exec 3>&-
check "unloads" unload

for bad in devices=0 devices=257 timeout=0 timeout=3601 reset_timeout=0 max_retries=101 \
	latency_ms=600001 queue_depth=0 timeout=x; do
	check "sim_dev refuses $bad" refuses insmod /root/sim_dev.ko $bad
done
check "iotimer refuses budget_us=0" refuses insmod /root/iotimer.ko budget_us=0
check "nothing stayed behind" [ ! -e $driver ]

check "loads with parameters" load devices=3 timeout=7 reset_timeout=8 max_retries=9 latency_ms=10 queue_depth=1
check "timeout" [ "$(attr timeout 2)" = 7 ]
check "reset_timeout" [ "$(attr reset_timeout 2)" = 8 ]
check "max_retries" [ "$(attr max_retries 2)" = 9 ]
check "latency_ms" grep -qx "latency_ms: 10" /dev/sim_dev2_ctl
check "six nodes" [ "$(find /dev -name 'sim_dev*' | wc -l)" -eq 6 ]
check "each has an interrupt of its own" [ "$(grep -c 'sim_dev\.' /proc/interrupts)" -eq 3 ]
check "unloads" unload

check "loads" load
check "measuring can be switched off while it is off" put 0 /sys/kernel/debug/iotimer/measure
check "and on" put 1 /sys/kernel/debug/iotimer/measure
sleep 2
check "unloads while it measures" unload

# Many devices in trouble at once: each line is rate-limited.
few() { n=$(grep -c "$1" /tmp/klog); [ "$n" -gt 0 ] && [ "$n" -le "$2" ]; }
check "loads with 32 devices" load devices=32 timeout=1 reset_timeout=1 max_retries=1
klog_start
for trouble in 'hang 2' 'hang\nreset-hang'; do
	for i in $(seq 0 31); do
		# shellcheck disable=SC2059 # two lines
		printf "$trouble" >/dev/sim_dev"$i"_ctl
		(echo x >/dev/sim_dev"$i") 2>/dev/null &
	done
	wait
	sleep 10
done
klog_end
failed_requests=0
for i in $(seq 0 31); do
	failed_requests=$((failed_requests + $(attr failed "$i")))
done
check "64 requests failed" [ $failed_requests -eq 64 ]
check "of 96 time-outs, 30 lines at most" few "timed out" 30
check "of 32 retries, 10" few "retrying" 10
check "of 32 given up, 10" few "giving up" 10
check "of 32 failed resets, 10" few "reset failed" 10
check "unloads" unload

# Loaded and unloaded again and again, with the device in all kinds of trouble.
rounds=0
for i in $(seq 20); do
	load devices=2 || break
	for trouble in "hang" "late 500" "spurious 1000000" "dead"; do
		put "$trouble" "/dev/sim_dev$((i % 2))_ctl"
	done
	(echo x >/dev/sim_dev0) 2>/dev/null &
	(echo x >/dev/sim_dev1) 2>/dev/null &
	sleep "$((i % 4)).$i"
	put sim_dev.0 $driver/unbind
	put sim_dev.1 $driver/unbind
	wait
	unload || break
	rounds=$((rounds + 1))
done
check "20 times loaded, in trouble, unbound, unloaded" [ $rounds -eq 20 ]
check "all of it gone" [ ! -e /sys/module/sim_dev ]
check "the nodes too" [ ! -e /dev/sim_dev0 ]
summary
