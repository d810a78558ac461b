# SPDX-License-Identifier: GPL-2.0-only
# What a message to the IPMB costs. KIND as for guest.sh. An instruction takes 1 ns.
# Prints "cost KIND INSTRUCTIONS TIMER_EVENTS", the events of 10 s with a message outstanding.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

KIND=${KIND:-converted}
tracing=/sys/kernel/tracing
[ "$KIND" != converted ] || insmod /root/iotimer.ko || exit
for module in msghandler si devintf; do
	insmod "/root/ipmi_$module.ko" || exit
done
for _ in $(seq 200); do
	[ ! -c /dev/ipmi0 ] || break
	usleep 100000
done
instructions=$(for _ in 1 2 3 4 5; do /root/ipmi cost 1000 || exit; done | sort -n | head -n 1)
echo 8192 >$tracing/buffer_size_kb
echo >$tracing/trace
echo 1 >$tracing/events/timer/timer_start/enable
/root/ipmi one 0x42 0 10000 >/tmp/out || exit
echo 0 >$tracing/events/timer/timer_start/enable
echo "cost $KIND $instructions $(grep -cE 'function=(ipmi_timeout|timer_expired) ' $tracing/trace)"
