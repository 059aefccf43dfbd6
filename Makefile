# make run    build and start the server on 127.0.0.1:4566
# make test   install what the tests need and run all of them
# make check  the gates: format, vet, lint, generated files
# make bench  measure a server on this machine (long)
# make bench-compare PEER=path/to/victoria-logs   the same load and questions, side by side (long)

SHELL  := bash
GO     ?= go
CACHE  := $(CURDIR)/.cache
VENV   := $(CACHE)/clients
LISTEN ?= 127.0.0.1:4566

.PHONY: run build test test-unit test-race test-clients clients check format vet lint generate-clean fuzz bench bench-compare clean

run: build
	@exec bin/cumulog serve --listen $(LISTEN)

build:
	$(GO) build -o bin/cumulog ./cmd/cumulog

# Packages whose tests drive whole processes: they run after the others, without the race detector of the test binary.
PROCESS_TESTS := ./test/...
UNIT_TESTS     = $$($(GO) list ./... | grep -v '^github.com/cumulog/cumulog/test/')

test: clients test-race test-unit test-tools test-clients

# Everything in process under the race detector, the long random runs shortened: it makes them ten times slower. All packages have to be
# instrumented: without SQLite it is three times as fast, but reports races that are none, as generic code of sync is shared.
test-race:
	$(GO) test -race -short -timeout 15m $(UNIT_TESTS)

# The same in full, without it.
test-unit:
	$(GO) test -timeout 10m $(UNIT_TESTS)

.PHONY: test-tools
test-tools:
	cd tools && $(GO) test ./...

# Real clients and real processes.
test-clients: build clients
	CUMULOG_BINARY=$(CURDIR)/bin/cumulog CUMULOG_CLIENTS=$(VENV)/bin $(GO) test -timeout 15m $(PROCESS_TESTS)

clients:
	@test/clients/install.sh $(VENV)

check: format vet lint generate-clean

format:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "gofmt these files:"; echo "$$unformatted"; exit 1; fi

vet:
	$(GO) vet ./...
	cd tools && $(GO) vet ./...

bin/staticcheck: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && $(GO) build -o $(CURDIR)/bin/staticcheck honnef.co/go/tools/cmd/staticcheck

lint: bin/staticcheck
	bin/staticcheck ./...
	$(GO) test -count=1 ./internal/deptest

# Generated files must be what the generators make now.
generate-clean:
	@.ci/generate-clean

# A short run of every fuzz target.
FUZZTIME ?= 3s
fuzz:
	@.ci/fuzz $(FUZZTIME)

bench: build
	$(GO) run ./test/bench -server bin/cumulog

bench-compare: build
	@test -n "$(PEER)" || { echo "say which VictoriaLogs binary: make bench-compare PEER=path"; exit 2; }
	$(GO) run ./test/bench -server bin/cumulog -peer "$(PEER)"

clean:
	rm -rf bin $(CACHE)
