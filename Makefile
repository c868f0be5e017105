# Short names for the jobs of a contributor. CMakePresets.json has the builds themselves.
.DEFAULT_GOAL := help
SHELL := /bin/bash
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 1200
# Debian's, which has numpy and jinja2 from the packages of scripts/setup.
PYTHON ?= /usr/bin/python3

.PHONY: help terminal build test check tidy asan tsan clang neon fuzz bench format docs oracle sdk clients hooks clean

help:  ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

build:  ## Build the release preset: ./build/release/jevons
	scripts/setup build
	scripts/build

test:  ## Everything that must hold before a change goes in (scripts/test)
	scripts/test

check:  ## Format, include rules, sizes, stray text, links, clang-tidy on changed files
	scripts/setup test
	tools/checks/run
	cmake --preset release --log-level=WARNING
	tools/checks/tidy build/release

tidy:  ## clang-tidy on all files
	cmake --preset release --log-level=WARNING
	tools/checks/tidy build/release all

define build_and_test
cmake --preset $(1) --log-level=WARNING
cmake --build --preset $(1)
ctest --preset $(1) --no-tests=error -j $(JOBS)
endef

asan:  ## All tests under AddressSanitizer and UBSan
	$(call build_and_test,asan)

tsan:  ## All tests under ThreadSanitizer (clang 19)
	scripts/setup clang
	$(call build_and_test,tsan)

clang:  ## All tests built with clang 19
	scripts/setup clang
	$(call build_and_test,clang)

neon:  ## The arithmetic for 64-bit ARM, built here and tested under qemu, bit for bit
	scripts/setup neon
	scripts/arm64_packages
	$(call build_and_test,neon)

fuzz:  ## Every fuzz target for FUZZ_SECONDS (default 1200) each, clang 19
	scripts/setup clang
	cmake --preset fuzz --log-level=WARNING
	cmake --build --preset fuzz
	tools/checks/fuzz build/fuzz $(FUZZ_SECONDS)

bench:  ## The micro benchmarks, on a quiet machine
	cmake --preset release --log-level=WARNING
	cmake --build --preset release
	@shopt -s nullglob; for program in build/release/bench/*_bench; do "$$program" || exit 1; done

format:  ## Format every C++ file (clang-format 19)
	tools/checks/format

docs:  ## Check the links and paths that the documents name
	python3 tools/checks/links.py

terminal:  ## A chat on a pseudo terminal, by the real program
	scripts/build
	python3 tests/app/chat_on_a_terminal.py build/release/jevons models/nano.gguf

sdk:  ## The official npm SDKs against the server (needs npm and node 20)
	scripts/build
	tests/sdk/run build/release

clients:  ## Claude Code and other agents, one run with a tool call each (needs npm)
	scripts/build
	tests/clients/run build/release

oracle:  ## The slow comparisons with the oracles: logits, prompts, tokens (that one needs npm)
	scripts/setup test
	scripts/build
	$(PYTHON) tools/quality/check_logits.py build/release/jevons
	ctest --preset release --no-tests=error -R 'prompt_oracle|oracle_self_test'
	@if command -v npm >/dev/null; then tools/tokenizer_oracle/run build/release; \
	  else echo "no npm: token ids were not compared"; fi

hooks:  ## Check format and include rules before each commit
	git config core.hooksPath tools/git-hooks

clean:  ## Remove every build folder
	rm -rf build
