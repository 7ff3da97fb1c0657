#!/usr/bin/env bash
# Instructions of three kernel runs, inside the kernels alone, against the numbers kept in instructions.txt: times are
# noisy, these are not. `benches/instructions.sh --keep` stores what was counted.
set -euo pipefail
cd "$(dirname "$0")/.."

kept=benches/instructions.txt
tolerance_percent=5
export RAYON_NUM_THREADS=1
cargo build --quiet --workspace --exclude voilage-python
counted=$(mktemp)
trap 'rm -f "$counted" "$counted".callgrind' EXIT
for number in 0 1 2; do
    valgrind --tool=callgrind --callgrind-out-file="$counted.callgrind" --toggle-collect='*Run*bounded*' \
        target/debug/kernel_once "$number" 2>&1 | awk -v run="$number" '/Collected/ { print run, $NF }' >>"$counted"
done
if [ "${1:-}" = --keep ]; then
    cp "$counted" "$kept"
    cat "$kept"
    exit 0
fi
paste -d' ' "$kept" "$counted" | awk -v most="$tolerance_percent" '
    { change = 100 * ($4 - $2) / $2; printf "run %s: %.1f M instructions, %+.1f%%\n", $1, $4 / 1e6, change
      if (change > most) { slower = 1 } }
    END { if (slower) { print "slower than kept: find out why, or keep it with --keep" > "/dev/stderr"; exit 1 } }'
