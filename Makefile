# Everything a newcomer types. `make help` lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The lock is complete: pip resolves nothing, so that a release of tomorrow cannot change or break today's set.
LOCKED := $(PIP) install --no-deps --require-hashes -r
TESTS  ?=

.DEFAULT_GOAL := help
.PHONY: help demo run test check format lock bench docs clean coverage

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.runtime ## one dossier end to end on a fresh machine; leaves demo-out/
	$(BIN)/motcua demo --out demo-out $(if $(INPUT),--input "$(INPUT)")

run: $(VENV)/.runtime ## serve with the simulators (PORT=8080); prints the pages' addresses and a test key
	$(BIN)/motcua serve --with-simulators $(if $(PORT),--port $(PORT))

test: $(VENV)/.develop ## the tests (TESTS="path or options" for a part)
	$(BIN)/python -m pytest $(if $(TESTS),$(TESTS),-n 3 --dist worksteal)

check: $(VENV)/.develop ## lint, types, import walls
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.develop ## put the code into its one layout
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

coverage: $(VENV)/.develop ## branch coverage of the rooms that must be complete
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

bench: $(VENV)/.develop ## the benchmarks, both sides in one run
	$(BIN)/python -m benchmarks

docs: $(VENV)/.develop ## regenerate what is generated: configuration, providers, OpenAPI
	$(BIN)/python -m gateway.documentation

lock: $(VENV)/.develop ## remake requirements/*.txt (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --quiet --extra build -o requirements/runtime.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --quiet --extra build --extra test --extra check --extra pkcs11 -c requirements/runtime.txt -o requirements/develop.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --quiet --extra build --extra test --extra check --extra pkcs11 --extra browser -c requirements/develop.txt -o requirements/browser.txt

clean: ## remove what was made here
	rm -rf $(VENV) demo-out var .mypy_cache .ruff_cache .hypothesis .coverage

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(LOCKED) requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.develop: requirements/develop.txt $(VENV)/.runtime
	$(LOCKED) requirements/develop.txt
	@touch $@
