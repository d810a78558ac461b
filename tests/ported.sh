# SPDX-License-Identifier: GPL-2.0-only
# The porting example, in a guest: a request that succeeds, one that times out,
# one whose reset fails, one that is given up.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

# scene TITLE [PARAM=VALUE]...: a new device, and the driver; then a request.
scene() {
	printf '\n--- %s\n\n' "$1"
	shift
	insmod /root/ported_hw.ko "$@" || exit
	dmesg -c >/dev/null
	insmod /root/ported.ko || exit
	start=$(uptime_ms)
	sh -c "echo hello >$sysfs/ported.0/request" >/tmp/out 2>&1
	result=$?
	took=$(($(uptime_ms) - start))
	dmesg -c >/tmp/klog
}

# within MIN MAX: did the request take so many ms? In real time ticks may come late, by up
# to $SLACK_MS.
within() {
	[ $took -gt $(($1 - ${SLACK_MS:-0})) ] && [ $took -le $(($2 + ${SLACK_MS:-0})) ]
}

# end: the driver and the device go.
end() {
	rmmod ported
	check "unloaded" rmmod ported_hw
}

insmod /root/iotimer.ko || exit
scene "It works"
check "the request succeeds" [ $result -eq 0 ]
check "at once ($took ms)" [ $took -lt 1000 ]
check "the kernel says nothing" klog_says "timed out" 0
end

scene "It hangs once" hang=1
check "the request succeeds" [ $result -eq 0 ]
check "after 3 to 4 s and a retry ($took ms)" within 3000 4200
check "the kernel says so" klog_says "timed out, resetting"
end

scene "Its reset hangs too" hang=1 reset_hang=1
check "the request fails with EIO" says "Input/output error"
check "after 5 to 6 s ($took ms)" within 5000 6200
check "the kernel says so" klog_says "reset failed"
check "the next request succeeds" sh -c "echo next >$sysfs/ported.0/request"
end

scene "It hangs every time" hang=9
check "the request fails with ETIMEDOUT" says "timed out"
check "four time-outs" klog_says "timed out, resetting" 4
end

scene "Unbound while one request is under way and another waits" hang=1
for i in 1 2; do
	{ echo $i >$sysfs/ported.0/request && echo succeeded; } >/tmp/done.$i 2>&1 &
	sleep 0.1
done
sleep 1
rmmod ported
check "the driver goes when both have ended" grep -q succeeded /tmp/done.1
check "with success" grep -q succeeded /tmp/done.2
check "unloaded" rmmod ported_hw

rmmod iotimer
summary
