# SPDX-License-Identifier: GPL-2.0-only
# Runs the program of tests/system/$PROGRAM.c.
# shellcheck shell=dash
insmod /root/iotimer.ko && insmod /root/sim_dev.ko && exec "/root/$PROGRAM"
