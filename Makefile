# CryptoTL's commands for people and for CI. CMake does the work: `cmake --list-presets` shows it without this file.

BUILD := build
PREFIX ?= /usr/local
# One compiler job takes up to 3 GiB where LibTorch's headers are read.
JOBS := $(shell awk -v cores=$$(nproc) '/MemAvailable/ {fit = int($$2 / 3145728)} \
	END {print (fit < 1 ? 1 : fit < cores ? fit : cores)}' /proc/meminfo)
SOURCES = $(shell git ls-files '*.h' '*.cc')

.PHONY: help setup configure build demo sanitize test test-long format lint bench bench-peers bench-batches \
	reproduction privacy install clean
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## install the Debian packages that are missing
	@tools/setup

configure: setup
	@cmake --preset release --log-level=WARNING

build: configure  ## set up and build everything into build/
	cmake --build --preset release -j $(JOBS)

demo: configure  ## set up, build and run the whole story on example data: start here
	cmake --build --preset release -j $(JOBS) --target programs
	$(BUILD)/cryptotl demo

sanitize: setup  ## build parsers, engine and service with sanitizers into build/sanitize/
	@cmake --preset sanitize --log-level=WARNING
	cmake --build --preset sanitize -j $(JOBS)

test: build sanitize  ## set up, build and run the tests, the sanitizer build's included
	tools/test-venv $(BUILD)
	ctest --test-dir $(BUILD) -j $(JOBS) -LE '^long$$' --output-on-failure --no-tests=error

test-long: build sanitize  ## what test leaves out: more suites under sanitizers, a campaign of 1,000 random networks
	ctest --test-dir $(BUILD) -j $(JOBS) -L '^long$$' --output-on-failure --no-tests=error
	CRYPTOTL_PROPERTY_CASES=1000 $(BUILD)/tests/execute/cryptotl_execute_tests --gtest_filter='Campaign*'

format:  ## format the C++ sources in place
	clang-format -i $(SOURCES)

lint: configure  ## run clang-tidy over the sources
	clang-tidy -p $(BUILD) --quiet $(filter src/%.cc,$(SOURCES))

bench: configure  ## build and run the kernel benchmarks and the whole pass
	cmake --build --preset release -j $(JOBS)
	for program in $(BUILD)/bench/cryptotl_*_bench; do $$program || exit 1; done
	$(BUILD)/cryptotl bench forward --json

bench-peers: configure  ## measure other libraries beside this one into docs/benchmarks/; PEERS="--only lattigo"
	cmake --build --preset release -j $(JOBS) --target programs
	python3 -B tools/peers --programs $(BUILD) $(PEERS)

bench-batches: configure  ## measure whole batches beside the plain network into docs/benchmarks/
	cmake --build --preset release -j $(JOBS) --target programs
	python3 -B tools/batches --programs $(BUILD)

reproduction: configure  ## run the paper's experiment into docs/; REPRODUCTION="--data FOLDER" adds sets
	cmake --build --preset release -j $(JOBS) --target programs
	python3 -B tools/reproduction --programs $(BUILD) $(REPRODUCTION)

privacy: configure  ## measure what differential privacy costs into docs/; PRIVACY="--data FOLDER" adds sets
	cmake --build --preset release -j $(JOBS) --target programs
	python3 -B tools/privacy --programs $(BUILD) $(PRIVACY)

install: build  ## install programs, libraries and headers below PREFIX (/usr/local)
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:  ## remove build/
	rm -rf $(BUILD)
