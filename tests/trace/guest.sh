# SPDX-License-Identifier: GPL-2.0-only
# The trace events of both modules and the engine's files in debugfs: each event with its fields,
# in the order in which things happen.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

debug=/sys/kernel/debug/iotimer
hog=/sys/module/iotimer_hog/parameters
counting=/sys/module/iotimer_count/parameters

# events_on PATTERN...: drop what was recorded, and record these events from now on.
events_on() {
	echo 0 >$tracefs/tracing_on
	echo >$tracefs/trace
	for pattern; do echo 1 | tee "$tracefs/events/$pattern/enable" >/dev/null; done
	echo 1 >$tracefs/tracing_on
}

# events_off: stop recording, and write the events to /tmp/trace, without task, CPU and time.
events_off() {
	echo 0 >$tracefs/tracing_on
	for system in iotimer sim_dev; do
		[ ! -e $tracefs/events/$system ] || echo 0 >$tracefs/events/$system/enable
	done
	sed -n 's/.* \(\(iotimer\|sim_dev\)_[a-z_]*: .*\)/\1/p' $tracefs/trace >/tmp/trace
}

# only EVENT...: remove all other events from /tmp/trace.
only() {
	: >/tmp/wanted
	for event; do echo "^${event}: "; done >/tmp/wanted
	grep -f /tmp/wanted /tmp/trace >/tmp/some
	mv /tmp/some /tmp/trace
}

# traced: does /tmp/trace match stdin, line by line? On stdin, N matches any number, S a number of
# microseconds from 3 to 4 s, the time-out that the contract allows, and R one to 4.1 s: the same with
# the reset and the retry, of 5 ms each.
traced() {
	sed 's/[][]/\\&/g; s/\bN\b/-\\?[0-9]\\+/g; s/\bS\b/3[0-9]\\{6\\}/; s/\bR\b/\\(3[0-9]\\|40\\)[0-9]\\{5\\}/; s/^/^/; s/$/$/' >/tmp/expected
	[ "$(wc -l </tmp/expected)" -eq "$(wc -l </tmp/trace)" ] || { cat /tmp/trace; return 1; }
	line=0
	while read -r pattern; do
		line=$((line + 1))
		sed -n "${line}p" /tmp/trace | grep -q "$pattern" ||
			{ echo "line $line is not $pattern:"; cat /tmp/trace; return 1; }
	done </tmp/expected
}
# settle: wait for the middle between two ticks, so that N seconds have N ticks.
settle() {
	ticks=$(stat ticks)
	while [ "$(stat ticks)" = "$ticks" ]; do usleep 20000; done
	usleep 400000
}
count() { grep -c "$1" /tmp/trace; }
stat() { sed -n "s/^$1: //p" $debug/stats; }

check "iotimer.ko loads" insmod /root/iotimer.ko
check "tracefs has the events of iotimer" [ -d $tracefs/events/iotimer ]
put mono $tracefs/trace_clock
put 4096 $tracefs/buffer_size_kb

# Events of the engine

events_on iotimer
check "sim_dev.ko loads" insmod /root/sim_dev.ko
put hello /dev/sim_dev0
sleep 3
put sim_dev.0 $driver/unbind
sleep 3
events_off
# P5: the routine stops its own timer.
only iotimer_create iotimer_destroy iotimer_start iotimer_stop iotimer_expire_entry
check "events tell that a timer is created, started by an operation, stopped by its routine, destroyed" traced <<-E
	iotimer_create: dev=sim_dev.0 fn=sim_dev_watchdog [sim_dev]
	iotimer_start: dev=sim_dev.0 was_enabled=0
	iotimer_expire_entry: dev=sim_dev.0 fn=sim_dev_watchdog [sim_dev]
	iotimer_stop: dev=sim_dev.0 was_enabled=1
	iotimer_destroy: dev=sim_dev.0
E
put sim_dev.0 $driver/bind

check "iotimer_count.ko loads" insmod /root/iotimer_count.ko timers=1
check "iotimer_hog.ko loads" insmod /root/iotimer_hog.ko
events_on iotimer
put 0 $hog/enabled
put 1 $hog/enabled
put 1 $hog/enabled
put 0 $hog/enabled
events_off
only iotimer_start iotimer_stop
check "events tell whether the timer was enabled before a start or stop" traced <<-E
	iotimer_stop: dev=hog was_enabled=0
	iotimer_start: dev=hog was_enabled=0
	iotimer_start: dev=hog was_enabled=1
	iotimer_stop: dev=hog was_enabled=1
E

put 1 $counting/enabled
put 1 $hog/enabled
put 300 $hog/us
settle
events_on iotimer
sleep 2
events_off
# P2: each tick calls each routine once.
check "events tell of two ticks in 2 s, each with its routines and then its sum" traced <<-E
	iotimer_expire_entry: dev=count0 fn=count_routine [iotimer_count]
	iotimer_expire_exit: dev=count0 fn=count_routine [iotimer_count]
	iotimer_expire_entry: dev=hog fn=hog_routine [iotimer_hog]
	iotimer_expire_exit: dev=hog fn=hog_routine [iotimer_hog]
	iotimer_tick: calls=2 ns=N steps=1 late=N missed=0
	iotimer_expire_entry: dev=count0 fn=count_routine [iotimer_count]
	iotimer_expire_exit: dev=count0 fn=count_routine [iotimer_count]
	iotimer_expire_entry: dev=hog fn=hog_routine [iotimer_hog]
	iotimer_expire_exit: dev=hog fn=hog_routine [iotimer_hog]
	iotimer_tick: calls=2 ns=N steps=1 late=N missed=0
E
# The budget is 200 us, the routine takes 300 us, and the timer wheel is exact to a jiffy or two.
in_ns() { [ "$1" -gt 300000 ] && [ "$1" -lt 1000000 ]; }
sed -n 's/.* ns=\([0-9]*\).*/\1/p' /tmp/trace >/tmp/ns
while read -r ns; do
	check "the tick took as long as its routines and little more ($ns ns)" in_ns "$ns"
done </tmp/ns
# P2: ticks stay on their grid.
check "no tick is more than 2 jiffies late" refuses grep -q 'late=\([3-9]\|[0-9][0-9]\)' /tmp/trace

settle
events_on iotimer/iotimer_tick
sleep 2
events_off
# P2: a tick comes once a second.
check "the tick's event alone can be traced, twice in 2 s" traced <<-E
	iotimer_tick: calls=2 ns=N steps=1 late=N missed=0
	iotimer_tick: calls=2 ns=N steps=1 late=N missed=0
E

events_on iotimer/iotimer_overrun iotimer/iotimer_tick
put 2500000 $hog/us
sleep 1
put 0 $hog/us
sleep 5
events_off
only iotimer_overrun
# P2: a tick that is missed is skipped, and counted.
check "a routine of 2.5 s makes the next tick late and the one after it missed" traced <<-E
	iotimer_overrun: missed=1
E

# debugfs

check "debugfs lists the timers" [ "$(cat $debug/timers)" = "sim_dev.0 sim_dev_watchdog [sim_dev] disabled
count0 count_routine [iotimer_count] enabled
hog hog_routine [iotimer_hog] enabled" ]
put 0 $hog/enabled
check "the list shows that a timer was stopped" grep -qx 'hog hog_routine \[iotimer_hog\] disabled' $debug/timers
check "nothing is measured by default" [ "$(stat measuring) $(stat calls) $(stat longest_routine_ns)" = "0 0 0" ]
check "debugfs counts missed ticks" [ "$(stat missed_ticks)" = 1 ]
check "the file measure refuses 2" refuses put 2 $debug/measure
check "the file long_routine_us is 100 by default" [ "$(cat $debug/long_routine_us)" = 100 ]

put 1 $hog/enabled
put 90 $hog/us
klog_start
settle
put 1 $debug/measure
sleep 10
check "the file measure says that measuring is on" [ "$(cat $debug/measure)" = 1 ]
check "ten ticks are measured in 10 s" [ "$(stat measured_ticks)" -eq 10 ]
check "twenty calls are measured in 10 s" [ "$(stat calls)" -eq 20 ]
check "debugfs names the longest routine" [ "$(stat longest_routine)" = "hog_routine [iotimer_hog] hog" ]
between() { [ "$1" -ge "$2" ] && [ "$1" -lt "$3" ]; }
check "the longest routine took 90 us and little more" between "$(stat longest_routine_ns)" 90000 99000
check "the longest tick took no less than the longest routine" between "$(stat longest_tick_ns)" "$(stat longest_routine_ns)" 1000000
check "routines of 90 us do not count as too long" [ "$(stat long_routines)" -eq 0 ]
dmesg -c | grep 'took' >/tmp/klog
check "no routine of 90 us is named in the log" [ ! -s /tmp/klog ]
settle
put 150 $hog/us
sleep 100
dmesg -c | grep 'took' >/tmp/klog
check "a hundred routines of 150 us count as too long" [ "$(stat long_routines)" -eq 100 ]
check "the log names a routine of 150 us" grep -q 'hog: the once-a-second routine hog_routine \[iotimer_hog\] took 1[45][0-9] us, more than 100' /tmp/klog
settle
put 200 $debug/long_routine_us
long=$(stat long_routines)
sleep 10
check "with a limit of 200 us, routines of 150 us do not count as too long" [ "$(stat long_routines)" -eq "$long" ]
put 0 $debug/measure
measured=$(stat measured_ticks)
put 50000 $hog/us
sleep 10
check "nothing is measured after measuring was switched off" [ "$(stat measured_ticks) $(stat measuring)" = "$measured 0" ]
put 0 $hog/us
settle
put 1 $debug/measure
check "measuring starts from zero when it is switched on again" [ "$(stat measured_ticks) $(stat calls) $(stat long_routines)" = "0 0 0" ]

put 0 $hog/us
put 0 $debug/measure

# The list of 256 timers is longer than a page, so it is read in pieces. With the hog's, they are
# also more than one batch.
rmmod sim_dev
rmmod iotimer_count
insmod /root/iotimer_count.ko timers=256
put 1 $counting/enabled
check "all of 256 timers are listed" [ "$(grep -c 'count_routine \[iotimer_count\] enabled' $debug/timers)" -eq 256 ]
check "each of 256 timers is listed once when the list is read in small pieces" [ "$(dd if=$debug/timers bs=37 2>/dev/null | sort -u | wc -l)" -eq 257 ]

# A routine of 10 ms uses up the budget, so the tick pauses, and ends a jiffy or more after it
# began. Measuring is switched right after the count of ticks changes: then a tick is under way.
tick_begins() {
	read -r _ ticks <$debug/stats
	now=$ticks
	while [ "$now" = "$ticks" ]; do
		read -r _ now <$debug/stats
	done
}
put 10000 $hog/us
sleep 2
tick_begins
echo 1 >$debug/measure
sleep 0.5
check "a tick under way when measuring begins is not measured" [ "$(stat measured_ticks) $(stat longest_tick_ns)" = "0 0" ]
sleep 1
check "the first whole tick after measuring began is measured" [ "$(stat measured_ticks) $(stat calls)" = "1 257" ]
tick_begins
echo 0 >$debug/measure
sleep 0.5
check "a tick under way when measuring ends is not measured" [ "$(stat measured_ticks) $(stat calls)" = "1 257" ]
put 0 $hog/us
settle
check "iotimer_hog.ko unloads" rmmod iotimer_hog

put 1 $debug/measure
put 1 /sys/module/iotimer/parameters/budget_us
settle
events_on iotimer/iotimer_tick iotimer/iotimer_pause
sleep 2
events_off
ticks=$(count 'iotimer_tick: calls=256 .* steps=5 ')
# P7: with a budget of 1 us the tick pauses after each batch, which is a word of the bitmap here:
# two words in each of two chunks, one word in a third chunk.
check "a tick of 256 timers has five steps when the budget is 1 us" [ "$ticks" -eq 2 ]
check "a tick of five steps has four pauses" [ "$(count iotimer_pause)" -eq 8 ]
put 0 $debug/long_routine_us
klog_start
put 1 $debug/measure
sleep 2
dmesg -c | grep 'took' >/tmp/klog
check "of 256 routines that take too long, 10 are named in the log" [ "$(wc -l </tmp/klog)" -eq 10 ]
put 200 /sys/module/iotimer/parameters/budget_us
put 0 $debug/measure
rmmod iotimer_count

# Events of the driver

check "sim_dev.ko loads again" insmod /root/sim_dev.ko
events_on sim_dev
put hello /dev/sim_dev0
events_off
check "events tell of a request that succeeds" traced <<-E
	sim_dev_submit: dev=sim_dev.0 request=1 len=6 nonblock=0 outstanding=1
	sim_dev_start_io: dev=sim_dev.0 request=1 tag=1 counter=4 slot=0
	sim_dev_interrupt: dev=sim_dev.0 cause=done tag=1 verdict=accepted slot=0
	sim_dev_complete: dev=sim_dev.0 request=1 result=6 us=N retries=0 cancelled=0
E
us=$(sed -n 's/.* us=\([0-9]*\) .*/\1/p' /tmp/trace)
check "the request took the device's 5 ms and little more ($us us)" between "$us" 5000 6000

events_on sim_dev
put hang /dev/sim_dev0_ctl
put hello /dev/sim_dev0
events_off
# The first tick may come within the first second or right at its end, so ticks are left out.
only sim_dev_submit sim_dev_start_io sim_dev_interrupt sim_dev_timeout sim_dev_reset sim_dev_retry sim_dev_complete
check "events tell of a hang, its reset and its retry" traced <<-E
	sim_dev_submit: dev=sim_dev.0 request=2 len=6 nonblock=0 outstanding=1
	sim_dev_start_io: dev=sim_dev.0 request=2 tag=2 counter=4 slot=0
	sim_dev_timeout: dev=sim_dev.0 request=2 what=operation us=S slot=0
	sim_dev_reset: dev=sim_dev.0 request=2 counter=2
	sim_dev_interrupt: dev=sim_dev.0 cause=reset tag=2 verdict=accepted slot=0
	sim_dev_retry: dev=sim_dev.0 request=2 attempt=1 max=3 slot=0
	sim_dev_start_io: dev=sim_dev.0 request=2 tag=3 counter=4 slot=0
	sim_dev_interrupt: dev=sim_dev.0 cause=done tag=3 verdict=accepted slot=0
	sim_dev_complete: dev=sim_dev.0 request=2 result=6 us=R retries=1 cancelled=0
E

events_on sim_dev
put 'hang
reset-hang' /dev/sim_dev0_ctl
check "a write fails when its reset hangs" refuses put hello /dev/sim_dev0
events_off
check "events tell of a reset that fails, with each tick" traced <<-E
	sim_dev_submit: dev=sim_dev.0 request=3 len=6 nonblock=0 outstanding=1
	sim_dev_start_io: dev=sim_dev.0 request=3 tag=4 counter=4 slot=0
	sim_dev_second: dev=sim_dev.0 counter=3
	sim_dev_second: dev=sim_dev.0 counter=2
	sim_dev_second: dev=sim_dev.0 counter=1
	sim_dev_second: dev=sim_dev.0 counter=2
	sim_dev_timeout: dev=sim_dev.0 request=3 what=operation us=S slot=0
	sim_dev_reset: dev=sim_dev.0 request=3 counter=2
	sim_dev_second: dev=sim_dev.0 counter=1
	sim_dev_second: dev=sim_dev.0 counter=-1
	sim_dev_timeout: dev=sim_dev.0 request=3 what=reset us=N slot=0
	sim_dev_complete: dev=sim_dev.0 request=3 result=-5 us=N retries=0 cancelled=0
E

events_on sim_dev
put lost /dev/sim_dev0_ctl
put hello /dev/sim_dev0
events_off
only sim_dev_start_io sim_dev_interrupt sim_dev_missed sim_dev_timeout sim_dev_complete
check "events tell of an operation's lost interrupt" traced <<-E
	sim_dev_start_io: dev=sim_dev.0 request=4 tag=N counter=4 slot=0
	sim_dev_missed: dev=sim_dev.0 request=4 what=operation slot=0
	sim_dev_complete: dev=sim_dev.0 request=4 result=6 us=S retries=0 cancelled=0
E

events_on sim_dev
put 'hang
reset-lost' /dev/sim_dev0_ctl
put hello /dev/sim_dev0
events_off
only sim_dev_missed sim_dev_timeout sim_dev_retry
check "events tell of a reset's lost interrupt" traced <<-E
	sim_dev_timeout: dev=sim_dev.0 request=5 what=operation us=S slot=0
	sim_dev_missed: dev=sim_dev.0 request=5 what=reset slot=0
	sim_dev_retry: dev=sim_dev.0 request=5 attempt=1 max=3 slot=0
E

put 1 $sysfs/sim_dev.0/timeout
put 0 $sysfs/sim_dev.0/max_retries
events_on sim_dev
put hang /dev/sim_dev0_ctl
check "a write fails after its last retry" refuses put hello /dev/sim_dev0
put error /dev/sim_dev0_ctl
check "a write fails when the device reports an error" refuses put hello /dev/sim_dev0
put spurious /dev/sim_dev0_ctl
sleep 1
put 'late 100' /dev/sim_dev0_ctl
put hello /dev/sim_dev0
events_off
only sim_dev_interrupt sim_dev_complete
check "events tell of a request given up, an error and a spurious interrupt" traced <<-E
	sim_dev_interrupt: dev=sim_dev.0 cause=reset tag=N verdict=accepted slot=0
	sim_dev_complete: dev=sim_dev.0 request=6 result=-110 us=N retries=0 cancelled=0
	sim_dev_interrupt: dev=sim_dev.0 cause=error tag=N verdict=accepted slot=0
	sim_dev_complete: dev=sim_dev.0 request=7 result=-5 us=N retries=0 cancelled=0
	sim_dev_interrupt: dev=sim_dev.0 cause=none tag=N verdict=spurious slot=0
	sim_dev_interrupt: dev=sim_dev.0 cause=done tag=N verdict=accepted slot=0
	sim_dev_complete: dev=sim_dev.0 request=8 result=6 us=N retries=0 cancelled=0
E

put 3 $sysfs/sim_dev.0/max_retries
events_on sim_dev
put 'late 2500' /dev/sim_dev0_ctl
put 'latency 2000' /dev/sim_dev0_ctl
put 3 $sysfs/sim_dev.0/timeout
put 1 $sysfs/sim_dev.0/timeout
put 'latency 5' /dev/sim_dev0_ctl
put hello /dev/sim_dev0
sleep 3
events_off
only sim_dev_interrupt sim_dev_retry sim_dev_complete
check "events tell of a late interrupt after the retry" traced <<-E
	sim_dev_interrupt: dev=sim_dev.0 cause=reset tag=N verdict=accepted slot=0
	sim_dev_retry: dev=sim_dev.0 request=9 attempt=1 max=3 slot=0
	sim_dev_interrupt: dev=sim_dev.0 cause=done tag=N verdict=accepted slot=0
	sim_dev_complete: dev=sim_dev.0 request=9 result=6 us=N retries=1 cancelled=0
	sim_dev_interrupt: dev=sim_dev.0 cause=done tag=N verdict=late slot=0
E

put hang /dev/sim_dev0_ctl
echo gone >/dev/sim_dev0 &
sleep 0.1
events_on sim_dev
kill -9 $!
wait 2>/dev/null
sleep 3
put hello /dev/sim_dev0
put hang /dev/sim_dev0_ctl
(echo orphan >/dev/sim_dev0) 2>/dev/null &
sleep 0.1
put sim_dev.0 $driver/unbind
wait
events_off
only sim_dev_complete
check "events tell of a cancelled request, the next request, and one that ends at unbind" traced <<-E
	sim_dev_complete: dev=sim_dev.0 request=10 result=-4 us=-1 retries=0 cancelled=1
	sim_dev_complete: dev=sim_dev.0 request=11 result=6 us=N retries=0 cancelled=0
	sim_dev_complete: dev=sim_dev.0 request=12 result=-19 us=N retries=0 cancelled=0
E

check "sim_dev and iotimer unload" rmmod sim_dev iotimer
check "iotimer's folder in debugfs is gone" [ ! -e $debug ]
all_passed
