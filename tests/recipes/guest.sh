# SPDX-License-Identifier: GPL-2.0-only
# Runs each recipe of the manual, and compares what it prints.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

# same RECIPE: does the recipe print what the page says? If not, print the difference as notes.
same() {
	(sh "$1/commands" 2>&1) | sed 's/ *$//' >/tmp/printed
	diff "$1/output" /tmp/printed >/tmp/difference || { sed 's/^/# /' /tmp/difference; return 1; }
}

insmod /root/iotimer.ko || exit
for recipe in /root/recipes/*; do
	insmod /root/sim_dev.ko devices=2 && load_configfs || exit
	check "$(cat "$recipe/title")" same "$recipe"
	cd /root || exit
	for dir in /sys/kernel/config/sim_dev/*; do
		[ -d "$dir" ] || continue
		put 0 "$dir/live"
		rmdir "$dir"
	done
	check "nothing of it stays" rmmod sim_dev_configfs sim_dev
done
all_passed
