# Everything starts here. `make demo` and `make test` set up what they need by themselves.

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
CRASH_KILLS ?= 200

# The first Python that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help install install-dev demo test crash check lint format types imports package \
	screenshots pictures record bench clean

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment" \
		"(on Debian: install python3-venv)" >&2; rm -rf $(VENV); exit 1; }

# The stamps are newer than what they were made from, so nothing is installed twice.
$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(VENV)/.installed  ## the programs, into .venv
install-dev: $(VENV)/.installed-dev  ## with everything the checks need

demo: install  ## a real workflow in the live dashboard (plain output without a terminal)
	@$(BIN)/python scripts/demo.py

test: install-dev  ## all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

crash: install-dev  ## the crash tests, CRASH_KILLS kills at random instants
	PRODIGY_CRASH_KILLS=$(CRASH_KILLS) $(BIN)/python -m pytest tests/crash --timeout 7200

check: lint types imports package pictures  ## everything but the tests

lint: install-dev  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: install-dev  ## let ruff rewrite the files
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: install-dev  ## mypy --strict
	$(BIN)/mypy

imports: install-dev  ## who may import whom
	$(BIN)/lint-imports

package: install  ## the wheel builds, installs and runs elsewhere
	$(BIN)/python scripts/check_package.py

screenshots: install-dev  ## pictures of every screen
	$(BIN)/python -m screenshots.make

pictures: install-dev  ## the committed pictures are what the screens show
	$(BIN)/python -m screenshots.make --check

record: install-dev  ## a recording of a run that fails, is repaired and resumed
	$(BIN)/python scripts/record.py

bench: install-dev  ## measure; the table is in benchmarks/README.md
	$(BIN)/python -m benchmarks.run

clean:  ## everything that was made here
	rm -rf $(VENV) .demo build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
