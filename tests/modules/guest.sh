# SPDX-License-Identifier: GPL-2.0-only
# The modules themselves: parameters, loading, unloading, the log's rate limits, and idle time.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

parameters=/sys/module/iotimer/parameters
load() { insmod /root/iotimer.ko && insmod /root/sim_dev.ko "$@"; }
unload() { rmmod sim_dev && rmmod iotimer; }

check "both modules load" load
check "budget_us is 200 by default" [ "$(cat $parameters/budget_us)" = 200 ]
for bad in 0 1000001 -1 x ''; do
	check "budget_us refuses a bad value ('$bad')" refuses put "$bad" $parameters/budget_us
done
check "budget_us is still 200 after bad values" [ "$(cat $parameters/budget_us)" = 200 ]
check "budget_us takes its minimum, 1" put 1 $parameters/budget_us
check "budget_us takes its maximum, 1000000" put 1000000 $parameters/budget_us
check "budget_us keeps the maximum" [ "$(cat $parameters/budget_us)" = 1000000 ]

stat() { sed -n "s/^$1: //p" /sys/kernel/debug/iotimer/stats; }

# wait_write COMMAND: give the device a command, then do one write that the command affects.
wait_write() {
	echo "$1" >/dev/sim_dev0_ctl
	echo x >/dev/sim_dev0
}

put 3600 $sysfs/sim_dev.0/timeout
wait_write hang 2>/dev/null &
sleep 2
ticks=$(stat ticks)
sleep 10
check "while a device is busy, 10 ticks come in 10 s" [ $(($(stat ticks) - ticks)) -eq 10 ]
check "no tick is missed while a device is busy" [ "$(stat missed_ticks)" -eq 0 ]
check "iotimer does not unload while sim_dev uses it" refuses rmmod iotimer
put sim_dev.0 $driver/unbind
sleep 2
ticks=$(stat ticks)
sleep 100
# P8: no device is bound, so no timer is enabled, and no tick comes.
check "while no device is bound, no tick comes in 100 s" [ "$(stat ticks)" -eq "$ticks" ]
put sim_dev.0 $driver/bind

exec 3<>/dev/sim_dev0
check "sim_dev does not unload while a node is open" refuses rmmod sim_dev
check "the open node works after the refused unload" put x /dev/sim_dev0
exec 3>&-
check "both modules unload after the node is closed" unload

for bad in devices=0 devices=257 slots=0 slots=257 timeout=0 timeout=3601 abort_timeout=3601 reset_timeout=0 \
	max_retries=101 latency_ms=600001 queue_depth=0 timeout=x; do
	check "sim_dev refuses a bad parameter ($bad)" refuses insmod /root/sim_dev.ko $bad
done
check "iotimer refuses budget_us=0" refuses insmod /root/iotimer.ko budget_us=0
check "a refused load leaves no driver behind" [ ! -e $driver ]

check "both modules load when all parameters are set" load devices=3 slots=4 timeout=7 abort_timeout=6 \
	reset_timeout=8 max_retries=9 latency_ms=10 queue_depth=1
check "the device has the slots that sim_dev was loaded with" [ "$(attr slots 2)" = 4 ]
check "the device has the abort_timeout that sim_dev was loaded with" [ "$(attr abort_timeout 2)" = 6 ]
check "the device has the timeout that sim_dev was loaded with" [ "$(attr timeout 2)" = 7 ]
check "the device has the reset_timeout that sim_dev was loaded with" [ "$(attr reset_timeout 2)" = 8 ]
check "the device has the max_retries that sim_dev was loaded with" [ "$(attr max_retries 2)" = 9 ]
check "the device has the latency_ms that sim_dev was loaded with" grep -qx "latency_ms: 10" /dev/sim_dev2_ctl
check "three devices have six nodes" [ "$(find /dev -name 'sim_dev*' | wc -l)" -eq 6 ]
check "each of three devices has an interrupt of its own" [ "$(grep -c 'sim_dev\.' /proc/interrupts)" -eq 3 ]
check "both modules unload after they had parameters" unload

check "both modules load before measuring" load
check "measuring can be switched off while it is off" put 0 /sys/kernel/debug/iotimer/measure
check "measuring can be switched on" put 1 /sys/kernel/debug/iotimer/measure
sleep 2
check "both modules unload while measuring is on" unload

# Many devices are in trouble at once. Each of the driver's log lines is rate-limited.
few() { n=$(grep -c "$1" /tmp/klog); [ "$n" -gt 0 ] && [ "$n" -le "$2" ]; }
check "both modules load for 32 devices" load devices=32 timeout=1 reset_timeout=1 max_retries=1
klog_start
for trouble in 'hang 2' 'hang\nreset-hang'; do
	for i in $(seq 0 31); do
		# shellcheck disable=SC2059 # two lines
		printf "$trouble" >/dev/sim_dev"$i"_ctl
		(echo x >/dev/sim_dev"$i") 2>/dev/null &
	done
	wait
	sleep 10
done
klog_end
failed_requests=0
for i in $(seq 0 31); do
	failed_requests=$((failed_requests + $(attr failed "$i")))
done
check "all requests that must fail do ($failed_requests of 64)" [ $failed_requests -eq 64 ]
check "time-outs are rate-limited in the log: 30 lines at most for 96" few "timed out" 30
check "retries are rate-limited in the log: 10 lines at most for 32" few "retrying" 10
check "requests given up are rate-limited in the log: 10 lines at most for 32" few "giving up" 10
check "failed resets are rate-limited in the log: 10 lines at most for 32" few "reset failed" 10
check "both modules unload when 32 devices were in trouble" unload

# Unbinding and unloading with operations in all 256 slots, and more requests in the queue.

# outstanding_is NUMBER: wait until so many requests are outstanding, for about 20 s at most.
outstanding_is() {
	for _ in $(seq 400); do
		! grep -qx "outstanding: $1" /dev/sim_dev0_ctl || return 0
		usleep 50000
	done
	return 1
}

# fill: have 300 processes wait in write(). Their errors go to /tmp/errors.
writers=''
fill() {
	: >/tmp/errors
	writers=''
	for _ in $(seq 300); do
		(echo x >/dev/sim_dev0) 2>>/tmp/errors &
		writers="$writers $!"
	done
	outstanding_is 300
}

# in_state NAME NUMBER: wait until a statistic has this value, for about 20 s at most.
in_state() {
	for _ in $(seq 400); do
		[ "$(attr "$1")" -ne "$2" ] || return 0
		usleep 50000
	done
	return 1
}

check "both modules load with 256 slots" load slots=256 queue_depth=1024 timeout=3600 latency_ms=600000
for trouble in busy aborting resetting; do
	put 'rule lost' /dev/sim_dev0_ctl	# strikes each operation, which takes too long to show it
	case $trouble in
	busy) put 3600 $sysfs/sim_dev.0/timeout ;;
	*) put 1 $sysfs/sim_dev.0/timeout ;;
	esac
	[ $trouble != aborting ] || put 60 $sysfs/sim_dev.0/abort_timeout
	put 60 $sysfs/sim_dev.0/reset_timeout
	check "300 writes wait ($trouble)" fill
	case $trouble in
	aborting) check "256 operations are being aborted ($trouble)" in_state aborts 256 ;;
	resetting) check "the device is being reset with 256 operations ($trouble)" in_state resets 1 ;;
	esac
	check "256 operations are in the device ($trouble)" grep -qx 'rule 1: lost struck 256' /dev/sim_dev0_ctl
	check "sim_dev does not unload with 256 operations and its node open ($trouble)" refuses rmmod sim_dev
	check "the driver unbinds with 256 operations in the device ($trouble)" put sim_dev.0 $driver/unbind
	wait
	check "all 300 writes fail with ENODEV ($trouble)" [ "$(grep -c 'No such device' /tmp/errors)" -eq 300 ]
	check "no write fails otherwise ($trouble)" [ "$(wc -l </tmp/errors)" -eq 300 ]
	check "the driver binds again after 256 operations ($trouble)" put sim_dev.0 $driver/bind
	printf 'clear\nlatency 5\nreset-latency 5\n' >/dev/sim_dev0_ctl
	check "a write succeeds after the driver was bound again ($trouble)" put x /dev/sim_dev0
	check "nothing of the old operations comes after the driver was bound again ($trouble)" \
		[ "$(attr completed) $(attr timeouts) $(attr late) $(attr spurious)" = "1 0 0 0" ]
	printf 'latency 600000\nreset-latency 600000\n' >/dev/sim_dev0_ctl
done
put 3600 $sysfs/sim_dev.0/timeout
check "300 writes wait before they are killed" fill
for writer in $writers; do
	kill -9 "$writer"
done
wait
check "the device keeps the 256 operations of killed writers" outstanding_is 256
check "both modules unload with 256 operations in the device" unload

# While no device has anything to do, the modules have no tick, no timer and no interrupt.

# interrupts: count the interrupts of the local timer, on all CPUs.
interrupts() { awk '$1 == "LOC:" { for (i = 2; i ~ /^[0-9]+$/ && $i ~ /^[0-9]+$/; i++) n += $i } END { print n }' /proc/interrupts; }

# in_100_s: count those interrupts in 100 s in which the guest is idle.
in_100_s() {
	interrupts=$(interrupts)
	sleep 100
	echo $(($(interrupts) - interrupts))
}

# ours SECONDS: trace for so long, print the timers, interrupts and work of the modules.
ours() {
	echo >$tracefs/trace
	sleep "$1"
	grep -E 'iotimer|sim_|function=(tick|resume)\b' $tracefs/trace
}

sleep 5
without=$(in_100_s)
check "both modules load with 4 devices" load devices=4
for i in 0 1 2 3; do
	put 1 $sysfs/sim_dev.$i/timeout
	put hang /dev/sim_dev${i}_ctl
	put x /dev/sim_dev$i
done
sleep 3
for event in timer/timer_start timer/timer_expire_entry timer/hrtimer_start timer/hrtimer_expire_entry \
	irq/irq_handler_entry workqueue/workqueue_execute_start sched/sched_wakeup; do
	put 1 $tracefs/events/$event/enable
done
put 1 $tracefs/tracing_on
ticks=$(stat ticks)
wakeups=$(stat wakeups)
# P8: no device has an operation, so no timer is enabled, and no tick comes.
check "no timer, interrupt or thread of ours runs while 4 devices are idle for 100 s" refuses ours 100
check "no tick comes while 4 devices are idle" [ "$(stat ticks) $(stat wakeups)" = "$ticks $wakeups" ]
put x /dev/sim_dev0
check "such a trace does show a device that works" quietly ours 2
for event in timer irq workqueue sched; do
	put 0 $tracefs/events/$event/enable
done
sleep 3
with=$(in_100_s)
check "idle devices add no timer interrupts ($with in 100 s, $without without the modules)" [ "$with" -le $((without + 10)) ]

# P3: after an idle time, the first call comes within a second of the start.
# So an operation that hangs then is detected as exactly as any other.
exact=0
put 3 $sysfs/sim_dev.0/timeout
for phase in 0 1 2 3 4 5 6 7 8 9; do
	sleep "7.$phase"
	klog_start
	wait_write hang
	klog_end
	took=$(sed -n 's/.*timed out after \([0-9.]*\) s.*/\1/p' /tmp/klog)
	took=$(ms "${took:-0}")
	if [ "$took" -gt 3000 ] && [ "$took" -le $((4010 + ${SLACK_MS:-0})) ]; then
		exact=$((exact + 1))
	else
		echo "    after $took ms"
	fi
done
check "operations that hang after an idle time are detected in more than 3 s and at most 4 s ($exact of 10)" [ $exact -eq 10 ]
check "both modules unload after the idle times" unload

# The driver writes its log lines with interrupts on, so not under a lock that the interrupt
# handler takes. The function tracer shows each call of these functions; the flag 'd' or 'D'
# in its line means that interrupts were off.
log_functions='_dev_info _dev_warn _dev_err'
if put "$log_functions" $tracefs/set_ftrace_filter 2>/dev/null; then
	check "both modules load before the log functions are traced" load timeout=1 reset_timeout=1 max_retries=1
	echo >$tracefs/trace
	put function $tracefs/current_tracer
	klog_start
	for trouble in 'hang' 'hang 2' 'hang\nreset-hang' 'lost' 'hang\nreset-lost' 'hang\nreset-latency 1000'; do
		# shellcheck disable=SC2059 # two lines
		printf "$trouble" >/dev/sim_dev0_ctl
		put x /dev/sim_dev0 2>/dev/null
	done
	put 1 $sysfs/sim_dev.0/abort_timeout
	for trouble in 'reset-latency 5\nhang' 'hang 2' 'hang\nreset-latency 2000'; do
		# shellcheck disable=SC2059 # two lines
		printf "$trouble" >/dev/sim_dev0_ctl
		put x /dev/sim_dev0 2>/dev/null
	done
	put 0 $sysfs/sim_dev.0/abort_timeout
	# Killed while its operation is under way. The first reset succeeds, the second fails.
	for trouble in 'reset-latency 5\nhang' 'hang\nreset-hang'; do
		# shellcheck disable=SC2059 # two lines
		printf "$trouble" >/dev/sim_dev0_ctl
		sh -c 'echo x >/dev/sim_dev0' &
		sleep 0.1
		kill -9 $!
		wait
		sleep 5
	done
	klog_end
	grep '_dev_.*<-sim_' $tracefs/trace >/tmp/lines
	put nop $tracefs/current_tracer
	put '' $tracefs/set_ftrace_filter
	for line in 'timed out after' 'aborting it' 'aborted.*retrying' 'aborted.*giving up' 'not aborted after' 'retrying, attempt' 'giving up' 'reset failed.*with -EIO' 'done, but no interrupt' \
		'reset, but no interrupt' 'complete.*the request was cancelled' 'failed.*the request was cancelled'; do
		check "the log has this line ($line)" grep -q "$line" /tmp/klog
	done
	check "the tracer sees each line of the log ($(wc -l </tmp/lines) lines)" \
		[ "$(wc -l </tmp/lines)" -eq "$(grep -c 'sim_dev.0: ' /tmp/klog)" ]
	check "no line of the log is written with interrupts off" refuses grep -E '\] [dD]' /tmp/lines
	check "both modules unload after the log functions were traced" unload
else
	echo "    skipped: interrupts on in the log: this kernel cannot trace functions"
fi

# Another module's device has a name that sim_dev uses. The kernel logs a stack trace for this. Keep
# the trace off the console, where it would count as trouble.
# clash_begins, clash_ends NAME: record what the kernel logs while sim_dev cannot have this name.
clash_begins() {
	klog_start
	dmesg -n 1
}
clash_ends() {
	dmesg -n 8
	dmesg -c >/tmp/klog
	check "the kernel complains of the name and of nothing else ($1)" \
		[ "$(grep -cE 'Call Trace|WARNING|BUG|Oops' /tmp/klog)" -eq "$(grep -c 'cannot create duplicate' /tmp/klog)" ]
}
foreign() { insmod /root/platform_foreign.ko "$@"; }
rest_of_us() { [ -e $driver ] || [ -e /sys/class/sim_dev ] || grep -q sim_dev /proc/devices || ls /dev/sim_dev* 2>/dev/null; }

insmod /root/iotimer.ko
check "another module's device takes the first name (sim_dev.0)" foreign name=sim_dev id=0
clash_begins
check "sim_dev does not load when the first name is taken" refuses insmod /root/sim_dev.ko devices=4
# A newer kernel turns the EEXIST of a module's init into EBUSY.
check "insmod says why sim_dev does not load" eval 'says "File exists" || says "resource busy"'
clash_ends sim_dev.0
check "a failed load leaves nothing behind" refuses rest_of_us
rmmod platform_foreign
check "another module's device takes a later name (sim_dev.200)" foreign name=sim_dev id=200
# A program opens the first node as soon as the node exists.
(
	while [ ! -c /dev/sim_dev0 ]; do
		:
	done
	exec 3<>/dev/sim_dev0
	grep -q '^sim_dev .*Loading' /proc/modules && echo opened
	sleep 20
	echo y >&3
	head -c 2 <&3
) >/tmp/opener &
clash_begins
check "sim_dev loads when a later name is taken" insmod /root/sim_dev.ko devices=256
clash_ends sim_dev.200
check "sim_dev makes the 200 devices before the name that is taken" [ "$(find $driver/ -name 'sim_dev.*' | wc -l)" -eq 200 ]
check "the log says that 200 of 256 devices were made" klog_says "made 200 devices of 256"
check "sim_dev does not unload while the first of 200 devices is open" refuses rmmod sim_dev
wait
check "the node that was opened while sim_dev was loading works" [ "$(cat /tmp/opener)" = "opened
y" ]
check "the last of 200 devices works" put x /dev/sim_dev199
check "the other module's device has no driver" [ ! -e $sysfs/sim_dev.200/driver ]
check "sim_dev unloads with 200 devices" rmmod sim_dev
check "sim_dev leaves nothing behind after 200 devices" refuses rest_of_us
rmmod platform_foreign

# Other modules' devices, bound by force.
insmod /root/sim_dev.ko
for data in 0 1; do
	check "another module makes a device of another kind (platform data: $data)" foreign name=other id=7 interrupt=1 data=$data
	put sim_dev $sysfs/other.7/driver_override
	check "the driver refuses a device of another kind (platform data: $data)" refuses put other.7 $driver/bind
	check "the refusal of a device of another kind is ENODEV (platform data: $data)" says "No such device"
	rmmod platform_foreign
done
check "another module makes a device that has our name, but no platform data" foreign name=sim_dev id=7 interrupt=1
check "the driver does not bind a device without platform data" [ ! -e $sysfs/sim_dev.7/driver ]
rmmod platform_foreign
check "our own device works after the others were refused" put x /dev/sim_dev0
check "both modules unload after other modules' devices" unload

# Load and unload many times, with the device in each kind of trouble.
rounds=0
for i in $(seq 20); do
	load devices=2 || break
	for trouble in "hang" "late 500" "spurious 1000000" "dead"; do
		put "$trouble" "/dev/sim_dev$((i % 2))_ctl"
	done
	(echo x >/dev/sim_dev0) 2>/dev/null &
	(echo x >/dev/sim_dev1) 2>/dev/null &
	sleep "$((i % 4)).$i"
	put sim_dev.0 $driver/unbind
	put sim_dev.1 $driver/unbind
	wait
	unload || break
	rounds=$((rounds + 1))
done
check "both modules load and unload 20 times with devices in trouble" [ $rounds -eq 20 ]
check "sim_dev is no longer loaded after 20 rounds" [ ! -e /sys/module/sim_dev ]
check "the nodes are gone after 20 rounds" [ ! -e /dev/sim_dev0 ]
all_passed
