# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the scripts that run in a guest (busybox sh), and by tests/host.sh.
# shellcheck shell=dash disable=SC2034 # others use the variables

sysfs=/sys/bus/platform/devices
driver=/sys/bus/platform/drivers/sim_dev

# Results are KTAP without a plan, because their number is not known in advance. tests/host.sh prints
# the version line.
ktap_number=0
ktap_failed=0

# result ok|"not ok" TEXT: print one result.
result() {
	ktap_number=$((ktap_number + 1))
	[ "$ktap_number" -ne 1 ] || [ ! -e /vm/config ] || trap ends_early EXIT
	[ "$1" = ok ] || ktap_failed=$((ktap_failed + 1))
	echo "$1 $ktap_number - $2"
}

# check TEXT COMMAND...: print a result: ok if the command succeeds.
check() {
	text=$1
	shift
	if "$@"; then result ok "$text"; else result "not ok" "$text"; fi
}

# results FILE: print the results of a kernel module. Lines "ok TEXT" and "FAILED TEXT" become results,
# all other lines become notes.
results() {
	while read -r verdict text; do
		case $verdict in
		ok) result ok "$text" ;;
		FAILED) result "not ok" "$text" ;;
		*) echo "# $verdict $text" ;;
		esac
	done <"$1"
}

# ends_early: in a guest, a script that ends without all_passed has failed, whatever its exit status.
ends_early() {
	echo "# the script ended before all_passed"
	exit 1
}

# all_passed: did all checks pass, and was there one? The last command of a script.
all_passed() {
	trap - EXIT
	[ "$ktap_failed" -eq 0 ] && [ "$ktap_number" -gt 0 ]
}

# load_configfs: load sim_dev_configfs.ko, and before it configfs.ko if the kernel has that as a module.
load_configfs() {
	if [ -e /root/configfs.ko ] && [ ! -e /sys/module/configfs ]; then insmod /root/configfs.ko || return; fi
	grep -q " /sys/kernel/config " /proc/mounts || mount -t configfs configfs /sys/kernel/config || return
	insmod /root/sim_dev_configfs.ko
}

# put TEXT FILE: write it.
put() { echo "$1" >"$2"; }

# quietly COMMAND...: run it; /tmp/out has what it printed, for says().
quietly() { "$@" >/tmp/out 2>&1; }

# refuses COMMAND...: does it fail?
refuses() { ! quietly "$@"; }

# fails TEXT COMMAND...: does it fail with this message?
fails() {
	local message=$1
	shift
	refuses "$@" && says "$message"
}

# attr NAME [DEVICE]: print an attribute of a device (default: device 0).
attr() { cat "$sysfs/sim_dev.${2:-0}/$1"; }

# grew NAME BY [DEVICE]: did a statistic grow by exactly BY since the last `before`?
grew() {
	was=$(sed -n "s/^$1: //p" "/tmp/before.${3:-0}")
	[ "$(attr "$1" "${3:-0}")" -eq $((was + $2)) ]
}

# before [DEVICE]: remember all statistics of a device.
before() { cat "/dev/sim_dev${1:-0}_ctl" >"/tmp/before.${1:-0}"; }

# unchanged [DEVICE]: are all statistics as at the last `before`?
unchanged() { cmp -s "/dev/sim_dev${1:-0}_ctl" "/tmp/before.${1:-0}"; }

# says TEXT: does the last output in /tmp/out contain the text?
says() { grep -qF -- "$1" /tmp/out; }

# klog_says TEXT [TIMES]: does the kernel log between klog_start and klog_end have exactly TIMES lines
# with the text (default: 1)?
klog_says() { [ "$(grep -cF -- "$1" /tmp/klog)" -eq "${2:-1}" ]; }

# klog_start, klog_end: write what the modules logged between these two calls to /tmp/klog.
klog_start() { dmesg -c >/dev/null; }
klog_end() { dmesg -c | grep -E 'sim_dev|iotimer' >/tmp/klog; }

# ms SECONDS: print seconds, which may have decimals, as an integer of milliseconds.
ms() { awk -v s="$1" 'BEGIN { printf "%d", s * 1000 + 0.5 }'; }

# uptime_ms: print the time since boot in milliseconds.
uptime_ms() { ms "$(cut -d ' ' -f 1 /proc/uptime)"; }

# wait_until SECONDS COMMAND...: repeat COMMAND until it succeeds, for so long at most.
wait_until() {
	local end=$(($(uptime_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(uptime_ms)" -lt "$end" ] || return 1
		usleep 100000
	done
}

# suspended LEVEL: suspend to idle, as a test up to LEVEL of pm_test, or with "none" until iotimer_wake
# ends it after 12 s. Does it succeed?
suspended() {
	[ "$1" != none ] || put 12 /sys/module/iotimer_wake/parameters/seconds
	put "$1" /sys/power/pm_test && put freeze /sys/power/state && put none /sys/power/pm_test
}

# let_allocations_fail: set up fault injection for tasks that ask for it by fail-nth or make-it-fail;
# false if the kernel cannot.
let_allocations_fail() {
	for kind in failslab fail_page_alloc; do
		cd /sys/kernel/debug/$kind 2>/dev/null || return
		for setting in verbose=0 ignore-gfp-wait=N min-order=0 task-filter=Y times=1000000000 probability=100; do
			[ ! -e "${setting%=*}" ] || echo "${setting#*=}" >"${setting%=*}"
		done
		cd /root || return
	done
}

# If TRACE=1: record the events of both modules, in one file of /tmp/trace for each trace_start.
tracefs=/sys/kernel/tracing

# trace_start NAME TITLE: save what was recorded, and begin a new file.
trace_start() {
	[ "${TRACE:-}" = 1 ] || return 0
	trace_save
	trace_file=/tmp/trace/$1
	mkdir -p /tmp/trace
	echo mono >$tracefs/trace_clock
	echo 8192 >$tracefs/buffer_size_kb
	echo "# title: $2" >"$trace_file"
	trace_resume
}

# trace_resume: empty the buffer, and record into the file of the last trace_start.
trace_resume() {
	[ "${TRACE:-}" = 1 ] || return 0
	echo >$tracefs/trace
	for events in iotimer sim_dev; do
		echo 1 >$tracefs/events/$events/enable || result "not ok" "trace events can be enabled ($events)"
	done
	echo 1 >$tracefs/tracing_on
}

# trace_save: stop recording and save the trace. Waits for a second first, so that the trace has a tick.
trace_save() {
	[ -n "${trace_file:-}" ] || return 0
	sleep 1
	echo 0 >$tracefs/tracing_on
	cat $tracefs/trace >>"$trace_file"
	echo >$tracefs/trace
}

# trace_print: print all files, compressed, since a serial line is slow and may drop characters.
trace_print() {
	[ -d /tmp/trace ] || return 0
	for trace_file in /tmp/trace/*; do
		echo "trace begin $(basename "$trace_file")"
		gzip -c "$trace_file" | base64
		echo "trace end $(wc -l <"$trace_file") lines"
	done
}
