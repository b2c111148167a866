# The one definition of every chore.  `make` prints this list.
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
STAMP  := $(VENV)/.installed
PLUGINS       := .venv-plugins
PLUGINS_STAMP := $(PLUGINS)/.installed
SHELL  := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-plugins check fmt lint types fast bench docs clean

help:  ## print this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  ##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 15

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "preceptor needs Python 3.11 or newer; name yours: make setup PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,dev]'
	@touch $@

setup: $(STAMP)  ## create .venv with everything (once; 2 to 4 minutes)

demo: $(STAMP)  ## run the main job from data to a promoted student; needs no key and no server
	$(BIN)/preceptor demo $(ARGS)

test: $(STAMP)  ## all tests
	$(BIN)/pytest -n 2 --dist loadfile

$(PLUGINS_STAMP): pyproject.toml constraints-plugins.txt
	$(PYTHON) -m venv $(PLUGINS)
	$(PLUGINS)/bin/pip install --quiet --constraint constraints-plugins.txt --editable '.[dev-plugins]'
	@touch $@

test-plugins: $(PLUGINS_STAMP)  ## the checks of guardrails-ai and Presidio with the real packages, in an environment of their own
	$(PLUGINS)/bin/pytest tests/plugins tests/unit/policies/checks/test_guardrails.py tests/unit/policies/checks/test_presidio.py

check: fmt lint types fast  ## what must be green before a commit: format, ruff, import rules, mypy --strict, fast tests

fmt: $(STAMP)  ## format check
	$(BIN)/ruff format --check --quiet .

lint: $(STAMP)  ## ruff, import rules, one test file for each module
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/mirror.py

types: $(STAMP)  ## mypy --strict
	$(BIN)/mypy

fast: $(STAMP)  ## the tests that need no model and no second
	$(BIN)/pytest -n 2 -m "not slow"

docs: $(STAMP)  ## regenerate the configuration reference and its JSON Schema
	$(BIN)/python tools/config_reference.py

bench: $(STAMP)  ## a benchmark: make bench NAME=demo [DATA=DIR] [QUICK=1]
	$(BIN)/python -m benchmarks.$(NAME) $(if $(DATA),--data $(DATA)) $(if $(QUICK),--quick)

clean:  ## remove everything that was built
	rm -rf $(VENV) $(PLUGINS) *.egg-info var demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis
