SHELL := /bin/sh
VENV  := .venv
BIN   := $(VENV)/bin
JOBS  ?= auto

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: dev
dev: $(VENV)/.ready ## set up .venv with everything that tests and builds need

$(VENV)/.ready: pyproject.toml requirements.lock .ci/setup
	@.ci/setup $(VENV)
	@touch $@

.PHONY: dev-test
dev-test: $(VENV)/.ready-test

$(VENV)/.ready-test: pyproject.toml requirements.lock tests/peers/npm/package-lock.json .ci/setup
	@.ci/setup $(VENV) test
	@touch $(VENV)/.ready $@

.PHONY: run
run: dev ## build an example to a binary and run it on real input
	@examples/config-drift/run.sh $(BIN)/agentdc

.PHONY: test
test: dev-test ## lint, types and all tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n $(JOBS)

.PHONY: fmt
fmt: dev ## format the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: lint
lint: dev ## check style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: dev ## check types
	$(BIN)/mypy

.PHONY: golden
golden: dev ## compare the golden files only
	$(BIN)/pytest -n $(JOBS) tests/test_valid_cases.py tests/test_invalid_cases.py tests/test_run_cases.py tests/test_diff_cases.py

.PHONY: golden-update
golden-update: dev ## rewrite the golden files; review the diff like code
	$(BIN)/pytest tests/test_valid_cases.py tests/test_invalid_cases.py tests/test_run_cases.py tests/test_diff_cases.py --golden-update

.PHONY: examples
examples: dev ## check, build and run every example
	$(BIN)/pytest tests/test_examples.py

.PHONY: freeze-test
freeze-test: dev ## only the tests that freeze a binary
	$(BIN)/pytest -m freeze

.PHONY: fuzz
fuzz: dev ## 60 seconds of broken workflows; a traceback fails
	$(BIN)/python -m tests.fuzz --seconds 60

.PHONY: soak
soak: dev ## kill an app under load 300 times; anything that is lost fails
	$(BIN)/python tests/killing.py --kills 300

.PHONY: bench
bench: dev ## measure; ratios in one run
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python -m bench

.PHONY: docs
docs: dev ## rewrite the generated tables of docs/language.md
	$(BIN)/python .ci/docs.py

.PHONY: new-node
new-node: dev ## KIND=<kind>: declaration, handler, test folder, registry line
	$(BIN)/python .ci/new_node.py $(KIND)

.PHONY: ci
ci: ## what the server runs, nothing else
	.ci/run

.PHONY: clean
clean: ## remove what builds and tests leave behind
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: lock
lock: dev ## renew requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check pip-tools
	$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	    --no-emit-find-links --no-emit-trusted-host --no-header --extra dev -o requirements.lock pyproject.toml
	@sed -i '1i # Pinned versions with hashes for development and tests; `make lock` renews it.' requirements.lock
