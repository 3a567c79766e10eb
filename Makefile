# Every target sets up what it needs; nothing but Python 3.11+, git and make has to be there before.

PYTHON ?= $(firstword $(foreach each,python3 python3.14 python3.13 python3.12 python3.11,$(if $(shell $(each) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null | grep True),$(each))) python3)
UV := .tools/uv
BIN := .venv/bin
MEMBERS := pyproject.toml shared/pyproject.toml $(wildcard services/*/pyproject.toml)
FEEDS ?=
ARGS ?=
JOBS ?= 3
NODES ?= 1
# Not ?=, since many have a PORT in their environment that is not meant for this.
PORT =
SYNC := $(UV) sync --system-certs --quiet --frozen --all-packages --inexact --python "$(shell command -v $(PYTHON))"

.DEFAULT_GOAL := help
.PHONY: help setup run kafka test check lint types imports format docs lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

$(UV): tools/get_uv.py
	@$(PYTHON) tools/get_uv.py $@ && touch $@

.venv/.run-ready: $(UV) uv.lock $(MEMBERS)
	@echo "Setting up .venv (once) ..." && $(SYNC) --no-dev && touch $@

.venv/.dev-ready: $(UV) uv.lock $(MEMBERS)
	@echo "Setting up .venv with the development tools (once) ..." && $(SYNC) && touch $@ .venv/.run-ready

run: .venv/.run-ready ## Start the pipeline: with FEEDS=feeds.yaml on your feeds, else on the sample publisher
	@exec $(BIN)/copydesk $(if $(FEEDS),up --feeds '$(FEEDS)',demo) $(ARGS)

kafka: .venv/.run-ready ## Start Apache Kafka on loopback, empty, until Ctrl-C (NODES=3 for three nodes, PORT=29092 for the first one's port); needs Java 17 and Maven
	@exec $(BIN)/python -m tools.apache_kafka --nodes '$(NODES)' $(if $(PORT),--port '$(PORT)')

test: .venv/.dev-ready ## Run the tests (ARGS='-k word' for some of them)
	$(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

check: lint types imports test ## Everything that has to pass before a commit lands

setup: .venv/.dev-ready ## Set up the development environment and the commit hooks
	$(BIN)/pre-commit install

lint: .venv/.dev-ready ## Style and common mistakes
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/.dev-ready ## Types, strictly, over the tests too
	$(BIN)/mypy

imports: .venv/.dev-ready ## Who may import whom
	$(BIN)/lint-imports --no-logo

format: .venv/.dev-ready ## Format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/.dev-ready ## Write the documents that are made from the code
	$(BIN)/python tools/settings_table.py > docs/settings.md
	$(BIN)/python -m copydesk_api.openapi > docs/openapi.json
	$(BIN)/python -m tools.contract
	$(BIN)/python -m tools.acl_table

lock: $(UV) ## Bring uv.lock up to date with the pyproject files
	$(UV) lock

clean: ## Remove what was set up and built; data stays
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
