# Everything a person or CI does here is one of these. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := $(BIN)/python -m piptools compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-header
STEPS ?= 50000
RUNS ?= 50
# Cases wait more than they compute.
ANOMALY_WORKERS ?= 4
# One more than cores: tests wait for each other's peers about a third of their time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

.DEFAULT_GOAL := help
.PHONY: help demo install run test check format authority kill anomalies bench lock

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo-ready ## Run Deputy against simulators: no account needed
	@$(BIN)/python -m simulator demo

install: $(VENV)/.ready ## Install what running Deputy for real needs, into .venv

run: $(VENV)/.ready ## Run Deputy for real, with the variables of .env.example set
	@$(BIN)/python -m bot

test: $(VENV)/.dev-ready check ## Check style and types, run every test, hold coverage
	@$(BIN)/python -m simulator.slack.build_page
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -n $(WORKERS) --dist worksteal
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report --format=total | sed 's/^/branch coverage of bot, oauth, store: /; s/$$/ %/'
	@$(BIN)/python -m coverage report > build/coverage.txt || (cat build/coverage.txt; exit 1)

check: $(VENV)/.dev-ready ## Lint, format check, types
	@mkdir -p build
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary

format: $(VENV)/.dev-ready ## Format everything
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

authority: $(VENV)/.dev-ready ## Random members, random order: nobody acts as another (STEPS=n)
	@$(BIN)/python -m tests.authority --steps $(STEPS)

kill: $(VENV)/.dev-ready ## Kill the bot at random points and restart it (RUNS=n)
	@$(BIN)/python -m tests.kill --runs $(RUNS)

anomalies: $(VENV)/.dev-ready ## Each journey, each call failing in each way, death after each write
	@$(BIN)/python -m tests.anomalies --workers $(ANOMALY_WORKERS)

bench: $(VENV)/.dev-ready ## Measure import time and the search for secrets, each against its floor
	@$(BIN)/python bench/import_time.py
	@PYTHONPATH=. $(BIN)/python bench/shapes.py

lock: $(VENV)/.dev-ready ## Renew the locks
	@$(COMPILE) --output-file requirements.lock pyproject.toml
	@$(COMPILE) --extra=simulator --output-file requirements-demo.lock pyproject.toml
	@$(COMPILE) --extra=simulator --extra=postgres --extra=dev --output-file requirements-dev.lock pyproject.toml
	@$(COMPILE) --output-file tests/independent/current.lock tests/independent/current.in
	@# pip takes no extra from a lock that leaves them out.
	@$(COMPILE) --no-strip-extras --output-file tests/independent/earlier.lock tests/independent/earlier.in

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Deputy needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: $(VENV)/bin/python requirements.lock
	@echo "Setting up (once) …"
	@$(PIP_INSTALL) -r requirements.lock
	@touch $@

$(VENV)/.demo-ready: $(VENV)/bin/python requirements-demo.lock
	@echo "Setting up (once) …"
	@$(PIP_INSTALL) -r requirements-demo.lock
	@touch $@ $(VENV)/.ready

$(VENV)/.dev-ready: $(VENV)/bin/python requirements-dev.lock
	@echo "Setting up (once) …"
	@$(PIP_INSTALL) -r requirements-dev.lock
	@touch $@ $(VENV)/.demo-ready $(VENV)/.ready

.PHONY: conformance independent fuzz mutants pictures
N ?= 100000

conformance: $(VENV)/.dev-ready ## The official MCP suite's client auth scenarios against the OAuth room
	@$(BIN)/python -m tests.conformance

independent: $(VENV)/.dev-ready ## Connect with servers that nobody of us wrote; judge our requests by the SDK's types
	@$(BIN)/python -m tests.independent

fuzz: $(VENV)/.dev-ready ## Random metadata, registrations, tokens and callbacks: typed errors only (N=n)
	@$(BIN)/python -m tests.oauth.fuzz --inputs $(N)

mutants: $(VENV)/.dev-ready ## Take each control of connecting away and see its test fail (NUMBERS="44 56")
	@$(BIN)/python -m tests.oauth.mutants $(NUMBERS)

pictures: $(VENV)/.dev-ready ## Take the pictures of the docs anew, in Chromium (K=words of the tests' names)
	@SCREENSHOTS=1 $(BIN)/python -m pytest -q -n0 tests/browser $(if $(K),-k "$(K)")
