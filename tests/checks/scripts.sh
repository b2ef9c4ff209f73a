#!/bin/sh
# No remark of shellcheck on any script, whatever its name is.
. "${0%/*}/lib.sh"
need shellcheck shellcheck

scripts=$(find bootstrap .ci completion tests tools packaging bench -type f 2>/dev/null | sort | while read -r path; do
	case $(head -n 1 "$path" | tr -d '\0') in
	'#!'*/sh | '#!'*/sh\ * | '#!'*bash* | '#!'*bats | '# shellcheck shell='*) echo "$path" ;;
	esac
done)
# shellcheck disable=SC2086 # file names here have no spaces
shellcheck -x -P SCRIPTDIR $scripts
