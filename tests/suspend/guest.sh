# SPDX-License-Identifier: GPL-2.0-only
# Timers that run while the system suspends and resumes, in virtual time: suspend to idle for a
# while, and suspend up to each level of pm_test, at which the kernel turns back after 5 s.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

count=/sys/module/iotimer_count/parameters
HZ=250	# of the stock kernels
# now NAME: print a figure of iotimer_count's report.
now() { sed "s/.*\\b$1=\([0-9]*\).*/\1/" $count/report; }

# settle: wait for the middle between two ticks.
settle() {
	ticks=$(now ticks)
	for _ in $(seq 100); do
		[ "$(now ticks)" = "$ticks" ] || break
		usleep 20000
	done
	usleep 400000
}

# begin: start the timers, and let them run for a while.
begin() {
	put 1 $count/enabled
	settle
	sleep 2
	klog_start
	began=$(uptime_ms)
	jiffies=$(now jiffies)
}

# end: note how much time has passed, let the timers run on, stop them, and take the figures.
end() {
	seconds=$((($(uptime_ms) - began + 500) / 1000))
	jiffies=$((($(now jiffies) - jiffies + HZ / 2) / HZ))
	sleep 2
	settle
	put 0 $count/enabled
	dmesg >/tmp/klog
	ticks=$(now ticks)
	missed=$(now missed)
	min_calls=$(now min_calls)
	max_calls=$(now max_calls)
	gap=$(now gap)
	off_grid=$(now off_grid)
	irregular=$(now irregular)
	miscounted=$(now miscounted)
}

# P2, P11: each timer is called once in each tick, across suspend.
# called_each_tick TEXT: was each timer called once in each tick, and is each second a tick or
# counted as missed?
called_each_tick() {
	check "at least 4 ticks come ($1: the clock went on by $seconds s, jiffies by $jiffies s)" [ "$ticks" -ge 4 ]
	check "each timer is called as often as there are ticks ($1: $timers timers, $ticks ticks, $min_calls calls)" \
		[ "$min_calls $max_calls" = "$ticks $ticks" ]
	check "each timer is called once in each tick ($1)" [ "$irregular" -eq 0 ]
	check "each second without a call is counted as a missed tick ($1: $missed ticks)" [ "$miscounted" -eq 0 ]
}

# P2, P11: ticks stay on their grid, across suspend.
# on_the_grid TEXT: is no call late? A late call would be followed too soon by the next one.
on_the_grid() {
	check "two calls of a timer are at least a second apart ($1: $gap jiffies)" [ "$gap" -ge $HZ ]
	check "all calls are on the grid ($1)" [ "$off_grid" -eq 0 ]
}

check "iotimer.ko loads" insmod /root/iotimer.ko
check "iotimer_count.ko loads" insmod /root/iotimer_count.ko
check "iotimer_wake.ko loads" insmod /root/iotimer_wake.ko
timers=$(cat $count/timers)

begin
sleep 5
end
called_each_tick "awake"
on_the_grid "awake"

begin
put 12 /sys/module/iotimer_wake/parameters/seconds
check "the system suspends to idle and wakes up" put freeze /sys/power/state
end
check "the system was suspended to idle for 12 s" [ "$seconds" -ge 12 ]
check "the kernel log tells of the suspend to idle" grep -q 'suspend exit' /tmp/klog
called_each_tick "suspend to idle"
on_the_grid "suspend to idle"

for level in freezer platform; do
	begin
	put $level /sys/power/pm_test
	check "the system suspends to idle as a test and resumes (up to $level)" put freeze /sys/power/state
	put none /sys/power/pm_test
	end
	check "the suspend test took 5 s (up to $level)" [ "$seconds" -ge 5 ]
	check "the kernel log tells of the suspend test (up to $level)" grep -q 'suspend debug: Waiting' /tmp/klog
	called_each_tick "$level"
	on_the_grid "$level"
done

# The core, and the clock with it, is suspended only in a suspend to RAM.
begin
put deep /sys/power/mem_sleep
put core /sys/power/pm_test
check "the system suspends to RAM as a test and resumes (up to core)" put mem /sys/power/state
put none /sys/power/pm_test
end
check "the kernel log tells of the test of suspend to RAM" grep -q 'suspend debug: Waiting' /tmp/klog
check "jiffies stand still while the core is suspended" [ "$jiffies" -le 1 ]
called_each_tick "core"
on_the_grid "core"

# A CPU that stands still makes jiffies jump.
begin
put 3000 $count/stall_ms
end
check "a CPU stands still for 3 s" [ "$seconds" -ge 3 ]
called_each_tick "standing still"
# P2: a late tick causes no burst, and missed ticks are counted.
check "of the 3 s in which a CPU stands still, 2 ticks are missed" [ "$missed" -eq 2 ]
check "only one call is late after a CPU stood still" [ "$off_grid" -eq 1 ]
check "no burst of calls follows after a CPU stood still ($gap jiffies or more between two)" [ "$gap" -gt 10 ]

for module in iotimer_count iotimer_wake iotimer; do
	check "the module unloads ($module)" rmmod $module
done
all_passed
