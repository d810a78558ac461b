# SPDX-License-Identifier: GPL-2.0-only
# Runs the fuzzer, tests/fuzz/fuzz.c, with $FUZZ: seed, lines, calls.
# shellcheck shell=dash disable=SC2086 # three words
insmod /root/iotimer.ko && insmod /root/sim_dev.ko devices=48 slots=4 && exec /root/fuzz $FUZZ
