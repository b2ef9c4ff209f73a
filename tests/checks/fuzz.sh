#!/bin/sh
# Every fuzz target under AddressSanitizer and UndefinedBehaviorSanitizer: the corpus, then 10
# million frames for the decoder, half a million for the handlers and some thousand files, made
# from a seed. A failure prints the line that replays it.
. "${0%/*}/lib.sh"
background
configure_sanitized
export ASAN_OPTIONS=detect_stack_use_after_return=0:quarantine_size_mb=16
# shellcheck disable=SC2086 # several words
make -s -j "$(jobs)" $fuzz_targets
corpus=$TOP_SRCDIR/tests/fuzz/corpus

# half SEED: what one processor does.
half()
{
	status=0
	tests/fuzz/fuzz_handlers --seed "$1" --rounds 1000 "$corpus/fuzz_handlers" || status=1
	tests/fuzz/fuzz_frames --seed "$1" --rounds 5000000 "$corpus/fuzz_frames" || status=1
	tests/fuzz/fuzz_settings --seed "$1" --rounds 1500 "$corpus/fuzz_settings" || status=1
	tests/fuzz/fuzz_sheet --seed "$1" --rounds 3000 "$corpus/fuzz_sheet" || status=1
	return $status
}

failed=0
half 1 >half-1.log 2>&1 &
first=$!
half 2 >half-2.log 2>&1 || failed=1
wait "$first" || failed=1
cat half-1.log half-2.log
awk -F': ' '/: ok$/ { sum[$1] += $3 }
	END { printf "covered: fuzzing: %d frames for the decoder, %d for the handlers, %d settings, %d tables\n",
		sum["fuzz_frames"], sum["fuzz_handlers"], sum["fuzz_settings"], sum["fuzz_sheet"] }' \
	half-1.log half-2.log
exit $failed
