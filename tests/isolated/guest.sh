# SPDX-License-Identifier: GPL-2.0-only
# Routines never run on an isolated CPU, whatever CPU a timer is started on and whatever CPU goes
# offline. In real time.
#
# ISOLATED says which CPUs are isolated, and how:
#
#   isolcpus    CPU 1 by isolcpus; CPUs 0 and 2 are left for routines
#   nohz_full   CPU 1 by nohz_full; CPUs 0 and 2 are left
#   both        CPU 0 by isolcpus and CPU 1 by nohz_full; CPUs 2 and 3 are left
#
# When a CPU goes offline, its timers move to the CPU that executes the hotplug code. Since 7.2 that is
# the CPU of the task that asked for it. Before 7.2 it is the first CPU that isolcpus does not
# isolate, so the timers move to an isolated CPU only with "both".
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

cpu=/sys/devices/system/cpu
hog=/sys/module/iotimer_hog/parameters
count=/sys/module/iotimer_count/parameters
# on CPU COMMAND...: run a command on a CPU.
on() {
	mask=$((1 << $1))
	shift
	taskset $mask "$@"
}
# write_on CPU TEXT FILE: write a text into a file, on a CPU.
write_on() { on "$1" sh -c "echo $2 >$3"; }
# now NAME: print a figure of iotimer_count's report.
now() { sed "s/.*\\b$1=\([0-9]*\).*/\1/" $count/report; }

# record: record the engine's events and the expiry of its timers from now on.
record() {
	echo 0 >$tracefs/tracing_on
	echo >$tracefs/trace
	for event in iotimer/iotimer_expire_entry iotimer/iotimer_tick timer/timer_expire_entry timer/hrtimer_expire_entry; do
		echo 1 >$tracefs/events/$event/enable
	done
	echo 1 >$tracefs/tracing_on
}
# recorded: stop, and write /tmp/trace: a CPU and an event in each line.
recorded() {
	echo 0 >$tracefs/tracing_on
	sed -n 's/^[^[]*\[0*\([0-9][0-9]*\)\] .* \(iotimer_expire_entry\|iotimer_tick\|h\?r\?timer_expire_entry\): /\1 \2 /p' \
		$tracefs/trace | grep -E 'iotimer_|function=(timer_expired|tick_expired|resume)' >/tmp/trace
}
# routines: print on which CPUs routines ran, and how often.
routines() { awk '$2 == "iotimer_expire_entry" { n[$1]++ } END { for (c in n) { printf "%s%d on CPU %d", comma, n[c], c; comma = ", " } }' /tmp/trace; }
# only_on CPU CPU: did all routines run on these CPUs?
only_on() { awk -v a="$1" -v b="$2" '$2 == "iotimer_expire_entry" { n++; bad += $1 != a && $1 != b } END { exit !n || bad }' /tmp/trace; }
# last_on CPU: did the last routine run on this CPU?
last_on() { [ "$(awk '$2 == "iotimer_expire_entry" { c = $1 } END { print c }' /tmp/trace)" = "$1" ]; }
# visits: count how often the tick's timers expired on an isolated CPU.
visits() { awk -v a="$dies" -v b="$rest" '$2 ~ /^h?r?timer_expire_entry/ && $1 != a && $1 != b { n++ } END { print n + 0 }' /tmp/trace; }
# divided: count the ticks that began on one CPU and continued on another.
divided() {
	awk '$2 == "iotimer_expire_entry" { if (cpu != "" && cpu != $1) moved = 1; cpu = $1 }
		$2 == "iotimer_tick" { n += moved; moved = 0; cpu = "" }
		END { print n + 0 }' /tmp/trace
}

# idle: stop all timers, and wait until no tick comes.
idle() {
	put 0 $hog/enabled
	put 0 $count/enabled
	for _ in $(seq 20); do
		ticks=$(now ticks)
		sleep 1.2
		[ "$(now ticks)" != "$ticks" ] || break
	done
}

# until_tick: wait for the next tick, which may be late on a busy machine.
until_tick() {
	ticks=$(now ticks)
	for _ in $(seq 1000); do
		[ "$(now ticks)" = "$ticks" ] || break
		usleep 10000
	done
}

# once_a_second: from a timer's first call to its last, did as many ticks come, or get missed, as
# seconds passed? Each may be late by less than a second.
once_a_second() {
	seconds=$((($(now calls) - 1 + $(now span_missed)) * HZ))
	[ "$(now calls)" -gt 2 ] && [ $seconds -gt $(($(now span) - 2 * HZ)) ] && [ $seconds -lt $(($(now span) + 2 * HZ)) ]
}

# each_tick: was each timer called once in each tick? The last tick may have been under way when
# the timers were stopped.
each_tick() {
	min=$(now min_calls)
	max=$(now max_calls)
	[ "$min" -gt 0 ] && [ $((max - min)) -le 1 ] && [ $(($(now ticks) - max)) -le 1 ] && [ "$(now irregular)" -eq 0 ]
}

# P11, P12: when a CPU goes offline, routines still run, on CPUs that are not isolated.
# lose TEXT: while the tick is on CPU $dies, take that CPU offline, by a task on CPU 1. Routines
# must continue on CPU $rest.
lose() {
	idle
	record
	write_on "$dies" 1 $count/enabled
	until_tick
	check "CPU $dies goes off line ($1)" write_on 1 0 "$cpu/cpu$dies/online"
	sleep 2
	until_tick
	usleep 800000
	put 0 $count/enabled
	recorded
	check "routines run only on CPUs that are not isolated ($(routines); $1)" only_on "$dies" "$rest"
	check "the last routine runs on CPU $rest ($1)" last_on "$rest"
	check "a tick comes once a second although a CPU goes off line ($(now calls) ticks, and $(now span_missed) missed, in $(now span) jiffies; $1)" once_a_second
	check "each timer is called once a tick although a CPU goes off line ($(now max_calls) times; $1)" each_tick
	put 1 "$cpu/cpu$dies/online"
}

isolcpus=$(cat $cpu/isolated 2>/dev/null)
nohz_full=$(cat $cpu/nohz_full 2>/dev/null)
case $ISOLATED in
isolcpus) wanted=1, have=$isolcpus, dies=2 rest=0 ;;
nohz_full) wanted=,1 have=,$nohz_full dies=2 rest=0 ;;
both) wanted=0,1 have=$isolcpus,$nohz_full dies=2 rest=3 ;;
esac
case $ISOLATED,$(uname -r) in
both,* | *,[7-9].*) by_way=true ;;
*) by_way=false ;;
esac
if [ "$have" != "$wanted" ]; then
	echo "ok 1 - $ISOLATED # SKIP this kernel cannot: isolated are '$isolcpus', nohz_full are '$nohz_full'"
	exit 0
fi

check "iotimer.ko loads" insmod /root/iotimer.ko
check "iotimer_hog.ko loads" insmod /root/iotimer_hog.ko us=100
check "iotimer_count.ko loads" insmod /root/iotimer_count.ko timers=640
echo 8192 >$tracefs/buffer_size_kb
jiffies=$(now jiffies)
up=$(uptime_ms)
sleep 2
HZ=$(((($(now jiffies) - jiffies) * 1000 / ($(uptime_ms) - up) + 25) / 50 * 50))

# Started on CPU 1, which is busy. For a start on an idle CPU the timer code itself would choose
# another CPU.
record
on 1 sh -c "echo 1 >$hog/enabled; while :; do :; done" &
sleep 2
write_on "$rest" 1 $count/enabled
sleep 4
kill $!
put 0 $count/enabled
put 0 $hog/enabled
recorded
# P12: a start on an isolated CPU does not make routines run there.
check "routines run on another CPU when a timer is started on an isolated one ($(routines))" only_on "$dies" "$rest"
check "each timer is called once a tick when one is started on an isolated CPU ($(now max_calls) times)" each_tick

lose "lost between ticks"
! $by_way || check "the tick's timers came to an isolated CPU and moved on ($(visits) times)" [ "$(visits)" -ge 1 ]

# A tick has 20 steps of 32 ms, with a pause of a jiffy after each, and so takes most of a second.
# A CPU can go offline in a pause only.
put 1000 $count/us
put 1 /sys/module/iotimer/parameters/budget_us
if [ "$ISOLATED" = both ]; then
	# Repeat until the CPU happens to go offline in a pause.
	for round in $(seq 20); do
		lose "lost in a walk, $round"
		[ "$(divided)" -eq 0 ] || break
	done
	check "a walk continued on another CPU" [ "$(divided)" -ge 1 ]
	check "the walk's timers came to an isolated CPU before that ($(visits) times)" [ "$(visits)" -ge 1 ]
else
	put 500 $count/us	# all routines end up on CPU 0
	lose "lost at some moment of a walk"
fi

for module in iotimer_count iotimer_hog iotimer; do
	check "the module unloads ($module)" rmmod $module
done
all_passed
