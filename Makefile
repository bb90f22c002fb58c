# Two commands do all the set-up: `make demo` and `make test`. Everything lands in .venv/ and .sluice/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := sluice infra functions bench policy_pack __main__.py pipeline.py .github/scripts bootstrap
JOBS ?= auto
# Each function ships the dependency group that is called like its folder.
GROUPS := $(subst _,-,$(patsubst functions/%/handler.py,%,$(wildcard functions/*/handler.py)))

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak check bench format lock docs judge opensearch emulation actionlint policies clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with every pinned dependency

# uv installs in seconds; pip, slower, takes over where only pip knows the way to the package index.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Sluice needs Python 3.11 or newer, '$(PYTHON)' is $$($(PYTHON) -V 2>&1); try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "Setting up $(VENV) (once, about a minute) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "error: $(PYTHON) cannot create virtual environments; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock 2>$(VENV)/uv.log \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q sluice infra
	@touch $(READY)

demo: $(READY) ## Run the whole pipeline on this machine and print its balance
	@$(BIN)/sluice demo $(or $(ARGS),--poison 2 --duplicates 2)

test: $(READY) ## Run every test, in parallel and offline
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: $(READY) ## Prove live aggregates exact in many more cases (EXAMPLES=20000)
	@SLUICE_EXAMPLES=$(or $(EXAMPLES),20000) $(BIN)/python -m pytest -q -n 0 tests/property/test_windows.py $(ARGS)

check: $(READY) ## Lint, types, architecture and documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/docs

bench: $(READY) ## Measure every claim beside its peer and its floor
	@for script in bench/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

format: $(READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## Write the generated pages again
	$(BIN)/python -m sluice.cli.reference > docs/commands.md

lock: $(READY) ## Pin the newest allowed versions, for the project and for each Lambda
	$(BIN)/uv pip compile pyproject.toml --group dev $(GROUPS:%=--group %) --universal --python-version 3.11 --upgrade --generate-hashes \
	  --no-emit-index-url --no-header --annotation-style line -q -o requirements.lock
	$(BIN)/python -m infra.function_locks
	$(BIN)/uv pip compile policy_pack/requirements.in --universal --python-version 3.11 --upgrade --generate-hashes \
	  --no-emit-index-url --no-header --annotation-style line -q -o policy_pack/requirements.txt

judge: ## Fetch AWS's own matcher of filter patterns, which tests compare with (needs Java 17 and Maven)
	@command -v mvn >/dev/null || { echo "error: no Maven; on Debian: apt-get install maven default-jdk-headless" >&2; exit 2; }
	@mvn -q -B -f tests/judge/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/.sluice/judge

opensearch: $(READY) ## Fetch a real OpenSearch node for the local cloud (53 MB; needs Java 17 and Maven)
	@command -v mvn >/dev/null || { echo "error: no Maven; on Debian: apt-get install maven default-jdk-headless" >&2; exit 2; }
	@mvn -q -B -f tests/opensearch/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/.sluice/opensearch
	@$(BIN)/python -m sluice.local.opensearch.build

policies: policy_pack/.venv/.ready ## Set up the policy pack, for pulumi preview --policy-pack policy_pack

# It has an environment of its own: pulumi-policy wants an older protobuf than the project has.
policy_pack/.venv/.ready: policy_pack/requirements.txt $(READY)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python policy_pack/.venv
	@VIRTUAL_ENV=policy_pack/.venv $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r policy_pack/requirements.txt
	@touch $@

ACTIONLINT := v1.7.12

actionlint: ## Build the linter of GitHub's workflows (needs Go)
	@command -v go >/dev/null || { echo "error: no Go; see https://go.dev/doc/install" >&2; exit 2; }
	@GOBIN=$(CURDIR)/.sluice/bin go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT)

emulation: ## Fetch a Python for arm64 that imports packages as Lambda does (30 MB; on Debian)
	@tests/emulation/fetch.sh

clean: ## Remove what setup and runs have left
	rm -rf $(VENV) policy_pack/.venv .sluice .pytest_cache .mypy_cache .ruff_cache .hypothesis
