# SPDX-License-Identifier: GPL-2.0-only
# Sourced by run --all: convert all drivers of the newest source, and build each object of a converted file.
# shellcheck shell=bash disable=SC2154 # run's and lib.sh's variables

"$top/scripts/setup" test
open_logs rewrite-all
source=$(readlink -f "$("$top/scripts/kernel" source)/source")
linux=$logs/linux
build=$logs/build

# configure: all drivers as modules, without what makes compiling slow.
configure() {
	printf '%s\n' CONFIG_DEBUG_INFO_NONE=y '# CONFIG_'{WERROR,KASAN,KCSAN,KMSAN,KCOV,UBSAN,GCOV_KERNEL,RUST,GCC_PLUGINS,DEBUG_INFO_BTF}' is not set' \
		>"$logs/config"
	make -C "$linux" "O=$build" "KCONFIG_ALLCONFIG=$logs/config" allmodconfig
	make -C "$linux" "O=$build" "-j$(nproc)" prepare
}

# convert_all: convert, and configure meanwhile. The file `cpu` gets the seconds of CPU time of the conversion.
convert_all() {
	local TIMEFORMAT=%U pid
	configure >"$logs/configure.log" 2>&1 &
	pid=$!
	{ time "$convert" "$source/drivers" 2>"$logs/report" >"$logs/patch"; } 2>"$logs/cpu" || { tail -n 1 "$logs/report"; return 1; }
	wait "$pid"
}

# lacks FOLDER|FILE PATTERN: is there no such line?
lacks() { ! grep -rE -- "$2" "$1"; }

# objects FILE...: build them, as far as they build.
objects() { make -C "$linux" "O=$build" "-j$(nproc)" -k "$@" || true; }

# missing OBJECT...: print those that were not built.
missing() {
	local object
	for object; do
		[ -s "$build/$object" ] || echo "$object"
	done
}

# users: print the .c files that include a converted header and name a converted member, but were not
# converted themselves.
users() {
	local headers members
	headers=$(sed -n 's|^+++ b/.*/\(.*\.h\)$|\1|p' "$logs/patch" | sort -u | paste -sd '|')
	members=$(sed -n 's/^-[[:space:]]*struct timer_list[[:space:]]*\(.*\);.*/\1/p' "$logs/patch" | sort -u | paste -sd '|')
	cd "$linux" && grep -rlE "#include.*[\"/<](${headers//./\\.})[\">]" --include='*.c' drivers |
		xargs grep -lE "(->|\.)($members)\b" | grep -vxFf <(sed -n 's|^+++ b/||p' "$logs/patch") | sed 's/\.c$/.o/'
}

# list: one line for each converted file: was it built, or why not.
list() {
	local object
	for object in "${converted[@]}"; do
		if [ -s "$build/$object" ]; then
			echo "${object%.o}.c: built"
		elif grep -qxF "$object" "$logs/broken"; then
			echo "${object%.o}.c: does not build"
		else
			echo "${object%.o}.c: not built by x86's allmodconfig, unconverted neither"
		fi
	done
	sed -n 's|^+++ b/\(.*\.h\)$|\1: with the files that include it|p' "$logs/patch"
}

echo "KTAP version 1"
with_progress "copying the newest source by hard links" cp -al "$source" "$linux"
cp "$top/io_timeout.h" "$top/iotimer.h" "$linux/include/linux"
with_progress "converting drivers/, and configuring" convert_all
cpu=$(cut -d . -f 1 "$logs/cpu")
check "to convert all of drivers/ takes less than ten minutes of CPU time ($cpu s)" [ "$cpu" -lt 600 ]
mapfile -t converted < <(sed -n 's|^+++ b/\(.*\)\.c$|\1.o|p' "$logs/patch")
check "it finds drivers to convert (${#converted[@]} files)" [ "${#converted[@]}" -ge 50 ]
check "the patch applies" noting patch -s -p1 -d "$linux" <"$logs/patch"
check "the source itself is as it was" noting lacks "$source/drivers/mmc/host" IOTIMER_TODO
mapfile -t users < <(users)
with_progress "building ${#converted[@]} converted objects, and ${#users[@]} that share their headers" objects "${converted[@]}" "${users[@]}"
# What another architecture needs builds without the conversion neither.
mapfile -t unbuilt < <(missing "${converted[@]}" "${users[@]}")
patch -s -R -p1 -d "$linux" <"$logs/patch"
cp "$progress_log" "$logs/build.log"
: >"$logs/broken"
if [ ${#unbuilt[@]} -gt 0 ]; then
	with_progress "building ${#unbuilt[@]} objects unconverted" objects "${unbuilt[@]}"
	comm -23 <(printf '%s\n' "${unbuilt[@]}" | sort) <(missing "${unbuilt[@]}" | sort) >"$logs/broken"
	(cd "$build" && rm -f "${unbuilt[@]}")
fi
list >"$logs/files"
check "each converted file builds, if it builds unconverted" noting lacks "$logs/broken" .
built=$(grep -c ': built$' "$logs/files")
check "most of the converted files were built ($built of ${#converted[@]})" [ $((built * 2)) -gt ${#converted[@]} ]
# Some drivers have warnings of their own on x86.
check "the compiler does not warn of what was converted" noting lacks "$logs/build.log" \
	'warning: .*(io_countdown|io_timeout|iotimer|unused|incompatible|implicit|makes)'
rm -rf "$linux" "$build"
sed 's/^/# /' "$logs/report" "$logs/files"
say "the patch, the report and the list of files are in $logs"
all_passed
