#!/bin/sh
# Each seeded bug of tests/faults/mutants/ still applies and names the test that catches it; that
# it does is seen by `make mutants`.
. "${0%/*}/lib.sh"
need patch patch
failed=0

for path in tests/faults/mutants/*.patch; do
	if ! grep -q '^Caught-by: ' "$path"; then
		echo "$path does not say what catches it"
		failed=1
	fi
	if ! patch -s -f -F0 -p1 --dry-run <"$path" >/dev/null 2>&1; then
		echo "$path does not apply any more: make this bug, or another like it, anew"
		failed=1
	fi
done
echo "covered: seeded bugs: $(find tests/faults/mutants -name '*.patch' | wc -l) apply (make mutants shows each one caught)"
exit $failed
