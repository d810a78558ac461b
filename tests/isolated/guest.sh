# SPDX-License-Identifier: GPL-2.0-only
# On which CPU routines run: not on one that is kept free of others' work, whatever
# CPU a timer is started on, and whatever CPU goes off line. In real time.
#
# ISOLATED says how: isolcpus or nohz_full, of CPU 1, with CPUs 0 and 2 for the rest; or
# both, isolcpus of CPU 0 and nohz_full of CPU 1, with CPUs 2 and 3 for the rest. The timers
# of a CPU that goes off line move to the one that takes it off line: since 7.2 the one
# that is told to, before that the first that isolcpus does not isolate. So there it takes
# both to have them move to an isolated one.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

cpu=/sys/devices/system/cpu
hog=/sys/module/iotimer_hog/parameters
count=/sys/module/iotimer_count/parameters
put() { echo "$1" >"$2"; }

# on CPU COMMAND...: run a command on a CPU.
on() {
	mask=$((1 << $1))
	shift
	taskset $mask "$@"
}
# write_on CPU TEXT FILE: write on a CPU.
write_on() { on "$1" sh -c "echo $2 >$3"; }
# now NAME: a figure of what the timers recorded.
now() { sed "s/.*\\b$1=\([0-9]*\).*/\1/" $count/report; }

# record: the engine's events, and the expiry of its timers, from now on.
record() {
	echo 0 >$tracefs/tracing_on
	echo >$tracefs/trace
	for event in iotimer/iotimer_expire_entry iotimer/iotimer_tick timer/timer_expire_entry timer/hrtimer_expire_entry; do
		echo 1 >$tracefs/events/$event/enable
	done
	echo 1 >$tracefs/tracing_on
}
# recorded: what was, in /tmp/trace, as lines of CPU and event.
recorded() {
	echo 0 >$tracefs/tracing_on
	sed -n 's/^[^[]*\[0*\([0-9][0-9]*\)\] .* \(iotimer_expire_entry\|iotimer_tick\|h\?r\?timer_expire_entry\): /\1 \2 /p' \
		$tracefs/trace | grep -E 'iotimer_|function=(timer_expired|tick_expired|resume)' >/tmp/trace
}
# routines: on which CPUs they ran, and how often.
routines() { awk '$2 == "iotimer_expire_entry" { n[$1]++ } END { for (c in n) { printf "%s%d on CPU %d", comma, n[c], c; comma = ", " } }' /tmp/trace; }
# only_on CPU CPU: did all run there?
only_on() { awk -v a="$1" -v b="$2" '$2 == "iotimer_expire_entry" { n++; bad += $1 != a && $1 != b } END { exit !n || bad }' /tmp/trace; }
# last_on CPU: did the last one?
last_on() { [ "$(awk '$2 == "iotimer_expire_entry" { c = $1 } END { print c }' /tmp/trace)" = "$1" ]; }
# visits: how often the tick came to an isolated CPU
visits() { awk -v a="$dies" -v b="$rest" '$2 ~ /^h?r?timer_expire_entry/ && $1 != a && $1 != b { n++ } END { print n + 0 }' /tmp/trace; }
# divided: ticks that began on one CPU and went on on another
divided() {
	awk '$2 == "iotimer_expire_entry" { if (cpu != "" && cpu != $1) moved = 1; cpu = $1 }
		$2 == "iotimer_tick" { n += moved; moved = 0; cpu = "" }
		END { print n + 0 }' /tmp/trace
}

# idle: stop all timers, and wait until the tick no longer comes.
idle() {
	put 0 $hog/enabled
	put 0 $count/enabled
	for _ in $(seq 20); do
		ticks=$(now ticks)
		sleep 1.2
		[ "$(now ticks)" != "$ticks" ] || break
	done
}

# until_tick: wait for the next one, which may be late on a busy machine.
until_tick() {
	ticks=$(now ticks)
	for _ in $(seq 1000); do
		[ "$(now ticks)" = "$ticks" ] || break
		usleep 10000
	done
}

# once_a_second: from a timer's first call to its last, as many ticks came or were missed as
# seconds passed. Each is late by less than a second.
once_a_second() {
	seconds=$((($(now calls) - 1 + $(now span_missed)) * HZ))
	[ "$(now calls)" -gt 2 ] && [ $seconds -gt $(($(now span) - 2 * HZ)) ] && [ $seconds -lt $(($(now span) + 2 * HZ)) ]
}

# each_tick: each timer was called once in each tick; the last one may have been under way
# when they were stopped.
each_tick() {
	min=$(now min_calls)
	max=$(now max_calls)
	[ "$min" -gt 0 ] && [ $((max - min)) -le 1 ] && [ $(($(now ticks) - max)) -le 1 ] && [ "$(now irregular)" -eq 0 ]
}

# lose TEXT: with the tick on CPU $dies, take that off line from CPU 1 at some moment; calls
# go on, on CPU $rest.
lose() {
	idle
	record
	write_on "$dies" 1 $count/enabled
	until_tick
	check "$1: the CPU goes off line" write_on 1 0 "$cpu/cpu$dies/online"
	sleep 2
	until_tick
	usleep 800000
	put 0 $count/enabled
	recorded
	check "$1: routines run where they may ($(routines))" only_on "$dies" "$rest"
	check "$1: at last on CPU $rest" last_on "$rest"
	check "$1: once a second ($(now calls) ticks, and $(now span_missed) missed, in $(now span) jiffies)" once_a_second
	check "$1: each timer was called once a tick, $(now max_calls) times" each_tick
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

# Started on CPU 1, which is busy: else the timer code would choose another one itself.
record
on 1 sh -c "echo 1 >$hog/enabled; while :; do :; done" &
sleep 2
write_on "$rest" 1 $count/enabled
sleep 4
kill $!
put 0 $count/enabled
put 0 $hog/enabled
recorded
check "started on an isolated CPU: routines run on another one ($(routines))" only_on "$dies" "$rest"
check "each timer was called once a tick, $(now max_calls) times" each_tick

lose "lost between ticks"
! $by_way || check "the tick came to an isolated CPU, $(visits) times, and moved on" [ "$(visits)" -ge 1 ]

# A tick is 20 steps of 32 ms and as many pauses of a jiffy. A CPU can be lost in a pause
# only, and most of a second is in a tick.
put 1000 $count/us
put 1 /sys/module/iotimer/parameters/budget_us
if [ "$ISOLATED" = both ]; then
	# It takes luck to lose the CPU in a pause: until it has happened.
	for round in $(seq 20); do
		lose "lost in a walk, $round"
		[ "$(divided)" -eq 0 ] || break
	done
	check "a walk went on on another CPU" [ "$(divided)" -ge 1 ]
	check "by way of an isolated one, $(visits) times" [ "$(visits)" -ge 1 ]
else
	put 500 $count/us	# all this is on CPU 0 at last
	lose "lost at some moment of a walk"
fi

for module in iotimer_count iotimer_hog iotimer; do
	check "$module.ko goes" rmmod $module
done
all_passed
