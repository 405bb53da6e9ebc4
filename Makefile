# Every target makes its own .venv: all that a machine needs is Python 3.11 with pip, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

AGENT := examples/research_assistant.py
FLEET := examples/fleets/mixed.yaml
QUESTION ?= Which device classes does the mixed fleet have, and what does a bare SLA such as 4s mean?

# node comes as a wheel with the dev extra; pyright must not ask the package index for a newer release at each run.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export RAY_USAGE_STATS_ENABLED := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench accuracy serve clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## plan the research assistant, then run it on a local Ray
	$(BIN)/orchestrator plan $(AGENT) --fleet $(FLEET)
	$(BIN)/orchestrator run $(AGENT) --fleet $(FLEET) --input "$(QUESTION)"

test: $(INSTALLED_DEV) ## run the test suite; what the machine lacks is skipped with a reason (REQUIRE_ALL=1: fails)
	$(BIN)/python -m pytest tests

check: $(INSTALLED_DEV) ## formatting, lint, types, import rules, layout
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/project

bench: $(INSTALLED_DEV) ## run every benchmarks/bench_*.py and print its ratios
	@found=0; for file in benchmarks/bench_*.py; do \
	  [ -e "$$file" ] || continue; found=1; \
	  echo "== $$file"; $(BIN)/python "$$file" || exit 1; \
	done; [ $$found = 1 ] || echo "no benchmarks/bench_*.py yet: see benchmarks/README.md"

accuracy: $(INSTALLED) ## write docs/accuracy.md from a folder of measurements: make accuracy DATA=path (some minutes)
	@[ -n "$(DATA)" ] || { echo "error: say where the measurements are: make accuracy DATA=path" >&2; exit 1; }
	$(BIN)/python -m costmodel.accuracy_page "$(DATA)" docs/accuracy.md

serve: $(INSTALLED) ## serve the research assistant over HTTP on loopback
	$(BIN)/orchestrator serve $(AGENT) --fleet $(FLEET)

clean: ## remove the virtual environment and every cache
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml | $(BIN)/pip
	$(call pip_install,.)
	@touch $@

$(INSTALLED_DEV): pyproject.toml | $(BIN)/pip
	$(call pip_install,.[dev$(comma)bench$(comma)figures])
	@touch $(INSTALLED) $@

# Downloads fail now and then, so each installation is tried twice.
comma := ,
define pip_install
@echo "installing '$(1)' into $(VENV) (a minute or so the first time)"
@$(BIN)/python -m pip install --quiet --editable '$(1)' \
  || { echo "installation failed; trying once more"; $(BIN)/python -m pip install --quiet --editable '$(1)'; }
endef

# The second way is for systems that package ensurepip apart: the outer pip then installs pip into the environment.
$(BIN)/pip:
	@for candidate in "$(PYTHON)" python3.11 python3.12 python3.13; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$candidate"; \
	    "$$candidate" -m venv --clear $(VENV) >/dev/null 2>&1 && exit 0; \
	    "$$candidate" -m venv --clear --without-pip $(VENV) \
	      && "$$candidate" -m pip --python $(BIN)/python install --quiet pip && exit 0; \
	    echo "error: $$candidate could make no virtual environment: install its venv or pip package" >&2; exit 1; \
	  fi; \
	done; \
	echo "error: Python 3.11 or newer is needed, and $(PYTHON) is '$$($(PYTHON) --version 2>&1)'." >&2; \
	echo "       Install it, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1
