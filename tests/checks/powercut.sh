#!/bin/sh
# Power cuts (tests/faults/README.md): records the daemons at work, then tries STATES states that a
# cut may have left. A recording whose syncs are forgotten has to fail. RECORDINGS and REQUESTS
# say how much is recorded, FROM with which seed it begins.
. "${0%/*}/lib.sh"
"$PYTHON3" -c 'import zmq, msgpack' 2>/dev/null || {
	echo "skipped: $PYTHON3 has no zmq or msgpack (Debian: python3-zmq, python3-msgpack)"
	exit 77
}
background
states=${STATES:-100000}
recordings=${RECORDINGS:-16}
from=${FROM:-1}
cd "$TOP_BUILDDIR"
make -s -j "$(jobs)" tests/faults/record.la tests/faults/powercut
RECORDER=$PWD/tests/faults/.libs/record.so
export RECORDER
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" orderd-powercut.XXXXXX)
trap 'rm -rf "$TMPDIR"' EXIT
failed=0
tried=0

for seed in $(seq "$from" $((from + recordings - 1))); do
	recording=powercut-recordings/$seed
	env -u TMPDIR PYTHONDONTWRITEBYTECODE=1 "$PYTHON3" "$TOP_SRCDIR/tests/faults/load.py" \
		"$recording" "$seed" "${REQUESTS:-100}"
	TMPDIR=$TMPDIR tests/faults/powercut "$recording" --states $((states / recordings)) \
		--seed "$seed" --jobs "$(jobs)" >"$TMPDIR/said" || failed=1
	cat "$TMPDIR/said"
	different=$(sed -n 's/.* \([0-9]*\) different states .*/\1/p' "$TMPDIR/said")
	tried=$((tried + ${different:-0}))
done
echo "covered: power cuts: $tried different states of $recordings recordings"

for what in sync meta; do
	if TMPDIR=$TMPDIR tests/faults/powercut "powercut-recordings/$from" --states 500 \
		--forget $what >powercut-recordings/forgotten.log 2>&1; then
		echo "no $what was made and nobody noticed"
		failed=1
	else
		echo "without $what: found ($(grep -c 'FAILED:' powercut-recordings/forgotten.log) of the first states)"
	fi
done
exit $failed
