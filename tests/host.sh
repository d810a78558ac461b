# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests/NAME/run, which runs on the host and prints KTAP.
# shellcheck shell=bash disable=SC2034 # others use the variables

# shellcheck source=../scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"
# shellcheck source=lib.sh
. "$top/tests/lib.sh"
set -o pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
me=$(basename "$here")
kernel=stock smp='' built=''

# options WORD...: parse --help, --kernel NAME and --smp N. An option that the script's help does not
# mention is an error.
options() {
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) usage; exit 0 ;;
		--kernel | --smp)
			grep -q -- "$1" <<<"$(usage)" || die "unknown word $1; see --help"
			[ $# -gt 1 ] || die "$1 needs a value; see --help"
			declare -g "${1#--}=$2"
			shift ;;
		*) die "unknown word $1; see --help" ;;
		esac
		shift
	done
	[[ $smp =~ ^([1-9][0-9]*)?$ ]] || die "--smp is a number of CPUs"
	variant=$me
	[ "$kernel" = stock ] || variant+=-$kernel
	[ -z "$smp" ] || variant+=-smp$smp
}

# prepare PACKAGES...: install these groups of packages (see scripts/setup), make $logs an empty
# folder, and build the modules for $kernel.
prepare() {
	"$top/scripts/setup" "$@"
	open_logs "${variant:-$me}"
	built=$("$top/scripts/modules" "$kernel")
}

# subtest NAME COMMAND...: run a part of the test. COMMAND prints results. If its exit status is not 0,
# the part has failed, whatever the results say.
subtest() {
	local name=$1 status=0
	shift
	[ "$ktap_number" -gt 0 ] || echo "KTAP version 1"
	printf '    %s\n' "KTAP version 1" "# Subtest: $name"
	(ktap_number=0 ktap_failed=0; "$@" && [ "$ktap_failed" -eq 0 ]) | sed -u 's/\r$//; /^KTAP version/d; /^ *TAP version/d; s/^/    /' || status=$?
	[ "$status" -le 1 ] || echo "    # exit status $status; logs are in $logs"
	if [ "$status" -eq 0 ]; then result ok "$name"; else result "not ok" "$name"; fi
}

# aside NAME COMMAND...: run COMMAND in the background; later `subtest NAME replay NAME` waits for it and
# prints its results. For guests, which mostly sleep.
groups=()
aside() {
	local name=$1
	shift
	set -m	# a process group, which can be killed as a whole
	(status=0; "$@" || status=$?; echo "$status" >"$logs/$name.status") >"$logs/$name.aside" &
	set +m
	groups+=("-$!")
	echo $! >"$logs/$name.pid"
	trap 'kill -- "${groups[@]}" 2>/dev/null || true' EXIT
	trap 'exit 130' INT TERM
}

replay() {
	while [ ! -s "$logs/$1.status" ]; do
		kill -0 "$(cat "$logs/$1.pid")" 2>/dev/null || [ -s "$logs/$1.status" ] || { echo "# $1 was killed"; return 1; }
		sleep 0.2
	done
	cat "$logs/$1.aside"
	return "$(cat "$logs/$1.status")"
}

# beside COMMAND...: run COMMAND in the background, at most two at a time. It records one result.
begun=0
beside() {
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
		wait -n || true
	done
	begun=$((begun + 1))
	"$@" &
}

# record ok|"not ok" TEXT: keep a result for `recorded`.
record() { echo "$1|$2" >>"$logs/results"; }

# recorded: wait for all commands, and print their results.
recorded() {
	local verdict text
	wait
	[ -s "$logs/results" ] || die "no name contains '${pattern:-}'"
	echo "KTAP version 1"
	while IFS='|' read -r verdict text; do result "$verdict" "$text"; done <"$logs/results"
	[ "$(wc -l <"$logs/results")" -ge "$begun" ] || result "not ok" "each search that was started has a result"
}

# guest [VM-OPTION]... SCRIPT: run a script in a guest on $kernel, with both modules and
# tests/lib.sh in its /root.
guest() {
	local options=(--log "$logs/guest.log" --memory 1024 --timeout 1200)
	# In real time a guest may get little CPU time, and its ticks are late by up to SLACK_MS.
	[ -z "$smp" ] || options+=(--smp "$smp" --param SLACK_MS=900)
	"$top/scripts/vm" --kernel "$kernel" --file "$built/iotimer.ko" --file "$built/sim_dev.ko" \
		--file "$top/tests/lib.sh" "${options[@]}" "$@"
}

# kernel_module NAME: print the file of a module of $kernel, unpacked; nothing if $kernel has no such module.
kernel_module() {
	local file
	file=$(find "$("$top/scripts/kernel" "$kernel")/lib" -name "$1.ko*" 2>/dev/null || true)
	if [ "${file%.xz}" != "$file" ]; then
		xz -dc "$file" >"$logs/$1.ko"
		file=$logs/$1.ko
	fi
	echo "$file"
}

# with_configfs: set the array `configfs` to the options of `guest` that put sim_dev_configfs.ko into the
# guest, and configfs.ko if $kernel has that as a module.
with_configfs() {
	local file
	[ -e "$built/sim_dev_configfs.ko" ] || die "$kernel has no configfs"
	configfs=(--file "$built/sim_dev_configfs.ko")
	file=$(kernel_module configfs)
	[ -z "$file" ] || configfs+=(--file "$file")
}

# client NAME SOURCE|GCC-OPTION...: build a static C program for a guest, and print its file name. The
# program may include kselftest_harness.h and the headers in tests/lib.
client() {
	local program=$logs/$1 selftests
	shift
	selftests=$("$top/scripts/kernel" source-6.1)/source/tools/testing/selftests
	gcc -O2 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -static -pthread -I "$selftests" \
		-I "$top/tests/lib" -o "$program" "$@" || die "$(basename "$program") does not compile"
	echo "$program"
}

# noting COMMAND...: print the command's output only if it fails, as notes.
noting() {
	local out
	out=$("$@" 2>&1) || { tail -n 60 <<<"$out" | sed 's/^/# /'; return 1; }
}
