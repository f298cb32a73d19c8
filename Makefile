SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# sam validate asks for a region and sends nothing to it.
export AWS_DEFAULT_REGION ?= ap-southeast-1
export SAM_CLI_TELEMETRY := 0

ADDR ?= 127.0.0.1:8080
DATA ?= .data
VENV := .venv/bin
# Where cargo puts what it builds.
BUILD := $(or $(CARGO_TARGET_DIR),target)
# Requests schemathesis makes up for each operation, and seconds libFuzzer has for each target.
EXAMPLES ?= 25
FUZZ_SECONDS ?= 60
# Offices of each size that `make shown` releases.
OFFICES ?= 20
# The half of samconfig.toml that `make deploy` deploys.
STAGE ?= default

# The name of a phase, and when it began: `make test` prints how long each took.
phase = @echo "== $(1) ($$(date +%T))"

.PHONY: help run test stress shown fuzz mutants tools lint fmt lint-rust lint-template build-tests test-js test-rust test-clocks clocks test-api test-proxy test-functions \
    artefacts openapi guide build deploy deny foreign test-foreign bench footprint

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## The whole system on this machine, with sample data (ADDR=host:port DATA=folder)
	@echo "== Building the local system (the first time takes some minutes)"
	@echo "== Then: http://$(ADDR)/ with sample data, kept in $(DATA)/; stop it with Ctrl+C"
	cargo run --profile local -p local -- --data $(DATA) --addr $(ADDR) --sample

test: tools lint test-js test-rust test-clocks test-api test-proxy test-functions test-foreign ## Everything CI checks; installs what it needs
	$(call phase,Done)

tools: ## What the tests need beyond Rust: chromium, Python and npm tools
	$(call phase,Tools)
	tests/install-tools.sh

lint: lint-rust lint-template ## Formatting, clippy and the template

lint-rust:
	$(call phase,Formatting)
	cargo fmt --all --check
	$(call phase,Clippy)
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(call phase,Clippy of verify alone: without the server's part of the library)
	cargo clippy -p verify --locked -- -D warnings

lint-template: tools
	$(call phase,Template: sam validate --lint and sam validate and cfn-lint and checkov)
	$(VENV)/sam validate --lint
	$(VENV)/sam validate
	$(VENV)/cfn-lint template.yaml infra/*.yaml
	@mkdir -p target
	$(VENV)/python tests/expand-template.py template.yaml > target/template.json
	.venv/checkov/bin/checkov --config-file tests/checkov.yaml \
	    $(foreach template,target/template.json $(wildcard infra/*.yaml),-f $(template))

fmt: ## Format the Rust code
	cargo fmt --all

test-js: tools
	$(call phase,JavaScript tests)
	node --test tests/js/*.test.mjs

# One build for everything the tests run: their own executables, `local`, the bench and the functions, which are linked with the
# same dependencies. `make artefacts` builds the functions as they are deployed.
build-tests:
	$(call phase,Building the tests and all they run)
	cargo build --workspace --all-targets --locked

# The log is added up, because the last line of cargo speaks of one test binary only.
test-rust: tools build-tests
	$(call phase,Rust tests)
	@mkdir -p target
	@status=0; \
	cargo test --workspace --locked --no-fail-fast 2>&1 | tee target/test.log || status=$$?; \
	awk '/^test result:/ {p += $$4; f += $$6; i += $$8} \
	    END {printf "== Rust tests: %d passed, %d failed, %d ignored\n", p, f, i}' target/test.log; \
	exit $$status

# In a short form; `make clocks` runs all tests that ask what day it is.
test-clocks: tools test-rust
	$(call phase,Clocks: tests that ask for the day at hours on which dates go wrong)
	python3 tests/clocks.py

clocks: tools build-tests ## The tests that ask what day it is, at hours and days on which dates go wrong
	python3 tests/clocks.py --long

# The Rust tests run every function with its sample events and a rating's life through all of them; what is left is whether
# the measuring of them works.
test-functions: tools build-tests
	$(call phase,Functions measured with a few calls each: that it measures and not what)
	$(BUILD)/debug/bench functions --smoke --functions $(BUILD)/debug --out target/footprint-smoke

# An emulator of AWS by others: what we take for AWS's behaviour is not only our own engines' doing.
FOREIGN := .venv/foreign/bin/python tests/foreign/run.py --functions $(BUILD)/debug --verify $(BUILD)/debug/verify

test-foreign: tools build-tests
	$(call phase,The template on a foreign emulator: ministack)
	$(FOREIGN)

foreign: tools ## The template on a foreign emulator, with the whole sample, and stopped in the middle
	$(call phase,Building the functions and verify)
	cargo build --workspace --bins --locked
	$(call phase,The template on a foreign emulator: ministack)
	$(FOREIGN) --long

artefacts: tools ## Every function as it is deployed, for both architectures, each run with its events
	@echo "== Release build for x86-64"
	cargo build --release --locked --bins
	$(call run-bootstraps,$(BUILD)/release,,,life::)
	@echo "== sam build for arm64"
	$(SAM_BUILD)
	$(call run-bootstraps,.aws-sam/build,$(ARM64),,life::)
	@ls -l $(addprefix $(BUILD)/release/,$(BINARIES)) .aws-sam/build/*/bootstrap

ARM64 := qemu-aarch64-static -L /usr/aarch64-linux-gnu
BINARIES = $(patsubst functions/%.rs,%,$(wildcard functions/*.rs))
SAM_BUILD = PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/sam build

# run-bootstraps(folder, wrapper, functions, life::): every sample event through the binaries of a folder, and, where all of them
# are there, a rating's life with every call weighed against its role.
define run-bootstraps
	BOOTSTRAPS="$(abspath $(1))" WRAPPER="$(2)" FUNCTIONS="$(3)" \
	    cargo test --quiet --locked --test integration -- --nocapture bootstraps::every_sample_event $(4)
endef

test-api: tools build-tests
	$(call phase,API: made-up requests against docs/openapi.json)
	LOCAL="$(abspath $(BUILD))/debug/local" $(VENV)/python tests/schemathesis/run.py $(EXAMPLES)

test-proxy: tools build-tests
	$(call phase,Proxy: infra/nginx.conf before the local system)
	LOCAL="$(abspath $(BUILD))/debug/local" python3 tests/proxy/run.py

stress: tools ## The long forms of the exactness and boundary tests, about two hours (SEED=n replays a failure)
	@echo "== Stress: a million simulated ratings, 200 kills, 100,000 submits with half of the replies cut"
	@mkdir -p target
	STRESS=1 cargo test --profile local --locked --test integration -- \
	    --nocapture --test-threads 2 exactness:: faults:: kill:: races:: 2>&1 | tee target/stress.log
	@echo "== Stress: an attacker with every publication of 2 x 100,000 histories, 100,000 single tampers"
	PROPTEST_CASES=100000 cargo test --profile local --locked -p domain --lib -- publication tally 2>&1 | tee -a target/stress.log
	@echo "== Stress: 1,000 made-up requests for each operation of the API, then every boundary"
	$(MAKE) test-api EXAMPLES=1000
	$(MAKE) fuzz

shown: ## Which share of the ratings each release rule shows, by size of office, in some minutes (OFFICES=20 of each)
	@echo "== Ratings shown: on average over the quarter · on its last day · after its close · in months"
	OFFICES=$(OFFICES) cargo test --quiet --locked -p domain --lib -- --nocapture release::shown

fuzz: ## libFuzzer on every boundary (FUZZ_SECONDS=60 for each target); needs a C++ compiler
	@echo "== Fuzz: $(FUZZ_SECONDS) s for each target"
	FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz/run.sh

mutants: ## cargo-mutants on the domain, then on what saves and counts; some hours
	@echo "== Mutants"
	cargo mutants --version 2>/dev/null | grep -q ' 27\.1\.0$$' || cargo install cargo-mutants --version 27.1.0 --locked
	python3 tests/mutants.py domain
	python3 tests/mutants.py protocol
	python3 tests/mutants.py submit

bench: ## What it costs to run, each figure beside a yardstick, in about ten minutes (PARTS="submit growth disk publishing pages cost")
	@echo "== Building the system and the bench as they are run"
	cargo build --profile server --locked -p local -p bench
	@echo "== Bench: the table is kept in target/bench/"
	$(BUILD)/server/bench $(PARTS)

# The baseline apart from the functions, so that it is not linked with what only they need.
footprint: ## Each function's size, start, calls and memory, beside one that does nothing
	@echo "== Building the functions and the bench as they are run"
	cargo build --release --locked --bins
	cargo build --release --locked -p baseline
	cargo build --profile server --locked -p bench
	@echo "== Functions: the table is kept in target/footprint/"
	$(BUILD)/server/bench functions --functions $(BUILD)/release --out target/footprint

openapi: ## Write docs/openapi.json from the code
	@echo "== docs/openapi.json"
	UPDATE_OPENAPI=1 cargo test --quiet --lib openapi

guide: tools ## The guide's pictures anew, from the pages as they are
	@echo "== templates/static/guide/"
	UPDATE_GUIDE=1 cargo test --quiet --locked --test integration -- browser::guide

build: tools ## The functions as they are deployed, for arm64
	$(SAM_BUILD)

# cargo-deny and cargo-machete are installed by CI, and by who wants them: cargo install cargo-deny cargo-machete.
deny: ## Licences, duplicate TLS stacks and sources of all dependencies, and those that nothing uses
	$(call phase,Dependencies: cargo-deny and cargo-machete)
	cargo deny --locked check licenses bans sources
	cargo machete

deploy: build ## Into the AWS account of your credentials: the web ACL, then the stack (STAGE=prod, ARGS=… for sam deploy)
	$(VENV)/python infra/deploy.py $(STAGE) $(ARGS)
