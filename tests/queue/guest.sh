# SPDX-License-Identifier: GPL-2.0-only
# The example of a driver of a queueing device, examples/queue: each rule of io_recovery.h with all
# slots busy, suspend, unbinding.
# shellcheck shell=dash disable=SC2046,SC2005 # `words` and `echo` split
# shellcheck source=tests/lib.sh
. /root/lib.sh

device=$sysfs/queue.0
drivers=/sys/bus/platform/drivers/queue
hw=/sys/module/queue_hw/parameters

# scene TITLE ABORT_TIMEOUT [PARAM=VALUE]...: load a new device and the driver.
scene() {
	title=$1 abort_timeout=$2
	printf '\n--- %s\n\n' "$title"
	shift 2
	insmod /root/queue_hw.ko "$@" || exit
	insmod /root/queue.ko abort_timeout="$abort_timeout" || exit
	klog_start
	start=$(uptime_ms)
}

# end: unload the driver and the device.
end() {
	rmmod queue
	check "the device's module unloads ($title)" rmmod queue_hw
}

# words PREFIX FIRST LAST: print PREFIXFIRST ... PREFIXLAST, also downwards.
words() { seq "$2" "$(($2 <= $3 ? 1 : -1))" "$3" | sed "s/^/$1/"; }

# ask WORD [SECONDS]: queue a request.
ask() { echo "$*" >$device/request; }

# ask_many PREFIX FIRST LAST [SECONDS]: queue these requests.
ask_many() {
	for word in $(words "$1" "$2" "$3"); do
		ask "$word" ${4:+"$4"} || return
	done
}

# finish: wait for all requests; /tmp/out has the results, "WORD ERROR" in the order of their ends; $took
# has the time since `scene` or `restart`. Keeps the kernel log.
finish() {
	cat $device/results >/tmp/out 2>&1
	took=$(($(uptime_ms) - start))
	dmesg -c >/tmp/klog
}

# restart: forget the time.
restart() { start=$(uptime_ms); }

# within MIN MAX: did it take more than MIN and at most MAX ms?
within() { [ $took -gt $(($1 - ${SLACK_MS:-0})) ] && [ $took -le $(($2 + ${SLACK_MS:-0})) ]; }

# ended WORD...: are these the words of the results, in this order?
ended() { [ "$(echo $(cut -d ' ' -f 1 /tmp/out))" = "$*" ]; }

# all NUMBER ERROR: are there so many results, all with this error, or if it is 0 in capitals?
all() {
	word='.*'
	[ "$2" -ne 0 ] || word='[A-Z0-9]*'
	[ "$(wc -l </tmp/out)" -eq "$1" ] && [ "$(grep -c "^$word $2\$" /tmp/out)" -eq "$1" ]
}

# begun WORD...: has the device started these operations, in this order?
begun() { [ "$(echo $(cat $hw/begun))" = "$*" ]; }

# counts NAME NUMBER...: do the driver's statistics have these numbers, and 0 elsewhere?
counts() {
	expected=
	for name in missed aborts resets failed guilty innocent late; do
		number=0
		case " $* " in
		*" $name "*) number=$(echo " $* " | sed "s/.* $name \([0-9]*\) .*/\1/") ;;
		esac
		expected="$expected $name $number"
	done
	[ " $(cat $device/stats)" = "$expected" ] || { echo "# $(cat $device/stats)"; false; }
}

insmod /root/iotimer.ko || exit
insmod /root/iotimer_wake.ko || exit

scene "all slots busy" 2 latency_ms=500
ask_many r 1 40
sleep 0.2
check "the device has 32 operations at a time" begun $(words r 1 32)
finish
check "40 requests succeed" all 40 0
check "operations end out of order" ended $(words R 32 1) $(words R 33 40)
check "40 requests take twice the time of one ($took ms)" within 1000 1200
check "nothing but the requests has happened" counts
check "the kernel logs nothing when the device works" [ ! -s /tmp/klog ]
end

scene "a device that reports an error" 2 error=1,r2
ask_many r 1 3
finish
check "the request with an error fails, and no other" says "r2 -121"
check "a reported error causes no recovery" counts
end

scene "one operation hangs, and the device can abort" 2 hang=1,r5
ask_many r 1 32
sleep 1
ask_many s 1 3
finish
check "all requests succeed although one hangs" all 35 0
check "only the request that hung is late" ended $(words R 32 6) $(words R 4 1) $(words S 3 1) R5
check "the operation that hung is started again, and no other" begun $(words r 1 32) $(words s 1 3) r5
check "the operation that hung takes 3 to 4 s and a retry ($took ms)" within 3000 4200
check "one abort is enough" counts aborts 1 guilty 1
check "the kernel logs one abort" klog_says "1 timed out, aborting"
end

scene "eight operations hang" 2 hang=8,r
ask_many r 1 20
finish
check "all requests succeed although eight hang" all 20 0
check "eight operations that hang take the time of one ($took ms)" within 3000 4200
check "eight operations are aborted" counts aborts 8 guilty 8
check "eight operations are aborted together" klog_says "8 timed out, aborting"
end

scene "an operation hangs every time, and the device can abort" 2 hang=9,r5
ask_many r 1 32
finish
check "the request that hangs every time fails with ETIMEDOUT" says "r5 -110"
check "it has had three retries" counts aborts 4 guilty 4
check "the other requests succeed" [ "$(grep -c ' 0$' /tmp/out)" -eq 31 ]
end

# The operations s1 and so on take 15 s of 20 s: they are under way when r5, with 3 s, times out.
scene "one operation hangs, and the device cannot abort" 0 hang=1,r5 slow=99,s
ask_many s 1 4 20
ask r5
ask_many s 6 40 20
finish
check "all requests succeed although a reset took all operations away" all 40 0
check "there is one reset, with one guilty and 31 innocent" counts resets 1 guilty 1 innocent 31
check "the innocent start again first, in their order, and the guilty last" \
	begun $(words s 1 4) r5 $(words s 6 32) $(words s 1 4) $(words s 6 40) r5
check "the reset comes after 3 to 4 s, and then two rounds ($took ms)" within 33000 34300
check "the kernel logs one time-out" klog_says "timed out" 1
end

scene "an operation hangs every time, and the device cannot abort" 0 hang=9,r5
ask_many r 1 32
finish
check "the request that hangs every time fails with ETIMEDOUT, without abort" says "r5 -110"
check "it has had three retries, without abort" counts resets 4 guilty 4
end

# Each operation h1, h2 hangs four times, with a limit of 1 s; r1 takes 15 s.
scene "four resets for others" 0 hang=99,h slow=99,r
ask r1 30
ask h1 1
finish
check "a long operation survives four resets for others" says "R1 0"
check "the four resets are not held against it" counts resets 4 guilty 4 innocent 4
end

scene "eight resets for others" 0 hang=99,h slow=99,r
ask r1 30
ask h1 1
sleep 9
ask h2 1
finish
check "a long operation is given up at the sixth reset for others" says "r1 -110"
check "five restarts for others are made" begun r1 h1 r1 h1 r1 h1 r1 h1 r1 h2 r1 h2 h2 h2
end

scene "a lost interrupt among many" 0 lost=1,r1
ask_many r 1 32
finish
check "all requests succeed although an interrupt is lost" all 32 0
check "the lost interrupt is noticed when the operation's time is up ($took ms)" within 3000 4200
check "a lost interrupt causes no reset" counts missed 1
check "the kernel logs the lost interrupt" klog_says "1 done, but no interrupt came"
check "no operation is started again after a lost interrupt" begun $(words r 1 32)
end

scene "all interrupts are lost" 2 lost=99
ask_many r 1 40
finish
check "all requests succeed although all interrupts are lost" all 40 0
check "all lost interrupts are noticed, and nothing is aborted" counts missed 40
check "two rounds without interrupts take two time limits ($took ms)" within 6000 8200
end

scene "the abort hangs too" 2 hang=1,r5 abort_hang=1 slow=99,s
ask_many s 1 4 20
ask r5
ask_many s 6 32 20
finish
check "all requests succeed although the abort hangs" all 32 0
check "the abort that hangs leads to one reset, with one guilty" counts aborts 1 resets 1 guilty 1 innocent 31
check "the reset comes when the abort has had 2 s ($took ms)" within 20000 21300
end

scene "the interrupt of the reset is lost" 0 hang=1,r5 reset_lost=1
ask_many r 1 4
finish
put 0 $hw/hang
put 1,r5 $hw/hang
put 1 $hw/reset_lost
restart
ask r5
finish
check "the request succeeds although the interrupt of the reset is lost" says "R5 0"
check "the lost interrupt of the reset is noticed after 2 s more ($took ms)" within 5000 6200
end

# The reset does not stop the operations, which end after 8 s: then the device may no longer access
# the memory of the requests.
scene "the reset hangs too" 0 hang=1,r5 latency_ms=8000
ask u0 20
finish
put 1 $hw/reset_hang
restart
ask_many r 1 4 20
ask r5
ask_many r 6 40 20
finish
check "all requests, waiting or active, fail with EIO when the reset hangs" all 40 -5
check "they fail after 5 to 6 s ($took ms)" within 5000 6200
check "the kernel logs that the reset failed" klog_says "reset failed"
check "the failed reset is counted, and nothing was started again" counts resets 1 failed 1
sleep 5
ask_many s 1 2 20
finish
check "the next requests succeed after the failed reset" all 2 0
check "what the device did before is late" counts resets 1 failed 1 late 31
end

scene "the reset before the first operation hangs" 2 reset_hang=1
ask_many r 1 2
finish
check "requests fail with EIO when the first reset hangs" all 2 -5
check "they fail after 2 to 3 s ($took ms)" within 2000 3200
ask r3
finish
check "the next request succeeds after the first reset hung" says "R3 0"
end

# A completion comes 9 s after the start: here during the third attempt, and then while s1 is in the slot.
scene "late completions of three generations" 0 late=3,r1 slow=9,s
ask r1
finish
check "the request succeeds in its fourth attempt" says "R1 0"
check "no late completion ends an attempt ($took ms)" within 10000 14500
ask s1 20
finish
check "the late completions do not end the next operation in the slot" says "S1 0"
check "three late completions are counted" counts resets 3 guilty 3 late 3
end

scene "a late completion after an abort" 2 late=1,r1 slow=9,s
ask r1
finish
check "the aborted request succeeds in its second attempt" says "R1 0"
ask s1 20
finish
check "the late completion does not end the next operation after an abort" says "S1 0"
check "the late completion after an abort is counted" counts aborts 1 guilty 1 late 1
end

# The operations would end after 15 s, when the requests' memory is given back.
scene "the device is pulled out of its socket" 2 slow=32
ask_many r 1 32
sleep 0.5
put 1 $hw/gone
finish
check "all requests fail with EIO when the device is gone" all 32 -5
check "they fail when abort and reset have timed out ($took ms)" within 7000 8200
sleep 9
put 0 $hw/gone
ask r1
finish
check "the next request succeeds when the device is back" says "R1 0"
end

scene "the device is gone before the driver loads" 2 gone=1
check "the driver does not bind to a device that is gone" [ ! -e $drivers/queue.0 ]
put 0 $hw/gone
check "the driver binds when the device is back" put queue.0 $drivers/bind
ask r1
finish
check "a request succeeds after the driver has bound late" says "R1 0"
end

scene "bad requests" 2 latency_ms=1000
check "an empty request is refused" refuses ask ""
check "EINVAL is the error of an empty request" says "Invalid argument"
ask_many r 1 64
check "the request after the 64th is refused" refuses ask r65
check "EBUSY is the error of the request after the 64th" says "busy"
finish
check "the 64 requests succeed" all 64 0
ask r65
finish
check "there is room again when the results were read" says "R65 0"
end

scene "a device of another name" 2
insmod /root/platform_foreign.ko id=7 interrupt=1 || exit
foreign=$(basename $sysfs/*.7)
put queue "$sysfs/$foreign/driver_override"
check "a device of another name, bound by force, is refused" refuses put "$foreign" $drivers/bind
check "ENODEV is the error of a device of another name" says "No such device"
rmmod platform_foreign
end

# wakeups: print how often the tick's timers have expired.
wakeups() { sed -n 's/^wakeups: //p' /sys/kernel/debug/iotimer/stats; }

scene "nothing to do" 2 hang=1,r5
ask_many r 1 32
finish
sleep 2
was=$(wakeups)
sleep 60
check "nothing is woken while nothing is outstanding ($(($(wakeups) - was)))" [ "$(wakeups)" -eq "$was" ]
end

scene "unbound with all slots busy" 2 hang=99
ask_many r 1 40
sleep 1
restart
rmmod queue
took=$(($(uptime_ms) - start))
check "the driver unloads with all slots busy, within a second ($took ms)" [ $took -lt 1000 ]
put 0 $hw/hang
insmod /root/queue.ko
ask_many r 1 40
finish
check "a new driver resets the device, and all its requests succeed" all 40 0
check "the new driver sees nothing of the old one's" counts
end

scene "unbound while operations end" 0 latency_ms=1000
ask_many r 1 40
sleep 0.5
rmmod queue
sleep 2
check "the device's module unloads after operations without a driver" rmmod queue_hw

scene "unbound, and completions come late" 2 late=99,r slow=9,s
ask_many r 1 32
sleep 1
rmmod queue
insmod /root/queue.ko
restart
ask_many s 1 32 20
finish
check "the new driver's requests succeed" all 32 0
check "they are not ended by the old driver's completions ($took ms)" within 14000 15300
check "the old driver's completions are late" counts late 32
end

scene "unbound while a process waits" 2 hang=1,r5
ask_many r 1 32
cat $device/results >/tmp/out 2>/dev/null &
sleep 1
rmmod queue
wait
check "the driver unloads after the requests have ended" all 32 0
check "the device's module unloads after the driver has waited" rmmod queue_hw

# sleep_for SECONDS: suspend to idle, and be woken after so many seconds; did the system sleep for that
# long?
sleep_for() {
	put "$1" /sys/module/iotimer_wake/parameters/seconds
	restart
	put freeze /sys/power/state || return
	took=$(($(uptime_ms) - start))
	dmesg >/tmp/klog
	grep -q 'suspend exit' /tmp/klog && [ $took -ge $(($1 * 1000)) ] && ! grep -q 'refusing to freeze' /tmp/klog
}

scene "suspended with all slots busy" 2 hang=32,r
ask_many r 1 40
sleep 0.5
check "all slots are busy: the system sleeps for 12 s" sleep_for 12
put 0 $hw/hang
restart
finish
check "all requests succeed after the suspend" all 40 0
check "they succeed within a second after the suspend ($took ms)" [ $took -lt 1000 ]
check "what the suspend took away is innocent" counts innocent 32
check "it starts again first, in its order" begun $(words r 1 32) $(words r 1 40)
end

scene "suspended while requests are about to end, and others wait" 0 latency_ms=1500
ask_many r 1 40
sleep 0.5
check "requests are about to end: the system sleeps for 12 s" sleep_for 12
restart
finish
check "the requests that were about to end, and those that waited, succeed" all 40 0
check "nothing begins before the suspend, and nothing that ended begins again" begun $(words r 1 40)
check "those that waited begin at once after the suspend ($took ms)" within 1400 1700
check "the suspend is not held against any" counts
end

scene "suspended during a reset that hangs" 0 hang=1,r5
ask u0
finish
put 1 $hw/reset_hang
ask_many r 1 4 20
ask r5
for _ in $(seq 60); do
	! dmesg | grep -q 'timed out, resetting' || break
	sleep 0.1
done
check "a reset hangs: the system sleeps for 12 s" sleep_for 12
check "the suspend waits until the reset has failed" grep -q 'reset failed' /tmp/klog
finish
check "the request fails with EIO when its reset fails during the suspend" says "r5 -5"
ask r6
finish
check "the next request succeeds after the reset failed during the suspend" says "R6 0"
end

scene "suspended with nothing to do, twice" 2
check "nothing to do: the system sleeps for 3 s" sleep_for 3
check "the system sleeps again with nothing to do" sleep_for 3
ask r1
restart
finish
check "a request succeeds after two suspends" says "R1 0"
check "a request takes less than a second after two suspends ($took ms)" [ $took -lt 1000 ]
check "the driver logs nothing in two suspends" klog_says "queue queue.0" 0
end

scene "the machine goes down with all slots busy" 0 hang=99
ask_many r 1 40
check "iotimer_wake.ko unloads before the machine goes down" rmmod iotimer_wake
# The driver stays loaded, so the kernel calls its shutdown. scripts/vm finds what the kernel then
# complains of.
all_passed
