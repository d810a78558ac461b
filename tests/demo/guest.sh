# SPDX-License-Identifier: GPL-2.0-only
# The demo: runs in a guest, drives sim_dev through its nodes, by shell redirection and, where
# many requests are under way, by tests/demo/writers.c, and checks the results. With TRACE=1 it
# records a trace of each scene and prints all traces at its end, for scripts/timeline.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

# scene NAME TITLE: print the title, and begin to record statistics, kernel log and trace.
scene() {
	scenes=$((scenes + 1))
	printf '\n--- %d. %s\n\n' "$scenes" "$2"
	trace_start "$(printf '%02d-%s' $scenes "$1")" "$scenes. $2"
	before
	klog_start
}
scenes=0

# run COMMAND: show a command, its output, and exit with its status.
run() {
	echo "    # $1"
	sh -c "$1" >/tmp/out 2>&1
	result=$?
	sed 's/^/    /' /tmp/out
	return $result
}

# end: show the kernel log of the scene.
end() {
	klog_end
	sed 's/^/    /' /tmp/klog
}

# detected_in_time: does each time-out in the log keep the contract? In real time a tick may be
# late by up to $SLACK_MS; the next tick then follows sooner by as much.
detected_in_time() {
	limit=$(attr timeout)
	seconds=$(sed -n 's/.*timed out after \([0-9.]*\) s.*/\1/p' /tmp/klog)
	[ -n "$seconds" ] || return 1
	for s in $seconds; do
		t=$(ms "$s")
		[ "$t" -ge $((limit * 1000 - ${SLACK_MS:-0})) ] && [ "$t" -le $((limit * 1000 + 1000 + ${SLACK_MS:-0})) ] || return 1
	done
}

idle() { [ "$(attr counter "$1")" -eq -1 ] && [ "$(attr state "$1")" = idle ]; }
settings() { grep -vE '^(state|counter|outstanding)' /dev/sim_dev0_ctl; }
refused() {
	run "$1"
	check "refused ($2): $1" says "$2"
}

# roundtrip BYTES: write random data to file 3, read them back, compare.
roundtrip() {
	head -c "$1" /dev/urandom >/tmp/in
	dd bs=4096 if=/tmp/in >&3 2>/dev/null && dd bs=4096 count=1 <&3 >/tmp/back 2>/dev/null &&
		cmp -s /tmp/in /tmp/back
}

echo "sim_dev on Linux $(uname -r), $(nproc) CPU"
insmod /root/iotimer.ko || exit
insmod /root/sim_dev.ko devices=4 || exit

scene hundred "A hundred requests, 1 to 4096 bytes"
echo "    # exec 3<>/dev/sim_dev0; dd bs=4096 <in >&3; dd bs=4096 count=1 <&3 >back; cmp in back    (100 times)"
exec 3<>/dev/sim_dev0
same=0
for n in $(seq 0 99); do
	roundtrip $((1 + n * 4095 / 99)) && same=$((same + 1))
done
exec 3>&-
end
check "each of a hundred requests returns its own data ($same of 100)" [ $same -eq 100 ]
check "a hundred requests are submitted" grew submitted 100
check "a hundred requests complete" grew completed 100
check "none of a hundred requests times out" grew timeouts 0
check "the counter is back at -1 after a hundred requests" idle

scene hang "The device hangs once: reset, retry, success"
run "echo hang > /dev/sim_dev0_ctl"
run "echo hello > /dev/sim_dev0"
check "the write succeeds although the device hangs once" [ $? -eq 0 ]
end
check "the hang causes one time-out" grew timeouts 1
check "the hang causes one reset" grew resets 1
check "the hang causes one retry" grew retries 1
check "the request that hung completes once" grew completed 1
check "the hang is detected after more than 3 s and at most 4 s" detected_in_time
check "after the hang the counter is back at -1" idle

scene reset-hang "The device hangs, and its reset too: failed, and usable again"
run "printf 'hang\nreset-hang\n' > /dev/sim_dev0_ctl"
run "echo doomed > /dev/sim_dev0"
check "the write fails with EIO when the reset hangs too" says "Input/output error"
run "echo next > /dev/sim_dev0"
check "the next write succeeds after the failed reset" [ $? -eq 0 ]
end
check "the statistics count one failed reset" grew reset_failures 1
check "the statistics count one failed request" grew failed 1
check "the hang before the failed reset is detected in time" detected_in_time

scene give-up "A request that hangs the device every time: given up"
run "echo hang 1000 > /dev/sim_dev0_ctl"
run "echo hopeless > /dev/sim_dev0"
check "the write fails with ETIMEDOUT when each try hangs" says "timed out"
run "echo clear > /dev/sim_dev0_ctl"
run "echo next > /dev/sim_dev0"
check "the next write succeeds after the hangs are cleared" [ $? -eq 0 ]
end
check "the request is retried three times" grew retries 3
check "the request times out four times" grew timeouts 4
check "each of the four time-outs is detected in time" detected_in_time
check "the kernel log says that the driver gives up" klog_says "giving up"

scene late-in-reset "A late interrupt arrives during the reset"
run "printf 'late 4200\nreset-latency 1500\n' > /dev/sim_dev0_ctl"
exec 3<>/dev/sim_dev0
echo "    # dd bs=4096 <in >&3; dd bs=4096 count=1 <&3 >back; cmp in back"
check "a request whose interrupt comes during the reset returns its own data" roundtrip 1000
exec 3>&-
end
check "the interrupt that comes during the reset counts as late" grew late 1
check "the interrupt during the reset completes nothing: one completion" grew completed 1
check "the request is retried once after the reset" grew retries 1

scene late-after-retry "A late interrupt arrives after the retry has begun"
run "printf 'late 4600\nreset-latency 100\nlatency 2000\n' > /dev/sim_dev0_ctl"
exec 3<>/dev/sim_dev0
echo "    # dd bs=4096 <in >&3; dd bs=4096 count=1 <&3 >back; cmp in back"
start=$(uptime_ms)
check "a request whose interrupt comes after the retry has begun returns its own data" roundtrip 1000
took=$(($(uptime_ms) - start))
exec 3>&-
end
check "the interrupt that comes after the retry has begun counts as late" grew late 1
check "the interrupt after the retry has begun completes nothing: one completion" grew completed 1
check "the retry's own interrupt completes the request (after $took ms, the late one at 4600 ms)" [ $took -gt 5000 ]
run "printf 'latency 5\nreset-latency 5\n' > /dev/sim_dev0_ctl"

scene spurious "Spurious interrupts"
run "echo spurious 100 > /dev/sim_dev0_ctl"
run "sleep 1"
end
check "a hundred spurious interrupts are counted" grew spurious 100
sed -i 's/^spurious: .*/spurious: 100/' /tmp/before.0
check "spurious interrupts change no other statistic" unchanged

scene four-devices "Four devices, one of them hanging"
for i in 1 2 3; do before $i; done
start=$(uptime_ms)
run "echo hang > /dev/sim_dev0_ctl; echo stuck > /dev/sim_dev0 &
      for i in 1 2 3; do (for n in \$(seq 50); do echo \$n; sleep 0.01; done > /dev/sim_dev\$i) & done
      wait"
end
for i in 1 2 3; do
	check "fifty requests complete on device $i while another device hangs" grew completed 50 $i
	check "no request times out on device $i while another device hangs" grew timeouts 0 $i
done
check "the request on the device that hangs times out once" grew timeouts 1
check "the request on the device that hangs completes" grew completed 1

scene bad-commands "Bad commands"
settings >/tmp/settings
refused "echo explode > /dev/sim_dev0_ctl" "Invalid argument"
refused "echo hang x > /dev/sim_dev0_ctl" "Invalid argument"
refused "echo hang 1 2 > /dev/sim_dev0_ctl" "Invalid argument"
refused "echo late > /dev/sim_dev0_ctl" "Invalid argument"
refused "echo hang 0 > /dev/sim_dev0_ctl" "out of range"
refused "echo hang 1000001 > /dev/sim_dev0_ctl" "out of range"
refused "echo latency 600001 > /dev/sim_dev0_ctl" "out of range"
head -c 129 /dev/zero | tr '\0' x >/tmp/129
refused "dd bs=129 < /tmp/129 > /dev/sim_dev0_ctl" "Message too long"
head -c 4097 /dev/zero >/tmp/4097
refused "dd bs=4097 < /tmp/4097 > /dev/sim_dev0" "Message too long"
refused "echo 0 > $sysfs/sim_dev.0/timeout" "out of range"
settings >/tmp/settings.now
check "the refused commands change no setting" cmp -s /tmp/settings /tmp/settings.now
end

scene unbind "Unbound with a request in flight, and bound again"
run "echo hang > /dev/sim_dev0_ctl
      echo orphan > /dev/sim_dev0 &
      sleep 1; echo sim_dev.0 > $driver/unbind; wait"
check "the write in flight fails with ENODEV when the device is unbound" says "No such device"
check "the node of the unbound device is gone" [ ! -e /dev/sim_dev0 ]
run "echo sim_dev.0 > $driver/bind"
run "echo again > /dev/sim_dev0"
check "a write succeeds after the device is bound again" [ $? -eq 0 ]
end

scene reload "Unloaded and loaded again"
run "exec 3>/dev/sim_dev0; rmmod sim_dev"
check "sim_dev does not unload while a node is open" says "Resource temporarily unavailable"
# The buffer loses a module's events when the module goes.
trace_save
run "rmmod sim_dev && rmmod iotimer"
check "both modules unload after the node is closed" [ $? -eq 0 ]
run "insmod /root/iotimer.ko && insmod /root/sim_dev.ko"
trace_resume
run "echo fresh > /dev/sim_dev0"
check "a write succeeds after both modules are loaded again" [ $? -eq 0 ]
end

# The hang again, slowly, with a sample every 100 ms for the drawing.
printf 'hang\nlatency 500\nreset-latency 700\n' >/dev/sim_dev0_ctl
trace_start 12-drawn "The hang, drawn: a slow device and a slow reset"
klog_start
(
	while [ ! -e /tmp/drawn ]; do
		echo "$(cut -d ' ' -f 1 /proc/uptime) $(attr state) $(attr counter)"
		sleep 0.1
	done >/tmp/samples
) &
sleep 0.35
echo drawn >/dev/sim_dev0
sleep 0.6
touch /tmp/drawn
wait
klog_end
tick=$(sed -n 's/^\[ *\([0-9.]*\)\].*timed out.*/\1/p' /tmp/klog)
printf '\n--- The hang, drawn (timeout %s s; time in seconds, a column is 0.1 s)\n\n' "$(attr timeout)"
awk -v tick="$tick" '
{
	if (NR == 1) start = $1
	at = int(($1 - start) * 10 + 0.5)
	state[at] = $2; counter[at] = $3
	if (at > last) last = at
}
END {
	for (i = 0; i <= last; i++) {
		if (!(i in state)) { state[i] = state[i - 1]; counter[i] = counter[i - 1] }
		scale = scale (i % 10 ? " " : sprintf("%d", i / 10))
		device = device (state[i] == "busy" ? "=" : state[i] == "resetting" ? "R" : ".")
		was = i ? state[i - 1] : state[i]
		interrupt = interrupt (was == "resetting" && state[i] != was || was == "busy" && state[i] == "idle" ? "^" : " ")
		phase = (start + i / 10 - tick) - int(start + i / 10 - tick)
		if (phase < 0) phase++
		ticks = ticks (phase < 0.05 || phase >= 0.95 ? "|" : " ")
		changed = !i || counter[i] != counter[i - 1]
		number = number (counter[i] < 0 ? "." : changed ? counter[i] : "-")
	}
	print "    seconds      " scale
	print "    device       " device "    = busy, R resetting"
	print "    interrupt    " interrupt "    ^ one comes"
	print "    timer tick   " ticks "    | the routine is called"
	print "    counter      " number "    . is -1"
}' /tmp/samples

# A device with slots

PATH=$PATH:/root

# ms_in PATTERN: print the milliseconds that the log has behind the pattern, as in "not aborted after 1.000 s".
ms_in() { sed -n "s/.*$1 \([0-9.]*\) s.*/\1/p" /tmp/klog | awk '{ printf "%d\n", $1 * 1000 + 0.5 }'; }

# within PATTERN LOW HIGH: does each line of the log with the pattern say LOW to HIGH ms, and is there one?
within() {
	ms_in "$1" | awk -v low=$(($2 - ${SLACK_MS:-0})) -v high=$(($3 + ${SLACK_MS:-0})) '
		$1 < low || $1 > high { wrong = 1 }
		END { exit wrong || !NR }'
}

# together TEXT TIMES: were so many lines with the text logged at one tick?
together() {
	sed -n "s/^\[ *\([0-9.]*\)\].*$1.*/\1/p" /tmp/klog | awk -v times="$2" '
		NR == 1 { first = $1 }
		{ last = $1 }
		END { exit !(NR == times && last - first < 0.5) }'
}

# in_order TEXT: are the requests in the lines with the text in the order of their numbers, and are there two?
in_order() {
	sed -n "s/.* request \([0-9]*\), slot.*$1.*/\1/p" /tmp/klog >/tmp/order
	[ "$(wc -l </tmp/order)" -gt 1 ] && sort -nc /tmp/order
}

# one_slot: do all lines of the log name the same slot?
one_slot() { [ "$(sed -n 's/.*, slot \([0-9]*\).*/\1/p' /tmp/klog | sort -u | wc -l)" -eq 1 ]; }

# writers_within MS: print how many writers' slowest request took no longer.
writers_within() {
	awk -v ms=$(($1 + ${SLACK_MS:-0})) '$1 == "writer" && $(NF - 1) * 1000 <= ms { n++ } END { print n + 0 }' /tmp/out
}

# each_writer TEXT: does each of the eight writers' lines say this?
each_writer() { [ "$(grep -c "^writer [1-8]: $1, slowest" /tmp/out)" -eq 8 ]; }

# stat NAME: print how much a statistic has grown since the last `before`.
stat() { echo $(($(attr "$1") - $(sed -n "s/^$1: //p" /tmp/before.0))); }

# struck NUMBER: print how often a rule has struck.
struck() { sed -n "s/^rule $1: .* struck //p" /dev/sim_dev0_ctl; }

# holds EXPRESSION: is this arithmetic expression true?
holds() { [ $(($1)) -ne 0 ]; }

# ended HOW: print how many requests of all writers ended so, e.g. EIO.
ended() { sed -n '/^all:/s/[:,]/\n/gp' /tmp/out | awk -v how="$1" '$2 == how { n = $1 } END { print n + 0 }'; }

trace_save
trace_file=
echo
run "rmmod sim_dev; insmod /root/sim_dev.ko slots=8 queue_depth=128 timeout=5 abort_timeout=1"
scenes=12

scene one-of-eight "Eight writers, eight slots, one operation hangs: it is aborted, and the others go on"
run "printf 'hang\nlatency 100\n' > /dev/sim_dev0_ctl"
run "writers 8 80"
check "all data of eight writers is right although one operation hangs" says "all: 640 right, slowest"
check "seven of eight writers see no request slower than 0.2 s" [ "$(writers_within 200)" -eq 7 ]
end
check "of eight operations the one that hangs times out" grew timeouts 1
check "the operation that hangs is aborted" grew aborts 1
check "the request whose operation was aborted is retried" grew retries 1
check "an abort needs no reset" grew resets 0
check "an abort takes no other operation away" grew innocent 0
check "the operation that is aborted took more than 5 s and at most 6 s" detected_in_time
check "the kernel log says that the operation is aborted" klog_says "aborting it"
check "the counter is back at -1 after the abort" idle

scene all-eight "All eight operations hang: aborted in one tick, not one a second"
run "printf 'hang 8\nlatency 5\n' > /dev/sim_dev0_ctl"
run "writers 8 1"
check "all data is right although eight operations hang" says "all: 8 right, slowest"
check "all eight writers are done within 6.1 s" [ "$(writers_within 6100)" -eq 8 ]
end
check "eight operations are aborted" grew aborts 8
check "eight requests are retried" grew retries 8
check "eight aborts need no reset" grew resets 0
check "eight operations are aborted in one tick" together "aborting it" 8
check "each of the eight operations took more than 5 s and at most 6 s" detected_in_time

scene no-abort "The device cannot abort: one reset, one guilty, seven innocent"
run "echo 0 > $sysfs/sim_dev.0/abort_timeout"
run "printf 'hang\nlatency 3900\n' > /dev/sim_dev0_ctl"
run "writers 8 2"
check "all data is right although the reset took eight operations away" says "all: 16 right, slowest"
end
check "without abort one operation times out" grew timeouts 1
check "without abort the device is reset once" grew resets 1
check "without abort nothing is aborted" grew aborts 0
check "the request that timed out is retried" grew retries 1
check "seven requests start over, and no retry is counted for them" grew innocent 7
check "the kernel log says that seven requests start over" klog_says "starting over" 7
check "after the reset the requests begin in their old order" in_order "reset complete"
check "the operation before the reset took more than 5 s and at most 6 s" detected_in_time

scene lost-among-many "One interrupt of many is lost: the next one brings the news"
run "echo 1 > $sysfs/sim_dev.0/abort_timeout"
run "printf 'lost\nlatency 100\n' > /dev/sim_dev0_ctl"
run "writers 8 10"
check "all data is right although an interrupt is lost" says "all: 80 right, slowest"
check "no writer sees a request slower than 0.3 s" [ "$(writers_within 300)" -eq 8 ]
end
check "the operation whose interrupt is lost does not time out" grew timeouts 0
check "the interrupt that is lost among many causes no reset" grew resets 0

scene eight-lost "All interrupts are lost: the driver asks before it acts"
run "printf 'lost 8\nlatency 5\n' > /dev/sim_dev0_ctl"
run "writers 8 1"
check "all data is right although eight interrupts are lost" says "all: 8 right, slowest"
end
check "the driver finds eight operations that were done" grew missed 8
check "no operation that was done times out" grew timeouts 0
check "no operation that was done is aborted" grew aborts 0
check "eight lost interrupts cause no reset" grew resets 0
check "the driver finds all eight in one tick" together "no interrupt came" 8
check "the driver asks more than 5 s and at most 6 s after the start" within "no interrupt came in" 5000 6000

scene abort-hang "The abort hangs too: a reset cures the device"
run "printf 'hang\nabort-hang\nlatency 3900\n' > /dev/sim_dev0_ctl"
run "writers 8 2"
check "all data is right although an abort hangs" says "all: 16 right, slowest"
end
check "the operation is aborted before the reset" grew aborts 1
check "the operation whose abort hangs times out once" grew timeouts 1
check "the abort that hangs causes one reset" grew resets 1
check "the request whose abort hangs is retried once" grew retries 1
check "seven requests start over after the abort hangs" grew innocent 7
check "the operation whose abort hangs took more than 5 s and at most 6 s" detected_in_time
check "the abort times out after 1 s" within "not aborted after" 990 1010

scene eight-fail "Abort and reset hang: all in the device fail, the next succeed"
run "printf 'hang\nabort-hang\nreset-hang\nlatency 3900\n' > /dev/sim_dev0_ctl"
run "writers 8 2"
check "each writer's request in the device fails, the other succeeds" each_writer "1 right, 1 EIO"
run "printf 'latency 5\n' > /dev/sim_dev0_ctl; echo next > /dev/sim_dev0"
check "the next write to the device with slots succeeds" [ $? -eq 0 ]
end
check "eight requests fail" grew failed 8
check "nine requests complete" grew completed 9
check "one reset fails" grew reset_failures 1
check "the kernel log tells of eight requests that failed" klog_says "failed with -EIO" 8
check "the requests fail in one tick" together "failed with -EIO" 8
check "the reset fails after 2 s" within "no interrupt for" 1990 2010
check "the counter is back at -1 after the reset failed" idle

scene three-late "Late interrupts of three attempts arrive during the fourth"
run "printf 'rule late 19500 times 1\nrule late 14200 after 1 times 1\n' > /dev/sim_dev0_ctl"
run "printf 'rule late 8500 after 2 times 1\nlatency 4000\n' > /dev/sim_dev0_ctl"
exec 3<>/dev/sim_dev0
echo "    # dd bs=4096 <in >&3; dd bs=4096 count=1 <&3 >back; cmp in back"
start=$(uptime_ms)
check "a request with three late interrupts returns its own data" roundtrip 4000
took=$(($(uptime_ms) - start))
exec 3>&-
end
check "all four attempts are in one slot" one_slot
check "three interrupts are late" grew late 3
check "the late interrupts complete nothing: one completion" grew completed 1
check "the request is retried after each late attempt" grew retries 3
check "the fourth attempt's own interrupt completes the request (after $took ms)" [ $took -gt 21000 ]
run "printf 'clear\nlatency 5\n' > /dev/sim_dev0_ctl"

# faults SCALE: print rules for every kind of fault that a device recovers from by itself, in the form that
# printf takes: each strikes one operation in 40, 50 or 100 times SCALE.
faults() {
	printf '%s' "rule hang chance 1/$((40 * $1))\n"
	for fault in "late 6500" "late 9000"; do printf '%s' "rule $fault chance 1/$((100 * $1))\n"; done
	for fault in error lost duplicate corrupt short "spurious 3" "storm 10"; do
		printf '%s' "rule $fault chance 1/$((50 * $1))\n"
	done
	printf '%s' "rule abort-hang every 4\nrule reset-hang every 3\nrule reset-lost after 1 every 3\n"
}

# seeded FILE: run one writer under all faults, and write to the file what came of it.
seeded() {
	before
	run "printf 'clear\nseed 7\n$(faults 1)' > /dev/sim_dev0_ctl"
	run "writers 1 1000; sleep 10; grep rule /dev/sim_dev0_ctl"
	sed 's/, slowest.*//' /tmp/out >"$1"
	for name in submitted completed failed cancelled timeouts aborts resets reset_failures retries innocent late \
		spurious missed; do
		echo "$name $(stat $name)"
	done >>"$1"
}

# each_rule_struck: has every rule struck?
each_rule_struck() { grep -q '^rule' /dev/sim_dev0_ctl && ! grep -q '^rule .* struck 0$' /dev/sim_dev0_ctl; }

if [ "${TRACE:-}" = 1 ] || [ -n "${SLACK_MS:-}" ]; then
	printf '\n# Two scenes are left out: they do not fit into a trace, and take 20 minutes in real time.\n'
else
	scene seed "The same seed and the same operations: the same faults"
	seeded /tmp/seeded
	check "each rule strikes the one writer's operations" each_rule_struck
	seeded /tmp/seeded.again
	check "run again, every rule, request and statistic is the same" cmp -s /tmp/seeded /tmp/seeded.again
	klog_end

	scene storm "A storm of all faults: 100,000 requests of eight writers on eight slots"
	# The statistics begin at 0.
	run "echo sim_dev.0 > $driver/unbind; echo sim_dev.0 > $driver/bind"
	before
	run "printf 'clear\nseed 7\n$(faults 50)' > /dev/sim_dev0_ctl"
	run "printf 'rule dead every 30000\nrule gone after 15000 every 30000\nlatency 10-30\n' > /dev/sim_dev0_ctl"
	run "writers 8 12500 16 500 8"
	check "in the storm no request gets data of another one" [ $? -eq 0 ]
	cp /tmp/out /tmp/storm
	# Until the last late interrupts have come.
	run "sleep 10; grep -v pending /dev/sim_dev0_ctl"
	cp /tmp/storm /tmp/out
	klog_end
	echo "    (the kernel log has $(wc -l </tmp/klog) lines)"

	# Which requests are struck, and how many operations a reset takes away, depends on how the
	# scheduler mixes the writers. So these are the contract's bounds, not this run's figures.
	hangs=$(($(struck 1) + $(struck 2) + $(struck 3))) outages=$(($(struck 14) + $(struck 15)))
	completed=$(stat completed) failed=$(stat failed) cancelled=$(stat cancelled) closed=$(ended closed)
	data=$(($(ended right) + $(ended corrupt) + $(ended short))) gave_up=$(ended ETIMEDOUT)
	errors=$(($(ended EIO) + gave_up))
	check "100,000 requests are submitted in the storm" grew submitted 100000
	check "in the end submitted = completed + failed + cancelled" holds "$completed + $failed + $cancelled == 100000"
	check "each rule strikes in the storm" each_rule_struck
	check "the writers have read what completed and failed, but for the files that they closed" \
		holds "$data <= $completed && $errors <= $failed && $data + $errors + $closed == 100000"
	check "only requests of closed files are cancelled" holds "0 < $cancelled && $cancelled <= $closed"
	check "the rule for corrupt data has struck all data that is corrupt" \
		holds "0 < $(ended corrupt) && $(ended corrupt) <= $(struck 7)"
	check "the rule for short data has struck all data that is short" \
		holds "0 < $(ended short) && $(ended short) <= $(struck 8)"
	# When the device goes, the data of eight operations may not have been read.
	check "for each request that fails there is an error, a reset that failed or the last retry" \
		holds "$failed <= $(struck 4) + 8 * $(stat reset_failures) + 8 * $(struck 15) + $gave_up"
	# An outage of 9 s at most is long enough for two time-outs in each slot.
	check "no operation times out without a cause" holds "$(stat timeouts) <= $hangs + 16 * $outages"
	check "no more operations are aborted, and no more requests retried, than time out" \
		holds "$(stat aborts) <= $(stat timeouts) && $(stat retries) <= $(stat timeouts)"
	check "each reset takes at most seven innocent operations away" holds "$(stat innocent) <= 7 * $(stat resets)"
	check "late interrupts are those of late and of duplicate operations" \
		holds "$(stat late) <= $(struck 2) + $(struck 3) + $(struck 6)"
	check "each time-out in the storm is detected in time" detected_in_time
	check "each abort that hangs times out after 1 s" within "not aborted after" 990 1010
	check "each reset that hangs times out after 2 s" within "reset failed, no interrupt for" 1990 2010
	check "the counter is back at -1 after the storm" idle
	run "printf 'clear\nlatency 5\n' > /dev/sim_dev0_ctl; echo calm > /dev/sim_dev0"
	check "a write succeeds after the storm" [ $? -eq 0 ]
fi

# A driver above two devices

# hang_both LIMIT: one operation hangs in each device; four writers write to the mirror of both.
hang_both() {
	run "echo $1 > /sys/module/mirror/parameters/timeout"
	run "echo hang > /dev/sim_dev0_ctl; echo hang > /dev/sim_dev1_ctl"
	run "for i in 1 2 3 4; do (echo \$i > /dev/mirror && echo write \$i succeeds) & done; wait; sleep 6"
	succeeded=$(grep -c succeeds /tmp/out)
	run "cat /sys/bus/platform/devices/mirror/stats /sys/bus/platform/devices/mirror/legs"
}
both_grew() { grew "$1" "$2" 0 && grew "$1" "$2" 1; }

trace_save
trace_file=
echo
run "rmmod sim_dev; insmod /root/sim_dev.ko devices=2 && insmod /root/mirror.ko"
sleep 2
scenes=22

scene upper-too-short "Two devices hang once; the driver above them waits 1 s: all writes fail, for nothing"
before 1
hang_both 1
end
check "with an upper limit of 1 s no write succeeds" [ "$succeeded" -eq 0 ]
check "each device has timed out once" both_grew timeouts 1
check "each device has recovered by one reset, for nobody" both_grew resets 1
check "both devices are attached again" [ "$(grep -c "^[01] attached" /tmp/out)" -eq 2 ]

scene upper-long-enough "The same, but the driver above waits longer than the worst case below: all writes succeed"
before 1
hang_both 120
end
check "with an upper limit of 120 s all four writes succeed" [ "$succeeded" -eq 4 ]
check "each device times out once" both_grew timeouts 1
check "each device recovers by one reset" both_grew resets 1
check "each device retries the request that hung" both_grew retries 1
trace_save
trace_file=
run "rmmod mirror"
check "the mirror unloads" [ $? -eq 0 ]

echo
echo "# Try it yourself: scripts/vm --shell"
all_passed
status=$?
trace_print
[ $status -eq 0 ]
