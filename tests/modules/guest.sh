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

# wait_write COMMAND: have the device do one write that the command strikes.
wait_write() {
	echo "$1" >/dev/sim_dev0_ctl
	echo x >/dev/sim_dev0
}

put 3600 $sysfs/sim_dev.0/timeout
wait_write hang 2>/dev/null &
sleep 2
ticks=$(stat ticks)
sleep 10
check "a device is busy: 10 ticks in 10 s" [ $(($(stat ticks) - ticks)) -eq 10 ]
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

# Rest: while no device has anything to do, the modules have no tick, no timer, no interrupt.

# interrupts: of the local timer, on all CPUs.
interrupts() { awk '$1 == "LOC:" { for (i = 2; i ~ /^[0-9]+$/ && $i ~ /^[0-9]+$/; i++) n += $i } END { print n }' /proc/interrupts; }

# in_100_s: how many of them come in 100 s of idleness.
in_100_s() {
	interrupts=$(interrupts)
	sleep 100
	echo $(($(interrupts) - interrupts))
}

# ours SECONDS: what of ours a trace of so many seconds shows: timers, interrupts, work.
ours() {
	echo >$tracefs/trace
	sleep "$1"
	grep -E 'iotimer|sim_|function=(tick|resume)\b' $tracefs/trace
}

sleep 5
without=$(in_100_s)
check "loads 4 devices" load devices=4
for i in 0 1 2 3; do
	put 1 $sysfs/sim_dev.$i/timeout
	put hang /dev/sim_dev${i}_ctl
	put x /dev/sim_dev$i
done
sleep 3
for event in timer/timer_start timer/timer_expire_entry timer/hrtimer_start timer/hrtimer_expire_entry \
	irq/irq_handler_entry workqueue/workqueue_execute_start sched/sched_wakeup; do
	put 1 $tracefs/events/$event/enable
done
put 1 $tracefs/tracing_on
ticks=$(stat ticks)
wakeups=$(stat wakeups)
check "4 devices at rest: no timer, interrupt or thread of ours in 100 s" refuses ours 100
check "and no tick" [ "$(stat ticks) $(stat wakeups)" = "$ticks $wakeups" ]
put x /dev/sim_dev0
check "such a trace shows one that works" quietly ours 2
for event in timer irq workqueue sched; do
	put 0 $tracefs/events/$event/enable
done
sleep 3
with=$(in_100_s)
check "interrupts of the timer: $with in 100 s, $without without the modules" [ "$with" -le $((without + 10)) ]

# What begins after a rest is timed from its beginning: more than 3 s, 4 s at most.
exact=0
put 3 $sysfs/sim_dev.0/timeout
for phase in 0 1 2 3 4 5 6 7 8 9; do
	sleep "7.$phase"
	klog_start
	wait_write hang
	klog_end
	took=$(sed -n 's/.*timed out after \([0-9.]*\) s.*/\1/p' /tmp/klog)
	took=$(ms "${took:-0}")
	if [ "$took" -gt 3000 ] && [ "$took" -le $((4010 + ${SLACK_MS:-0})) ]; then
		exact=$((exact + 1))
	else
		echo "    after $took ms"
	fi
done
check "10 operations that hang after a rest time out after more than 3 s, 4 at most" [ $exact -eq 10 ]
check "unloads" unload

# The log is written with interrupts on, so not under a lock that the handler takes: what calls
# the kernel's functions for it, and the flag 'd' or 'D' for interrupts off.
log_functions='_dev_info _dev_warn _dev_err'
if put "$log_functions" $tracefs/set_ftrace_filter 2>/dev/null; then
	check "loads" load timeout=1 reset_timeout=1 max_retries=1
	echo >$tracefs/trace
	put function $tracefs/current_tracer
	klog_start
	for trouble in 'hang' 'hang 2' 'hang\nreset-hang' 'lost' 'hang\nreset-lost' 'hang\nreset-latency 1000'; do
		# shellcheck disable=SC2059 # two lines
		printf "$trouble" >/dev/sim_dev0_ctl
		put x /dev/sim_dev0 2>/dev/null
	done
	# Killed, with the operation under way: once the reset goes well, once it does not.
	for trouble in 'reset-latency 5\nhang' 'hang\nreset-hang'; do
		# shellcheck disable=SC2059 # two lines
		printf "$trouble" >/dev/sim_dev0_ctl
		sh -c 'echo x >/dev/sim_dev0' &
		sleep 0.1
		kill -9 $!
		wait
		sleep 5
	done
	klog_end
	grep '_dev_.*<-sim_' $tracefs/trace >/tmp/lines
	put nop $tracefs/current_tracer
	put '' $tracefs/set_ftrace_filter
	for line in 'timed out after' 'retrying, attempt' 'giving up' 'reset failed.*with -EIO' 'done, but no interrupt' \
		'reset, but no interrupt' 'complete.*the request was cancelled' 'failed.*the request was cancelled'; do
		check "the log has a line '$line'" grep -q "$line" /tmp/klog
	done
	check "each seen by the tracer: $(wc -l </tmp/lines)" \
		[ "$(wc -l </tmp/lines)" -eq "$(grep -c 'sim_dev.0: ' /tmp/klog)" ]
	check "none with interrupts off" refuses grep -E '\] [dD]' /tmp/lines
	check "unloads" unload
else
	echo "    skipped: interrupts on in the log: this kernel cannot trace functions"
fi

# A device of somebody else's has the name of one that we would make. Of that the kernel writes a
# trace into its log, which is kept from the console here.
clash_begins() {
	klog_start
	dmesg -n 1
}
clash_ends() {
	dmesg -n 8
	dmesg -c >/tmp/klog
	check "the kernel complains of the name, and of nothing else" \
		[ "$(grep -cE 'Call Trace|WARNING|BUG|Oops' /tmp/klog)" -eq "$(grep -c 'cannot create duplicate' /tmp/klog)" ]
}
foreign() { insmod /root/platform_foreign.ko "$@"; }
rest_of_us() { [ -e $driver ] || [ -e /sys/class/sim_dev ] || grep -q sim_dev /proc/devices || ls /dev/sim_dev* 2>/dev/null; }

insmod /root/iotimer.ko
check "somebody else's sim_dev.0" foreign name=sim_dev id=0
clash_begins
check "sim_dev does not load" refuses insmod /root/sim_dev.ko devices=4
# A newer kernel turns a module's EEXIST into EBUSY.
check "and says why" eval 'says "File exists" || says "resource busy"'
clash_ends
check "nothing stays behind" refuses rest_of_us
rmmod platform_foreign
check "somebody else's sim_dev.200" foreign name=sim_dev id=200
# A program opens the first node as soon as it is there.
(
	while [ ! -c /dev/sim_dev0 ]; do
		:
	done
	exec 3<>/dev/sim_dev0
	grep -q '^sim_dev .*Loading' /proc/modules && echo opened
	sleep 20
	echo y >&3
	head -c 2 <&3
) >/tmp/opener &
clash_begins
check "sim_dev loads" insmod /root/sim_dev.ko devices=256
clash_ends
check "with 200 devices" [ "$(find $driver/ -name 'sim_dev.*' | wc -l)" -eq 200 ]
check "and says so" klog_says "made 200 devices of 256"
check "sim_dev cannot go while the first is open" refuses rmmod sim_dev
wait
check "which was opened while it loaded, and works" [ "$(cat /tmp/opener)" = "opened
y" ]
check "the last one works" put x /dev/sim_dev199
check "the other's device was left alone" [ ! -e $sysfs/sim_dev.200/driver ]
check "sim_dev goes" rmmod sim_dev
check "nothing stays behind" refuses rest_of_us
rmmod platform_foreign

# Bound by force.
insmod /root/sim_dev.ko
for data in 0 1; do
	check "a device of another kind, platform data: $data" foreign name=other id=7 interrupt=1 data=$data
	put sim_dev $sysfs/other.7/driver_override
	check "is refused" refuses put other.7 $driver/bind
	check "as no such device" says "No such device"
	rmmod platform_foreign
done
check "one that has our name, but no platform data" foreign name=sim_dev id=7 interrupt=1
check "has no driver" [ ! -e $sysfs/sim_dev.7/driver ]
rmmod platform_foreign
check "ours works on" put x /dev/sim_dev0
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
all_passed
