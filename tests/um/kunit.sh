# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests that run the KUnit modules of kunit/.
# shellcheck shell=bash disable=SC2034,SC2154 # others use and set the variables

suites=(io_timeout_test io_recovery_test iotimer_test sim_hw_test sim_dev_test)

# kunit LOG MODULE... [VM-OPTION]...: run KUnit modules in a guest. The kernel log is $logs/LOG.log.
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

# suite LOG MODULE: print the results of one module's suites out of a kernel log, numbered from
# $ktap_number + 1, with the seconds that each case took. Drops the KTAP header, which not all kernels print.
suite() {
	sed -n "/kunit: begin $2\r*\$/,/kunit: end $2\r*\$/{s/\r//;/kunit: /!p}" "$logs/$1.log" | awk -v number="$ktap_number" '
		match($0, /^\[ *[0-9.]+\] /) { time = substr($0, 2, RLENGTH - 3) + 0; $0 = substr($0, RLENGTH + 1) }
		/^(KTAP version|1\.\.)/ { next }
		/^ +1\.\./ { last = time }
		/^    (not )?ok / && !/# SKIP/ { $0 = sprintf("%s # %.1f s", $0, time - last) }
		/^    (not )?ok / { last = time }
		/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++number) }
		{ print }'
}

# suites LOG STATUS MODULE...: print the results of all modules, and a failure if the guest's exit
# status is not 0.
suites() {
	local log=$1 status=$2 module
	shift 2
	[ "$ktap_number" -gt 0 ] || echo "KTAP version 1"
	for module; do
		suite "$log" "$module" | tee "$logs/$module.ktap"
		grep -qE '^(not )?ok ' "$logs/$module.ktap" ||
			echo "not ok $((ktap_number + 1)) - $module" | tee -a "$logs/$module.ktap"
		ktap_failed=$((ktap_failed + $(grep -c '^not ok ' "$logs/$module.ktap" || true)))
		ktap_number=$((ktap_number + $(grep -cE '^(not )?ok ' "$logs/$module.ktap")))
	done
	[ "$status" -eq 0 ] || result "not ok" "the guest ends with exit status 0 (it was $status; its log is $logs/$log.log)"
}
