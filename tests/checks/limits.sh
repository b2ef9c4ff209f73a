#!/bin/sh
# No function over 70 lines, no file over 500, nothing left undone by its own words.
. "${0%/*}/lib.sh"
need ctags universal-ctags
failed=0

# shellcheck disable=SC2046 # file names here have no spaces
ctags -x --c-kinds=f --_xformat='%{end} %n %N %F' $(c_files) >/dev/null 2>&1 ||
	{ echo "skipped: this ctags is no Universal Ctags (Debian: universal-ctags)"; exit 77; }
# shellcheck disable=SC2046
ctags -x --c-kinds=f --_xformat='%{end} %n %N %F' $(c_files) | awk '
	{ functions++; lines = $1 - $2 + 1 }
	lines > 70 { print $4 ":" $2 ": " $3 " has " lines " lines, 70 are allowed"; bad = 1 }
	END { if (!functions) { print "ctags found no function"; bad = 1 } exit bad }
' || failed=1

# shellcheck disable=SC2046
wc -l $(c_files) | awk '
	$2 != "total" && $1 > 500 { print $2 ": " $1 " lines, 500 are allowed"; bad = 1 }
	END { exit bad }
' || failed=1

# The pattern is written so that it does not find itself.
scripts=$(find bootstrap Makefile.am configure.ac .ci tools tests systemd man -type f \
	! -name '*.[ch]' 2>/dev/null)
# shellcheck disable=SC2046,SC2086
if grep -HnE '\b(TO[D]O|FIX[M]E|XX[X])\b|not [i]mplemented' $(c_files) $scripts; then
	failed=1
fi
exit $failed
