# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the tests that run the KUnit modules of kunit/.
# shellcheck shell=bash disable=SC2154 # the variables of host.sh

suites=(io_timeout_test iotimer_test sim_hw_test sim_dev_test)

# kunit LOG MODULE... [VM-OPTION]...: run KUnit modules in a guest; the kernel log is $logs/LOG.log.
kunit() {
	local log=$1 modules=() files=()
	shift
	while [ $# -gt 0 ] && [[ $1 != -* ]]; do
		modules+=("$1")
		files+=(--file "$built/kunit/$1.ko")
		shift
	done
	"$top/scripts/vm" --kernel "$kernel" --memory 1024 --timeout 1200 --log "$logs/$log.log" \
		--param "MODULES=${modules[*]}" --module "$built/iotimer.ko" --file "$top/tests/lib.sh" "${files[@]}" \
		--append "kunit.enable=1 kunit.autorun=1" "$@" "$top/tests/um/guest.sh"
}

# suite LOG MODULE: the results of one module, out of a kernel log, as part $ktap_number of the test.
# Not all kernels print the header above it. A case's time follows its result.
suite() {
	sed -n "/kunit: begin $2\r*\$/,/kunit: end $2\r*\$/{s/\r//;/kunit: /!p}" "$logs/$1.log" | awk -v number="$ktap_number" '
		match($0, /^\[ *[0-9.]+\] /) { time = substr($0, 2, RLENGTH - 3) + 0; $0 = substr($0, RLENGTH + 1) }
		/^(KTAP version|1\.\.)/ { next }
		/^ +1\.\./ { last = time }
		/^    (not )?ok / && !/# SKIP/ { $0 = sprintf("%s # %.1f s", $0, time - last) }
		/^    (not )?ok / { last = time }
		/^(not )?ok / { sub(/ok [0-9]+/, "ok " number) }
		{ print }'
}

# suites LOG STATUS MODULE...: the results of all of them, and that the guest ended well.
suites() {
	local log=$1 status=$2 module
	shift 2
	[ "$ktap_number" -gt 0 ] || echo "KTAP version 1"
	for module; do
		ktap_number=$((ktap_number + 1))
		suite "$log" "$module" | tee "$logs/$module.ktap"
		grep -q '^ok ' "$logs/$module.ktap" || ktap_failed=$((ktap_failed + 1))
		grep -qE '^(not )?ok ' "$logs/$module.ktap" || echo "not ok $ktap_number - $module"
	done
	[ "$status" -eq 0 ] || result "not ok" "the guest, exit status $status; its log is $logs/$log.log"
}
