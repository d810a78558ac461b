# SPDX-License-Identifier: GPL-2.0-only
# Tortures the engine for $LENGTH seconds, with iotimer_torture, whose random numbers $SEED seeds.
# P11: meanwhile CPUs go offline and back online.
# This script also changes the budget, reads debugfs, and switches measuring and tracing on and off.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

failslab=/sys/kernel/debug/failslab
options="seconds=$LENGTH seed=$SEED"
if [ -d $failslab ]; then
	# One in five of the allocations that the module lets fail.
	echo 20 >$failslab/probability
	echo -1 >$failslab/times
	echo Y >$failslab/task-filter
	echo N >$failslab/ignore-gfp-wait
	echo 0 >$failslab/verbose
	options="$options failslab=1"
fi
insmod /root/iotimer.ko || exit
# shellcheck disable=SC2086 # several options
insmod /root/iotimer_torture.ko $options || exit

# random N: print a number from 0 to N - 1.
random() { echo $(($(od -An -N2 -tu2 /dev/urandom) % $1)); }

# ticks: print how many ticks debugfs counts.
ticks() { sed -n 's/^ticks: //p' $debug/stats; }

parameters=/sys/module/iotimer_torture/parameters
debug=/sys/kernel/debug/iotimer
tracing=/sys/kernel/tracing
budgets=0 offline=0 looks=0 events_seen=0 rounds=0 ticks=0 backward=0
cpus=$(grep -c '^processor' /proc/cpuinfo)
while [ "$(cat $parameters/running)" = Y ]; do
	case $(random 3) in
	0) budget=1 ;;
	1) budget=$((1 + $(random 300))) ;;
	*) budget=$((200 + $(random 50000))) ;;
	esac
	echo $budget >/sys/module/iotimer/parameters/budget_us && budgets=$((budgets + 1))
	if [ "$cpus" -gt 1 ]; then
		cpu=/sys/devices/system/cpu/cpu$((1 + $(random $((cpus - 1)))))/online
		if echo 0 >"$cpu" 2>/dev/null; then
			offline=$((offline + 1))
			usleep $(($(random 300) * 1000))
			echo 1 >"$cpu"
		fi
	fi
	random 2 >$debug/measure
	ticks_before=$ticks
	ticks=$(ticks)
	[ "$ticks" -ge "$ticks_before" ] || backward=$((backward + 1))
	[ "$(wc -l <$debug/timers)" -eq 0 ] || looks=$((looks + 1))
	random 2 >$tracing/events/iotimer/enable
	events_seen=$((events_seen + $(grep -c iotimer_ $tracing/trace)))
	echo >$tracing/trace
	usleep $(($(random 2000) * 1000))
	rounds=$((rounds + 1))
	[ $((rounds % 15)) -ne 0 ] || dmesg | grep 'iotimer_torture: [0-9]* s' | tail -n 1 | sed 's/.*iotimer_torture: /# /'
done
dmesg -c >/dev/null
rmmod iotimer_torture || exit
dmesg | sed -n 's/.*iotimer_torture: //p' >/tmp/report
grep -v ' passed, ' /tmp/report >/tmp/said
results /tmp/said
check "the module reports its checks to the end" grep -q '^[1-9][0-9]* passed, 0 failed' /tmp/report
check "the budget was changed during the torture ($budgets times)" [ "$budgets" -gt 0 ]
[ ! -e /sys/devices/system/cpu/cpu1/online ] || check "CPUs went off line during the torture ($offline times)" [ $offline -gt 0 ]
check "debugfs listed timers during the torture ($looks times)" [ $looks -gt 0 ]
check "debugfs counted ticks during the torture ($ticks)" [ "$ticks" -gt 0 ]
check "the count of ticks in debugfs never went back" [ $backward -eq 0 ]
check "events were traced during the torture ($events_seen)" [ $events_seen -gt 0 ]
check "iotimer.ko unloads" rmmod iotimer
all_passed
