# make run: the app on this machine.  make test: lint, types, all tests.  Each does all its own set-up.
.DEFAULT_GOAL := run
.PHONY: run install test tests lint types audit compiled bounds lock words clean

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python

run: install
	$(BIN)/streamlit run app.py

install: .venv/installed .venv/compiled

# Types and bounds are checked in the time that tests leave: they wait for servers and browsers now and then.
# Compiled files are kept, or each process that a test starts would compile all of them anew.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/installed-dev
	@$(MAKE) --no-print-directory -j 7 lint audit tests types bounds

# Long files begin first: see tests/conftest.py.
tests: compiled .venv/compiled .venv/installed-chromium
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

# What cannot be compiled is shown by the run of the tests.
compiled: .venv/installed-dev
	@$(BIN)/pytest --collect-only -qq -p no:schemathesis tests >/dev/null || :

# Compiled code checks no bounds: the kernels' tests run once with checks and once without.
bounds: .venv/installed-dev
	NUMBA_OPT=1 NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/.venv/checked nice $(BIN)/pytest -q -p no:schemathesis tests/model/kernels --ignore tests/model/kernels/test_lanes.py

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	nice $(BIN)/mypy

# Says so where no advisories can be had, and fails on a known vulnerability that .ci/audit.toml does not explain.
audit: .venv/installed-dev
	$(BIN)/python .ci/audit.py

# After each change of requirements.txt: every package that it brings along, for all platforms, by its hash.
lock: .venv/installed-dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make lock" requirements.txt -o requirements.lock
	@grep '^uv==' requirements-dev.txt | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-annotate --custom-compile-command "make lock" - -o .ci/uv.lock

# After each change of a sentence: the English messages for whoever translates them, and the same in each catalogue,
# where a new one is empty until somebody does. Then all catalogues are compiled and checked. Nothing is guessed.
words: .venv/installed-dev
	$(BIN)/pybabel --quiet extract --no-default-keywords -k "tr plural:1,2 mark:1,1t mark:1,2c,2t mark_plural:1,2 ExpertEntry:4" \
		--add-comments "Translators:" --omit-header --add-location file --sort-by-file --no-wrap \
		--output dashboard/words/dockcast.pot dashboard model/experts
	$(BIN)/pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap \
		-D dockcast -i dashboard/words/dockcast.pot -d dashboard/words/locale
	$(BIN)/pytest -q tests/dashboard/words/test_locales.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Dockcast needs Python 3.11 or newer; or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# uv installs what pip would, in a fraction of the time.
.venv/installed: requirements.lock .ci/uv.lock $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r .ci/uv.lock
	$(UV) --require-hashes -r requirements.lock
	@touch $@

# Compiles the forecaster's kernels, anew where one has changed.
.venv/compiled: $(wildcard model/kernels/*.py) .venv/installed
	$(BIN)/python -m model
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(UV) -r requirements-dev.txt
	@touch $@

# Debian's Chromium without a window where we may install it, or the Chromium that is there, or Playwright's own build.
.venv/installed-chromium: .venv/installed-dev
	@command -v chromium-headless-shell >/dev/null 2>&1 \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium-headless-shell; } \
	|| command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 \
	|| $(BIN)/playwright install --only-shell chromium
	@touch $@
