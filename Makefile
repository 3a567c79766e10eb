# Every target sets up what it needs; nothing but Python 3.11+, git and make has to be there before.

PYTHON ?= $(firstword $(foreach each,python3 python3.14 python3.13 python3.12 python3.11,$(if $(shell $(each) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null | grep True),$(each))) python3)
UV := .tools/uv
BIN := .venv/bin
MEMBERS := pyproject.toml shared/pyproject.toml $(wildcard services/*/pyproject.toml)
FEEDS ?=
ARGS ?=
JOBS ?= 3
NODES ?= 1
OVERLAY ?= deploy/k8s/overlays/production
IMAGES ?= fetcher cleaner classifier api copydesk
VERSION ?= local
BUILD_ARGS ?=
# Not ?=, since many have a PORT in their environment that is not meant for this.
PORT =
SYNC := $(UV) sync --system-certs --quiet --frozen --all-packages --inexact --python "$(shell command -v $(PYTHON))"

# Where this is set, every process of a run or a test compiles all that it imports, which takes longer than its work.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: overlay help setup run kafka test containers images sbom check lint types imports format docs lock clean

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
	$(BIN)/pytest -n $(JOBS) --dist load --maxschedchunk 4 --ignore tests/containers $(ARGS)

containers: .venv/.dev-ready ## Build the images and run docker-compose.yml with an engine of the tests' own; needs root, dockerd and debootstrap
	$(BIN)/pytest tests/containers $(ARGS)

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

images: ## Build the images with Docker (IMAGES='fetcher api', VERSION=1.0, BUILD_ARGS='--secret id=index,src=FILE')
	@for image in $(IMAGES); do echo "copydesk/$$image:$(VERSION)" && DOCKER_BUILDKIT=1 docker build --quiet $(BUILD_ARGS) --build-arg SERVICE=$$image \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) --tag copydesk/$$image:$(VERSION) . || exit 1; done

sbom: $(UV) ## Write what each image holds as CycloneDX, to build/sbom/
	@mkdir -p build/sbom && for image in $(IMAGES); do \
		package=copydesk$$([ $$image = copydesk ] || echo -$$image); similarity=$$([ $$image != classifier ] || echo --extra similarity); \
		$(UV) export --quiet --frozen --no-dev --package $$package --extra otel $$similarity --format cyclonedx1.5 \
			--preview-features sbom-export --output-file build/sbom/$$image.cdx.json && echo "build/sbom/$$image.cdx.json" || exit 1; done

docs: .venv/.dev-ready ## Write the documents that are made from the code
	$(BIN)/python tools/settings_table.py > docs/settings.md
	$(BIN)/python -m copydesk_api.openapi > docs/openapi.json
	$(BIN)/python -m tools.contract
	$(BIN)/python -m copydesk_cleaner.rulebook.readings > services/cleaner/copydesk_cleaner/rulebook/readings.json
	$(BIN)/python -m tools.acl_table
	$(BIN)/python -m tools.manifests

overlay: .venv/.dev-ready ## Say what is wrong with a Kubernetes overlay (OVERLAY=deploy/k8s/overlays/newsroom)
	@$(BIN)/python -m tools.manifests.check $(ARGS) '$(OVERLAY)'

lock: $(UV) ## Bring uv.lock up to date with the pyproject files
	$(UV) lock

clean: ## Remove what was set up and built; data stays
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
