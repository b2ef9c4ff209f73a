#!/bin/sh
# Every file of the tree that is built, installed or run stands in Makefile.am.
. "${0%/*}/lib.sh"
words=$(mktemp)
trap 'rm -f "$words"' EXIT
grep -oE '[^[:space:]\\]+' Makefile.am >"$words"
failed=0

for path in $(find include common completion daemons tools man systemd data tests packaging bench -type f \
	! -name '*.pyc' ! -name '.*' ! -path 'tests/fuzz/corpus/*' 2>/dev/null | sort); do
	case $path in
	tests/unit/test_*.c) word=${path%.c} ;;
	*.in) word=${path%.in} ;;
	*) word=$path ;;
	esac
	if ! grep -qxF -e "$word" -e "$path" "$words"; then
		echo "$path is in no list of Makefile.am"
		failed=1
	fi
done
exit $failed
