#!/bin/sh
# The daemons of a real suite killed at every failpoint (tests/faults/README.md). FAILPOINTS holds
# further options of tests/faults/matrix.py.
. "${0%/*}/lib.sh"
"$PYTHON3" -c 'import zmq, msgpack' 2>/dev/null || {
	echo "skipped: $PYTHON3 has no zmq or msgpack (Debian: python3-zmq, python3-msgpack)"
	exit 77
}
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" orderd-failpoints.XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
# shellcheck disable=SC2086 # several words
PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 "$PYTHON3" tests/faults/matrix.py ${FAILPOINTS:-}
