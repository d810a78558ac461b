# SPDX-License-Identifier: GPL-2.0-only
# Two scenes for scripts/timeline: an upper limit that is too short, and one that is long enough.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

insmod /root/iotimer.ko && insmod /root/sim_dev.ko devices=2 && insmod /root/mirror.ko || exit
sleep 2

# scene NAME TITLE TIMEOUT: one operation hangs in each leg, and four writers write.
scene() {
	put "$3" /sys/module/mirror/parameters/timeout
	trace_start "$1" "$2"
	for i in 0 1; do put hang /dev/sim_dev${i}_ctl; done
	for i in 1 2 3 4; do
		echo "$i" >/dev/mirror &
	done
	wait
	sleep 4
}

scene layered-short "The upper limit is 1 s: all four writes fail" 1
scene layered-long "The upper limit is 120 s: all four writes succeed" 120
trace_save
trace_print
