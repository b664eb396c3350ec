# Every command that this project needs. `make help` lists them.

SEEDS ?= 500
MINUTES ?= 3
OPS ?= 1000000
SECONDS ?= 60
MODULES ?=
MODULE ?= ledger
SIZES ?= 10,1000
WORKLOAD ?= count
BENCHFLAGS ?=
TAKEOVERFLAGS ?=
GO ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0
VULNDB ?=

# What is a Go module of its own, beside this one: lint, vulnerabilities and licences look at them, too.
MODULES_BESIDE = bench site deploy/kubernetes examples/service/otlp telemetry/export console/browsertest

# The suites that run on fakes, and on real servers where the environment names them.
REAL = ./integration/... ./store/... ./depot/... ./redisstate/... ./kafkadepot/... ./internal/stack/... ./internal/chaos/... ./internal/cli/...

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

# make lint vets, with all of vet's checks: the tests do not do it again. Seventy programs are
# linked without what debuggers want, which is a third of linking them.
test: ## run the tests; needs no service
	$(GO) test -vet=off -ldflags=-w -timeout 4m ./...

race: ## run the tests with the race detector
	$(GO) test -vet=off -ldflags=-w -race -timeout 8m ./...

lint: ## check the form and the usual mistakes, in bench and telemetry/export too
	@unformed=$$(gofmt -l .); test -z "$$unformed" || { echo "gofmt would change:"; echo "$$unformed"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@set -e; for module in $(MODULES_BESIDE); do (cd $$module && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...); done

simulate: ## run the engine through SEEDS=500 seeds of its simulated world; MODULES=bank,tree: of these workloads
	@$(GO) run ./cmd/simulate -seeds $(SEEDS) $(if $(MODULES),-workloads $(MODULES))

integration: ## run the suites on real servers: those of make stack, else own ones that end with it
	$(GO) run ./cmd/stack run -- $(GO) test -vet=off -count=1 -timeout 10m $(REAL)
	$(GO) test -vet=off -count=1 -timeout 4m ./integration/virtual -first 11 -seeds 20

bench-test: ## run the tests of the bench
	cd bench && $(GO) test -timeout 4m .

secure-test: ## run the suite of TLS, users, rights and certificates on secure servers of its own, and those of tokens, roles and limits of HTTP
	$(GO) run ./cmd/stack run --secure -- $(GO) test -vet=off -count=1 -timeout 8m ./integration ./internal/cli -run '^TestSecure'
	$(GO) test -vet=off -count=1 ./httpauth ./certs ./connect ./secret
	$(GO) test -vet=off -count=1 ./httpapi ./internal/cli -run 'Slow|Authorize|Serve|Outlives|Access'

console-test: ## use the console in a headless Chromium; SHOTS=docs/console: with new pictures for the documentation
	@chromium=$$(.ci/chromium) && cd console/browsertest && COPPICE_CHROMIUM=$$chromium COPPICE_SHOTS=$(if $(SHOTS),$(abspath $(SHOTS))) $(GO) test -count=1 -timeout 6m ./...

stored: ## keep what today's code stores as NAME=0.1.0: integration/testdata/upgrade has it of each version that is read
	@test -n "$(NAME)" || { echo 'make stored NAME=0.1.0'; exit 2; }
	COPPICE_STORED=$(NAME) $(GO) test -count=1 ./integration -run '^TestUpgradeKeepsWhatIsStored$$'

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

rolling-test: ## replace three workers one by one under load, by another version and back: nothing lost or doubled, and how long tasks pause
	@$(GO) run ./cmd/rolling

# The standard library that is looked at is that of the Go that go.mod names.
vulnerabilities: ## look the dependencies, and what of them is called, up in the database of known vulnerabilities; VULNDB=golang.org/x/vulndb@latest: in the copy that GOPROXY has, file:///folder: in another one
	@GOTOOLCHAIN=$$(sed -n 's/^toolchain //p' go.mod) $(GO) run ./cmd/vulnerabilities -tool $(GOVULNCHECK) -db '$(VULNDB)' . $(MODULES_BESIDE)

licences: ## tell the licence of every module that is needed, and fail for one that does not go with Apache-2.0
	@$(GO) run ./cmd/licences . $(MODULES_BESIDE)

deploy-test: ## decode the manifests of Kubernetes strictly, by the types of its API
	cd deploy/kubernetes && $(GO) test ./...

alerts-test: ## evaluate the alert rules on the series of deploy/prometheus/alerts_test.yml by promtool, which takes minutes to build
	cd deploy/prometheus && $(GO) run github.com/prometheus/prometheus/cmd/promtool@v0.316.0 test rules alerts_test.yml

site: ## make the documentation site in .site, with every link and every block of code checked
	cd site && $(GO) run . -root .. -out ../.site

takeover: ## measure how long tasks stand still when workers die or pass them on, with SIZES=10,1000 MB; 10,1000,5000 for docs/performance.md: Redis takes 11 GB, and the run ten minutes
	@rm -f bench/results/takeover.json
	@$(GO) run ./cmd/takeover -sizes $(SIZES) -json bench/results/takeover.json $(TAKEOVERFLAGS)

BENCH = $(GO) run ./cmd/stack run --parts kafka,redis -- sh -c 'cd bench && $(GO) run . -kafka $$COPPICE_TEST_KAFKA -redis $$COPPICE_TEST_REDIS $(BENCHFLAGS) "$$@"' bench

# A file of results is gone while it is measured: should that fail, the page says so, instead of what was once.
bench: ## measure against the loop written by hand, on real servers as integration does; BENCHFLAGS="-rounds 3"
	@rm -f bench/results/bench.json
	$(BENCH) -json results/bench.json

STATE_RESULTS = bench/results/state.json bench/results/growth.json bench/results/visible.json bench/results/local.json

bench-state: ## measure state that is not in memory, readers, one huge record, overload, and how all grows; take-over is make takeover's
	@rm -f $(STATE_RESULTS)
	@failed=; \
	$(BENCH) -workloads cold,reads,fairness,overload -count 1000000 -json results/state.json || failed=1; \
	$(BENCH) -workloads growth -count 1000000 -words 50000 -json results/growth.json || failed=1; \
	$(BENCH) -workloads visible -json results/visible.json || failed=1; \
	$(BENCH) -workloads local -json results/local.json || failed=1; \
	test -z "$$failed"

bench-peers: ## measure against Kafka Streams, Flink and Storm: our own programs, by Maven
	@rm -f bench/results/peers.json
	$(BENCH) -workloads peer-ack,peer-count,peer-words,peer-count-long,peer-words-long -json results/peers.json

profile: ## where an event's time goes, by stage; WORKLOAD=count, words, exactly-once, microbatch or hand; ack,floor or ack-64,floor-64 of an acked append
	@rm -f bench/results/profile.json
	$(BENCH) -workloads floors,profile -profile $(WORKLOAD) -rounds 5 -json results/profile.json

# What fails costs its own figures. A missed goal fails takeover, which is no failure of measuring.
performance: ## measure everything, and write docs/performance.md (about an hour); what fails is told at the end
	@failed=; for part in bench bench-state bench-peers; do $(MAKE) $$part || failed="$$failed $$part"; done; \
	$(MAKE) takeover SIZES=10,1000,5000; \
	$(MAKE) profile WORKLOAD=count,hand,words,ack,floor,ack-64,floor-64 || failed="$$failed profile"; \
	$(MAKE) performance-page && test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

performance-page: ## write docs/performance.md from what was measured last
	cd bench && $(GO) run . -document ../docs/performance.md

trace-test: ## a record's trace and all metrics at a collector, and a stuck record found by its name
	cd telemetry/export && $(GO) test -count=1 -timeout 4m ./...
	cd examples/service/otlp && $(GO) test -count=1 -timeout 4m .
	$(GO) test -count=1 -timeout 4m ./integration ./internal/cli -run 'Trace|Stuck|Attempts'

trace-bench: ## measure what spans of one record in 1,000 and metrics cost, with and without in turn (A B B A), on real servers as integration does (about 6 minutes)
	$(GO) run ./cmd/stack run --parts kafka,redis -- sh -c 'cd telemetry/export && $(GO) run ./overhead -kafka $$COPPICE_TEST_KAFKA -redis $$COPPICE_TEST_REDIS'

stack: ## start Kafka, Redis and a Redis cluster: by compose, else natively
	@$(GO) run ./cmd/stack up

stack-down: ## end what make stack started, and nothing else
	@$(GO) run ./cmd/stack down

examples: ## run all examples, and hold what they print against what they are to print
	@$(GO) run ./examples all

demo: ## process real flights in this process
	$(GO) run ./cmd/coppice demo

.PHONY: help test race lint simulate integration bench-test secure-test console-test stored mutants model fuzz chaos rolling-test vulnerabilities licences deploy-test alerts-test site takeover bench bench-state bench-peers profile performance performance-page trace-test trace-bench stack stack-down examples demo
