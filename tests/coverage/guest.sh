# SPDX-License-Identifier: GPL-2.0-only
# Runs $SCRIPTS, each of which leaves nothing loaded or everything, then prints
# what gcov counted: a base64 text between two marks.
# shellcheck shell=dash
status=0
for script in $SCRIPTS; do
	echo "--- $script"
	sh "/root/$script" || status=1
	rmmod sim_dev iotimer 2>/dev/null
done
# From debugfs, whose files have no size, to where tar can see them.
cd /sys/kernel/debug/gcov || exit
find . -name '*.gcda' | while read -r file; do
	mkdir -p "/tmp/gcov/$(dirname "$file")"
	cat "$file" >"/tmp/gcov/$file"
done
echo "--- gcov begin"
tar -C /tmp/gcov -cz . | base64
echo "--- gcov end"
exit $status
