PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test docs clean

help: ## show the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

demo: $(VENV)/demo.installed ## train a small model on real data and print its scores
	$(BIN)/dalsegno run configs/demo.yaml

test: $(VENV)/test.installed ## check everything: style, types, imports, tests, docs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 8

docs: $(VENV)/test.installed ## show the documentation at http://127.0.0.1:8000 while it is written
	$(BIN)/mkdocs serve

clean: ## remove what these commands made, stored experiments excepted
	rm -rf .venv .ci-venv site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# `demo` and `test` name extras of the package; a changed requirement installs again.
$(VENV)/%.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed and '$(PYTHON)' is not one; name one that is: make PYTHON=python3.12 ..." >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[$*]'
	@touch $@
