# SPDX-License-Identifier: GPL-2.0-only
# Sourced by all scripts of the host.
# shellcheck shell=bash disable=SC2034 # others use the variables

# A command that fails inside $(...) ends the script, as one outside does.
shopt -s inherit_errexit

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${IOTIMER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/iotimer}
me=$(basename "$0")
# Marks what belongs to this clone in the cache, which all clones share.
clone=$(sha256sum <<<"$top" | cut -c 1-8)

# make passes its job server on in MAKEFLAGS. A make that a script starts cannot reach it, and would
# warn, which would count as a warning of the compiler. So the options for jobs are removed.
[ -z "${MAKEFLAGS:-}" ] ||
	MAKEFLAGS=$(sed -E ':a; s/^((.* )?)(-j[0-9]*|--jobserver-(auth|fds)=[^ ]*)( |$)/\1/; ta' <<<"$MAKEFLAGS")

# say TEXT: report progress, on stderr, since stdout is for results.
say() { printf '%s: %s\n' "$me" "$*" >&2; }

# die TEXT: say what to do, and exit with status 2: "could not run".
die() { say "error: $*"; exit 2; }

# kbuild builds in the cache, and its makefiles do not take such names.
[[ $cache != *[[:space:]:]* ]] || die "no kernel builds in $cache: set IOTIMER_CACHE to a folder without a space or colon"

# usage: print the comment at the top of the calling script.
usage() { sed -n '3,/^$/{/^#/s/^# \{0,1\}//p}' "$0"; }

# with_progress TEXT COMMAND...: run a command with its output in $progress_log, and say every 15
# seconds how far it is.
with_progress() {
	local text=$1 start=$SECONDS status=0 pid
	shift
	mkdir -p "$cache/log/$clone"
	progress_log=$cache/log/$clone/$(tr -c 'a-zA-Z0-9._-' '-' <<<"${text::200}" | sed 's/-*$//').log
	say "$text ..."
	"$@" >"$progress_log" 2>&1 &
	pid=$!
	# When this script is ended, end the command too: it holds the caller's locks.
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

# open_logs NAME: make $logs an empty folder. Fails while another run of NAME in this clone has it.
open_logs() {
	logs=$cache/test/$clone-$1
	mkdir -p "$cache/test"
	exec 7>"$logs.lock"
	flock -n 7 || die "another $1 of this clone is running"
	rm -rf "$logs"
	mkdir -p "$logs"
	began=$SECONDS
}

# readme_driver: print the example driver in README.md.
readme_driver() {
	# shellcheck disable=SC2016 # backquotes of Markdown
	sed -n '/^```c$/,/^```$/{/^```/!p}' "$top/README.md" | grep '' || die "README.md has no example driver"
}

# options_for KDIR: set the array `options` to the make options that modules for this kernel need.
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
