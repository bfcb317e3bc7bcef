# Two commands for newcomers: `make demo` and `make test`. Each sets up what it needs first.
SHELL := /bin/bash
VENV := .venv
VENDOR := contact_centre/console/vendor
BIN := $(VENV)/bin
PYTHON ?= python3
KEEP ?=

.PHONY: demo test check fast e2e bench fuzz soak docker-test setup asterisk chromium texts lock clean

# What browsers need is bundled only where somebody will look.
demo: $(VENV)/.complete asterisk $(if $(KEEP),$(VENDOR)/.complete)
	@$(BIN)/python -m contact_centre.demo.story $(if $(KEEP),--keep)

# Fast parts first: a mistake is told within seconds, not after the telephones.
test: setup
	@$(MAKE) --no-print-directory fast
	@$(MAKE) --no-print-directory e2e

fast: setup
	@$(BIN)/pytest -q -n 2 --dist loadfile tests/unit tests/scenarios --cov=telephony/core --cov=telephony/wire --cov-branch --cov-report=term --cov-fail-under=100
	@$(BIN)/pytest -q -n 4 --dist loadfile tests/contract tests/integration

# tests/e2e/conftest.py says which files come first.
e2e: setup asterisk chromium
	@$(BIN)/pytest -q -n 5 --dist loadfile --no-loadscope-reorder tests/e2e

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup asterisk chromium
	@for one in tests/bench/bench_*.py; do echo "== $$one"; $(BIN)/python $$one || exit 1; done

# Builds the images, starts an installation of its own, calls both lines through it, and removes it again.
docker-test:
	@$(PYTHON) docker/test-call --all

# A million inputs for every codec (ten minutes of one processor).
fuzz: setup
	@FUZZ_INPUTS=1000000 FUZZ_EXAMPLES=20000 $(BIN)/pytest -q -n 2 --timeout 3000 tests/unit/telephony/test_ami_codec.py tests/unit/telephony/test_agi.py tests/unit/telephony/test_cel_lines.py

# Twenty minutes of cuts, kills and restarts of either side; the live view must be Asterisk's own at the end.
soak: setup asterisk
	@LIVE_SECONDS=1200 LIVE_SEED=7 $(BIN)/pytest -q --timeout 2000 tests/e2e/test_live.py -k random

setup: $(VENV)/.complete $(VENDOR)/.complete

# The packages of web/, bundled for browsers. The lock file has hashes; nothing of the packages runs but esbuild.
$(VENDOR)/.complete: web/package.json web/package-lock.json $(wildcard web/*.js web/*.css)
	@command -v npm >/dev/null || { echo "Installing nodejs and npm ..."; \
	  apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; }; } || { \
	  echo "npm is missing and could not be installed: as root, apt-get install nodejs npm"; exit 3; }
	@echo "Bundling the packages of web/ for browsers ..."
	@cd web && npm ci --silent --ignore-scripts --no-audit --no-fund && npm run --silent build
	@touch $@

$(VENV)/.complete: requirements.lock pyproject.toml
	@echo "Making the virtual environment ..."
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  echo "Installing python3-venv ..."; \
	  apt-get install -y -qq python3-venv >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; } && \
	  $(PYTHON) -m venv --clear $(VENV); } || { \
	  echo "Python's venv is missing and could not be installed: as root, apt-get install python3-venv; or use Docker:"; \
	  echo "  docker compose -f docker/compose.yaml up"; exit 3; }
	@echo "Installing the packages of requirements.lock ..."
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The tests' browser: Debian's.
chromium:
	@command -v chromium >/dev/null || { echo "Installing chromium ..."; \
	  apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; }; } || { \
	  echo "chromium is missing and could not be installed: as root, apt-get install chromium"; exit 3; }

asterisk:
	@./asterisk-config/provide-asterisk >/dev/null
	@./asterisk-config/provide-asterisk --tools >/dev/null

# What code and templates say to people, into the catalogue; what is new there waits for its words (a test looks).
texts: setup
	@mkdir -p var
	@cd contact_centre/console && ../../$(BIN)/pybabel -q extract -F locale/babel.cfg -k N_ --add-location=file --sort-output -o ../../var/console.pot . \
	  && ../../$(BIN)/pybabel -q update -i ../../var/console.pot -o locale/uk.po -l uk --no-fuzzy-matching --no-wrap --ignore-pot-creation-date

# Hashes, and no addresses of registries.
lock: setup
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-header -o requirements.lock -q
	uv pip compile pyproject.toml -c requirements.lock --universal --generate-hashes --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-header -o requirements-run.lock -q
	uv pip compile docker/requirements-build.in -c requirements.lock --universal --generate-hashes --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-header -o docker/requirements-build.lock -q

clean:
	rm -rf $(VENV) $(VENDOR) web/node_modules var .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
