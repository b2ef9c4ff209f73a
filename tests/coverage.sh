#!/bin/sh
# Runs all tests in a build that counts lines, prints the lines covered of daemons/ and common/ and
# fails below the bound.
. "${0%/*}/checks/lib.sh"
need gcovr gcovr
bound_percent=90
unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL
configure_in coverage --enable-coverage --disable-shared --enable-static
find . -name '*.gcda' -delete
make -s -j "$(jobs)" all
make -s -j "$(jobs)" check
gcovr --root "$TOP_SRCDIR" --object-directory . --filter "$TOP_SRCDIR/daemons/" \
	--filter "$TOP_SRCDIR/common/" --print-summary --fail-under-line "$bound_percent" .
