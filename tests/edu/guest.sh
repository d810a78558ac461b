# SPDX-License-Identifier: GPL-2.0-only
# examples/edu, a real driver of a real device (QEMU's), tested through its nodes,
# /proc/interrupts, debugfs and the device's configuration space.
#
# The device computes in a thread of QEMU, so in outside time. The guest's time jumps as soon as
# nothing runs there. So a process always runs in the guest (the hog), except where the device
# is meant to be too slow. MODES=0 is for a kernel without MSI.
# shellcheck shell=dash disable=SC2119 # there is one device, so `before` has no number
# shellcheck source=tests/lib.sh
. /root/lib.sh

drivers=/sys/bus/pci/drivers/edu
debug=/sys/kernel/debug/edu0
node=/dev/edu0
buffer=/dev/edu0_buf
size=4095	# of the buffer, in bytes

# Seconds that an operation and a reset may take. While the hog runs, a second of the guest is a
# tenth of a second outside, and on a busy machine the device's thread may wait that long.
usual=8
limit=$usual
reset_limit=20

# These replace what tests/lib.sh has for sim_dev.
before() { cat $debug/stats >/tmp/before; }
unchanged() { cmp -s $debug/stats /tmp/before; }
value() { sed -n "s/^$1: //p" "${2:-$debug/stats}"; }
grew() { [ "$(value "$1")" -eq $(($(value "$1" /tmp/before) + $2)) ]; }
klog_end() { dmesg -c | grep -w edu >/tmp/klog; }

# The hog has the lowest priority. So a process that waits for the device's next step gets the CPU
# within the 100 ms that a copy takes.
hog() { (while :; do :; done) & hog=$!; renice -n 19 -p "$hog"; }
no_hog() { kill "$hog"; wait "$hog" 2>/dev/null; }

# compute N: print N's factorial, or why there is none.
compute() {
	(
		exec 3<>$node || exit
		echo "$1" >&3 && cat <&3
	) 2>&1
}

# start N FILE [COMMAND]: compute in the background, after COMMAND; the result goes to FILE. $! is
# the process that itself writes to the node.
start() {
	(
		eval "${3:-}"
		exec 3<>$node || exit
		echo "$1" >&3 && cat <&3
	) >"$2" 2>&1 &
}

# gave TEXT [FILE]: is this the result of a process in the background?
gave() { [ "$(cat "${2:-/tmp/result}")" = "$1" ]; }

# ticks: print how many ticks there were.
ticks() { sed -n 's/^ticks: *//p' /sys/kernel/debug/iotimer/stats; }

# gives N TEXT: is TEXT the result of computing N?
gives() {
	compute "$1" >/tmp/out
	says "$2"
}

# scene TITLE: print the title, and begin to record the statistics and the kernel log.
scene() {
	title=$1
	printf '\n--- %s: %s (%s s)\n\n' "$mode" "$title" "$(cut -d ' ' -f 1 /proc/uptime)"
	before
	klog_start
}

# soon NAME AT_LEAST: wait until a statistic has reached a value. Starts no process, which would
# take longer than a copy. /tmp/now then has all statistics as the first read() found them.
soon() {
	found=
	while [ -z "$found" ]; do
		while read -r key number; do
			[ "$key" != "$1:" ] || [ "$number" -lt "$2" ] || found=yes
			echo "$key $number"
		done <$debug/stats >/tmp/now
	done
}

# reset_withheld: wait until a reset has ended without its interrupt. How long that takes is up to the
# device's thread, outside.
reset_withheld() {
	while read -r left <$debug/withhold_reset && [ "$left" != 0 ]; do
		usleep 10000
	done
}

# raise CAUSE STATISTIC: have the device interrupt, and wait until the statistic counts the interrupt.
# On a pin, the next cause could otherwise come with this one.
raise() {
	counted=$(value "$2")
	put "$1" $debug/raise
	soon "$2" $((counted + 1))
}

# balanced: is each request accounted for?
balanced() {
	[ $(($(value completed) + $(value failed) + $(value cancelled) + $(value outstanding))) -eq "$(value submitted)" ]
}

# in_time TIMES TEXT: does the log have so many lines with TEXT, all after more than $limit and at
# most $limit + 1 s? In real time a tick may be late by up to $SLACK_MS.
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

# interrupts: count the device's interrupts, on all CPUs.
interrupts() {
	awk '$NF == "edu0" { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts
}

is_of_type() { grep -w edu0 /proc/interrupts | grep -q "$1"; }

# factorials: are the factorials of 0 to 20 right, in 32 bits?
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

# set_command VALUE: write the device's command register, in octal, in one write: QEMU ignores it
# when only the second byte switches a pin on.
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

# seconds OPERATION RESET: set how long they may take from now on.
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

# Unbind the driver from the device, and bind it again.
unbind() { put "$slot" $drivers/unbind; }
bind() { put "$slot" $drivers/bind; }

basics() {
	scene "computing and copying"
	was=$(interrupts)
	check "the factorials of 0 to 20 are right, modulo 2^32" factorials
	came=$(($(interrupts) - was))
	check "each factorial takes one interrupt ($came of 21)" [ $came -eq 21 ]
	check "the interrupt is of the right type ($type)" is_of_type "$type"
	check "random bytes that fill the buffer come back ($size bytes)" roundtrip
	came=$(($(interrupts) - was))
	check "writing and reading the buffer takes two more interrupts ($came of 23)" [ $came -eq 23 ]
	printf hello | dd bs=5 seek=100 of=$buffer 2>/dev/null
	check "five bytes in the middle of the buffer come back" [ "$(dd bs=5 skip=100 count=1 if=$buffer 2>/dev/null)" = hello ]
	head -c 500 /tmp/in >/tmp/in.500
	check "the bytes before those five are unchanged" sh -c "dd bs=500 count=1 if=$buffer 2>/dev/null | cmp -s - /tmp/in.500"
	check "computing and copying takes 26 requests" grew completed 26
	check "no interrupt is late or spurious while computing and copying" [ "$(value late)$(value spurious)" = 00 ]

	scene "bad input"
	for bad in '' x -1 ' 5' '5 6' 0x5 5x 00000000000000005; do
		check "a bad number is refused ('$bad')" gives "$bad" "Invalid argument"
	done
	check "a number above 32 bits is refused" gives 4294967296 "out of range"
	check "reading without a number gives no result" [ -z "$(cat $node)" ]
	check "writing after the buffer's end is refused" refuses dd if=/tmp/in bs=1 count=1 seek=$size of=$buffer
	check "writing after the buffer's end fails with ENOSPC" says "No space left"
	check "reading after the buffer's end gives nothing" [ -z "$(dd bs=1 count=1 skip=$size if=$buffer 2>/dev/null)" ]
	check "refused input makes no request and no interrupt" unchanged

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
	check "each of twenty processes at once gets the right result" [ $right -eq 20 ]
	check "forty requests of processes at once complete" grew completed 40
}

hangs() {
	scene "a computation that hangs once"
	put 1 $debug/hang
	check "the computation that hangs once gives its result" gives 5 120
	check "the computation that hangs once times out once, in time" detected_in_time 1
	check "the computation that hangs once is retried once" grew retries 1
	check "the computation that hangs once completes once" grew completed 1
	check "the log tells of the computation's retry" klog_says "retrying, attempt 1 of 3"

	scene "copies that hang once"
	random
	put 1 $debug/hang
	write_all
	put 1 $debug/hang
	read_all
	check "copies that hang once are right" same
	check "copies that hang once time out twice, in time" detected_in_time 2
	check "copies that hang once are retried twice" grew retries 2

	scene "a computation that hangs every time"
	put 4 $debug/hang
	check "the computation that hangs every time fails with ETIMEDOUT" gives 5 "timed out"
	check "the computation that hangs every time times out four times, in time" detected_in_time 4
	check "the computation that hangs every time is retried three times" grew retries 3
	check "the log tells that the driver gives up after three retries" klog_says "giving up after 3 retries"
	check "the computation that hangs every time fails once" grew failed 1
	check "the next computation works after one was given up" gives 6 720

	scene "the reset hangs as well"
	put 1 $debug/hang
	put 1 $debug/withhold_reset
	check "the computation fails with EIO when the reset hangs" gives 5 "Input/output error"
	check "the computation times out once, in time, before the reset that hangs" detected_in_time 1
	check "the statistics count the reset that hangs as failed" grew resets_failed 1
	check "the log tells that the reset failed" klog_says "reset failed"
	check "the computation is not retried when the reset hangs" grew retries 0
	check "the next computation works after the failed reset" gives 6 720
	put 1 $debug/hang
	put 1 $debug/withhold_reset
	random
	check "a copy fails when the reset hangs" refuses write_all
	check "the next copy works after the failed reset" roundtrip
}

# The device ends its operation, but does not interrupt.
missed() {
	scene "a computation whose interrupt is missed"
	put 1 $debug/withhold
	check "the computation whose interrupt is missed gives its result" gives 5 120
	check "the computation whose interrupt is missed is found done, in time" found_in_time 1
	check "the statistics count the computation's missed interrupt" grew missed 1
	check "the computation's missed interrupt does not count as a time-out" grew timeouts 0
	check "the computation's missed interrupt causes no reset" grew resets 0
	raise 1 late
	check "the missed interrupt completes nothing when it comes late" grew completed 1

	scene "copies whose interrupts are missed"
	random
	put 1 $debug/withhold
	write_all
	put 1 $debug/withhold
	read_all
	check "copies whose interrupts are missed are right" same
	check "copies whose interrupts are missed are found done, in time" found_in_time 2
	check "the statistics count the copies' missed interrupts" grew missed 2
	check "the copies' missed interrupts cause no reset" grew resets 0

	scene "the interrupt is missed after a retry"
	put 1 $debug/hang
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	put 1 $debug/withhold
	wait $writer
	check "the computation gives its result when the retry's interrupt is missed" gave 120
	check "the computation times out once, in time, before the retry's interrupt is missed" detected_in_time 1
	check "the computation is retried once when the retry's interrupt is missed" grew retries 1
	check "the retry whose interrupt is missed is found done" grew missed 1
}

interrupts_at_the_wrong_time() {
	scene "an interrupt late, but in time"
	put 1 $debug/withhold
	compute 5 >/tmp/result &
	writer=$!
	sleep 0.5
	put 1 $debug/raise
	wait $writer
	check "an interrupt that is late, but before the time-out, completes its operation" [ "$(cat /tmp/result)" = 120 ]
	check "an interrupt that is late, but before the time-out, causes no time-out" grew timeouts 0

	scene "a late interrupt during the reset"
	timeouts=$(value timeouts)
	put 1 $debug/hang
	put 1 $debug/withhold_reset
	compute 5 >/tmp/result &
	writer=$!
	soon timeouts $((timeouts + 1))
	reset_withheld
	raise 1 late
	raise 0x100 late
	check "both late interrupts during the reset are ignored" grew late 2
	check "late interrupts during the reset complete nothing" grew completed 0
	check "late interrupts during the reset do not end the reset" grew outstanding 1
	put 0x10000 $debug/raise
	wait $writer
	check "the reset's own interrupt ends the reset, and the request is retried" grew retries 1
	check "the request succeeds after late interrupts during the reset" [ "$(cat /tmp/result)" = 120 ]

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
	check "the late interrupt after the retry has begun is ignored" [ "$(value late /tmp/now)" -eq $(($(value late /tmp/before) + 1)) ]
	check "the late interrupt after the retry has begun completes nothing" [ "$(value completed /tmp/now)" -eq "$(value completed /tmp/before)" ]
	wait $writer
	check "the retry's own interrupt completes the request" grew completed 1
	check "the data of the retry can be read" read_all
	check "the data of the retry are those that were written" same

	scene "interrupts for no reason"
	raise 1 late
	raise 0x100 late
	raise 0x10000 spurious
	raise 2 spurious
	raise 0x80000000 spurious
	check "two interrupts without an operation count as late" grew late 2
	check "three interrupts without a cause count as spurious" grew spurious 3
	check "late and spurious interrupts complete nothing" grew completed 0
	put 1 $debug/withhold
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	raise 0x10000 spurious
	check "the end of a reset that nobody asked for counts as spurious" grew spurious 4
	check "the end of a reset that nobody asked for completes no operation" grew outstanding 1
	wait $writer
	check "the operation succeeds after the end of a reset that nobody asked for" [ "$(cat /tmp/result)" = 120 ]
}

# The driver cannot prevent this: the interrupt is lost on the bus.
lost_on_the_bus() {
	scene "the bus loses the interrupt"
	interrupts_off
	check "the computation succeeds when the bus loses its interrupt" gives 5 120
	check "the computation whose interrupt the bus loses is found done, in time" found_in_time 1
	check "an interrupt lost on the bus causes no reset" grew resets 0

	scene "the bus loses all interrupts, a reset's too"
	put 1 $debug/hang
	check "the computation that hangs succeeds when the bus loses all interrupts" gives 5 120
	check "the computation times out once, in time, when the bus loses all interrupts" detected_in_time 1
	check "the log tells that the reset was done without an interrupt" klog_says "was reset, but no interrupt came"
	check "the reset and the retry are found done when the bus loses all interrupts" grew missed 2
	check "no reset fails when the bus loses all interrupts" grew resets_failed 0
	interrupts_on
	check "the next computation works when the bus has interrupts again" gives 6 720
	check "the bus keeps no lost interrupt for the next computation" [ "$(value late)$(value spurious)" = "$(value late /tmp/before)$(value spurious /tmp/before)" ]

	[ "$msi" = 0 ] || return 0
	scene "the bus loses the data"
	check "copies work before the bus loses the data" roundtrip
	data_off
	check "a read ends when the bus loses the data" read_all
	check "a read whose data the bus loses shows no earlier data" cmp -s -n $size /dev/zero /tmp/back
	pin_on
	check "copies work when the bus has data again" roundtrip
}

# The registers of a device that is gone read as all ones; on this bus they can also read as zeros.
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
	check "the request in flight fails with EIO when the device is gone" grep -q "Input/output error" /tmp/result
	check "the request in flight fails within its time when the device is gone ($took ms)" [ $took -le $(((limit + reset_limit + 2) * 1000)) ]
	check "the request in flight times out once, in time, when the device is gone" detected_in_time 1
	check "one reset fails when the device is gone" grew resets_failed 1
	check "registers that read as all ones do not mean that an operation is done" grew missed 0
	check "registers that read as all ones cause no late or spurious interrupt" [ "$(value late)$(value spurious)" = "$(value late /tmp/before)$(value spurious /tmp/before)" ]
	check "the next computation fails with EIO when the device is gone" gives 5 "Input/output error"
	check "a copy fails when the device is gone" refuses write_all
	check "a copy fails with EIO when the device is gone" says "Input/output error"
	put 0 $debug/unplugged
	check "a computation works when the device is back" gives 6 720
	check "copies work when the device is back" roundtrip

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
	check "registers that read as zeros do not mean that an operation is done" grew missed 0
	check "the device whose registers read as zeros is reset when it is back" grew retries 1
	check "the request gives its result after registers read as zeros" gave 120

	scene "unbinding a device that is gone"
	put 1 $debug/withhold
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	put 1 $debug/unplugged
	began=$(uptime_ms)
	check "the driver unbinds from a device that is gone" unbind
	took=$(($(uptime_ms) - began))
	check "unbinding does not wait for a device that is gone ($took ms)" [ $took -lt $((reset_limit * 1000)) ]
	wait $writer
	check "the request in flight fails with ENODEV when a device that is gone is unbound" grep -q "No such device" /tmp/result
	check "the driver binds again after the device was gone" bind
	check "a computation works after the device was gone and bound again" gives 5 120
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
	# P8: the device has no operation, so no timer is enabled, and no tick comes.
	check "no tick comes while the device is idle ($came)" [ $came -eq 0 ]
	put 1 $debug/hang
	check "a computation that hangs after an idle time gives its result" gives 5 120
	check "a hang after an idle time is detected in time" detected_in_time 1
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
	check "the request is outstanding after its process was stopped and continued" grew outstanding 1
	put 1 $debug/raise
	wait $writer
	check "the request of a process that was stopped and continued gives its result" gave 120

	rm -f /tmp/handled
	put 1 $debug/withhold
	start 5 /tmp/result 'trap "echo handled >/tmp/handled" USR1'
	writer=$!
	soon outstanding 1
	kill -USR1 $writer
	sleep 0.3
	check "the request is outstanding after a signal with a handler" grew outstanding 1
	put 1 $debug/raise
	wait $writer
	check "the request of a process with a signal handler gives its result" gave 120
	check "the signal handler runs after the request has ended" [ -e /tmp/handled ]

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
	check "the request under way gives its result while a waiting process is stopped" gave 120
	check "the request of the process that was stopped while it waited gives its result" gave 720 /tmp/result.2
	check "signals that end no process cause no further requests" grew submitted 4
	check "signals that end no process fail and cancel no request" [ "$(value failed)$(value cancelled)" = "$(value failed /tmp/before)$(value cancelled /tmp/before)" ]

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
		check "a signal ends both processes at once (SIG$signal, after $took ms)" [ $took -le 500 ]
		check "the request of an ended process is outstanding until the device is done (SIG$signal)" grew outstanding 1
		check "the next computation waits for the ended process' request, and works (SIG$signal)" gives 6 720
	done
	check "two requests are cancelled by signals" grew cancelled 2
	check "requests of processes that were ended while they waited are not submitted" grew submitted 4
	check "two cancelled requests time out" grew timeouts 2
	check "cancelled requests are not retried" grew retries 0
	check "each request is accounted for after signals" balanced
}

# sleeps HOW: suspend to idle: for 12 s, or up to a level of pm_test, at which the kernel turns
# back.
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

# two_done RESETS: check that both requests ended once, with so many resets.
two_done() {
	check "the request in flight gives its result ($title)" gave 120
	check "the request that waited gives its result ($title)" gave 720 /tmp/result.2
	check "both requests complete ($title)" grew completed 2
	check "both requests are submitted once ($title)" grew submitted 2
	check "neither request times out ($title)" grew timeouts 0
	check "neither request is charged a retry ($title)" grew retries 0
	check "the device is reset as often as expected ($1 times; $title)" grew resets "$1"
	check "no reset fails for the two requests ($title)" grew resets_failed 0
	check "each request is accounted for after the two ($title)" balanced
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
	check "the system suspends with frozen programs" sleeps freezer
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
		check "the system suspends with an operation that does not end ($how)" sleeps $how
		wait $writer $waiter
		klog_end
		two_done 1
		check "the log tells that the operation is started over ($how)" klog_says "starting over"
		check "the interrupt is of the right type after resume ($how)" is_of_type "$type"
		check "copies work after resume ($how)" roundtrip

		scene "suspended ($how) during a copy"
		random
		write_all &
		writer=$!
		soon outstanding 1
		check "the system suspends during a copy ($how)" sleeps $how
		wait $writer
		check "the copy during suspend ends ($how)" read_all
		check "the copy during suspend is right ($how)" same
		check "the copy during suspend does not time out ($how)" grew timeouts 0

		scene "suspended ($how) in a reset"
		timeouts=$(value timeouts)
		put 1 $debug/hang
		put 1 $debug/withhold_reset
		start 5 /tmp/result
		writer=$!
		soon timeouts $((timeouts + 1))
		reset_withheld	# else the reset at resume would be the one without interrupt
		check "the system suspends in a reset ($how)" sleeps $how
		wait $writer
		check "the request gives its result after suspend in its reset ($how)" gave 120
		check "the request has one time-out after suspend in its reset ($how)" grew timeouts 1
		check "the request is charged one retry after suspend in its reset ($how)" grew retries 1
		check "resume resets the device again after suspend in a reset ($how)" grew resets 2
		check "no reset fails after suspend in a reset ($how)" grew resets_failed 0

		scene "suspended ($how) with nothing to do"
		check "the system suspends with nothing to do ($how)" sleeps $how
		sleep 3
		check "resume resets the idle device once ($how)" grew resets 1
		check "the interrupt of the idle device's reset is not missed ($how)" grew missed 0
		check "the idle device's reset does not fail ($how)" grew resets_failed 0
		check "a computation works after suspend with nothing to do ($how)" gives 5 120
		check "no other request is made after suspend with nothing to do ($how)" grew submitted 1
	done

	scene "a request that comes during the reset at resume"
	put 1 $debug/withhold_reset
	check "the system suspends before a request comes during the reset at resume" sleeps platform
	reset_withheld
	start 5 /tmp/result
	writer=$!
	sleep 0.3
	check "a request that comes during the reset at resume waits for its end" grew submitted 0
	put 0x10000 $debug/raise
	wait $writer
	check "a request that comes during the reset at resume gives its result" gave 120
	check "the reset at resume does not fail while a request waits" grew resets_failed 0

	scene "the reset at resume fails"
	put 1 $debug/withhold_reset
	check "the system suspends before the reset at resume fails" sleeps platform
	check "a request waits for the reset at resume to fail, and works" gives 5 120
	klog_end
	check "the statistics count the failed reset at resume" grew resets_failed 1
	check "the log tells that the reset at resume failed" klog_says "reset failed, no interrupt"
	check "no request fails when the reset at resume fails" grew failed 0
	check "no request times out when the reset at resume fails" grew timeouts 0
}

can_suspend() {
	[ ! -e /root/iotimer_wake.ko ] || [ ! -e /sys/power/pm_test ] || return 0
	printf '\n--- %s: suspend: skipped, needs iotimer_wake.ko and pm_test\n' "$mode"
	return 1
}

# The longest computation: some seconds outside, and hours in the guest without the hog.
slow=4294967295

# In real time the device is not too slow, and a time-out and a failed reset may take longer.
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
	check "an interrupt while the device computes is ignored" grew late 1
	wait $writer
	check "the request fails with EIO, since the reset takes too long" grep -q "Input/output error" /tmp/result
	check "the next computation fails with EIO while the device is too slow" gives 5 "Input/output error"
	check "each of two requests times out, in time, while the device is too slow" detected_in_time 2
	check "each of two resets fails while the device is too slow" grew resets_failed 2
	seconds $usual $reset_limit
	hog
	tries=0
	until gives 5 120 || [ $tries -eq 100 ]; do
		tries=$((tries + 1))
	done
	check "a computation works when the slow device is done (after $tries more tries)" gives 6 720
	check "copies work when the slow device is done" roundtrip
	check "no result of the slow computation comes late" [ "$(value completed)" -eq $(($(value completed /tmp/before) + 4)) ]
}

leaving() {
	scene "unbinding"
	exec 4<>$node 5<>$buffer
	check "edu.ko does not unload while a file is open" refuses rmmod edu
	put 1 $debug/withhold
	compute 5 >/tmp/result &
	writer=$!
	soon outstanding 1
	compute 5 >/tmp/result.2 &
	waiter=$!
	sleep 0.3
	check "the driver unbinds with a request in flight" unbind
	wait $writer $waiter
	check "the request in flight fails with ENODEV at unbind" grep -q "No such device" /tmp/result
	check "the request that waited fails with ENODEV at unbind" grep -q "No such device" /tmp/result.2
	check "the nodes are gone after unbind" [ ! -e $node ] && [ ! -e $buffer ]
	check "writing to a file that is still open fails after unbind" refuses put 5 /proc/self/fd/4
	(echo 5 >&4) 2>/tmp/out
	check "writing to a file that is still open fails with ENODEV after unbind" says "No such device"
	check "the driver binds again after it was unbound with a request in flight" bind
	exec 4<&- 5<&-
	check "a computation works after unbind and bind" gives 5 120
	check "copies work after unbind and bind" roundtrip
	check "the interrupt is of the right type after unbind and bind" is_of_type "$type"

	random
	write_all &
	writer=$!
	soon outstanding 1
	check "the driver unbinds during a copy" unbind
	wait $writer
	check "the copy fails with ENODEV at unbind" says "No such device"
	check "the driver binds again after it was unbound during a copy" bind
	check "copies work after the driver was unbound during a copy" roundtrip
	check "no interrupt of the unbound copy comes late" [ "$(value late)$(value spurious)" = 00 ]

	put 1 $debug/hang
	compute 5 >/tmp/result &
	writer=$!
	sleep "$limit"
	check "the driver unbinds about the time of a reset" unbind
	wait $writer
	check "the driver binds again after it was unbound about the time of a reset" bind
	check "a computation works after the driver was unbound about the time of a reset" gives 5 120

}

leaving_too_slow() {
	scene "unbinding a device that is too slow"
	no_hog
	seconds 1 2
	(compute $slow >/tmp/result) &
	writer=$!
	soon outstanding 1
	check "the driver unbinds from a device that is too slow" unbind
	wait $writer
	check "the driver does not bind while the slow device computes" refuses bind
	check "binding fails with EBUSY while the slow device computes" says "busy"
	seconds $usual $reset_limit
	tries=0
	hog
	until quietly bind || [ $tries -eq 100 ]; do
		tries=$((tries + 1))
	done
	check "the driver binds when the slow device is done (after $tries more tries)" [ -e $node ]
	check "a computation works after the slow device was bound again" gives 5 120
}

insmod /root/iotimer.ko || exit
[ ! -e /root/iotimer_wake.ko ] || insmod /root/iotimer_wake.ko || exit
hog
for msi in ${MODES:-1 0}; do
	mode=INTx type="IO-APIC\|XT-PIC"
	[ "$msi" = 0 ] || mode=MSI type=PCI-MSI
	check "edu.ko loads (msi=$msi)" load "msi=$msi"
	[ -e $node ] || break
	check "the bus cannot reset the device, so the driver must (msi=$msi)" [ ! -e "$pci/reset" ]
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
	check "each request is accounted for at the end (msi=$msi)" balanced
	check "edu.ko unloads (msi=$msi)" rmmod edu
	check "no node, folder or driver is left after edu.ko unloads (msi=$msi)" [ ! -e $debug ] && [ ! -e $node ] && [ ! -e $drivers ]
done

mode=fallback
printf '\n--- %s\n\n' "MSI switched off for the device"
put 0 "/sys/bus/pci/devices/$slot/msi_bus"
check "edu.ko loads when MSI is switched off for the device" load
check "the driver uses the pin when MSI is switched off for the device" is_of_type IO-APIC
klog_start
put 1 $debug/hang
check "a computation that hangs once succeeds on the pin" gives 5 120
check "a hang is detected in time when MSI is switched off for the device" detected_in_time 1
for bad in timeout=0 timeout=3601 reset_timeout=x max_retries=101; do
	check "a bad parameter is refused ($bad)" refuses put "${bad#*=}" "/sys/module/edu/parameters/${bad%=*}"
done
check "the parameter max_retries takes 0" put 0 /sys/module/edu/parameters/max_retries
klog_start
before
put 1 $debug/hang
check "a computation that hangs fails with ETIMEDOUT at once when max_retries is 0" gives 5 "timed out"
check "nothing is retried when max_retries is 0" grew retries 0
check "edu.ko unloads after MSI was switched off for the device" rmmod edu
check "iotimer.ko unloads" rmmod iotimer

# At the guest's power-off an operation is in flight and another waits. scripts/vm finds what the
# kernel complains of.
insmod /root/iotimer.ko
check "edu.ko loads again for the power-off" load
put 1 $debug/hang
start 5 /tmp/result
soon outstanding 1
start 6 /tmp/result.2
no_hog
all_passed
