# SPDX-License-Identifier: GPL-2.0-only
# The example of a CI job: its results, its exit status, and that it leaves nothing behind.
# shellcheck shell=dash disable=SC2016 # the programs have variables of their own
# shellcheck source=tests/lib.sh
. /root/lib.sh

dir=/sys/kernel/config/sim_dev
mkdir -p /etc
echo "nobody:x:65534:65534::/:/bin/sh" >/etc/passwd

# ends STATUS ARGUMENT...: does the example end with this exit status? /tmp/out has what it printed.
ends() {
	local wanted=$1
	shift
	/root/with-faults "$@" >/tmp/out 2>&1
	[ $? -eq "$wanted" ]
}

# empty: is no device left?
empty() { [ "$(find $dir -mindepth 1 | wc -l) $(find /dev -name 'sim_dev*' | wc -l)" = "0 2" ]; }

insmod /root/iotimer.ko && insmod /root/sim_dev.ko || exit
check "without the module it is skipped, with status 4" ends 4 true
check "it says why it is skipped" says "1..0 # SKIP needs the module sim_dev_configfs"
check "the module loads" load_configfs
check "without root it is skipped, with status 4" \
	[ "$(su -s /bin/sh nobody -c "/root/with-faults true" >/tmp/out 2>&1; echo $?)" = 4 ]
check "it says that root is missing" says "# SKIP needs root"

write_four='for i in 1 2 3 4; do echo $i >"$SIM_DEV" || exit 1; done'
check "a program that survives its faults passes, with status 0" ends 0 -s timeout=1 -s max_retries=1 \
	-c "rule hang every 2 times 2" -e retries=2 -e timeouts=2 -e failed=0 -e completed=4 sh -c "$write_four"
check "all nine results are ok" [ "$(grep -c '^ok ' /tmp/out) $(grep -c '^not ok ' /tmp/out)" = "9 0" ]
check "it announced nine" says "1..9"
check "the device is removed" empty

check "a program that fails makes it fail, with status 1" ends 1 -c "rule error after 2 times 1" sh -c "$write_four"
check "it is the program's result that is not ok" says "not ok 2 the program exits with status 0 (it was 1)"
check "that is the only one" [ "$(grep -c '^not ok ' /tmp/out)" = 1 ]
check "a fault that never strikes makes it fail" ends 1 -c "rule hang after 9" -c lost sh -c "exit 0"
check "it says so" says "not ok 3 each fault struck"
check "it says which" [ "$(grep -c -e '^rule 1: hang after 9 struck 0' -e '^pending_lost: 1' /tmp/out)" = 2 ]
check "a wrong statistic makes it fail" ends 1 -e completed=3 sh -c "$write_four"
check "it says what it was" says "not ok 5 completed=3 (it was 4)"
check "a request that is never done makes no difference to the sum" ends 0 -s timeout=3600 -c "latency 600000" \
	-e outstanding=1 -e completed=0 sh -c 'timeout -s KILL 2 sh -c "echo x >\"$SIM_DEV\""; true'
check "a program's failure leaves no device" empty

check "a setting out of range makes it fail" ends 1 -s timeout=0 true
check "it says which setting" says "# setting timeout=0 was refused"
check "a setting that does not exist makes it fail" ends 1 -s speed=1 true
check "a bad command makes it fail" ends 1 -c "rule hang sometimes" true
check "it says which command" says "# command 'rule hang sometimes' was refused"
check "no program makes it fail" ends 1
check "an unknown option makes it fail" ends 1 -z true
check "mistakes leave no device" empty

# A signal, while the program waits for a request that takes minutes.
/root/with-faults -s timeout=3600 -c "latency 600000" sh -c 'echo x >"$SIM_DEV"' >/tmp/killed 2>&1 &
sleep 2
check "before the signal there is a device" [ "$(find $dir -mindepth 1 -type d | wc -l)" = 1 ]
kill $!
wait $!
check "a signal ends it with status 1" [ $? = 1 ]
check "a signal leaves no device" empty

# Several at a time
for i in $(seq 8); do
	/root/with-faults -s timeout=1 -c "rule hang after $((i % 4)) times 1" -e retries=1 sh -c "$write_four" >"/tmp/job$i" 2>/dev/null &
done
wait
check "eight jobs at a time all pass" [ "$(cat /tmp/job* | grep -c '^ok ')" = 48 ]
check "each has a device of its own" [ "$(grep -h '^# /dev/sim_dev' /tmp/job* | sort -u | wc -l)" = 8 ]
check "they leave no device" empty
all_passed
