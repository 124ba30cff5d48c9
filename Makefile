# The commands of this repository. Only make and a Python of 3.11 or newer are needed; everything else is installed
# into .venv (and, for the tests against real systems, into .systems).
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check coverage bench systems clean scores

VENV := .venv
BIN := $(VENV)/bin
# What is installed follows pyproject.toml: a stamp carries its checksum.
KEY := $(shell cksum < pyproject.toml | cut -d ' ' -f 1)
RUNS := $(VENV)/.runs-$(KEY)
DEVELOPS := $(VENV)/.develops-$(KEY)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Installing in place compiles nothing; commands that are started often should not do so each time.
BYTECODE = $(BIN)/python -m compileall -q compiler/syncline_compiler runtime/syncline_runtime
SERVERS := examples/quote-to-cash/systems/servers.py
# Specs that are kept in the one format.
SPECS := examples/quickstart examples/quote-to-cash specs compiler/syncline_compiler/project_template
# Quick tests, then those that start programs and servers.
LONG := $(wildcard tests/end_to_end tests/faults)
# Tests of whole runs about what the ledger keeps: some are made on a database server, too. All that can be:
# make test WORLDS="$$(grep -l support.world tests/runtime/test_*.py)"
WORLDS := $(patsubst %,tests/runtime/test_%.py,crosswalk replay)
# Property tests take longest: they begin first, so that those who share the work end together.
QUICK := tests/properties $(filter-out tests/properties $(LONG) tests/benchmarks tests/support tests/__pycache__ %.py,$(wildcard tests/*))
# Ledgers and states of tests wait for a disk at every step: where there is memory enough to lie in, they lie there.
SCRATCH := $(shell test -w /dev/shm && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 8000000 { print "TMPDIR=/dev/shm" }')
# Tests run side by side, those of a file together: what a module prepares is prepared once.
AT_ONCE := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(RUNS) ## See the quickstart at work: four systems, no server and no account needed
	@$(BIN)/python examples/quickstart/demo.py

setup: $(DEVELOPS) ## Install everything that developing needs into .venv

check: $(DEVELOPS) ## Everything quick: style, types, import contracts, unit tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/syncline fmt --check $(SPECS)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SCRATCH) $(BIN)/python -m pytest $(AT_ONCE) $(QUICK) -m "not real and not slow"

test: $(DEVELOPS) systems ## Everything: what check does, then all tests, also against the real systems
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/syncline fmt --check $(SPECS)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SCRATCH) $(BIN)/python -m pytest $(AT_ONCE) $(QUICK)
	$(SCRATCH) $(BIN)/python -m pytest $(AT_ONCE) $(LONG)
	$(SCRATCH) SYNCLINE_TEST_LEDGER=postgresql $(BIN)/python -m pytest $(AT_ONCE) $(WORLDS)

scores: $(RUNS) ## How many small mistakes in the examples their scenarios notice (takes long)
	$(BIN)/syncline test --project examples/quickstart --mutate
	$(BIN)/syncline test --project examples/quote-to-cash --mutate

systems: $(DEVELOPS) ## Install the real systems that the tests of examples/quote-to-cash drive
	@if [ "$$CI" = true ]; then $(BIN)/python $(SERVERS) install all; else \
	  for system in crm erp gateway; do \
	    $(BIN)/python $(SERVERS) install $$system || echo "$$system cannot be installed here: its tests are skipped"; \
	  done; \
	fi

coverage: $(DEVELOPS) ## Measure what the quick tests and the quickstart's cover
	$(BIN)/coverage run -m pytest $(QUICK) tests/end_to_end -m "not real"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(DEVELOPS) ## Measure against hand-written SQL, as ratios; BENCH="--records 100000" for a quick look
	$(BIN)/python tests/benchmarks/transform.py $(BENCH)
	$(BIN)/python tests/benchmarks/idle_run.py

clean: ## Remove what the commands above have made
	rm -rf $(VENV) .systems examples/quote-to-cash/.systems .syncline examples/quickstart/.syncline build dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*

$(DEVELOPS): $(BIN)/python
	@echo "installing syncline and its development tools into $(VENV)" >&2
	@$(PIP) install --editable '.[dev]'
	@$(BYTECODE)
	@rm -f $(VENV)/.runs-* $(VENV)/.develops-* && touch $(RUNS) $@

$(RUNS): $(BIN)/python
	@echo "installing syncline into $(VENV)" >&2
	@$(PIP) install --editable '.[compiler]'
	@$(BYTECODE)
	@rm -f $(VENV)/.runs-* $(VENV)/.develops-* && touch $@

# A Python that can make environments, the newest first; PYTHON=… chooses another. Some that are found cannot: a shim
# without a version behind it, a distribution's without its venv package.
$(BIN)/python:
	@for python in $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$($$python --version)" >&2; \
	    exec $$python -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "Python 3.11 or newer with its venv module is needed; name one with: make PYTHON=/path/to/python" >&2; \
	exit 1
