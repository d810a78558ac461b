# SPDX-License-Identifier: GPL-2.0-only
# The example of a layered driver under load: see load.c. Then unloaded under load.
# shellcheck shell=dash
# shellcheck source=tests/mirror/lib.sh
. /root/mirror-lib.sh

insmod /root/iotimer.ko || exit
insmod /root/sim_dev.ko devices=3 slots=4 timeout=3 abort_timeout=1 reset_timeout=1 max_retries=1 queue_depth=16
insmod /root/mirror.ko legs=0,1,2 timeout=1 wait=5 || exit
wait_until 10 legs + + + || exit
/root/load "$REQUESTS" "${SEED:-1}" >/tmp/load
status=$?
sed 's/^/# /' /tmp/load
check "the load passes" [ $status -eq 0 ]
check "the identity holds under load" identity
check "all legs are attached in the end" wait_until 30 legs + + +

# busy: read until /tmp/stop exists. (A shell that writes would make a file once the node is gone.)
busy() { while [ ! -e /tmp/stop ]; do cat /dev/mirror || sleep 0.01; done >/dev/null 2>&1; }

unloaded=0
for _ in 1 2 3 4 5; do
	rm -f /tmp/stop
	quietly put x /dev/mirror	# what the readers get
	for i in 0 1 2; do put "rule hang chance 1/20" /dev/sim_dev${i}_ctl; done
	for _ in 1 2 3; do busy & done
	sleep 0.5
	# The readers hold the module only while they have it open, so this may take several attempts.
	wait_until 60 rmmod mirror 2>/dev/null && unloaded=$((unloaded + 1))
	touch /tmp/stop
	wait
	for i in 0 1 2; do put clear /dev/sim_dev${i}_ctl; done
	insmod /root/mirror.ko legs=0,1,2 timeout=1 wait=1 || break
	wait_until 30 legs + + + || break
done
check "the mirror unloads under load, five times" [ "$unloaded" -eq 5 ]

rmmod mirror
check "the devices' module unloads after the load" rmmod sim_dev
all_passed
