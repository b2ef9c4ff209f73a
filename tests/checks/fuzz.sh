#!/bin/sh
# Every fuzz target under AddressSanitizer and UndefinedBehaviorSanitizer: the corpus, then 10
# million frames for the decoder, half a million for the handlers and some thousand files, made
# from a seed. A failure prints the line that replays it.
. "${0%/*}/lib.sh"
configure_sanitized
export ASAN_OPTIONS=detect_stack_use_after_return=0
make -s -j "$(jobs)" tests/fuzz/fuzz_frames tests/fuzz/fuzz_handlers tests/fuzz/fuzz_settings \
	tests/fuzz/fuzz_sheet
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

half 1 &
first=$!
failed=0
half 2 || failed=1
wait "$first" || failed=1
[ $failed = 0 ] && echo "fuzzing: nothing found"
exit $failed
