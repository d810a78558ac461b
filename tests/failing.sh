# SPDX-License-Identifier: GPL-2.0-only
# Has allocations fail, by the C client torture/failing.c.
# shellcheck shell=dash

# Which ones fail is up to the task: fail-nth, and make-it-fail for all later ones.
for kind in failslab fail_page_alloc; do
	cd /sys/kernel/debug/$kind || exit
	for setting in verbose=0 ignore-gfp-wait=N min-order=0 task-filter=Y times=1000000000 probability=100; do
		[ ! -e "${setting%=*}" ] || echo "${setting#*=}" >"${setting%=*}"
	done
done
cd /root && exec ./failing "$PATTERN"
