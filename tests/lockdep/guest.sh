# SPDX-License-Identifier: GPL-2.0-only
# What lockdep says of timers that are stopped under locks: nothing where the contract
# allows it, and at once where it does not.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

# lockdep NAME: a figure of lockdep's.
lockdep() { sed -n "s/^ *$1: *\([0-9]*\).*/\1/p" /proc/lockdep_stats; }

# play SCENARIO: load the module, which plays it, with what the kernel logs in /tmp/klog,
# and not on the console, where a report counts as trouble; level 0 is the one that
# lockdep does not raise for its reports.
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
refuses() { ! "$@"; }
# in_order CLASS CLASS: has lockdep noted that the second was taken under the first?
in_order() {
	awk -v first="$1" -v second="$2" '
		/FD:/ { under = $NF == first }
		under && / -> / && $NF == second { found = 1 }
		END { exit !found }' /proc/lockdep
}

check "iotimer.ko loads" insmod /root/iotimer.ko
check "lockdep is on" [ "$(lockdep debug_locks)" = 1 ]

check "all that the contract allows" play legal
check "no report ($(reports))" none
check "and lockdep is still on" [ "$(lockdep debug_locks)" = 1 ]
check "it knows that a routine took a lock" in_order bus_routine bus
check "and that a timer was stopped under it" in_order bus plain_routine
check "and destroyed under another" in_order guard plain_routine
check "but not what was stopped inside a routine" refuses in_order shared shared_routine
rmmod iotimer_locks

check "a destroy under a spinlock that the routine takes only stops the timer" play own-lock-destroy
check "and warns" grep -q 'WARNING: .*iotimer_destroy' /tmp/klog
check "of the atomic context" grep -q 'iotimer: destroy in atomic context' /tmp/klog
check "once" [ "$(reports)" -eq 1 ]
rmmod iotimer_locks
check "lockdep is still on" [ "$(lockdep debug_locks)" = 1 ]

# The last, since lockdep switches itself off after its first report.
check "a stop under the lock that the routine takes" play own-lock
check "is reported, though it need not wait" grep -q 'possible circular locking dependency detected' /tmp/klog
check "once" [ "$(reports)" -eq 1 ]
check "by the name of the routine" grep -q '(own_lock_routine){' /tmp/klog
check "and of the lock" grep -q '(own){' /tmp/klog
check "lockdep is off now" [ "$(lockdep debug_locks)" = 0 ]
rmmod iotimer_locks
check "iotimer.ko goes" rmmod iotimer
all_passed
