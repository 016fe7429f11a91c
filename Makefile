# What contributors run. .ci/run is what a change must pass.
.DEFAULT_GOAL := help

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## Run the example application, with its sessions in memory
	go run ./examples/webapp

.PHONY: test
test: ## Run all tests; those that need a missing server or browser are skipped
	go test work

.PHONY: test-servers
test-servers: ## Run all tests under the race detector; a missing server or browser fails
	MOORING_REQUIRE_SERVERS=1 MOORING_REQUIRE_BROWSER=1 go test -race -timeout 15m work

.PHONY: long
long: ## Run the tests of the stores with more users, sessions and drivers, and of every pair of steps
	MOORING_LONG=1 MOORING_REQUIRE_SERVERS=1 go test -timeout 30m ./session/integration ./session/integration/failover
	MOORING_LONG=1 go test -timeout 20m -run Pairs ./loginstage/loginstagetest

.PHONY: servers
servers: ## Start PostgreSQL, MariaDB and Redis in containers, at their usual ports
	docker compose up --detach --wait

.PHONY: servers-down
servers-down: ## Stop the containers and forget their data
	docker compose down --volumes

.PHONY: lint
lint: ## Run the linters over every module
	scripts/lint

.PHONY: format
format: ## Format all code, and correct what a linter can correct
	scripts/lint --fix

.PHONY: tidy
tidy: ## Tidy go.mod and go.sum of every module
	scripts/tidy

.PHONY: fuzz
fuzz: ## Fuzz each target for a while; FUZZTIME=1000000x for longer
	scripts/fuzz

.PHONY: bench
bench: ## Measure each path beside the libraries that it is compared with
	go run ./benchmarks/cmd/compare

.PHONY: load
load: ## Load the example application at rising rates
	go run ./benchmarks/cmd/load

MOORING_CRASH_ROUNDS ?= 300
.PHONY: crash
crash: ## Kill processes and servers, 300 times each or MOORING_CRASH_ROUNDS times
	MOORING_CRASH_ROUNDS=$(MOORING_CRASH_ROUNDS) go test -v -timeout 3h ./session/integration/crash

.PHONY: ci
ci: ## Run all that a change must pass
	.ci/run

.PHONY: release
release: ## Cut a release: make release VERSION=v0.1.0 (see docs/release.md)
	scripts/release $(VERSION)
