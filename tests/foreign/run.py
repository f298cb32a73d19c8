"""Deploys the template into an emulator of AWS that is not ours, and checks there what is promised of a deployment.

    .venv/foreign/bin/python tests/foreign/run.py [--functions FOLDER] [--verify FILE] [--long]

The functions are x86-64 executables, the unoptimised ones of the tests unless a folder is named. The short form takes a
small catalog; the long form takes the whole sample and stops the emulator in the middle as well. Prints one line for each
check; exit status 1 where one fails. The emulator listens on loopback only and is ended with the run.
"""

import argparse
import pathlib
import sys
import time
import traceback

import checks
from citizen import Citizen
from deployment import ROOT, Deployment
from emulator import Emulator

CHECKS = [
    checks.the_api_answers_nobody_without_the_secret_of_the_cdn,
    checks.a_rating_lives_its_life,
    checks.sixteen_opinions_on_one_receipt_are_one_rating,
    checks.sixteen_retries_of_one_attempt_get_one_tracker,
    checks.sixteen_receipts_at_once_are_sixteen_ratings,
    checks.everything_is_counted_once,
    checks.eight_aggregators_on_one_batch_count_it_once,
    checks.two_publishers_leave_one_site,
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=pathlib.Path, default=ROOT / "target/debug")
    parser.add_argument("--verify", type=pathlib.Path, default=ROOT / "target/debug/verify")
    parser.add_argument("--long", action="store_true")
    arguments = parser.parse_args()
    folder = ROOT / "target/foreign"
    folder.mkdir(parents=True, exist_ok=True)
    catalog = ROOT / ("sample/catalog/da-nang" if arguments.long else "fuzz/seeds/catalog")
    failed = 0

    def check(name, run):
        nonlocal failed
        begun = time.monotonic()
        try:
            told = run() or ""
        except Exception as error:  # A failed check does not keep the others from running.
            failed += 1
            traceback.print_exc(file=log)
            told = f"FAILED: {str(error)[:600]}"
        print(f"{time.monotonic() - begun:6.1f} s  {name} {told}".rstrip(), flush=True)
        return not told.startswith("FAILED")

    with open(folder / "emulator.log", "w", encoding="utf-8") as log, Emulator(log) as emulator:
        deployed = Deployment(emulator, arguments.functions)
        if check("the template is deployed", deployed.create):
            office = checks.Office(deployed, Citizen(deployed), catalog)
            if check("catalog and dossiers are imported, pages published", office.open):
                for run in CHECKS + ([checks.a_frozen_emulator_loses_no_answer_it_gave] if arguments.long else []):
                    check(run.__name__.replace("_", " "), lambda run=run: run(office))
                check("every published object comes through the CDN and can be recounted",
                      lambda: checks.every_published_object_comes_through_the_cdn_and_can_be_recounted(office, arguments.verify))
                for run in (checks.no_log_line_holds_a_receipt_or_a_fault, checks.nothing_was_given_up):
                    check(run.__name__.replace("_", " "), lambda run=run: run(office))
    if failed:
        sys.exit(f"{failed} checks failed; see {folder / 'emulator.log'}")


if __name__ == "__main__":
    main()
