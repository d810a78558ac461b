# SPDX-License-Identifier: GPL-2.0-only
# Makes allocations fail, by the program tests/failing/failing.c.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh
let_allocations_fail || exit
[ ! -e /root/sim_dev_configfs.ko ] || mount -t configfs configfs /sys/kernel/config || exit
exec /root/failing "$PATTERN"
