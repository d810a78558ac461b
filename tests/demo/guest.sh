# SPDX-License-Identifier: GPL-2.0-only
# The demo: runs in a guest, drives sim_dev through its nodes by shell redirection alone,
# and checks the results. With TRACE=1 it records a trace of each scene and prints all
# traces at its end, for scripts/timeline.
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
head -c 65 /dev/zero | tr '\0' x >/tmp/65
refused "dd bs=65 < /tmp/65 > /dev/sim_dev0_ctl" "Message too long"
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

echo
echo "# Try it yourself: scripts/vm --shell"
trace_save
all_passed
status=$?
trace_print
[ $status -eq 0 ]
