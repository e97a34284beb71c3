# make setup   a working ampp in .venv (.venv/bin/ampp, .venv/bin/amtool, …)
# make run     ampp on :9093, data in ./data
# make test    the test suite        make lint    format, lint, types
# make bench   side by side with Alertmanager        make dist    all artefacts, in dist/ (make dist-test, make install)
# make bench-short   every benchmark once, tiny: that it runs, not how fast
# make lock    resolve the pinned dependencies anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

# The servers that end-to-end and differential tests compare with. Tests that need one that is missing are skipped.
APT_TEST := prometheus prometheus-alertmanager golang-github-prometheus-alertmanager-dev chromium

.DELETE_ON_ERROR:
.PHONY: setup run test lint format bench bench-short dist dist-test install lock clean test-servers

setup: $(VENV)/.installed

# A venv made by hand, or left half made by an interrupted run, is completed rather than trusted.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "ampp needs Python 3.11 or newer; name one with PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created requirements.lock pyproject.toml
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q ampp cli
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

run: setup
	@mkdir -p data
	@echo "ampp on http://localhost:9093/ (configuration: alertmanager.yml.example, data: ./data), Ctrl-C to stop"
	@exec $(BIN)/ampp run --config.file=alertmanager.yml.example --storage.path=data \
	    --web.listen-address=:9093 --cluster.listen-address=

# What is compared with others by the clock has the machine for itself.
TIMED := tests/acceptance tests/crash tests/differential
TEST_JOBS ?= 2
test: $(VENV)/.dev test-servers
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile $(TIMED:%=--ignore=%) $(PYTEST_ARGS)
	$(BIN)/python -m pytest $(TIMED) $(PYTEST_ARGS)

# Only root can install, and only while Debian's mirrors answer; neither is needed to run the rest of the suite.
test-servers:
	@if command -v prometheus >/dev/null && command -v prometheus-alertmanager >/dev/null && \
	    command -v chromium >/dev/null && \
	    test -d /usr/share/gocode/src/github.com/prometheus/alertmanager; then :; \
	elif command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
	    echo "installing $(APT_TEST)"; \
	    packaging/apt-install $(APT_TEST) || echo "SKIP: could not install $(APT_TEST); tests that need them are skipped"; \
	else \
	    echo "SKIP: Prometheus and Alertmanager are not installed; tests that need them are skipped"; \
	    echo "      as root: apt-get install $(APT_TEST)"; \
	fi

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev test-servers
	$(BIN)/python -m compileall -q ampp cli
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

# Needs no Alertmanager: without one it runs ampp alone.
bench-short: $(VENV)/.dev
	$(BIN)/python -m benchmarks --short
	$(BIN)/python -m benchmarks.stages --short --active 640
	$(BIN)/python -m benchmarks.growth --short
	$(BIN)/python -m benchmarks.rendering --short
	$(BIN)/python -m benchmarks.durable --seconds 1
	$(BIN)/python -m benchmarks.history --events 2000 --sets 200 --questions 1
	$(BIN)/python -m benchmarks.backtest --records 1000
	$(BIN)/python -m benchmarks.soak --rate 1000 --minutes 0.05 --active 500

# Wheel and sdist, and what carries all it needs: see docs/installation.md. `dist-test` runs what was built.
dist: setup
	@command -v objdump >/dev/null || packaging/apt-install binutils
	rm -rf dist
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} \
	    $(BIN)/python -m build --no-isolation --outdir dist .
	$(PYTHON) packaging/build.py dist/ampp-*-py3-none-any.whl

dist-test: $(VENV)/.dev
	$(BIN)/python -m pytest tests/artefact $(PYTEST_ARGS)

# The one-dir build in PREFIX (/usr/local), with unit and environment file; DESTDIR for packagers.
install:
	@test -e dist/ampp-*-linux-*.tar.gz || { echo "nothing to install: make dist" >&2; exit 1; }
	rm -rf build/install && mkdir -p build/install
	tar -xzf dist/ampp-*-linux-*.tar.gz -C build/install
	build/install/ampp-*/install

LOCK := $(BIN)/pip-compile --quiet --no-config --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
    --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header
lock: $(VENV)/.dev
	$(PIP) install --quiet pip-tools
	$(LOCK) --upgrade --extra build --output-file requirements.lock pyproject.toml
	$(LOCK) --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	$(LOCK) --constraint requirements.lock --output-file packaging/run.lock pyproject.toml
	$(LOCK) --extra package --constraint requirements.lock --output-file packaging/tools.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
