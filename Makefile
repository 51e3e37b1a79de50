# Everything runs in .venv, which `setup` makes and every other target asks for.

PYTHON ?= python3
PYTEST_ARGS ?=
DIALECT ?= mysql
SANDBOX ?= mysql
BIN := .venv/bin
# Python's compiled files are kept, whatever the environment says: each of the tests' many runs would compile ghostpy anew.
export PYTHONDONTWRITEBYTECODE :=
STAMP := .venv/.installed

.PHONY: help setup demo test lint audit soak bench sandbox clean

help: ## Show the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(STAMP) ## Make .venv with ghostpy and its tools in it

$(STAMP): pyproject.toml
	@.ci/venv "$(PYTHON)" .venv
	@$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

demo: setup ## Change a table of a throwaway server under load; DIALECT=postgres
	@$(BIN)/ghostpy demo --dialect $(DIALECT)

test: setup ## Run the tests against real servers, side by side; PYTEST_ARGS go to pytest
	@$(BIN)/python -m pytest tests -n auto --maxprocesses=4 --dist=worksteal $(PYTEST_ARGS)

lint: setup ## Check style, format, types, and what bandit knows to be unsafe
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml ghostpy

audit: setup ## Ask PyPI for known vulnerabilities in all that is installed; fails where it cannot be asked
	@.ci/audit "$(PYTHON)" .venv

soak: setup ## Run the slow tests
	@$(BIN)/python -m pytest tests -m soak $(PYTEST_ARGS)

bench: setup ## Run the benchmarks
	@$(BIN)/python -m bench

sandbox: setup ## Hold a throwaway server until Ctrl-C; SANDBOX="postgres --version 15"
	@$(BIN)/ghostpy sandbox $(SANDBOX)

clean: ## Remove what setup, the tests and the tools made here; the cache of servers stays
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
