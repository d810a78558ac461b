# SPDX-License-Identifier: GPL-2.0-only
# The simulated device across suspend and resume: suspend to idle, and suspend up to each level
# of pm_test, at which the kernel turns back after 5 s. With SHORT=1 fewer situations, for real time.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

# ctl DEVICE COMMAND: write to the device's control node.
ctl() { put "$2" "/dev/sim_dev$1_ctl"; }
# setting DEVICE NAME VALUE: set an attribute of the device.
setting() { put "$3" "$sysfs/sim_dev.$1/$2"; }
load() { insmod /root/sim_dev.ko "$@"; }

if [ "${SHORT:-}" = 1 ]; then
	long=6 asleep=8 nap=3
	kinds="idle long short"
else
	long=10 asleep=26 nap=1	# in seconds; suspend waits 2 s for each of 6 devices
	kinds="resetting reset_fails gone lost hang long reset_fails_idle idle short"
fi
requests=10	# made by `power DEVICE 2`

# suspend_to LEVEL [SECONDS]: suspend and resume. With the level "idle" the system is woken after so
# many seconds; others are levels of pm_test. The core, and the clock with it, is suspended only
# in a suspend to RAM.
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

# await COMMAND...: wait until the command succeeds, for about 20 s at most.
await() {
	for _ in $(seq 400); do
		! "$@" || return 0
		usleep 50000
	done
	return 1
}
# state_is DEVICE STATE: is the device in this state?
state_is() { [ "$(attr state "$1")" = "$2" ]; }
is_idle() { state_is "$1" idle && [ "$(attr counter "$1")" -eq -1 ]; }

# begin DEVICE [COUNT] [SETS]: start processes that make requests (default: 2).
begin() { /root/power "$1" "${2:-2}" "${3:-1}" >"/tmp/power.$1" 2>"/tmp/power.$1.err" & }

# ready DEVICE: set the device back to what it was after loading, and remember its statistics.
ready() {
	printf 'clear\nrevive\nlatency 5\nreset-latency 5\n' >"/dev/sim_dev$1_ctl"
	setting "$1" timeout 3
	setting "$1" reset_timeout 2
	await is_idle "$1"
	before "$1"
}

# prepare KIND DEVICE: bring the device into the state in which it is suspended.
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
	ctl "$2" 'latency 5'	# for later operations
}

# last_moment KIND DEVICE: inject the fault that the resume is to meet.
last_moment() {
	case $1 in
	reset_fails*) ctl "$2" reset-hang ;;
	gone) ctl "$2" gone ;;
	esac
}

# expected KIND: print the expected numbers of time-outs, resets, retries, failed resets and failed
# requests, and what the log must say.
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

# log_of DEVICE: print what the device's lines in the log are about.
log_of() {
	grep "sim_dev\.$1: " /tmp/klog |
		sed 's/.*\(timed out\|retrying\|starting over\|giving up\|reset failed\|no interrupt came\).*/\1/' |
		tr '\n' ',' | sed 's/,$//; s/,/, /g'
}

# since DEVICE NAME...: print by how much each statistic grew since the last `before`.
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

# happened DEVICE: print what happened, in the form of `expected`.
happened() { echo "$(since "$1" timeouts resets retries reset_failures failed) $(log_of "$1")"; }

# same EXPECTED ACTUAL: are the texts equal? Prints both if they are not.
same() {
	[ "${1% }" = "${2% }" ] && return
	echo "    expected: $1"
	echo "    but is:   $2"
	return 1
}

# none_lost DEVICE DONE FAILED: did every request end once and with its own data, so many of them
# successfully and so many not?
none_lost() {
	failures="$3 failed"
	[ "$3" -eq 0 ] || failures="$3 failed: Input/output error"
	same "$(($2 + $3)) requests: $2 done, $failures, 0 wrong" "$(cat "/tmp/power.$1")" || {
		cat "/tmp/power.$1.err"
		return 1
	}
	same "$(($2 + $3)) $2 $3 0 0" "$(since "$1" submitted completed failed cancelled outstanding)"
}

# no_stray DEVICE: did no late and no spurious interrupt come?
no_stray() { same "0 0" "$(since "$1" late spurious)"; }

# verify LEVEL KIND DEVICE: check what became of the device and its requests.
verify() {
	failed_requests=$(expected "$2" | cut -d ' ' -f 5)
	check "time-outs, resets, retries, failures and log are as expected ($1, $2: $(expected "$2"))" same "$(expected "$2")" "$(happened "$3")"
	check "no late and no spurious interrupt comes ($1, $2)" no_stray "$3"
	case $2 in
	*idle) ;;
	*) check "every request ends once, with its own data ($1, $2)" \
		none_lost "$3" $((requests - failed_requests)) "$failed_requests" ;;
	esac
	check "the device works after resume ($1, $2)" put x "/dev/sim_dev$3"
}

# each FUNCTION [ARG]...: call the function with each kind and its device.
each() {
	device=0
	for kind in $kinds; do
		"$@" "$kind" $device
		device=$((device + 1))
	done
}

# all_kinds LEVEL: suspend with a device of each kind.
all_kinds() {
	klog_start
	each prepare
	usleep 50000
	each last_moment
	began=$(uptime_ms)
	check "the system suspends and resumes with a device of each kind ($1)" suspend_to "$1" $asleep
	check "the suspend took 5 s or more ($1)" [ $(($(uptime_ms) - began)) -ge 5000 ]
	case " $kinds " in
	*" gone "*) ctl 2 revive ;;
	esac
	wait
	each awaits
	dmesg >/tmp/klog
	case $1 in
	idle) check "the kernel log tells of the suspend ($1)" grep -q 'suspend exit' /tmp/klog ;;
	*) check "the kernel log tells of the suspend test ($1)" grep -q 'suspend debug: Waiting' /tmp/klog ;;
	esac
	each verify "$1"
}
# awaits KIND DEVICE: wait until the device is idle.
awaits() { await is_idle "$2"; }

check "iotimer.ko loads" insmod /root/iotimer.ko
check "iotimer_wake.ko loads" insmod /root/iotimer_wake.ko
check "sim_dev.ko loads with a device of each kind" load devices="$(echo "$kinds" | wc -w)" queue_depth=4

# While only the processes are frozen, the device goes on: nothing shows in its statistics.
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
check "processes freeze and thaw while the devices work" suspend_to freezer
wait
klog_end
for device in 0 1; do
	check "frozen processes cause no time-out and no reset (device $device)" same "0 0 0 0 0" "$(happened $device)"
	check "every request of a frozen process ends once, with its own data (device $device)" none_lost $device 5 0
done

for level in idle platform core; do
	all_kinds $level
done

# one STATE: suspend while device 0 is in that state, and wait until all requests have ended.
one() {
	await state_is 0 "$1"
	check "suspend and resume succeed ($what)" suspend_to idle 3
	wait
	await is_idle 0
	klog_end
}

if [ "${SHORT:-}" != 1 ]; then
	# What can happen in the 2 s that suspend waits for the device to finish.
	ready 0
	setting 0 timeout 1
	ctl 0 hang
	klog_start
	begin 0
	what="hung, and it times out while suspend waits"
	one busy
	check "the hang is timed out, and resume resets the device once more ($what)" same "1 2 1 0 0 timed out, retrying" "$(happened 0)"
	check "every request ends once after the time-out ($what)" none_lost 0 $requests 0

	ready 0
	setting 0 timeout 1
	ctl 0 hang
	ctl 0 'reset-latency 1500'
	klog_start
	begin 0
	what="in a reset that ends while suspend waits"
	one resetting
	check "the reset ends, and resume resets the device once more ($what)" same "1 2 1 0 0 timed out, retrying" "$(happened 0)"
	check "every request ends once after the reset ($what)" none_lost 0 $requests 0

	ready 0
	setting 0 timeout 1
	setting 0 reset_timeout 1
	ctl 0 hang
	ctl 0 reset-hang
	klog_start
	begin 0
	what="in a reset that fails while suspend waits"
	one resetting
	check "the reset fails, and resume resets the device once more ($what)" same "1 2 0 1 1 timed out, reset failed" "$(happened 0)"
	check "one request fails and the others end once after the failed reset ($what)" none_lost 0 $((requests - 1)) 1

	# The last device is suspended first. The first device is suspended next, and its operation makes
	# suspend wait. So the wake-up comes when the last device is suspended and the first is not.
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
	check "a wake-up during suspend ends the suspend" eval '! suspend_to idle 1 2>/dev/null'
	wait
	klog_end
	for device in 0 $last; do
		check "every request ends once when suspend is ended by a wake-up (device $device)" none_lost "$device" $requests 0
		check "no time-out follows when suspend is ended by a wake-up (device $device)" same 0 "$(since "$device" timeouts)"
		check "no late and no spurious interrupt follows when suspend is ended by a wake-up (device $device)" no_stray "$device"
	done
fi

# right_after SECONDS COMMAND...: suspend, be woken after so many seconds, and run a command while
# the reset at resume is still under way.
right_after() {
	suspend_to idle "$1" && state_is 0 resetting || return
	shift
	"$@"
}

ready 0
setting 0 reset_timeout 60
ctl 0 'reset-latency 4000'
check "a write succeeds during the reset at resume" right_after $nap put x /dev/sim_dev0
check "a write during the reset at resume causes one reset and no time-out" same "0 1 0 0 0" "$(klog_end; happened 0)"
ready 0
setting 0 reset_timeout 60
ctl 0 'reset-latency 4000'
setting 0 timeout 60
ctl 0 'latency 20000'
begin 0
await state_is 0 busy
check "the driver unbinds during the reset at resume" right_after 4 put sim_dev.0 $driver/unbind
wait
check "every request fails once when the driver unbinds during the reset at resume" grep -qx "10 requests: 0 done, 10 failed: No such device, 0 wrong" /tmp/power.0
check "the driver binds again after it was unbound during the reset at resume" put sim_dev.0 $driver/bind
ctl 0 'latency 5'
check "a write succeeds after the driver was bound again" put x /dev/sim_dev0
check "a write after the driver was bound again needs no time-out" [ "$(attr timeouts)" -eq 0 ]
setting 0 reset_timeout 60
ctl 0 'reset-latency 4000'
check "sim_dev unloads during the reset at resume" right_after $nap rmmod sim_dev

# Many requests are under way at each suspend, on all CPUs.
check "sim_dev.ko loads with two devices that queue many requests" load devices=2 queue_depth=1024 latency_ms=4
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
check "of many requests under way at a suspend, each ends once ($rounds of 3 times)" [ $rounds -eq 3 ]

rmmod sim_dev

# Operations are under way in all 256 slots at the suspend, and more requests wait. Each file's results
# come in their order: the program checks that.
check "sim_dev.ko loads with 256 slots" load slots=256 queue_depth=1024
put 60 $sysfs/sim_dev.0/reset_timeout
full=640	# requests made by `begin 0 64 2`; 262 of them are outstanding at a time
outstanding_is() { grep -qx "outstanding: $1" /dev/sim_dev0_ctl; }

# all_restarted KIND EXPECTED: did the 256 operations and the other requests end as they must? EXPECTED
# are the numbers of time-outs, aborts, resets, retries, innocent and failed resets.
all_restarted() {
	wait
	await is_idle 0
	check "with 256 operations time-outs, aborts, resets, retries, innocent, failed resets are as expected ($1: $2)" \
		same "$2" "$(since 0 timeouts aborts resets retries innocent reset_failures)"
	check "every request of 256 slots ends once, with its own data ($1)" none_lost 0 $full 0
	check "no late and no spurious interrupt comes of 256 slots ($1)" no_stray 0
}

# fill KIND: have 262 requests, 256 of them in slots, where none ends. Later operations take 5 ms.
fill() {
	ready 0
	setting 0 timeout 3600
	setting 0 abort_timeout 0
	case $1 in
	soon) ctl 0 'latency 900-1500' ;;
	aborting) ctl 0 'hang 256'
		ctl 0 'reset-latency 20000'
		setting 0 abort_timeout 60
		setting 0 timeout 1 ;;
	*) ctl 0 'latency 600000' ;;
	esac
	begin 0 64 2
	await outstanding_is 262
	check "256 operations are under way ($1)" outstanding_is 262
	ctl 0 'latency 5'
}

fill long
check "the system suspends and resumes with 256 operations (long)" suspend_to idle 4
all_restarted long "0 0 1 0 256 0"

# All end while suspend waits; the reset at resume finds none.
fill soon
check "the system suspends and resumes with 256 operations (soon)" suspend_to idle 4
all_restarted soon "0 0 1 0 0 0"

# All have timed out, and are being aborted: those are charged.
fill aborting
await grew aborts 256
ctl 0 'reset-latency 5'
check "the system suspends and resumes with 256 operations (aborting)" suspend_to idle 4
all_restarted aborting "256 256 1 256 0 0"
check "sim_dev.ko unloads after 256 operations" rmmod sim_dev
load devices=2 queue_depth=1024 latency_ms=4

# The machine goes down with operations under way; tests/power/run checks how long that takes.
setting 0 timeout 3600
ctl 0 hang
ctl 1 'latency 500'
begin 0
begin 1
usleep 100000
all_passed
