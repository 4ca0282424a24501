# SPDX-License-Identifier: Apache-2.0
#
# The commands of the project; `make help` lists them. What they do stands in scripts/.

# make run: how many of each service.
GATEWAYS = 1
BOARDS = 1
HISTORIES = 1
# make run: the first gateway's address; HOST=0.0.0.0 opens it to the network.
HOST = 127.0.0.1
PORT = 8080
# make run: where boards, the secret and the logs are kept.
DATA = data

PARTS := lint k8s-check unit asan tsan web service chaos hostile k8s sim browser fuzz

# make hostile, make chaos: how long; make recovery: how often each; with which seed and store (sqlite, mongo).
MINUTES = 10
TIMES = 20
SEED = 1
STORE = sqlite

# make fuzz: seconds for each fuzzer.
FUZZ_S = 10
export FUZZ_S

.PHONY: help run test build fuzz-sockets recovery bench-quick bench-page screenshots format clean $(PARTS)

help:
	@echo 'make run          start Easel here; GATEWAYS=3 BOARDS=2 HISTORIES=2 HOST=0.0.0.0 PORT=8080 DATA=data'
	@echo 'make test         all tests, with all their set-up'
	@echo '  make lint       formatting, types of the page, clang-tidy'
	@echo '  make k8s-check  the Kubernetes manifests: strict schemas, our policies'
	@echo '  make unit       the unit tests in C that need no server: seconds'
	@echo '  make asan       all unit tests in C, with a broker, a MongoDB-wire server and ASan and UBSan'
	@echo '  make tsan       the broker link and running services with ThreadSanitizer'
	@echo '  make web        codec and model of the page, in Node'
	@echo '  make service    real services, tested over their sockets'
	@echo '  make chaos      real services that are killed, frozen and cut off: MINUTES=10 SEED=1 STORE=sqlite for long'
	@echo '  make hostile    honest boards draw while others attack: MINUTES=10 SEED=1 STORE=sqlite; one minute in make test'
	@echo '  make k8s        the programs as Kubernetes runs them: settings, probes, image roots'
	@echo '  make sim        the three cores under the simulator, a few hundred seeds'
	@echo '  make browser    the page in headless Chromium'
	@echo '  make fuzz       a short run of each fuzzer; FUZZ_S=1800: half an hour of each'
	@echo 'make fuzz-sockets MINUTES=30 [SEED=7]  the gateway under HTTP, handshakes and frames of every kind, for long'
	@echo 'make recovery     how long it takes until all is right again after a fault: TIMES=20 SEED=1 STORE=sqlite'
	@echo 'make bench-quick  what a delivery costs, in under two minutes'
	@echo 'make bench-page   how fast the page is, beside its targets, in a few minutes'
	@echo 'make screenshots  takes the pictures of the page in docs/img'
	@echo 'make build        the release build alone, in build/release'
	@echo 'make format       formats the sources'
	@echo 'make clean        removes build/ (boards in data/ stay)'

run: build
	@DATA="$(DATA)" scripts/run.sh $(GATEWAYS) $(BOARDS) $(HISTORIES) $(HOST) $(PORT)

build:
	@scripts/setup.sh run
	@scripts/build.sh release --programs

test:
	@scripts/setup.sh test
	@scripts/test.sh $(PARTS)

fuzz-sockets: export MINUTES = 30

$(PARTS) fuzz-sockets recovery bench-quick bench-page screenshots:
	@scripts/setup.sh test
	@scripts/test.sh $@

hostile chaos: export MINUTES := $(MINUTES)
recovery: export TIMES := $(TIMES)
hostile chaos recovery: export SEED := $(SEED)
hostile chaos recovery: export STORE := $(STORE)

format:
	@scripts/format.sh

clean:
	rm -rf build
