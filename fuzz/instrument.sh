#!/usr/bin/env bash
# Stands before rustc for the packages of this workspace: has libFuzzer see which of their branches an input takes.
# The flags are those of `cargo fuzz --sanitizer none`, which stable Rust takes.
set -euo pipefail
rustc=$1
shift
case " $* " in
    *" --crate-name build_script_build "* | *" --crate-type proc-macro "*) exec "$rustc" "$@" ;;
esac
exec "$rustc" "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
