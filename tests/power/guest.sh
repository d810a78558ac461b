# SPDX-License-Identifier: GPL-2.0-only
# The simulated device across suspend and resume: really, to idle and back, and up to each
# point at which the kernel's own tests turn back. With SHORT=1 less of it, for real time.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

put() { echo "$1" >"$2"; }
ctl() { put "$2" "/dev/sim_dev$1_ctl"; }	# ctl DEVICE COMMAND
setting() { put "$3" "$sysfs/sim_dev.$1/$2"; }	# setting DEVICE NAME VALUE
load() { insmod /root/sim_dev.ko "$@"; }

if [ "${SHORT:-}" = 1 ]; then
	long=6 asleep=8 nap=3
	kinds="idle long short"
else
	long=10 asleep=26 nap=1	# seconds; suspend waits 2 for each of 6 devices
	kinds="resetting reset_fails gone lost hang long reset_fails_idle idle short"
fi
requests=10	# that a process `power DEVICE 2` makes

# suspend_to LEVEL [SECONDS]: suspend and resume: really, to be woken after so many seconds, or as
# a test. The core, and the clock with it, is suspended for the sake of memory only.
suspend_to() {
	state=freeze
	case $1 in
	idle) put "$2" /sys/module/iotimer_wake/parameters/seconds ;;
	core) put deep /sys/power/mem_sleep
		state=mem ;;
	esac
	[ "$1" = idle ] || put "$1" /sys/power/pm_test
	put $state /sys/power/state
	suspended=$?
	put none /sys/power/pm_test
	return $suspended
}

# await COMMAND...: wait until it succeeds, 20 s or so at most.
await() {
	for _ in $(seq 400); do
		! "$@" || return 0
		usleep 50000
	done
	return 1
}
state_is() { [ "$(attr state "$1")" = "$2" ]; }		# state_is DEVICE STATE
is_idle() { state_is "$1" idle && [ "$(attr counter "$1")" -eq -1 ]; }

# begin DEVICE [COUNT]: start processes that make requests.
begin() { /root/power "$1" "${2:-2}" >"/tmp/power.$1" 2>"/tmp/power.$1.err" & }

# ready DEVICE: as after loading.
ready() {
	printf 'clear\nrevive\nlatency 5\nreset-latency 5\n' >"/dev/sim_dev$1_ctl"
	setting "$1" timeout 3
	setting "$1" reset_timeout 2
	await is_idle "$1"
	before "$1"
}

# prepare KIND DEVICE: have it do what it is to be suspended in.
prepare() {
	ready "$2"
	case $1 in
	*idle) return ;;
	resetting)
		setting "$2" timeout 1
		setting "$2" reset_timeout 60
		ctl "$2" 'reset-latency 20000'
		ctl "$2" hang ;;
	short) ctl "$2" 'latency 500' ;;
	long)
		setting "$2" timeout $long
		ctl "$2" "latency $((long * 1000))" ;;
	hang | lost)
		setting "$2" timeout 3600
		ctl "$2" "$1" ;;
	*)
		setting "$2" timeout 3600
		ctl "$2" 'latency 600000' ;;
	esac
	begin "$2"
	case $1 in
	resetting) await state_is "$2" resetting ;;
	*) await state_is "$2" busy ;;
	esac
	ctl "$2" 'latency 5'	# of the operations after it
}

# last_moment KIND DEVICE: what is to happen to it at resume.
last_moment() {
	case $1 in
	reset_fails*) ctl "$2" reset-hang ;;
	gone) ctl "$2" gone ;;
	esac
}

# expected KIND: time-outs, resets, retries, failed resets, failed requests and lines of the log.
expected() {
	case $1 in
	idle | short) echo "0 1 0 0 0" ;;
	long | hang) echo "0 1 0 0 0 starting over" ;;
	lost) echo "0 1 0 0 0 no interrupt came" ;;
	resetting) echo "1 2 1 0 0 timed out, retrying" ;;
	reset_fails_idle) echo "0 1 0 1 0 reset failed" ;;
	reset_fails | gone) echo "0 1 0 1 1 reset failed" ;;
	esac
}

# log_of DEVICE: what its lines in the log are about.
log_of() {
	grep "sim_dev\.$1: " /tmp/klog |
		sed 's/.*\(timed out\|retrying\|starting over\|giving up\|reset failed\|no interrupt came\).*/\1/' |
		tr '\n' ',' | sed 's/,$//; s/,/, /g'
}

# since DEVICE NAME...: by how much each statistic grew since the last `before`.
since() {
	device_=$1
	shift
	awk -v names="$*" '
		NR == FNR { was[$1] = $2; next }
		{ is[$1] = $2 }
		END {
			n = split(names, name)
			for (i = 1; i <= n; i++)
				printf "%d%s", is[name[i] ":"] - was[name[i] ":"], i < n ? " " : "\n"
		}' "/tmp/before.$device_" "/dev/sim_dev${device_}_ctl"
}

# happened DEVICE: as `expected`.
happened() { echo "$(since "$1" timeouts resets retries reset_failures failed) $(log_of "$1")"; }

# same EXPECTED ACTUAL
same() {
	[ "${1% }" = "${2% }" ] && return
	echo "    expected: $1"
	echo "    but is:   $2"
	return 1
}

# none_lost DEVICE DONE FAILED: every request ended, once, with its own data, so many well.
none_lost() {
	failures="$3 failed"
	[ "$3" -eq 0 ] || failures="$3 failed: Input/output error"
	same "$(($2 + $3)) requests: $2 done, $failures, 0 wrong" "$(cat "/tmp/power.$1")" || {
		cat "/tmp/power.$1.err"
		return 1
	}
	same "$(($2 + $3)) $2 $3 0 0" "$(since "$1" submitted completed failed cancelled outstanding)"
}

# no_stray DEVICE: has no interrupt come that nobody waited for?
no_stray() { same "0 0" "$(since "$1" late spurious)"; }

# verify LEVEL KIND DEVICE: what became of it.
verify() {
	failed_requests=$(expected "$2" | cut -d ' ' -f 5)
	check "$1, $2: as expected: $(expected "$2")" same "$(expected "$2")" "$(happened "$3")"
	check "$1, $2: no stray interrupt" no_stray "$3"
	case $2 in
	*idle) ;;
	*) check "$1, $2: every request ended once, with its own data" \
		none_lost "$3" $((requests - failed_requests)) "$failed_requests" ;;
	esac
	check "$1, $2: and the device works on" put x "/dev/sim_dev$3"
}

# each FUNCTION [ARG]...: call it with each kind and device.
each() {
	device=0
	for kind in $kinds; do
		"$@" "$kind" $device
		device=$((device + 1))
	done
}

# all_kinds LEVEL: suspend with devices in all kinds of trouble.
all_kinds() {
	klog_start
	each prepare
	usleep 50000
	each last_moment
	began=$(uptime_ms)
	check "$1: suspends and resumes" suspend_to "$1" $asleep
	check "$1: after 5 s or more" [ $(($(uptime_ms) - began)) -ge 5000 ]
	case " $kinds " in
	*" gone "*) ctl 2 revive ;;
	esac
	wait
	each awaits
	dmesg >/tmp/klog
	case $1 in
	idle) check "$1: really" grep -q 'suspend exit' /tmp/klog ;;
	*) check "$1: as a test" grep -q 'suspend debug: Waiting' /tmp/klog ;;
	esac
	each verify "$1"
}
awaits() { await is_idle "$2"; }	# awaits KIND DEVICE

check "iotimer.ko loads" insmod /root/iotimer.ko
check "iotimer_wake.ko loads" insmod /root/iotimer_wake.ko
check "sim_dev.ko loads" load devices="$(echo "$kinds" | wc -w)" queue_depth=4

# The device goes on while the processes are frozen: nobody hears of that.
ready 0
ready 1
setting 1 timeout 4
ctl 0 'latency 500'
ctl 1 'latency 3000'
begin 0 1
begin 1 1
await state_is 0 busy
await state_is 1 busy
ctl 0 'latency 5'
ctl 1 'latency 5'
klog_start
check "freezer: suspends and resumes" suspend_to freezer
wait
klog_end
for device in 0 1; do
	check "freezer: nothing happens to device $device" same "0 0 0 0 0" "$(happened $device)"
	check "freezer: every request ended once, with its own data" none_lost $device 5 0
done

for level in idle platform core; do
	all_kinds $level
done

# one STATE: suspend while device 0 is in that state, and wait for all to end.
one() {
	await state_is 0 "$1"
	check "$what: suspends and resumes" suspend_to idle 3
	wait
	await is_idle 0
	klog_end
}

if [ "${SHORT:-}" != 1 ]; then
	# What happens in the 2 s that suspend waits for the device to finish.
	ready 0
	setting 0 timeout 1
	ctl 0 hang
	klog_start
	begin 0
	what="hung, and it times out while suspend waits"
	one busy
	check "$what: as expected" same "1 2 1 0 0 timed out, retrying" "$(happened 0)"
	check "$what: every request ended once" none_lost 0 $requests 0

	ready 0
	setting 0 timeout 1
	ctl 0 hang
	ctl 0 'reset-latency 1500'
	klog_start
	begin 0
	what="in a reset that ends while suspend waits"
	one resetting
	check "$what: as expected" same "1 2 1 0 0 timed out, retrying" "$(happened 0)"
	check "$what: every request ended once" none_lost 0 $requests 0

	ready 0
	setting 0 timeout 1
	setting 0 reset_timeout 1
	ctl 0 hang
	ctl 0 reset-hang
	klog_start
	begin 0
	what="in a reset that fails while suspend waits"
	one resetting
	check "$what: as expected" same "1 2 0 1 1 timed out, reset failed" "$(happened 0)"
	check "$what: every request ended once" none_lost 0 $((requests - 1)) 1

	# The last device is suspended first, then the first one, which makes it wait: so the wake-up
	# comes when the last is suspended and the first is not.
	last=$(($(echo "$kinds" | wc -w) - 1))
	ready $last
	ready 0
	setting 0 timeout 3600
	ctl 0 'latency 10000'
	ctl $last 'latency 500'
	begin 0
	begin $last
	usleep 100000
	ctl 0 'latency 5'
	klog_start
	check "woken while it suspends: does not suspend" eval '! suspend_to idle 1 2>/dev/null'
	wait
	klog_end
	for device in 0 $last; do
		check "woken while it suspends: every request of device $device ended once" none_lost "$device" $requests 0
		check "woken while it suspends: no time-out" same 0 "$(since "$device" timeouts)"
		check "woken while it suspends: no stray interrupt" no_stray "$device"
	done
fi

# right_after SECONDS COMMAND...: suspend, be woken after so many seconds, and run a command while
# the reset is still under way.
right_after() {
	suspend_to idle "$1" && state_is 0 resetting || return
	shift
	"$@"
}

ready 0
setting 0 reset_timeout 60
ctl 0 'reset-latency 4000'
check "a write right after resume" right_after $nap put x /dev/sim_dev0
check "one reset, no time-out" same "0 1 0 0 0" "$(klog_end; happened 0)"
ready 0
setting 0 reset_timeout 60
ctl 0 'reset-latency 4000'
setting 0 timeout 60
ctl 0 'latency 20000'
begin 0
await state_is 0 busy
check "unbinding right after resume" right_after 4 put sim_dev.0 $driver/unbind
wait
check "every request ended once" grep -qx "10 requests: 0 done, 10 failed: No such device, 0 wrong" /tmp/power.0
check "and binding again" put sim_dev.0 $driver/bind
ctl 0 'latency 5'
check "and a write" put x /dev/sim_dev0
check "which needs no time-out" [ "$(attr timeouts)" -eq 0 ]
setting 0 reset_timeout 60
ctl 0 'reset-latency 4000'
check "unloading right after resume" right_after $nap rmmod sim_dev

# Much under way, on all CPUs.
check "sim_dev.ko loads" load devices=2 queue_depth=1024 latency_ms=4
rounds=0
for round in 1 2 3; do
	before 0
	before 1
	begin 0 30
	begin 1 30
	usleep "${round}17000"
	klog_start
	suspend_to idle $nap
	wait
	klog_end
	same "0 1 0 0 0" "$(happened 0 | sed 's/starting over//')" && none_lost 0 150 0 && no_stray 0 &&
		same "0 1 0 0 0" "$(happened 1 | sed 's/starting over//')" && none_lost 1 150 0 && no_stray 1 &&
		rounds=$((rounds + 1))
done
check "3 times with 300 requests under way: each ended once" [ $rounds -eq 3 ]

# The machine goes down with operations under way: scripts/test looks how long that takes.
setting 0 timeout 3600
ctl 0 hang
ctl 1 'latency 500'
begin 0
begin 1
usleep 100000
all_passed
