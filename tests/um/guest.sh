# SPDX-License-Identifier: GPL-2.0-only
# Loads the KUnit modules $MODULES, marking in the kernel log which is which.
# shellcheck shell=dash

# Some tests have their own allocations fail, and are skipped if they cannot.
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
