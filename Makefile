# Needs python3.11+ (with venv), make and a package registry; nothing else. `make` alone prints the targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
TWINS := $(shell find shared services -name '*.pxd')
KERNEL := $(wildcard shared/kernel/*.pyx shared/kernel/*.pxi) $(TWINS) $(TWINS:.pxd=.py)
ARGS ?=

.PHONY: help setup run test verify lint fmt bench lock clean

help: ## Print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.ok .venv/.kernel .env ## Make .venv, install what is pinned, compile the kernel if possible

run: setup ## Trade on the local exchange (ARGS="--for 60 --json" is passed on)
	@$(BIN)/peregrine run $(ARGS)

test: setup ## Run all tests (ARGS="-k book" is passed on)
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup $(ARGS)

verify: setup ## Run all tests in full size: long runs, many seeds
	@PEREGRINE_FULL=1 $(BIN)/python -m pytest -q --timeout 3600 -o faulthandler_timeout=0 $(ARGS)

lint: setup ## Check style, format and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

fmt: setup ## Format and repair what can be repaired
	@$(BIN)/ruff check --fix-only -q . && $(BIN)/ruff format .

bench: setup ## Measure the hot path on this machine
	@$(BIN)/python -m bench $(ARGS)

lock: setup ## Write requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --extra dev --extra build pyproject.toml -o requirements.lock

clean: ## Remove everything that was made here, but not .env and var
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis shared/kernel/*.c
	@find shared services -name '*.so' -exec rm -f {} +
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ok: requirements.lock pyproject.toml setup.py scripts/setup.sh
	@sh scripts/setup.sh venv

.venv/.kernel: .venv/.ok setup.py $(KERNEL)
	@sh scripts/setup.sh kernel

.env:
	@umask 077 && cp .env.example .env
