# SPDX-License-Identifier: GPL-2.0-only
# Packages of Debian's archive, unpacked into the cache and never installed. Sourced by
# scripts that need it, after lib.sh.
# shellcheck shell=bash disable=SC2154 # lib.sh sets the variables

# archive: print the address of the Debian archive that the system's apt uses.
archive() {
	local uri
	# shellcheck disable=SC2016 # apt's own variables
	uri=$(apt-get indextargets --format '$(CREATED_BY) $(ORIGIN) $(COMPONENT) $(RELEASE) $(REPO_URI)' |
		awk '$1 == "Packages" && $2 == "Debian" && $3 == "main" && $4 !~ /-/ { print $5; exit }')
	[ -n "$uri" ] || die "apt knows no Debian archive; run apt-get update as root first"
	echo "$uri"
}

# apt_for SUITE: set the array `apt` to options that make apt use a folder of the cache, with one
# suite of that archive.
apt_for() {
	local suite=$1 dir=$cache/apt/$1 uri keys said
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	if [ -e $keys ]; then keys="[signed-by=$keys] "; else keys=; fi
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	exec 8>"$dir/lock"
	flock 8
	apt=(-qq "-oDir::Etc::SourceList=$dir/sources.list" -oDir::Etc::SourceParts=/dev/null
		-oDir::Etc::PreferencesParts=/dev/null "-oDir::State::Lists=$dir/lists"
		"-oDir::Cache=$dir/cache" -oAPT::Sandbox::User=root -oAcquire::Retries=3)
	[ ! -e "$dir/updated" ] || [ -n "$(find "$dir/updated" -mmin +60)" ] || return 0
	uri=$(archive)
	printf 'deb %s%s %s main\n' "$keys" "$uri" "$suite" >"$dir/sources.list"
	say "asking the archive for $suite"
	# Without --error-on=any, apt-get update succeeds although the archive cannot be reached.
	said=$(apt-get "${apt[@]}" --error-on=any update 2>&1) ||
		die "the archive does not answer for $suite: $(head -n 1 <<<"$said")"
	touch "$dir/updated"
}

# dependency PACKAGE PATTERN: print the dependency of PACKAGE whose name matches.
dependency() {
	apt-cache "${apt[@]}" depends "$1" | awk -v p="$2" '$1 == "Depends:" && $2 ~ p { print $2; exit }'
}

# fetch DIR PACKAGE...: download and unpack packages into DIR.
fetch() {
	local dir=$1 debs
	shift
	debs=$dir/debs
	mkdir -p "$debs"
	(cd "$debs" && with_progress "fetching $*" apt-get "${apt[@]}" download "$@") || exit
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir" || die "cannot unpack $(basename "$deb"); is the disk full?"
	done
	rm -r "$debs"
}
