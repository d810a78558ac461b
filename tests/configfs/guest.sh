# SPDX-License-Identifier: GPL-2.0-only
# Devices that are made by configfs: settings, life and death.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

dir=/sys/kernel/config/sim_dev
parameters=/sys/module/sim_dev/parameters

# nodes: print how many nodes there are.
nodes() { find /dev -name 'sim_dev*' | wc -l; }

# setting NAME [DIRECTORY]: print a setting (default: of the directory a).
setting() { cat "$dir/${2:-a}/$1"; }

insmod /root/iotimer.ko
check "sim_dev loads without configfs" insmod /root/sim_dev.ko max_retries=2
[ ! -e /root/configfs.ko ] || check "configfs was not loaded for it" [ ! -e /sys/module/configfs ]
check "sim_dev_configfs loads" load_configfs
check "sim_dev_configfs makes no device by itself" [ "$(nodes) $(find $dir -mindepth 1 | wc -l)" = "2 0" ]
check "sim_dev does not unload while sim_dev_configfs uses it" refuses rmmod sim_dev

# Settings

check "mkdir makes a directory" mkdir $dir/a
check "the first number after the module parameter's devices is reserved" [ "$(setting dev_name)" = sim_dev1 ]
check "the device is not live" [ "$(setting live)" = 0 ]
check "a device that is not live has no nodes" [ "$(nodes)" = 2 ]
check "sim_dev_configfs does not unload while there is a directory" refuses rmmod sim_dev_configfs

# Names, ranges and defaults, as the module describes its parameters.
strings /root/sim_dev.ko | sed -n 's/^par[m]=\([a-z_]*\):.*(\([0-9]*\) to \([0-9]*\), default \([0-9]*\))$/\1 \2 \3 \4/p' |
	grep -v '^devices ' >/tmp/settings
check "sim_dev describes seven settings" [ "$(wc -l </tmp/settings)" -eq 7 ]

# unmoved NAME VALUE TEXT...: are all these texts refused, and is the value as it was?
unmoved() {
	local name=$1 value=$2 bad
	shift 2
	for bad; do
		fails "$message" put "$bad" "$dir/a/$name" || return
		[ "$(setting "$name")" = "$value" ] || return
	done
}

# takes NAME VALUE: is this value taken?
takes() { put "$2" "$dir/a/$1" && [ "$(setting "$1")" = "$2" ]; }

while read -r name min max default; do
	[ "$name" != max_retries ] || default=2
	check "the default is the module parameter's ($name)" \
		[ "$(setting "$name") $(cat "$parameters/$name")" = "$default $default" ]
	check "the largest value is taken ($name)" takes "$name" "$max"
	message="Numerical result out of range"
	check "larger values are out of range ($name)" unmoved "$name" "$max" $((max + 1)) 4294967296 99999999999999999999
	check "the smallest value is taken ($name)" takes "$name" "$min"
	[ "$min" = 0 ] || check "smaller values are out of range ($name)" unmoved "$name" "$min" $((min - 1))
	message="Invalid argument"
	check "other texts are invalid ($name)" unmoved "$name" "$min" -1 x '' ' ' 5x '5 5' 0x5 1.5
	put "$default" "$dir/a/$name"
done </tmp/settings

# Two devices, each with its own settings

mkdir $dir/b
while read -r name first second; do
	put "$first" "$dir/a/$name"
	put "$second" "$dir/b/$name"
done <<'END'
slots 1 3
timeout 1 4
abort_timeout 0 7
reset_timeout 5 6
max_retries 0 9
latency_ms 20 0
queue_depth 2 6
END
for bad in 2x '' -1; do
	check "live refuses '$bad'" fails "Invalid argument" put "$bad" $dir/a/live
done
check "a goes live" put 1 $dir/a/live
check "b goes live" put 1 $dir/b/live
check "live says so" [ "$(setting live) $(setting live b)" = "1 1" ]
check "a device that is live may be told so again" put 1 $dir/a/live
check "b has the next number" [ "$(setting dev_name b)" = sim_dev2 ]
check "each device has two nodes" [ "$(nodes)" = 6 ]
check "each device has an interrupt" [ "$(grep -c 'sim_dev\.' /proc/interrupts)" = 3 ]
for name in slots timeout abort_timeout reset_timeout max_retries; do
	check "each device has its own value ($name)" \
		[ "$(attr $name 1) $(attr $name 2)" = "$(setting $name a) $(setting $name b)" ]
	check "the module parameter's device keeps the parameter's value ($name)" \
		[ "$(attr $name 0)" = "$(cat $parameters/$name)" ]
done
check "the hardware of a has the latency of a" grep -qx "latency_ms: 20" /dev/sim_dev1_ctl
check "the hardware of b has the latency of b" grep -qx "latency_ms: 0" /dev/sim_dev2_ctl
while read -r name _; do
	check "a setting of a live device is busy ($name)" fails "Device or resource busy" put "$(setting "$name")" "$dir/a/$name"
done </tmp/settings

# within DEVICE LIMIT: does a write to a device that hangs once end within the contract?
within() {
	put hang "/dev/sim_dev$1_ctl"
	start=$(uptime_ms)
	quietly put x "/dev/sim_dev$1"
	took=$(($(uptime_ms) - start))
	[ $took -gt $(($2 * 1000 - 10)) ] && [ $took -le $(($2 * 1000 + 1060 + ${SLACK_MS:-0})) ]
}
check "a times out after its own limit of 1 s" within 1 1
check "a has no retry, so its request failed" [ "$(attr failed 1) $(attr retries 1)" = "1 0" ]
check "b times out after its own limit of 4 s" within 2 4
check "b can abort, and retries" [ "$(attr failed 2) $(attr retries 2) $(attr aborts 2) $(attr resets 2)" = "0 1 1 0" ]
check "the time-outs of each device are its own" [ "$(attr timeouts 0) $(attr timeouts 1) $(attr timeouts 2)" = "0 1 1" ]

# The queue: more writers than it has room.
for device in 1 2; do
	put 'latency 500' /dev/sim_dev${device}_ctl
	for _ in $(seq 10); do put x /dev/sim_dev$device & done
done
usleep 250000
check "the queue of a holds 2 requests" grep -qx "outstanding: 2" /dev/sim_dev1_ctl
check "the queue of b holds 6 requests" grep -qx "outstanding: 6" /dev/sim_dev2_ctl
wait
check "all requests succeeded in the end" [ "$(attr completed 1) $(attr completed 2)" = "10 11" ]

# The directory of a live device

check "rmdir of a live device is busy" fails "Device or resource busy" rmdir $dir/a
check "the device still works" put x /dev/sim_dev1
check "a directory cannot be made twice" fails "File exists" mkdir $dir/a
check "a directory has no directories" fails "Operation not permitted" mkdir $dir/a/a
check "the device can be unbound" put sim_dev.1 $driver/unbind
check "the device can be bound again" put sim_dev.1 $driver/bind
check "bound again it has its own settings" [ "$(attr timeout 1) $(attr max_retries 1)" = "1 0" ]
put sim_dev.1 $driver/unbind
check "an unbound device can be removed" put 0 $dir/a/live
check "a removed device is not live" [ "$(setting live)" = 0 ]
check "a device that is not live may be told so again" put 0 $dir/a/live
check "its settings can be changed again" takes timeout 3
check "it goes live again" put 1 $dir/a/live
check "it keeps its number" [ "$(setting dev_name)" = sim_dev1 ]
check "the new value takes effect" [ "$(attr timeout 1)" = 3 ]

# Removal while its nodes are open, and a request is under way

exec 3<>/dev/sim_dev1 4<>/dev/sim_dev1_ctl
put 'latency 600000' /dev/sim_dev1_ctl
(echo x >&3) 2>/tmp/write &
sleep 1
put gone /dev/sim_dev1_ctl
check "a device goes away while its nodes are open" put 0 $dir/a/live
wait $!
check "its request failed with ENODEV" grep -q "No such device" /tmp/write
check "a new request fails with ENODEV" fails "No such device" sh -c 'echo x >&3'
check "its nodes are gone" [ "$(nodes)" = 4 ]
check "its directory can be removed" rmdir $dir/a
check "its number is free again" mkdir $dir/c
check "its number is used again" [ "$(setting dev_name c)" = sim_dev1 ]
check "a new device of its number goes live" put 1 $dir/c/live
check "the old control node takes no fault" fails "No such device" sh -c 'echo spurious >&4'
# "revive" is let through to the hardware model even then, see sim_ctl.c.
check "the old control node revives the old hardware" sh -c 'echo revive >&4'
check "the new device works beside the old nodes" put x /dev/sim_dev1
check "the new device is not the old one" grep -qx "completed: 1" /dev/sim_dev1_ctl
put 0 $dir/c/live
put 0 $dir/b/live
check "the directories can be removed" rmdir $dir/b $dir/c
check "sim_dev_configfs unloads without directories" rmmod sim_dev_configfs
check "sim_dev does not unload while a node of a removed device is open" refuses rmmod sim_dev
exec 3>&- 4>&-
check "sim_dev unloads when it is closed" rmmod sim_dev
check "no interrupt is left" [ "$(grep -c sim_dev /proc/interrupts)" = 0 ]
check "no directory of sim_dev is left" [ ! -e $dir ]

# Numbers

insmod /root/sim_dev.ko devices=256
check "sim_dev_configfs loads beside 256 devices" load_configfs
long=$(printf '%0255d' 7)
check "a name may have 255 characters" mkdir "$dir/$long"
check "the first number is 256" [ "$(setting dev_name "$long")" = sim_dev256 ]
check "it goes live" put 1 "$dir/$long/live"
check "it works" put x /dev/sim_dev256
put 0 "$dir/$long/live"
for i in $(seq 257 1023); do mkdir "$dir/$i" || break; done
check "there may be 1024 devices" [ "$(setting dev_name 1023)" = sim_dev1023 ]
put 1 $dir/1023/live
check "the last works" put x /dev/sim_dev1023
check "there may be no more" fails "No space left on device" mkdir $dir/more
check "a failed mkdir leaves nothing" [ ! -e $dir/more ]
put 0 $dir/1023/live
rmdir $dir/300
mkdir $dir/more
check "a free number is found" [ "$(setting dev_name more)" = sim_dev300 ]
rmdir $dir/*
check "all unload in the end" rmmod sim_dev_configfs sim_dev iotimer
all_passed
