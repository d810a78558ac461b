# SPDX-License-Identifier: GPL-2.0-only
# Shared by all scripts of the host; sourced, never run.
# shellcheck shell=bash disable=SC2034 # the variables are for others

# A failure inside $(...) is a failure.
shopt -s inherit_errexit

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${IOTIMER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/iotimer}
me=$(basename "$0")
# What belongs to this clone alone, in folders of the cache.
clone=$(sha256sum <<<"$top" | cut -c 1-8)

# The jobs of a make above us are not for those that we start: with -j it hands on a job server
# that they cannot reach, and their warning of that would count as one of the compiler.
[ -z "${MAKEFLAGS:-}" ] ||
	MAKEFLAGS=$(sed -E ':a; s/^((.* )?)(-j[0-9]*|--jobserver-(auth|fds)=[^ ]*)( |$)/\1/; ta' <<<"$MAKEFLAGS")

# say: progress, on stderr so that stdout stays free for results.
say() { printf '%s: %s\n' "$me" "$*" >&2; }

# die: the one line that says what to do; exit status 2 is "could not run".
die() { say "error: $*"; exit 2; }

# kbuild builds there.
[[ $cache != *[[:space:]:]* ]] || die "no kernel builds in $cache: set IOTIMER_CACHE to a folder without a space or colon"

# usage: print the comment block at the top of the calling script.
usage() { sed -n '3,/^$/{/^#/s/^# \{0,1\}//p}' "$0"; }

# with_progress TEXT COMMAND...: run quietly, logging to $progress_log, with a line every 15 seconds.
with_progress() {
	local text=$1 start=$SECONDS status=0 pid
	shift
	mkdir -p "$cache/log/$clone"
	progress_log=$cache/log/$clone/$(tr -c 'a-zA-Z0-9._-' '-' <<<"${text::200}" | sed 's/-*$//').log
	say "$text ..."
	"$@" >"$progress_log" 2>&1 &
	pid=$!
	# The child keeps the caller's locks until it is gone too.
	trap 'kill $pid 2>/dev/null; exit 130' INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		for _ in $(seq 75); do
			kill -0 "$pid" 2>/dev/null || break 2
			sleep 0.2
		done
		say "$text ... $((SECONDS - start)) s: $(tail -n 1 "$progress_log" | cut -c 1-60)"
	done
	wait "$pid" || status=$?
	trap - INT TERM
	if [ "$status" -ne 0 ]; then
		tail -n 30 "$progress_log" >&2
		die "$text failed after $((SECONDS - start)) s; the whole log is $progress_log"
	fi
	say "$text: done in $((SECONDS - start)) s"
}

# open_logs NAME: make $logs an empty folder, for one run at a time of NAME in this clone.
open_logs() {
	logs=$cache/test/$clone-$1
	mkdir -p "$cache/test"
	exec 7>"$logs.lock"
	flock -n 7 || die "another $1 of this clone is running"
	rm -rf "$logs"
	mkdir -p "$logs"
	began=$SECONDS
}

# readme_driver: print the README's driver.
readme_driver() {
	# shellcheck disable=SC2016 # backquotes of Markdown
	sed -n '/^```c$/,/^```$/{/^```/!p}' "$top/README.md" | grep '' || die "README.md has no example driver"
}

# options_for KDIR: set the array `options` to what make needs to build modules for a kernel.
options_for() {
	configured() { grep -qs "^CONFIG_$1=y" "$kdir/.config"; }
	local kdir=$1
	options=()
	! configured UML || options+=(ARCH=um)
	! configured X86_32 || options+=(ARCH=i386)
	! configured ARM64 || options+=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
	! configured CC_IS_CLANG || options+=(LLVM=-19)
	command -v pahole >/dev/null || options+=(CONFIG_DEBUG_INFO_BTF_MODULES=)
}
