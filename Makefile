SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# sam validate asks for a region and sends nothing to it.
export AWS_DEFAULT_REGION ?= ap-southeast-1
export SAM_CLI_TELEMETRY := 0

ADDR ?= 127.0.0.1:8080
DATA ?= .data
VENV := .venv/bin

.PHONY: help run test arsenal tools lint fmt lint-rust lint-template test-js test-rust openapi build

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## The whole system on this machine, with sample data (ADDR=host:port DATA=folder)
	@echo "== Building the local system (the first time takes some minutes)"
	@echo "== Then: http://$(ADDR)/ with sample data, kept in $(DATA)/; stop it with Ctrl+C"
	cargo run --profile local -p local -- --data $(DATA) --addr $(ADDR) --sample

test: tools lint test-js test-rust ## Everything CI checks; installs what it needs

tools: ## What the tests need beyond Rust: chromium, Python and npm tools
	@echo "== Tools"
	tests/install-tools.sh

lint: lint-rust lint-template ## Formatting, clippy and the template

lint-rust:
	@echo "== Formatting"
	cargo fmt --all --check
	@echo "== Clippy"
	cargo clippy --workspace --all-targets --locked -- -D warnings

lint-template: tools
	@echo "== Template: sam validate --lint, sam validate, cfn-lint"
	$(VENV)/sam validate --lint
	$(VENV)/sam validate
	$(VENV)/cfn-lint template.yaml infra/*.yaml

fmt: ## Format the Rust code
	cargo fmt --all

test-js: tools
	@echo "== JavaScript tests"
	node --test tests/js/*.test.mjs

# The log is added up, because the last line of cargo speaks of one test binary only.
test-rust: tools
	@echo "== Rust tests"
	@mkdir -p target
	@status=0; \
	cargo test --workspace --locked --no-fail-fast 2>&1 | tee target/test.log || status=$$?; \
	awk '/^test result:/ {p += $$4; f += $$6; i += $$8} \
	    END {printf "== Rust tests: %d passed, %d failed, %d ignored\n", p, f, i}' target/test.log; \
	exit $$status

arsenal: ## The long forms of the exactness tests, about an hour (SEED=n replays a failure)
	@echo "== Arsenal: a million simulated ratings, 200 kills, 100,000 submits with half of the replies cut"
	@mkdir -p target
	ARSENAL=1 cargo test --profile local --locked --test integration -- \
	    --nocapture --test-threads 2 exactness:: faults:: kill:: races:: 2>&1 | tee target/arsenal.log

openapi: ## Write docs/openapi.json from the code
	@echo "== docs/openapi.json"
	UPDATE_OPENAPI=1 cargo test --quiet --lib openapi

build: tools ## The eight functions, for arm64 (needs cargo-lambda)
	$(VENV)/sam build
