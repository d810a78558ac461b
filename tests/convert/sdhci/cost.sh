# SPDX-License-Identifier: GPL-2.0-only
# What a command costs. KIND and MODULES as for guest.sh. An instruction takes 1 ns.
# Prints, of each kind of command: "cost KIND COMMAND INSTRUCTIONS TIMER_EVENTS", the events of 1000 of them.
# shellcheck shell=dash disable=SC2153 # KIND comes from scripts/vm
# shellcheck source=tests/lib.sh
. /root/lib.sh

tracing=/sys/kernel/tracing
[ "$KIND" != converted ] || MODULES="$MODULES iotimer"
for module in $MODULES sdhci sdhci-uhs2 sdhci-pci; do
	[ ! -e "/root/$module.ko" ] || insmod "/root/$module.ko" || exit
done
for _ in $(seq 200); do
	[ ! -b /dev/mmcblk0 ] || break
	usleep 100000
done
echo 8192 >$tracing/buffer_size_kb
for command in status read write; do
	instructions=$(/root/card cost $command 1000) || exit
	echo >$tracing/trace
	echo 1 >$tracing/events/timer/timer_start/enable
	/root/card cost $command 1000 >/tmp/out || exit
	echo 0 >$tracing/events/timer/timer_start/enable
	echo "cost $KIND $command $instructions $(grep -cE 'function=(sdhci_|timer_expired )' $tracing/trace)"
done
