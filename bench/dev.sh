# SPDX-License-Identifier: GPL-2.0-only
# The cost of a request through /dev: prints lines "bench NAME DEVICES ns SAMPLE...",
# with ROUNDS times SAMPLES of each. The modules and dev_bench are in /root. Each
# round measures everything once, so that slow changes affect all of them.
# sim_dev_before.ko is the driver of an earlier revision, if it is to be measured.
# shellcheck shell=dash
set -e
: "${ROUNDS:=3}" "${SAMPLES:=3}"

# with "MODULE [PARAMETER]..." COMMAND...: run COMMAND with this driver loaded, at latency 0.
with() {
	# shellcheck disable=SC2086 # several parameters
	set_up $1
	shift
	"$@"
	rmmod "$(lsmod | sed -n 's/^\(sim_dev[a-z_]*\) .*/\1/p')"
}

set_up() {
	module=$1
	shift
	insmod "/root/$module.ko" devices=4 latency_ms=0 "$@"
}

# measure NAME WRITERS NODE...
measure() {
	name=$1 writers=$2
	shift 2
	/root/dev_bench "$name" "$writers" "$SAMPLES" "$@" >>/tmp/samples
}

# one_device NAME: with one writer, and with eight
one_device() {
	measure "$1/1-writer" 1 /dev/sim_dev0
	measure "$1/8-writers" 8 /dev/sim_dev0
}

driver() {
	for writers in 1 4; do
		name=dev/sim_dev/$writers-writer$([ $writers -eq 1 ] || echo s)
		measure "$name" "$writers" /dev/sim_dev0
		measure "$name" "$writers" /dev/sim_dev0 /dev/sim_dev1 /dev/sim_dev2 /dev/sim_dev3
	done
}

: >/tmp/samples
insmod /root/iotimer.ko
insmod /root/null_dev.ko
for _ in $(seq "$ROUNDS"); do
	measure dev/null/1-writer 1 /dev/bench_null
	measure dev/null/4-writers 4 /dev/bench_null
	measure dev/null/8-writers 8 /dev/bench_null
	with sim_dev driver
	[ ! -e /root/sim_dev_before.ko ] || with sim_dev_before one_device dev/before
	for slots in 1 8 64; do
		with "sim_dev slots=$slots" one_device dev/slots-$slots
	done
	with sim_dev_counter measure dev/counter/1-writer 1 /dev/sim_dev0
	with sim_dev_untimed measure dev/untimed/1-writer 1 /dev/sim_dev0
	with sim_dev_timer_list measure dev/timer_list/1-writer 1 /dev/sim_dev0
done
rmmod null_dev
rmmod iotimer

# One line a measurement, in the order in which they were first made.
awk '{ key = $2 " " $3 " " $4; if (!(key in all)) keys[++n] = key
	for (i = 5; i <= NF; i++) all[key] = all[key] " " $i }
	END { for (i = 1; i <= n; i++) print "bench " keys[i] all[keys[i]] }' /tmp/samples
