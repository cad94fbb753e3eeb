# Two commands do all the set-up each: `make demo` and `make test`.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Named, because a comma would end an argument of `call`.
EVERYTHING := .[bench,dev,postgresql,pipeline,notebooks]
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1

.PHONY: help demo test lint format bench results peers gains truth list-truth dvc xiamen berka cdnow santander tables lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# uv resolves in seconds where it can be had; plain pip does the same job otherwise.
define install
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv 2>/dev/null || true
	@if [ -x $(BIN)/uv ] && $(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt -e '$(1)' 2>/dev/null; then :; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '$(1)'; fi
	@mkdir -p $(dir $@) && touch $@
endef

.venv/.core: pyproject.toml constraints.txt
	$(call install,.)

.venv/.dev: pyproject.toml constraints.txt
	$(call install,$(EVERYTHING))
	@touch .venv/.core

demo: .venv/.core  ## the main job on the synthetic bank, from account records to a target list
	@$(BIN)/crmml demo

test: .venv/.dev  ## all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.dev  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev  ## put the code in its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev  ## ratios measured side by side
	$(BIN)/python -m benchmarks

gains: .venv/.dev  ## what each feature family adds, written to docs/gains.md
	$(BIN)/python -m benchmarks.gains

truth: .venv/.dev  ## models of the demo's bank and of a large one beside the truth planted in them, to docs/truth.md (an hour)
	$(BIN)/python -m benchmarks.truth --customers 6000 --seed 4
	$(BIN)/python -m benchmarks.truth $(if $(KEEP),--home $(KEEP))

list-truth: .venv/.dev  ## expected and true value of the demo's list on banks nobody tuned on, to docs/list_truth.md (half an hour)
	$(BIN)/python -m benchmarks.list_truth $(if $(KEEP),--home $(KEEP))

results: .venv/.dev  ## figures on public data, written to docs/results.md (CRMML_DATA names the folder)
	$(BIN)/python -m benchmarks.results $(if $(ONLY),--only $(ONLY))

# Other learners pin other libraries, so they have an environment of their own, and crmml's never holds them.
.venv-peers/.made: benchmarks/peers/constraints.txt .venv/.dev
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	@if [ -x $(BIN)/uv ] && $(BIN)/uv pip install -q --python .venv-peers/bin/python -r $< 2>/dev/null; then :; \
	else .venv-peers/bin/python -m pip install -q --disable-pip-version-check -r $<; fi
	@touch $@

peers: .venv-peers/.made  ## side by side with FLAML and AutoGluon, written to docs/results.md (CRMML_DATA as above; hours)
	$(BIN)/python -m benchmarks.peers $(if $(ONLY),--only $(ONLY))

xiamen: .venv/.core  ## a real bank, the whole way (CRMML_DATA names the folder of public data)
	@$(BIN)/crmml run configs/xiamen

santander: .venv/.core  ## the next product of customers whose holdings are known month by month (CRMML_DATA as above)
	@$(BIN)/crmml run configs/santander

berka: .venv/.core  ## loan customers of a Czech bank: arrears, contribution, behavioural and application model (CRMML_DATA)
	@$(BIN)/crmml run configs/berka
	@$(BIN)/crmml train configs/berka/application.yaml

tables: .venv/.core  ## ready feature tables: card default, term deposit calls, an e-mail test (CRMML_DATA)
	@$(BIN)/crmml run configs/credit_card_default
	@$(BIN)/crmml run configs/bank_marketing
	@$(BIN)/crmml run configs/hillstrom

cdnow: .venv/.core  ## purchases of a shop as an account history: who comes back, how many orders (CRMML_DATA)
	@$(BIN)/crmml run configs/cdnow

dvc: .venv/.dev  ## the demo's stages by dvc repro
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro

lock: .venv/.dev  ## pin every dependency of every extra in constraints.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --all-extras --no-header --no-annotate pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate benchmarks/peers/requirements.in -o benchmarks/peers/constraints.txt

clean:  ## remove results, keep the environment
	rm -rf data out models/mlflow.db models/artifacts models/studies models/promotions.jsonl
