# SPDX-License-Identifier: GPL-2.0-only
# Loads the KUnit modules $MODULES, and marks in the kernel log where each begins and ends.
# shellcheck shell=dash

# Some cases make their own allocations fail, and are skipped on a kernel that cannot.
# shellcheck source=tests/lib.sh
. /root/lib.sh
let_allocations_fail || true

for module in $MODULES; do
	echo "kunit: begin $module" >/dev/kmsg
	# shellcheck disable=SC2086 # several parameters
	insmod "/root/$module.ko" $PARAMS || exit
	echo "kunit: end $module" >/dev/kmsg
done
for module in $MODULES iotimer; do
	rmmod "$module" || exit
done
