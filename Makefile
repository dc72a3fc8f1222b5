# `make run` starts everything, `make test` and `make check` prove it. Needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto
PROJECTS := pyproject.toml ares_client/pyproject.toml
export ADVISOR_DATA_DIR ?= $(CURDIR)/.data

.PHONY: help run test test-unit test-long coverage mutants compose-test check format openapi lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

run: $(VENV)/app.stamp ## set up, start PostgreSQL, train if there is no model, serve; Ctrl-C stops
	@exec $(BIN)/advisor up

test: $(VENV)/dev.stamp ## set up and run the tests; ARGS="-k guide" picks some
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

test-unit: $(VENV)/dev.stamp ## the tests that need no process and no socket
	$(BIN)/python -m pytest tests/unit -n $(JOBS) --dist worksteal $(ARGS)

test-long: $(VENV)/dev.stamp ## what takes long for good reason; CHANGELOG.md says when it last passed
	$(BIN)/python -m pytest tests/long -n $(JOBS) $(ARGS)

coverage: $(VENV)/dev.stamp ## which lines the tests reach in their own process
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

mutants: $(VENV)/dev.stamp ## would the unit tests notice a changed formula? About half an hour
	$(BIN)/python -m benchmarks.mutation $(ARGS)

compose-test: $(VENV)/dev.stamp ## the containers for real; without a registry of images: ARGS="--stand-ins --own-engine"
	$(BIN)/python docker/compose_test $(ARGS)

check: $(VENV)/dev.stamp ## lint, types, import rules, migrations, the committed OpenAPI document, stable test ids
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.check_migrations
	$(BIN)/python -m scripts.write_openapi --check
	$(BIN)/python -m scripts.check_collection

format: $(VENV)/dev.stamp ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: $(VENV)/dev.stamp ## write docs/openapi.json from the code
	$(BIN)/python -m scripts.write_openapi

lock: $(VENV)/dev.stamp ## renew the lock files
	scripts/lock.sh

clean: ## remove the virtual environment; your data in .data stays
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.stamp: requirements/app.txt $(PROJECTS) | $(BIN)/python
	$(call install,app)

$(VENV)/dev.stamp: requirements/dev.txt $(PROJECTS) | $(BIN)/python
	$(call install,dev)
	@touch $(VENV)/app.stamp

define install
	@echo "setting up $(VENV) from requirements/$(1).txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/$(1).txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e ./ares_client -e .
	@touch $@
endef
