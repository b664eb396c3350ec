# Every command that this project needs. `make help` lists them.

SEEDS ?= 500
MINUTES ?= 3
OPS ?= 1000000
SECONDS ?= 60
MODULES ?=
MODULE ?= ledger
SIZES ?= 10,1000
GO ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The suites that run on fakes, and on real servers where the environment names them.
REAL = ./integration/... ./store/... ./depot/... ./redisstate/... ./kafkadepot/... ./internal/stack/... ./internal/chaos/... ./internal/cli/...

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

test: ## run the tests; needs no service
	$(GO) test -timeout 4m ./...

race: ## run the tests with the race detector
	$(GO) test -race -timeout 8m ./...

lint: ## check the form and the usual mistakes, in bench too
	@unformed=$$(gofmt -l .); test -z "$$unformed" || { echo "gofmt would change:"; echo "$$unformed"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	cd bench && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...
	cd console/browsertest && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...

simulate: ## run the engine through SEEDS=500 seeds of its simulated world; MODULES=bank,tree: of these workloads
	@$(GO) run ./cmd/simulate -seeds $(SEEDS) $(if $(MODULES),-workloads $(MODULES))

integration: ## run the suites on real servers: those of make stack, else own ones that end with it
	$(GO) run ./cmd/stack run -- $(GO) test -count=1 -timeout 10m $(REAL)

console-test: ## use the console in a headless Chromium; SHOTS=docs/console: with new pictures for the documentation
	@chromium=$$(.ci/chromium) && cd console/browsertest && COPPICE_CHROMIUM=$$chromium COPPICE_SHOTS=$(if $(SHOTS),$(abspath $(SHOTS))) $(GO) test -count=1 -timeout 6m ./...

mutants: ## make mistakes in the protocol, and have the simulator find each
	@$(GO) run ./cmd/mutants

model: ## OPS=1000000 random operations on every kind of PState, on Redis and on Valkey, against maps in memory
	@$(GO) run ./cmd/model -ops $(OPS) -servers redis-server,$${COPPICE_TEST_REDIS_NEWER:-$$(.ci/valkey || echo "model: no Valkey here; it is left out" >&2)}

fuzz: ## each fuzz target for SECONDS=60; what one finds is kept beside it and run by the tests
	@set -e; for file in $$(grep -rl --include='*_test.go' --exclude-dir=bench '^func Fuzz' . | sort); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' $$file); do \
			echo "== $$(dirname $$file) $$name"; \
			$(GO) test $$(dirname $$file) -run '^$$' -fuzz "^$$name$$" -fuzztime $(SECONDS)s; \
		done; \
	done

chaos: ## break real processes for MINUTES=3, and check what is left; MODULE=bank: of an exactly-once stream, MODULE=bank-microbatch: of microbatches
	@$(GO) run ./cmd/chaos -minutes $(MINUTES) -module $(MODULE)

takeover: ## measure how long tasks stand still when workers die or pass them on, with SIZES=10,1000 MB
	@$(GO) run ./cmd/takeover -sizes $(SIZES)

bench: ## measure against the loop written by hand, on real servers as integration does
	$(GO) run ./cmd/stack run -- sh -c 'cd bench && $(GO) run . -kafka $$COPPICE_TEST_KAFKA -redis $$COPPICE_TEST_REDIS'

stack: ## start Kafka, Redis and a Redis cluster: by compose, else natively
	@$(GO) run ./cmd/stack up

stack-down: ## end what make stack started, and nothing else
	@$(GO) run ./cmd/stack down

demo: ## process real flights in this process
	$(GO) run ./cmd/coppice demo

.PHONY: help test race lint simulate integration console-test mutants model fuzz chaos takeover bench stack stack-down demo
