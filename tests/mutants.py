"""Mutation tests with cargo-mutants: `mutants.py domain [FILE…] [--OPTION=…]`, or `protocol`, or `submit`, files below src/.

`domain` is built alone, with its own unit tests: it leans on nothing else of the project, so a mutant takes seconds.
`protocol`, what saves and counts, is built with what it leans on and tried on simulated tables, which fail as they please.
`submit`, what a posted form meets before that, is tried through the doors of the whole local system.
Several at once: give each its `--shard=0/4`, `--shard=1/4` and so on. Results are in target/mutants/<which>/mutants.out/, of
shards in target/mutants/<which>-<shard>/mutants.out/; exit status as of cargo-mutants.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Cases of each property: fewer than `make test` tries, so that a figure of caught mutants errs on the low side.
CASES = "100"
# What is slow and has nothing to say about other files.
SLOW = {"publication": ["src/domain/publication"], "tally::tests": ["src/domain/tally", "src/domain/rating.rs"]}
# Test arithmetic, not the product.
TESTS = ["src/domain/arbitrary.rs", "src/domain/publication/attack.rs", "src/domain/**/tests.rs"]

PROTOCOL = ["src/store/count.rs", "src/store/submit.rs", "src/store/transaction.rs", "src/handlers/aggregate_ratings.rs"]
# A mutant that survives the small worlds would hide among many ratings too.
PROTOCOL_SKIPS = ["many_ratings_are_counted", "a_weaker_protocol_is_caught", "domain"]

# What the protocol is built with; its log lines need no more of the log.
PROTOCOL_SOURCES = ["challenge", "domain", "store", "config", "keyring", "metric", "handlers/aggregate_ratings"]
PROTOCOL_LIB = """//! The protocol alone.
pub mod challenge;
pub mod config;
pub mod domain;
pub mod handlers {
    pub mod aggregate_ratings;
}
pub mod keyring;
pub mod log {
    pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
        format!("{error:?}")
    }
}
pub mod metric;
pub mod store;
"""

SUBMIT = ["src/handlers/answer.rs", "src/intake/rating.rs", "src/intake/rating/form.rs", "src/intake/receipt.rs", "src/intake/security_code.rs"]
# What posts ratings, and the dependencies only other tests need.
SUBMIT_TESTS = ["check", "erase", "submit", "validate", "faults", "races"]
SUBMIT_SPARED = ["invoke", "saphyr", "stateright", "thirtyfour", "toml", "verify"]


def run(folder, arguments, files, tests):
    command = ["cargo", "mutants", "--no-shuffle", "--colors", "never", *arguments]
    command += [argument for argument in files if argument.startswith("-")]
    for file in files:
        if not file.startswith("-"):
            command += ["--file", file]
    for file in TESTS:
        command += ["--exclude", file]
    environment = {"PROPTEST_CASES": CASES, **os.environ}
    return subprocess.run([*command, "--", *tests], cwd=folder, env=environment).returncode


def place(which, arguments):
    """The folder that is mutated, one for each shard."""
    shards = [argument.removeprefix("--shard=").split("/")[0] for argument in arguments if argument.startswith("--shard=")]
    return ROOT / "target/mutants" / "-".join([which, *shards])


def manifest(name, *sources):
    """A package of these sources alone, with the dependencies of the project that they name."""
    text = "\n".join(file.read_text() for source in sources for file in source.rglob("*.rs"))
    listed = (ROOT / "Cargo.toml").read_text()

    def used(section):
        lines = listed.split(f"[{section}]\n")[1].split("\n[")[0].splitlines()
        named = [(line.split(" = ")[0], line) for line in lines if re.match(r"[\w-]+ = ", line) and "path = " not in line]
        crates = {name: {"dynoxide-rs": "dynoxide"}.get(name, name).replace("-", "_") for name, _ in named}
        # Named nowhere: the conversion of a stream's values is a feature of it.
        wanted = ["serde_dynamo"] if "aws_lambda_events::" in text else []
        found = [(name, line) for name, line in named if name in wanted or re.search(rf"(?<![\w:]){crates[name]}::", text)]
        return [line.replace(", optional = true", "") for _, line in found]

    dependencies, development = used("dependencies"), [line for line in used("dev-dependencies") if not line.startswith("tokio")]
    return "\n".join([
        f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2024"\npublish = false\n\n[workspace]\n\n[dependencies]', *dependencies,
        "\n[dev-dependencies]", *development,
        "" if name == "domain" else 'local = { path = "local" }\ntokio = { version = "1", features = ["net", "rt-multi-thread", "sync", "test-util"] }',
        '\n[profile.dev]\ndebug = 0\n\n[profile.dev.package."*"]\nopt-level = 1\n',
    ])


def domain(files):
    folder = place("domain", files)
    shutil.rmtree(folder / "src", ignore_errors=True)
    shutil.copytree(ROOT / "src/domain", folder / "src/domain")
    shutil.copy(ROOT / "src/domain.rs", folder / "src/domain.rs")
    (folder / "src/lib.rs").write_text("//! The domain alone.\npub mod domain;\n")
    (folder / "docs").mkdir(exist_ok=True)
    shutil.copy(ROOT / "docs/catalog.md", folder / "docs/catalog.md")
    shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")
    (folder / "Cargo.toml").write_text(manifest("domain", folder / "src"))
    concerned = lambda paths: not any(file.startswith("src/") for file in files) or any(file.startswith(path) for path in paths for file in files)
    skipped = [part for test, paths in SLOW.items() if not concerned(paths) for part in ("--skip", test)]
    files = files if any(file.startswith("src/") for file in files) else [*files, "src/domain/**/*.rs"]
    return run(folder, ["--in-place", "--output", "."], files, ["--lib", "--", *skipped])


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def protocol(files):
    folder = place("protocol", files)
    for name in ["src", "tests", "local", "templates"]:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in PROTOCOL_SOURCES:
        for source in [ROOT / "src" / name, ROOT / "src" / f"{name}.rs"]:
            if source.exists():
                copy(source, folder / source.relative_to(ROOT))
    (folder / "src/lib.rs").write_text(PROTOCOL_LIB)
    copy(ROOT / "templates/static/audio", folder / "templates/static/audio")
    # The simulated tables are held against the embedded engine, which leans on nothing of the project.
    for name in ["dynamo.rs", "dynamo"]:
        copy(ROOT / "infra/local/src" / name, folder / "local/src" / name)
    (folder / "local/src/lib.rs").write_text(
        "pub mod dynamo;\npub mod error {\n    pub type BoxError = Box<dyn std::error::Error + Send + Sync>;\n}\n"
    )
    listed = (ROOT / "infra/local/Cargo.toml").read_text()
    wanted = [
        "aws-sdk-dynamodb", "aws-smithy-runtime-api", "aws-smithy-types", "dynoxide-rs", "jiff", "rusqlite", "serde", "serde_json",
        "tokio", "tracing",
    ]
    lines = [line for line in listed.split("[dev-dependencies]")[0].splitlines() if line.split(" = ")[0] in wanted]
    (folder / "local/Cargo.toml").write_text(
        '[package]\nname = "local"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\n' + "\n".join(lines) + "\n"
    )
    tests = folder / "tests/protocol"
    for name in ["exactness.rs", "exactness", "faults/plan.rs", "faults/wire.rs", "metrics.rs"]:
        copy(ROOT / "tests/integration" / name, tests / name)
    (tests / "faults.rs").write_text("pub(crate) mod plan;\npub(crate) mod wire;\n")
    (tests / "main.rs").write_text("mod exactness;\nmod faults;\nmod metrics;\n")
    for name in ["docs/catalog.md", "tests/js/fixtures/solved.json"]:
        copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")
    (folder / "Cargo.toml").write_text(manifest("thuocdo", folder / "src", folder / "tests"))
    skips = [part for test in PROTOCOL_SKIPS for part in ("--skip", test)]
    return run(folder, ["--in-place", "--output", "."], files if any(file.startswith("src/") for file in files) else [*files, *PROTOCOL], ["--", *skips])


def submit(files):
    folder = place("submit", files)
    for name in ["src", "tests", "infra", "templates", "locales", "docs", "events"]:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ["src", "infra/local", "templates", "locales", "docs", "events", "build.rs", "Cargo.lock", "tests/js/fixtures"]:
        copy(ROOT / name, folder / name)
    for name in ["support.rs", "fixture.rs", "metrics.rs", "faults", *(f"{test}.rs" for test in SUBMIT_TESTS)]:
        copy(ROOT / "tests/integration" / name, folder / "tests/integration" / name)
    (folder / "tests/integration/main.rs").write_text("".join(f"mod {name};\n" for name in ["fixture", "metrics", "support", *SUBMIT_TESTS]))
    text = re.sub(r"(?m)^members = .*$", 'members = ["infra/local"]', (ROOT / "Cargo.toml").read_text())
    text = re.sub(r"\[\[bin\]\]\n(?:.+\n)+", "", text)
    text = re.sub(rf"(?m)^({'|'.join(SUBMIT_SPARED)}) = .*\n", "", text)
    (folder / "Cargo.toml").write_text(text.replace('debug = "line-tables-only"', "debug = 0"))
    files = files if any(file.startswith("src/") for file in files) else [*files, *SUBMIT]
    return run(folder, ["--in-place", "--output", ".", "--package", "thuocdo"], files, ["--test", "integration", "--", *(f"{test}::" for test in SUBMIT_TESTS)])


if __name__ == "__main__":
    which = {"domain": domain, "protocol": protocol, "submit": submit}
    sys.exit(which[sys.argv[1]](sys.argv[2:]))
