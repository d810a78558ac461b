# SPDX-License-Identifier: GPL-2.0-only
# Runs $SCRIPTS, then prints what gcov counted, as base64 between two marks. Each script leaves
# either both modules loaded or none.
# shellcheck shell=dash
status=0
for script in $SCRIPTS; do
	echo "--- $script"
	sh "/root/$script" || status=1
	rmmod sim_dev iotimer 2>/dev/null
done
# Copy the files out of debugfs: their size there is 0, so tar would take them for empty.
cd /sys/kernel/debug/gcov || exit
find . -name '*.gcda' | while read -r file; do
	mkdir -p "/tmp/gcov/$(dirname "$file")"
	cat "$file" >"/tmp/gcov/$file"
done
echo "--- gcov begin"
tar -C /tmp/gcov -cz . | base64
echo "--- gcov end"
exit $status
