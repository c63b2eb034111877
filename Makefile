# Everything happens in a virtual environment with the versions of tests/constraints.txt, which
# needs no more than Python 3.11 or newer, pip, make and git. The torch of the machine itself is
# never touched. To train with a torch that a GPU box already has, leave this file aside and run
# `python -m pip install -e .` in that torch's own environment: any torch >= 2.10 is kept as it is.
#
#   make run                      the app            make run ARGS="watch"   any other command
#   make test ARGS="-k store"     the tests          make test-slow          those that take minutes
#   make check                    format, lint, types, imports, docs         make format
#   make docs                     the generated pages of docs/
#   make bench                    measured figures   make bench-peers        other frameworks too
#   make bench-ui                 the screen's figures, beside other terminal viewers'
#   make test-gpu                 on a CUDA device   make clean              all but your runs

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install -c tests/constraints.txt
# Stamps: a second call installs nothing.
FOR_RUNNING := $(VENV)/.installed-to-run
FOR_TESTING := $(VENV)/.installed-to-test
REQUIREMENTS := pyproject.toml tests/constraints.txt
# The frameworks to compare with have an environment of their own, which shares our torch.
PEERS := $(VENV)/peers
FOR_PEERS := $(PEERS)/.installed
# Other viewers of runs have one of theirs.
VIEWERS := $(VENV)/viewers
FOR_VIEWERS := $(VIEWERS)/.installed
# OpenSpiel, whose rules of games ours are compared with, has one too.
SPIEL := $(VENV)/spiel
FOR_SPIEL := $(SPIEL)/.installed
PACKAGES = import sysconfig; print(sysconfig.get_path("purelib"))
# Not with the others: these need what not every machine has.
BENCHES = $(filter-out %/bench_peers.py %/bench_gpu.py %/bench_screen.py, $(wildcard tests/benchmarks/bench_*.py))

.PHONY: run test test-slow test-gpu check format docs bench bench-peers bench-ui clean

run: $(FOR_RUNNING)
	@$(BIN)/bigmodel-tui $(ARGS)

test: $(FOR_TESTING)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: $(FOR_TESTING)
	-@$(MAKE) --no-print-directory $(FOR_PEERS)
	-@$(MAKE) --no-print-directory $(FOR_SPIEL)
	$(BIN)/pytest -m 'slow or figure' --timeout 1800 $(ARGS)

test-gpu: $(FOR_TESTING)
	$(BIN)/pytest -m gpu -rs -s tests/gpu $(ARGS)
	$(BIN)/python tests/benchmarks/bench_gpu.py

check: $(FOR_TESTING)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/tui/commands/test_docs.py

format: $(FOR_TESTING)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(FOR_RUNNING)
	@$(BIN)/bigmodel-tui docs docs

bench: $(FOR_TESTING)
	@for file in $(BENCHES); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

bench-peers: $(FOR_TESTING) $(FOR_PEERS)
	$(BIN)/python tests/benchmarks/bench_peers.py $(PEERS)/bin/python $(ARGS)

bench-ui: $(FOR_TESTING) $(FOR_VIEWERS)
	$(BIN)/python tests/benchmarks/bench_screen.py $(VIEWERS)/bin $(ARGS)

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find engine presets tui tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(FOR_RUNNING): $(REQUIREMENTS) | $(BIN)/python
	$(PIP_INSTALL) -e .
	@touch $@

$(FOR_TESTING): $(REQUIREMENTS) | $(BIN)/python
	$(PIP_INSTALL) -e '.[test,check]'
	@touch $@ $(FOR_RUNNING)

# Our packages are in sight of the other environment, so that pip takes torch as it is.
$(FOR_PEERS): | $(FOR_TESTING)
	$(BIN)/python -m venv $(PEERS)
	$(BIN)/python -c '$(PACKAGES)' > "$$($(PEERS)/bin/python -c '$(PACKAGES)')/ours.pth"
	$(PEERS)/bin/python -m pip install -c tests/constraints.txt lightning transformers accelerate keras
	@touch $@

# Not a failure where they cannot be had: the bench says so.
$(FOR_VIEWERS): | $(BIN)/python
	$(BIN)/python -m venv $(VIEWERS)
	-$(VIEWERS)/bin/python -m pip install wandb terminalboard 'plotext<6' tensorboard asyncssh
	@touch $@

$(FOR_SPIEL): | $(BIN)/python
	$(BIN)/python -m venv $(SPIEL)
	$(SPIEL)/bin/python -m pip install open-spiel
	@touch $@
