# Targets are described in README.md.
GO        ?= go
BIN       := bin/tierline
TOOLS     := $(GO) tool -modfile=.ci/tools/go.mod
PACKAGES  := ./acd/... ./call/... ./cluster/... ./cmd/... ./docs/... ./ivr/... ./media/... ./routing/...
# Our checks with real peers: not for `go test`.
CHECKS    := ./.ci/bed/... ./.ci/bench/... ./.ci/e2e/... ./.ci/chaos/...
SOAK      := ./acd ./acd/report ./acd/report/interval ./acd/report/store ./routing/rank
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 0

.PHONY: run build test vet lint fmt check race e2e bench chaos fuzz soak properties

build: ## bin/tierline, static
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/tierline

run: build ## a living centre on loopback
	$(BIN) demo

test: vet ## everything that needs only Go, no cgo, loopback only
	$(GO) test -shuffle=on $(PACKAGES)

vet:
	$(GO) vet $(PACKAGES) $(CHECKS)

lint:
	$(TOOLS) golangci-lint run $(PACKAGES) $(CHECKS)

fmt:
	$(TOOLS) golangci-lint fmt $(PACKAGES) $(CHECKS)

check: lint test build ## what a change must pass
	$(GO) mod tidy -diff
	$(TOOLS) deadcode -test $(PACKAGES)
	$(BIN) check testdata/demo
	$(BIN) check testdata/bench
	$(BIN) flow test testdata/demo/tests/*.test.yaml

race: ## needs gcc
	CGO_ENABLED=1 $(GO) test -race -shuffle=on $(PACKAGES)

e2e: build ## real peers: names what is missing, installs nothing
	$(GO) run ./.ci/e2e -tierline $(BIN)

bench: build
	$(GO) run ./.ci/bench -tierline $(BIN)

chaos: build ## three nodes that are killed, stopped, cut off, filled: a table of what is heard of it (needs root)
	$(GO) run ./.ci/chaos -tierline $(BIN) -rounds $(or $(ROUNDS),5)

fuzz: ## every fuzz target for FUZZTIME
	.ci/fuzz $(or $(FUZZTIME),30s)

soak: $(if $(SEEDS),,properties) ## that, and 1,000 lives of three nodes; SEEDS=from-to: only those: some 30 minutes of one core
	.ci/soak $(or $(SEEDS),1-1000)

properties: ## each for 100,000 steps, a million calls against theory, 150 splits
	$(GO) test -timeout 60m $(SOAK) -run 'Propert|Naive' -rapid.checks=400 -rapid.steps=250
	$(GO) test -timeout 60m -tags soak ./acd/sim
	$(GO) test -timeout 60m ./cluster -run TestNobodyActsForWhatOthersHave -splits.seeds 150
