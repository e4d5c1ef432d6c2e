# `make` or `make help` lists what can be made.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: need-postgresql build ## See events become a national view (ONCE=1: end by itself)
	bin/berkas dev --demo $(if $(ONCE),--once)

.PHONY: build
build: ## Build bin/berkas
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/berkas ./cmd/berkas

# What tests need from the machine.
NEEDS := need-postgresql need-cc need-openssl need-curl need-jq modules browser fsck
# The packages that take longest begin first.
SLOW := ./cmd/berkas ./web ./projections ./eventstore
# Tests in which the race detector has nothing to see: their files say
# //go:build !race, and why.
PLAIN := InBrowser$$|^TestFlippedBits$$

.PHONY: test test-race test-plain
test: test-race test-plain ## Run all tests (-k: all, whatever fails)

test-race: $(NEEDS)
	CGO_ENABLED=1 $(GO) test -race -timeout 30m $(TESTFLAGS) $(SLOW) ./...

test-plain: $(NEEDS)
	$(GO) test -timeout 30m $(TESTFLAGS) -run '$(PLAIN)' ./web ./cmd/berkas

.PHONY: check check-lint check-module check-generated
check: check-lint check-module check-generated ## Run the linters; see that nothing is stale (-k: all, whatever fails)

check-lint:
	$(GO) vet ./...
	$(LINT) run ./...

check-module:
	$(GO) mod tidy -diff
	$(GO) mod verify

check-generated: need-node
	scripts/vendor.sh
	scripts/generated.sh

.PHONY: format
format: ## Format the code as `make check` wants it
	$(LINT) fmt ./...

.PHONY: fuzz
fuzz: need-postgresql ## Fuzz every decoder (FUZZTIME=5s each)
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: flips
flips: need-postgresql ## Flip ten thousand random bits of a ledger; the doctor has to find them
	BERKAS_FLIPS=10 $(GO) test -timeout 60m -run TestFlippedBits -v ./cmd/berkas

.PHONY: bench
bench: need-postgresql build ## Measure speed, each figure beside its limit (SMOKE=1: briefly)
	bin/berkas bench $(if $(SMOKE),--smoke)

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin coverage.out

# What a target needs from the machine is installed if that can be done.
.PHONY: need-postgresql need-cc need-openssl need-curl need-jq need-node
need-postgresql need-cc need-openssl need-curl need-jq need-node: need-%:
	@scripts/need.sh $*

# The JavaScript packages of tests, as their lock files pin them.
MODULES := examples/agency-node scripts/asyncapi
.PHONY: modules
modules: need-node
	@scripts/modules.sh $(MODULES)

# The program of others that checks the log.
.PHONY: fsck
fsck:
	@scripts/fsck.sh >/dev/null

# Chromium and what drives it.
.PHONY: browser
browser:
	@scripts/browser.sh
