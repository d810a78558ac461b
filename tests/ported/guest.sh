# SPDX-License-Identifier: GPL-2.0-only
# The porting example, in a guest: requests that succeed, time out, fail and are given up;
# interrupts that are lost; a device that is gone; suspend, signals, unbinding.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

device=$sysfs/ported.0
drivers=/sys/bus/platform/drivers/ported
put() { echo "$1" >"$2"; }

# scene TITLE [PARAM=VALUE]...: a new device, and the driver.
scene() {
	printf '\n--- %s\n\n' "$1"
	shift
	insmod /root/ported_hw.ko "$@" || exit
	insmod /root/ported.ko || exit
	klog_start
}

# ask: a request and its result, timed; what the kernel said.
ask() {
	start=$(uptime_ms)
	sh -c "echo hello >$device/request && cat $device/result" >/tmp/out 2>&1
	took=$(($(uptime_ms) - start))
	dmesg -c >/tmp/klog
}

# within MIN MAX: did the request take so many ms? In real time ticks may come late, by up
# to $SLACK_MS.
within() {
	[ $took -gt $(($1 - ${SLACK_MS:-0})) ] && [ $took -le $(($2 + ${SLACK_MS:-0})) ]
}

# wait_for PATTERN: the end of the background `cat result`s that $readers lists, whose output is in
# /tmp/done.*; does each say so?
# shellcheck disable=SC2086 # several processes
wait_for() {
	wait $readers
	[ "$(grep -l "$1" /tmp/done.* | wc -l)" -eq "$(echo $readers | wc -w)" ]
}

# read_result N: wait for the result in the background.
readers=
read_result() {
	cat $device/result >/tmp/done."$1" 2>&1 &
	readers="$readers $!"
}

# end: the driver and the device go.
end() {
	rmmod ported
	check "unloaded" rmmod ported_hw
	rm -f /tmp/done.*
	readers=
}

insmod /root/iotimer.ko || exit
insmod /root/iotimer_wake.ko || exit

scene "It works"
ask
check "the request succeeds" says succeeded
check "at once ($took ms)" [ $took -lt 1000 ]
check "the kernel says nothing" [ ! -s /tmp/klog ]
end

scene "It hangs once" hang=1
ask
check "the request succeeds" says succeeded
check "after 3 to 4 s and a retry ($took ms)" within 3000 4200
check "the kernel says so" klog_says "timed out, resetting"
end

scene "Its reset hangs too" hang=1 reset_hang=1
ask
check "the request fails with EIO" says "Input/output error"
check "after 5 to 6 s ($took ms)" within 5000 6200
check "the kernel says so" klog_says "reset failed"
ask
check "the next request succeeds" says succeeded
end

scene "It hangs every time" hang=9
ask
check "the request fails with ETIMEDOUT" says "timed out"
check "four time-outs" klog_says "timed out, resetting" 4
end

scene "Its interrupt is lost" lost=1
ask
check "the request succeeds" says succeeded
check "when its time is up ($took ms)" within 3000 4200
check "the kernel says why" klog_says "its interrupt was lost"
check "without a reset" klog_says "timed out" 0
ask
check "the next request succeeds" says succeeded
check "at once ($took ms)" [ $took -lt 1000 ]
end

scene "Its interrupt is lost, and more requests wait" lost=2
for i in 1 2 3; do
	put $i $device/request
done
ask
check "they succeed" says succeeded
check "each lost interrupt costs a time-out of its own ($took ms)" within 7000 8200
check "the kernel says so" klog_says "its interrupt was lost" 2
check "without a reset" klog_says "timed out" 0
end

scene "The interrupt of its reset is lost" hang=1 reset_lost=1
ask
check "the request succeeds" says succeeded
check "after the time-outs of both ($took ms)" within 5000 6200
check "one time-out" klog_says "timed out, resetting"
check "the kernel says why" klog_says "its interrupt was lost"
check "the reset has not failed" klog_says "reset failed" 0
end

scene "It is pulled out of its socket"
put 1 /sys/module/ported_hw/parameters/gone
ask
check "the request fails with EIO" says "Input/output error"
check "after 5 to 6 s ($took ms)" within 5000 6200
put 0 /sys/module/ported_hw/parameters/gone
ask
check "when it is back, the next request succeeds" says succeeded
end

scene "It is gone before the driver comes" gone=1
check "the driver does not bind" [ ! -e $drivers/ported.0 ]
put 0 /sys/module/ported_hw/parameters/gone
check "but does when the device is back" put ported.0 $drivers/bind
ask
check "and it works" says succeeded
end

# refused PARAM=VALUE...: does the driver refuse this foreign device?
refused() {
	insmod /root/platform_foreign.ko id=7 interrupt=1 "$@" || exit
	foreign=$(basename $sysfs/*.7)
	put ported "$sysfs/$foreign/driver_override"
	sh -c "echo $foreign >$drivers/bind" >/tmp/out 2>&1
	says "No such device" && [ ! -e "$drivers/$foreign" ]
}

scene "Other devices"
check "one of its name, but without data, is refused with ENODEV" refused name=ported
check "it goes" rmmod platform_foreign
check "so is one without data that is given to it" refused
check "it goes" rmmod platform_foreign
check "and one with data of another kind" refused data=1
check "it goes" rmmod platform_foreign
end

# sleep_for SECONDS: suspend to idle, and be woken; takes how long there and back, in ms.
sleep_for() {
	put "$1" /sys/module/iotimer_wake/parameters/seconds
	start=$(uptime_ms)
	put freeze /sys/power/state || return
	took=$(($(uptime_ms) - start))
	dmesg >/tmp/klog
	# The tasks were frozen at once, although some wait for results.
	grep -q 'suspend exit' /tmp/klog && [ $took -ge $(($1 * 1000)) ] && ! grep -q 'refusing to freeze' /tmp/klog
}

scene "Suspended while one request is under way and another waits" hang=1
for i in 1 2; do
	put $i $device/request
	read_result $i
done
sleep 1
check "the system sleeps for 12 s" sleep_for 12
start=$(uptime_ms)
check "both requests succeed" wait_for succeeded
took=$(($(uptime_ms) - start))
check "at once ($took ms)" [ $took -lt 1000 ]
dmesg -c >/tmp/klog
check "no time-out came from sleeping" klog_says "timed out" 0
check "the reset works" klog_says "reset failed" 0
ask
check "the next request succeeds" says succeeded
end

scene "Suspended, and it hangs three times more" hang=4
put 1 $device/request
read_result 1
sleep 1
check "the system sleeps for 12 s" sleep_for 12
check "the request succeeds" wait_for succeeded
dmesg -c >/tmp/klog
check "after three retries, so starting over is not one of them" klog_says "timed out" 3
end

scene "Suspended while a request is about to end" latency_ms=1500
put 1 $device/request
read_result 1
sleep 1
check "the system sleeps for 12 s" sleep_for 12
start=$(uptime_ms)
check "the request has succeeded" wait_for succeeded
took=$(($(uptime_ms) - start))
check "before, so it is not started over ($took ms)" [ $took -lt 1000 ]
end

scene "Suspended during a reset that hangs" hang=1 reset_hang=1
put 1 $device/request
read_result 1
until dmesg | grep -q 'timed out, resetting'; do
	sleep 0.1
done
check "the system sleeps for 12 s" sleep_for 12
check "suspend waited for the reset to fail" grep -q 'reset failed' /tmp/klog
check "and the request with it" wait_for "Input/output error"
ask
check "the next request succeeds" says succeeded
end

scene "Suspended with nothing to do, twice"
check "the system sleeps for 3 s" sleep_for 3
check "and again" sleep_for 3
ask
check "then a request succeeds" says succeeded
check "at once ($took ms)" [ $took -lt 1000 ]
check "the kernel knows of no fault" klog_says "ported ported.0" 0
end

scene "Signals" hang=1
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
check "SIGTERM ends a wait at once" [ $? -gt 128 ]
kill -CONT "$1"
readers=$1
rm /tmp/done.2
check "a stopped wait goes on" wait_for succeeded
end

scene "Many requests" hang=9
for i in $(seq 16); do
	put "$i" $device/request || break
done
check "16 are queued" [ "$i" -eq 16 ]
sh -c "echo 17 >$device/request" >/tmp/out 2>&1
check "the next is refused with EBUSY" says "busy"
start=$(uptime_ms)
end
took=$(($(uptime_ms) - start))
check "unbinding drops them ($took ms)" [ $took -lt 1000 ]

scene "Unbound while one request is under way and another waits" hang=1
for i in 1 2; do
	put $i $device/request
done
read_result 1
sleep 1
rmmod ported
check "the driver goes when both have ended, since somebody waits" grep -q succeeded /tmp/done.1
check "unloaded" rmmod ported_hw

scene "The machine goes down while a request is under way" hang=1
put 1 $device/request
check "the driver is left loaded for that" rmmod iotimer_wake
# The kernel then calls the driver's shutdown. What it says about that ends in scripts/vm.
all_passed
