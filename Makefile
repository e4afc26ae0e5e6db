# Everything a fresh machine needs is Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
.DEFAULT_GOAL := help

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Fusewatch needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@echo "Building the virtual environment in $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

LANGFUSE_4 := .langfuse-4

ROUNDS ?= 500
MINUTES ?= 10

.PHONY: help install demo test test-langfuse-4 check lint dst bench growth replicas crashes soak fuzz audit lock format update-golden pictures screenshots

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## build the virtual environment

demo: $(STAMP) ## run the whole job on made-up traffic: no account, no key, no server
	@$(BIN)/fusewatch demo

test: $(STAMP) ## run the tests
	@$(BIN)/pytest -n auto --dist worksteal

test-langfuse-4: $(STAMP) ## test the tagging helper with the oldest SDK that it works with
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(LANGFUSE_4) langfuse==4.2.0 'wrapt<2'
	@PYTHONPATH=$(CURDIR)/$(LANGFUSE_4) $(BIN)/pytest -n auto tests/tagging tests/docs/test_tagging.py

check: lint test ## format, lint, types, floors and tests

lint: $(STAMP) ## format, lint, types and floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dst: $(STAMP) ## simulate whole histories of the daemon: SEEDS=100 of them, or SEED=7 again (docs/simulation.md)
	@$(BIN)/python -m tests.dst $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),20) --first $(or $(FIRST),1))

bench: $(STAMP) ## measure: ratios in one run, never a test
	$(BIN)/python -m tests.bench --json bench.json

growth: $(STAMP) ## measure how time, memory and database grow, and draw it (a quarter of an hour)
	$(BIN)/python -m tests.bench.growth

replicas: $(STAMP) ## kill, pause and cut off three daemons on one PostgreSQL: make replicas ROUNDS=200
	ROUNDS=$(ROUNDS) SEED=$(SEED) $(BIN)/python -m tests.replicas

crashes: $(STAMP) ## kill the daemon ROUNDS times in every phase of its work, and print what came of it
	$(BIN)/python -m tests.crash $(ROUNDS)

soak: $(STAMP) ## let the daemon work for MINUTES on accelerated days, and print what grows
	$(BIN)/python -m tests.soak $(MINUTES)

fuzz: $(STAMP) ## look for inputs that break something, for MINUTES, and print how many were tried
	$(BIN)/python -m tests.fuzz $(MINUTES)

audit: ## look the lock up among known vulnerabilities (needs pip-audit and its database)
	@if command -v pip-audit >/dev/null; then pip-audit --require-hashes --disable-pip -r requirements.lock; \
	else echo "skipped: pip-audit is not installed here (pipx install pip-audit)"; fi

update-golden: $(STAMP) ## write the golden files anew; read the diff before you commit it
	UPDATE_GOLDEN=1 $(BIN)/pytest -q -k golden

pictures: $(STAMP) ## draw the pictures in the docs anew (needs Chromium; looks best with the font Lato)
	$(BIN)/python -m tests.pictures

screenshots: $(STAMP) ## take the pictures of the page anew, of a real daemon (needs Chromium)
	$(BIN)/python -m tests.browser

lock: ## write the lock files anew (needs uv)
	uv pip compile pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements.lock
	uv pip compile --group build --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-build.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-dev.lock
