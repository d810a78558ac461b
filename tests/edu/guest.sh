# SPDX-License-Identifier: GPL-2.0-only
# Tests of examples/edu: a real driver of a real device (QEMU's), through its
# nodes, /proc/interrupts, debugfs and the device's own configuration space.
#
# The device computes in a thread of QEMU's, so in outside time, while the
# guest's time jumps as soon as nothing runs there. So something always runs
# (the hog), but where the device is to be too slow.
# MODES=0 is for a kernel without MSI.
# shellcheck shell=dash disable=SC2119 # there is one device, so `before` has no number
# shellcheck source=tests/lib.sh
. /root/lib.sh

drivers=/sys/bus/pci/drivers/edu
debug=/sys/kernel/debug/edu0
node=/dev/edu0
buffer=/dev/edu0_buf
size=4095	# of the buffer

# Seconds an operation and a reset may take. With the hog a second is a tenth of one
# outside, and on a busy machine the device's thread may have to wait for that long.
limit=3
reset_limit=10

# Where the others have sim_dev's.
before() { cat $debug/stats >/tmp/before; }
unchanged() { cmp -s $debug/stats /tmp/before; }
value() { sed -n "s/^$1: //p" "${2:-$debug/stats}"; }
grew() { [ "$(value "$1")" -eq $(($(value "$1" /tmp/before) + $2)) ]; }
klog_end() { dmesg -c | grep -w edu >/tmp/klog; }

put() { echo "$1" >"$2"; }
quietly() { "$@" >/tmp/out 2>&1; }
refuses() { ! quietly "$@"; }
# Nice, so that what waits for the device's next step has the CPU within the 100 ms that a copy takes.
hog() { (while :; do :; done) & hog=$!; renice -n 19 -p "$hog"; }
no_hog() { kill "$hog"; wait "$hog" 2>/dev/null; }

# compute N: prints N's factorial, or why there is none.
compute() {
	(
		exec 3<>$node || exit
		echo "$1" >&3 && cat <&3
	) 2>&1
}

# start N FILE [COMMAND]: compute in the background, by a process that writes to the node
# itself ($!), after COMMAND; its result goes to FILE.
start() {
	(
		eval "${3:-}"
		exec 3<>$node || exit
		echo "$1" >&3 && cat <&3
	) >"$2" 2>&1 &
}

# gave TEXT [FILE]: what a process in the background got.
gave() { [ "$(cat "${2:-/tmp/result}")" = "$1" ]; }

# ticks: how many the heartbeat has had.
ticks() { sed -n 's/^ticks: *//p' /sys/kernel/debug/iotimer/stats; }

# gives N TEXT: does computing N give that?
gives() {
	compute "$1" >/tmp/out
	says "$2"
}

# scene TITLE; what it checks of the kernel log and the statistics begins here.
scene() {
	printf '\n--- %s: %s (%s s)\n\n' "$mode" "$1" "$(cut -d ' ' -f 1 /proc/uptime)"
	before
	klog_start
}

# soon NAME AT_LEAST: wait until a statistic is there; without a process, which would take longer
# than a copy. /tmp/now has all statistics as they were then: the first read() takes them.
soon() {
	found=
	while [ -z "$found" ]; do
		while read -r key number; do
			[ "$key" != "$1:" ] || [ "$number" -lt "$2" ] || found=yes
			echo "$key $number"
		done <$debug/stats >/tmp/now
	done
}

# raise CAUSE STATISTIC: have the device interrupt, and wait until that is counted. On a
# pin the next cause may else come with this one.
raise() {
	counted=$(value "$2")
	put "$1" $debug/raise
	soon "$2" $((counted + 1))
}

# balanced: is each request accounted for?
balanced() {
	[ $(($(value completed) + $(value failed) + $(value cancelled) + $(value outstanding))) -eq "$(value submitted)" ]
}

# in_time TIMES TEXT: so many lines with TEXT in the log, all after more than $limit and at
# most $limit + 1 s? In real time ticks may come late, by up to $SLACK_MS.
in_time() {
	klog_end
	seconds=$(sed -n "s/.*$2 \\([0-9.]*\\) s.*/\\1/p" /tmp/klog)
	count=0
	for s in $seconds; do
		t=$(ms "$s")
		[ "$t" -ge $((limit * 1000 - ${SLACK_MS:-0})) ] && [ "$t" -le $((limit * 1000 + 1000 + ${SLACK_MS:-0})) ] || return 1
		count=$((count + 1))
	done
	[ $count -eq "$1" ]
}

detected_in_time() { in_time "$1" "timed out after"; }
found_in_time() { in_time "$1" "done, but no interrupt came in"; }

# interrupts: how many, on all CPUs.
interrupts() {
	awk '$NF == "edu0" { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts
}

is_of_type() { grep -w edu0 /proc/interrupts | grep -q "$1"; }

# factorials: are those of 0 to 20 right, in 32 bits?
factorials() {
	right=1 n=0
	while [ $n -le 20 ]; do
		[ "$(compute $n)" = $right ] || return 1
		n=$((n + 1))
		right=$((right * n & 0xffffffff))
	done
}

write_all() { dd bs=$size if=/tmp/in of=$buffer 2>/tmp/out; }
read_all() { dd bs=$size if=$buffer count=1 of=/tmp/back 2>/tmp/out; }
random() { head -c $size /dev/urandom >/tmp/in; }
same() { cmp -s /tmp/in /tmp/back; }
roundtrip() { random && write_all && read_all && same; }

# set_command VALUE: write the device's command register, in octal, at once: QEMU does not
# hear of a pin that is switched on by its second byte alone.
# shellcheck disable=SC2059 # the value is an escape
set_command() { printf "$1" | dd of="$pci/config" bs=2 seek=2 conv=notrunc 2>/dev/null; }
master_off() { set_command '\003\005'; }
master_on() { set_command '\007\005'; }
pin_off() { set_command '\007\005'; }
pin_on() { set_command '\007\001'; }
data_off() { set_command '\003\001'; }
registers_off() { if [ "$msi" = 1 ]; then set_command '\005\005'; else set_command '\005\001'; fi; }
registers_on() { if [ "$msi" = 1 ]; then set_command '\007\005'; else set_command '\007\001'; fi; }
interrupts_off() { if [ "$msi" = 1 ]; then master_off; else pin_off; fi; }
interrupts_on() { if [ "$msi" = 1 ]; then master_on; else pin_on; fi; }

# seconds OPERATION RESET: what they may take from now on.
seconds() {
	limit=$1
	put "$1" /sys/module/edu/parameters/timeout
	put "$2" /sys/module/edu/parameters/reset_timeout
}

load() {
	insmod /root/edu.ko "timeout=$limit" "reset_timeout=$reset_limit" "$@" || return
	pci=$(echo $drivers/0000:*)
	slot=${pci##*/}
}

# Bound, unbound, bound again.
unbind() { put "$slot" $drivers/unbind; }
bind() { put "$slot" $drivers/bind; }

basics() {
	scene "what it computes and copies"
	was=$(interrupts)
	check "the factorials of 0 to 20, modulo 2^32" factorials
	came=$(($(interrupts) - was))
	check "by 21 interrupts ($came)" [ $came -eq 21 ]
	check "of type $type" is_of_type "$type"
	check "$size random bytes come back" roundtrip
	came=$(($(interrupts) - was))
	check "by two more ($came)" [ $came -eq 23 ]
	printf hello | dd bs=5 seek=100 of=$buffer 2>/dev/null
	check "5 bytes at 500 come back" [ "$(dd bs=5 skip=100 count=1 if=$buffer 2>/dev/null)" = hello ]
	head -c 500 /tmp/in >/tmp/in.500
	check "those before are as they were" sh -c "dd bs=500 count=1 if=$buffer 2>/dev/null | cmp -s - /tmp/in.500"
	check "all by 26 requests" grew completed 26
	check "none late, none spurious" [ "$(value late)$(value spurious)" = 00 ]

	scene "bad input"
	for bad in '' x -1 ' 5' '5 6' 0x5 5x 00000000000000005; do
		check "'$bad' is no number" gives "$bad" "Invalid argument"
	done
	check "4294967296 is too large" gives 4294967296 "out of range"
	check "no result without a number" [ -z "$(cat $node)" ]
	check "no room after the end" refuses dd if=/tmp/in bs=1 count=1 seek=$size of=$buffer
	check "as it says" says "No space left"
	check "nothing to read after the end" [ -z "$(dd bs=1 count=1 skip=$size if=$buffer 2>/dev/null)" ]
	check "and the device has heard of none of it" unchanged

	scene "twenty at once"
	for n in $(seq 20); do
		compute "$((n % 13))" >"/tmp/result.$n" &
		results="$results $!"
	done
	# shellcheck disable=SC2086 # several processes
	wait $results
	results=
	right=0
	for n in $(seq 20); do
		[ "$(cat "/tmp/result.$n")" != "$(compute "$((n % 13))")" ] || right=$((right + 1))
	done
	check "all of their results are right" [ $right -eq 20 ]
	check "40 completed" grew completed 40
}

hangs() {
	scene "a computation that hangs once"
	put 1 $debug/hang
	check "gives the result all the same" gives 5 120
	check "after one time-out, in time" detected_in_time 1
	check "and one retry" grew retries 1
	check "completed once" grew completed 1
	check "the log tells of the retry" klog_says "retrying, attempt 1 of 3"

	scene "copies that hang once"
	random
	put 1 $debug/hang
	write_all
	put 1 $debug/hang
	read_all
	check "come back identical" same
	check "after two time-outs, in time" detected_in_time 2
	check "and two retries" grew retries 2

	scene "a computation that hangs every time"
	put 4 $debug/hang
	check "is given up" gives 5 "timed out"
	check "after four time-outs, in time" detected_in_time 4
	check "and three retries" grew retries 3
	check "as the log says" klog_says "giving up after 3 retries"
	check "failed once" grew failed 1
	check "the next one works" gives 6 720

	scene "the reset hangs as well"
	put 1 $debug/hang
	put 1 $debug/withhold_reset
	check "the request fails" gives 5 "Input/output error"
	check "after one time-out, in time" detected_in_time 1
	check "and a failed reset" grew resets_failed 1
	check "as the log says" klog_says "reset failed"
	check "without a retry" grew retries 0
	check "the next one works" gives 6 720
	put 1 $debug/hang
	put 1 $debug/withhold_reset
	random
	check "so does a copy fail" refuses write_all
	check "and the next one work" roundtrip
}

# The device has done it, and does not interrupt.
missed() {
	scene "a computation whose interrupt is missed"
	put 1 $debug/withhold
	check "gives the result" gives 5 120
	check "when the device is asked, in time" found_in_time 1
	check "which is counted" grew missed 1
	check "as no time-out" grew timeouts 0
	check "and nothing is reset" grew resets 0
	raise 1 late
	check "if it comes at last it is ignored" grew completed 1

	scene "copies whose interrupts are missed"
	random
	put 1 $debug/withhold
	write_all
	put 1 $debug/withhold
	read_all
	check "come back identical" same
	check "when the device is asked, in time" found_in_time 2
	check "which is counted" grew missed 2
	check "and nothing is reset" grew resets 0

	scene "the interrupt is missed after a retry"
	put 1 $debug/hang
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	put 1 $debug/withhold
	wait $writer
	check "gives the result" gave 120
	check "after one time-out, in time" detected_in_time 1
	check "and one retry" grew retries 1
	check "which is found to be done" grew missed 1
}

interrupts_at_the_wrong_time() {
	scene "an interrupt late, but in time"
	put 1 $debug/withhold
	compute 5 >/tmp/result &
	writer=$!
	sleep 0.5
	put 1 $debug/raise
	wait $writer
	check "completes its operation" [ "$(cat /tmp/result)" = 120 ]
	check "without a time-out" grew timeouts 0

	scene "a late interrupt during the reset"
	timeouts=$(value timeouts)
	put 1 $debug/hang
	put 1 $debug/withhold_reset
	compute 5 >/tmp/result &
	writer=$!
	soon timeouts $((timeouts + 1))
	sleep 0.1
	raise 1 late
	raise 0x100 late
	check "is ignored, each" grew late 2
	check "completes nothing" grew completed 0
	check "and does not end the reset" grew outstanding 1
	put 0x10000 $debug/raise
	wait $writer
	check "which its own does, late" grew retries 1
	check "so the request succeeds" [ "$(cat /tmp/result)" = 120 ]

	scene "a late interrupt after the retry has begun"
	random
	retries=$(value retries)
	late=$(value late)
	put 1 $debug/hang
	write_all &
	writer=$!
	soon retries $((retries + 1))
	put 0x100 $debug/raise
	soon late $((late + 1))
	check "is ignored" [ "$(value late /tmp/now)" -eq $(($(value late /tmp/before) + 1)) ]
	check "completes nothing" [ "$(value completed /tmp/now)" -eq "$(value completed /tmp/before)" ]
	wait $writer
	check "which its own does" grew completed 1
	check "and the data are those" read_all
	check "that were written" same

	scene "interrupts for no reason"
	raise 1 late
	raise 0x100 late
	raise 0x10000 spurious
	raise 2 spurious
	raise 0x80000000 spurious
	check "two of no operation" grew late 2
	check "three of nothing at all" grew spurious 3
	check "complete nothing" grew completed 0
	put 1 $debug/withhold
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	raise 0x10000 spurious
	check "the end of a reset that is none" grew spurious 4
	check "does not complete an operation" grew outstanding 1
	wait $writer
	check "which succeeds" [ "$(cat /tmp/result)" = 120 ]
}

# Nothing in the driver helps here: the bus loses the interrupt.
lost_on_the_bus() {
	scene "the bus loses the interrupt"
	interrupts_off
	check "the request succeeds" gives 5 120
	check "when the device is asked, in time" found_in_time 1
	check "and nothing is reset" grew resets 0

	scene "the bus loses all interrupts, a reset's too"
	put 1 $debug/hang
	check "the request succeeds" gives 5 120
	check "after one time-out, in time" detected_in_time 1
	check "a reset that is found to be over" klog_says "was reset, but no interrupt came"
	check "and one retry, which is found to be done" grew missed 2
	check "no reset failed" grew resets_failed 0
	interrupts_on
	check "the next one works" gives 6 720
	check "and no interrupt was left for it" [ "$(value late)$(value spurious)" = "$(value late /tmp/before)$(value spurious /tmp/before)" ]

	[ "$msi" = 0 ] || return 0
	scene "the bus loses the data"
	check "copies work" roundtrip
	data_off
	check "a read gets nothing" read_all
	check "of an earlier one either" cmp -s -n $size /dev/zero /tmp/back
	pin_on
	check "copies work again" roundtrip
}

# All registers read as ones, or, since this bus is so, as zeros.
gone() {
	scene "a device that is gone"
	random
	put 1 $debug/withhold
	began=$(uptime_ms)
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	put 1 $debug/unplugged
	wait $writer
	took=$(($(uptime_ms) - began))
	check "the request in flight fails" grep -q "Input/output error" /tmp/result
	check "within its time ($took ms)" [ $took -le $(((limit + reset_limit + 2) * 1000)) ]
	check "after one time-out, in time" detected_in_time 1
	check "and a failed reset" grew resets_failed 1
	check "all ones are not taken for done" grew missed 0
	check "nor for interrupts" [ "$(value late)$(value spurious)" = "$(value late /tmp/before)$(value spurious /tmp/before)" ]
	check "the next one fails" gives 5 "Input/output error"
	check "and a copy" refuses write_all
	check "as it says" says "Input/output error"
	put 0 $debug/unplugged
	check "when it is back, it works" gives 6 720
	check "and copies" roundtrip

	scene "a device that reads as zeros"
	put 1 $debug/withhold
	timeouts=$(value timeouts)
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	registers_off
	soon timeouts $((timeouts + 1))
	registers_on
	wait $writer
	check "is not taken for done" grew missed 0
	check "but reset when it is back" grew retries 1
	check "and gives the right result" gave 120

	scene "unbinding a device that is gone"
	put 1 $debug/withhold
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	put 1 $debug/unplugged
	began=$(uptime_ms)
	check "unbinds" unbind
	took=$(($(uptime_ms) - began))
	check "without waiting for it ($took ms)" [ $took -lt $((reset_limit * 1000)) ]
	wait $writer
	check "the request fails" grep -q "No such device" /tmp/result
	check "binds again" bind
	check "and works" gives 5 120
}

rest() {
	idle=100
	[ -z "${SLACK_MS:-}" ] || idle=10	# of real time
	no_hog
	sleep 2
	scene "nothing to do for $idle s"
	had=$(ticks)
	sleep $idle
	came=$(($(ticks) - had))
	hog
	check "no tick ($came)" [ $came -eq 0 ]
	put 1 $debug/hang
	check "then a hang is noticed" gives 5 120
	check "as exactly as any" detected_in_time 1
}

signals() {
	scene "signals that end nothing"
	put 1 $debug/withhold
	start 5 /tmp/result
	writer=$!
	soon outstanding 1
	kill -STOP $writer
	sleep 0.3
	kill -CONT $writer
	sleep 0.3
	check "stopped and continued: the request is outstanding" grew outstanding 1
	put 1 $debug/raise
	wait $writer
	check "and gives its result" gave 120

	rm -f /tmp/handled
	put 1 $debug/withhold
	start 5 /tmp/result 'trap "echo handled >/tmp/handled" USR1'
	writer=$!
	soon outstanding 1
	kill -USR1 $writer
	sleep 0.3
	check "a handler: the request is outstanding" grew outstanding 1
	put 1 $debug/raise
	wait $writer
	check "and gives its result" gave 120
	check "then the handler runs" [ -e /tmp/handled ]

	put 1 $debug/withhold
	start 5 /tmp/result
	writer=$!
	soon outstanding 1
	start 6 /tmp/result.2
	waiter=$!
	sleep 0.3
	kill -STOP $waiter
	sleep 0.3
	kill -CONT $waiter
	put 1 $debug/raise
	wait $writer $waiter
	check "stopped while it waits: both give their results" gave 120
	check "the one that waited, too" gave 720 /tmp/result.2
	check "each was done once" grew submitted 4
	check "none failed, none was cancelled" [ "$(value failed)$(value cancelled)" = "$(value failed /tmp/before)$(value cancelled /tmp/before)" ]

	scene "signals that end a process"
	for signal in TERM KILL; do
		put 1 $debug/hang
		start 5 /tmp/result
		writer=$!
		soon outstanding 1
		start 6 /tmp/result.2
		waiter=$!
		sleep 0.3
		began=$(uptime_ms)
		kill -$signal $writer $waiter
		wait $writer $waiter 2>/dev/null
		took=$(($(uptime_ms) - began))
		check "$signal: both end at once ($took ms)" [ $took -le 500 ]
		check "$signal: the request is outstanding until the device is done" grew outstanding 1
		check "$signal: the next one waits for that, and works" gives 6 720
	done
	check "two were cancelled" grew cancelled 2
	check "those that waited were not submitted" grew submitted 4
	check "two time-outs" grew timeouts 2
	check "none was retried" grew retries 0
	check "each request is accounted for" balanced
}

# sleeps HOW: suspend to idle, up to a point at which the kernel's own tests turn back, or
# really, for 12 s.
sleeps() {
	if [ "$1" = really ]; then
		put 12 /sys/module/iotimer_wake/parameters/seconds
		put freeze /sys/power/state
		return
	fi
	put "$1" /sys/power/pm_test
	put freeze /sys/power/state
	slept=$?
	put none /sys/power/pm_test
	return $slept
}

# two_done RESETS: both requests, each once, and nothing else.
two_done() {
	check "the request in flight gives its result" gave 120
	check "the one that waited, too" gave 720 /tmp/result.2
	check "both were completed" grew completed 2
	check "once" grew submitted 2
	check "none timed out" grew timeouts 0
	check "none was charged a retry" grew retries 0
	check "resets: $1" grew resets "$1"
	check "none failed" grew resets_failed 0
	check "each request is accounted for" balanced
}

suspending() {
	scene "programs are frozen, the device is not suspended"
	put 1 $debug/withhold
	start 5 /tmp/result
	writer=$!
	soon outstanding 1
	start 6 /tmp/result.2
	waiter=$!
	sleep 0.3
	check "suspends" sleeps freezer
	wait $writer $waiter
	two_done 0

	for how in platform really; do
		scene "suspended ($how) with an operation that does not end"
		put 1 $debug/hang
		start 5 /tmp/result
		writer=$!
		soon outstanding 1
		start 6 /tmp/result.2
		waiter=$!
		sleep 0.3
		check "suspends" sleeps $how
		wait $writer $waiter
		klog_end
		two_done 1
		check "as the log says" klog_says "starting over"
		check "with its interrupt" is_of_type "$type"
		check "copies work" roundtrip

		scene "suspended ($how) during a copy"
		random
		write_all &
		writer=$!
		soon outstanding 1
		check "suspends" sleeps $how
		wait $writer
		check "the copy is done" read_all
		check "and right" same
		check "none timed out" grew timeouts 0

		scene "suspended ($how) in a reset"
		timeouts=$(value timeouts)
		put 1 $debug/hang
		put 1 $debug/withhold_reset
		start 5 /tmp/result
		writer=$!
		soon timeouts $((timeouts + 1))
		check "suspends" sleeps $how
		wait $writer
		check "the request gives its result" gave 120
		check "after its one time-out" grew timeouts 1
		check "which it is charged with" grew retries 1
		check "after another reset" grew resets 2
		check "none failed" grew resets_failed 0

		scene "suspended ($how) with nothing to do"
		check "suspends" sleeps $how
		sleep 3
		check "one reset" grew resets 1
		check "of which no interrupt was missed" grew missed 0
		check "none failed" grew resets_failed 0
		check "a request works" gives 5 120
		check "and was the only one" grew submitted 1
	done

	scene "a request that comes during the reset at resume"
	put 1 $debug/withhold_reset
	check "suspends" sleeps platform
	start 5 /tmp/result
	writer=$!
	sleep 0.3
	check "waits for its end" grew submitted 0
	put 0x10000 $debug/raise
	wait $writer
	check "and gives its result" gave 120
	check "no reset failed" grew resets_failed 0

	scene "the reset at resume fails"
	put 1 $debug/withhold_reset
	check "suspends" sleeps platform
	check "a request waits for that, and works" gives 5 120
	klog_end
	check "the reset failed" grew resets_failed 1
	check "as the log says" klog_says "reset failed, no interrupt"
	check "no request did" grew failed 0
	check "none timed out" grew timeouts 0
}

can_suspend() {
	[ ! -e /root/iotimer_wake.ko ] || [ ! -e /sys/power/pm_test ] || return 0
	printf '\n--- %s: suspend: skipped, needs iotimer_wake.ko and pm_test\n' "$mode"
	return 1
}

# The device's longest: some seconds outside, and hours in here without the hog.
slow=4294967295

# In real time it is not too slow: a time-out and a failed reset may take longer.
can_be_too_slow() {
	[ -n "${SLACK_MS:-}" ] || return 0
	printf '\n--- %s: a device that is too slow: skipped, needs virtual time\n' "$mode"
	return 1
}

too_slow() {
	scene "a device that is too slow"
	no_hog
	seconds 1 2
	compute $slow >/tmp/result &
	writer=$!
	soon outstanding 1
	raise 1 late
	check "an interrupt while it computes is ignored" grew late 1
	wait $writer
	check "the request fails, since the reset takes too long" grep -q "Input/output error" /tmp/result
	check "so does the next one" gives 5 "Input/output error"
	check "each after a time-out" detected_in_time 2
	check "and a reset that failed" grew resets_failed 2
	seconds 3 $reset_limit
	hog
	tries=0
	until gives 5 120 || [ $tries -eq 100 ]; do
		tries=$((tries + 1))
	done
	check "until it is done (after $tries more)" gives 6 720
	check "and copies too" roundtrip
	check "no result of the old came" [ "$(value completed)" -eq $(($(value completed /tmp/before) + 4)) ]
}

leaving() {
	scene "unbinding"
	exec 4<>$node 5<>$buffer
	check "the module stays while a file is open" refuses rmmod edu
	put 1 $debug/withhold
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	compute 5 >/tmp/result.2 &
	waiter=$!
	sleep 0.3
	check "unbinds with a request in flight" unbind
	wait $writer $waiter
	check "which fails" grep -q "No such device" /tmp/result
	check "and so does one that waited" grep -q "No such device" /tmp/result.2
	check "the nodes are gone" [ ! -e $node ] && [ ! -e $buffer ]
	check "an open file says so" refuses put 5 /proc/self/fd/4
	(echo 5 >&4) 2>/tmp/out
	check "by ENODEV" says "No such device"
	check "binds again" bind
	exec 4<&- 5<&-
	check "and works" gives 5 120
	check "copying too" roundtrip
	check "with one interrupt" is_of_type "$type"

	random
	write_all &
	writer=$!
	soon outstanding 1
	check "unbinds during a copy" unbind
	wait $writer
	check "which fails" says "No such device"
	check "binds again" bind
	check "and copies" roundtrip
	check "nothing of the old one came" [ "$(value late)$(value spurious)" = 00 ]

	put 1 $debug/hang
	compute 5 >/tmp/result &
	writer=$!
	sleep "$limit"
	check "unbinds about the time of a reset" unbind
	wait $writer
	check "binds again" bind
	check "and works" gives 5 120

}

leaving_too_slow() {
	scene "unbinding a device that is too slow"
	no_hog
	seconds 1 2
	(compute $slow >/tmp/result) &
	writer=$!
	soon outstanding 1
	check "unbinds" unbind
	wait $writer
	check "cannot be bound while it is at work" refuses bind
	check "as it says" says "busy"
	seconds 3 $reset_limit
	tries=0
	hog
	until quietly bind || [ $tries -eq 100 ]; do
		tries=$((tries + 1))
	done
	check "can be bound when it is done (after $tries more)" [ -e $node ]
	check "and works" gives 5 120
}

insmod /root/iotimer.ko || exit
[ ! -e /root/iotimer_wake.ko ] || insmod /root/iotimer_wake.ko || exit
hog
for msi in ${MODES:-1 0}; do
	mode=INTx type="IO-APIC\|XT-PIC"
	[ "$msi" = 0 ] || mode=MSI type=PCI-MSI
	check "loads with msi=$msi" load "msi=$msi"
	[ -e $node ] || break
	check "the bus cannot reset it, so the driver must" [ ! -e "$pci/reset" ]
	basics
	hangs
	missed
	interrupts_at_the_wrong_time
	lost_on_the_bus
	gone
	rest
	signals
	! can_suspend || suspending
	! can_be_too_slow || too_slow
	leaving
	[ "$msi" = 1 ] || ! can_be_too_slow || leaving_too_slow
	check "each request is accounted for" balanced
	check "unloads" rmmod edu
	check "nothing stayed behind" [ ! -e $debug ] && [ ! -e $node ] && [ ! -e $drivers ]
done

mode=fallback
printf '\n--- %s\n\n' "MSI switched off for the device"
put 0 "/sys/bus/pci/devices/$slot/msi_bus"
check "loads" load
check "uses its pin" is_of_type IO-APIC
klog_start
put 1 $debug/hang
check "times out as it should by itself, and works" gives 5 120
check "in time" detected_in_time 1
for bad in timeout=0 timeout=3601 reset_timeout=x max_retries=101; do
	check "refuses $bad" refuses put "${bad#*=}" "/sys/module/edu/parameters/${bad%=*}"
done
check "takes max_retries=0" put 0 /sys/module/edu/parameters/max_retries
klog_start
before
put 1 $debug/hang
check "and gives up at once" gives 5 "timed out"
check "without a retry" grew retries 0
check "unloads" rmmod edu
check "unloads iotimer" rmmod iotimer

# For the guest's power-off, whose trouble scripts/vm sees: an operation is in flight, and
# one waits.
insmod /root/iotimer.ko
check "loads again" load
put 1 $debug/hang
start 5 /tmp/result
soon outstanding 1
start 6 /tmp/result.2
no_hog
all_passed
