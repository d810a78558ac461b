# SPDX-License-Identifier: GPL-2.0-only
# Runs in a guest: records traces of a device with many slots, and of one that loses interrupts or can
# abort, for the tests of their pictures. With TRACE=1 it prints all traces at its end, for
# scripts/timeline --guest.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

# scene NAME TITLE PARAM=VALUE...: load the driver with these parameters, and begin a trace.
scene() {
	name=$1 title=$2
	shift 2
	trace_save
	trace_file=
	[ ! -e /sys/module/sim_dev ] || rmmod sim_dev
	check "$name: sim_dev.ko loads with $*" insmod /root/sim_dev.ko "$@"
	trace_start "$name" "$title"
	before 0
}

# faults LINE...: command them.
faults() { printf '%s\n' "$@" >/dev/sim_dev0_ctl; }

# one TEXT: a writer that writes once, in the background.
one() { (echo "$1" >/dev/sim_dev0) 2>/dev/null & }

# writers NUMBER TIMES: so many writers at once, each of which writes so often, one after the other.
writers() {
	for writer in $(seq "$1"); do
		(for n in $(seq "$2"); do echo "$writer $n"; done >/dev/sim_dev0) 2>/dev/null &
	done
	wait
}

check "iotimer.ko loads" insmod /root/iotimer.ko

scene eight-abort "Eight writers, one hang: its operation is aborted" slots=8 abort_timeout=1 latency_ms=400
faults 'reset-latency 600' hang
one first
writers 7 12
check "eight-abort: all requests complete" grew completed 85
check "eight-abort: one abort" grew aborts 1
check "eight-abort: one retry" grew retries 1
check "eight-abort: no reset" grew resets 0

scene eight-reset "The same without abort: one reset, one guilty, seven innocent" slots=8 latency_ms=400
faults 'reset-latency 600' hang
one first
writers 7 12
check "eight-reset: all requests complete" grew completed 85
check "eight-reset: one reset" grew resets 1
check "eight-reset: one retry" grew retries 1
check "eight-reset: seven innocent requests" grew innocent 7

scene eight-lost "A lost interrupt among many: found by polling" slots=8 abort_timeout=1 latency_ms=400
# It comes last: the next interrupt would find its completion too.
(sleep 0.6; faults lost; echo last >/dev/sim_dev0) &
writers 7 2
check "eight-lost: all requests complete" grew completed 15
check "eight-lost: one lost interrupt" grew missed 1
check "eight-lost: no time-out" grew timeouts 0

scene eight-fail "The reset hangs: all fail, and the next succeed" slots=8 latency_ms=400
faults hang reset-hang
one first
writers 7 10
writers 8 1
check "eight-fail: eight requests fail" grew failed 8
check "eight-fail: one failed reset" grew reset_failures 1

scene all-hang "All eight hang: aborted together" slots=8 abort_timeout=1 latency_ms=400
faults 'reset-latency 600' 'hang 8'
writers 8 2
check "all-hang: all requests complete" grew completed 16
check "all-hang: eight aborts" grew aborts 8
check "all-hang: no reset" grew resets 0

scene dead "The device is dead for four seconds: the aborts time out, a reset helps" slots=8 abort_timeout=1 latency_ms=400
# The aborts are commanded after 3 to 4 s, and time out one second later.
faults 'reset-latency 600' dead
(sleep 4; faults revive) &
writers 8 2
check "dead: all requests complete" grew completed 16
check "dead: eight aborts" grew aborts 8
check "dead: one reset" grew resets 1
check "dead: eight retries" grew retries 8

scene quick "The same as the first, with a quick device: a part is enlarged" slots=8 abort_timeout=1
faults hang
one first
(for n in $(seq 20); do echo "$n"; sleep 0.2; done >/dev/sim_dev0) &
writers 6 100
check "quick: all requests complete" grew completed 621
check "quick: one abort" grew aborts 1

scene reset-lost "The reset's interrupt is lost, and its end found by polling" slots=8 latency_ms=400
faults hang reset-lost
one first
writers 7 10
check "reset-lost: one lost interrupt" grew missed 1
check "reset-lost: one reset" grew resets 1

scene overtaken "An operation ends while it is aborted: no retry" slots=8 abort_timeout=2 latency_ms=400
# It times out after 3 to 4 s, and its abort takes 1.5 s.
faults 'reset-latency 1500' 'late 4100'
one first
writers 7 4
check "overtaken: one abort" grew aborts 1
check "overtaken: no retry" grew retries 0
check "overtaken: all requests complete" grew completed 29

scene suspended "Suspended while idle, and resumed: a reset without a request" slots=8 latency_ms=400
writers 8 1
put devices /sys/power/pm_test
put freeze /sys/power/state
writers 8 1
check "suspended: one reset" grew resets 1
check "suspended: no retry" grew retries 0

scene unbound "Unbound with requests in four slots, and more that wait" slots=4 latency_ms=400
faults 'hang 4'
(sleep 1; put sim_dev.0 $driver/unbind) &
writers 10 1
check "unbound: the node is gone" [ ! -e /dev/sim_dev0 ]

scene many-abort "256 writers, three hangs: three aborts" slots=256 abort_timeout=1 queue_depth=256 latency_ms=2500
faults 'reset-latency 600' 'hang 3'
writers 256 1
check "many-abort: all requests complete" grew completed 256
check "many-abort: three aborts" grew aborts 3

scene many-reset "256 writers, two hangs, no abort: one reset" slots=256 queue_depth=256 latency_ms=2900
# The others begin before the reset, 3 to 4 s after the hangs, and would end after it.
faults 'reset-latency 600' 'hang 2'
one first
one second
sleep 1.2
writers 254 1
check "many-reset: all requests complete" grew completed 256
check "many-reset: two retries" grew retries 2
check "many-reset: 254 innocent requests" grew innocent 254

scene queue "Twelve writers on four slots: some wait" slots=4 abort_timeout=1 latency_ms=400
faults hang
writers 12 4
check "queue: all requests complete" grew completed 48

scene one-lost "One slot: the interrupt is lost" latency_ms=400
faults lost
writers 1 1
check "one-lost: one lost interrupt" grew missed 1

scene one-abort "One slot: the operation hangs, and is aborted" abort_timeout=1 latency_ms=400
faults 'reset-latency 600' hang
writers 1 1
check "one-abort: one abort" grew aborts 1

scene one-reset "One slot: the operation hangs, and the device is reset" latency_ms=400
faults 'reset-latency 600' hang
writers 1 1
check "one-reset: one reset" grew resets 1

trace_save
all_passed
status=$?
trace_print
[ $status -eq 0 ]
