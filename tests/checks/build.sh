#!/bin/sh
# gcc builds everything with AddressSanitizer and UndefinedBehaviorSanitizer without a warning; what
# sanitized.sh and fuzz.sh run.
. "${0%/*}/lib.sh"
background
configure_sanitized
# shellcheck disable=SC2086 # several words
make -s -j "$(jobs)" all tests/unit/units tests/unit/tool_units tests/faults/sim \
	tests/system/client_c $fuzz_targets
