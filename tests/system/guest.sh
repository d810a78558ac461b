# SPDX-License-Identifier: GPL-2.0-only
# Runs the C programs, $PROGRAMS (default: all that are there), tests/NAME.c each.
# shellcheck shell=dash
insmod /root/iotimer.ko && insmod /root/sim_dev.ko || exit
status=0
for program in ${PROGRAMS:-system signals nodes async faults}; do
	[ -e "/root/$program" ] || { [ -z "$PROGRAMS" ] && continue; }
	echo "program: begin $program"
	"/root/$program" || status=1
	echo "program: end $program"
done
exit $status
