# Holdfast. `make help` lists what can be done here.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup run test races machine check lint bench drill tour screenshots lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/run: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch .venv/run

.venv/dev: requirements-dev.lock .venv/run
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch .venv/dev

setup: .venv/dev ## install everything for development into .venv, from the lock file

run: .venv/run ## set up what is missing and serve the platform at http://127.0.0.1:8000
	@$(BIN)/python -m holdfast run

test: .venv/dev ## run the tests, on a real PostgreSQL of their own; JOBS=2 at a time
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder

races: .venv/dev ## the long races and crashes: kill -9 at every fault point
	@HOLDFAST_RACES=long $(BIN)/python -m pytest -q tests/races

machine: .venv/dev ## the long state machine over payments: HOLDFAST_MACHINE_SEED, _EXAMPLES, _STEPS
	@HOLDFAST_MACHINE=long HOLDFAST_MACHINE_EXAMPLES=$${HOLDFAST_MACHINE_EXAMPLES:-200} HOLDFAST_MACHINE_STEPS=$${HOLDFAST_MACHINE_STEPS:-60} \
	  $(BIN)/python -m pytest -q tests/payments/machine

lint: .venv/dev ## format, lint, types, the ladder of imports
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint test ## all that CI runs

bench: .venv/dev ## measure: bookings, the ledger, outages, the resolver, callbacks, merging, availability, the gate, pricing, campaigns; each figure with its check
	@status=0; for name in booking ledger outage resolver webhooks_in merging availability gate pricing campaigns; do \
	  echo "== $$name"; $(BIN)/python -m holdfast bench $$name || status=1; done; exit $$status

drill: .venv/dev ## practise: an outage of all ways to pay, merging under load, a broken sign-in, silent suppliers, a runaway campaign; reports in var/drills
	@mkdir -p var/drills; status=0; for name in payment-outage account-merge mass-lock partner-silent runaway-campaign; do \
	  echo "== $$name"; $(BIN)/python -m holdfast drill $$name --report var/drills/$$name.html || status=1; done; exit $$status

tour: .venv/run ## walk a traveller from search to the gate, in plain words
	@$(BIN)/python -m holdfast tour

screenshots: .venv/dev ## pictures of every page, phone and desk, both languages, into screenshots/
	@$(BIN)/python tests/browser/screenshots.py

lock: .venv/dev ## write the lock files anew from pyproject.toml
	@$(BIN)/python -m pip install -q uv
	@$(LOCK) pyproject.toml -o requirements.lock
	@$(LOCK) --extra dev pyproject.toml -o requirements-dev.lock

clean: ## remove the environment and caches; the data in var/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
