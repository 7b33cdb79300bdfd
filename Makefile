# What `make` does; `make help` lists it. Each target first installs what it lacks (toolchain/bootstrap.py).

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help lab test nightly check evidence audit setup lock

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

lab: SETUP_FLAGS := --with-lab
lab: setup ## stands the lab up, runs the quick protocol, writes the report and prints its verdict
	@$(BIN)/lab up
	@$(BIN)/lab run --protocol quick

# Reaches the prerequisites too: the tests need packages that the lab doesn't.
test: SETUP_FLAGS := --with-tests
test: setup ## the gate: format, lint, types, and each guarantee by a test, on real containers too
	@$(BIN)/python -m tests $(PYTEST_FLAGS)

nightly: SETUP_FLAGS := --with-tests
nightly: setup ## all tests, the long and random ones too; writes docs/evidence/nightly.md
	@$(BIN)/python -m tests --nightly $(PYTEST_FLAGS)

check: setup ## format, lint and types, and the form of the workflow files
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/pyright
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci .gitlab-ci.yml

# It takes hours, and the machine should have nothing else to do.
evidence: setup ## the long runs: ten blocks, all APIs beside their floors and a known difference; writes docs/evidence/
	@$(BIN)/python -m benchmarks.evidence $(EVIDENCE_FLAGS)

audit: setup ## checks locked dependencies for known vulnerabilities. Error 1: one is known; Error 3: a lock couldn't be audited
	@$(BIN)/python -m toolchain.audit

setup: ## installs what the lab needs
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'error: the lab needs Python 3.11 or newer: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -m toolchain.bootstrap $(SETUP_FLAGS)

lock: setup ## writes requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --output-file requirements.lock pyproject.toml
