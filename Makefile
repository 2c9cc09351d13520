# Everything that is typed often. `make` lists the targets; `make bench` and `make test` set themselves up.
.DEFAULT_GOAL := help
.PHONY: help setup bench data leaderboard report example regress test test-slow lint types audit benchmark benchmark-compare readme docs corpus clean
SHELL := bash

PROTOCOL ?= cross_generator
DATA ?= embedded
REAL ?=
BASE_DEGRADATION ?= none
DETECTORS ?=
DEVICE ?= auto
OUT ?=
LIMIT ?=
SEED ?= 0
ARGS ?=
OLD ?=
NEW ?= .benchmarks/latest.json
PYTHON ?= python3
LINEUP := .venv/bin/lineup
PIP_AUDIT := pip-audit==2.10.1
READY := .venv/.ready
READY_DEV := .venv/.ready-dev
READY_DOCS := .venv/.ready-docs
INSTALL := .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 19
	@echo "Variables: PROTOCOL DATA REAL BASE_DEGRADATION DETECTORS DEVICE OUT LIMIT SEED OLD NEW, and ARGS for further"
	@echo "options of lineup run, as in: make bench PROTOCOL=degradation ARGS='--degradations jpeg:65'"

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "lineup: $(PYTHON) was not found; install Python 3.11 or later, or give PYTHON=" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "lineup: $(PYTHON) is older than 3.11; give a newer one with PYTHON=" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "lineup: $(PYTHON) cannot make virtual environments; install its venv package (Debian: python3-venv)" >&2; exit 2; }
	@$(PYTHON) -m venv .venv

$(READY): pyproject.toml constraints.txt | .venv/bin/python
	@echo "Setting up .venv (once; a few minutes, most of it torch)"
	@$(INSTALL) --editable .
	@.venv/bin/python -m compileall -q lineup_bench bench detectors protocols # as pip does with all that is not editable
	@touch $@

$(READY_DEV): $(READY) tests/plugin/pyproject.toml $(wildcard tests/plugin/*.py)
	@echo "Setting up the test tools in .venv"
	@$(INSTALL) --editable '.[dev]'
	@$(INSTALL) --force-reinstall --no-deps ./tests/plugin
	@touch $@

$(READY_DOCS): $(READY)
	@echo "Setting up what builds the documentation in .venv"
	@$(INSTALL) --editable '.[docs]'
	@touch $@

setup: $(READY_DEV) ## make .venv with everything in it

bench: $(READY) ## answer PROTOCOL on DATA and print the leaderboard
	@$(LINEUP) run --protocol '$(PROTOCOL)' --data '$(DATA)' --device '$(DEVICE)' --seed '$(SEED)' $(if $(OUT),--out '$(OUT)') \
	  --base-degradation '$(BASE_DEGRADATION)' $(if $(REAL),--real '$(REAL)') $(if $(DETECTORS),--detectors '$(DETECTORS)') \
	  $(if $(LIMIT),--limit '$(LIMIT)') $(ARGS)

data: $(READY) ## say what DATA holds and what tells its classes apart
	@$(LINEUP) data '$(DATA)' --audit $(if $(REAL),--real '$(REAL)') $(if $(LIMIT),--limit '$(LIMIT)')

leaderboard: $(READY) ## print the leaderboard of the run in OUT, or of all runs of PROTOCOL
	@$(LINEUP) leaderboard $(if $(OUT),'$(OUT)',results/runs/$(PROTOCOL)*)

report: $(READY) ## write one page of the run in OUT, or of all runs of PROTOCOL: report.html
	@$(LINEUP) report $(if $(OUT),'$(OUT)',results/runs/$(PROTOCOL)*) --out report.html

example: $(READY) ## make results/example again: all detectors under the main protocols, and the page (hours)
	@$(LINEUP) run --detectors all --out results/example/cross_generator
	@$(LINEUP) run --detectors all --protocol degradation --out results/example/degradation
	@$(LINEUP) report results/example/cross_generator results/example/degradation --out results/example/report.html

regress: $(READY) ## compare with the golden record; fails where accuracy fell
	@$(LINEUP) regress

test: $(READY_DEV) ## run the tests
	@# one thread each: threads of two workers on two cores spend their time waiting for each other;
	@# and compiled modules are kept, as some sixty tests start the command
	@OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -q --numprocesses 2 --dist loadfile --durations 10

test-slow: $(READY_DEV) ## run the tests that take minutes
	@.venv/bin/python -m pytest -q -m slow

lint: $(READY_DEV) ## check style, formatting and layers
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports

types: $(READY_DEV) ## check types
	@.venv/bin/mypy

audit: $(READY) ## ask the advisory service whether a weakness of an installed version is known; needs the network
	@# in an environment of its own, so that what audits is no part of what is audited; --strict, as a package that could
	@# not be asked about is not one without weaknesses
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(PYTHON) -m venv "$$folder/venv" \
	  && "$$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check '$(PIP_AUDIT)' \
	  && .venv/bin/python -m pip freeze --exclude-editable > "$$folder/installed.txt" \
	  && "$$folder/venv/bin/pip-audit" --strict --disable-pip --no-deps --progress-spinner off -r "$$folder/installed.txt" \
	  || { echo "lineup: the audit did not pass: see the lines above, for a known weakness or for the service that did not answer" >&2; exit 2; }

benchmark: $(READY_DEV) ## time every stage into the file NEW, and say what is slower than in the file OLD, if one is given
	@[ '$(OLD)' != '$(NEW)' ] || { echo "lineup: OLD and NEW are one file, $(NEW), which would be written anew; name another" >&2; exit 2; }
	@mkdir -p '$(dir $(NEW))'
	@.venv/bin/python -m pytest -q tests/benchmarks --benchmark-only --benchmark-json '$(NEW)'
	@$(if $(OLD),.venv/bin/python -m tests.benchmarks.compare '$(OLD)' '$(NEW)',echo 'Written: $(NEW); make benchmark-compare OLD= NEW= compares two')

benchmark-compare: $(READY_DEV) ## say what is slower in the benchmarks of the file NEW than in OLD
	@.venv/bin/python -m tests.benchmarks.compare '$(OLD)' '$(NEW)'

readme: $(READY) ## write the reference pages, docs/reference, anew from the code
	@.venv/bin/python docs/references.py

docs: $(READY_DOCS) ## build the documentation as a site that needs no network: docs/_build/index.html
	@.venv/bin/python -m sphinx --quiet --fail-on-warning --keep-going --builder html docs docs/_build
	@echo "Written: docs/_build/index.html"

corpus: $(READY) ## make the embedded corpus and print its folder
	@$(LINEUP) corpus

clean: ## remove what was built here; the cache folder and results stay
	rm -rf .venv dist docs/_build .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
