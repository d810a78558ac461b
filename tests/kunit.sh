# SPDX-License-Identifier: GPL-2.0-only
# Loads the KUnit modules $MODULES, marking in the kernel log which is which.
# shellcheck shell=dash

# For tests that have their own allocations fail (make-it-fail, fail-nth).
for kind in failslab fail_page_alloc; do
	cd /sys/kernel/debug/$kind 2>/dev/null || continue
	for setting in verbose=0 ignore-gfp-wait=N min-order=0 task-filter=Y times=1000000000 probability=100; do
		[ ! -e "${setting%=*}" ] || echo "${setting#*=}" >"${setting%=*}"
	done
done
cd /root || exit

for module in $MODULES; do
	echo "kunit: begin $module" >/dev/kmsg
	# shellcheck disable=SC2086 # several parameters
	insmod "/root/$module.ko" $PARAMS || exit
	echo "kunit: end $module" >/dev/kmsg
done
for module in $MODULES iotimer; do
	rmmod "$module" || exit
done
