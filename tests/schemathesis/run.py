"""Runs schemathesis with all checks against the local system: `run.py EXAMPLES`, so many for every operation.

Starts target/debug/local on a free port with a small catalog, fresh dossiers and a folder of its own, and ends it again.
Exit status 1 where an answer breaks docs/openapi.json.
"""

import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PYTHON = pathlib.Path(os.environ.get("VENV", ROOT / ".venv/bin"))
BINARY = pathlib.Path(os.environ.get("LOCAL", ROOT / "target/debug/local"))
SLIPS = 3_000


def sample(folder):
    """The seed's catalog, and dossiers of today whose slips carry no secret part; returns their codes."""
    shutil.copytree(ROOT / "fuzz/seeds/catalog", folder / "catalog/seed")
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7))).date()
    codes = [f"000.01.40.H17-{today:%y%m%d}-{number:04}" for number in range(1, SLIPS + 1)]
    rows = ["code,secret,unit,officials,field,procedure,received,due,returned,status"]
    rows += [f"{code},,phuong-hai-chau,phuong-hai-chau-01:desk,ho-tich,,{today},{today},{today},returned" for code in codes]
    (folder / "dossiers").mkdir()
    (folder / "dossiers/seed.csv").write_text("\n".join(rows) + "\n")
    return codes


def main():
    examples = int(sys.argv[1])
    report = ROOT / "target/schemathesis"
    report.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="schemathesis-") as folder, open(report / "local.log", "w") as log:
        folder = pathlib.Path(folder)
        codes = sample(folder / "sample")
        local = subprocess.Popen(
            [BINARY, "--data", folder / "data", "--addr", "127.0.0.1:0", "--sample", "--sample-dir", folder / "sample"],
            stdout=subprocess.PIPE, stderr=log, text=True,
        )
        try:
            ready = local.stdout.readline().split()
            if ready[:1] != ["ready"]:
                sys.exit(f"the local system did not start; see {log.name}")
            address = ready[1]
            environment = os.environ | {
                "ADDRESS": address, "SLIPS": json.dumps(codes), "HOOKS": "hooks", "PYTHONPATH": str(HERE), "NO_COLOR": "1",
            }
            # The document the CDN serves is the one committed, and each operation is drawn so often in the fuzzing phase alone.
            command = [
                PYTHON / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run", ROOT / "docs/openapi.json", "--url", address,
                "--max-examples", str(examples), "--generation-deterministic", "--continue-on-failure",
                "--warnings", "off", "--suppress-health-check", "all",
                "--report", "ndjson", "--report-ndjson-path", report / "events.ndjson",
            ]
            status = subprocess.run(command, env=environment, cwd=HERE).returncode
            alive = local.poll() is None
        finally:
            local.send_signal(signal.SIGTERM)
            local.wait(timeout=60)
    if not alive:
        sys.exit(f"the local system ended under the requests; see {log.name}")
    panics = [line for line in open(report / "local.log") if "panicked" in line]
    if panics:
        sys.exit(f"{len(panics)} panics; see {log.name}")
    sys.exit(status)


if __name__ == "__main__":
    main()
