#!/bin/sh
# systemd finds nothing to remark in the units, with the programs where the build left them, and no
# service is more exposed than 0.6 of 10.
. "${0%/*}/lib.sh"
need systemd-analyze systemd
exposure_max=6 # tenths
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

cp systemd/*.socket systemd/*.target "$work"
for unit in "$TOP_BUILDDIR"/systemd/*.service; do
	sed -E -e "s,^(ExecStart=)[^ ]*/([a-z]+d)( |\$),\\1$TOP_BUILDDIR/daemons/\\2/\\2\\3,g" \
		-e "s,^(ExecStart=-).*/orderctl,\\1$TOP_BUILDDIR/tools/orderctl," "$unit" >"$work/${unit##*/}"
done
export SYSTEMD_UNIT_PATH="$work:"
silent systemd-analyze verify --man=no "$work"/* || failed=1

for service in "$work"/*.service; do
	name=$(basename "$service" .service)
	if [ ! -f "$work/${name%@}.socket" ]; then
		echo "$name.service has no socket unit"
		failed=1
	fi
	if grep -E '@[a-z]+@' "$service"; then
		echo "$name.service: a placeholder was left"
		failed=1
	fi
	if ! systemd-analyze security --no-pager --offline=true --threshold=$exposure_max "$service" \
		>"$work/report" 2>&1; then
		echo "$name.service is exposed by more than 0.$exposure_max:"
		grep -E '^-' "$work/report"
		failed=1
	fi
done
exit $failed
