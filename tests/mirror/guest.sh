# SPDX-License-Identifier: GPL-2.0-only
# The example of a layered driver, examples/mirror: three devices, which hang, fail and go away.
# shellcheck shell=dash disable=SC2046,SC2005,SC2086 # lists of words
# shellcheck source=tests/mirror/lib.sh
. /root/mirror-lib.sh

# scene TITLE SIM_DEV_PARAMETERS MIRROR_PARAMETERS: load three devices and the mirror of them.
scene() {
	title=$1
	printf '\n--- %s\n\n' "$title"
	insmod /root/sim_dev.ko devices=3 $2 || exit
	insmod /root/mirror.ko legs=0,1,2 $3 || exit
	wait_until 5 legs + + + || exit
	sleep 3		# the next tick logs it, a later one stops the timer
	mark
}

# mark: remember the time and all statistics, and forget the kernel log.
mark() {
	klog_start
	for i in 0 1 2; do before $i; done
	cat $mirror/stats >/tmp/mark
	start=$(uptime_ms)
}

# end: unload all. The mirror waits for its late requests.
end() {
	check "the identity holds ($title)" identity
	rmmod mirror
	check "the devices' module unloads ($title)" rmmod sim_dev
}

# timed COMMAND...: run it; /tmp/out has its output, $took the ms since `mark`.
timed() {
	quietly "$@"
	status=$?
	took=$(($(uptime_ms) - start))
	return $status
}

# within MIN MAX: did it take more than MIN and at most MAX ms?
within() { [ $took -gt $(($1 - ${SLACK_MS:-0})) ] && [ $took -le $(($2 + ${SLACK_MS:-0})) ]; }

# writes TEXT, reads TEXT: does it succeed?
writes() { timed sh -c "echo $1 >/dev/mirror"; }
reads() { [ "$(cat /dev/mirror)" = "$1" ]; }

# counts NAME NUMBER...: by so much have the mirror's statistics grown since `mark`, and by 0 elsewhere?
counts() {
	for name in submitted completed failed cancelled outstanding timeouts rereads detached attached late; do
		number=0
		case " $* " in
		*" $name "*) number=$(echo " $* " | sed "s/.* $name \([-0-9]*\) .*/\1/") ;;
		esac
		[ $(($(stat $name) - $(stat $name /tmp/mark))) -eq "$number" ] || { echo "# $(cat $mirror/stats /tmp/mark)"; return 1; }
	done
}

# each NAME NUMBER NUMBER NUMBER: by so much has a statistic of the devices 0, 1 and 2 grown?
each() { grew $1 $2 0 && grew $1 $3 1 && grew $1 $4 2; }

# klog_mirror: for klog_says, what the mirror has logged since `mark`.
klog_mirror() { dmesg -c | grep "mirror mirror" >/tmp/klog; }

# ctl DEVICE COMMAND: write a command to a device's control node.
ctl() { put "$2" /dev/sim_dev${1}_ctl; }

insmod /root/iotimer.ko || exit
insmod /root/iotimer_wake.ko || exit

scene "all legs work" "" ""
check "nothing was written, and read returns the end of file" reads ""
check "a write succeeds" writes hello
check "each leg has done the write" each completed 1 1 1
check "the block that was written is read" reads hello
check "each of three reads asks another leg" reads hello
reads hello
check "three reads are three requests" each completed 2 2 2
dd if=/dev/zero bs=4096 count=1 2>/dev/null | tr '\0' x >/tmp/block
check "a write of 4096 bytes succeeds" dd if=/tmp/block of=/dev/mirror bs=4096
check "4096 bytes are read" cmp /tmp/block /dev/mirror
check "a shorter block replaces a longer one" writes short
check "the shorter block is read" reads short
check "a write of 4097 bytes is refused" refuses dd if=/dev/zero of=/dev/mirror bs=4097 count=1
check "EMSGSIZE is the error of 4097 bytes" says "Message too long"
check "nothing else has happened" counts submitted 8 completed 8
check "the kernel logs nothing while all legs work" [ -z "$(dmesg | grep -E 'mirror|sim_dev')" ]
end

scene "a leg reports an error" "" ""
ctl 1 error
check "the write succeeds without the leg" writes hello
check "the leg is detached" legs + - +
check "the leg is taken back within two seconds" wait_until 2 legs + + +
check "the leg was detached and attached" counts submitted 1 completed 1 detached 1 attached 1
end

scene "a leg is dead, and comes back" "" ""
ctl 1 dead
check "the write succeeds when the dead leg has failed it" writes hello
check "the write takes as long as the leg's time-out and reset ($took ms)" within 5000 7100
check "the dead leg is detached" legs + - +
mark
check "the next write succeeds" writes again
check "the next write takes no time ($took ms)" [ $took -lt 100 ]
check "the dead leg gets no write" each submitted 1 0 1
sleep 60
check "a dead leg stays detached" legs + - +
check "the probes of a dead leg are one at a time" [ "$(sed -n 's/^outstanding: //p' /dev/sim_dev1_ctl)" -le 1 ]
ctl 1 revive
check "the leg is taken back when it answers a probe" wait_until 15 legs + + +
mark
check "a write to all legs succeeds after one was taken back" writes third
check "the leg that was taken back gets writes" each completed 1 1 1
end

scene "the kernel logs" "" ""
ctl 2 dead
writes hello
sleep 3
klog_mirror
check "the kernel logs which leg is detached, and why" klog_says "sim_dev2 is detached, error -5"
ctl 2 revive
wait_until 15 legs + + +
sleep 2
klog_mirror
check "the kernel logs that the leg is attached" klog_says "sim_dev2 is attached"
end

# The devices' recovery takes 3 to 4 s. The mirror gives it 120 s.
scene "the upper limit is long: one hang" "" "timeout=120"
ctl 1 hang
check "the write succeeds when the leg has recovered" writes hello
check "the write takes as long as the leg's recovery ($took ms)" within 3000 4200
check "the leg has recovered by itself" each retries 0 1 0
check "no leg is detached" counts submitted 1 completed 1
check "all legs have the write" each completed 1 1 1
end

scene "the upper limit is short: one hang" "" "timeout=1"
ctl 1 hang
check "the write succeeds without the leg that hangs" writes hello
check "the write takes as long as the upper limit ($took ms)" within 1000 2100
check "the upper limit detaches a leg that would have recovered" legs + - +
check "the request that the leg has is late" counts submitted 1 completed 1 timeouts 1 detached 1
wait_until 15 legs + + +
check "the late request ends, and the leg is taken back" counts submitted 1 completed 1 timeouts 1 detached 1 attached 1 late 1
check "the late request was cancelled" each cancelled 0 1 0
end

# Four writers: one leg's request hangs, the others wait behind it.
four_writers() {
	for i in 1 2 3 4; do
		sh -c "echo w$i >/dev/mirror" 2>/dev/null && echo ok >>/tmp/ok &
	done
	wait
}

scene "the upper limit is long: a hang in each leg, four writers" "" "timeout=120"
for i in 0 1 2; do ctl $i hang; done
: >/tmp/ok
timed four_writers
check "all writes succeed with a long limit" [ "$(wc -l </tmp/ok)" -eq 4 ]
check "no leg is detached with a long limit" counts submitted 4 completed 4
check "they take as long as one recovery ($took ms)" within 3000 4300
end

scene "the upper limit is short: a hang in each leg, four writers" "" "timeout=1 wait=1"
for i in 0 1 2; do ctl $i hang; done
: >/tmp/ok
timed four_writers
check "all writes fail with a short limit, although each leg would have recovered" [ ! -s /tmp/ok ]
check "all legs are detached with a short limit" counts submitted 4 failed 4 timeouts 4 detached 3
wait_until 15 legs + + +
check "what the legs had is late; what waited in their queues is taken back" \
	counts submitted 4 failed 4 timeouts 4 detached 3 attached 3 late 3
check "the devices count what was taken back as cancelled" each cancelled 4 4 4
end

scene "a read is answered by another leg" "" ""
writes hello
for i in 0 1 2; do ctl $i error; done
mark
check "a read that all legs fail, fails" refuses cat /dev/mirror
check "EIO is the error of the read" says "nput/output error"
check "the read has asked all legs" each failed 1 1 1
wait_until 3 legs + + +
for i in 0 1; do ctl $i error; done
mark
for _ in 1 2 3; do reads hello || echo failed; done >/tmp/reads
check "reads succeed while one leg works" [ ! -s /tmp/reads ]
check "the reads that failed were answered by another leg" [ "$(($(stat rereads) - $(stat rereads /tmp/mark)))" -eq 2 ]
end

scene "a read is answered by another leg in time" "" "timeout=2"
writes hello
for i in 0 1 2; do ctl $i hang; done
ctl 2 clear
mark
timed cat /dev/mirror
check "a read gets its data from a leg that does not hang" [ "$(cat /tmp/out)" = hello ]
check "a read takes at most the time of two legs that hang ($took ms)" within -1 6100
wait_until 20 legs + + +
check "the legs that hung are taken back" legs + + +
check "their reads are late" [ "$(stat late)" -eq "$(stat timeouts)" ]
end

scene "a short operation is a failed one" "" ""
ctl 1 short
check "a write succeeds although a leg does less" writes hello
check "the leg that does less is detached" counts submitted 1 completed 1 detached 1
end

scene "no leg" "" "wait=5"
for i in 0 1 2; do put sim_dev.$i $driver/unbind; done
mark
check "a write to legs that have gone fails" refuses writes hello
check "it fails at once ($took ms)" [ $took -lt 100 ]
check "all legs that have gone are detached" legs - - -
mark
check "a write without legs fails" refuses writes hello
check "EIO is the error of a write without legs" says "nput/output error"
check "a request waits for a leg for the set time ($took ms)" within 5000 6100
mark
{ sleep 2.5; put sim_dev.1 $driver/bind; } &
check "a request that waits is done when a leg comes" writes hello
check "it is done as soon as the leg has answered a probe ($took ms)" within 2500 3700
wait
check "only this leg is attached" legs - + -
put sim_dev.0 $driver/bind
put sim_dev.2 $driver/bind
check "legs that were bound again are attached" wait_until 3 legs + + +
end

scene "a leg is unbound with a request in it" "" ""
ctl 1 dead
{ sleep 1; put sim_dev.1 $driver/unbind; } &
check "the write succeeds when the leg is unbound" writes hello
check "it succeeds at once ($took ms)" within 900 1200
wait
sleep 2
klog_mirror
check "the kernel logs that the leg has gone" klog_says "sim_dev1 is detached, error -19"
put sim_dev.1 $driver/bind
ctl 1 revive
check "the leg is taken back after it was bound" wait_until 20 legs + + +
end

scene "a writer is killed" "" ""
ctl 1 hang
echo hello >/dev/mirror &
sleep 0.5
mark
kill -9 $!
timed wait
check "the writer ends at once ($took ms)" [ $took -lt 500 ]
check "its request is cancelled" counts cancelled 1 outstanding -1
sleep 5
check "the part in the leg that hung is late" counts cancelled 1 outstanding -1 late 1
check "no leg is detached for it" legs + + +
end

scene "unloaded with late requests" "" "timeout=1"
ctl 0 dead
ctl 1 hang
writes hello
exec 3>/dev/mirror
check "the mirror does not unload while it is open" refuses rmmod mirror
exec 3>&-
start=$(uptime_ms)
timed rmmod mirror
check "the mirror unloads" [ ! -e /dev/mirror ]
check "unloading waits for what the legs have ($took ms)" within 1000 6000
for i in 0 1 2; do
	check "no request of the mirror is left in device $i" grep -qx "outstanding: 0" /dev/sim_dev${i}_ctl
done
check "the devices' module unloads after the mirror" rmmod sim_dev

scene "the leg's queue is full of others' requests" "queue_depth=2" ""
ctl 1 "latency 1500"
for _ in 1 2; do echo other >/dev/sim_dev1 & done
sleep 0.2
mark
check "the write succeeds when there is room in the leg's queue" writes hello
check "the mirror tries each second ($took ms)" within 1500 5000
check "a full queue detaches no leg" counts submitted 1 completed 1
wait
end

# wakeups: print how often the tick's timers have expired.
wakeups() { sed -n 's/^wakeups: //p' /sys/kernel/debug/iotimer/stats; }

scene "nothing to do" "" ""
writes hello
sleep 3
was=$(wakeups)
sleep 60
check "nothing is woken while all legs are attached and nothing is outstanding ($(($(wakeups) - was)))" [ "$(wakeups)" -eq "$was" ]
end

# The leg has no time to finish before the sleep, and starts over after it.
scene "suspended while a leg works" "timeout=30" "timeout=8"
ctl 1 "latency 5000"
echo hello >/dev/mirror &
sleep 0.5
put 12 /sys/module/iotimer_wake/parameters/seconds
check "the system sleeps for 12 s with a request in the legs" put freeze /sys/power/state
wait
check "the time of the sleep does not count" counts submitted 1 completed 1
reads hello
check "a read succeeds after the sleep" reads hello
end

scene "a device that never was" "" ""
rmmod mirror
insmod /root/mirror.ko legs=0,7 wait=1
wait_until 5 legs + - || exit
check "a leg without a device is detached" legs + -
check "a write succeeds without the device that never was" writes hello
check "the mirror unloads with a leg that never was" rmmod mirror
check "nine legs are refused" refuses insmod /root/mirror.ko legs=0,1,2,3,4,5,6,7,8
for limit in timeout=0 timeout=3601 wait=0 wait=3601; do
	check "the mirror does not load with $limit" refuses insmod /root/mirror.ko legs=0,1,2 $limit
done
insmod /root/mirror.ko legs=0,1,2
wait_until 5 legs + + +
check "a limit of 0 is refused while it is loaded" refuses put 0 /sys/module/mirror/parameters/timeout
check "the limit stays as it was" [ "$(cat /sys/module/mirror/parameters/timeout)" = 120 ]
end

rmmod iotimer_wake
check "iotimer unloads" rmmod iotimer
all_passed
