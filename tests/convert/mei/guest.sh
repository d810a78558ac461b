# SPDX-License-Identifier: GPL-2.0-only
# mei with firmware that falls silent, converted or original. KIND: which of the two.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

KIND=${KIND:-converted}
mock=/sys/module/mei_mock/parameters
init=15 connect=3	# mei's limits, in seconds

# report NAME: print a figure of mei_mock.
report() { sed "s/.*\\b$1=\\([-_A-Z0-9a-z]*\\).*/\\1/" $mock/report; }
is() { [ "$(report "$1")" = "$2" ]; }

# within SECONDS COMMAND...: as wait_until; prints mei_mock's figures if it fails.
within() { wait_until "$@" || { echo "# $(cat $mock/report)"; return 1; }; }

# in_time LIMIT [BUSY]: did mei wait more than LIMIT seconds, and at most one more? Works could not run for BUSY of
# these seconds. The original counts every other second, so there the figure is only printed.
in_time() {
	ms=$(report last_ms) most=$((($1 + 1 + ${2:-0}) * 1000 + ${SLACK_MS:-20}))
	echo "# $KIND: mei waited for $ms ms"
	[ "$KIND" != converted ] || { [ "$ms" -gt $(($1 * 1000)) ] && [ "$ms" -le $most ]; }
}

# connects RESULT SECONDS: does a connection end with this? It stays for so long.
connects() {
	/root/mei connect "$2" >/tmp/connect
	read -r said ms </tmp/connect
	[ "$said" = "$1" ] || { echo "# $said after $ms ms"; return 1; }
}

[ "$KIND" != converted ] || check "iotimer loads" insmod /root/iotimer.ko
check "mei loads" insmod /root/mei.ko

# Nothing is lost.
check "the firmware answers all" insmod /root/mei_mock.ko
check "mei gets to the end" within 5 is state enabled
check "a client connects" connects OK 6
sleep 3
check "mei's timer rests" is counts 0
check "nothing was reset since the start" is resets 1

check "the mock unloads when nothing is outstanding" rmmod mei_mock

# A tick whose work is late. The work waits for mei's lock behind a connection, which has not seen that second. The
# firmware answers the start, and a connection and its end. From 7.x on a client that was reset connects again.
held() {
	insmod /root/mei_mock.ko answers=5 && within 5 is state enabled && connects OK 0 || return
	(usleep 150000; put 1300 $mock/hold_ms) &
	/root/mei later 0 >/dev/null &
	within 10 is resets 2 && in_time $connect
	timely=$?
	wait
	rmmod mei_mock && [ $timely -eq 0 ]
}
for moment in 1 2 3 4; do
	check "a tick whose work is late does not shorten the time of a connection" held
	usleep $((moment * 250000))
done

# Before the start, and after one that failed.
check "an interrupt may reset the device before its start" insmod /root/mei_mock.ko early=1
check "mei gets to the end after that" within 5 is state enabled
check "the mock unloads again" rmmod mei_mock
if [ "$KIND" = converted ]; then
	check "a driver goes on after a start that got no timer" insmod /root/mei_mock.ko refused=1
	check "the device does not start later (-ENODEV)" is restart -19
	check "the mock unloads after that, too" rmmod mei_mock
fi

# A connection that is not answered.
check "the mock loads again" insmod /root/mei_mock.ko
check "mei gets to the end again" within 5 is state enabled
check "mei resets the silent hardware while a client connects" put 3 $mock/answers
/root/mei open 6 &
check "the client does not connect" connects EFAULT 0
check "mei waited as long as for a connection" in_time $connect
check "the hardware was reset once, although another client was idle" is resets 2
wait
check "mei gets to the end" within 5 is state enabled
put 1000 $mock/answers
check "a client connects after that" connects OK 6
sleep 3
check "mei's timer rests after that" is counts 0
check "the hardware was not reset again" is resets 2

# A process that is killed while it connects.
put 3 $mock/answers
/root/mei connect 0 >/dev/null &
usleep 500000
kill -KILL $!
wait $! 2>/dev/null
check "the mock unloads after a process was killed while it connected" rmmod mei_mock

# Silence at each step of the start, from the enumeration on. mei gives up after three resets.
for answers in 1 2; do
	check "the firmware answers $answers" insmod /root/mei_mock.ko answers=$answers
	check "mei resets the silent hardware" within 40 is resets 2
	check "mei waited as long as for a step of the start" in_time $init
	check "mei resets it again" within 40 is resets 3
	check "and waited as long again" in_time $init
	check "mei gives up" within 80 is state disabled
	sleep 3
	check "mei's timer rests after that" is counts 0
	check "the mock unloads" rmmod mei_mock
done
check "the firmware answers 1" insmod /root/mei_mock.ko answers=1
usleep 5500000
check "the mock unloads while a step is outstanding" rmmod mei_mock

# Suspend, while a step of the start is outstanding. mei stops, and starts again at resume.
if [ -e /sys/power/pm_test ] && [ -z "${SLACK_MS:-}" ]; then
	check "iotimer_wake loads" insmod /root/iotimer_wake.ko
	for level in freezer platform none; do
		# The kernel's own test spins for 5 s on the only CPU. Up to "freezer", mei goes on.
		[ $level = freezer ] && busy=5 || busy=0
		check "the firmware answers 1" insmod /root/mei_mock.ko answers=1
		usleep 5500000
		check "the system suspends and resumes ($level)" suspended $level
		resets=$(report resets)
		if [ $level != freezer ]; then
			check "mei stopped and started ($level)" is resets 3
			check "mei did not count while the system was suspended ($level)" is suspended 0
		fi
		check "mei resets the silent hardware after that ($level)" within 40 is resets $((resets + 1))
		check "mei waited as long as for a step of the start ($level)" in_time $init "$busy"
		put 1000 $mock/answers
		check "mei gets to the end at the next reset ($level)" within 40 is state enabled
		check "a client connects ($level)" connects OK 0
		sleep 3
		check "mei's timer rests after that ($level)" is counts 0
		check "the mock unloads ($level)" rmmod mei_mock
	done
elif [ -z "${SLACK_MS:-}" ]; then
	result ok "the system suspends and resumes # SKIP this kernel has no pm_test"
fi
check "mei unloads" rmmod mei
[ "$KIND" != converted ] || check "iotimer unloads" rmmod iotimer
all_passed
