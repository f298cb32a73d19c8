#!/usr/bin/env bash
# Runs libFuzzer on every target, or those named, FUZZ_SECONDS each: `fuzz/run.sh [TARGET…]`.
# What it learns stays in target/fuzz/corpus/, what breaks a promise in target/fuzz/broken/, the figures in
# target/fuzz/report.txt. Exit status 1 where a promise was broken.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
all=(gateway-event gateway-request stream-event bucket-event receipt-code identifier security-code workbook csv pages)
targets=("$@")
if ((${#targets[@]} == 0)); then
    targets=("${all[@]}")
fi

# Overflow checks and debug assertions stay on.
engine=$(RUSTC_WORKSPACE_WRAPPER="$PWD/fuzz/instrument.sh" CARGO_PROFILE_DEV_OPT_LEVEL=1 \
    cargo test --workspace --locked --test engine --features fuzz/engine --no-run --message-format json |
    grep '"kind":\["test"\]' | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')

out=target/fuzz
mkdir -p "$out/broken"
broken=0
for target in "${targets[@]}"; do
    mkdir -p "$out/corpus/$target"
    seeds=("fuzz/corpus/$target")
    case $target in
        gateway-event) events=(events/{submit,validate,issue,get}-*.json) ;;
        stream-event) events=(events/aggregate-*.json) ;;
        bucket-event) events=(events/import-*.json) ;;
        *) events=() ;;
    esac
    if ((${#events[@]})); then
        mkdir -p "$out/events/$target"
        cp "${events[@]}" "$out/events/$target/"
        seeds+=("$out/events/$target")
    fi
    log=$out/$target.log
    status=0
    RUST_BACKTRACE=0 FUZZ_TARGET=$target "$engine" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 -max_len=200000 \
        -dict=fuzz/dictionary.txt -artifact_prefix="$out/broken/$target-" -print_final_stats=1 \
        "$out/corpus/$target" "${seeds[@]}" >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
    coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
    verdict="no promise broken"
    if ((status != 0)); then
        broken=1
        verdict="BROKEN, see $log"
    fi
    line="$target: ${runs:-?} executions in $seconds s, ${coverage:-cov: ?} edges; $verdict"
    echo "$line"
    { [ ! -f "$out/report.txt" ] || grep -v "^$target: " "$out/report.txt" || true; echo "$line"; } >"$out/report.new"
    mv "$out/report.new" "$out/report.txt"
done
exit "$broken"
