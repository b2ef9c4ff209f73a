#!/bin/sh
# systemd finds nothing to remark in the units, with the programs where the build left them.
. "${0%/*}/lib.sh"
need systemd-analyze systemd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for unit in systemd/*.service systemd/*.service.in systemd/*.socket systemd/*.target; do
	[ -f "$unit" ] || continue
	name=${unit#systemd/}
	sed -E "s,@sbindir@/([a-z]+),$TOP_BUILDDIR/daemons/\\1/\\1,g" "$unit" >"$work/${name%.in}"
done
[ -n "$(ls "$work")" ] || { echo "no unit found"; exit 1; }

SYSTEMD_UNIT_PATH="$work:" silent systemd-analyze verify --man=no "$work"/*
