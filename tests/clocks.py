#!/usr/bin/env python3
"""Runs the tests that ask what day it is at hours and days on which dates go wrong, under libfaketime.

Asia/Ho_Chi_Minh is seven hours ahead of UTC, so a day turns there at 17:00 UTC. The test binary that `make test-rust`
built is run again, with another clock each time; only the calendar is moved, timers run as ever.
"""

import argparse
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# UTC, and what is about to happen in Việt Nam or in Greenwich.
MOMENTS = [
    ("2026-11-26 16:59:00", "an evening, before the day turns in Việt Nam"),
    ("2026-11-26 17:01:00", "the day has turned in Việt Nam only"),
    ("2026-11-26 23:59:00", "before the day turns in Greenwich"),
    ("2026-11-30 16:57:00", "the last hour of a month"),
    ("2026-12-31 16:57:00", "the last hour of a month, a quarter and a year"),
    ("2026-12-31 17:01:00", "a new year in Việt Nam only"),
    ("2027-03-31 23:57:00", "a new quarter in Việt Nam only"),
    ("2028-02-29 05:00:00", "29 February"),
    ("2028-02-29 17:01:00", "29 February in Greenwich only"),
]

# What expires, is kept apart by month or quarter, closed, voided or forgotten by the day.
SHORT = [
    "submit::unknown_used_expired",
    "submit::a_phone_rates_once",
    "submit::a_passer_by_rates",
    "submit::a_suggestion_is_kept",
    "submit::a_retry_of",
    "submit::a_receipt_of_an_earlier_version",
    "validate::",
    "void::an_approval_means",
    "void::a_void_file_does_not_tell",
    "void::a_month_is_sealed",
    "recount::a_month_that_is_over",
    "recount::fewer_than_k",
    "erase::",
]
LONG = ["submit::", "validate::", "void::", "recount::", "count::", "publish::", "reconcile::", "erase::", "statistics::", "import::"]


def integration_tests():
    """The path of the integration tests' binary, built if it is not."""
    command = ["cargo", "test", "--workspace", "--locked", "--no-run"]
    built = subprocess.run(
        [*command, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message.get("target", {}).get("name") == "integration":
            return message["executable"]
    sys.exit("cargo names no integration tests")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="all tests that ask for the day")
    arguments = parser.parse_args()
    tests = integration_tests()
    filters = LONG if arguments.long else SHORT
    # Without it timers, which wait by the monotonic clock, would be given the wrong time to wait for.
    environment = dict(os.environ, TZ="UTC", FAKETIME_DONT_FAKE_MONOTONIC="1", NO_FAKE_STAT="1")
    failed = []
    for moment, what in MOMENTS:
        begun = time.monotonic()
        command = ["faketime", "-f", f"@{moment}", tests, "--skip", "browser::", *filters]
        run = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        results = [line for line in run.stdout.splitlines() if line.startswith("test result:")]
        # A filter that names nothing must not pass for a test.
        is_good = run.returncode == 0 and results and " 0 passed" not in results[-1]
        print(f"{moment} UTC, {what}: {results[-1] if results else 'no result'} ({time.monotonic() - begun:.0f} s)", flush=True)
        if not is_good:
            failed.append(moment)
            print(run.stdout[-20_000:])
    if failed:
        sys.exit(f"failed at {', '.join(failed)}")


if __name__ == "__main__":
    main()
