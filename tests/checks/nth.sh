#!/bin/sh
# The Nth write, sync or piece of memory fails, for every N, in the hottest operations.
. "${0%/*}/lib.sh"
background
cd "$TOP_BUILDDIR"
make -s -j "$(jobs)" tests/faults/nth
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" orderd-nth.XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
tests/faults/nth
