# SPDX-License-Identifier: GPL-2.0-only
# Sourced by guest.sh and load.sh.
# shellcheck shell=dash
# shellcheck source=tests/lib.sh
. /root/lib.sh

mirror=$sysfs/mirror

# stat NAME [FILE]: print one of the mirror's statistics.
stat() { sed "s/.*\<$1 \([0-9]*\).*/\1/" "${2:-$mirror/stats}"; }

# legs STATE...: have the legs these states, "+" for attached, "-" for detached?
legs() { [ "$(sed 's/.* attached/+/; s/.* detached/-/' $mirror/legs | xargs)" = "$*" ]; }

# identity: is submitted the sum of completed, failed, cancelled and outstanding, in the mirror and all devices?
identity() {
	cat $mirror/stats >/tmp/stats
	[ "$(stat submitted /tmp/stats)" -eq $(($(stat completed /tmp/stats) + $(stat failed /tmp/stats) + \
		$(stat cancelled /tmp/stats) + $(stat outstanding /tmp/stats))) ] || { cat /tmp/stats; return 1; }
	for node in /dev/sim_dev*_ctl; do
		awk -F ': ' '{ n[$1] = $2 }
			END { exit n["submitted"] != n["completed"] + n["failed"] + n["cancelled"] + n["outstanding"] }' "$node" ||
			return
	done
}
