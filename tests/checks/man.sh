#!/bin/sh
# mandoc finds nothing to remark in the manual pages, and every page of ours they point to exists.
. "${0%/*}/lib.sh"
need mandoc mandoc
failed=0

pages=$(find man -type f -name '*.[1-8]' | sort)
[ -n "$pages" ] || { echo "no manual page found"; exit 1; }
# Whether a foreign page is installed on this machine is not the page's fault.
# shellcheck disable=SC2086 # file names here have no spaces
said=$(mandoc -T lint -W style $pages 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db') || true
if [ -n "$said" ]; then
	printf '%s\n' "$said"
	failed=1
fi

for page in $pages; do
	sed -nE -e 's/^\.Xr ([^ ]+) ([1-8]).*/\1.\2/p' \
		-e 's/^\.BR ([^ ]+) \(([1-8])\).*/\1.\2/p' "$page" | sort -u | while read -r other; do
		case $other in
		*orderd* | orderctl* | stockd* | catalogd* | reaperd*)
			[ -f "man/$other" ] || echo "$page points to $other, which is not there"
			;;
		esac
	done
done | grep . && failed=1
exit $failed
