# SPDX-License-Identifier: GPL-2.0-only
# Runs tests/million/million.c with $DEVICES, $SLOTS, $REQUESTS and $SEED.
# shellcheck shell=dash
insmod /root/iotimer.ko && insmod /root/sim_dev.ko devices="$DEVICES" slots="$SLOTS" queue_depth=16 \
	latency_ms=0 &&
	exec /root/million "$DEVICES" "$SLOTS" "$REQUESTS" "$SEED"
