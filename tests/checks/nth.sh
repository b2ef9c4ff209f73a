#!/bin/sh
# The Nth write, sync or piece of memory fails, for every N, in the hottest operations; SHOPS are so
# many further ones, by seeds from FROM on, with all operations.
. "${0%/*}/lib.sh"
background
cd "$TOP_BUILDDIR"
make -s -j "$(jobs)" tests/faults/nth
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" orderd-nth.XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
from=${FROM:-1}
failed=0

tests/faults/nth || failed=1
for seed in $(seq "$from" $((from + ${SHOPS:-0} - 1))); do
	rm -rf "$TMPDIR"/orderd-nth.*
	echo "shop $seed"
	tests/faults/nth --seed "$seed" || failed=1
done
exit $failed
