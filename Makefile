# SPDX-License-Identifier: Apache-2.0
# Every target does its own set-up (instant when nothing changed). `make` alone lists them.

BIN := .venv/bin
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(JOBS)

.DEFAULT_GOAL := help
.PHONY: help setup sim test regress verilog prove bench fpga lint quick-lint format docs lock clean distclean

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

setup: ## find Python >= 3.13, make .venv from requirements.lock, prepare the simulator
	@sh scripts/setup.sh

sim: setup ## the whole machine: every function and attack scenario -> build/sim/report.html, report.json
	@$(BIN)/yingzhou sim

test: setup ## block, model, firmware and project tests
	@$(PYTEST)

regress: setup ## deeper and longer tests: everything `make test` runs and what is marked regress
	@HYPOTHESIS_PROFILE=regress $(PYTEST) -m ""

verilog: setup ## drop-in Verilog of every block -> build/verilog
	@$(BIN)/yingzhou generate

prove: setup ## formal proofs of guard, memory engine and cache (about 9 min of processor time) -> build/prove/results.md
	@$(BIN)/yingzhou prove

bench: setup ## all variants side by side -> build/bench/results.csv, report.html
	@$(BIN)/yingzhou bench

fpga: setup ## size and speed of the blocks on ECP5 -> build/fpga
	@$(BIN)/yingzhou synth

lint: setup quick-lint ## style, types, licence lines, countermeasure table, C and C++ warnings
	@$(BIN)/pyright --warnings
	@$(BIN)/python scripts/lint_c.py

quick-lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/python scripts/check_tree.py

format: setup ## rewrite Python files in the house style
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

docs: setup ## register pages, memory map, list of decisions from their sources, and a check of every page
	@$(BIN)/python scripts/make_docs.py
	@$(BIN)/python -m pytest -q tb/test_docs.py

lock: ## resolve requirements.in into requirements.lock (needs uv and the network)
	@sh scripts/lock.sh

clean: ## remove everything that was made, but not .venv
	rm -rf build

distclean: clean ## remove .venv too
	rm -rf .venv
