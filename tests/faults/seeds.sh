#!/bin/sh
# Runs the simulator over SIM_SEEDS seeds (2,000 unless set) from SIM_FROM on (1), in as many
# processes as the machine has processors, and over the seeds of the corpus. From 1,000 seeds in a
# process on, every error and every compensation must have been seen.
set -eu
sim=${TOP_BUILDDIR:?is set by the makefile}/tests/faults/sim
seeds=${SIM_SEEDS:-2000}
from=${SIM_FROM:-1}
jobs=$(nproc 2>/dev/null || echo 2)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
share=$(((seeds + jobs - 1) / jobs))
cover=
[ "$share" -lt 1000 ] || cover=--cover
running=
for job in $(seq 1 "$jobs"); do
	# shellcheck disable=SC2086 # an option or none
	"$sim" --from $((from + (job - 1) * share)) --seeds "$share" $cover >"$work/$job" 2>&1 &
	running="$running $!"
done
failed=0
for pid in $running; do
	wait "$pid" || failed=1
done
for job in $(seq 1 "$jobs"); do
	cat "$work/$job"
done
awk '/^[0-9]+ seeds, / { seeds += $1; ticks += $3; orders += $9 }
	END { printf "covered: simulator: %d seeds, %d ticks, %d orders\n", seeds, ticks, orders }' "$work"/[0-9]*
corpus=$(sed -n 's/^\([0-9][0-9]*\) .*/\1/p' "${TOP_SRCDIR:?is set by the makefile}/tests/faults/corpus")
for seed in $corpus; do
	"$sim" --seed "$seed" >"$work/seed" 2>&1 || {
		failed=1
		cat "$work/seed"
	}
done
exit $failed
