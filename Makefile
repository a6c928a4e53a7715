PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
.DEFAULT_GOAL := help

$(VENV):
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.txt | $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

install: $(DEVELOPMENT)  ## install everything into .venv

demo: $(RUNTIME)  ## start the exchange on this machine (ROUNDS=1: clear one round and stop)
	$(BIN)/python manage.py demo $(if $(ROUNDS),--rounds $(ROUNDS))

test: $(DEVELOPMENT)  ## run all tests (ARGS="-k name" narrows them)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

lint: $(DEVELOPMENT)  ## check format, style, types and who imports whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: $(DEVELOPMENT)  ## measure the engine and the ledger beside their comparators
	$(BIN)/python -m tests.benchmarks $(ARGS)

messages: $(DEVELOPMENT)  ## collect new strings into the Chinese catalogue, and compile it (needs gettext)
	$(BIN)/python manage.py makemessages -l zh_Hans --no-location --no-wrap --no-obsolete --ignore '.*' --ignore tests --ignore docs
	$(BIN)/python manage.py compilemessages -l zh_Hans --ignore '.*'

shell: $(DEVELOPMENT)  ## a Django shell on the project's own database
	$(BIN)/python manage.py shell

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: install demo test lint bench messages shell help
