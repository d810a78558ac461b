# SPDX-License-Identifier: GPL-2.0-only
# sdhci with an SD card, converted or not. KIND: which of the two. MODULES: the rest of MMC, in the order in which
# it loads. ROUNDS: how often each time-out is provoked.
# shellcheck shell=dash disable=SC2153 # KIND comes from scripts/vm
# shellcheck source=tests/lib.sh
. /root/lib.sh

slack=${SLACK_MS:-20}	# a tick may be late by so much
limit=10	# of sdhci, in seconds, for these commands
bus=/sys/bus/pci/drivers/sdhci-pci
lose=/sys/module/sdhci_lose/parameters
timers=/sys/kernel/debug/iotimer/timers
converted=
[ "$KIND" != converted ] || converted=yes

# sdhci-uhs2 is there since 6.13.
load_driver() {
	for module in sdhci sdhci-uhs2 sdhci-pci; do
		[ ! -e /root/$module.ko ] || insmod /root/$module.ko || return
	done
}
unload_driver() {
	rmmod sdhci_pci && { [ ! -e /sys/module/sdhci_uhs2 ] || rmmod sdhci_uhs2; } && rmmod sdhci
}
card_there() { [ -b /dev/mmcblk0 ]; }
card() { /root/card "$@" >/tmp/out; }

# hangs WORD...: end the guest, which does not power off while a command is outstanding.
hangs() {
	result "not ok" "a command ends (card $*)"
	echo "vm: exit status 1" >/dev/kmsg
	sleep 1
	echo b >/proc/sysrq-trigger
}

# gives ERROR WORD...: does `card` end with this error, or OK?
gives() {
	error=$1
	shift
	: >/tmp/out
	/root/card "$@" >/tmp/out &
	wait_until 60 [ -s /tmp/out ] || hangs "$*"
	read -r said ms </tmp/out
	[ "$said" = "$error" ] || { echo "# $* gave $said after $ms ms"; return 1; }
}

# report NAME: print a figure of sdhci_lose.
report() { sed "s/.*\\b$1=\\([-0-9]*\\).*/\\1/" $lose/report; }

# in_time FIGURE: is it more than the limit, and at most a second more?
in_time() {
	figure=$(report "$1")
	most=$((limit * 1000 + 1000 + slack))
	if [ "$figure" -lt $((limit * 1000)) ] || [ "$figure" -gt $most ]; then
		echo "# $1=$figure"
		return 1
	fi
}

# provoke PARAMETER ROUNDS COMMAND...: lose an interrupt of each COMMAND. Each begins at another moment between
# two ticks.
provoke() {
	parameter=$1 rounds=$2
	shift 2
	while [ "$rounds" -gt 0 ]; do
		put 1 "$lose/$parameter"
		timed_out=$(report timeouts)
		"$@" || return
		[ "$(report timeouts)" -eq $((timed_out + 1)) ] || { echo "# $(cat $lose/report)"; return 1; }
		usleep $((rounds * 190000))	# the last time-out came at a tick
		rounds=$((rounds - 1))
	done
}

# wakeups: print how often a timer of the driver or of iotimer has expired since trace_expiries.
tracing=/sys/kernel/tracing
trace_expiries() {
	echo 0 >$tracing/tracing_on
	echo >$tracing/trace
	echo 1 >$tracing/events/timer/timer_expire_entry/enable
	echo 1 >$tracing/tracing_on
}
wakeups() {
	echo 0 >$tracing/tracing_on
	echo 0 >$tracing/events/timer/timer_expire_entry/enable
	grep -cE 'function=(sdhci_|timer_expired )' $tracing/trace
}

for module in $MODULES; do
	check "$module loads" insmod "/root/$module.ko"
done
[ -z "$converted" ] || check "iotimer loads" insmod /root/iotimer.ko
check "the driver loads" load_driver
check "the card appears" wait_until 20 card_there

# The same data, on the card and back.
[ -z "${PREVIOUS:-}" ] || check "4 MiB that the unconverted driver wrote are read" card read 1 0 1024
check "4 MiB are written" card write 1 0 1024
check "4 MiB are read back as written" card read 1 0 1024
for process in 1 2 3; do
	/root/card load $process $((process * 2048)) 256 "${OPS:-400}" >/tmp/load$process &
done
wait
check "three processes at once find what they wrote" [ "$(cut -d ' ' -f 1 /tmp/load1 /tmp/load2 /tmp/load3 | uniq)" = OK ]

# Time-outs.
check "sdhci_lose loads" insmod /root/sdhci_lose.ko
check "a command whose interrupt is lost times out, each of ${ROUNDS:-5}" provoke command "${ROUNDS:-5}" gives ETIMEDOUT status 1
check "the card answers after that" gives OK status 3
check "a read whose interrupt is lost times out and is repeated, each of ${ROUNDS:-5}" provoke data "${ROUNDS:-5}" gives OK read 1 7 1
check "a write whose interrupt is lost times out and is repeated, each of ${ROUNDS:-5}" provoke data "${ROUNDS:-5}" gives OK write 1 8 1
[ -z "$converted" ] || check "each time-out came after more than $limit s" in_time min_ms
[ -z "$converted" ] || check "each time-out came after at most $((limit + 1)) s" in_time max_ms
check "each time-out came under the host's lock" [ "$(report unlocked)" -eq 0 ]
echo "# $KIND: $(cat $lose/report)"
check "all data are still there" card read 1 0 1024

# The handler ends a command at the moment its time is up, and the next one begins before the watchdog gets the
# lock. That one has its own time. Only if the tick runs on another CPU than the handler.
held() {
	echo >$tracing/trace
	echo 1 >$tracing/events/iotimer/iotimer_tick/enable
	echo 1 >$tracing/tracing_on
	put 1 $lose/command
	/root/card status 1 >/tmp/held &
	sleep 4
	echo 0 >$tracing/events/iotimer/iotimer_tick/enable
	cpu=$(awk '/iotimer_tick/ { cpu = $2 } END { print substr(cpu, 2, 3) + 0 }' $tracing/trace)
	taskset $((cpu == 0 ? 2 : 1)) sh -c "echo 1 >$lose/hold" && return
	echo "# no tick on CPU $cpu"
	wait
	return 1
}
held_at_last() { held || held || held || held; }
if [ -n "$converted" ] && [ -n "${SLACK_MS:-}" ]; then
	check "another CPU holds the lock at the tick that ends a command's time" held_at_last
	wait
	check "a command that begins before the watchdog has the lock has its own time" [ "$(report last_ms)" -ge $((limit * 1000 + 2900)) ]
	echo "# after $(report last_ms) ms"
fi

# Rest.
sleep 2
trace_expiries
sleep 60
expiries=$(wakeups)
check "in 60 s without a command no timer expires ($expiries did)" [ "$expiries" -eq 0 ]

# Unbind.
device=$(cd $bus && echo 0000:*)
unbind() { echo "$device" >$bus/unbind; }
bind() { echo "$device" >$bus/bind; }
begin_load() {
	for process in 1 2 3; do
		/root/card load $process $((process * 2048)) 256 100000000 >/dev/null &
	done
}
put 1 $lose/command
/root/card status 1 >/tmp/last &
usleep 1500000
check "sdhci_lose unloads while a command is outstanding" rmmod sdhci_lose
began=$(uptime_ms)
check "the host is unbound while a command is outstanding" unbind
took=$(($(uptime_ms) - began))
check "that waits for the command's time-out, and for little more ($took ms)" [ "$took" -le $((limit * 1000 + 5000 + slack)) ]
wait
check "the command has failed ($(cat /tmp/last))" grep -qv OK /tmp/last
[ -z "$converted" ] || check "the unbound host has no timer" [ "$(grep -c mmc0 $timers)" -eq 0 ]
check "the host is bound" bind
check "the card appears" wait_until 20 card_there

# unbound_under_load, unloaded_under_load: and the card comes back.
unbound_under_load() {
	begin_load
	usleep $((round * 170000))
	unbind || return
	wait
	! card_there && bind && wait_until 20 card_there
}
unloaded_under_load() {
	begin_load
	usleep $((round * 130000))
	unload_driver || return
	wait
	load_driver && wait_until 20 card_there
}
for round in $(seq "${UNBINDS:-5}"); do
	check "the host is unbound and bound under load" unbound_under_load
	check "the driver is unloaded and loaded under load" unloaded_under_load
done
check "all data are still there" card read 1 0 1024

# Suspend.
if [ -e /root/sdhci_glue.ko ]; then
	check "a host that was removed suspends, and no timer of others stops" insmod /root/sdhci_glue.ko
	check "sdhci_glue unloads" rmmod sdhci_glue
else
	result ok "a host that was removed suspends # SKIP this kernel has no power management"
fi
if [ -e /sys/power/pm_test ] && [ -z "${SLACK_MS:-}" ]; then
	check "iotimer_wake loads" insmod /root/iotimer_wake.ko
	for level in freezer platform none; do
		/root/card load 1 2048 256 4000 >/tmp/load1 &
		usleep 300000
		check "the system suspends and resumes ($level)" suspended $level
		wait
		check "the load that was interrupted finds what it wrote ($level)" grep -q OK /tmp/load1
	done
	check "all data are still there" card read 1 0 1024
elif [ -z "${SLACK_MS:-}" ]; then
	result ok "the system suspends and resumes # SKIP this kernel has no pm_test"
fi

check "the driver unloads" unload_driver
[ -z "$converted" ] || check "iotimer unloads" rmmod iotimer
all_passed
