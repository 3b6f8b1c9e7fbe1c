# Everything sets up what it needs first: `make demo` and `make test` work on a fresh clone.
.DEFAULT_GOAL := help
.PHONY: help venv demo test test-pure lint bench reference clean
BIN := .venv/bin

help:
	@echo "make demo   NATS leaf nodes and MirrorMaker 2 through the same outage, side by side: a table, plots, a page"
	@echo "make test   lint, the built wheel, and every tier of tests (pure, processes, Docker)"
	@echo "make bench  speed, as ratios against the native tools in the same run"
	@echo "make lint   ruff, mypy, import contracts"
	@echo "make clean  remove what runs left running, and build products"

venv:
	@scripts/venv.sh

demo: venv
	@$(BIN)/edgelab setup
	@$(BIN)/edgelab run leaf_versus_mirrormaker --out runs

# In CI nothing may skip: a Docker engine is installed and started where it is missing and that is possible.
test: venv lint
	@$(BIN)/python -m edgelab.deploy.engine
	@$(BIN)/edgelab setup --for-tests
	@scripts/test_wheel.sh
	$(BIN)/python -m pytest --edgelab-require-docker

test-pure: venv
	$(BIN)/python -m pytest -m 'not process and not docker'

lint: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: venv
	@$(BIN)/edgelab setup --for-bench
	@$(BIN)/python bench/run.py

# Rendered from the code; a test compares them.
reference: venv
	$(BIN)/python -m edgelab.cli compose --reference compose

clean: venv
	$(BIN)/edgelab clean
	rm -rf dist build .pytest_cache .mypy_cache .ruff_cache
