# SPDX-License-Identifier: GPL-2.0-only
# ipmi_msghandler with QEMU's BMC, converted or original. KIND: which of the two.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

KIND=${KIND:-converted}
slack=${SLACK_MS:-50}	# a tick may be late by so much, and the BMC takes some time
bus=/sys/bus/platform/drivers/ipmi_si
lose=/sys/module/ipmi_lose/parameters
timers=/sys/kernel/debug/iotimer/timers
tracing=/sys/kernel/tracing
nobody=0x42	# no controller has this address
neighbour=0x40
converted=
[ "$KIND" != converted ] || converted=yes
[ -e /root/ipmi_lose.ko ] && can_lose=yes || can_lose=
newer=	# a kernel in which a work looks at the slots
case $(uname -r) in 7.*) newer=yes ;; esac

load_drivers() { insmod /root/ipmi_msghandler.ko && insmod /root/ipmi_si.ko && insmod /root/ipmi_devintf.ko; }
unload_drivers() { rmmod ipmi_devintf && rmmod ipmi_si && rmmod ipmi_msghandler; }
node_there() { [ -c /dev/ipmi0 ]; }

# begin_load MESSAGES OUTSTANDING [WORD]: three processes, each with so many messages. The results are in /tmp/load*.
under_way() { [ "$(cat /tmp/load[123] 2>/dev/null | grep -c 'under way')" -eq 3 ]; }
begin_load() {
	rm -f /tmp/load* /tmp/status*
	for process in 1 2 3; do
		(/root/ipmi "${3:-load}" "$1" "$2" >/tmp/load$process 2>&1; echo $? >/tmp/status$process) &
	done
	wait_until 60 under_way
}
loaded() {
	wait
	[ "$(cat /tmp/status[123] | uniq)" = "$1" ] || { cat /tmp/load[123] /tmp/status[123] | sed 's/^/# /'; return 1; }
}
answered() { begin_load "$@"; loaded 0; }

# asked CODE LEAST MOST ADDRESS RETRIES MS: does a message end with this completion code, after more than LEAST and
# at most MOST ms? The original counts less, so there only the code counts.
asked() {
	code=$1 least=$2 most=$(($3 + slack))
	shift 3
	/root/ipmi one "$@" >/tmp/one
	read -r said ms </tmp/one
	echo "# $KIND: $* gave $said after $ms ms"
	[ "$said" = "$code" ] || return 1
	[ -z "$converted" ] || { [ "$ms" -gt "$least" ] && [ "$ms" -le "$most" ]; }
}

# at_moments N COMMAND...: does it succeed each time, at N moments between two ticks? listen keeps the tick going.
at_moments() {
	moments=$1
	shift
	/root/ipmi listen 1000 &
	listener=$!
	for moment in $(seq "$moments"); do
		usleep $((moment * 170000 % 1000000))
		"$@" || break
	done
	kill $listener
	wait $listener 2>/dev/null
	[ "$moment" -eq "$moments" ] && "$@"
}

# lost PARAMETER COUNT: lose so many, and forget how many messages were sent.
lost() {
	put "$2" "$lose/$1"
	put 0 $lose/sent
}
sent() { [ "$(cat $lose/sent)" -eq "$1" ] || { echo "# $(cat $lose/sent) were sent"; return 1; }; }

# expiries SECONDS: print how often the drivers' timer, or iotimer's, expires.
expiries() {
	echo >$tracing/trace
	echo 1 >$tracing/events/timer/timer_expire_entry/enable
	sleep "$1"
	echo 0 >$tracing/events/timer/timer_expire_entry/enable
	grep -cE 'function=(ipmi_timeout|timer_expired) ' $tracing/trace
}

[ -z "$converted" ] || check "iotimer loads" insmod /root/iotimer.ko
check "the drivers load" load_drivers
check "the node appears" wait_until 20 node_there
device=$(basename "$(readlink /sys/class/ipmi/ipmi0/device)")
echo "# $device"

# The same answers.
check "the BMC and its neighbour answer" quietly /root/ipmi answers
sed 's/^/# answer: /' /tmp/out
check "three processes get all of their answers" answered "${MESSAGES:-200}" 8
check "the slots are used up, and all is answered" answered "${MESSAGES:-200}" 80

# Time-outs.
check "a message that nobody answers times out in time" asked c3 3000 4000 $nobody 0 3000
check "it does so at each moment" at_moments "${MOMENTS:-5}" asked c3 1000 2000 $nobody 0 1000
check "each of two retries has its time" asked c3 6000 9000 $nobody 2 2000
check "half a second more counts as one more" asked c3 2500 4000 $nobody 0 2500
if [ -n "$can_lose" ]; then
	check "ipmi_lose loads" insmod /root/ipmi_lose.ko
	lost answers 1
	check "a message whose answer is lost is sent again, and answered" asked 00 2000 3000 $neighbour -1 0
	check "it was sent twice" sent 2
	lost answers 3
	check "a message whose answer is lost three times is answered" asked 00 6000 9000 $neighbour 3 2000
	check "it was sent four times" sent 4
	lost answers 2
	check "a message whose answer and whose retry's answer are lost times out" asked c3 4000 6000 $neighbour 1 2000
	check "it was sent twice" sent 2
	lost answers 1
	put 1 $lose/responses
	check "a message that the BMC seems not to have sent is sent again" asked 00 60000 61000 $neighbour -1 0
	check "it was sent twice" sent 2
	# The work that counts runs right after a countdown was set. Then a tick that came before must not count. Works
	# take turns only if none is taken for one that needs much of the CPU.
	held() {
		put 1100 $lose/hold_ms
		asked c3 2100 3100 $nobody 0 1000
	}
	if [ -n "$newer" ] && [ "$(cat $lose/can_hold)" = Y ]; then
		put 0 /sys/module/workqueue/parameters/cpu_intensive_thresh_us
		check "a tick whose work is late does not shorten the time of a message" at_moments 5 held
	fi
	lost answers 40
	check "forty lost answers cost nothing but time" answered 100 20
fi
check "all slots are used again after that" answered 100 60
check "a process ends with messages outstanding" /root/ipmi leave $nobody 30
check "their slots are used again" answered 100 60

# Rest.
sleep 2
expired=$(expiries 60)
check "in 60 s without a message no timer expires ($expired did)" [ "$expired" -eq 0 ]
/root/ipmi listen 12 &
expired=$(expiries 10)
wait
echo "# $KIND: while a process waits for events, the timer expires $expired times in 10 s"
check "while a process waits for events, the timer runs" [ "$expired" -ge 9 ]
sleep 3
expired=$(expiries 20)
check "and rests when it is gone ($expired times)" [ "$expired" -eq 0 ]

# Unbind and unload.
unbind() { echo "$device" >$bus/unbind; }
bind() { echo "$device" >$bus/bind && wait_until 20 node_there; }
# rounds DO: do it, each time at another moment.
rounds() {
	for round in $(seq "${UNBINDS:-4}"); do
		"$1" "$round" || { echo "# round $round of $1 fails"; return 1; }
	done
}
unbind_loaded() {
	begin_load 100000000 20 "$load"
	usleep $(($1 * 170000))
	unbind
	loaded 2 && ! node_there && bind
}
unbind_waiting() {
	/root/ipmi leave $nobody 10
	/root/ipmi one $nobody 0 5000 >/tmp/one &
	usleep $(($1 * 230000))
	unbind
	wait
	refuses grep -q '^[0-9a-f][0-9a-f] ' /tmp/one && bind && answered 20 4
}
# A file that is open outlives the interface. From 7.x on its ioctls still succeed. sim_dev's timer keeps the memory
# that ipmi's was in.
unbind_open() {
	[ -z "$converted" ] || insmod /root/sim_dev.ko || return
	/root/ipmi late 3 >/dev/null &
	sleep 1
	unbind
	wait $!
	status=$?
	[ -n "$newer" ] && expected=0 || expected=2
	[ "$status" -eq "$expected" ] && bind && answered 20 4 && { [ -z "$converted" ] || rmmod sim_dev; }
}
unload_loaded() {
	begin_load 100000000 20
	usleep 300000
	refuses rmmod ipmi_si || return
	killall ipmi
	wait
	/root/ipmi leave $nobody 10
	usleep $(($1 * 130000))
	unload_drivers && no_timer && load_drivers && wait_until 20 node_there && answered 20 4
}
no_timer() { [ -z "$converted" ] || [ "$(grep -c ipmi $timers)" -eq 0 ]; }
check "the interface is unbound while a process has it open that asks for events after that" unbind_open
[ -z "$can_lose" ] || check "ipmi_lose unloads" rmmod ipmi_lose
check "the drivers are unloaded right after the load, each of ${UNBINDS:-4} times" rounds unload_loaded

# Suspend.
if [ -e /sys/power/pm_test ] && [ -z "${SLACK_MS:-}" ]; then
	check "iotimer_wake loads" insmod /root/iotimer_wake.ko
	for level in freezer platform none; do
		begin_load 2000 20
		/root/ipmi one $nobody 1 2000 >/tmp/one &
		usleep 300000
		check "the system suspends and resumes ($level)" suspended $level
		check "the load that was interrupted gets all of its answers ($level)" loaded 0
		check "the message that nobody answers times out ($level)" grep -q '^c3' /tmp/one
	done
elif [ -z "${SLACK_MS:-}" ]; then
	result ok "the system suspends and resumes # SKIP this kernel has no pm_test"
fi
check "the drivers unload" unload_drivers
[ -z "$converted" ] || check "iotimer unloads" rmmod iotimer

# Unbind under load.
[ -z "$converted" ] || check "iotimer loads again" insmod /root/iotimer.ko
check "the drivers load again" load_drivers
check "the node appears again" wait_until 20 node_there
# On PREEMPT_RT of 6.1 users are freed while one of them is in a SRCU reader. 7.x shuts the interface down before it
# frees a slot that is in use, so there no load may have slots; a message that is outstanding then keeps the
# module in use for ever, so all other tests come first.
load=load${newer:+-bmc}
case $(uname -v) in
*PREEMPT_RT*) result ok "the interface is unbound under load # SKIP there the original hangs, too" ;;
*) check "the interface is unbound under load, each of ${UNBINDS:-4} times" rounds unbind_loaded ;;
esac
if [ -n "$newer" ]; then
	result ok "and with messages that nobody answers # SKIP there the original oopses, too"
	result ok "the drivers unload after that # SKIP there the original's module stays in use, too"
else
	check "and with messages that nobody answers" rounds unbind_waiting
	check "the drivers unload after that" unload_drivers
	[ -z "$converted" ] || check "iotimer unloads after that" rmmod iotimer
fi
check "no message was left over" [ "$(dmesg | grep -c 'message count')" -eq 0 ]
check "nothing started a destroyed timer" refuses sh -c "dmesg | grep 'destroyed timer'"
all_passed
