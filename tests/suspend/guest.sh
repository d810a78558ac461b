# SPDX-License-Identifier: GPL-2.0-only
# Timers that run while the system suspends and resumes, in virtual time: really, to idle
# and back, and up to each point at which the kernel's own tests turn back.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

count=/sys/module/iotimer_count/parameters
HZ=250	# of the stock kernels
put() { echo "$1" >"$2"; }

# now NAME: a figure of the report.
now() { sed "s/.*\\b$1=\([0-9]*\).*/\1/" $count/report; }

# settle: go to the middle between two ticks.
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

# end: note what passed in the meantime, let the timers run on, stop them, and take the figures.
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

# called_each_tick TEXT: each timer, once, and a second is called or missed.
called_each_tick() {
	check "$1: the clock went on by $seconds s, jiffies by $jiffies s" [ "$ticks" -ge 4 ]
	check "$1: in $ticks ticks each of $timers timers was called $min_calls times" \
		[ "$min_calls $max_calls" = "$ticks $ticks" ]
	check "$1: once in each tick" [ "$irregular" -eq 0 ]
	check "$1: the seconds without a call are the $missed ticks counted as missed" [ "$miscounted" -eq 0 ]
}

# on_the_grid TEXT: none late, so none sooner after the one before.
on_the_grid() {
	check "$1: two calls are $gap jiffies apart or more" [ "$gap" -ge $HZ ]
	check "$1: all are on the grid" [ "$off_grid" -eq 0 ]
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
check "suspends to idle, and is woken" put freeze /sys/power/state
end
check "after 12 s" [ "$seconds" -ge 12 ]
check "really" grep -q 'suspend exit' /tmp/klog
called_each_tick "suspend to idle"
on_the_grid "suspend to idle"

for level in freezer platform; do
	begin
	put $level /sys/power/pm_test
	check "suspends to idle up to $level, and resumes" put freeze /sys/power/state
	put none /sys/power/pm_test
	end
	check "after 5 s" [ "$seconds" -ge 5 ]
	check "as a test" grep -q 'suspend debug: Waiting' /tmp/klog
	called_each_tick "$level"
	on_the_grid "$level"
done

# The core, and the clock with it, is suspended for the sake of memory only.
begin
put deep /sys/power/mem_sleep
put core /sys/power/pm_test
check "suspends to RAM up to core, and resumes" put mem /sys/power/state
put none /sys/power/pm_test
end
check "as a test" grep -q 'suspend debug: Waiting' /tmp/klog
check "while jiffies stand still" [ "$jiffies" -le 1 ]
called_each_tick "core"
on_the_grid "core"

# Jiffies jump.
begin
put 3000 $count/stall_ms
end
check "a CPU that stands still for 3 s" [ "$seconds" -ge 3 ]
called_each_tick "standing still"
check "standing still: 2 ticks of the 3 are missed" [ "$missed" -eq 2 ]
check "standing still: one call is late, and no other" [ "$off_grid" -eq 1 ]
check "standing still: no burst, two calls are $gap jiffies apart or more" [ "$gap" -gt 10 ]

for module in iotimer_count iotimer_wake iotimer; do
	check "$module.ko goes" rmmod $module
done
all_passed
