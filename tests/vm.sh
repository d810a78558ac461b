#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# tests/vm.sh: does scripts/vm tell pass, fail, trouble and hang apart?
# Runs on the host; $TOP is the tree, $WORK a folder to write to.

set -u
passed=0
failed=0

# expect STATUS TEXT SCRIPT [OPTION]...
expect() {
	wanted=$1
	text=$2
	printf '%s\n' "$3" >"$WORK/script"
	shift 3
	"$TOP/scripts/vm" --kernel um --timeout 20 "$@" "$WORK/script" >"$WORK/out" 2>&1
	got=$?
	if [ $got -eq "$wanted" ]; then
		passed=$((passed + 1))
		echo "    ok      $text"
	else
		failed=$((failed + 1))
		echo "    FAILED  $text: exit status $got, not $wanted"
	fi
}

cut="echo '------------[ cut here ]------------' >/dev/kmsg; echo 'a text' >/dev/kmsg
echo 'WARNING: CPU: 0 PID: 1' >/dev/kmsg; echo '---[ end trace 0 ]---' >/dev/kmsg"

expect 0 "a script that succeeds" true
expect 0 "an hour of sleep" "sleep 3600"
expect 1 "a script that fails" "exit 7"
expect 1 "a module that does not load" true --module "$TOP/README.md"
expect 2 "an option that does not exist" true --bogus
expect 2 "a kernel that does not exist" true --kernel /nonexistent
expect 3 "a warning" "$cut"
expect 3 "a warning, and a script that fails" "$cut; exit 1"
expect 3 "an announced warning that does not come" "echo 'expect warning: a text' >/dev/kmsg"
expect 3 "another warning than announced" "echo 'expect warning: b text' >/dev/kmsg; $cut"
expect 0 "an announced warning" "echo 'expect warning: a text' >/dev/kmsg; $cut"
expect 3 "KASAN inside an announced warning" "echo 'expect warning: a text' >/dev/kmsg
	$(echo "$cut" | sed "s/echo '---/echo 'BUG: KASAN: x' >\/dev\/kmsg; &/")"
expect 3 "announced once, comes twice" "echo 'expect warning: a text' >/dev/kmsg; $cut; $cut"
for line in "BUG: sleeping function called" "INFO: rcu_sched self-detected stall" \
	"WARNING: possible circular locking dependency detected" "BUG: KASAN: use-after-free in x" \
	"WARNING: suspicious RCU usage" "refcount_t: underflow; use-after-free." \
	"watchdog: BUG: soft lockup - CPU#0 stuck for 22s" "INFO: task x:1 blocked for more than 120 seconds." \
	"ODEBUG: free active (active state 0)" "BUG: KCSAN: data-race in a / b" \
	"kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)" "Kernel panic - not syncing: x" \
	"Oops: 0000 [#1]" "unreferenced object 0x1234" "irq 9: nobody cared"; do
	expect 3 "the kernel says: $line" "echo '$line' >/dev/kmsg"
done
expect 3 "a guest that stops before its end" "poweroff -f"
expect 4 "a guest that hangs" "while :; do :; done" --timeout 2

echo
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
