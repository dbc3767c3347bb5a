# Every command of the project. `make` lists them.
SHELL         := /bin/bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE := $(CURDIR)/.cache

# Tools are pinned here and built by Go from its module proxy; a new version is a new file name, so it is built anew.
GOLANGCI_VERSION := v2.15.0
GOLANGCI         := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

# How long one fuzz target runs in `make test`.
FUZZTIME ?= 3s

# Slow or outside of the machine: left out of `make quick`.
SLOW := /(e2e|bench|contract)(/|$$)

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## start everything on 127.0.0.1:8080 with sample data, no keys needed
	exec $(CACHE)/bin/paylink demo --addr 127.0.0.1:8080 --data $(CACHE)/demo

.PHONY: run
run: build ## serve, configured by the environment
	exec $(CACHE)/bin/paylink serve

.PHONY: build
build: ## build .cache/bin/paylink
	go build -o $(CACHE)/bin/paylink ./cmd/paylink

.PHONY: test
test: setup lint ## install what the tests need, then lint, vet and run every test
	go vet ./...
	@# Three packages at once: the long ones, e2e and its crash loop, spend half of their time waiting.
	go test -p 3 -race -shuffle=on -timeout 20m ./...
	tools/fuzz $(FUZZTIME)

.PHONY: quick
quick: ## unit tests on SQLite: for every save
	go vet ./...
	PAYLINK_TEST_DATABASES=sqlite go test $$(go list ./... | grep -vE '$(SLOW)')

.PHONY: fuzz
fuzz: ## every fuzz target for a minute
	tools/fuzz 60s

# make torture KILLS=2000 SEED=7
KILLS ?= 10000
SEED  ?= 0

.PHONY: torture
torture: ## kill the server KILLS times on each database while people pay, and audit what is left
	go test ./e2e/torture -run 'TestFault_P09' -count=1 -v -timeout 0 -args -kills $(KILLS) -seed $(SEED)

# make guards GUARDS="-in payments -by payments,store -only begin.go"
.PHONY: guards
guards: ## name the conditions of the money code that no test misses
	go run ./tools/guards $(GUARDS)

.PHONY: bench
bench: ## measure what docs/performance.md promises
	tools/bench

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint, pinned
	$(GOLANGCI) run --allow-parallel-runners ./...

.PHONY: fmt
fmt: $(GOLANGCI) ## gofmt
	$(GOLANGCI) fmt ./...

.PHONY: setup
setup: ## install what the tests need (apt as root, npm), or say what is missing
	tools/setup

$(GOLANGCI):
	@mkdir -p $(@D)
	tmp=$$(mktemp -d $(CACHE)/tool.XXXX); trap 'rm -rf "$$tmp"' EXIT; \
	GOBIN="$$tmp" CGO_ENABLED=0 go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION); \
	mv "$$tmp/golangci-lint" $@
