# Quanxi. `make demo` shows it, `make test` tests it; both set up all they need.
# PYTHON names the Python to set up with (3.11 or later). CHECK=1 makes the demo check itself and stop.
# WORKERS processes test at a time, each with a Neo4j of its own (1.5 GB). One that crashes ends the run: begun again, it would wait for ever.

PYTHON ?= python3
WORKERS ?= 2
PY := .venv/bin/python

.PHONY: help setup setup-dev demo test lint types format bench clean

help:
	@echo "make demo            set up, seed a small district, load it, serve it"
	@echo "make demo CHECK=1    the same, checked by itself; exits 0 or 1"
	@echo "make test            set up and run every test"
	@echo "make lint types      the linter, the type checker"
	@echo "make bench           the benchmarks"
	@echo "make clean           remove the environment and what tools left behind"

setup:
	@$(PYTHON) tools/setup.py

setup-dev:
	@$(PYTHON) tools/setup.py --dev

demo: setup
	@.venv/bin/quanxi demo $(if $(filter-out 0,$(CHECK)),--check)

test: setup-dev
	@$(PY) tools/browser.py
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart=0 $(ARGS)

lint: setup-dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: setup-dev
	@$(PY) -m mypy

format: setup-dev
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: setup
	@$(PY) -m benchmarks $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
