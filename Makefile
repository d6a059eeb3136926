# make demo: the first run, from nothing.  make test: all tests but those of built packages.  make test-packages: those.
# make test-fast: the tests that train nothing and start no process, in under a minute.  make test-lowest: the fast ones
# with the lowest versions that are declared.  make lint: style and types.  CONSTRAINTS=constraints.txt installs the exact versions of that file.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*)
CONSTRAINTS ?=
EXTRAS ?= test,lint
PIP = $(BIN)/python -m pip install --quiet $(CONSTRAINTS:%=--constraint %)
FAST := not slow and not training and not subprocess and not real_data

.PHONY: docs sbom demo test test-packages test-fast test-lowest lint install clean

install: $(VENV)/.installed

# A CPU build of torch where pip has one, and torch first: the others then find it installed.
$(VENV)/.installed: setup.cfg $(wildcard plugins/*/setup.cfg)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) $$(sed -n '/^ *torch>=/p' setup.cfg)
	$(PIP) --editable '.[$(EXTRAS)]' $(PLUGINS:%=--editable ./%)
	touch $@

# learn2learn, an optional backend of fsbench-maml: its one release builds on current Python only this way.
# Where even that fails, the tests of the backend are skipped and say so.
$(VENV)/.learn2learn: $(VENV)/.installed plugins/fsbench-maml/learn2learn.txt
	-$(BIN)/python -m pip install --quiet --use-pep517 --no-deps --requirement plugins/fsbench-maml/learn2learn.txt
	-$(BIN)/python -m pip install --quiet --editable './plugins/fsbench-maml[learn2learn]'
	touch $@

demo: install
	$(BIN)/python -m benchmarks.demo

test: install $(VENV)/.learn2learn
	$(BIN)/python -m pytest -n 2 -m "not packages"

test-packages: install
	$(BIN)/python -m pytest -n 0 tests/packages

test-fast: install
	$(BIN)/python -m pytest -n 2 -m "$(FAST)"

# The lowest versions that the setup.cfg files declare, in an environment of their own.
test-lowest:
	$(PYTHON) -m benchmarks.bounds > lowest.txt
	$(MAKE) test-fast VENV=.venv-lowest CONSTRAINTS=lowest.txt EXTRAS=test

# site/docs/index.html: the documentation, built without a warning.
docs: install
	$(PIP) --editable '.[docs]'
	$(BIN)/python -m sphinx -q -W --keep-going -c docs . site

# sbom.json: a bill of materials in CycloneDX's format of everything that .venv has, made by cyclonedx-bom in an environment of its own.
sbom: install
	$(PYTHON) -m venv .venv-sbom
	.venv-sbom/bin/python -m pip install --quiet "cyclonedx-bom>=7,<8"
	.venv-sbom/bin/cyclonedx-py environment $(VENV) --output-format JSON --output-file sbom.json

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .venv-lowest .venv-sbom lowest.txt sbom.json site docs/generated demo .pytest_cache .mypy_cache .ruff_cache
