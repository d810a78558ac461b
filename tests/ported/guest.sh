# SPDX-License-Identifier: GPL-2.0-only
# The porting example, examples/port: requests that succeed, time out and fail; interrupts that
# are lost; a device that is gone; suspend, signals, unbinding.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

device=$sysfs/ported.0
drivers=/sys/bus/platform/drivers/ported
# scene TITLE [PARAM=VALUE]...: load a new device and the driver.
scene() {
	title=$1
	printf '\n--- %s\n\n' "$title"
	shift
	insmod /root/ported_hw.ko "$@" || exit
	insmod /root/ported.ko || exit
	klog_start
}

# ask: make a request and print its result into /tmp/out; take the time and the kernel log.
ask() {
	start=$(uptime_ms)
	sh -c "echo hello >$device/request && cat $device/result" >/tmp/out 2>&1
	took=$(($(uptime_ms) - start))
	dmesg -c >/tmp/klog
}

# within MIN MAX: did the request take more than MIN and at most MAX ms? In real time a tick may
# be late by up to $SLACK_MS.
within() {
	[ $took -gt $(($1 - ${SLACK_MS:-0})) ] && [ $took -le $(($2 + ${SLACK_MS:-0})) ]
}

# wait_for PATTERN: wait for the processes of read_result; does each output match?
# shellcheck disable=SC2086 # several processes
wait_for() {
	wait $readers
	[ "$(grep -l "$1" /tmp/done.* | wc -l)" -eq "$(echo $readers | wc -w)" ]
}

# read_result N: read the result in the background, into /tmp/done.N.
readers=
read_result() {
	cat $device/result >/tmp/done."$1" 2>&1 &
	readers="$readers $!"
}

# end: unload the driver and the device.
end() {
	rmmod ported
	check "the device's module unloads ($title)" rmmod ported_hw
	rm -f /tmp/done.*
	readers=
}

insmod /root/iotimer.ko || exit
insmod /root/iotimer_wake.ko || exit

scene "a device that works"
ask
check "a request succeeds when the device works" says succeeded
check "a request takes less than a second when the device works ($took ms)" [ $took -lt 1000 ]
check "the kernel logs nothing when the device works" [ ! -s /tmp/klog ]
end

scene "the device hangs once" hang=1
ask
check "the request succeeds although the device hangs once" says succeeded
check "the request that hangs once takes 3 to 4 s and a retry ($took ms)" within 3000 4200
check "the kernel logs the time-out of the request that hangs once" klog_says "timed out, resetting"
end

scene "the reset hangs too" hang=1 reset_hang=1
ask
check "the request fails with EIO when the reset hangs too" says "Input/output error"
check "the request whose reset hangs fails after 5 to 6 s ($took ms)" within 5000 6200
check "the kernel logs that the reset failed" klog_says "reset failed"
ask
check "the next request succeeds after the failed reset" says succeeded
end

scene "the device hangs every time" hang=9
ask
check "the request fails with ETIMEDOUT when the device hangs every time" says "timed out"
check "the kernel logs four time-outs when the device hangs every time" klog_says "timed out, resetting" 4
end

scene "a lost interrupt" lost=1
ask
check "the request succeeds although its interrupt is lost" says succeeded
check "the lost interrupt is noticed when the request's time is up ($took ms)" within 3000 4200
check "the kernel logs that the request's interrupt was lost" klog_says "its interrupt was lost"
check "a lost interrupt causes no time-out and no reset" klog_says "timed out" 0
ask
check "the next request succeeds after the lost interrupt" says succeeded
check "the request after a lost interrupt takes less than a second ($took ms)" [ $took -lt 1000 ]
end

scene "two lost interrupts, while more requests wait" lost=2
for i in 1 2 3; do
	put $i $device/request
done
ask
check "requests succeed although two interrupts are lost" says succeeded
check "each lost interrupt costs a time-out of its own ($took ms)" within 7000 8200
check "the kernel logs both lost interrupts" klog_says "its interrupt was lost" 2
check "two lost interrupts cause no time-out and no reset" klog_says "timed out" 0
end

scene "the interrupt of the reset is lost" hang=1 reset_lost=1
ask
check "the request succeeds although the interrupt of its reset is lost" says succeeded
check "the request waits for its time-out and for that of the reset ($took ms)" within 5000 6200
check "the kernel logs one time-out of the request" klog_says "timed out, resetting"
check "the kernel logs that the reset's interrupt was lost" klog_says "its interrupt was lost"
check "the reset whose interrupt is lost does not fail" klog_says "reset failed" 0
end

scene "the device is pulled out of its socket"
put 1 /sys/module/ported_hw/parameters/gone
ask
check "the request fails with EIO when the device is gone" says "Input/output error"
check "the request on a device that is gone fails after 5 to 6 s ($took ms)" within 5000 6200
put 0 /sys/module/ported_hw/parameters/gone
ask
check "the next request succeeds when the device is back" says succeeded
end

scene "the device is gone before the driver loads" gone=1
check "the driver does not bind to a device that is gone" [ ! -e $drivers/ported.0 ]
put 0 /sys/module/ported_hw/parameters/gone
check "the driver binds when the device is back" put ported.0 $drivers/bind
ask
check "a request succeeds after the driver has bound late" says succeeded
end

# refused PARAM=VALUE...: does the driver refuse this device of another module?
refused() {
	insmod /root/platform_foreign.ko id=7 interrupt=1 "$@" || exit
	foreign=$(basename $sysfs/*.7)
	put ported "$sysfs/$foreign/driver_override"
	sh -c "echo $foreign >$drivers/bind" >/tmp/out 2>&1
	says "No such device" && [ ! -e "$drivers/$foreign" ]
}

scene "other devices"
check "a device of the driver's name, but without data, is refused with ENODEV" refused name=ported
check "platform_foreign.ko unloads after the device without data" rmmod platform_foreign
check "a device of another name, bound by force, is refused with ENODEV" refused
check "platform_foreign.ko unloads after the device of another name" rmmod platform_foreign
check "a device with data of another kind, bound by force, is refused with ENODEV" refused data=1
check "platform_foreign.ko unloads after the device with data of another kind" rmmod platform_foreign
end

# sleep_for SECONDS: suspend to idle, and be woken after so many seconds; did the system sleep
# for that long? Sets $took.
sleep_for() {
	put "$1" /sys/module/iotimer_wake/parameters/seconds
	start=$(uptime_ms)
	put freeze /sys/power/state || return
	took=$(($(uptime_ms) - start))
	dmesg >/tmp/klog
	# Tasks must freeze at once, although some wait for results.
	grep -q 'suspend exit' /tmp/klog && [ $took -ge $(($1 * 1000)) ] && ! grep -q 'refusing to freeze' /tmp/klog
}

scene "suspended while one request is under way and another waits" hang=1
for i in 1 2; do
	put $i $device/request
	read_result $i
done
sleep 1
check "one request is under way and another waits: the system sleeps for 12 s" sleep_for 12
start=$(uptime_ms)
check "both requests succeed after the suspend" wait_for succeeded
took=$(($(uptime_ms) - start))
check "both requests succeed within a second after the suspend ($took ms)" [ $took -lt 1000 ]
dmesg -c >/tmp/klog
check "the kernel logs no time-out that comes from sleeping" klog_says "timed out" 0
check "the reset after the suspend does not fail" klog_says "reset failed" 0
ask
check "the next request succeeds after the suspend" says succeeded
end

scene "suspended, and the device hangs three times more" hang=4
put 1 $device/request
read_result 1
sleep 1
check "the device will hang three times more: the system sleeps for 12 s" sleep_for 12
check "the request succeeds although the device hangs after the suspend" wait_for succeeded
dmesg -c >/tmp/klog
check "three retries follow the suspend, so starting over is not one of them" klog_says "timed out" 3
end

scene "suspended while a request is about to end" latency_ms=1500
put 1 $device/request
read_result 1
sleep 1
check "a request is about to end: the system sleeps for 12 s" sleep_for 12
start=$(uptime_ms)
check "the request that was about to end succeeds" wait_for succeeded
took=$(($(uptime_ms) - start))
check "the request that was about to end is not started over ($took ms)" [ $took -lt 1000 ]
end

scene "suspended during a reset that hangs" hang=1 reset_hang=1
put 1 $device/request
read_result 1
until dmesg | grep -q 'timed out, resetting'; do
	sleep 0.1
done
check "a reset hangs: the system sleeps for 12 s" sleep_for 12
check "the suspend waits until the reset has failed" grep -q 'reset failed' /tmp/klog
check "the request fails with EIO when its reset fails during the suspend" wait_for "Input/output error"
ask
check "the next request succeeds after the reset failed during the suspend" says succeeded
end

scene "suspended with nothing to do, twice"
check "nothing to do: the system sleeps for 3 s" sleep_for 3
check "the system sleeps again with nothing to do" sleep_for 3
ask
check "a request succeeds after two suspends" says succeeded
check "a request takes less than a second after two suspends ($took ms)" [ $took -lt 1000 ]
check "the driver logs nothing in two suspends" klog_says "ported ported.0" 0
end

scene "signals" hang=1
put 1 $device/request
for i in 1 2; do
	read_result $i
done
sleep 1
# shellcheck disable=SC2086 # two processes
set -- $readers
kill -STOP "$1"
kill -TERM "$2"
wait "$2"
check "SIGTERM ends the wait for a result at once" [ $? -gt 128 ]
kill -CONT "$1"
readers=$1
rm /tmp/done.2
check "a process that was stopped gets its result" wait_for succeeded
end

scene "many requests" hang=9
for i in $(seq 16); do
	put "$i" $device/request || break
done
check "the driver queues sixteen requests" [ "$i" -eq 16 ]
sh -c "echo 17 >$device/request" >/tmp/out 2>&1
check "the request after the sixteenth is refused with EBUSY" says "busy"
start=$(uptime_ms)
end
took=$(($(uptime_ms) - start))
check "unbinding drops the queued requests within a second ($took ms)" [ $took -lt 1000 ]

scene "unbound while one request is under way and another waits" hang=1
for i in 1 2; do
	put $i $device/request
done
read_result 1
sleep 1
rmmod ported
check "the driver unloads after the requests have ended, since a process waits for them" grep -q succeeded /tmp/done.1
check "the device's module unloads after the driver has waited" rmmod ported_hw

scene "the machine goes down while a request is under way" hang=1
put 1 $device/request
check "iotimer_wake.ko unloads before the machine goes down" rmmod iotimer_wake
# The driver stays loaded, so the kernel calls its shutdown. scripts/vm finds what the kernel
# then complains of.
all_passed
