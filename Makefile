# Every entry point of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

PROTOS := $(wildcard proto/alirtc/v1/*.proto)
SOURCES := $(shell find common rtp webrtc coreservice channelserver daemon client console scripts -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name '*.svg' -o -name '*.mjs' 2>/dev/null)

.PHONY: help setup generate build run test test-unit test-integration test-e2e test-browser conformance test-cluster image-test man package package-test soak soak-short fuzz soak-engines check-manifests test-systemd test-cgroup check lint types proto format config-example bench clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

node_modules/.installed: package.json package-lock.json
	npm ci --ignore-scripts
	@touch $@

gen/.generated: $(PROTOS) buf.gen.yaml node_modules/.installed
	rm -rf gen && buf generate proto && touch $@

dist/.built: $(SOURCES) gen/.generated
	node scripts/build.mjs && touch $@

setup: node_modules/.installed ## installs the packages
generate: gen/.generated ## TypeScript from the proto
build: dist/.built ## the executables in dist/bin

run: build ## the main job on real media: SECONDS=10 INPUT=file KEEP=1
	@SECONDS_TO_RECORD=$(or $(SECONDS),10) INPUT='$(INPUT)' KEEP='$(KEEP)' tsx examples/record_channel/main.ts

test: build test-unit test-integration test-e2e test-browser conformance ## all tests that need nothing more than the machine

# Real processes and real time on machines that are shared: what fails is tried twice more.
test-unit: build ## no sockets, no real time
	mocha 'test/unit/**/*.test.ts'
# They wait more than they work: two files at a time. JOBS=1: one after the other, and mocha does not end while a test has left something behind.
test-integration: build ## real processes, and ones that misbehave: JOBS=2
	mocha $(if $(filter 1,$(JOBS)),,--parallel --jobs $(or $(JOBS),2)) --retries 2 'test/integration/**/*.test.ts'
test-e2e: build ## with @livekit/rtc-node at the other end
	mocha --retries 2 'test/e2e/**/*.test.ts'
# Needs Debian's package chromium; pictures of the pages in out/browser.
test-browser: build ## with livekit-client in Chromium at the other end
	mocha --retries 2 'test/browser/**/*.test.ts'

conformance: build ## the rows of the whole interface; writes docs/conformance.md
	rm -f out/conformance/results.jsonl
	mocha --retries 2 'test/conformance/**/*.test.ts'; tsx test/conformance/report.ts

# Builds livekit-server (Go) once, into .cache; needs Debian's redis-server.
test-cluster: build ## against a real LiveKit cluster of two nodes
	tsx test/cluster/support/install.ts
	mocha --retries 2 'test/cluster/**/*.test.ts'
	mocha --retries 2 --require ./test/cluster/support/on_cluster.ts \
	  'test/conformance/channel/*.test.ts' 'test/conformance/messages/*.test.ts' \
	  'test/conformance/video/*.test.ts' 'test/conformance/audio/*.test.ts'

# As root; needs nothing but apt: installs Debian's packages buildah and debootstrap when they are missing. What it makes lies in .cache/image.
image-test: build ## builds the container images without an engine, and runs them on real media
	tsx test/image/support/install.ts
	mocha 'test/image/**/*.test.ts'
check-manifests: setup ## docker/kubernetes against Kubernetes' own schemas, compose files against theirs; tools of Go and PyPI into .cache
	tsx test/manifests/support/install.ts
	mocha 'test/manifests/**/*.test.ts'

# As root, with Debian's packages systemd and util-linux: namespaces with a systemd of their own. Nothing of the machine's own systemd is touched.
test-systemd: build ## the unit of packaging/systemd under a real systemd: ready, watchdog, reload, drain, media
	mocha 'test/systemd/**/*.test.ts'

# Root for apt alone, once: Debian's qemu-system-x86. Debian's kernel in software emulation (TCG, no KVM, no network), with cgroup v2 and a systemd; what it makes lies in .cache/cgroup.
test-cgroup: build ## limits of core processes on a real kernel with cgroup v2, in an emulated machine
	tsx test/cgroup/support/install.ts
	mocha 'test/cgroup/**/*.test.ts'

dist/.man_built: dist/.built
	tsx scripts/man_pages.ts && touch $@
man: dist/.man_built ## the manual pages, in dist/man: alirtc(1), alirtcd(8)

dist/.package_built: dist/.built dist/.man_built
	node scripts/build_package.mjs && touch $@
package: dist/.package_built ## the npm package, in out/package
	mkdir -p out/package && npm pack --ignore-scripts --pack-destination out/package
package-test: dist/.package_built ## the npm package in an empty folder, its types under node16 and bundler resolution
	mocha 'test/package/**/*.test.ts'

check: proto types lint format config-example ## what CI checks before the tests
proto: setup
	buf lint proto
	buf format --diff --exit-code proto
types: generate
	tsc -p .
	tsc -p console
	tsc -p test/browser/page
lint: generate
	eslint .
format: setup
	prettier --check --log-level warn .

config-example: generate
	tsx scripts/example_config.ts --check

# COUNT=500; engines in a row, then whether memory, descriptors, ports or time have grown.
soak-engines: build ## creates and releases engines in a row
	tsx test/soak/create_release.ts

# MINUTES=30 ENGINES=8 SEED=1; a seed repeats what the engines and the faults do, not when the machine lets them.
soak: build ## engines join, publish, are killed, clients vanish; then whether anything is left
	tsx test/soak/main.ts
soak-short: build ## the same with three engines for two minutes
	mocha test/soak/short_soak.test.ts

# MINUTES=10 each, TARGET=ipc,grpc,websocket,rtp, SEED=n for the same inputs again, CASE=property:index for one of them. Wants what the tests want.
fuzz: build ## broken input at every door: IPC, gRPC, WebSocket, RTP and RTCP
	tsx test/fuzz/main.ts

# Nothing is refused for lack of capacity: how much it takes is what is measured.
bench: build ## measurements, each beside its peer
	ALIRTCD_CAPACITY_MS=1000000 tsx bench/main.ts

clean: ## removes what was built
	rm -rf dist gen out .cache
