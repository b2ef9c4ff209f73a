#!/bin/sh
# The tests pass under AddressSanitizer (leaks included) and UndefinedBehaviorSanitizer. A report of
# any process counts, also of a daemon that a test started and whose exit nobody looked at.
. "${0%/*}/lib.sh"
configure_sanitized
rm -rf reports
mkdir reports
ASAN_OPTIONS="log_path=$PWD/reports/report:detect_stack_use_after_return=1:strict_string_checks=1"
UBSAN_OPTIONS="log_path=$PWD/reports/report:print_stacktrace=1"
SIM_SEEDS=300
export ASAN_OPTIONS UBSAN_OPTIONS SIM_SEEDS
failed=0
make -s -j "$(jobs)" all
# shellcheck disable=SC2016 # make expands it
make -s -j "$(($(jobs) + 1))" check VERBOSE=yes TESTS='$(sanitized_tests)' || failed=1
for report in reports/*; do
	[ -f "$report" ] || continue
	echo "== ${report#reports/}"
	head -n 60 "$report"
	failed=1
done
exit $failed
