# SPDX-License-Identifier: GPL-2.0-only
# What lockdep reports of timers that are stopped under locks: nothing where the contract
# allows the stop, and a report at the first stop that the contract forbids.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

# lockdep NAME: print a figure of /proc/lockdep_stats.
lockdep() { sed -n "s/^ *$1: *\([0-9]*\).*/\1/p" /proc/lockdep_stats; }

# play SCENARIO: load the module, which plays the scenario, and keep the kernel log of it in
# /tmp/klog. A report on the console would count as trouble. So the console's level is 0: lockdep
# raises any other level for its reports.
play() {
	dmesg -c >/dev/null
	echo 0 >/proc/sys/kernel/printk
	insmod /root/iotimer_locks.ko "scenario=$1"
	played=$?
	dmesg -n 8
	dmesg -c >/tmp/klog
	return $played
}
reports() { grep -c 'WARNING: \|BUG: \|possible .* detected\|inconsistent lock state' /tmp/klog; }
none() { [ "$(reports)" -eq 0 ] || { head -n 20 /tmp/klog; return 1; }; }
# in_order CLASS CLASS: does lockdep know that the second class was taken under the first?
in_order() {
	awk -v first="$1" -v second="$2" '
		/FD:/ { under = $NF == first }
		under && / -> / && $NF == second { found = 1 }
		END { exit !found }' /proc/lockdep
}

check "iotimer.ko loads" insmod /root/iotimer.ko
check "lockdep is on before the first scenario" [ "$(lockdep debug_locks)" = 1 ]

# P5, P6: routines stop timers, and timers are stopped under a lock that another routine takes.
check "the scenario of what the contract allows runs to its end" play legal
check "lockdep reports nothing that the contract allows ($(reports) reports)" none
check "lockdep is still on after what the contract allows" [ "$(lockdep debug_locks)" = 1 ]
check "lockdep knows that a routine took the lock 'bus'" in_order bus_routine bus
check "lockdep knows that a timer was stopped under the lock 'bus'" in_order bus plain_routine
check "lockdep knows that a timer was destroyed under the lock 'guard'" in_order guard plain_routine
check "lockdep does not record a stop that a routine made" refuses in_order shared shared_routine
rmmod iotimer_locks

check "a destroy under a spinlock that the routine takes only stops the timer" play own-lock-destroy
check "the kernel warns of the destroy under a spinlock" grep -q 'WARNING: .*iotimer_destroy' /tmp/klog
check "the warning names the atomic context" grep -q 'iotimer: destroy in atomic context' /tmp/klog
check "the kernel reports the destroy under a spinlock once" [ "$(reports)" -eq 1 ]
rmmod iotimer_locks
check "lockdep is still on after the warning of the destroy" [ "$(lockdep debug_locks)" = 1 ]

# This scenario is the last, since lockdep switches itself off after its first report.
check "the scenario of a stop under the lock that the routine takes runs to its end" play own-lock
check "lockdep reports a stop under the routine's lock, although the stop need not wait" grep -q 'possible circular locking dependency detected' /tmp/klog
check "lockdep reports the stop under the routine's lock once" [ "$(reports)" -eq 1 ]
check "lockdep's report names the routine" grep -q '(own_lock_routine){' /tmp/klog
check "lockdep's report names the lock" grep -q '(own){' /tmp/klog
check "lockdep has switched itself off after its report" [ "$(lockdep debug_locks)" = 0 ]
rmmod iotimer_locks
check "iotimer.ko unloads" rmmod iotimer
all_passed
